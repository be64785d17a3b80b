"""Bytes that savepoints in the field hold: every format that was ever released is read as it was meant.

The switch writes the file of a new format only. One that exists is never rewritten, for its bytes are out there.
"""

from collections.abc import Mapping
from functools import partial

from billing.events import Charge, Freed, Measure, Seen, UsageEvent, Weight, fingerprint_of, identity_of
from billing.state import CustomerState, CycleState, EarnedKey, EarnedState, MeterState, OpenSessions
from billing.volume_tiers import VolumeState
from tests.golden import test_earned_state
from tests.golden.conftest import Golden
from tests.golden.state_files import StateFiles
from tests.golden.test_earned_state import EARNED, MILESTONES
from wire.customer_state import FORMAT, decode_state, encode_state
from wire.dedup_index import decode_seen, encode_seen

NOVEMBER_END_MS, DECEMBER_END_MS = 1_796_083_200_000, 1_798_761_600_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def handmade() -> CustomerState:
    """A customer with a closed cycle, an open one, an allowance, a debt beyond 64 bits, and a volume price."""
    state = CustomerState("acme/eve", sequence=2**32 + 7, partition=3)
    state.open_cycle(
        CycleState(
            name="2026-11",
            price_book="standard",
            currency="USD",
            close_at_ms=NOVEMBER_END_MS + 3 * HOUR_MS,
            forget_at_ms=NOVEMBER_END_MS + 35 * DAY_MS,
            closed=True,
            picos=123_456_789_012_345_678_901_234_567_890,
            meters={
                "sms.outbound": MeterState(1000, 1100, 7_900_000_000_000),
                "video": MeterState(11, 11, 3_300_000_000_000, {"standard@2": VolumeState(1, 52, 5)}),
            },
            allowances={"welcome": 100},
        )
    )
    state.open_cycle(
        CycleState(
            name="2026-12",
            price_book="standard",
            currency="USD",
            close_at_ms=DECEMBER_END_MS + 3 * HOUR_MS,
            forget_at_ms=DECEMBER_END_MS + 35 * DAY_MS,
            picos=-22_000_000_000,
            meters={"mms.outbound": MeterState(0, 1, -22_000_000_000)},
        )
    )
    return state


def with_something_that_waits() -> CustomerState:
    """The same, and something that waits until the eleventh of November, at noon."""
    state = handmade()
    state.expect(1_794_398_400_000)
    return state


def with_what_is_won_and_drawn(earned: Mapping[EarnedKey, EarnedState]) -> CustomerState:
    """The same, with promotions won, prepaid credit drawn, and thresholds of which alerts have told."""
    state = with_something_that_waits()
    state.earned = dict(earned)
    state.credit_drawn_picos = 2**70 + 1
    cycle = state.cycles["standard", "2026-12"]
    cycle.earned = dict(MILESTONES)
    cycle.alerted_picos, cycle.uncovered_picos = 50 * 10**12, 2**65
    return state


def with_what_is_won_and_paid_in_advance() -> CustomerState:
    """The same, knowing when the burst is over, and the largest sum that was paid."""
    state = with_what_is_won_and_drawn(EARNED)
    state.credit_paid_picos = 2**71
    return state


def with_calls_that_run() -> CustomerState:
    """The same as what waits, with three calls in two currencies, the dollars changed last."""
    state = with_something_that_waits()
    state.open = OpenSessions(2**32 + 3, 1_794_398_300_000, {"EUR": (1, -1), "USD": (2, 2**70 + 7)})
    return state


EXPECTED = {1: handmade()} | dict.fromkeys((2, 3, 4), with_something_that_waits())
JOINED = {"earned_and_credit": with_what_is_won_and_paid_in_advance(), "open_sessions": with_calls_that_run()}
LESS = JOINED | {"earned_and_credit": with_what_is_won_and_drawn(test_earned_state.EARLIER)}
EARLIER = {f"format_{number}_{name}": state for number in (2, 3) for name, state in LESS.items()}
FILES = StateFiles("state", FORMAT, EXPECTED, encode_state, partial(decode_state, "acme/eve"), JOINED, EARLIER)


def test_a_currency_that_changed_last_is_read_as_the_last() -> None:
    for name in ("format_2_open_sessions", "format_3_open_sessions", "format_4_open_sessions"):
        assert list(FILES.decode(FILES.bytes_of(name)).open.amounts) == ["EUR", "USD"]


CHARGED = Charge(7_900_000_000, 3, 3, "sms.outbound", "standard", 2)
FREE = Charge(
    -(2**70), 2**40, 2**40 - 7, "sms", "b", 1, (Freed("gift", 7),), Weight("b@1+contract#0", 52, 5), retracted=True
)
REDEEMED = Charge(0, 9, 0, "sms", "b", 1, (Freed("spring", 5, 1_794_312_000_000), Freed("gift", 4)))
ENTRIES = {
    "rated": Seen(1_794_312_000_000, b"\1\2\3\4\5\6\7\x08", CHARGED),
    "retracted_volume": Seen(1_794_312_000_000, b"\1\2\3\4\5\6\7\x08", FREE),
    "phase": Seen(1_794_312_000_000, b"\1\2\3\4\5\6\7\x08", session=b"0123456789abcdef"),
    "awaited_phase": Seen(
        1_794_312_000_000, b"\1\2\3\4\5\6\7\x08", session=b"0123456789abcdef", awaited_until_ms=1_794_322_800_001
    ),
    "redeemed": Seen(1_794_312_000_000, b"\1\2\3\4\5\6\7\x08", REDEEMED),
    "awaited": Seen(0, b"", awaited_until_ms=1_794_322_800_001),
}


def test_entries_of_the_dedup_index_are_written_as_savepoints_hold_them(golden: Golden) -> None:
    golden("dedup_index.txt", "".join(f"{name} {encode_seen(seen).hex()}\n" for name, seen in ENTRIES.items()))


def test_an_entry_of_the_dedup_index_is_an_event_time_and_a_fingerprint() -> None:
    entry = bytes.fromhex("000001a1c5545200" + "0102030405060708")
    assert decode_seen(entry) == Seen(1_794_312_000_000, b"\x01\x02\x03\x04\x05\x06\x07\x08")
    assert encode_seen(decode_seen(entry)) == entry


def test_identities_and_fingerprints_are_those_that_indexes_hold() -> None:
    """Were they to change, every event of the last horizon could be billed a second time."""
    event = UsageEvent("e-1", "acme/eve", "calls", Measure.QUANTITY, 5, 1_794_312_000_000, {"b": "2", "a": "1"})
    assert identity_of(event.customer_id, event.event_id).hex() == "ebcc69606057e9155d90403a269f13cc"
    assert fingerprint_of(event).hex() == "ec11c782c26e08df"
