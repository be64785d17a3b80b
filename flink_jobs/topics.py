"""The topics of the contract, section 2: names and how they are made."""

from dataclasses import dataclass

USAGE_EVENTS = "usage.events"
SUBSCRIPTION_EVENTS = "subscription.events"
PRICE_BOOKS = "pricing.books"
CONTRACTS = "pricing.contracts"
SIGNALS = "pricing.signals"
SURGE = "pricing.surge"
RECORDS = "billing.records"
BALANCES = "billing.balances"
CHARGES = "billing.charges"
INVOICES = "billing.invoices"
ALERTS = "billing.alerts"
DEAD_LETTERS = "billing.deadletters"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic to be made.

    `one_partition`: its offsets are one line of time, which records refer to (`books_offset`).
    """

    name: str
    compacted: bool = False
    one_partition: bool = False


ALL = (
    Topic(USAGE_EVENTS),
    Topic(SUBSCRIPTION_EVENTS),
    Topic(PRICE_BOOKS, compacted=True, one_partition=True),
    Topic(CONTRACTS, compacted=True, one_partition=True),
    Topic(SIGNALS),
    Topic(SURGE),
    Topic(RECORDS),
    Topic(BALANCES, compacted=True),
    Topic(CHARGES),
    Topic(INVOICES),
    Topic(ALERTS),
    Topic(DEAD_LETTERS),
)
