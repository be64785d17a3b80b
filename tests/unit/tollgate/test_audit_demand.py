"""Demand counted again from the log, also where a book changed the rules while events came."""

from typing import Any

import pytest

from billing.price_books.document import document_from_plain
from flink_jobs.topics import PRICE_BOOKS, USAGE_EVENTS
from tests.oracle.example import Log, book
from tests.unit.tollgate.test_audit_surge import EU, RULE, at
from tollgate.audit.demand import DemandRecount, Units
from tollgate.audit.prices import PriceHistory
from tollgate.kafka_log import LogRecord
from wire.price_books import to_message
from wire.records import ReadSoFar


class ReadLater:
    """The second book was read before the event at an offset."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    def at(self, position: tuple[int, int], *, waits: bool = False) -> ReadSoFar:  # noqa: ARG002 - the protocol's
        return ReadSoFar(2 if position[1] >= self._offset else 1)


def recounted(log: Log, second: dict[str, Any], read_from: int) -> dict[tuple[str, int], Units]:
    """Return demand by value and interval, under the example book and then another version of it."""
    books = [
        LogRecord(PRICE_BOOKS, 0, offset, 0, b"", to_message(document_from_plain(plain)).SerializeToString())
        for offset, plain in enumerate((book(), second))
    ]
    recount = DemandRecount(PriceHistory(books), ReadLater(read_from))
    for number, records in log.partitions.items():
        sent = [LogRecord(USAGE_EVENTS, number, one.offset, one.timestamp_ms, one.key, one.value) for one in records]
        assert list(recount.watch(number, sent)) == sent
    return {
        (key.value, interval - at(0) // 10_000): units
        for key, found in recount.units.items()
        for interval, units in found.items()
    }


def used() -> Log:
    log = Log()
    log.use(5, at=at(0), event_id="e0", dimensions=EU)
    log.use(7, at=at(1), event_id="e1", dimensions=EU)
    log.use(7, at=at(1), event_id="e1", dimensions=EU)  # again
    log.use(9, at=at(6), event_id="e2", dimensions=EU)  # the next window
    log.use(2, at=at(2), event_id="e3", dimensions=EU)  # after its window
    return log


def test_what_came_before_a_rule_was_read_is_not_sure_to_count() -> None:
    second = book(version=3, surge=[RULE])  # in force since long before
    assert recounted(used(), second, read_from=0) == {("eu", 1): Units(12), ("eu", 2): Units(9)}
    assert recounted(used(), second, read_from=1) == {("eu", 1): Units(7, 5), ("eu", 2): Units(9)}
    assert recounted(used(), second, read_from=9) == {("eu", 1): Units(0, 12), ("eu", 2): Units(0, 9)}


def test_a_rule_that_begins_later_counts_nothing_before() -> None:
    second = book(version=3, surge=[RULE], effective_from="2026-11-10T12:00:15Z")
    assert recounted(used(), second, read_from=0) == {("eu", 2): Units(9)}


@pytest.mark.parametrize(("named", "settled"), [(None, 7), (6, 7), (7, 7), (9, 9), (12, 12), (13, 7)], ids=str)
def test_a_rate_is_believed_as_far_as_the_log_allows(named: int | None, settled: int) -> None:
    assert Units(7, 5).settle(named) == settled
