-- How much of what is billed came too late for its own cycle?
SELECT `cycle`, currency, COUNT(*) FILTER (WHERE late) AS late_lines, COUNT(*) AS all_lines,
       COALESCE(SUM(amount) FILTER (WHERE late), 0) AS late_amount, SUM(amount) AS amount,
       CAST(100.0 * COUNT(*) FILTER (WHERE late) / COUNT(*) AS DECIMAL(5, 2)) AS percent_of_lines
FROM billing_records
WHERE kind <> 'CYCLE_CLOSE'
GROUP BY `cycle`, currency
ORDER BY `cycle`, currency;
