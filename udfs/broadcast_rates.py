"""Decided factors as the rating gets them: broadcast elements, kept in its broadcast state."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from struct import Struct
from typing import Any

from pyflink.common import Types
from pyflink.datastream.state import MapStateDescriptor

from billing.surge.rates import Run, RunKey
from billing.surge.view import SurgeView
from wire.frames import Tag, unpack_outgoing
from wire.surge import take_rate
from wire.surge_state import decode_runs, encode_runs, runs_key, whole_runs_key

# Name and types are part of every savepoint. The keys are strings, since broadcast state is a map on the JVM's heap:
# there two arrays of the same bytes are two keys, and what was put last would be one of many.
RATES_STATE = MapStateDescriptor("surge-rates", Types.STRING(), Types.PICKLED_BYTE_ARRAY())

DECIDED = b"S"
"""Stands before what was decided on its way to the rating; no `KeyedRecord` begins so."""

_WATERMARK = ""
_TIME = Struct(">q")
_DAY_MS = 86_400_000


class BroadcastRates:
    """The factors that one instance of the rating knows; those of a detector are kept day by day.

    A factor that goes with a signal may change with every interval: writing all of them each time would cost
    more with every day that they are remembered.
    """

    def __init__(self) -> None:
        self._view: SurgeView | None = None
        self._swept_ms = 0
        self._whole: set[RunKey] = set()

    def view(self, ctx: Any) -> SurgeView:
        """Return what has been decided, first reading it from the state."""
        if self._view is None:
            self._view = SurgeView()
            runs = self._view.rates.runs
            for key, value in ctx.get_broadcast_state(RATES_STATE).items():
                if key == _WATERMARK:
                    self._view.rates.advance(_TIME.unpack(value)[0])
                    continue
                name, kept = decode_runs(value)
                runs[name] = sorted([*runs.get(name, ()), *kept])
                if key == whole_runs_key(name):
                    self._whole.add(name)
            self._swept_ms = self._view.rates.watermark_ms  # what a restored job waits with is known only later
        return self._view

    def add(self, element: bytes, ctx: Any) -> None:
        """Take in an outgoing frame of the decider: rates first, then the marks that say they are all."""
        for tag, _, message, _ in unpack_outgoing(element[len(DECIDED) :]):
            if tag is Tag.SURGE:
                self._take(message, ctx)

    def _take(self, message: bytes, ctx: Any) -> None:
        rates = self.view(ctx).rates
        state = ctx.get_broadcast_state(RATES_STATE)
        taken = take_rate(message, rates)
        if taken is None:
            state.put(_WATERMARK, _TIME.pack(rates.watermark_ms))
            return
        key, from_ms = taken
        if key in self._whole:
            self._divide(key, rates.runs[key], state)
        elif runs := rates.runs.get(key):
            grown = runs[max(bisect_right(runs, from_ms, key=_begin) - 1, 0)]
            _, _, _, _, window_ms = key
            # Of the day before where the run has grown from there, and of the next where it has grown over one there.
            for day in {one // _DAY_MS for one in (grown.from_ms, from_ms, from_ms + window_ms)}:
                self._keep(key, day, runs, state)

    def forget(self, ctx: Any, horizon_ms: int) -> None:
        """Drop, once a day of event time, what is older than the horizon: no event of that age is rated."""
        rates = self.view(ctx).rates
        if rates.watermark_ms - self._swept_ms <= _DAY_MS:
            return
        self._swept_ms = rates.watermark_ms
        state = ctx.get_broadcast_state(RATES_STATE)
        known = {key: {run.from_ms // _DAY_MS for run in runs} for key, runs in rates.runs.items()}
        rates.forget_before(rates.watermark_ms - horizon_ms)
        for key, days in known.items():
            runs = rates.runs.get(key, [])
            if key in self._whole:
                self._divide(key, runs, state)
            left = {run.from_ms // _DAY_MS for run in runs}
            for day in (days - left) | set(sorted(left)[:1]):
                self._keep(key, day, runs, state)

    def _divide(self, key: RunKey, runs: Sequence[Run], state: Any) -> None:
        """Keep day by day what an earlier build has kept as one."""
        for day in {run.from_ms // _DAY_MS for run in runs}:
            self._keep(key, day, runs, state)
        state.remove(whole_runs_key(key))
        self._whole.discard(key)

    def _keep(self, key: RunKey, day: int, runs: Sequence[Run], state: Any) -> None:
        """Write the factors of a day; a run is of the day in which it begins."""
        begin, end = (bisect_left(runs, one * _DAY_MS, key=_begin) for one in (day, day + 1))
        if begin < end:
            state.put(runs_key(key, day), encode_runs(key, runs[begin:end]))
        else:
            state.remove(runs_key(key, day))


def _begin(run: Run) -> int:
    return run.from_ms
