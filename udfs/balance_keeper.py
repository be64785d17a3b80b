"""Keeps balances, one shard at a time: frames of records in, updates for Redis and messages out.

Knows state as a `Store` and nothing of Flink or Redis.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from billing.balances import Balance, CustomerBalance, Line, OpenCalls
from udfs.batched_state import WholeStore
from wire.balance_state import decode_balances, decode_live, decode_settled, encode_balances
from wire.balances import WHOLE, Part, balance_message, line_of, redis_update
from wire.frames import Tag, pack_outgoing
from wire.open_sessions import calls_of
from wire.v1 import billing_pb2

_ENTRY = Struct(">IB")


class Side(IntEnum):
    """Where an entry was read: a record from any transaction, or from committed ones alone; or what runs."""

    LIVE = 0
    SETTLED = 1
    OPEN = 2


class Kept(NamedTuple):
    """What a frame led to: updates for Redis by customer, and an outgoing frame of settled balances."""

    updates: list[tuple[str, str]]
    out: bytes


@dataclass(slots=True)
class News:
    """The records of one customer in a frame, and what is said last of sessions that run."""

    live: list[Line] = field(default_factory=list)
    settled: list[Line] = field(default_factory=list)
    open: OpenCalls | None = None


@dataclass(frozen=True, slots=True)
class BalanceKeeper:
    """Hosts the fold for one shard at a time."""

    customers: WholeStore

    def keep(self, frame: bytes) -> Kept:
        """Fold a frame's records in."""
        return self.take(by_customer(frame))

    def take(self, news: dict[str, News]) -> Kept:
        """Fold records in, by customer."""
        found = self.customers.get_all([customer.encode() for customer in news])
        changed: dict[bytes, bytes] = {}
        updates: list[tuple[str, str]] = []
        out: list[bytes] = []
        for customer, lines in news.items():
            key = customer.encode()
            data = found.get(key)
            if data is not None and (one_side := _take_one_side(customer, data, lines)):
                changed[key], update, message = one_side
                updates.append((customer, update))
                out.append(message)
                continue
            balances = decode_balances(data)
            settled_before = balances.settled.sequence
            part = _take(balances, lines)
            if part is None:
                continue
            changed[key] = encode_balances(balances)
            updates.append((customer, redis_update(balances, part)))
            if balances.settled.sequence > settled_before:
                out.append(_message(customer, balances.settled))
        if changed:
            self.customers.put_all(changed)
        return Kept(updates, b"".join(out))

    def everything(self) -> list[tuple[str, str]]:
        """Return an update of every customer of the shard: what to write after Redis has lost its data."""
        kept = self.customers.everything().items()
        return [(key.decode(), redis_update(decode_balances(data), WHOLE)) for key, data in kept]


def _take_one_side(customer: str, data: bytes, news: News) -> tuple[bytes, str, bytes] | None:
    """Fold news of one kind into state without reading the other side, which costs as much.

    Returns the state, the update for Redis and the entry for the outgoing frame; None where it takes both sides.
    """
    if news.open is not None or (news.live and news.settled):
        return None
    return _take_live(data, news.live) if news.live else _take_settled(customer, data, news.settled)


def _take_live(data: bytes, lines: list[Line]) -> tuple[bytes, str, bytes] | None:
    one = decode_live(data)
    balances = one.balances
    live, settled_after, live_after = balances.live, balances.settled.sequence, balances.live.sequence
    if not live_after or any(line.cycle != live.cycle or line.price_book != live.price_book for line in lines):
        return None
    if not balances.take_live(lines):
        return None
    meters = frozenset([line.meter for line in lines])
    part = Part(live=True, settled=False, meters=meters, live_after=live_after, settled_after=settled_after)
    return one.with_live(), redis_update(balances, part), b""


def _take_settled(customer: str, data: bytes, lines: list[Line]) -> tuple[bytes, str, bytes] | None:
    one = decode_settled(data)
    balances = one.balances
    live_after, settled_after = balances.live.sequence, balances.settled.sequence
    if max(line.sequence for line in lines) > live_after or not balances.settled.take_all(lines):
        return None
    state = one.with_settled()
    if state is None:
        return None
    part = Part(live=False, settled=True, live_after=live_after, settled_after=settled_after)
    return state, redis_update(balances, part), _message(customer, balances.settled)


def _message(customer: str, settled: Balance) -> bytes:
    return pack_outgoing(Tag.BALANCE, customer.encode(), balance_message(customer, settled).SerializeToString())


def _take(balances: CustomerBalance, news: News) -> Part | None:
    period = balances.live.cycle, balances.live.price_book
    meters_before = balances.live.meters.keys() | ()
    live_after, settled_after = balances.live.sequence, balances.settled.sequence
    live = balances.take_live(news.live)
    before = balances.live
    settled = balances.take_settled(news.settled)
    running = news.open is not None and balances.take_open(news.open)
    if not live and not settled and not running:
        return None
    # Another cycle, or another price book for a while, or what was live has been aborted or comes later; or a call
    # before the first record.
    same_period = (balances.live.cycle, balances.live.price_book) == period
    if (
        not balances.live.sequence
        or not same_period
        or meters_before - balances.live.meters.keys()
        or balances.live != before
    ):
        return WHOLE
    meters = frozenset(line.meter for line in news.live)
    return Part(live, settled, meters=meters, live_after=live_after, settled_after=settled_after, open=running)


def by_customer(frame: bytes) -> dict[str, News]:
    """Return what a frame says of each customer."""
    news: dict[str, News] = {}
    for side, value in unpack_records(frame):
        record = (billing_pb2.OpenSessions if side == Side.OPEN else billing_pb2.BillingRecord).FromString(value)
        customer = news.get(record.customer_id)
        if customer is None:
            customer = news[record.customer_id] = News()
        if isinstance(record, billing_pb2.OpenSessions):
            customer.open = calls_of(record)
            continue
        (customer.live if side == Side.LIVE else customer.settled).append(line_of(record))
    return news


def unpack_records(frame: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (side, message) of a frame that tollgate.jvm.LatestRecords wrote."""
    position, end = 0, len(frame)
    while position < end:
        length, side = _ENTRY.unpack_from(frame, position)
        start = position + _ENTRY.size
        position = start - 1 + length
        yield side, frame[start:position]
