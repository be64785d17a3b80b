-- What does each promotion cost, and whom does it reach?
SELECT id AS promotion, currency, COUNT(DISTINCT customer_id) AS customers, COUNT(*) AS `lines`,
       SUM(free_units) AS free_units, -SUM(amount) AS given_away
FROM billing_adjustments
WHERE kind = 'PROMOTION'
GROUP BY id, currency
ORDER BY currency, given_away DESC;
