-- What does each promotion cost, and whom does it reach? Without what was retracted.
SELECT a.id AS promotion, a.currency, COUNT(DISTINCT a.customer_id) AS customers, COUNT(*) AS `lines`,
       SUM(a.free_units) AS free_units, -SUM(a.amount) AS given_away
FROM billing_adjustments AS a LEFT JOIN billing_records AS r ON r.kind = 'RETRACTION' AND r.retracts = a.record_id
WHERE r.record_id IS NULL AND a.kind = 'PROMOTION'
GROUP BY a.id, a.currency
ORDER BY currency, given_away DESC;
