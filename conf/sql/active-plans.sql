-- How many subscriptions, seats and how much a period does each plan bring, as of now?
SELECT plan, `interval`, currency, COUNT(*) AS subscriptions, SUM(quantity) AS seats, SUM(price) AS price
FROM charges_in_force
WHERE valid_from <= CURRENT_TIMESTAMP AND (valid_to IS NULL OR valid_to > CURRENT_TIMESTAMP)
GROUP BY plan, `interval`, currency
ORDER BY currency, price DESC;
