"""Subscription events -> charges (contract, section 7).

It owns: the order of a customer's events, what a plan costs, which charge holds at which instant.
It does not own: Kafka, Flink, protobuf, or what a charge comes to on a bill (`billing.invoicing`).
"""
