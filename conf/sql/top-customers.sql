-- Who has spent most in the newest cycle? The first ten of each currency.
SELECT customer_id, currency, amount, `lines`
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY currency ORDER BY amount DESC, customer_id) AS place
  FROM (
    SELECT customer_id, currency, SUM(amount) AS amount, COUNT(*) AS `lines`
    FROM billing_records
    WHERE `cycle` = (SELECT MAX(`cycle`) FROM billing_records)
    GROUP BY customer_id, currency
  )
)
WHERE place <= 10
ORDER BY currency, amount DESC, customer_id;
