"""The order of the checks of rule 12: an event that is wrong in two ways gets the earlier reason."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest

from billing.events import Delivery, Measure, Seen, UsageEvent, fingerprint_of
from billing.memory import DictMemory
from billing.outcomes import Duplicate, Outcome, Rejection
from billing.rating import check_fields, check_heartbeat, step
from billing.state import CustomerState
from tests.unit.builders import HORIZON_MS, LATENESS_MS, NOON_MS, SKEW_MS, book, catalog, delivery, ms, usage

CYCLE_END_MS = ms("2026-12-01T00:00:00Z")


@dataclass
class Case:
    """A good event of a customer, to be spoiled in one or more ways."""

    event: UsageEvent = field(default_factory=usage)
    by: Delivery = field(default_factory=delivery)
    home: int = 0
    seen: str = ""
    book: dict[str, Any] = field(default_factory=dict)

    def spoil_event(self, **changes: Any) -> None:
        self.event = self.event._replace(**changes)

    def spoil_delivery(self, **changes: Any) -> None:
        self.by = self.by._replace(**changes)

    def spoil_by_lateness(self) -> None:
        self.book.update(late_policy="reject")
        self.spoil_delivery(clock_ms=max(self.by.clock_ms, CYCLE_END_MS + LATENESS_MS))

    def decide(self) -> Outcome:
        same = fingerprint_of(self.event)
        seen = Seen(self.by.clock_ms, same if self.seen == "same" else b"another!") if self.seen else None
        state = CustomerState("zoe", partition=self.home)
        return step(state, self.event, self.by, b"i" * 16, same, seen, catalog(book(**self.book)), DictMemory())[1]


SPOILERS: dict[str, Callable[[Case], None]] = {
    "WRONG_PARTITION": lambda case: setattr(case, "home", 3),
    "FUTURE_EVENT_TIME": lambda case: case.spoil_delivery(timestamp_ms=NOON_MS - SKEW_MS - 1),
    "TOO_OLD": lambda case: case.spoil_delivery(clock_ms=NOON_MS + HORIZON_MS + 1),
    "CONFLICTING_DUPLICATE": lambda case: setattr(case, "seen", "other"),
    "NO_PRICE": lambda case: case.book.update(effective_from="2026-11-10T12:00:00.001Z"),
    "UNKNOWN_METER": lambda case: case.spoil_event(meter="nope"),
    "WRONG_MEASURE": lambda case: case.spoil_event(measure=Measure.SESSION),
    "LATE_REJECTED": lambda case: case.spoil_by_lateness(),
}


def decided(*reasons: str, seen: str = "") -> Outcome:
    case = Case(seen=seen)
    for reason in reasons:
        SPOILERS[reason](case)
    return case.decide()


def reason_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Rejection)
    return outcome.reason.name


@pytest.mark.parametrize("reason", SPOILERS)
def test_each_mistake_alone_has_its_own_reason(reason: str) -> None:
    assert reason_of(decided(reason)) == reason


@pytest.mark.parametrize(("earlier", "later"), list(combinations(SPOILERS, 2)))
def test_of_two_mistakes_the_earlier_check_gives_the_reason(earlier: str, later: str) -> None:
    assert reason_of(decided(earlier, later)) == reason_of(decided(later, earlier)) == earlier


@pytest.mark.parametrize("later", list(SPOILERS)[4:])
def test_a_duplicate_is_one_whatever_later_checks_would_say(later: str) -> None:
    assert decided(later, seen="same") == Duplicate("e1")


@pytest.mark.parametrize("earlier", list(SPOILERS)[:3])
def test_a_repeated_event_that_an_earlier_check_refuses_is_no_duplicate(earlier: str) -> None:
    assert reason_of(decided(earlier, seen="same")) == earlier


@pytest.mark.parametrize("reason", SPOILERS)
def test_a_refused_event_leaves_the_customers_state_as_it_was(reason: str) -> None:
    case = Case()
    SPOILERS[reason](case)
    state = CustomerState("zoe", sequence=4, partition=case.home)
    before = deepcopy(state)
    seen = Seen(case.by.clock_ms, b"another!") if case.seen else None
    step(state, case.event, case.by, b"i" * 16, b"", seen, catalog(book(**case.book)), DictMemory())
    assert state == before


def test_of_a_retraction_the_price_book_is_looked_for_and_the_meter_is_not() -> None:
    case = Case()
    case.spoil_event(measure=Measure.RETRACTION, meter="nope", quantity=0, subject="e0")
    case.spoil_delivery(clock_ms=NOON_MS + LATENESS_MS + 1)
    assert reason_of(case.decide()) == "RETRACTION_UNKNOWN_EVENT"
    SPOILERS["NO_PRICE"](case)
    assert reason_of(case.decide()) == "NO_PRICE"


def test_without_any_book_the_default_limits_hold_and_there_is_no_price() -> None:
    def outcome(**by: int) -> str:
        return reason_of(
            step(CustomerState("zoe"), usage(), delivery(**by), b"", b"", None, catalog_of_nothing, DictMemory())[1]
        )

    catalog_of_nothing = catalog()
    catalog_of_nothing.series.clear()
    assert outcome() == "NO_PRICE"
    assert outcome(timestamp_ms=NOON_MS - SKEW_MS - 1) == "FUTURE_EVENT_TIME"
    assert outcome(timestamp_ms=NOON_MS - SKEW_MS) == "NO_PRICE"
    assert outcome(clock_ms=NOON_MS + HORIZON_MS + 1) == "TOO_OLD"
    assert outcome(clock_ms=NOON_MS + HORIZON_MS) == "NO_PRICE"


def test_a_heartbeat_needs_a_time_that_is_neither_invalid_nor_future() -> None:
    beat = usage("", 0, customer_id="", meter="", measure=Measure.HEARTBEAT)
    assert check_heartbeat(beat, delivery(key_matches=False), catalog()) is None
    invalid = check_heartbeat(beat._replace(event_time_ms=0), delivery(), catalog())
    future = check_heartbeat(beat, delivery(timestamp_ms=NOON_MS - SKEW_MS - 1), catalog())
    assert [one and one.reason.name for one in (invalid, future)] == ["INVALID_FIELD", "FUTURE_EVENT_TIME"]


@pytest.mark.parametrize("timestamp_ms", [NOON_MS, 2**63 - 1])
def test_the_largest_time_is_future_and_no_invalid_field(timestamp_ms: int) -> None:
    case = Case()
    case.spoil_event(event_time_ms=2**63 - 1)
    case.spoil_delivery(timestamp_ms=timestamp_ms)
    assert check_fields(case.event, case.by) is None
    assert reason_of(case.decide()) == "FUTURE_EVENT_TIME"
    case.home = 3
    assert reason_of(case.decide()) == "WRONG_PARTITION"
    beat = check_heartbeat(case.event._replace(measure=Measure.HEARTBEAT), case.by, catalog())
    assert beat is not None
    assert beat.reason.name == "FUTURE_EVENT_TIME"
