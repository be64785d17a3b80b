-- Who used less than half as much in the last 7 days as in the 7 days before? Days count back from the newest record.
SELECT customer_id, currency, earlier, lately, CAST(100 * lately / earlier AS DECIMAL(9, 1)) AS percent_left
FROM (
  SELECT customer_id, currency,
         COALESCE(SUM(amount) FILTER (WHERE event_time <= newest - INTERVAL '7' DAY), 0) AS earlier,
         COALESCE(SUM(amount) FILTER (WHERE event_time > newest - INTERVAL '7' DAY), 0) AS lately
  FROM billing_records, (SELECT MAX(event_time) AS newest FROM billing_records)
  WHERE event_time > newest - INTERVAL '14' DAY AND kind IN ('USAGE', 'SESSION')
  GROUP BY customer_id, currency
)
WHERE earlier > 0 AND lately < earlier / 2
ORDER BY currency, earlier - lately DESC;
