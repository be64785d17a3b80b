"""Records and dead letters of the core, as messages."""

from billing.events import Delivery
from billing.outcomes import Adjustment, AdjustmentKind, BillingRecord, Kind, MeterTotal, Reason, Rejection, TierSlice
from wire.records import Letter, ReadSoFar, dead_letter_message, record_message
from wire.v1 import billing_pb2, common_pb2

SOURCE = common_pb2.SourcePosition(topic="usage.events", partition=3, offset=8)
READ = ReadSoFar(books_offset=4, contracts_offset=5)


def record(**changes: object) -> BillingRecord:
    found = BillingRecord("r", "zoe", 1, Kind.USAGE, "calls", "2026-11", 5, 10**12, "USD", "b", 2, 10**12, 5, 10**12)
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def message(**changes: object) -> billing_pb2.BillingRecord:
    return record_message(record(**changes), SOURCE, READ)


def test_a_record_says_where_it_comes_from_and_what_had_been_read() -> None:
    found = message()
    assert found.source == SOURCE
    assert (found.books_offset, found.contracts_offset) == (4, 5)
    assert (found.price_book.id, found.price_book.version) == ("b", 2)


def test_a_record_without_an_event_has_no_source_and_says_nothing_of_what_was_read() -> None:
    found = record_message(record(kind=Kind.CYCLE_CLOSE), None, READ)
    assert not found.HasField("source")
    assert (found.books_offset, found.contracts_offset) == (0, 0)


def test_amounts_are_exact_text_of_any_size() -> None:
    found = message(picos=-(10**40) - 1, cycle_total_picos=0)
    assert (found.amount, found.cycle_total) == ("-1" + "0" * 28 + ".000000000001", "0")


def test_counts_keep_all_their_64_bits() -> None:
    found = message(sequence=2**64 - 1, quantity=10**15, cycle_quantity=2**63 - 1, clock_ms=2**62)
    assert (found.sequence, found.quantity) == (2**64 - 1, 10**15)
    assert (found.cycle_quantity, found.clock_ms) == (2**63 - 1, 2**62)


def test_a_late_correction_says_what_it_corrects() -> None:
    found = message(kind=Kind.LATE_CORRECTION, late=True, corrects_cycle="2026-10", replay=True)
    assert (found.late, found.corrects_cycle, found.replay) == (True, "2026-10", True)


def test_the_units_of_a_slice_are_from_and_to() -> None:
    (found,) = message(slices=(TierSlice(1, 5, 5, "0.1", 5 * 10**11, 1, "2"),)).slices
    assert (getattr(found, "from"), found.to, found.quantity, found.per) == (1, 5, 5, 1)
    assert (found.unit_price, found.amount, found.flat_fee) == ("0.1", "0.5", "2")


def test_an_adjustment_says_what_it_gave() -> None:
    free = Adjustment("welcome", AdjustmentKind.PROMOTION, 0, free_units=9)
    off = Adjustment("contract", AdjustmentKind.CONTRACT_DISCOUNT, -(10**11), percent="5")
    found = message(adjustments=(free, off)).adjustments
    assert [(one.id, one.amount, one.free_units, one.percent) for one in found] == [
        ("welcome", "0", 9, ""),
        ("contract", "-0.1", 0, "5"),
    ]


def test_a_closing_has_the_totals_of_its_meters() -> None:
    (found,) = message(meter_totals=(MeterTotal("calls", 7, 7 * 10**11),)).meter_totals
    assert (found.meter, found.quantity, found.amount) == ("calls", 7, "0.7")


def test_every_kind_of_the_core_has_its_name_on_the_wire() -> None:
    kinds = billing_pb2.BillingRecord.Kind
    assert [kinds.Name(message(kind=kind).kind) for kind in Kind] == [kind.name for kind in Kind]
    adjustments = [message(adjustments=(Adjustment("a", kind, 0),)).adjustments[0].kind for kind in AdjustmentKind]
    assert list(map(billing_pb2.Adjustment.Kind.Name, adjustments)) == [kind.name for kind in AdjustmentKind]


def letter(key: bytes | None = b"zoe", reason: Reason = Reason.TOO_OLD) -> billing_pb2.DeadLetter:
    kept = Letter(b"\xff\x00raw", key, "zoe", "e1", replay=True)
    by = Delivery(partition=3, offset=8, timestamp_ms=11, clock_ms=12)
    return dead_letter_message(kept, "usage.events", by, Rejection(reason, "in words"), READ)


def test_every_reason_of_the_core_has_its_name_on_the_wire() -> None:
    reasons = billing_pb2.DeadLetter.Reason
    assert [reasons.Name(letter(reason=reason).reason) for reason in Reason] == [reason.name for reason in Reason]


def test_a_dead_letter_keeps_the_raw_bytes_and_all_that_led_to_it() -> None:
    found = letter()
    assert (found.raw, found.key, found.source, found.detail) == (b"\xff\x00raw", b"zoe", SOURCE, "in words")
    assert (found.record_timestamp_ms, found.clock_ms, found.books_offset, found.contracts_offset) == (11, 12, 4, 5)
    assert (found.customer_id, found.event_id, found.replay) == ("zoe", "e1", True)


def test_a_dead_letter_of_a_record_without_a_key_has_an_empty_one() -> None:
    assert letter(key=None).key == b""
