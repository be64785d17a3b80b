"""Decided factors as the rating gets them: broadcast elements, kept in its broadcast state."""

from struct import Struct
from typing import Any

from pyflink.common import Types
from pyflink.datastream.state import MapStateDescriptor

from billing.surge.view import SurgeView
from wire.surge import take_rate
from wire.surge_state import decode_runs, encode_runs, runs_key

_BYTES = Types.PICKLED_BYTE_ARRAY()

# Name and types are part of every savepoint.
RATES_STATE = MapStateDescriptor("surge-rates", _BYTES, _BYTES)

_WATERMARK = b""
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
        return self._view

    def add(self, message: bytes, ctx: Any, horizon_ms: int) -> bool:
        """Take in a SurgeRate; returns whether the detector has come further. Factors older than the horizon go."""
        rates = self.view(ctx).rates
        state = ctx.get_broadcast_state(RATES_STATE)
        before_ms = rates.watermark_ms
        key = take_rate(message, rates)
        if key is not None:
            if key in rates.runs:
                state.put(runs_key(key), encode_runs(key, rates.runs[key]))
            return False
        state.put(_WATERMARK, _TIME.pack(rates.watermark_ms))
        if rates.watermark_ms - self._swept_ms > _DAY_MS:
            self._sweep(state, rates.watermark_ms - horizon_ms)
            self._swept_ms = rates.watermark_ms
        return rates.watermark_ms > before_ms

    def _sweep(self, state: Any, before_ms: int) -> None:
        assert self._view is not None
        rates = self._view.rates
        known = list(rates.runs)
        rates.forget_before(before_ms)
        for key in known:
            if key in rates.runs:
                state.put(runs_key(key), encode_runs(key, rates.runs[key]))
            else:
                state.remove(runs_key(key))
