"""Surge on the wire: demand between the job's functions, rates on pricing.surge, signals from pricing.signals."""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from google.protobuf.message import DecodeError

from billing.money import parse_decimal
from billing.surge.detector import Decided
from billing.surge.grid import DetectorKey, Grid, value_of
from billing.surge.rates import RunKey, SurgeRates
from billing.surge.rule import decimal_text
from billing.surge.signals import SignalKey, SignalValue
from billing.validity import MAX_EVENT_TIME_MS, MAX_ID_LENGTH
from wire.numbers import as_int64
from wire.v1 import common_pb2, pricing_pb2, state_pb2

MAX_SIGNAL_DIGITS = 20


class Demand(NamedTuple):
    """Units that one shard counted for an interval of a detector, by the detector's key bytes."""

    detector: bytes
    interval: int
    units: int


def encode_demand(demand: Demand) -> bytes:
    """Return the bytes that travel from the counters to the decider."""
    message = state_pb2.SurgeDemand(detector=demand.detector, interval=demand.interval, units=str(demand.units))
    return message.SerializeToString()


def decode_demand(data: bytes) -> Demand:
    """Read `encode_demand`'s bytes."""
    message = state_pb2.SurgeDemand.FromString(data)
    return Demand(message.detector, message.interval, int(message.units))


def rate_message(
    key: DetectorKey, decided: Decided, signals: Mapping[str, SignalValue], books_offset: int
) -> pricing_pb2.SurgeRate:
    """Return the message of one decided interval."""
    grid = key.grid
    end_ms = grid.start_ms(decided.interval + 1)
    message = pricing_pb2.SurgeRate(
        surge_id=grid.surge_id,
        meter=grid.meter,
        dimension_value=key.value,
        interval_from_ms=grid.start_ms(decided.interval),
        interval_to_ms=end_ms,
        factor=decimal_text(decided.factor),
        demand=as_int64(decided.demand),
        level=decided.level,
        decided_through_ms=end_ms,
        price_book=common_pb2.PriceBookRef(id=grid.price_book, version=decided.version),
        books_offset=books_offset,
    )
    for name, (event_time_ms, value) in sorted(signals.items()):
        message.signals.add(name=name, value=decimal_text(value), event_time_ms=event_time_ms)
    return message


def mark_message(grid: Grid, watermark_ms: int, books_offset: int) -> pricing_pb2.SurgeRate:
    """Return the message that says how far the intervals of a grid are decided."""
    return pricing_pb2.SurgeRate(
        surge_id=grid.surge_id,
        meter=grid.meter,
        decided_through_ms=grid.decided_through_ms(watermark_ms),
        price_book=common_pb2.PriceBookRef(id=grid.price_book),
        watermark_ms=watermark_ms,
        books_offset=books_offset,
    )


def take_rate(data: bytes, rates: SurgeRates) -> tuple[RunKey, int] | None:
    """Take a SurgeRate message into the rates that were read.

    Returns the key of a factor and where its interval begins, epoch ms; None for a mark.
    """
    message = pricing_pb2.SurgeRate.FromString(data)
    if message.dimension_value:
        window_ms = message.interval_to_ms - message.interval_from_ms
        key = (message.price_book.id, message.surge_id, message.meter, message.dimension_value, window_ms)
        rates.add(key, message.interval_from_ms, message.interval_to_ms, Fraction(message.factor))
        return key, message.interval_from_ms
    rates.advance(message.watermark_ms)
    return None


class Signal(NamedTuple):
    """A readable PriceSignal."""

    key: SignalKey
    at: SignalValue


def decode_price_signal(data: bytes) -> Signal | str:
    """Read a PriceSignal, or return what is wrong with it, in words."""
    try:
        message = pricing_pb2.PriceSignal.FromString(data)
    except DecodeError:
        return "not a PriceSignal message"
    for name, text in (("meter", message.meter), ("name", message.name)):
        if not 0 < len(text) <= MAX_ID_LENGTH:
            return f"{name} must have 1 to {MAX_ID_LENGTH} characters"
    if not 0 < message.event_time_ms < MAX_EVENT_TIME_MS:
        return f"event_time_ms is {message.event_time_ms}, and must be above 0 and before the year 9000"
    value = _value(message.value)
    if value is None:
        return f"value must be a decimal of 0 or more, of at most {MAX_SIGNAL_DIGITS} characters"
    key = SignalKey(message.meter, value_of(message.dimension_value), message.name)
    return Signal(key, SignalValue(message.event_time_ms, value))


def _value(text: str) -> Fraction | None:
    if len(text) > MAX_SIGNAL_DIGITS:
        return None
    try:
        value = Fraction(*parse_decimal(text))
    except ValueError:
        return None
    return value if value >= 0 else None
