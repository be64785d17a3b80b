"""What the dedup index remembers of an event, as bytes."""

from hypothesis import given
from hypothesis import strategies as st

from billing.events import Charge, Freed, Seen, Weight
from wire.dedup_index import decode_seen, encode_seen

times = st.integers(1, 2**62)
fingerprints = st.binary(min_size=8, max_size=8).filter(any)
names = st.text(min_size=1, max_size=200)
units = st.integers(0, 10**15)
whole = st.integers(-(10**40), 10**40)
freed = st.builds(Freed, names, st.integers(1, 1000), st.just(0) | times)
weights = st.builds(Weight, names, whole, st.integers(1, 10**40))


@st.composite
def charges(draw: st.DrawFn) -> Charge:
    quantity, free = draw(units), draw(st.lists(freed, max_size=2))
    billable = quantity - sum(one.units for one in free)
    version = draw(st.integers(0, 2**32 - 1))
    weight = draw(st.none() | weights)
    picos = draw(st.integers(0, 10**12) | whole)
    return Charge(
        picos, quantity, billable, draw(names), draw(names), version, tuple(free), weight, draw(st.booleans())
    )


charged = st.builds(Seen, times, fingerprints, charges(), st.just(b""), st.just(0) | times)
phases = st.builds(Seen, times, fingerprints, st.none(), st.binary(min_size=16, max_size=16), st.just(0) | times)
plain = st.builds(Seen, times, fingerprints, st.none(), st.just(b""), st.just(0) | times)
awaited = st.builds(Seen, st.just(0), st.just(b""), st.none(), st.just(b""), times)


@given(charged | phases | plain | awaited)
def test_an_entry_survives_its_bytes(seen: Seen) -> None:
    assert decode_seen(encode_seen(seen)) == seen


@given(charged | phases | plain)
def test_an_entry_begins_with_the_event_time_so_that_sweeps_find_it(seen: Seen) -> None:
    first_ms = int.from_bytes(encode_seen(seen)[:8], "big")
    assert first_ms == max(seen.event_time_ms, seen.awaited_until_ms - 1)


@given(awaited)
def test_what_is_awaited_is_kept_until_the_wait_is_over(seen: Seen) -> None:
    assert int.from_bytes(encode_seen(seen)[:8], "big") == seen.awaited_until_ms - 1


def test_the_entry_of_a_plain_event_is_short() -> None:
    charge = Charge(7_900_000_000, 1, 1, "sms.outbound", "standard", 2)
    assert len(encode_seen(Seen(1_794_312_000_000, b"\1" * 8, charge))) == 53
    assert len(encode_seen(Seen(1_794_312_000_000, b"\1" * 8))) == 16


def test_an_entry_of_an_earlier_build_is_a_rated_event_without_its_charge() -> None:
    entry = bytes.fromhex("000001a1c5545200" + "0102030405060708")
    assert decode_seen(entry) == Seen(1_794_312_000_000, b"\1\2\3\4\5\6\7\x08", charge=None)
