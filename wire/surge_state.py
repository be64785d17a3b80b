"""The state of surge detection as versioned bytes: detectors, their keys, counts and signals.

As in `wire.customer_state`, Flink never notices a changed format: each message begins with its own.
"""

import json
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from struct import Struct

from billing.surge.detector import Detector
from billing.surge.grid import DetectorKey, Grid
from billing.surge.rates import Run, RunKey
from billing.surge.rule import decimal_text
from billing.surge.signals import SignalHistory, SignalValue
from wire.customer_state import UnknownStateFormatError
from wire.v1 import state_pb2

FORMAT = 1

READABLE = (FORMAT,)

_TIMED = Struct(">q")


@lru_cache(maxsize=4096)
def encode_key(key: DetectorKey) -> bytes:
    """Return the bytes that a detector is kept under."""
    message = state_pb2.SurgeDetectorKey(grid=state_pb2.SurgeGrid(**key.grid._asdict()), value=key.value)
    return message.SerializeToString(deterministic=True)


def decode_key(data: bytes) -> DetectorKey:
    """Read `encode_key`'s bytes."""
    message = state_pb2.SurgeDetectorKey.FromString(data)
    grid = message.grid
    return DetectorKey(
        Grid(grid.price_book, grid.surge_id, grid.meter, grid.dimension, grid.window_ms, grid.lead_ms), message.value
    )


def encode_detector(detector: Detector) -> bytes:
    """Return the bytes of a detector's state."""
    message = state_pb2.SurgeDetectorState(
        format=FORMAT,
        next_interval=detector.next_interval,
        level=detector.level,
        factor=decimal_text(detector.factor),
        earlier=map(str, detector.earlier),
        silent=detector.silent,
    )
    for interval, units in sorted(detector.counted.items()):
        message.counted.add(interval=interval, units=str(units))
    return message.SerializeToString()


def decode_detector(data: bytes) -> Detector:
    """Read a detector's state; raises UnknownStateFormatError for a format of a later release."""
    message = state_pb2.SurgeDetectorState.FromString(data)
    _check_format(message.format, "a surge detector")
    return Detector(
        message.next_interval,
        message.level,
        Fraction(message.factor),
        tuple(map(int, message.earlier)),
        message.silent,
        {one.interval: int(one.units) for one in message.counted},
    )


def encode_signal(history: SignalHistory) -> bytes:
    """Return the bytes of a signal's values."""
    message = state_pb2.SurgeSignalState(format=FORMAT)
    for one in history.values:
        message.values.add(event_time_ms=one.event_time_ms, value=decimal_text(one.value))
    return message.SerializeToString()


def decode_signal(data: bytes | None) -> SignalHistory:
    """Read a signal's values; None: there are none yet."""
    if data is None:
        return SignalHistory()
    message = state_pb2.SurgeSignalState.FromString(data)
    _check_format(message.format, "a surge signal")
    return SignalHistory([SignalValue(one.event_time_ms, Fraction(one.value)) for one in message.values])


def encode_count(window_end_ms: int, units: int) -> bytes:
    """Return a shard's count of one window: the window's end in front, as `IndexStore.sweep` wants it."""
    return _TIMED.pack(window_end_ms) + str(units).encode()


def decode_count(data: bytes) -> int:
    """Return the units of a count."""
    return int(data[_TIMED.size :])


def encode_end(window_end_ms: int) -> bytes:
    """Return until when an event is remembered as counted."""
    return _TIMED.pack(window_end_ms)


def decode_end(data: bytes) -> int:
    """Read `encode_end`'s bytes."""
    end_ms: int = _TIMED.unpack(data)[0]
    return end_ms


def _check_format(number: int, what: str) -> None:
    if number != FORMAT:
        raise UnknownStateFormatError(f"state format {number} of {what}; this release reads {FORMAT}")


def encode_runs(key: RunKey, runs: Iterable[Run]) -> bytes:
    """Return the bytes of a detector's factors."""
    price_book, surge_id, meter, value, window_ms = key
    message = state_pb2.SurgeRuns(
        price_book=price_book, surge_id=surge_id, meter=meter, dimension_value=value, window_ms=window_ms
    )
    for run in runs:
        message.runs.add(from_ms=run.from_ms, to_ms=run.to_ms, factor=decimal_text(run.factor))
    return message.SerializeToString()


def decode_runs(data: bytes) -> tuple[RunKey, list[Run]]:
    """Read `encode_runs`'s bytes."""
    message = state_pb2.SurgeRuns.FromString(data)
    key = (message.price_book, message.surge_id, message.meter, message.dimension_value, message.window_ms)
    return key, [Run(run.from_ms, run.to_ms, Fraction(run.factor)) for run in message.runs]


def runs_key(key: RunKey, day: int) -> str:
    """Return what a detector's factors of a day are kept under; `day` is of those since the epoch, UTC."""
    return json.dumps((*key, day))


def whole_runs_key(key: RunKey) -> str:
    """Return what all of a detector's factors were kept under by earlier builds."""
    return json.dumps(key)
