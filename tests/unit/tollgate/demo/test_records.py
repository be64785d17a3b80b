"""What the demo makes of records: sums that a replay does not change."""

from tollgate.demo.figures import Tier
from tollgate.demo.records import RecordBook
from wire.v1 import billing_pb2, common_pb2


def record(customer: str, total: str, *tiers: tuple[int, str], offset: int = 0, promotion: str = "") -> bytes:
    message = billing_pb2.BillingRecord(
        kind=billing_pb2.BillingRecord.Kind.USAGE,
        customer_id=customer,
        meter="sms",
        cycle_total=total,
        source=common_pb2.SourcePosition(topic="usage.events", partition=1, offset=offset),
    )
    for begin, price in tiers:
        message.slices.add(**{"from": begin, "unit_price": price})
    if promotion:
        message.adjustments.add(id=promotion, kind=billing_pb2.Adjustment.Kind.PROMOTION)
    return message.SerializeToString()


def book(*records: bytes) -> RecordBook:
    found = RecordBook()
    for one in records:
        found.add(billing_pb2.BillingRecord.FromString(one))
    return found


def test_who_owes_most_comes_first_by_the_exact_amount() -> None:
    found = book(record("a", "9"), record("b", "10.000000000001"), record("c", "10"))
    assert found.largest(2) == ["b", "c"]


def test_the_newest_total_of_a_customer_counts() -> None:
    assert book(record("a", "9"), record("b", "5"), record("a", "1")).largest(1) == ["b"]


def test_tiers_are_those_beyond_the_first_with_each_customer_once() -> None:
    crossing = record("a", "1", (400, "0.0079"), (501, "0.0070"))
    found = book(record("b", "1", (1, "0.0079")), crossing, crossing, record("c", "1", (600, "0.0070")))
    assert found.tiers() == [Tier("sms", "0.0070", 2)]


def test_a_meter_with_one_price_has_no_tier_to_reach() -> None:
    assert book(record("a", "1", (1, "0.02"))).tiers() == []


def test_promotions_count_customers() -> None:
    found = book(record("a", "0", promotion="welcome"), record("a", "0", promotion="welcome"))
    assert found.promotions() == {"welcome": 1}


def test_the_input_is_rated_through_the_furthest_offset_even_if_older_ones_come_again() -> None:
    assert book(record("a", "1", offset=7), record("a", "1", offset=3)).rated_through == {1: 7}
