"""What is fuzzed: how inputs are made up, and what may come of one.

A share is of 1000 inputs. `judge` returns what came of an input, or of each of `size` that go together;
an exception that `declared` does not name is a defect.
"""

import json
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError

from billing.events import Delivery
from billing.price_books.document import BookError, Node, document_from_plain
from billing.price_books.parse import parse_price_book
from billing.price_books.parse_contracts import parse_contract
from tests.fuzz.jobs import (
    SUBSCRIPTIONS_A_RUN,
    USAGE_A_RUN,
    decide_subscriptions,
    rate_usage,
    subscription_log,
    usage_log,
)
from tests.golden.state_files import StateFiles
from tests.golden.test_customer_state import ENTRIES
from tests.golden.test_state_formats import KINDS
from tests.properties.hostile_bytes import HostileBytes
from tollgate.commands.produce import parse_line
from tollgate.local.errors import StackError
from tollgate.settings import REPOSITORY
from wire.balance_state import UnknownBalanceFormatError
from wire.customer_state import UnknownStateFormatError
from wire.dedup_index import decode_seen, encode_seen
from wire.frames import FramedRecord, Tag, pack_incoming, pack_outgoing, unpack, unpack_outgoing
from wire.notes import decode_note
from wire.price_book_yaml import read_yaml
from wire.price_books import from_contract_message, from_message, to_contract_message, to_message
from wire.subscriptions import decode_subscription
from wire.surge import decode_price_signal
from wire.surge_shown import UnknownShownSurgeFormatError
from wire.usage import decode_usage
from wire.v1 import billing_pb2, pricing_pb2, subscription_pb2, usage_pb2

Judge = Callable[[Any], Counter[str]]

DAMAGED = (
    UnknownStateFormatError, UnknownBalanceFormatError, UnknownShownSurgeFormatError,
    DecodeError, ValueError, LookupError, AssertionError, struct.error,
)  # fmt: skip
"""How state that nobody can have written is refused: the job fails, and says where."""


@dataclass(frozen=True)
class Target:
    """Something that reads what others wrote."""

    name: str
    share: int
    make: Callable[[Random], Any]
    judge: Judge
    declared: tuple[type[Exception], ...] = ()
    size: int = 1


def hostile(kind: Descriptor) -> Callable[[Random], bytes]:
    """Return what makes up bytes that are nearly a message."""

    def make(random: Random) -> bytes:
        maker = HostileBytes(random, random.choice((10, 100)))
        value = maker.message(kind)
        return maker.spoiled(value) if random.randrange(10) < 3 else value

    return make


def damaged(seeds: list[bytes]) -> Callable[[Random], bytes]:
    """Return what damages bytes that are right."""

    def make(random: Random) -> bytes:
        maker, value = HostileBytes(random, 50), random.choice(seeds)
        for _ in range(random.randint(1, 3)):
            value = maker.spoiled(value)
        return value

    return make


def message(read: Callable[[bytes], object]) -> Judge:
    """Judge a reader of messages: it returns one, or says that these bytes are none."""

    def judge(value: bytes) -> Counter[str]:
        found = read(value)
        return Counter({"unreadable" if found is None or isinstance(found, str | list) else "read": 1})

    return judge


def state(decode: Callable[[bytes], Any], encode: Callable[[Any], bytes]) -> Judge:
    """Judge a reader of state: what it reads, it must read again when it has written it."""

    def judge(value: bytes) -> Counter[str]:
        written = encode(decode(value))
        if encode(decode(written)) != written:
            raise RuntimeError(f"{written!r} is read as something else")
        return Counter({"read": 1})

    return judge


def frame(read: Callable[[bytes], Any]) -> Judge:
    """Judge a reader of frames: it comes to an end."""

    def judge(value: bytes) -> Counter[str]:
        for count, _ in enumerate(read(value)):
            if count > len(value):
                raise RuntimeError("more entries than bytes")
        return Counter({"read": 1})

    return judge


BOOKS = [path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "conf" / "price_books").glob("*.yaml"))]
TOKENS = (
    "0", "-1", "1e999", "9" * 400, "~", "[]", "{}", "&a", "*a", "!!python/object", "\t", "\x00", "\ud7ff", "'", ": ",
    "- ", "\n", "#", "2026-02-30T00:00:00Z", "percent_off", "tiers", "NaN", "|", ">", "%", "@", "<<: *a",
)  # fmt: skip
SWAPS = (("1", "2"), ("USD", "EUR"), (": ", ":  "), ("_", "-"), ("\n", "\n\n"), ("0", "00"), ('"', "'"), ("U", "u"))
LINES = [
    {"usage": {"event_id": "e", "customer_id": "c", "meter": "m", "quantity": 3, "event_time_ms": 1}},
    {"usage": {"event_id": "e", "session": {"session_id": "s", "phase": "START"}}, "key": "x"},
    {"subscription": {"event_id": "e", "type": "START", "discounts": [{"id": "d", "percent": "1"}]}},
    {"raw_base64": "AAEC", "key": None, "topic": "usage.events"},
]
ODD = (None, True, -1, 2**63, 2**64, 1.5, 1e400, "", "x", "\ud800", [], {}, [[]], {"a": 1}, "NaN", "-0")


def _messages(texts: list[str]) -> list[bytes]:
    nodes = [node for node in map(read_yaml, texts) if isinstance(node, Node)]
    return [to_message(node).SerializeToString() for node in nodes]


