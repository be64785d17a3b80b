"""What the oracle answers: the ledger, and the account of each customer that fills it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .arrival import Arrival
from .books import Contract, PriceBook, Settings
from .charge import Charge, CycleUsage
from .log import START, Event
from .rewards import Rewards
from .times import Cycle, cycle_of

CycleId = tuple[str, str]  # book id and cycle name: each book has its own timezone and currency
RecordId = tuple[tuple[str, ...], str]  # what it is of (the wire has a hash of that), and the rest as on the wire
Position = tuple[int, int]  # partition and offset


@dataclass
class Ledger:
    """The outcome of every event of a log. Each list is in the order of decision."""

    records: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: list[tuple[int, int, str]] = field(default_factory=list)
    duplicates: list[Position] = field(default_factory=list)
    rated: list[Position] = field(default_factory=list)  # the absorbed ones included
    absorbed: list[Position] = field(default_factory=list)  # updates of a session that was rated before
    pending: list[Position] = field(default_factory=list)  # held at the end of the log
    clocks: dict[Position, int] = field(default_factory=dict)  # at which each record was delivered, epoch ms
    final_clocks: dict[int, int] = field(default_factory=dict)  # by partition, epoch ms


@dataclass
class BilledCycle:
    """What a customer's records have billed in one cycle."""

    currency: str
    deadline_ms: int  # when it closes: its end and the allowed lateness
    total: Fraction = Fraction(0)
    uncovered: Fraction = Fraction(0)  # what no prepaid credit was left for
    quantities: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    amounts: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    is_closed: bool = False


@dataclass
class Rated:
    """A USAGE, LATE_CORRECTION or SESSION record, and what it takes to take it back."""

    record: dict[str, Any]
    book: PriceBook
    counted_in: Cycle  # whose counter and allowances it used, wherever it was billed
    charge: Charge
    is_retracted: bool = False


@dataclass(frozen=True)
class Remembered:
    """An event whose id is known."""

    event: Event
    rated: Rated | None  # None: it is held, or a retraction


@dataclass(frozen=True)
class ClosedSession:
    """A session that has its SESSION record."""

    meter: str
    start_ms: int
    end_ms: int
    timed_out: bool
    settings: Settings
    rated: Rated


