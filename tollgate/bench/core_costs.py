"""Where the microseconds go: each part of the path of one event, alone, in one process."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from billing.catalog import PriceCatalog
from billing.events import Delivery, Seen, UsageEvent, fingerprint_of, identity_of
from billing.memory import DictMemory
from billing.outcomes import BillingRecord
from billing.price_books.document import document_from_plain
from billing.price_books.model import PriceBook
from billing.price_books.parse import parse_price_book
from billing.rating import check_fields, step
from billing.sessions import charge_of
from billing.state import CustomerState
from wire.customer_state import decode_state, encode_state
from wire.dedup_index import encode_seen
from wire.records import ReadSoFar, record_message
from wire.usage import decode_usage
from wire.v1 import common_pb2, usage_pb2

ROUNDS = 20_000
REPEATS = 5
START_MS = 1_793_530_000_000
CUSTOMER = "cust-0000001"
METERS = tuple(f"sms.{name}" for name in ("de", "fr", "it", "es", "us"))

_TIERS = [
    {"up_to": 1000, "unit_price": "0.0079"},
    {"up_to": 100_000, "unit_price": "0.0070", "flat_fee": "1.00"},
    {"unit_price": "0.0055"},
]
_BOOK: Mapping[str, Any] = {
    "price_book": "bench",
    "version": 1,
    "effective_from": "2020-01-01T00:00:00Z",
    "currency": "USD",
    "meters": {name: {"unit": "message", "price": {"model": "graduated", "tiers": _TIERS}} for name in METERS},
    "promotions": [
        {"id": "welcome", "kind": "free_units", "meters": ["*"], "units": 100},
        {"id": "nov", "kind": "percent_off", "percent": "10", "meters": ["*"]},
    ],
    "contracts": [{"customer_id": CUSTOMER, "discount_percent": "5"}],
}
"""Graduated tiers with two promotions and a contract: what a large customer has."""


def core_costs() -> dict[str, float]:
    """Return microseconds an event, by part."""
    messages = [_message(index) for index in range(ROUNDS)]
    events = [event for message in messages if (event := decode_usage(message)) is not None]
    deliveries = [Delivery(0, index, START_MS + index, START_MS) for index in range(ROUNDS)]
    state, records = _rate_all(events, deliveries)
    source = common_pb2.SourcePosition(topic="usage.events", partition=1, offset=1)
    packed = encode_state(state)

    entries = [Seen(one.event_time_ms, b"f" * 8, charge_of(one)) for one in records]

    def encode(index: int) -> None:
        record_message(records[index], source, ReadSoFar(1)).SerializeToString()

    return {
        "decode the event": _time(lambda index: decode_usage(messages[index])),
        "check its fields": _time(lambda index: check_fields(events[index], deliveries[index])),
        "identity and fingerprint": _time(lambda index: _digests(events[index])),
        "rate (the core's step)": min(_rating_seconds(events, deliveries) for _ in range(REPEATS)) / ROUNDS * 1e6,
        "encode the dedup entry": _time(lambda index: encode_seen(entries[index])),
        "encode the record": _time(encode),
        "decode a customer's state (5 meters)": _time(lambda _: decode_state(CUSTOMER, packed)),
        "encode a customer's state (5 meters)": _time(lambda _: encode_state(state)),
    }


def state_bytes() -> int:
    """Return the size of the state of a customer who has used five meters in one cycle."""
    events = [event for index in range(ROUNDS) if (event := decode_usage(_message(index))) is not None]
    deliveries = [Delivery(0, index, START_MS + index, START_MS) for index in range(ROUNDS)]
    return len(encode_state(_rate_all(events, deliveries)[0]))


def _rate_all(
    events: Sequence[UsageEvent], deliveries: Sequence[Delivery]
) -> tuple[CustomerState, list[BillingRecord]]:
    catalog = _catalog()
    state, memory = CustomerState(CUSTOMER), DictMemory()
    records: list[BillingRecord] = []
    for event, delivery in zip(events, deliveries, strict=True):
        _, outcome = step(state, event, delivery, b"i" * 16, b"f" * 8, None, catalog, memory)
        assert isinstance(outcome, BillingRecord)
        records.append(outcome)
    return state, records


def _rating_seconds(events: Sequence[UsageEvent], deliveries: Sequence[Delivery]) -> float:
    catalog = _catalog()
    state, memory = CustomerState(CUSTOMER), DictMemory()
    identity, fingerprint = b"i" * 16, b"f" * 8
    begun = time.perf_counter()
    for index in range(ROUNDS):
        step(state, events[index], deliveries[index], identity, fingerprint, None, catalog, memory)
    return time.perf_counter() - begun


def _digests(event: UsageEvent) -> None:
    identity_of(event.customer_id, event.event_id)
    fingerprint_of(event)


def _catalog() -> PriceCatalog:
    book = parse_price_book(document_from_plain(_BOOK))
    assert isinstance(book, PriceBook)
    return PriceCatalog([book])


def _message(index: int) -> bytes:
    return usage_pb2.UsageEvent(
        event_id=f"{index:032x}",
        customer_id=CUSTOMER,
        meter=METERS[index % len(METERS)],
        quantity=index % 99 + 1,
        event_time_ms=START_MS + index,
        dimensions={"region": "eu-west"},
    ).SerializeToString()


def _time(part: Callable[[int], object]) -> float:
    """Return the best of several rounds, in microseconds a call."""
    best = float("inf")
    for _ in range(REPEATS):
        begun = time.perf_counter()
        for index in range(ROUNDS):
            part(index)
        best = min(best, time.perf_counter() - begun)
    return best / ROUNDS * 1e6
