-- What could not be billed, why, and since when?
SELECT source.topic AS topic, reason, COUNT(*) AS letters, COUNT(DISTINCT customer_id) AS customers,
       MIN(record_timestamp) AS `first`, MAX(record_timestamp) AS `last`, MAX(detail) AS example
FROM billing_deadletters
GROUP BY source.topic, reason
ORDER BY letters DESC, topic, reason;