@dataclass
class Account:
    """One customer: the ids remembered, the usage by cycle, what was billed, and what is held."""

    customer_id: str
    sequence: int = 0
    remembered: dict[str, Remembered] = field(default_factory=dict)  # by event_id
    usage: dict[CycleId, CycleUsage] = field(default_factory=lambda: defaultdict(CycleUsage))
    rewards: dict[str, Rewards] = field(default_factory=lambda: defaultdict(Rewards))  # by book id
    paid: Fraction = Fraction(0)  # in advance, ever: what the contracts say of the records that drew on it
    drawn: Fraction = Fraction(0)  # of that
    billed: dict[CycleId, BilledCycle] = field(default_factory=dict)
    held_retractions: list[Arrival] = field(default_factory=list)  # in the order of arrival
    open_sessions: dict[str, list[Arrival]] = field(default_factory=dict)  # phases in the order of arrival
    closed_sessions: dict[str, ClosedSession] = field(default_factory=dict)

    def recall(self, event_id: str, clock_ms: int, horizon_ms: int) -> Remembered | None:
        """Return the event of an id, unless its horizon has passed (rule 9)."""
        known = self.remembered.get(event_id)
        if known is None or clock_ms - known.event.event_time_ms > horizon_ms:
            return None
        return known

    def remember(self, arrival: Arrival, rated: Rated | None = None) -> None:
        """Know the id of an event from now on."""
        self.remembered[arrival.event.event_id] = Remembered(arrival.event, rated)

    def release(self, arrival: Arrival, rated: Rated | None) -> None:
        """Note that a held event was rated, or (None) dead-lettered: then its id is known no more.

        An id that had passed its horizon may be another event's by now; that one stays.
        """
        known = self.remembered.get(arrival.event.event_id)
        if known is None or known.event is not arrival.event:
            return
        if rated is None:
            del self.remembered[arrival.event.event_id]
        else:
            self.remember(arrival, rated)

    def has_started(self, session_id: str, meter: str) -> bool:
        """Say whether a session of a meter has its START and runs."""
        phases = self.open_sessions.get(session_id, [])
        return any(each.event.phase == START and each.event.meter == meter for each in phases)

    def credit_left(self, contract: Contract | None) -> Fraction | None:
        """Return what is left of what was paid in advance, ever; None where a contract says that nothing was.

        What was paid once is paid: a contract of an earlier time, which says less, takes nothing of it away.
        """
        if contract is None or not contract.prepaid_credit:
            return None
        return max(contract.prepaid_credit - self.drawn, self.paid - self.drawn, Fraction(0))

    def bill(
        self, cause: Arrival, book: PriceBook, cycle: Cycle, line: dict[str, Any], contract: Contract | None
    ) -> dict[str, Any]:
        """Return the next billing record of the customer, with the totals after it.

        `cycle` is the one it is billed in; `line` has what is particular to the record; `contract`
        says of which prepaid credit it is drawn.
        """
        event, meter = cause.event, line["meter"]
        billed = self._open_cycle(book.id, book.settings, cycle)
        billed.total += line["amount"]
        self._draw(line["amount"], billed, self.credit_left(contract))
        if contract is not None:
            self.paid = max(self.paid, contract.prepaid_credit)
        billed.amounts[meter] += line["amount"]
        billed.quantities[meter] += line["quantity"]
        self.sequence += 1
        return {
            "customer_id": self.customer_id,
            "sequence": self.sequence,
            "cycle": cycle.name,
            "currency": billed.currency,
            "price_book": (book.id, book.version),
            "event_id": event.event_id,
            "event_time_ms": event.event_time_ms,
            "partition": cause.partition,
            "offset": cause.record.offset,
            "cycle_total": billed.total,
            "credit": self.credit_left(contract),
            "cycle_quantity": billed.quantities[meter],
            "replay": event.replay,
            "meter_totals": {},
            "retracts": "",
            "session_id": "",
            "session_events": [],
            "timed_out": False,
            **line,
        }

    def _draw(self, amount: Fraction, billed: BilledCycle, left: Fraction | None) -> None:
        """Draw on the credit, never below zero; what is given back first pays what no credit had covered."""
        if left is None:
            return
        if amount >= 0:
            covered = min(amount, left)
            self.drawn += covered
            billed.uncovered += amount - covered
        else:
            paid = min(-amount, billed.uncovered)
            billed.uncovered -= paid
            self.drawn = max(self.drawn + amount + paid, Fraction(0))

    def due_cycles(self, time_ms: int) -> list[tuple[int, CycleId]]:
        """Return the deadlines of open cycles that the time has reached."""
        return [
            (billed.deadline_ms, cycle_id)
            for cycle_id, billed in self.billed.items()
            if not billed.is_closed and billed.deadline_ms <= time_ms
        ]

    def _open_cycle(self, book_id: str, settings: Settings, cycle: Cycle) -> BilledCycle:
        deadline_ms = cycle.end_ms + settings.allowed_lateness_ms
        new = BilledCycle(currency=settings.currency, deadline_ms=deadline_ms)
        billed = self.billed.setdefault((book_id, cycle.name), new)
        if billed.is_closed:
            raise AssertionError(f"{self.customer_id}: cycle {cycle.name} is closed")
        return billed

    def close(self, cycle_id: CycleId) -> dict[str, Any]:
        """Return the CYCLE_CLOSE record of a cycle (rule 8)."""
        book_id, cycle_name = cycle_id
        billed = self.billed[cycle_id]
        billed.is_closed = True
        self.sequence += 1
        return {
            "record_id": ((self.customer_id, book_id, cycle_name), "-close"),
            "customer_id": self.customer_id,
            "sequence": self.sequence,
            "kind": "CYCLE_CLOSE",
            "meter": "",
            "cycle": cycle_name,
            "quantity": 0,
            "amount": Fraction(0),
            "currency": billed.currency,
            "price_book": (book_id, 0),  # no price was applied: no version
            "slices": [],
            "adjustments": [],
            "event_id": "",
            "event_time_ms": 0,
            "partition": None,  # no event caused it
            "offset": None,
            "clock_ms": billed.deadline_ms,
            "cycle_total": billed.total,
            "credit": None,
            "cycle_quantity": 0,
            "late": False,
            "corrects_cycle": "",
            "replay": False,
            "meter_totals": {
                meter: (billed.quantities[meter], billed.amounts[meter]) for meter in sorted(billed.amounts)
            },
            "retracts": "",
            "session_id": "",
            "session_events": [],
            "timed_out": False,
        }


def is_closed(cycle: Cycle, book: PriceBook, clock_ms: int) -> bool:
    """Say whether a cycle is closed for what a clock decides (rule 8)."""
    return clock_ms >= cycle.end_ms + book.settings.allowed_lateness_ms


def oldest_open_cycle(book: PriceBook, clock_ms: int) -> Cycle:
    """Return the first cycle that is not closed: the one of the clock less the lateness."""
    return cycle_of(clock_ms - book.settings.allowed_lateness_ms, book.settings.timezone)
