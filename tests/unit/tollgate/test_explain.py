"""The story of a line, in words that a customer can read."""

from typing import Any

import pytest

from tests.unit.tollgate.books_in_memory import MemoryLog, books
from tollgate.commands.explain import find_record, narrate
from wire.v1 import billing_pb2

RECORD = billing_pb2.BillingRecord
FEE = ", and 1 USD because the tier begins here"


def record(**changes: Any) -> billing_pb2.BillingRecord:
    """A line of one slice: five calls at ten cents."""
    fields: dict[str, Any] = {
        "customer_id": "zoe", "sequence": 3, "kind": RECORD.USAGE, "meter": "calls", "cycle": "2026-11", "quantity": 5,
        "amount": "0.5", "currency": "USD", "event_time_ms": 1_794_312_000_000, "cycle_total": "1234.5",
        "cycle_quantity": 1005, "price_book": {"id": "standard", "version": 2},
        "slices": [units(1001, 1005, "0.1", "0.5")],
    }  # fmt: skip
    return RECORD(**fields | changes)


def units(first: int, last: int, unit_price: str, amount: str, **fields: Any) -> billing_pb2.TierSlice:
    numbers = {"from": first, "to": last, "quantity": last - first + 1, "per": 1}
    return billing_pb2.TierSlice(**numbers | fields, unit_price=unit_price, amount=amount)


def adjustment(promotion: str, **fields: Any) -> billing_pb2.Adjustment:
    return billing_pb2.Adjustment(**{"id": promotion, "kind": billing_pb2.Adjustment.PROMOTION, "amount": "0"} | fields)


def told(**changes: Any) -> list[str]:
    return list(narrate(record(**changes)))


def test_a_simple_line_reads_from_what_was_used_to_what_is_owed() -> None:
    assert told() == [
        "On 2026-11-10 12:00:00 UTC zoe used 5 units of calls.",
        "Charged: 0.5 USD (line 3 of this customer, cycle 2026-11).",
        "The prices are those of standard, version 2, in force at that time:",
        "  - 5 paid units (units 1,001 to 1,005 of the cycle) at 0.1 USD each: 0.5 USD.",
        "After it, zoe has used 1,005 units of calls in 2026-11 and owes 1234.5 USD for all meters.",
    ]


def test_a_single_unit_is_no_plural() -> None:
    lines = told(quantity=1, cycle_quantity=1, amount="0.1", slices=[units(1, 1, "0.1", "0.1")])
    assert lines[0] == "On 2026-11-10 12:00:00 UTC zoe used 1 unit of calls."
    assert lines[3] == "  - 1 paid unit (unit 1 of the cycle) at 0.1 USD each: 0.1 USD."
    assert lines[4] == "After it, zoe has used 1 unit of calls in 2026-11 and owes 1234.5 USD for all meters."


def test_a_price_for_many_units_says_for_how_many() -> None:
    lines = told(slices=[units(1, 5, "0.4", "0.4", per=1000)])
    assert lines[3] == "  - 5 paid units (units 1 to 5 of the cycle) at 0.4 USD per 1,000: 0.4 USD."


def test_several_parts_are_added_up_in_the_order_they_apply() -> None:
    lines = told(
        amount="1.485",
        slices=[units(1000, 1000, "0.1", "0.1"), units(1001, 1005, "0.1", "1.5", flat_fee="1")],
        adjustments=[
            adjustment("welcome", free_units=2),
            adjustment("nov", percent="10", amount="-0.16"),
            adjustment("contract", kind=billing_pb2.Adjustment.CONTRACT_DISCOUNT, percent="5", amount="0.045"),
        ],
    )
    assert lines[3:9] == [
        "  - 2 units were free: promotion 'welcome'.",
        "  - 1 paid unit (unit 1,000 of the cycle) at 0.1 USD each: 0.1 USD.",
        f"  - 5 paid units (units 1,001 to 1,005 of the cycle) at 0.1 USD each{FEE}: 1.5 USD.",
        "  - 10 % off by promotion 'nov': -0.16 USD.",
        "  - 5 % off by your contract: 0.045 USD.",
        "  = 0.1 + 1.5 - 0.16 + 0.045 = 1.485 USD.",
    ]


def test_a_single_free_unit_was_free_alone() -> None:
    lines = told(amount="0", slices=[], adjustments=[adjustment("welcome", free_units=1)])
    assert "  - 1 unit was free: promotion 'welcome'." in lines


def test_a_wholly_free_line_adds_nothing_up() -> None:
    lines = told(amount="0", slices=[], adjustments=[adjustment("welcome", free_units=5)])
    assert lines[3] == "  - 5 units were free: promotion 'welcome'."
    assert len(lines) == 5


def test_an_adjustment_of_a_later_release_is_named_by_its_kind() -> None:
    surge = adjustment("sms-peak", kind=billing_pb2.Adjustment.SURGE, percent="25", amount="0.1")
    assert any("surge 'sms-peak'" in line for line in told(adjustments=[surge]))


def test_a_late_correction_says_which_cycle_it_belongs_to_and_where_it_is_billed() -> None:
    lines = told(kind=RECORD.LATE_CORRECTION, late=True, corrects_cycle="2026-10")
    assert lines[2] == (
        "It arrived after cycle 2026-10 had been closed. It is priced as part of that cycle and"
        " billed in 2026-11, the oldest cycle still open."
    )
    assert "units 1,001 to 1,005 of cycle 2026-10" in lines[4]


