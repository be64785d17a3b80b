-- Who has spent most in the newest cycle?
SELECT customer_id, currency, SUM(amount) AS amount, COUNT(*) AS `lines`
FROM billing_records
WHERE `cycle` = (SELECT MAX(`cycle`) FROM billing_records)
GROUP BY customer_id, currency
ORDER BY currency, amount DESC
LIMIT 10;
