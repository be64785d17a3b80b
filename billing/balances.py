"""What a customer has used and owes: a fold of its billing records (contract, section 8).

Records carry absolute totals, so that the fold takes the latest record of each meter and may
skip those before it. Amounts stay the exact decimal text of the records: nothing is added up.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple


class Line(NamedTuple):
    """What a balance takes from a billing record.

    `as_of_ms` is the partition clock after the record. `closes` marks a CYCLE_CLOSE, which
    says nothing that the records before it have not said.
    """

    sequence: int
    as_of_ms: int
    price_book: str
    cycle: str
    currency: str
    total: str
    meter: str
    quantity: int
    amount: str
    closes: bool
    credit: str = ""


class MeterBalance(NamedTuple):
    """A meter's units and amount in the balance's cycle."""

    quantity: int
    amount: str


@dataclass(slots=True)
class Balance:
    """A customer's newest cycle, up to the record with number `sequence`; 0: no record yet."""

    sequence: int = 0
    as_of_ms: int = 0
    price_book: str = ""
    cycle: str = ""
    currency: str = ""
    total: str = "0"
    credit: str = ""
    meters: dict[str, MeterBalance] = field(default_factory=dict)

    def take(self, line: Line) -> bool:
        """Fold one record in; returns whether it was news. A record of an older cycle moves the number alone."""
        if line.sequence <= self.sequence:
            return False
        self.sequence = line.sequence
        self.as_of_ms = max(self.as_of_ms, line.as_of_ms)
        if not line.closes:
            self.credit = line.credit
        if line.closes or line.cycle < self.cycle:
            return True
        if (line.cycle, line.price_book) != (self.cycle, self.price_book):
            self.cycle, self.price_book, self.currency = line.cycle, line.price_book, line.currency
            self.meters = {}
        self.total = line.total
        self.meters[line.meter] = MeterBalance(line.quantity, line.amount)
        return True

    def take_all(self, lines: Iterable[Line]) -> bool:
        """Fold records in, in the order of their numbers; returns whether one was news."""
        news = False
        for line in sorted(lines):
            news = self.take(line) or news
        return news


class OpenCalls(NamedTuple):
    """What a customer's sessions that run would cost, none of it billed; `change` orders what is said of it."""

    change: int = 0
    sessions: int = 0
    total: str = "0"
    currency: str = ""
    sequence: int = 0
    as_of_ms: int = 0


NONE_OPEN = OpenCalls()
"""Of a customer of whom no session was ever seen."""


@dataclass(slots=True)
class CustomerBalance:
    """A customer's balance as it will probably be, as it is for good, and what runs and is not in it yet."""

    live: Balance = field(default_factory=Balance)
    settled: Balance = field(default_factory=Balance)
    open: OpenCalls = NONE_OPEN

    def take_open(self, calls: OpenCalls) -> bool:
        """Take what is said of open sessions, unless it is older; returns whether it was news."""
        if calls.change < self.open.change or calls == self.open:
            return False
        self.open = calls
        return True

    def take_live(self, lines: Iterable[Line]) -> bool:
        """Fold records in that may yet be aborted, in the order of their numbers; returns whether one was news."""
        return self.live.take_all(lines)

    def take_settled(self, lines: Iterable[Line]) -> bool:
        """Fold committed records in; where they have caught up with the live ones, these count no more."""
        news = self.settled.take_all(lines)
        if news and self.settled.sequence >= self.live.sequence:
            self.live = replace(self.settled, meters=dict(self.settled.meters))
        return news
