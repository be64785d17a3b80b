-- What did surge add, by day, meter and factor?
SELECT DATE_FORMAT(event_time, 'yyyy-MM-dd') AS `day`, meter, factor, currency,
       COUNT(*) AS `lines`, COUNT(DISTINCT customer_id) AS customers, SUM(amount) AS added
FROM billing_adjustments
WHERE kind = 'SURGE'
GROUP BY DATE_FORMAT(event_time, 'yyyy-MM-dd'), meter, factor, currency
ORDER BY `day`, meter, factor, currency;
