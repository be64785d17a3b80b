-- Up to which tier have customers come in the newest cycle? What was retracted has given its units back, and what
-- came too late counts in a cycle that is closed.
WITH counted AS (
  SELECT s.customer_id, s.meter, s.`cycle`, s.quantity
  FROM billing_slices AS s LEFT JOIN billing_records AS r ON r.kind = 'RETRACTION' AND r.retracts = s.record_id
  WHERE r.record_id IS NULL AND NOT s.late
)
SELECT meter, tier, COUNT(*) AS customers, SUM(units) AS units
FROM (
  SELECT meter, units, tier_of(meter, units, customer_id) AS tier
  FROM (
    SELECT customer_id, meter, SUM(quantity) AS units
    FROM counted
    WHERE `cycle` = (SELECT MAX(`cycle`) FROM counted)
    GROUP BY customer_id, meter
  )
)
GROUP BY meter, tier
ORDER BY meter, tier;
