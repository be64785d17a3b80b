"""Two writers, and a server that loses data, in any order: the hash ends at the fold."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.balances import Line
from sinks.redis import KEY_PREFIX, RedisBalances
from tests.unit.balance_lines import calls, histories, latest, open_record, record_of, settled
from tests.unit.udfs.test_balance_keeper import LIVE, OPEN, SETTLED, frame, keeper
from wire.balances import hash_of

KEY = KEY_PREFIX + "acme"


def _written(lines: list[Line], cuts: list[int], lag: int) -> list[tuple[str, str]]:
    """Return the updates of one job that reads the records in these frames, settled behind by `lag` records.

    With every record a call begins or ends.
    """
    one = keeper()
    updates: list[tuple[str, str]] = []
    edges = [0, *sorted(cuts), len(lines), len(lines) + lag]
    for start, end in pairwise(edges):
        entries = [(LIVE, record_of(each)) for each in latest(lines[start:end])]
        entries += [(SETTLED, record_of(each)) for each in latest(lines[max(0, start - lag) : max(0, end - lag)])]
        if start < end <= len(lines):
            entries.append((OPEN, open_record(end, sessions=end % 2)))
        updates += one.keep(frame(*entries)).updates
    return updates


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.data())
def test_two_writers_in_any_interleaving_end_equal(
    writer: RedisBalances, redis_data: Any, lines: list[Line], data: st.DataObject
) -> None:
    """Both start from nothing beside each other; a hash that lacks something is written whole, as the job does."""
    redis_data.flushall()
    cuts = st.lists(st.integers(0, len(lines)), max_size=5)
    queues = [_written(lines, data.draw(cuts), data.draw(st.integers(0, 5))) for _ in range(2)]
    while any(queues):
        queue = data.draw(st.sampled_from([queue for queue in queues if queue]))
        assert writer.write([queue.pop(0)]) == set()
        found = redis_data.hgetall(KEY)
        if int(found["live_sequence"]) == len(lines):
            assert found["live_total"] == hash_of(settled(lines))["live_total"]
    expected = settled(lines)
    expected.open = calls(len(lines), len(lines) % 2)
    assert redis_data.hgetall(KEY) == hash_of(expected)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.data())
def test_a_server_that_loses_data_at_any_time_is_told_what_it_lacks(
    writer: RedisBalances, redis_data: Any, lines: list[Line], data: st.DataObject
) -> None:
    """Flushed, or set back to an older copy, between any two updates: never a part of the truth for long."""
    redis_data.flushall()
    one = keeper()
    older: dict[str, str] = {}
    for each in lines:
        kept = one.keep(frame((LIVE, record_of(each)), (SETTLED, record_of(each))))
        if data.draw(st.integers(0, 3)) == 0:
            redis_data.delete(KEY)
            if older:
                redis_data.hset(KEY, mapping=older)
        older = data.draw(st.sampled_from([older, redis_data.hgetall(KEY)]))
        if writer.write(kept.updates):
            assert writer.write(one.everything()) == set()
        state = {name: json.loads(text) for name, text in one.everything()}["acme"]
        expected = dict(zip(state["live"][::2], state["live"][1::2], strict=True))
        assert expected.items() <= redis_data.hgetall(KEY).items()
    assert redis_data.hgetall(KEY) == hash_of(settled(lines))
