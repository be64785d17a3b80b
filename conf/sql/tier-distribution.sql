-- Up to which tier did customers come in the newest cycle?
SELECT meter, tier, COUNT(*) AS customers, SUM(units) AS units
FROM (
  SELECT meter, units, tier_of(meter, units, customer_id) AS tier
  FROM (
    SELECT customer_id, meter, MAX(to_unit) AS units
    FROM billing_slices
    WHERE `cycle` = (SELECT MAX(`cycle`) FROM billing_slices)
    GROUP BY customer_id, meter
  )
)
GROUP BY meter, tier
ORDER BY meter, tier;
