-- Who owes most now, what is left of prepaid credit, and which meter is the largest part? The first ten of each currency.
SELECT customer_id, `cycle`, format_money(total, currency) AS owes, credit, as_of, meter AS largest_meter, amount
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY currency ORDER BY total DESC, customer_id) AS place
  FROM (
    SELECT b.customer_id, b.`cycle`, b.total, b.currency, b.credit, b.as_of, m.meter, m.amount,
           ROW_NUMBER() OVER (PARTITION BY b.customer_id ORDER BY m.amount DESC, m.meter) AS meter_place
    FROM billing_balances AS b JOIN billing_balance_meters AS m ON b.customer_id = m.customer_id
  )
  WHERE meter_place = 1
)
WHERE place <= 10
ORDER BY currency, total DESC, customer_id;
