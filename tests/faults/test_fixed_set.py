"""Every family of faults with fixed seeds, named after the rows of the fault table: nothing lost, nothing double."""

import re
from pathlib import Path

import pytest

from tests.faults.harness import inject

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

SETS = {
    "row_1_task_managers_killed": ("kill-taskmanager", 3.0),
    "row_2_job_manager_killed": ("kill-jobmanager", 2.0),
    "row_3_broker_bounced_killed_paused": ("bounce-broker,kill-broker,pause-broker", 4.0),
    "row_3_network_slow_cut_silent_breaking": ("slow-kafka,cut-kafka,silent-kafka,breaking-kafka", 4.0),
    "row_5_zombie_writer": ("freeze-taskmanager", 2.0),
    "row_6_rescaled_in_the_middle": ("rescale,kill-taskmanager", 3.0),
    "row_8_checkpoints_away_or_damaged": ("lose-checkpoints,damage-checkpoint", 6.0),
    "row_9_redis": ("kill-redis,pause-redis,flush-redis,fill-redis,slow-redis,cut-redis,breaking-redis", 4.0),
    "rows_12_and_16_storms": ("poison-storm,replay-storm,kill-taskmanager", 2.0),
}


def by_row(name: str) -> pytest.ParameterSet:
    rows = map(int, re.findall(r"[0-9]+", name))
    return pytest.param(name, marks=pytest.mark.row(*rows))


@pytest.mark.parametrize("name", [by_row(one) for one in SETS])
def test_nothing_is_lost_or_double(tmp_path: Path, name: str) -> None:
    faults, minutes = SETS[name]
    results = inject(tmp_path / "stack", faults, seed=1, minutes=minutes)
    assert results.passed, results.as_plain()
    assert {one.kind for one in results.outcomes} == set(faults.split(","))
