"""Published price books and contracts, as they come off their topics, into the catalog."""

from collections.abc import Iterable
from enum import IntEnum
from struct import Struct
from typing import NamedTuple, Self

from billing.catalog import PriceCatalog
from billing.surge.rules import SurgeIndex
from wire.frames import Tag, pack_outgoing
from wire.price_books import from_contract_message, from_message
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, common_pb2

_HEAD = Struct(">BiqqI")
_LENGTH = Struct(">I")
_NONE = 0xFFFFFFFF

MAX_ERRORS = 20
MAX_DETAIL = 4000
"""Characters: what a dead letter says of a book must not outgrow the book. `prices validate` says it all."""


class PriceTopic(IntEnum):
    """The topics that prices come from, as records of them are tagged. Signals are the surge decider's alone."""

    BOOKS = 0
    CONTRACTS = 1
    SIGNALS = 2


class Published(NamedTuple):
    """One record of pricing.books or pricing.contracts, as KeyedRecord packs it.

    u8 topic | i32 partition | i64 offset | i64 timestamp | u32 key length | key | u32 value length | value;
    a length of 0xFFFFFFFF stands for none.
    """

    topic: PriceTopic
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Read KeyedRecord's bytes."""
        tag, partition, offset, timestamp_ms, key_length = _HEAD.unpack_from(packed)
        at = _HEAD.size + (0 if key_length == _NONE else key_length)
        (length,) = _LENGTH.unpack_from(packed, at)
        value = b"" if length == _NONE else packed[at + _LENGTH.size :]
        return cls(PriceTopic(tag), partition, offset, timestamp_ms, packed[_HEAD.size : at], value)


class PriceFeed:
    """The catalog as far as the topics of prices have been read."""

    def __init__(self, default_price_book: str, read: ReadSoFar, published: Iterable[Published] = ()) -> None:
        self.catalog = PriceCatalog(default_price_book=default_price_book)
        self.read = read
        for record in published:
            self.add(record)

    @property
    def max_future_skew_ms(self) -> int | None:
        """The skew that the default book has fixed for good; None until one has been accepted."""
        known = self.catalog.series.get(self.catalog.default_price_book)
        return known.first.max_future_skew_ms if known else None

    @property
    def surge_meters(self) -> list[str]:
        """The meters that any accepted version of any book has a surge rule for."""
        return sorted(SurgeIndex().meters(self.catalog))

    def add(self, record: Published) -> str:
        """Accept a book or a contract; returns why it is refused, or an empty text.

        One that is read a second time (the job starts with the topics' content and then reads
        the topics) is judged as it was the first time.
        """
        books_offset, contracts_offset = self.read
        if record.topic is PriceTopic.BOOKS:
            self.read = ReadSoFar(max(books_offset, record.offset + 1), contracts_offset)
            book = from_message(record.value)
            refused = list(map(str, book)) if isinstance(book, list) else self.catalog.add(book)
        else:
            self.read = ReadSoFar(books_offset, max(contracts_offset, record.offset + 1))
            contract = from_contract_message(record.value)
            if isinstance(contract, list):
                refused = list(map(str, contract))
            else:
                refused = self.catalog.add_contract(contract, record.offset)
        return "; ".join(refused[:MAX_ERRORS])[:MAX_DETAIL]

    def dead_letter(self, topic_name: str, record: Published, refused: str) -> bytes:
        """Return the outgoing entry that reports a refused book or contract."""
        reasons = billing_pb2.DeadLetter
        message = billing_pb2.DeadLetter(
            raw=record.value,
            key=record.key,
            source=common_pb2.SourcePosition(topic=topic_name, partition=record.partition, offset=record.offset),
            reason=reasons.INVALID_PRICE_BOOK if record.topic is PriceTopic.BOOKS else reasons.INVALID_CONTRACT,
            detail=refused,
            record_timestamp_ms=record.timestamp_ms,
            books_offset=self.read.books_offset,
            contracts_offset=self.read.contracts_offset,
        )
        return pack_outgoing(Tag.DEAD_LETTER, record.key, message.SerializeToString())
