"""Decided factors as the rating gets them: broadcast elements, kept in its broadcast state."""

from struct import Struct
from typing import Any

from pyflink.common import Types
from pyflink.datastream.state import MapStateDescriptor

from billing.surge.view import SurgeView
from wire.frames import Tag, unpack_outgoing
from wire.surge import take_rate
from wire.surge_state import decode_runs, encode_runs, runs_key

# Name and types are part of every savepoint. The keys are strings, since broadcast state is a map on the JVM's heap:
# there two arrays of the same bytes are two keys, and what was put last would be one of many.
RATES_STATE = MapStateDescriptor("surge-rates", Types.STRING(), Types.PICKLED_BYTE_ARRAY())

DECIDED = b"S"
"""Stands before what was decided on its way to the rating; no `KeyedRecord` begins so."""

_WATERMARK = ""
_TIME = Struct(">q")
_DAY_MS = 86_400_000


class BroadcastRates:
    """The factors that one instance of the rating knows."""

    def __init__(self) -> None:
        self._view: SurgeView | None = None
        self._swept_ms = 0

    def view(self, ctx: Any) -> SurgeView:
        """Return what has been decided, first reading it from the state."""
        if self._view is None:
            self._view = SurgeView()
            for key, value in ctx.get_broadcast_state(RATES_STATE).items():
                if key == _WATERMARK:
                    self._view.rates.advance(_TIME.unpack(value)[0])
                else:
                    name, runs = decode_runs(value)
                    self._view.rates.runs[name] = runs
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
        key = take_rate(message, rates)
        if key is None:
            state.put(_WATERMARK, _TIME.pack(rates.watermark_ms))
        elif key in rates.runs:
            state.put(runs_key(key), encode_runs(key, rates.runs[key]))

    def forget(self, ctx: Any, horizon_ms: int) -> None:
        """Drop, once a day of event time, what is older than the horizon: no event of that age is rated."""
        rates = self.view(ctx).rates
        if rates.watermark_ms - self._swept_ms <= _DAY_MS:
            return
        self._swept_ms = rates.watermark_ms
        state = ctx.get_broadcast_state(RATES_STATE)
        known = list(rates.runs)
        rates.forget_before(rates.watermark_ms - horizon_ms)
        for key in known:
            if key in rates.runs:
                state.put(runs_key(key), encode_runs(key, rates.runs[key]))
            else:
                state.remove(runs_key(key))