def either(one: Callable[[Random], Any], other: Callable[[Random], Any]) -> Callable[[Random], Any]:
    """Return what makes up inputs in one of two ways."""
    return lambda random: random.choice((one, other))(random)


def yaml_text(random: Random) -> str:
    """Return a part of a price book, with some of it gone, twice, or something else."""
    if random.randrange(4) == 0:
        return min(BOOKS, key=len).replace(*random.choice(SWAPS))
    lines = random.choice(BOOKS).split("\n")
    at = random.randrange(len(lines))
    text = "\n".join(lines[:12] + lines[at : at + random.randint(0, 12)])
    for _ in range(random.randint(0, 3)):
        at, until = sorted(random.randint(0, len(text)) for _ in range(2))
        until = min(until, at + 8)
        middle = random.choice((random.choice(TOKENS), "", text[at:until] * 2))
        text = text[:at] + middle + text[until:]
    return text


def judge_yaml(text: str) -> Counter[str]:
    """Read a document and, where it is one, a price book and a contract in it."""
    node = read_yaml(text)
    if isinstance(node, list):
        return _errors(node)
    assert isinstance(node, Node)
    contract = parse_contract(node)
    if isinstance(contract, list):
        _errors(contract)
    book = parse_price_book(node)
    return _errors(book) if isinstance(book, list) else Counter({"read": 1})


def _errors(found: list[BookError]) -> Counter[str]:
    if not found or not all(one.message and one.remedy for one in found):
        raise RuntimeError("refused without a reason")
    return Counter({"refused": 1})


def json_line(random: Random) -> str:
    """Return a line for `produce` of which a value, a name or a character is amiss."""
    entry = json.loads(json.dumps(random.choice(LINES)))
    _spoil(entry, random)
    text = json.dumps(entry)
    if random.randrange(3) == 0:
        at = random.randint(0, len(text))
        put = random.choice(("", '"', "{", "}", ",", "\\u", "9", "[" * 3000))
        text = text[:at] + put + text[at + random.randint(0, 2) :]
    return text


def _spoil(entry: dict[str, Any], random: Random) -> None:
    name = random.choice(list(entry))
    if isinstance(entry[name], dict) and entry[name] and random.randrange(4):
        _spoil(entry[name], random)
    elif random.randrange(4):
        entry[name] = random.choice(ODD)
    else:
        entry[name + "_"] = entry.pop(name)


def judge_line(text: str) -> Counter[str]:
    """Read a line of a JSONL file; one that is wrong is named in one line."""
    try:
        parse_line(1, text)
    except StackError as error:
        if "\n" in str(error) or not error.cause.startswith("line 1: "):
            raise RuntimeError("the error does not name the line") from error
        return Counter({"refused": 1})
    return Counter({"read": 1})


def _of_state(files: StateFiles) -> Target:
    seeds = [files.bytes_of(name) for name in files.names]
    return Target(files.folder, 60, damaged(seeds), state(files.decode, files.encode), DAMAGED)


_BY = Delivery(3, 7, 1_794_312_000_000, 1_794_312_000_001, key_matches=True)
FRAMES_IN = [pack_incoming(iter([FramedRecord(_BY, b"value", None, readable=True)] * 3))]
FRAMES_IN += [pack_incoming(iter([FramedRecord(_BY._replace(key_matches=False), b"value", b"key", readable=False)]))]
FRAMES_OUT = [pack_outgoing(Tag.RECORD, b"key", b"value") + pack_outgoing(Tag.ALERT, None, b"", replay=True)]


SIGNAL, BOOK = pricing_pb2.PriceSignal, pricing_pb2.PriceBook
ONE_SIGNAL = SIGNAL(meter="m", name="load", value="0.75", event_time_ms=1_794_312_000_000).SerializeToString()
CONTRACT = to_contract_message(
    document_from_plain({"customer_id": "acme", "effective_from": "2026-11-01T00:00:00Z", "discount_percent": "5"})
).SerializeToString()

TARGETS = (
    Target("usage event", 110, hostile(usage_pb2.UsageEvent.DESCRIPTOR), message(decode_usage)),
    Target(
        "subscription event", 80, hostile(subscription_pb2.SubscriptionEvent.DESCRIPTOR), message(decode_subscription)
    ),
    Target("rated usage", 100, usage_log, rate_usage, size=USAGE_A_RUN),
    Target("decided subscriptions", 50, subscription_log, decide_subscriptions, size=SUBSCRIPTIONS_A_RUN),
    Target("note request", 30, hostile(billing_pb2.NoteRequest.DESCRIPTOR), message(decode_note)),
    Target("price signal", 30, either(hostile(SIGNAL.DESCRIPTOR), damaged([ONE_SIGNAL])), message(decode_price_signal)),
    Target(
        "price book message", 20, either(hostile(BOOK.DESCRIPTOR), damaged(_messages(BOOKS))), message(from_message)
    ),
    Target(
        "contract message",
        20,
        either(hostile(pricing_pb2.Contract.DESCRIPTOR), damaged([CONTRACT])),
        message(from_contract_message),
    ),
    Target("price book YAML", 5, yaml_text, judge_yaml),
    Target("JSONL", 60, json_line, judge_line),
    Target("incoming frame", 20, damaged(FRAMES_IN), frame(unpack), DAMAGED),
    Target("outgoing frame", 20, damaged(FRAMES_OUT), frame(unpack_outgoing), DAMAGED),
    Target(
        "dedup index", 35, damaged(list(map(encode_seen, ENTRIES.values()))), state(decode_seen, encode_seen), DAMAGED
    ),
    *map(_of_state, KINDS),
)
