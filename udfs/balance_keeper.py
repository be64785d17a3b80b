"""Keeps balances, one shard at a time: frames of records in, updates for Redis and messages out.

Knows state as a `Store` and nothing of Flink or Redis.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from billing.balances import CustomerBalance, Line
from udfs.batched_state import WholeStore
from wire.balances import (
    WHOLE,
    Part,
    balance_message,
    decode_balances,
    decode_live,
    encode_balances,
    line_of,
    redis_update,
    with_live,
)
from wire.frames import Tag, pack_outgoing
from wire.v1 import billing_pb2

_ENTRY = Struct(">IB")


class Side(IntEnum):
    """Where a record was read: from any transaction, or from committed ones alone."""

    LIVE = 0
    SETTLED = 1


class Kept(NamedTuple):
    """What a frame led to: updates for Redis by customer, and an outgoing frame of settled balances."""

    updates: list[tuple[str, str]]
    out: bytes


@dataclass(slots=True)
class News:
    """The records of one customer in a frame."""

    live: list[Line] = field(default_factory=list)
    settled: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BalanceKeeper:
    """Hosts the fold for one shard at a time."""

    customers: WholeStore

    def keep(self, frame: bytes) -> Kept:
        """Fold a frame's records in."""
        news = _by_customer(frame)
        found = self.customers.get_all([customer.encode() for customer in news])
        changed: dict[bytes, bytes] = {}
        updates: list[tuple[str, str]] = []
        out: list[bytes] = []
        for customer, lines in news.items():
            key = customer.encode()
            data = found.get(key)
            if data is not None and not lines.settled and (live := _take_live(data, lines)):
                changed[key], update = live
                updates.append((customer, update))
                continue
            balances = decode_balances(data)
            settled_before = balances.settled.sequence
            part = _take(balances, lines)
            if part is None:
                continue
            changed[key] = encode_balances(balances)
            updates.append((customer, redis_update(balances, part)))
            if balances.settled.sequence > settled_before:
                message = balance_message(customer, balances.settled)
                out.append(pack_outgoing(Tag.BALANCE, key, message.SerializeToString()))
        if changed:
            self.customers.put_all(changed)
        return Kept(updates, b"".join(out))

    def everything(self) -> list[tuple[str, str]]:
        """Return an update of every customer of the shard: what to write after Redis has lost its data."""
        kept = self.customers.everything().items()
        return [(key.decode(), redis_update(decode_balances(data), WHOLE)) for key, data in kept]


def _take_live(data: bytes, news: News) -> tuple[bytes, str] | None:
    """Fold live news into state without reading its settled side, which costs as much as the live one.

    Returns the state and the update for Redis; None where nothing is new, or all of it is to be written.
    """
    balances = decode_live(data)
    part = _take(balances, news)
    if part is None or part is WHOLE:
        return None
    return with_live(data, balances.live), redis_update(balances, part)


def _take(balances: CustomerBalance, news: News) -> Part | None:
    period = balances.live.cycle, balances.live.price_book
    meters_before = balances.live.meters.keys() | ()
    live_after, settled_after = balances.live.sequence, balances.settled.sequence
    live = balances.take_live(news.live)
    before = balances.live
    settled = balances.take_settled(news.settled)
    if not live and not settled:
        return None
    # Another cycle, or another price book for a while, or what was live has been aborted or comes later.
    same_period = (balances.live.cycle, balances.live.price_book) == period
    if not same_period or meters_before - balances.live.meters.keys() or balances.live != before:
        return WHOLE
    meters = frozenset(line.meter for line in news.live)
    return Part(live, settled, meters=meters, live_after=live_after, settled_after=settled_after)


def _by_customer(frame: bytes) -> dict[str, News]:
    news: dict[str, News] = {}
    for side, value in unpack_records(frame):
        record = billing_pb2.BillingRecord.FromString(value)
        customer = news.get(record.customer_id)
        if customer is None:
            customer = news[record.customer_id] = News()
        (customer.live if side == Side.LIVE else customer.settled).append(line_of(record))
    return news


def unpack_records(frame: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (side, record) of a frame that tollgate.jvm.LatestRecords wrote."""
    position, end = 0, len(frame)
    while position < end:
        length, side = _ENTRY.unpack_from(frame, position)
        start = position + _ENTRY.size
        position = start - 1 + length
        yield side, frame[start:position]
