"""Frames of records in, updates for Redis and messages out, over a shard's state."""

import json
from itertools import pairwise
from random import Random
from struct import Struct

from hypothesis import given
from hypothesis import strategies as st

from billing.balances import CustomerBalance, Line
from tests.unit.balance_lines import calls, histories, latest, line, open_record, record, record_of
from udfs.balance_keeper import BalanceKeeper, Kept, Side, unpack_records
from udfs.batched_state import DictStore
from wire.balance_state import decode_balances
from wire.balances import balance_of
from wire.frames import Tag, unpack_outgoing
from wire.v1 import billing_pb2

ENTRY = Struct(">IB")
LIVE, SETTLED, OPEN = Side


def frame(*entries: tuple[Side, billing_pb2.BillingRecord | billing_pb2.OpenSessions]) -> bytes:
    """Write a frame as tollgate.jvm.LatestRecords does."""
    parts: list[bytes] = []
    for side, message in entries:
        value = message.SerializeToString()
        parts += [ENTRY.pack(1 + len(value), side), value]
    return b"".join(parts)


def keeper() -> BalanceKeeper:
    return BalanceKeeper(DictStore())


def state(kept: BalanceKeeper, customer: str = "acme") -> CustomerBalance:
    return decode_balances(kept.customers.get_all([customer.encode()]).get(customer.encode()))


def update(kept: Kept) -> dict:
    ((_, text),) = kept.updates
    return json.loads(text)


def names(fields: list[str]) -> set[str]:
    return {name for name in fields[::2] if ":" in name}


def test_a_frame_is_unpacked_entry_by_entry() -> None:
    packed = frame((LIVE, record(1)), (SETTLED, record(2, "t/x")))
    assert [(side, billing_pb2.BillingRecord.FromString(value).sequence) for side, value in unpack_records(packed)] == [
        (LIVE, 1),
        (SETTLED, 2),
    ]


def test_records_are_folded_in_the_order_of_their_numbers_each_side_by_itself() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(3)), (LIVE, record(2, meter="b")), (SETTLED, record(1)), (LIVE, record(9, "other"))))
    assert (state(one).live.sequence, state(one).settled.sequence) == (3, 1)
    assert state(one).live.meters.keys() == {"calls", "b"}
    assert state(one, "other").live.sequence == 9


def test_the_first_record_of_a_customer_is_written_whole() -> None:
    assert update(keeper().keep(frame((LIVE, record(1)))))["whole"]


def test_live_news_is_the_meters_that_changed_and_what_they_build_on() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(1, meter="a")), (SETTLED, record(1, meter="a"))))
    news = update(one.keep(frame((LIVE, record(4, meter="b")))))
    assert (news["whole"], news["live_after"], news["settled_after"]) == (False, 1, 1)
    assert (news["live_sequence"], news["settled_sequence"]) == (4, -1)
    assert names(news["live"]) == {"quantity:b", "amount:b"}


def test_what_commits_later_writes_the_settled_fields_alone() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(1)), (LIVE, record(2, meter="b"))))
    news = update(one.keep(frame((SETTLED, record(1)))))
    assert (news["live_sequence"], news["settled_sequence"], news["live_after"]) == (-1, 1, 2)


def test_settled_that_comes_first_is_written_whole_since_live_changes_with_it() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(1)), (SETTLED, record(1))))
    assert update(one.keep(frame((SETTLED, record(2)))))["whole"]


def test_what_was_aborted_is_written_whole_once_settled_has_caught_up() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(1)), (LIVE, record(2, cycle_total="999"))))
    assert update(one.keep(frame((SETTLED, record(1)), (SETTLED, record(2)))))["whole"]
    assert state(one).live.total == "2"


def test_another_cycle_and_another_price_book_are_written_whole() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(1))))
    assert update(one.keep(frame((LIVE, record(2, cycle="2026-12")))))["whole"]
    euro = record(3, cycle="2026-12")
    euro.price_book.id = "euro"
    assert update(one.keep(frame((LIVE, euro))))["whole"]


def test_a_price_book_that_came_and_went_within_a_frame_is_written_whole() -> None:
    """Its coming took the meters away: those that are not in the frame must go from Redis."""
    one = keeper()
    one.keep(frame((LIVE, record(1, meter="a")), (LIVE, record(2, meter="b"))))
    euro = record(3, meter="a")
    euro.price_book.id = "euro"
    news = update(one.keep(frame((LIVE, euro), (LIVE, record(4, meter="a")))))
    assert news["whole"]
    assert names(news["live"]) == {"quantity:a", "amount:a"}


