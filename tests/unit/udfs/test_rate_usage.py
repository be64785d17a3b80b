"""The rating operator under a toy Flink: the end of a month in turns, and what is said of it in line."""

from struct import unpack

import pytest

from billing.catalog import PriceCatalog
from billing.state import NEVER_MS
from tests import engine
from tests.oracle.example import Log, book
from tests.unit.udfs.shard import framed
from tests.unit.udfs.test_frame_rater_deadlines import CLOSE, CLOSE_MS
from tests.unit.udfs.toy_flink import ToyFlink
from tests.unit.udfs.toy_rating import SHARDS, toy_rating
from udfs import silent_customers
from udfs.put_off import SETTLED_IN_MS
from udfs.rate_usage import RateUsage
from udfs.turns import RATING_SECONDS
from wire.frames import Tag, pack_incoming, unpack_outgoing
from wire.v1 import billing_pb2

EACH = 5
SECONDS_EACH = 0.08


@pytest.fixture
def flink(monkeypatch: pytest.MonkeyPatch) -> ToyFlink:
    """A toy in which each customer that is settled takes its time."""
    toy, _ = toy_rating(monkeypatch, PriceCatalog([engine.parse(book())]))
    monkeypatch.setattr(silent_customers, "CUSTOMERS_AT_ONCE", 1)
    settle_due = silent_customers.settle_due

    def slowly(*given: object) -> object:
        toy.seconds += SECONDS_EACH
        return settle_due(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(silent_customers, "settle_due", slowly)
    return toy


def fill(flink: ToyFlink, function: RateUsage) -> None:
    for shard in SHARDS:
        log = Log()
        for number in range(EACH):
            log.use(5, customer_id=f"{shard}{number}")
        flink.take_all(function, [(shard, pack_incoming(iter(framed(log))))])


def state(flink: ToyFlink) -> dict[str, object]:
    """Return everything that Flink keeps, by shard."""
    return {name: ([one.entries for one in key.stores], key.timers) for name, key in flink.keys.items()}


def test_a_bundle_does_what_its_frames_would_one_by_one(flink: ToyFlink) -> None:
    """Duplicates and a conflict among them: ids are looked up in what was read ahead, and written behind."""
    function, frames = flink.opened(), []
    for shard in SHARDS:
        log = Log()
        for number in range(EACH):
            log.use(number + 1, customer_id=f"{shard}{number}", event_id=f"e{number % 3}")
        log.use(1, customer_id=f"{shard}0", event_id="e0")
        log.use(7, customer_id=f"{shard}0", event_id="e0")
        frames.append((shard, pack_incoming(iter(framed(log)))))
    for one in frames:
        flink.take_all(function, [one])
    flink.take_all(function, [frames[1]])
    out, kept = b"".join(flink.out), state(flink)
    assert all(timers for _, timers in kept.values())  # type: ignore[misc]
    flink.out.clear()
    for key in flink.keys.values():
        key.timers.clear()
        for store in key.stores:
            store.entries.clear()
    function = flink.opened()
    flink.take_all(function, frames)
    flink.take_all(function, [frames[1]])
    assert (b"".join(flink.out), state(flink)) == (out, kept)


def closed(flink: ToyFlink) -> list[str]:
    entries = [value for tag, _, value, _ in unpack_outgoing(b"".join(flink.out)) if tag is Tag.RECORD]
    records = map(billing_pb2.BillingRecord.FromString, entries)
    return sorted(one.customer_id for one in records if one.kind == CLOSE)


def told(flink: ToyFlink) -> list[int]:
    entries = unpack_outgoing(b"".join(flink.out))
    return [unpack(">q", value)[0] for tag, _, value, _ in entries if tag is Tag.PUT_OFF]


EVERYBODY = sorted(f"{shard}{number}" for shard in SHARDS for number in range(EACH))


def test_no_stretch_is_longer_than_a_turn_and_all_are_closed_once_before_the_last_word(flink: ToyFlink) -> None:
    function = flink.opened()
    fill(flink, function)
    flink.advance(function, CLOSE_MS)
    assert 0 < len(closed(flink)) < len(EVERYBODY)
    assert (told(flink), flink.held > 0) == ([CLOSE_MS], True)
    while flink.held:
        flink.rest(function)
        assert max(flink.stretches) <= RATING_SECONDS + SECONDS_EACH
    assert closed(flink) == EVERYBODY
    while told(flink)[-1] != NEVER_MS:
        flink.rest(function)
    assert told(flink) == [CLOSE_MS, NEVER_MS]


def test_after_a_restore_nothing_is_complete_before_what_was_left_is_settled(flink: ToyFlink) -> None:
    function = flink.opened()
    fill(flink, function)
    flink.advance(function, CLOSE_MS)
    before = len(closed(flink))
    flink.out.clear()
    function = flink.opened()
    flink.rest(function)
    assert (closed(flink), told(flink), flink.held) == ([], [0], 0), "nothing tells the time yet"
    flink.advance(function, CLOSE_MS)
    while told(flink)[-1] != NEVER_MS:
        flink.rest(function)
    assert before + len(closed(flink)) == len(EVERYBODY)
    assert (told(flink)[0], told(flink)[-1]) == (0, NEVER_MS)


def test_a_restored_instance_that_knows_of_nothing_says_so_later_by_itself(flink: ToyFlink) -> None:
    function = flink.opened()
    fill(flink, function)
    flink.advance(function, CLOSE_MS - 1)
    assert told(flink) == []
    while flink.waits:
        flink.rest(function)
    flink.seconds += SETTLED_IN_MS / 1000
    log = Log()
    log.use(5, customer_id="late", at="2026-11-10T12:00:00Z")
    flink.take_all(function, [("a", pack_incoming(iter(framed(log))))])
    assert told(flink) == [NEVER_MS]
