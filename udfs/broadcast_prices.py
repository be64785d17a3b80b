"""Price books and contracts as every function of the rating job gets them: at its start, then as broadcast elements."""

from dataclasses import dataclass
from typing import Any

from pyflink.common import Types
from pyflink.datastream.state import MapStateDescriptor

from udfs.price_feed import PriceFeed, PriceTopic, Published
from wire.records import ReadSoFar

# Name and types are part of every savepoint.
PRICES = MapStateDescriptor("prices", Types.LONG(), Types.PICKLED_BYTE_ARRAY())

_CONTRACTS_FROM = 1 << 62


@dataclass(frozen=True, slots=True)
class RatingStart:
    """What a rating job knows before its first record.

    `published` is what pricing.books and pricing.contracts held when the job was submitted, up to
    the offsets `read`: no event is rated before all of it is known (rule 1).
    """

    topic: str
    price_topics: tuple[str, ...]
    published: tuple[Published, ...]
    read: ReadSoFar
    default_price_book: str


class BroadcastPrices:
    """The prices that one instance of a function knows; kept in its broadcast state."""

    def __init__(self, start: RatingStart) -> None:
        self._start = start
        self._feed: PriceFeed | None = None

    def feed(self, ctx: Any) -> PriceFeed:
        """Return what has been read, first putting it together from the start and the state."""
        if self._feed is None:
            start = self._start
            kept = [Published.unpack(packed) for _, packed in ctx.get_broadcast_state(PRICES).items()]
            known = {_state_key(record): record for record in (*start.published, *kept)}
            in_order = (known[key] for key in sorted(known))
            self._feed = PriceFeed(start.default_price_book, start.read, in_order)
        return self._feed

    def add(self, value: bytes, ctx: Any) -> tuple[Published, str]:
        """Take in a broadcast element; returns it, and why it is refused or an empty text."""
        feed = self.feed(ctx)
        record = Published.unpack(value)
        refused = feed.add(record)
        ctx.get_broadcast_state(PRICES).put(_state_key(record), value)
        return record, refused


def _state_key(record: Published) -> int:
    """Return the key in the broadcast state: the offset, contracts after all books."""
    return record.offset if record.topic is PriceTopic.BOOKS else _CONTRACTS_FROM + record.offset
