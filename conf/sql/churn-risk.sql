-- Who used less than half as much in the last 7 days as in the 7 days before? Days count back from the newest record.
-- Without what was retracted.
SELECT customer_id, currency, earlier, lately, CAST(100 * lately / earlier AS DECIMAL(9, 1)) AS percent_left
FROM (
  SELECT u.customer_id, u.currency,
         COALESCE(SUM(u.amount) FILTER (WHERE u.event_time <= newest - INTERVAL '7' DAY), 0) AS earlier,
         COALESCE(SUM(u.amount) FILTER (WHERE u.event_time > newest - INTERVAL '7' DAY), 0) AS lately
  FROM billing_records AS u CROSS JOIN (SELECT MAX(event_time) AS newest FROM billing_records)
       LEFT JOIN billing_records AS r ON r.kind = 'RETRACTION' AND r.retracts = u.record_id
  WHERE r.record_id IS NULL AND u.event_time > newest - INTERVAL '14' DAY AND u.kind IN ('USAGE', 'SESSION')
  GROUP BY u.customer_id, u.currency
)
WHERE earlier > 0 AND lately < earlier / 2
ORDER BY currency, earlier - lately DESC;
