"""Where the microseconds go: each part of the path of one event, alone, in one process."""

import time
from collections.abc import Callable
from pathlib import Path

from billing.catalog import PriceCatalog
from billing.events import Delivery, UsageEvent, fingerprint_of, identity_of
from billing.outcomes import BillingRecord
from billing.price_books.model import PriceBook
from billing.price_books.parse import parse_price_book
from billing.rating import check_fields, step
from billing.state import CustomerState
from tollgate.bench.load import METERS
from wire.customer_state import decode_state, encode_state
from wire.price_book_yaml import read_yaml
from wire.records import ReadSoFar, record_message
from wire.usage import decode_usage
from wire.v1 import common_pb2, usage_pb2

ROUNDS = 20_000
START_MS = 1_793_530_000_000


def core_costs(book_file: Path) -> dict[str, float]:
    """Return microseconds an event, by part."""
    catalog = PriceCatalog([_book(book_file)])
    messages = [_message(index) for index in range(ROUNDS)]
    events = [event for message in messages if (event := decode_usage(message)) is not None]
    deliveries = [Delivery(0, index, START_MS + index, START_MS) for index in range(ROUNDS)]
    identities = [identity_of(event.customer_id, event.event_id) for event in events]
    prints = [fingerprint_of(event) for event in events]
    state = CustomerState("cust-0000001")
    records: list[BillingRecord] = []

    def rate(index: int) -> None:
        _, outcome = step(state, events[index], deliveries[index], identities[index], prints[index], None, catalog)
        if isinstance(outcome, BillingRecord):
            records.append(outcome)

    source = common_pb2.SourcePosition(topic="usage.events", partition=1, offset=1)
    costs = {
        "decode the event": _time(lambda index: decode_usage(messages[index])),
        "check its fields": _time(lambda index: check_fields(events[index], deliveries[index])),
        "identity and fingerprint": _time(lambda index: _digests(events[index])),
        "rate (the core's step)": _time(rate),
    }
    costs["encode the record"] = _time(
        lambda index: record_message(records[index], source, ReadSoFar(1)).SerializeToString()
    )
    packed = encode_state(state)
    costs["decode a customer's state (4 meters)"] = _time(lambda _: decode_state("cust-0000001", packed))
    costs["encode a customer's state (4 meters)"] = _time(lambda _: encode_state(state))
    return costs


def _digests(event: UsageEvent) -> None:
    identity_of(event.customer_id, event.event_id)
    fingerprint_of(event)


def _book(file: Path) -> PriceBook:
    node = read_yaml(file.read_text(encoding="utf-8"))
    assert not isinstance(node, list)
    book = parse_price_book(node)
    assert isinstance(book, PriceBook)
    return book


def _message(index: int) -> bytes:
    return usage_pb2.UsageEvent(
        event_id=f"{index:032x}",
        customer_id="cust-0000001",
        meter=METERS[index & 3],
        quantity=index % 99 + 1,
        event_time_ms=START_MS + index,
        dimensions={"region": "eu-west"},
    ).SerializeToString()


def _time(part: Callable[[int], object]) -> float:
    """Return the best of three rounds, in microseconds a call."""
    best = float("inf")
    for _ in range(3 if part.__name__ != "rate" else 1):
        begun = time.perf_counter()
        for index in range(ROUNDS):
            part(index)
        best = min(best, time.perf_counter() - begun)
    return best / ROUNDS * 1e6