def test_records_that_are_no_news_write_nothing_at_all() -> None:
    one = keeper()
    packed = frame((LIVE, record(1)), (SETTLED, record(1)))
    one.keep(packed)
    before = dict(one.customers.everything())
    assert one.keep(packed) == Kept([], b"")
    assert one.customers.everything() == before


def test_the_message_of_a_balance_is_the_settled_one_and_leaves_with_settled_news_alone() -> None:
    one = keeper()
    assert one.keep(frame((LIVE, record(1)), (LIVE, record(2)))).out == b""
    out = one.keep(frame((SETTLED, record(1)))).out
    ((tag, key, value, replay),) = unpack_outgoing(out)
    assert (tag, key, replay) == (Tag.BALANCE, b"acme", False)
    message = billing_pb2.Balance.FromString(value)
    assert message.customer_id == "acme"
    assert balance_of(message) == state(one).settled


def test_everything_is_a_whole_update_of_every_customer() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(1, "a")), (LIVE, record(2, "t/x")), (SETTLED, record(1, "a"))))
    updates = {customer: json.loads(text) for customer, text in one.everything()}
    assert updates.keys() == {"a", "t/x"}
    assert all(one["whole"] for one in updates.values())
    assert (updates["t/x"]["live_sequence"], updates["t/x"]["settled_sequence"]) == (2, 0)


@given(histories(), st.lists(st.integers(1, 24), max_size=5), st.randoms())
def test_any_frames_end_at_the_fold(lines: list[Line], cuts: list[int], dice: Random) -> None:
    """However the records are cut into frames, and however far the settled ones are behind."""
    one = keeper()
    edges = [0, *sorted(cuts), len(lines)]
    committed = 0
    for start, end in pairwise(edges):
        upto = dice.randrange(committed, max(committed, min(end, len(lines))) + 1)
        entries = [(LIVE, record_of(line)) for line in latest(lines[start:end])]
        entries += [(SETTLED, record_of(line)) for line in latest(lines[committed:upto])]
        committed = upto
        one.keep(frame(*entries))
    one.keep(frame(*((SETTLED, record_of(line)) for line in latest(lines[committed:]))))
    expected = CustomerBalance()
    expected.take_settled(lines)
    assert state(one) == expected


def test_what_runs_is_written_by_itself_and_kept_beside_the_records() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(1))))
    news = update(one.keep(frame((OPEN, open_record(3)))))
    assert (news["whole"], news["live"], news["settled"], news["live_after"]) == (False, [], [], 1)
    assert (news["open_change"], news["open"][:4]) == (3, ["open_change", "3", "open_sessions", "1"])
    assert "open" not in update(one.keep(frame((LIVE, record(2)))))
    one.keep(frame((SETTLED, record(2))))
    assert state(one).open == calls(3)
    assert (state(one).live.sequence, state(one).settled.sequence) == (2, 2)


def test_what_was_said_before_is_no_news_and_what_is_said_at_the_same_change_is() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(1)), (OPEN, open_record(3))))
    assert one.keep(frame((OPEN, open_record(2)), (OPEN, open_record(3)))) == Kept([], b"")
    assert update(one.keep(frame((OPEN, open_record(3, sessions=2)))))["open_change"] == 3


def test_when_none_runs_the_guard_alone_is_left() -> None:
    one = keeper()
    one.keep(frame((LIVE, record(1)), (OPEN, open_record(3))))
    assert update(one.keep(frame((OPEN, open_record(4, sessions=0)))))["open"] == ["open_change", "4"]


def test_a_call_before_the_first_record_is_written_whole_and_so_is_what_runs_with_everything() -> None:
    one = keeper()
    first = update(one.keep(frame((OPEN, open_record(1)))))
    assert (first["whole"], first["live_sequence"], first["settled_sequence"]) == (True, 0, 0)
    assert update(one.keep(frame((OPEN, open_record(2)))))["whole"]
    ((_, text),) = one.everything()
    assert json.loads(text)["open_change"] == 2


def test_the_line_builder_and_the_record_builder_agree() -> None:
    assert record_of(line(3)) == record(3)
