"""Order: versions one after the other, gaps, repetitions and conflicts."""

import pytest

from billing.outcomes import Rejection
from billing.subscriptions.step import MAX_HELD, MAX_HELD_BYTES
from tests.unit.builders import HORIZON_MS, ms
from tests.unit.subscriptions.desk import NOVEMBER, Desk, cancel, held_versions, start, timeline, update

MID, LATE = "2026-11-16T00:00:00Z", "2026-11-20T00:00:00Z"


def test_an_event_waits_for_its_predecessor_and_then_has_its_turn() -> None:
    desk = Desk()
    assert desk.waits_for(update(2, MID)) == 1
    assert desk.facts == []
    desk.take(start(1))
    assert timeline(desk.facts) == ["s1 2026-11-01..2026-11-16 basic 10 v1", "s1 2026-11-16..open premium 25 v2"]
    assert desk.state.held == {}


def test_versions_count_over_all_subscriptions_of_a_customer() -> None:
    desk = Desk().take(start(1))
    assert desk.waits_for(start(3, subscription_id="s2")) == 2
    desk.take(update(2, MID))
    assert [one.event_id for one in desk.applied] == ["e1", "e2", "e3"]


def test_a_released_event_is_decided_at_the_clock_of_the_one_that_released_it() -> None:
    desk = Desk()
    desk.waits_for(update(2, MID), clock=MID)
    desk.take(start(1), clock=LATE)
    assert {one.clock_ms for one in desk.facts} == {ms(LATE)}


def test_a_held_event_that_is_refused_in_its_turn_goes_to_the_dead_letters_as_it_came() -> None:
    desk = Desk()
    desk.waits_for(update(2, MID, plan="gold"), offset=7)
    desk.waits_for(cancel(3, LATE))
    desk.take(start(1))
    (released,) = desk.released
    assert isinstance(released.outcome, Rejection)
    assert released.outcome.reason.name == "UNKNOWN_PLAN"
    assert (released.held.raw, released.held.delivery.offset) == (b"raw of e2", 7)
    assert held_versions(desk.state) == {3: "e3"}
    desk.take(update(2, MID))
    assert [one.event_id for one in desk.applied] == ["e1", "e2", "e3"]


def test_a_repetition_is_ignored_whether_applied_held_or_marked_as_a_replay() -> None:
    desk = Desk().take(start(1))
    desk.waits_for(cancel(3, LATE))
    facts = list(desk.facts)
    assert desk.is_duplicate(start(1))
    assert desk.is_duplicate(start(1, replay=True))
    assert desk.is_duplicate(cancel(3, LATE))
    assert desk.facts == facts


def test_a_repetition_is_known_however_late_it_comes() -> None:
    desk = Desk().take(start(1))
    desk.clock_ms += 100 * HORIZON_MS
    assert desk.is_duplicate(start(1))


def test_the_same_id_with_another_payload_is_a_conflict() -> None:
    desk = Desk().take(start(1))
    desk.waits_for(cancel(3, LATE))
    assert desk.refused(start(1, quantity=2)) == "CONFLICTING_DUPLICATE"
    assert desk.refused(cancel(3, MID)) == "CONFLICTING_DUPLICATE"
    assert desk.refused(cancel(2, MID, event_id="e1")) == "CONFLICTING_DUPLICATE"


def test_two_events_of_one_version_are_a_conflict_and_the_first_counts() -> None:
    desk = Desk().take(start(1))
    desk.waits_for(cancel(3, LATE))
    assert desk.refused(start(1, event_id="other")) == "VERSION_CONFLICT"
    assert desk.refused(cancel(3, LATE, event_id="other")) == "VERSION_CONFLICT"


def test_a_refused_event_does_not_use_its_version_up() -> None:
    desk = Desk().take(start(1))
    assert desk.refused(update(2, MID, plan="gold")) == "UNKNOWN_PLAN"
    assert desk.waits_for(cancel(3, LATE)) == 2
    desk.take(update(2, MID))
    assert [one.event_id for one in desk.applied] == ["e1", "e2", "e3"]


def test_a_gap_that_is_overdue_by_the_clock_is_told_once() -> None:
    desk = Desk().take(start(1))
    desk.waits_for(update(3, MID), clock=MID)
    assert desk.is_duplicate(start(1))
    assert desk.gaps == []
    desk.decide(start(1), clock="2026-11-16T03:00:00Z")
    (gap,) = desk.gaps
    assert (gap.missing_version, gap.due_ms) == (2, ms("2026-11-16T03:00:00Z"))
    assert gap.detail == "version 2 has not come; 1 event waits for it, the first is 'e3', version 3"
    desk.decide(start(1), clock=LATE)
    assert len(desk.gaps) == 1


def test_the_next_gap_is_told_of_as_well() -> None:
    desk = Desk().take(start(1))
    desk.waits_for(update(3, MID), clock=MID)
    desk.waits_for(update(5, MID, plan="basic"))
    desk.decide(start(1), clock=LATE)
    desk.take(update(2, MID, plan="yearly"))
    desk.decide(start(1))
    assert [gap.missing_version for gap in desk.gaps] == [2, 4]
    assert len({gap.alert_id for gap in desk.gaps}) == 2


def test_no_alert_once_the_gap_is_closed() -> None:
    desk = Desk().take(start(1))
    desk.waits_for(update(3, MID), clock=MID)
    desk.take(update(2, MID))
    desk.decide(start(1), clock=LATE)
    assert desk.gaps == []


def test_so_many_may_wait_and_no_more() -> None:
    desk = Desk()
    for version in range(2, MAX_HELD + 2):
        desk.waits_for(update(version, NOVEMBER))
    assert desk.refused(update(MAX_HELD + 2, NOVEMBER)) == "INVALID_SUBSCRIPTION"
    desk.take(start(1))
    assert len(desk.applied) == MAX_HELD + 1


def test_so_many_bytes_may_wait_and_no_more() -> None:
    desk = Desk()
    for version in (2, 3):
        desk.decide(update(version, NOVEMBER), raw=bytes(MAX_HELD_BYTES // 2))
    assert desk.refused(update(4, NOVEMBER)) == "INVALID_SUBSCRIPTION"


@pytest.mark.parametrize("partition", [1, 2])
def test_a_customer_stays_in_its_partition(partition: int) -> None:
    desk = Desk().take(start(1))
    assert desk.refused(cancel(2, MID), partition=partition) == "WRONG_PARTITION"
