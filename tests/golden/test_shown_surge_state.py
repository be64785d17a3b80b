"""Bytes of what the balances job shows of surge, as its savepoints hold them."""

from billing.surge.shown import Interval, ShownSurge
from tests.golden.state_files import StateFiles
from wire.surge_shown import FORMAT, decode_shown, encode_shown

NOON_MS = 1_794_312_000_000
NEXT_MS = NOON_MS + 60_000
SHOWN = ShownSurge("sms-peak", 3, Interval(NOON_MS, NEXT_MS, "1", 0), Interval(NEXT_MS, NEXT_MS + 60_000, "1.6", 2))

FILES = StateFiles("shown_surge_state", FORMAT, {1: SHOWN}, encode_shown, decode_shown)
