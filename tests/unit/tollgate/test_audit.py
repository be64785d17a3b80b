"""`verify` on topics in memory: untouched books pass, and a record that was tampered with is found and named."""

from typing import Any

import pytest

from flink_jobs.topics import RECORDS
from tests.oracle.example import Log, book
from tests.unit.tollgate.books_in_memory import (
    MemoryLog,
    books,
    differences,
    index_of_kind,
    message_of,
    rated,
    tamper,
)
from wire.v1 import billing_pb2

RECORD = billing_pb2.BillingRecord


def altered(index: int = 1, **fields: Any) -> MemoryLog:
    found = books()
    tamper(found, RECORDS, index, lambda one: [setattr(one, name, value) for name, value in fields.items()])
    return found


def test_untouched_books_pass_and_every_input_is_accounted_for() -> None:
    report = books().verify()
    assert report.differences == []
    assert report.passed
    assert (report.input, report.rated, report.duplicates, report.dead_lettered, report.pending) == (10, 6, 1, 3, 0)
    assert (report.heartbeats, report.closings, report.unsettled, report.customers) == (3, 2, 0, 3)
    assert report.dead_letters_by_reason == {"CONFLICTING_DUPLICATE": 1, "MALFORMED": 1, "UNKNOWN_METER": 1}


def test_the_totals_are_what_the_records_charge() -> None:
    # zoe: 990 * 0.0079 = 7.821; 10 * 0.0079 + 10 * 0.0070 + 1.00 = 1.149; late 2 * 0.022 = 0.044
    # acme: 9 * 0.02 less 10 % and 5 % = 0.1539; eve: 11000 * 0.003 = 33
    assert books().verify().totals == {"USD": "42.1679"}


ALTERED: dict[str, object] = {
    "amount": "1.1491",
    "quantity": 21,
    "meter": "mms.outbound",
    "cycle": "2026-12",
    "currency": "EUR",
    "cycle_total": "9",
    "cycle_quantity": 1,
    "event_time_ms": 1,
    "clock_ms": 1,
    "event_id": "e2",
    "late": True,
    "replay": True,
    "kind": RECORD.RETRACTION,
}


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_field_is_named_with_what_it_is_and_what_it_should_be(name: str) -> None:
    before = getattr(message_of(books().topics[RECORDS][1]), name)
    named = f"usage.events 0/1: record differs: {name} is {ALTERED[name]}, expected {before}"
    assert named in differences(altered(**{name: ALTERED[name]}))


def test_an_altered_id_is_named() -> None:
    assert "record_id is other, expected" in differences(altered(record_id="other"))


def test_an_altered_part_of_a_line_is_named() -> None:
    found = books()
    tamper(found, RECORDS, 1, lambda one: setattr(one.slices[0], "amount", "2"))
    assert "record differs: slices is [from: 991 to: 1000 quantity: 10" in differences(found)


def test_another_price_version_is_named() -> None:
    found = books()
    tamper(found, RECORDS, 1, lambda one: setattr(one.price_book, "version", 1))
    assert 'price_book is id: "standard" version: 1, expected id: "standard" version: 2' in differences(found)


def test_a_dropped_record_is_missing_and_leaves_a_gap() -> None:
    found = books()
    del found.topics[RECORDS][1]
    named = differences(found)
    assert "usage.events 0/1: record missing: zoe #2 sms.outbound x 20 = 1.149" in named
    assert "zoe has sequence 3 after 1" in named


def test_the_last_record_of_a_customer_is_missed_although_it_leaves_no_gap() -> None:
    found = books()
    late = message_of(found.topics[RECORDS].pop(index_of_kind(found, RECORD.LATE_CORRECTION)))
    named = differences(found)
    assert f"usage.events 0/9: record missing: zoe #{late.sequence}" in named
    assert "has sequence" not in named


def test_a_doubled_record_is_named_as_such() -> None:
    found = books()
    found.topics[RECORDS].append(found.topics[RECORDS][0])
    named = differences(found)
    assert "stands there twice" in named
    assert "usage.events 0/0: record committed 2 times: zoe #1" in named


@pytest.mark.parametrize(
    ("offset", "what"),
    [(77, "record committed, and no such event"), (2, "record committed that should not exist: zoe #2")],
)
def test_a_record_of_no_event_or_of_a_duplicate_is_named(offset: int, what: str) -> None:
    found = books()
    tamper(found, RECORDS, 1, lambda one: setattr(one.source, "offset", offset))
    assert f"usage.events 0/{offset}: {what}" in differences(found)


def test_a_sequence_with_a_gap_is_named() -> None:
    named = differences(altered(sequence=5))
    assert "billing.records 0/1: zoe has sequence 5 after 1" in named
    assert "sequence is 5, expected 2" in named


@pytest.mark.parametrize("key", [None, b"", b"acme", b"zoe2"])
def test_a_record_under_a_wrong_key_is_named(key: bytes | None) -> None:
    found = books()
    found.topics[RECORDS][1] = found.topics[RECORDS][1]._replace(key=key)
    assert f"billing.records 0/1: the key {key!r} is not the customer zoe" in differences(found)


def test_a_missing_tier_adjustment_is_named_beside_the_record_that_caused_it() -> None:
    found = books()
    del found.topics[RECORDS][index_of_kind(found, RECORD.TIER_ADJUSTMENT)]
    named = "usage.events 0/8: record missing beside another of the same event: eve #3 video x 0 = -9"
    assert named in differences(found)


def test_an_altered_tier_adjustment_is_named() -> None:
    at = index_of_kind(books(), RECORD.TIER_ADJUSTMENT)
    assert "amount is -8, expected -9" in differences(altered(at, amount="-8"))


def test_promotions_that_are_won_are_recomputed_credits_and_all() -> None:
    log = Log()
    for number in range(4):
        log.use(5, "api.calls", event_id=f"e{number}", dimensions={"coupon": "X"} if number == 2 else {})
    anything = {"meters": ["api.calls"]}
    promotions = [
        {"id": "b", "kind": "burst", "window": "1h", "at_least": "5", "percent": "50", "lasts": "1h", **anything},
        {"id": "m", "kind": "milestone", "units": "10", "credit": "0.1", **anything},
        {"id": "c", "kind": "coupon", "codes": ["X"], "units": "3", **anything},
    ]
    found = rated(log, book() | {"promotions": promotions})
    report = found.verify()
    assert (report.passed, report.rated, len(found.topics[RECORDS])) == (True, 4, 5)
    del found.topics[RECORDS][2]  # the credit
    assert "record missing beside another of the same event: zoe #3" in differences(found)