def test_a_tier_adjustment_says_that_what_was_used_before_changed_its_price() -> None:
    assert told(kind=RECORD.TIER_ADJUSTMENT, quantity=0, amount="-9", slices=[]) == [
        "On 2026-11-10 12:00:00 UTC zoe used more of calls.",
        "Charged: -9 USD (line 3 of this customer, cycle 2026-11).",
        "With it the cycle reached another volume tier: what was used before costs that tier's price, too.",
        "After it, zoe has used 1,005 units of calls in 2026-11 and owes 1234.5 USD for all meters.",
    ]


def test_the_close_of_a_cycle_tells_its_totals_and_charges_nothing() -> None:
    totals = [{"meter": "calls", "quantity": 1, "amount": "0.1"}, {"meter": "texts", "quantity": 2000, "amount": "3"}]
    assert told(kind=RECORD.CYCLE_CLOSE, clock_ms=1_796_094_000_000, cycle_total="3.1", meter_totals=totals) == [
        "Cycle 2026-11 of zoe was closed at 2026-12-01 03:00:00 UTC by the log's clock.",
        "In all 3.1 USD; this line itself charges nothing.",
        "  - calls: 1 unit, 0.1 USD.",
        "  - texts: 2,000 units, 3 USD.",
    ]


PHASES = [
    {"event_id": "a1", "phase": 1, "event_time_ms": 1_794_312_000_000, "source": {"partition": 2, "offset": 7}},
    {"event_id": "a2", "phase": 3, "event_time_ms": 1_794_312_061_000, "source": {"partition": 2, "offset": 9}},
]


def test_a_session_tells_its_phases_and_its_duration() -> None:
    lines = told(
        kind=RECORD.SESSION, meter="voice", quantity=120, session_id="a", session_events=PHASES, amount="0.6",
        slices=[units(1, 120, "0.3", "0.6", per=60)],
    )  # fmt: skip
    assert lines[:5] == [
        (
            "Session 'a' of zoe lasted from 2026-11-10 12:00:00 UTC to 2026-11-10 12:01:01 UTC:"
            " 61 seconds begun, billed as 120 units of voice."
        ),
        "  - START at 2026-11-10 12:00:00 UTC, event 'a1' (partition 2, offset 7).",
        "  - STOP at 2026-11-10 12:01:01 UTC, event 'a2' (partition 2, offset 9).",
        "Charged: 0.6 USD (line 3 of this customer, cycle 2026-11).",
        "The prices are those of standard, version 2, in force when it began:",
    ]


def test_a_session_that_timed_out_says_so() -> None:
    lines = told(kind=RECORD.SESSION, session_id="a", session_events=PHASES[:1], timed_out=True)
    assert "No STOP came in time: it ended at its last sign of life, when the meter's idle timeout had passed." in lines


def test_a_retraction_says_what_it_takes_back_and_where() -> None:
    assert told(
        kind=RECORD.RETRACTION, quantity=-5, amount="-0.5", retracts="abc-1", slices=[], late=True,
        cycle="2026-12", corrects_cycle="2026-11", cycle_quantity=-5, cycle_total="-0.5",
    ) == [
        "On 2026-11-10 12:00:00 UTC zoe had record abc-1 taken back, whole: 5 units of calls.",
        "What it charged is returned: -0.5 USD (line 3 of this customer).",
        (
            "Cycle 2026-11, in which it was counted, had been closed:"
            " the amount is returned in 2026-12, the oldest cycle still open."
        ),
        "Its units and free units are given back to 2026-11. Lines between keep their prices.",
        "After it, zoe has used -5 units of calls in 2026-12 and owes -0.5 USD for all meters.",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", RECORD.Kind.values())
def test_every_kind_of_record_has_a_story(kind: int) -> None:
    assert told(kind=kind)


def test_a_surge_is_told_with_its_factor() -> None:
    surge = billing_pb2.Adjustment(id="peak", kind=billing_pb2.Adjustment.SURGE, amount="0.125", factor="1.25")
    lines = told(amount="0.625", adjustments=[surge])
    assert lines[4] == "  - times 1.25, the factor of surge 'peak' at that time: 0.125 USD."
    assert lines[5] == "  = 0.5 + 0.125 = 0.625 USD."


def test_a_surge_that_was_not_decided_in_time_is_told() -> None:
    assert "  - No surge factor was decided in time: the price is as without surge." in told(surge_unknown=True)


def test_a_credit_is_told_with_what_won_it() -> None:
    lines = told(
        kind=RECORD.CREDIT, amount="-2.5", event_id="e9", slices=[], adjustments=[adjustment("loyal", amount="-2.5")]
    )
    assert lines == [
        "On 2026-11-10 12:00:00 UTC zoe won promotion 'loyal' by event 'e9'.",
        "Credited: -2.5 USD (line 3 of this customer, cycle 2026-11).",
        "After it, zoe owes 1234.5 USD for all meters of 2026-11.",
    ]


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    """Records of several customers."""
    return books()


def found(log: MemoryLog, wanted: str) -> tuple[str, int] | None:
    one = find_record(log, wanted)  # type: ignore[arg-type]  # as much of a log as it uses
    return (one.customer_id, one.sequence) if one is not None else None


def test_a_record_is_found_by_its_customer_and_number_and_by_its_id(log: MemoryLog) -> None:
    assert found(log, "acme#1") == ("acme", 1)
    second = find_record(log, "zoe#2")  # type: ignore[arg-type]
    assert second is not None
    assert found(log, second.record_id) == ("zoe", 2)


@pytest.mark.parametrize(
    "wanted", ["#1", "zoe#", "zoe#99", "zoe#\u00b2", "zoe#\uff11", "zoe#-1", "zoe#" + "1" * 5000, "zoe", ""]
)
def test_what_names_no_record_finds_none(log: MemoryLog, wanted: str) -> None:
    """Above all no other customer's."""
    assert found(log, wanted) is None
