"""Bytes of surge detection that savepoints hold. The switch writes a file that is missing, and no other."""

from fractions import Fraction

from billing.surge.detector import Detector
from billing.surge.grid import DetectorKey, Grid
from billing.surge.signals import SignalHistory, SignalValue
from tests.golden.conftest import HERE
from wire.surge_state import (
    decode_detector,
    decode_key,
    decode_signal,
    encode_count,
    encode_detector,
    encode_end,
    encode_key,
    encode_signal,
)

PATH = HERE / "surge_state" / "format_1.hex"
KEY = DetectorKey(Grid("standard", "sms-peak", "sms.outbound", "region", 60_000, 30_000), "eu")
DETECTOR = Detector(29_905_200, 2, Fraction(8, 5), (20_000, 0, 10**25), 1, {29_905_201: 17, 29_905_200: 10**25})
SIGNAL = SignalHistory([SignalValue(1_794_312_000_000, Fraction("1.25")), SignalValue(1_794_312_060_000, Fraction(0))])


def parts() -> list[bytes]:
    """Return every kind of entry, as this release writes it."""
    return [
        encode_key(KEY),
        encode_detector(DETECTOR),
        encode_signal(SIGNAL),
        encode_count(1_794_312_000_000, 10**25),
        encode_end(1_794_312_000_000),
    ]


def test_this_release_writes_the_bytes_of_its_format(*, regenerate: bool) -> None:
    if regenerate and not PATH.exists():
        PATH.parent.mkdir(exist_ok=True)
        PATH.write_text("".join(f"{part.hex()}\n" for part in parts()), encoding="utf-8")
    assert PATH.read_text(encoding="utf-8").split() == [part.hex() for part in parts()]


def test_the_bytes_are_read_as_they_were_meant() -> None:
    key, detector, signal, *_ = map(bytes.fromhex, PATH.read_text(encoding="utf-8").split())
    assert (decode_key(key), decode_detector(detector), decode_signal(signal)) == (KEY, DETECTOR, SIGNAL)
