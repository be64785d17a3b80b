"""The same seed gives the same faults; a longer run begins as a shorter one."""

import pytest

from tollgate.chaos.faults import registry
from tollgate.chaos.faults.broker import KillBroker
from tollgate.chaos.faults.flink_processes import KillTaskManager
from tollgate.chaos.schedule import draw_schedule
from tollgate.local.errors import StackError


def test_the_same_seed_gives_the_same_schedule_to_the_last_detail() -> None:
    assert draw_schedule(7, 1800, registry.ALL) == draw_schedule(7, 1800, registry.ALL)
    assert draw_schedule(7, 1800, registry.ALL) != draw_schedule(8, 1800, registry.ALL)


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    short, long = draw_schedule(3, 300, registry.ALL), draw_schedule(3, 900, registry.ALL)
    assert len(short) < len(long)
    assert long[: len(short)] == short


def test_every_kind_comes_once_before_any_comes_twice() -> None:
    planned = draw_schedule(5, 7200, registry.ALL)
    kinds = [one.fault.kind for one in planned]
    assert len(kinds) > 2 * len(registry.ALL)
    for first in range(0, len(kinds) - len(registry.ALL), len(registry.ALL)):
        assert len(set(kinds[first : first + len(registry.ALL)])) == len(registry.ALL)


def test_what_typically_fits_into_the_time_is_planned_and_one_fault_at_least() -> None:
    planned = draw_schedule(1, 600, registry.ALL)
    assert sum(one.pause_seconds + one.fault.typical_seconds for one in planned) <= 600
    assert len(draw_schedule(1, 0.1, registry.ALL)) == 1


def test_the_schedule_says_number_pause_kind_and_details() -> None:
    line = str(draw_schedule(1, 1, [KillBroker])[0])
    assert line.split(maxsplit=1)[0] == "1"
    assert "kill-broker" in line
    assert "away for" in line


def test_kinds_are_chosen_by_name_and_unknown_ones_are_refused() -> None:
    assert registry.named("kill-taskmanager, kill-broker") == [KillTaskManager, KillBroker]
    assert registry.named("") is registry.ALL
    with pytest.raises(StackError, match="no fault kill-everything"):
        registry.named("kill-broker,kill-everything")


def test_names_are_unique() -> None:
    assert len({one.kind for one in registry.ALL}) == len(registry.ALL)
