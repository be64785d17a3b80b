"""Records and charges -> daily bills and invoices (contract, section 7), for any time and as known at any time.

It owns: what is billed in which period, proration, corrections, minimum spend, credit, rounding, numbers.
It does not own: what usage costs (`billing.rating`), what a plan costs (`billing.subscriptions`), Kafka, layout.
"""
