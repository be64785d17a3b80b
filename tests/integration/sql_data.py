"""Known content for every topic that SQL reads: what each query should answer can be reckoned on paper.

November 2026. No job runs: the messages are as the jobs write them, with all that a query must not count:
a transaction that was aborted, one that is still open, markers of progress, and bytes that are no message.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from confluent_kafka import Producer
from google.protobuf.message import Message

from billing.instants import parse_instant
from billing.price_books.document import document_from_plain
from flink_jobs import topics
from wire.price_books import to_message
from wire.v1 import billing_pb2, common_pb2, pricing_pb2, subscription_pb2, usage_pb2

Kind = billing_pb2.BillingRecord.Kind
Adjusted = billing_pb2.Adjustment.Kind
TIERS = [{"up_to": 10, "unit_price": "0.10"}, {"unit_price": "0.05"}]
BOOK = {
    "price_book": "known",
    "version": 1,
    "effective_from": "2026-01-01T00:00:00Z",
    "currency": "USD",
    "cycle": {"period": "month", "timezone": "Asia/Tokyo"},
    "meters": {
        "sms": {"unit": "message", "price": {"model": "graduated", "tiers": TIERS}},
        "mms": {"unit": "message", "price": {"model": "per_unit", "unit_price": "1"}},
    },
    "contracts": [{"customer_id": "acme", "discount_percent": "50"}],
}

LATER = {"effective_from": "2026-11-15T01:00:00+01:00"}
REFUSED = {"version": 4, "effective_from": "2026-12-01T00:00:00Z", "currency": "EUR"}
"""No version of a book changes its currency."""
BOOKS = (BOOK, BOOK | LATER | {"version": 2}, BOOK | LATER | {"version": 3}, BOOK | REFUSED)


class Sent(NamedTuple):
    """A message for a topic; markers of progress and bytes that are none have no key."""

    topic: str
    key: str
    value: bytes
    marker: bool = False


def at(text: str) -> int:
    """Return an instant of November 2026, such as 20T10:00:10."""
    return parse_instant(f"2026-11-{text}Z")


def record(customer: str, sequence: int, meter: str, when: str, amount: str, **fields: Any) -> Sent:
    """Return a line of cycle 2026-11."""
    settings = {"kind": Kind.USAGE, "cycle": "2026-11", "currency": "USD", "event_time_ms": at(when)} | fields
    message = billing_pb2.BillingRecord(
        record_id=f"{customer}-{sequence}",
        customer_id=customer,
        sequence=sequence,
        meter=meter,
        amount=amount,
        price_book=common_pb2.PriceBookRef(id="known", version=1),
        **settings,
    )
    return Sent(topics.RECORDS, customer, message.SerializeToString())


def units(first: int, last: int, price: str, amount: str) -> billing_pb2.TierSlice:
    """Return a slice."""
    return billing_pb2.TierSlice(
        **{"from": first, "to": last}, quantity=last - first + 1, unit_price=price, amount=amount, per=1
    )


SURGE = billing_pb2.Adjustment(id="peak", kind=Adjusted.SURGE, amount="0.15", factor="1.5")
NOVEMBER = billing_pb2.Adjustment(id="november", kind=Adjusted.PROMOTION, amount="-0.1", percent="10")
WELCOME = billing_pb2.Adjustment(id="welcome", kind=Adjusted.PROMOTION, amount="0", free_units=1)
FIRST_TEN = units(1, 10, "0.10", "1")
BELOW_TEN = [units(9, 10, "0.10", "0.2"), units(11, 12, "0.05", "0.1")]
LATE = {"kind": Kind.LATE_CORRECTION, "late": True, "corrects_cycle": "2026-10"}
OF_OCTOBER = units(101, 101, "1.000000000001", "1.000000000001")
EUROPEANS = [f"eve-{number:02}" for number in range(11)]
"""More customers with another currency than a list of ten has room for."""

RECORDS = (
    record("ann", 1, "sms", "20T10:00:10", "0.8", quantity=8, slices=[units(1, 8, "0.10", "0.8")]),
    record("ann", 2, "sms", "20T10:00:40", "0.45", quantity=4, slices=BELOW_TEN, adjustments=[SURGE]),
    record("ann", 3, "mms", "20T10:01:05", "0.9", quantity=2, adjustments=[WELCOME, NOVEMBER]),
    record("bob", 1, "mms", "08T10:00:00", "20", quantity=20),
    record("bob", 2, "mms", "20T09:59:59", "3", quantity=3),
    record("bob", 3, "mms", "19T12:00:00", "1.000000000001", quantity=1, slices=[OF_OCTOBER], **LATE),
    record("cat", 1, "mms", "08T10:00:00", "9", quantity=9),
    record("cat", 2, "mms", "19T10:00:00", "4", quantity=4),
    record("cat", 3, "sms", "20T10:00:20", "1.05", quantity=10, slices=[FIRST_TEN], adjustments=[SURGE, NOVEMBER]),
    record("cat", 4, "sms", "20T10:00:30", "0.1", quantity=2, slices=[units(11, 12, "0.05", "0.1")]),
    record("cat", 5, "sms", "20T10:00:50", "-1.05", quantity=-10, kind=Kind.RETRACTION, retracts="cat-3"),
    *(record(eve, 1, "mms", "19T11:00:00", "100", quantity=100, currency="EUR") for eve in EUROPEANS),
    record("dan", 1, "", "01T03:00:00", "0", kind=Kind.CYCLE_CLOSE, cycle="2026-10"),
)
ABORTED = (record("ann", 4, "sms", "20T10:02:00", "1000", quantity=1),)
STILL_OPEN = (record("ann", 4, "sms", "20T10:03:00", "5000", quantity=1),)


def charge(customer: str, number: int, since: str, until: str = "", **fields: Any) -> Sent:
    """Return a fact of subscription s1; `until` empty: open."""
    settings = {"plan": "basic", "price": "10", "quantity": 1} | fields
    message = subscription_pb2.Charge(
        charge_id=f"{customer}-{number}",
        customer_id=customer,
        subscription_id="s1",
        interval="month",
        currency="USD",
        recorded_sequence=number,
        valid_from_ms=at(since),
        valid_to_ms=at(until) if until else 0,
        **settings,
    )
    return Sent(topics.CHARGES, customer, message.SerializeToString())


CHARGES = (
    charge("ann", 1, "01T00:00:00"),
    charge("ann", 2, "01T00:00:00", "10T00:00:00", supersedes="ann-1"),
    charge("ann", 3, "10T00:00:00", plan="premium", price="50", quantity=2),
    charge("bob", 1, "05T00:00:00"),
    charge("dan", 1, "05T00:00:00", "05T00:00:00"),
)


def sent(topic: str, key: str, message: Message) -> Sent:
    """Return a message to be sent."""
    return Sent(topic, key, message.SerializeToString())


def balance(customer: str, sequence: int, total: str, *meters: tuple[str, str], **fields: Any) -> Sent:
    """Return what a customer owed after a record."""
    settings = {"cycle": "2026-11", "currency": "USD"} | fields
    message = billing_pb2.Balance(customer_id=customer, sequence=sequence, total=total, **settings)
    message.as_of_ms, message.price_book = at("20T10:05:00"), "known"
    message.meters.extend(billing_pb2.MeterTotal(meter=meter, quantity=1, amount=amount) for meter, amount in meters)
    return sent(topics.BALANCES, customer, message)


BALANCES = (
    balance("ann", 2, "1.25", ("sms", "1.25")),
    balance("ann", 3, "2.15", ("mms", "0.9"), ("sms", "1.25"), credit="7.5"),
    balance("bob", 3, "24.000000000001", ("mms", "24.000000000001")),
    *(balance(eve, 1, "100", ("mms", "100"), currency="EUR") for eve in EUROPEANS),
)


def letter(reason: str, customer: str, when: str, detail: str) -> Sent:
    """Return a dead letter of usage.events."""
    message = billing_pb2.DeadLetter(
        raw=b"\xff\x00",
        source=common_pb2.SourcePosition(topic=topics.USAGE_EVENTS, partition=1, offset=5),
        reason=billing_pb2.DeadLetter.Reason.Value(reason),
        detail=detail,
        record_timestamp_ms=at(when),
        customer_id=customer,
    )
    return sent(topics.DEAD_LETTERS, customer or "none", message)


LETTERS = (
    letter("MALFORMED", "", "20T10:00:00", "no protobuf"),
    letter("MALFORMED", "", "20T10:00:01", "no protobuf"),
    letter("TOO_OLD", "ann", "20T10:00:02", "36 days behind"),
)


def usage(event_id: str, **fields: Any) -> Sent:
    """Return an event of ann."""
    message = usage_pb2.UsageEvent(
        event_id=event_id, customer_id="ann", meter="sms", event_time_ms=at("20T10:00:10"), **fields
    )
    return sent(topics.USAGE_EVENTS, "ann", message)


EVENTS = (
    usage("e1", quantity=8, dimensions={"region": "eu"}),
    usage("e2", session=usage_pb2.SessionEvent(session_id="s", phase=usage_pb2.SessionEvent.Phase.STOP)),
    usage("e3", retraction=usage_pb2.Retraction(event_id="e1")),
    usage("e4", heartbeat=usage_pb2.Heartbeat()),
    Sent(topics.USAGE_EVENTS, "ann", b"\xff\xff\xff no protobuf"),
    sent(topics.SUBSCRIPTION_EVENTS, "ann", subscription_pb2.SubscriptionEvent(event_id="v1", customer_id="ann")),
)
LINE = billing_pb2.InvoiceLine(line_id="l1", kind=billing_pb2.InvoiceLine.Kind.USAGE, amount="2.15", meter="sms")
OTHERS = (
    sent(
        topics.INVOICES,
        "ann",
        billing_pb2.Invoice(invoice_id="i1", customer_id="ann", cycle="2026-10", total="2.15", lines=[LINE]),
    ),
    sent(topics.ALERTS, "ann", billing_pb2.Alert(alert_id="a1", customer_id="ann", detail="reached tier 2")),
    sent(topics.SESSIONS, "ann", billing_pb2.OpenSessions(customer_id="ann", change=1, sessions=1, amount="0.5")),
    sent(topics.NOTES, "ann", billing_pb2.NoteRequest(event_id="n1", customer_id="ann", amount="-1")),
    sent(topics.SURGE, "sms", pricing_pb2.SurgeRate(surge_id="peak", meter="sms", factor="1.5", demand=600)),
    sent(topics.SIGNALS, "sms", pricing_pb2.PriceSignal(signal_id="p1", meter="sms", value="not a number")),
    sent(topics.CONTRACTS, "zoe@2026", pricing_pb2.Contract(customer_id="zoe", effective_from="2026-01-01T00:00:00Z")),
    *(sent(topics.PRICE_BOOKS, f"known@{book['version']}", to_message(document_from_plain(book))) for book in BOOKS),
)


def markers() -> Iterator[Sent]:
    """Yield a marker of progress for each topic that has them."""
    progress = common_pb2.Progress(clock_ms=at("20T10:00:00"), shard_to=128, shards=128)
    marked = billing_pb2.BillingRecord(kind=Kind.PROGRESS, progress=progress)
    yield Sent(topics.RECORDS, "", marked.SerializeToString(), marker=True)
    yield Sent(topics.CHARGES, "", subscription_pb2.Charge(progress=progress).SerializeToString(), marker=True)


def send_all(bootstrap: str) -> Producer:
    """Send all of it; returns the producer whose transaction stays open until it goes."""
    settled = transactional(bootstrap, "settled")
    send(settled, *RECORDS, *CHARGES, *BALANCES, *LETTERS, *EVENTS, *OTHERS, *markers())
    settled.commit_transaction()
    settled.begin_transaction()
    send(settled, *ABORTED)
    settled.abort_transaction()
    pending = transactional(bootstrap, "pending")
    send(pending, *STILL_OPEN)
    return pending


def transactional(bootstrap: str, name: str) -> Producer:
    """Return a producer in a transaction."""
    settings = {"transactional.id": name, "transaction.timeout.ms": 600_000, "partitioner": "murmur2_random"}
    producer = Producer({"bootstrap.servers": bootstrap} | settings)
    producer.init_transactions()
    producer.begin_transaction()
    return producer


def send(producer: Producer, *messages: Sent) -> None:
    """Send messages, and wait until they are in the log."""
    for one in messages:
        key = one.key.encode() if one.key else None
        headers = [("progress", b"true")] if one.marker else None
        producer.produce(one.topic, one.value, key, headers=headers)
    producer.flush()
