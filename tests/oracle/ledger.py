"""What the oracle answers: the ledger, and the account of each customer that fills it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .arrival import Arrival
from .books import PriceBook, Settings
from .charge import CycleUsage
from .log import Event
from .times import Cycle

CycleId = tuple[str, str]  # book id and cycle name: each book has its own timezone and currency


@dataclass
class Ledger:
    """The outcome of every event of a log. Each list is in the order of decision."""

    records: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: list[tuple[int, int, str]] = field(default_factory=list)
    duplicates: list[tuple[int, int]] = field(default_factory=list)
    pending: list[tuple[int, int]] = field(default_factory=list)
    final_clocks: dict[int, int] = field(default_factory=dict)  # by partition, epoch ms


@dataclass
class BilledCycle:
    """What a customer's records have billed in one cycle."""

    currency: str
    deadline_ms: int  # when it closes: its end and the allowed lateness
    total: Fraction = Fraction(0)
    quantities: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    amounts: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    is_closed: bool = False


@dataclass
class Account:
    """One customer: the ids remembered, the usage by cycle, and what was billed."""

    customer_id: str
    sequence: int = 0
    remembered: dict[str, Event] = field(default_factory=dict)  # rated events, by event_id
    usage: dict[CycleId, CycleUsage] = field(default_factory=lambda: defaultdict(CycleUsage))
    billed: dict[CycleId, BilledCycle] = field(default_factory=dict)

    def bill(self, arrival: Arrival, book: PriceBook, cycle: Cycle, line: dict[str, Any]) -> dict[str, Any]:
        """Return the next billing record of the customer, with the totals after it.

        `cycle` is the one it is billed in; `line` has what is particular to the record.
        """
        event, meter = arrival.event, arrival.event.meter
        billed = self._open_cycle(book.id, book.settings, cycle)
        billed.total += line["amount"]
        billed.amounts[meter] += line["amount"]
        billed.quantities[meter] += line["quantity"]
        self.sequence += 1
        return {
            "customer_id": self.customer_id,
            "sequence": self.sequence,
            "meter": meter,
            "cycle": cycle.name,
            "currency": billed.currency,
            "price_book": (book.id, book.version),
            "event_id": event.event_id,
            "event_time_ms": event.event_time_ms,
            "partition": arrival.partition,
            "offset": arrival.record.offset,
            "clock_ms": arrival.clock_ms,
            "cycle_total": billed.total,
            "cycle_quantity": billed.quantities[meter],
            "replay": event.replay,
            "meter_totals": {},
            **line,
        }

    def close_due(self, time_ms: int, write: Callable[[dict[str, Any]], None]) -> None:
        """Write a CYCLE_CLOSE for each cycle whose deadline the time has reached (rule 8)."""
        due = [
            (billed.deadline_ms, cycle_id)
            for cycle_id, billed in self.billed.items()
            if not billed.is_closed and billed.deadline_ms <= time_ms
        ]
        for _, cycle_id in sorted(due):
            write(self._close(cycle_id))

    def _open_cycle(self, book_id: str, settings: Settings, cycle: Cycle) -> BilledCycle:
        deadline_ms = cycle.end_ms + settings.allowed_lateness_ms
        new = BilledCycle(currency=settings.currency, deadline_ms=deadline_ms)
        billed = self.billed.setdefault((book_id, cycle.name), new)
        if billed.is_closed:
            raise AssertionError(f"{self.customer_id}: cycle {cycle.name} is closed")
        return billed

    def _close(self, cycle_id: CycleId) -> dict[str, Any]:
        book_id, cycle_name = cycle_id
        billed = self.billed[cycle_id]
        billed.is_closed = True
        self.sequence += 1
        return {
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
            "cycle_quantity": 0,
            "late": False,
            "corrects_cycle": "",
            "replay": False,
            "meter_totals": {
                meter: (billed.quantities[meter], billed.amounts[meter]) for meter in sorted(billed.amounts)
            },
        }
