-- What did surge add, by day, meter and factor? Without what was retracted.
SELECT DATE_FORMAT(a.event_time, 'yyyy-MM-dd') AS `day`, a.meter, a.factor, a.currency,
       COUNT(*) AS `lines`, COUNT(DISTINCT a.customer_id) AS customers, SUM(a.amount) AS added
FROM billing_adjustments AS a LEFT JOIN billing_records AS r ON r.kind = 'RETRACTION' AND r.retracts = a.record_id
WHERE r.record_id IS NULL AND a.kind = 'SURGE'
GROUP BY DATE_FORMAT(a.event_time, 'yyyy-MM-dd'), a.meter, a.factor, a.currency
ORDER BY `day`, meter, factor, currency;
