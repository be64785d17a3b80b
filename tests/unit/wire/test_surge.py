"""Surge detection as bytes: what state, functions and topics pass on."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.outcomes import Alert, AlertKind
from billing.surge.detector import Decided, Detector
from billing.surge.grid import DetectorKey, Grid
from billing.surge.signals import SignalHistory, SignalValue
from wire.alerts import alert_message
from wire.customer_state import UnknownStateFormatError
from wire.surge import Demand, decode_demand, encode_demand, mark_message, rate_message
from wire.surge_state import (
    decode_count,
    decode_detector,
    decode_key,
    decode_signal,
    encode_count,
    encode_detector,
    encode_key,
    encode_signal,
)
from wire.v1 import billing_pb2, common_pb2, state_pb2

names = st.text(max_size=8)
units = st.integers(0, 10**25)
times = st.integers(0, 2**62)
factors = st.integers(10_000, 10**9).map(lambda steps: Fraction(steps, 10_000))
keys = st.builds(DetectorKey, st.builds(Grid, names, names, names, names, times, times), names)
detectors = st.builds(
    Detector, times, st.integers(0, 20), factors, st.lists(units, max_size=3).map(tuple), st.integers(0, 32),
    st.dictionaries(times, units, max_size=3),
)  # fmt: skip
histories = st.builds(SignalHistory, st.lists(st.builds(SignalValue, times, factors), max_size=3))


@given(keys, detectors, histories)
def test_keys_detectors_and_signals_survive_their_bytes(
    key: DetectorKey, detector: Detector, history: SignalHistory
) -> None:
    assert decode_key(encode_key(key)) == key
    assert decode_detector(encode_detector(detector)) == detector
    assert decode_signal(encode_signal(history)) == history


@given(st.binary(max_size=20), times, units)
def test_demand_and_counts_survive_their_bytes(key: bytes, interval: int, count: int) -> None:
    assert decode_demand(encode_demand(Demand(key, interval, count))) == Demand(key, interval, count)
    assert decode_count(encode_count(interval, count)) == count


def test_a_format_of_a_later_release_is_refused() -> None:
    with pytest.raises(UnknownStateFormatError):
        decode_detector(state_pb2.SurgeDetectorState(format=2).SerializeToString())
    with pytest.raises(UnknownStateFormatError):
        decode_signal(state_pb2.SurgeSignalState(format=2).SerializeToString())
    assert decode_signal(None) == SignalHistory()


GRID = Grid("standard", "sms-peak", "sms.outbound", "region", 60_000, 30_000)


def test_a_rate_says_what_was_decided_and_from_what() -> None:
    decided = Decided(10, 5000, 1, Fraction("1.25"), 0, 2)
    message = rate_message(DetectorKey(GRID, "eu"), decided, {"heat": SignalValue(500_000, Fraction("1.1"))}, 7)
    assert (message.surge_id, message.meter, message.dimension_value) == ("sms-peak", "sms.outbound", "eu")
    assert (message.interval_from_ms, message.interval_to_ms) == (600_000, 660_000)
    assert (message.factor, message.demand, message.level, message.decided_through_ms) == ("1.25", 5000, 1, 660_000)
    assert message.price_book == common_pb2.PriceBookRef(id="standard", version=2)
    assert [(one.name, one.value, one.event_time_ms) for one in message.signals] == [("heat", "1.1", 500_000)]
    assert message.books_offset == 7


def test_a_mark_says_how_far_all_is_decided() -> None:
    message = mark_message(GRID, 600_000, 7)
    assert (message.dimension_value, message.factor, message.watermark_ms) == ("", "", 600_000)
    assert message.decided_through_ms == 660_000  # the interval from 600 s on was decided at 570 s


def test_an_alert_has_a_message() -> None:
    alert = Alert("id", "zoe", AlertKind.PROMOTION_WON, "burst", "won", 5, "2026-11")
    message = alert_message(alert, common_pb2.SourcePosition(topic="t", partition=1, offset=2))
    assert (message.kind, message.customer_id, message.source.offset) == (billing_pb2.Alert.PROMOTION_WON, "zoe", 2)
    assert (message.alert_id, message.subject, message.detail, message.event_time_ms, message.cycle) == (
        "id", "burst", "won", 5, "2026-11",
    )  # fmt: skip
