"""Published price books, as they come off the topic, into the catalog."""

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple, Self

from billing.catalog import PriceCatalog
from wire.frames import Tag, pack_outgoing
from wire.price_books import from_message
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, common_pb2

_HEAD = Struct(">iqqI")
_LENGTH = Struct(">I")
_NONE = 0xFFFFFFFF


class PublishedBook(NamedTuple):
    """One record of pricing.books, as KeyedRecordDeserializer packs it.

    i32 partition | i64 offset | i64 timestamp | u32 key length | key | u32 value length | value;
    a length of 0xFFFFFFFF stands for none.
    """

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Read the deserializer's bytes."""
        partition, offset, timestamp_ms, key_length = _HEAD.unpack_from(packed)
        at = _HEAD.size + (0 if key_length == _NONE else key_length)
        (length,) = _LENGTH.unpack_from(packed, at)
        value = b"" if length == _NONE else packed[at + _LENGTH.size :]
        return cls(partition, offset, timestamp_ms, packed[_HEAD.size : at], value)


@dataclass(slots=True)
class PriceFeed:
    """The catalog as far as pricing.books has been read."""

    catalog: PriceCatalog
    read: ReadSoFar

    def __init__(self, default_price_book: str, books_offset: int) -> None:
        self.catalog = PriceCatalog(default_price_book=default_price_book)
        self.read = ReadSoFar(books_offset)

    def add(self, book: PublishedBook) -> str:
        """Accept a book; returns why it is refused, or an empty text.

        A book that is read a second time (the job starts with the topic's content and then
        reads the topic) is judged as it was the first time.
        """
        parsed = from_message(book.value)
        refused = "; ".join(map(str, parsed)) if isinstance(parsed, list) else "; ".join(self.catalog.add(parsed))
        self.read = ReadSoFar(max(self.read.books_offset, book.offset + 1))
        return refused

    def dead_letter(self, topic: str, book: PublishedBook, refused: str) -> bytes:
        """Return the outgoing entry that reports a refused book."""
        message = billing_pb2.DeadLetter(
            raw=book.value,
            key=book.key,
            source=common_pb2.SourcePosition(topic=topic, partition=book.partition, offset=book.offset),
            reason=billing_pb2.DeadLetter.INVALID_PRICE_BOOK,
            detail=refused,
            record_timestamp_ms=book.timestamp_ms,
            books_offset=self.read.books_offset,
        )
        return pack_outgoing(Tag.DEAD_LETTER, book.key, message.SerializeToString())
