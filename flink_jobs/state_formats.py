"""What each job keeps in savepoints: operators with state, and the formats of messages that Flink cannot see into.

docs/reference/state.md says what all of it is.
"""

from collections.abc import Mapping
from typing import NamedTuple

from flink_jobs.settings import BALANCES_JOB, INVOICING_JOB, SUBSCRIPTIONS_JOB, USAGE_RATING
from wire import account_state, balance_state, customer_state, notes, subscriber_state, surge_shown, surge_state


class Formats(NamedTuple):
    """The format that this release writes, and those that it reads."""

    writes: int
    reads: tuple[int, ...]


class JobState(NamedTuple):
    """The uids of operators that hold state, and the formats of its messages by the name of the state."""

    operators: frozenset[str]
    formats: Mapping[str, Formats]

    @property
    def reads(self) -> dict[str, tuple[int, ...]]:
        """The formats that are read, by the name of the state."""
        return {name: one.reads for name, one in self.formats.items()}


_PRICES = ("pricing.books", "pricing.contracts")

STATES: Mapping[str, JobState] = {
    USAGE_RATING: JobState(
        frozenset(
            {
                "usage-events", *_PRICES, "pricing.signals", "usage-framer", "count-demand", "decide-surge",
                "rate-usage", "progress-billing.records", "billing-topics", "Sink Committer: billing-topics",
            }
        ),
        {
            "customers": Formats(customer_state.FORMAT, customer_state.READABLE),
            "surge-detectors": Formats(surge_state.FORMAT, surge_state.READABLE),
            "surge-signals": Formats(surge_state.FORMAT, surge_state.READABLE),
        },
    ),
    BALANCES_JOB: JobState(
        frozenset(
            {
                "live-records", "settled-records", "open-sessions", "surge-rates", "keep-balances", "keep-surge",
                "billing-balances", "Sink Committer: billing-balances",
            }
        ),
        {
            "balances": Formats(balance_state.FORMAT, balance_state.READABLE),
            "shown-surge": Formats(surge_shown.FORMAT, surge_shown.READABLE),
        },
    ),
    SUBSCRIPTIONS_JOB: JobState(
        frozenset(
            {
                "subscription-events", *_PRICES, "subscription-framer", "decide-subscriptions",
                "progress-billing.charges", "billing-topics", "Sink Committer: billing-topics",
            }
        ),
        {"subscribers": Formats(subscriber_state.FORMAT, subscriber_state.READABLE)},
    ),
    INVOICING_JOB: JobState(
        frozenset(
            {
                "billing-facts", "fact-framer", *_PRICES, "invoice-facts",
                "billing-invoices", "Sink Committer: billing-invoices",
            }
        ),
        {
            "accounts": Formats(account_state.FORMAT, account_state.READABLE),
            "notes": Formats(notes.FORMAT, notes.READABLE),
        },
    ),
}  # fmt: skip
"""By job."""
