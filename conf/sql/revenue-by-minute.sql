-- What does each meter bring in, minute by minute of event time? The newest hour that anything happened in.
SELECT window_start AS `minute`, meter, currency, SUM(quantity) AS units, SUM(amount) AS amount
FROM TABLE(TUMBLE(TABLE billing_records, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
WHERE event_time > (SELECT MAX(event_time) - INTERVAL '1' HOUR FROM billing_records) AND kind <> 'CYCLE_CLOSE'
GROUP BY window_start, window_end, meter, currency
ORDER BY `minute` DESC, meter, currency;
