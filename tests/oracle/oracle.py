"""Rates a whole usage log: the partition clocks, the order of things, and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from . import checks
from .arrival import Arrival
from .books import PriceBook, parse_book, parse_published_contract
from .catalog import Catalog
from .charge import charge_event
from .ledger import Account, Ledger
from .log import HEARTBEAT, LogRecord, decode
from .times import Cycle, cycle_of

Partitions = Mapping[int, Sequence[LogRecord]]
BooksRead = Callable[[int, int], int]


def rate_log(  # noqa: PLR0913 - named, and most have defaults
    partitions: Partitions,
    books: Sequence[Mapping[str, Any]],
    *,
    contracts: Sequence[Mapping[str, Any]] = (),
    default_price_book: str | None = None,
    books_read: BooksRead | None = None,
    home: Mapping[str, int] | None = None,
) -> Ledger:
    """Return the ledger of a usage log.

    Args:
        partitions: every partition of `usage.events` (silent ones too: they hold back
            the watermark), each in the order of its offsets.
        books: the price books of `pricing.books`, in the order of publication.
        contracts: the contracts of `pricing.contracts`, in the order of publication; all
            of them had been read whenever a record was decided.
        default_price_book: the id for customers whose contract names none; the first
            accepted book's where it is not given.
        books_read: how many books had been read when the record at a partition and an
            offset was decided; all where it is not given.
        home: the partition in which each customer was first seen; for a customer that
            is not in it the lowest partition number that has it.

    """
    parsed = [parse_book(book) for book in books]
    published = [parse_published_contract(contract, position) for position, contract in enumerate(contracts)]
    catalogs = [Catalog(parsed[:count], default_price_book, published) for count in range(len(parsed) + 1)]

    def catalog_at(partition: int, offset: int) -> Catalog:
        return catalogs[books_read(partition, offset) if books_read else len(parsed)]

    rating = _Rating(catalog_at, _homes(partitions) | dict(home or {}))
    for partition in sorted(partitions):
        rating.rate_partition(partition, partitions[partition])
    rating.close_silent_customers()
    return rating.ledger


class _Rating:
    """The state of one pass over the log."""

    def __init__(self, catalog_at: Callable[[int, int], Catalog], homes: Mapping[str, int]) -> None:
        self.ledger = Ledger()
        self._catalog_at = catalog_at
        self._homes = homes
        self._accounts: dict[str, Account] = {}

    def rate_partition(self, partition: int, log: Sequence[LogRecord]) -> None:
        """Decide every record of a partition, and move its clock after each one."""
        clock_ms = 0
        for record in log:
            event = decode(record.value)
            if event is None:
                self.ledger.dead_letters.append((partition, record.offset, "MALFORMED"))
                continue
            catalog = self._catalog_at(partition, record.offset)
            arrival = Arrival(partition, record, event, clock_ms, catalog)
            self._decide(arrival)
            if not arrival.is_future:
                clock_ms = max(clock_ms, event.event_time_ms)
        self.ledger.final_clocks[partition] = clock_ms

    def close_silent_customers(self) -> None:
        """Let the watermark, the least of all partitions' clocks, close what is due."""
        watermark_ms = min(self.ledger.final_clocks.values(), default=0)
        for customer_id in sorted(self._accounts):
            self._accounts[customer_id].close_due(watermark_ms, self.ledger.records.append)

    def _decide(self, arrival: Arrival) -> None:
        """Put one event into the ledger: rated, duplicate or dead-lettered."""
        verdict = self._verdict(arrival)
        if verdict == checks.DUPLICATE:
            self.ledger.duplicates.append(arrival.position)
        elif verdict is not None:
            self.ledger.dead_letters.append((*arrival.position, verdict))
        elif not arrival.is_heartbeat:
            self._rate(arrival)

    def _verdict(self, arrival: Arrival) -> str | None:
        """Return why the event is not rated, after its customer's deadlines have fired."""
        event = arrival.event
        if arrival.is_heartbeat:
            return checks.heartbeat_refusal(arrival)
        if not checks.has_valid_fields(event, arrival.record.key):
            return "INVALID_FIELD"
        if self._homes[event.customer_id] != arrival.partition:
            return "WRONG_PARTITION"
        account = self._accounts.setdefault(event.customer_id, Account(event.customer_id))
        account.close_due(arrival.clock_ms, self.ledger.records.append)
        return checks.refusal(arrival, account)

    def _rate(self, arrival: Arrival) -> None:
        """Bill an event that passed all checks, in its own cycle or, late, in the oldest open."""
        event, terms = arrival.event, arrival.terms
        book = terms.book
        assert book is not None  # else NO_PRICE
        account = self._accounts[event.customer_id]
        own = cycle_of(event.event_time_ms, book.settings.timezone)
        late = checks.is_late(event, book, arrival.clock_ms)
        billed_in = _oldest_open_cycle(book, arrival.clock_ms) if late else own
        charge = charge_event(event, book, terms, account.usage[book.id, own.name])
        line: dict[str, Any] = {
            "kind": "LATE_CORRECTION" if late else "USAGE",
            "quantity": event.quantity,
            "amount": charge.amount,
            "slices": charge.slices,
            "adjustments": charge.adjustments,
            "late": late,
            "corrects_cycle": own.name if late else "",
        }
        self.ledger.records.append(account.bill(arrival, book, billed_in, line))
        if charge.tier_adjustment is not None:
            adjusted = _tier_adjustment_line(line, charge.tier_adjustment)
            self.ledger.records.append(account.bill(arrival, book, billed_in, adjusted))
        account.remembered[event.event_id] = event


def _tier_adjustment_line(usage: dict[str, Any], amount: Fraction) -> dict[str, Any]:
    """Return the line that follows a usage line where a volume tier changed (rule 4)."""
    kept = {name: usage[name] for name in ("late", "corrects_cycle")}
    shown: dict[str, Any] = {"slices": [], "adjustments": []}
    return {"kind": "TIER_ADJUSTMENT", "quantity": 0, "amount": amount, **shown, **kept}


def _oldest_open_cycle(book: PriceBook, clock_ms: int) -> Cycle:
    """Return the first cycle that is not closed: the one of the clock less the lateness."""
    return cycle_of(clock_ms - book.settings.allowed_lateness_ms, book.settings.timezone)


def _homes(partitions: Partitions) -> dict[str, int]:
    """Return the lowest partition in which each customer has an event with valid fields."""
    homes: dict[str, int] = {}
    for partition in sorted(partitions):
        for record in partitions[partition]:
            event = decode(record.value)
            if event is None or event.measure == HEARTBEAT:
                continue
            if checks.has_valid_fields(event, record.key):
                homes.setdefault(event.customer_id, partition)
    return homes
