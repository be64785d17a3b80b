"""The topics of the contract, section 2: names and how they are made."""

from dataclasses import dataclass

USAGE_EVENTS = "usage.events"
SUBSCRIPTION_EVENTS = "subscription.events"
PRICE_BOOKS = "pricing.books"
CONTRACTS = "pricing.contracts"
SIGNALS = "pricing.signals"
SURGE = "pricing.surge"
RECORDS = "billing.records"
SESSIONS = "billing.sessions"
BALANCES = "billing.balances"
CHARGES = "billing.charges"
INVOICES = "billing.invoices"
NOTES = "invoice.notes"
ALERTS = "billing.alerts"
DEAD_LETTERS = "billing.deadletters"

TOPICS_BY_TAG = (RECORDS, DEAD_LETTERS, ALERTS, BALANCES, SURGE, CHARGES, INVOICES, SESSIONS)
"""In the order of wire.frames.Tag."""

MAX_INPUT_BYTES = 2 * 1024 * 1024
MAX_DEAD_LETTER_BYTES = 3 * MAX_INPUT_BYTES
"""A dead letter holds its record's bytes, and the key twice: no record that a topic took may be too large for it."""
MAX_INVOICE_BYTES = MAX_DEAD_LETTER_BYTES
"""Holds `billing.invoicing.lines.MAX_LINES` of the longest names that there may be."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic to be made.

    `keeps_all`: compaction waits for ever, because records refer to offsets of what was published.
    `one_partition`: its offsets are one line of time, which records refer to (`books_offset`).
    """

    name: str
    compacted: bool = False
    keeps_all: bool = False
    one_partition: bool = False
    max_message_bytes: int = MAX_INPUT_BYTES


ALL = (
    Topic(USAGE_EVENTS),
    Topic(SUBSCRIPTION_EVENTS),
    Topic(PRICE_BOOKS, compacted=True, keeps_all=True, one_partition=True),
    Topic(CONTRACTS, compacted=True, keeps_all=True, one_partition=True),
    Topic(SIGNALS),
    Topic(SURGE),
    Topic(RECORDS),
    Topic(BALANCES, compacted=True),
    Topic(SESSIONS, compacted=True),
    Topic(CHARGES),
    Topic(INVOICES, max_message_bytes=MAX_INVOICE_BYTES),
    Topic(NOTES),
    Topic(ALERTS),
    Topic(DEAD_LETTERS, max_message_bytes=MAX_DEAD_LETTER_BYTES),
)
