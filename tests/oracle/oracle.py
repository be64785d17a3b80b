"""Rates a whole usage log: the partition clocks, the order of things, and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import checks
from .arrival import Arrival
from .books import parse_book, parse_published_contract
from .catalog import Catalog
from .deadlines import fire_due
from .demand import surge_of
from .ledger import Account, Ledger
from .log import HEARTBEAT, QUANTITY, RETRACTION, SESSION, LogRecord, decode
from .retractions import take_retraction
from .sessions import take_phase
from .surge import Surge
from .usage import rate_quantity

Partitions = Mapping[int, Sequence[LogRecord]]
BooksRead = Callable[[int, int], int]
WAITS = "WAITS"
_RATE = {QUANTITY: rate_quantity, SESSION: take_phase, RETRACTION: take_retraction}


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

    rating = _Rating(catalog_at, surge_of(partitions, catalogs[-1]), _homes(partitions) | dict(home or {}))
    for partition in sorted(partitions):
        rating.rate_partition(partition, partitions[partition])
    rating.fire_for_silent_customers()
    rating.count_pending()
    return rating.ledger


class _Rating:
    """The state of one pass over the log."""

    def __init__(self, catalog_at: Callable[[int, int], Catalog], surge: Surge, homes: Mapping[str, int]) -> None:
        self.ledger = Ledger()
        self._catalog_at = catalog_at
        self._surge = surge
        self._waiting: dict[str, list[Arrival]] = {}  # by customer, for a surge factor
        self._homes = homes
        self._accounts: dict[str, Account] = {}

    def rate_partition(self, partition: int, log: Sequence[LogRecord]) -> None:
        """Decide every record of a partition, and move its clock after each one."""
        clock_ms = 0
        for record in log:
            self.ledger.clocks[partition, record.offset] = clock_ms
            event = decode(record.value)
            if event is None:
                self.ledger.dead_letters.append((partition, record.offset, "MALFORMED"))
                continue
            catalog = self._catalog_at(partition, record.offset)
            arrival = Arrival(partition, record, event, clock_ms, catalog, self._surge.of(event))
            self._decide(arrival)
            if not arrival.is_future:
                clock_ms = max(clock_ms, event.event_time_ms)
        self.ledger.final_clocks[partition] = clock_ms

    def fire_for_silent_customers(self) -> None:
        """Let the watermark, the least of all partitions' clocks, fire what is due before anything that waits."""
        watermark_ms = min(self.ledger.final_clocks.values(), default=0)
        for customer_id, account in sorted(self._accounts.items()):
            waiting = self._waiting.get(customer_id, [])
            fire_due(account, min([watermark_ms, *(one.clock_ms for one in waiting)]), self.ledger)

    def count_pending(self) -> None:
        """Note what is still held at the end of the log."""
        for _, account in sorted(self._accounts.items()):
            for held in (account.held_retractions, *account.open_sessions.values()):
                self.ledger.pending += [each.position for each in held]
        for arrivals in self._waiting.values():
            self.ledger.pending += [each.position for each in arrivals]

    def _decide(self, arrival: Arrival) -> None:
        """Put one event into the ledger: rated, duplicate, dead-lettered, or in its account where it is held."""
        verdict = self._verdict(arrival)
        if verdict == WAITS:
            self._waiting.setdefault(arrival.event.customer_id, []).append(arrival)
        elif verdict == checks.DUPLICATE:
            self.ledger.duplicates.append(arrival.position)
        elif verdict is not None:
            self.ledger.dead_letters.append((*arrival.position, verdict))
        elif not arrival.is_heartbeat:
            _RATE[arrival.event.measure](arrival, self._accounts[arrival.event.customer_id], self.ledger)

    def _verdict(self, arrival: Arrival) -> str | None:
        """Return why the event is not rated, after its customer's deadlines have fired."""
        event = arrival.event
        if arrival.is_heartbeat:
            return checks.heartbeat_refusal(arrival)
        if not checks.has_valid_fields(event, arrival.record.key):
            return "INVALID_FIELD"
        if self._homes[event.customer_id] != arrival.partition:
            return "WRONG_PARTITION"
        if event.customer_id in self._waiting or arrival.awaits_factor:
            return WAITS
        account = self._accounts.setdefault(event.customer_id, Account(event.customer_id))
        fire_due(account, arrival.clock_ms, self.ledger)
        return checks.refusal(arrival, account)


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
