"""Decided factors in broadcast state: a day of a detector is an entry, and those of earlier builds are divided."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.surge.rates import Run, RunKey
from tests.unit.builders import DAY_MS, NOON_MS
from udfs.broadcast_rates import DECIDED, BroadcastRates
from wire.frames import Tag, pack_outgoing
from wire.surge_state import decode_runs, encode_runs, whole_runs_key
from wire.v1 import pricing_pb2

HOUR_MS = 3_600_000
KEY: RunKey = ("b", "s", "calls", "eu", HOUR_MS)


class State(dict[str, bytes]):
    """Broadcast state; `written` counts the bytes."""

    written = 0

    def put(self, key: str, value: bytes) -> None:
        self.written += len(value)
        self[key] = value

    def remove(self, key: str) -> None:
        self.pop(key, None)

    def get_broadcast_state(self, _: Any) -> "State":
        return self


def decided(hour: int, factor: str) -> bytes:
    begin_ms = NOON_MS + hour * HOUR_MS
    rate = pricing_pb2.SurgeRate(
        surge_id="s", meter="calls", dimension_value="eu", interval_from_ms=begin_ms,
        interval_to_ms=begin_ms + HOUR_MS, factor=factor, price_book={"id": "b", "version": 1},
    )  # fmt: skip
    return DECIDED + pack_outgoing(Tag.SURGE, None, rate.SerializeToString())


def mark(hour: int) -> bytes:
    return DECIDED + pack_outgoing(
        Tag.SURGE, None, pricing_pb2.SurgeRate(watermark_ms=NOON_MS + hour * HOUR_MS).SerializeToString()
    )


def known(state: State) -> dict[RunKey, list[Run]]:
    """Return what an instance knows after a restore, runs of one factor next to each other as one."""
    found = BroadcastRates().view(state).rates.runs
    return {key: list(_joined(runs)) for key, runs in found.items()}


def _joined(runs: list[Run]) -> Iterator[Run]:
    last: Run | None = None
    for run in runs:
        if last is not None and (last.to_ms, last.factor) == (run.from_ms, run.factor):
            last = last._replace(to_ms=run.to_ms)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


hours = st.lists(st.tuples(st.integers(0, 100), st.sampled_from(["1", "1.25", "1.5"])), max_size=60)


@given(hours, st.booleans())
def test_what_is_restored_is_what_was_known(factors: list[tuple[int, str]], in_order: bool) -> None:
    state, rates = State(), BroadcastRates()
    for hour, factor in sorted(factors) if in_order else factors:
        rates.add(decided(hour, factor), state)
    rates.add(mark(200), state)
    assert known(state) == {key: list(_joined(runs)) for key, runs in rates.view(state).rates.runs.items()}
    rates.forget(state, 5 * DAY_MS)
    assert known(state) == {key: list(_joined(runs)) for key, runs in rates.view(state).rates.runs.items()}


def test_a_factor_that_changes_every_interval_costs_a_day_and_not_all_that_is_remembered() -> None:
    state, rates = State(), BroadcastRates()
    for hour in range(24 * 40):
        rates.add(decided(hour, f"1.{hour % 7 + 1}"), state)
    before = state.written
    rates.add(decided(24 * 40, "2"), state)
    assert state.written - before < sum(map(len, state.values())) / 20


@pytest.mark.parametrize("forgets", [False, True])
def test_what_an_earlier_build_kept_as_one_is_divided_and_nothing_is_lost(*, forgets: bool) -> None:
    runs = [Run(NOON_MS + at * DAY_MS, NOON_MS + at * DAY_MS + HOUR_MS, Fraction(5, 4)) for at in range(3)]
    state = State({whole_runs_key(KEY): encode_runs(KEY, runs)})
    rates = BroadcastRates()
    rates.view(state)
    if forgets:
        rates.add(mark(72), state)
        rates.forget(state, 30 * DAY_MS)
    else:
        rates.add(decided(100, "1.5"), state)
    assert whole_runs_key(KEY) not in state
    assert known(state)[KEY][:3] == runs
    assert all(len(decode_runs(value)[1]) == 1 for key, value in state.items() if key)


def test_what_is_older_than_the_horizon_goes_day_by_day() -> None:
    state, rates = State(), BroadcastRates()
    for hour in (0, 24, 48):
        rates.add(decided(hour, "1.25"), state)
    rates.add(mark(72), state)
    rates.forget(state, 2 * DAY_MS)
    assert [run.from_ms for run in known(state)[KEY]] == [NOON_MS + at * DAY_MS for at in (1, 2)]
    assert len([key for key in state if key]) == 2
