"""Published books as they come off the topic: packed by the JVM, judged in order, the last good ones kept."""

from typing import Any

import pytest

from billing.price_books.document import document_from_plain
from tests.unit.builders import book, per_unit, plain_book
from udfs.price_feed import PriceFeed, PriceTopic, Published
from wire.frames import Tag, unpack_outgoing
from wire.price_books import to_message
from wire.records import ReadSoFar
from wire.v1 import billing_pb2, pricing_pb2

# KeyedRecord.encode, field by field.
PACKED = bytes.fromhex(
    "00"  # u8 topic
    "00000002"  # i32 partition
    "0000000000000007"  # i64 offset
    "000001a19467e800"  # i64 timestamp: 2026-11-01T00:00:00Z
    "00000003"  # u32 key length
    "622031"  # key
    "00000004"  # u32 value length
    "626f6f6b"  # value
)
HEAD, NONE = PACKED[:21], b"\xff\xff\xff\xff"


def published(offset: int = 0, **changes: Any) -> Published:
    message = to_message(document_from_plain(plain_book(**changes)))
    return Published(PriceTopic.BOOKS, 0, offset, 11, b"b@1", message.SerializeToString())


def feed(*books: Published, offset: int = 0) -> PriceFeed:
    made = PriceFeed("", ReadSoFar(offset))
    for one in books:
        made.add(one)
    return made


def versions(one: PriceFeed) -> list[int]:
    return [known.version for known in one.catalog.series["b"].versions]


def test_a_packed_record_is_what_the_deserializer_writes() -> None:
    assert Published.unpack(PACKED) == Published(PriceTopic.BOOKS, 2, 7, 1_793_491_200_000, b"b 1", b"book")


@pytest.mark.parametrize(
    ("packed", "key", "value"),
    [
        (HEAD + NONE + b"\0\0\0\1v", b"", b"v"),
        (HEAD + b"\0\0\0\1k" + NONE, b"k", b""),
        (HEAD + NONE + NONE, b"", b""),
        (HEAD + b"\0\0\0\0" + b"\0\0\0\0", b"", b""),
    ],
    ids=["no key", "tombstone", "neither", "both empty"],
)
def test_a_packed_record_may_lack_key_and_value(packed: bytes, key: bytes, value: bytes) -> None:
    unpacked = Published.unpack(packed)
    assert (unpacked.key, unpacked.value) == (key, value)
    assert (unpacked.partition, unpacked.offset) == (2, 7)


def test_a_good_book_is_accepted_and_read_so_far_moves_past_it() -> None:
    one = feed()
    assert one.add(published(4)) == ""
    assert versions(one) == [1]
    assert one.read.books_offset == 5


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (published(1, version=2, currency="DOLLAR"), "not an active ISO 4217 currency"),
        (published(1, version=2, currency="EUR"), "EUR differs from USD"),
        (published(1, meters={"calls": per_unit("0.02")}), "no version replaces another"),
        (Published(PriceTopic.BOOKS, 0, 1, 11, b"b@2", b"\xff\xff"), "no tollgate.v1.PriceBook"),
        (Published(PriceTopic.BOOKS, 0, 1, 11, b"b@2", b""), "price_book is missing"),
    ],
    ids=["invalid", "other terms", "other content", "no book", "tombstone"],
)
def test_a_bad_book_is_refused_with_the_reason_and_the_last_good_one_stays(bad: Published, why: str) -> None:
    one = feed(published())
    assert why in one.add(bad)
    assert one.catalog.series["b"].versions == [book()]
    assert one.read.books_offset == 2


def test_every_error_of_a_refused_book_is_named() -> None:
    refused = feed().add(published(version=0, currency="DOLLAR"))
    assert "version" in refused
    assert "currency" in refused


def test_reading_the_topic_again_from_the_start_changes_nothing() -> None:
    topic = [
        published(0),
        published(1, currency="EUR", version=2),
        published(2, version=3, effective_from="2026-06-01T00:00:00Z"),
        published(3, version=3),
        published(4, version=2),
    ]
    one = feed()
    first = [bool(one.add(each)) for each in topic]
    before = (versions(one), one.read)
    assert [bool(one.add(each)) for each in topic] == first
    assert (versions(one), one.read) == before
    assert before[0] == [3, 2, 1]
    assert first == [False, True, False, True, False]


def test_a_book_behind_what_was_read_does_not_move_read_so_far_back() -> None:
    assert feed(published(4), offset=9).read.books_offset == 9


def test_the_setting_chooses_the_book_of_all_customers() -> None:
    one = PriceFeed("other", ReadSoFar(0))
    one.add(published())
    assert one.catalog.terms_for("zoe", 1 << 45).series is None
    one.add(published(price_book="other"))
    chosen = one.catalog.terms_for("zoe", 1 << 45).series
    assert chosen is not None
    assert chosen.first.id == "other"


def test_a_refused_book_is_reported_with_its_bytes_and_its_place() -> None:
    one, bad = feed(), Published(PriceTopic.BOOKS, 0, 6, 11, b"b@2", b"\xff\xff")
    ((tag, key, value, replay),) = unpack_outgoing(one.dead_letter("pricing.books", bad, one.add(bad)))
    letter = billing_pb2.DeadLetter.FromString(value)
    assert (tag, key, replay) == (Tag.DEAD_LETTER, b"b@2", False)
    assert (letter.raw, letter.key, letter.reason) == (b"\xff\xff", b"b@2", billing_pb2.DeadLetter.INVALID_PRICE_BOOK)
    assert (letter.source.topic, letter.source.partition, letter.source.offset) == ("pricing.books", 0, 6)
    assert (letter.record_timestamp_ms, letter.books_offset) == (11, 7)
    assert "no tollgate.v1.PriceBook" in letter.detail


def agreed(offset: int = 0, **fields: Any) -> Published:
    contract = pricing_pb2.Contract(customer_id="zoe", effective_from="2026-11-01T00:00:00Z", **fields)
    return Published(PriceTopic.CONTRACTS, 0, offset, 11, b"zoe@1", contract.SerializeToString())


def test_contracts_are_accepted_beside_books_and_counted_on_their_own() -> None:
    one = feed(published(), agreed(2, discount_percent="5"))
    agreement = one.catalog.terms_for("zoe", 1 << 45).agreement
    assert agreement is not None
    assert (agreement.key, agreement.contract.discount is not None) == ("contract#2", True)
    assert one.read == ReadSoFar(1, 3)
    assert one.catalog.terms_for("yan", 1 << 45).agreement is None


def test_no_contract_replaces_another_and_a_bad_one_is_refused() -> None:
    one = feed(published(), agreed(0, discount_percent="5"))
    assert one.add(agreed(0, discount_percent="5")) == ""
    assert "other content" in one.add(agreed(1, discount_percent="6"))
    bad = agreed(2, discount_percent="600")
    refused = one.add(bad)
    assert "discount_percent" in refused
    ((_, _, value, _),) = unpack_outgoing(one.dead_letter("pricing.contracts", bad, refused))
    letter = billing_pb2.DeadLetter.FromString(value)
    assert (letter.reason, letter.source.topic) == (billing_pb2.DeadLetter.INVALID_CONTRACT, "pricing.contracts")
