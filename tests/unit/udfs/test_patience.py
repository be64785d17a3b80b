"""Patience runs while the detector stands still, and only then."""

from billing.state import NEVER_MS
from udfs.patience import LOOK_MS, START_MS, Patience, silent_alert
from wire.frames import Tag, unpack_outgoing
from wire.v1 import billing_pb2

PATIENCE_MS = 3000
DUE_MS = 90_000


def waiting(due_ms: int = DUE_MS) -> Patience:
    patience = Patience(PATIENCE_MS)
    patience.look(0, 0, 0)
    patience.note("shard", due_ms)
    return patience


def looks_until_silent(patience: Patience, *, step_ms: int = LOOK_MS, event_time_step_ms: int = 0) -> int:
    """Return after how many looks the detector counts as silent, 0 where 100 are not enough."""
    for number in range(1, 101):
        event_time_ms = number * event_time_step_ms
        if patience.look(number * step_ms, 0, event_time_ms):
            return number
    return 0


def test_a_wait_without_any_progress_ends_after_the_patience() -> None:
    assert looks_until_silent(waiting()) == PATIENCE_MS // LOOK_MS + 1


def test_while_event_time_moves_on_nobody_gives_up_however_long_a_backlog_takes() -> None:
    patience = waiting()
    assert looks_until_silent(patience, event_time_step_ms=1) == 0
    assert not patience.silent


def test_event_time_is_no_progress_once_it_has_passed_the_decision_that_is_waited_for() -> None:
    assert looks_until_silent(waiting(due_ms=5), event_time_step_ms=1) > PATIENCE_MS // LOOK_MS


def test_a_process_that_was_busy_or_paused_does_not_take_its_own_silence_for_the_detectors() -> None:
    patience = waiting()
    assert not patience.look(60_000, 0, 0)
    assert looks_until_silent(waiting(), step_ms=60_000) == PATIENCE_MS // (2 * LOOK_MS) + 1


def test_after_a_start_other_tasks_are_given_time_unless_they_have_been_seen_at_work() -> None:
    patience = waiting()
    patience.start(0)
    assert looks_until_silent(patience) == (START_MS + PATIENCE_MS) // LOOK_MS
    patience = waiting()
    patience.start(0)
    patience.look(1, 0, 1)
    assert looks_until_silent(patience) == PATIENCE_MS // LOOK_MS + 1


def test_a_silence_is_told_once_and_ends_with_progress() -> None:
    patience = waiting()
    looks_until_silent(patience)
    assert patience.silent
    assert not patience.look(10_000, 0, 0), "it has been told"
    assert patience.silent
    assert not patience.look(10_250, 1, 1)
    assert not patience.silent


def test_who_comes_when_nothing_is_left_that_waits_has_a_patience_of_its_own() -> None:
    patience = waiting()
    looks_until_silent(patience)
    patience.note("another", DUE_MS)
    assert patience.silent, "it waits no longer than who was there"
    for shard in [*patience.shards]:
        patience.note(shard, NEVER_MS)
    assert not patience.silent
    patience.note("shard", DUE_MS)
    assert looks_until_silent(patience) == 0, "it has been told"
    assert patience.silent


def test_where_nothing_waits_no_time_passes() -> None:
    patience = waiting()
    patience.note("shard", NEVER_MS)
    assert looks_until_silent(patience) == 0


def test_the_alert_of_a_silence_has_one_id_wherever_it_is_written() -> None:
    ((tag, key, value, _),) = unpack_outgoing(silent_alert(1_794_312_000_000, PATIENCE_MS))
    alert = billing_pb2.Alert.FromString(value)
    assert (tag, key, alert.kind, alert.customer_id) == (Tag.ALERT, None, billing_pb2.Alert.DETECTOR_SILENT, "")
    assert alert.alert_id == "surge-silent@1794312000000"
    assert "3000 ms" in alert.detail
