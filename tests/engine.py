"""The job's own rating code without Flink: frames in, messages out, state in dicts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from billing.catalog import PriceCatalog
from billing.events import Delivery
from billing.price_books.document import document_from_plain
from billing.price_books.model import Contract, PriceBook
from billing.price_books.parse import parse_price_book
from billing.price_books.parse_contracts import parse_contract
from tests.oracle import LogRecord
from tollgate.audit.recompute import moved_clock
from udfs.batched_state import DictAgenda, DictStore
from udfs.frame_rater import FrameRater, Stores
from wire.frames import FramedRecord, Tag, pack_incoming, unpack_outgoing
from wire.records import ReadSoFar
from wire.usage import decode_usage
from wire.v1 import billing_pb2, usage_pb2

TOPIC = "usage.events"
STORES = ("customers", "index", "held", "agenda", "deadlines", "queues")
Frames = Callable[[Sequence[FramedRecord]], Iterator[Sequence[FramedRecord]]]


def parse(book: Mapping[str, Any]) -> PriceBook:
    """Return the price book of plain data; fails on any error in it."""
    parsed = parse_price_book(document_from_plain(book))
    assert isinstance(parsed, PriceBook), [str(error) for error in parsed]
    return parsed


def parse_agreed(contract: Mapping[str, Any]) -> Contract:
    """Return the contract of plain data; fails on any error in it."""
    parsed = parse_contract(document_from_plain(contract))
    assert isinstance(parsed, Contract), [str(error) for error in parsed]
    return parsed


@dataclass
class Engine:
    """One rating function over one set of stores."""

    catalog: PriceCatalog
    customers: DictStore = field(default_factory=DictStore)
    index: DictStore = field(default_factory=DictStore)
    held: DictStore = field(default_factory=DictStore)
    agenda: DictAgenda = field(default_factory=DictAgenda)
    deadlines: DictStore = field(default_factory=DictStore)
    queues: DictStore = field(default_factory=DictStore)
    timers: list[int] = field(default_factory=list)
    records: list[billing_pb2.BillingRecord] = field(default_factory=list)
    letters: list[billing_pb2.DeadLetter] = field(default_factory=list)
    alerts: list[billing_pb2.Alert] = field(default_factory=list)
    open: list[billing_pb2.OpenSessions] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rater = self.fresh_rater()

    def fresh_rater(self) -> FrameRater:
        """Return the function anew over the same state, as after a restore."""
        stores = Stores(self.customers, self.index, self.held, self.agenda, self.deadlines, self.queues)
        rater = FrameRater(TOPIC, stores, self.timers.append)
        rater.held.since = rater.held.restored(rater.customers.deadlines_of)
        return rater

    def rate(self, framed: Sequence[FramedRecord]) -> None:
        """Rate one frame."""
        self._take(self.rater.rate(pack_incoming(iter(framed)), self.catalog, ReadSoFar(1)))

    def fire(self, watermark_ms: int) -> None:
        """Let event time reach a watermark."""
        self._take(self.rater.fire(watermark_ms, self.catalog, ReadSoFar(1)))

    def _take(self, frame: bytes) -> None:
        for tag, _, value, _ in unpack_outgoing(frame):
            if tag is Tag.RECORD:
                self.records.append(billing_pb2.BillingRecord.FromString(value))
            elif tag is Tag.ALERT:
                self.alerts.append(billing_pb2.Alert.FromString(value))
            elif tag is Tag.OPEN_SESSIONS:
                self.open.append(billing_pb2.OpenSessions.FromString(value))
            else:
                self.letters.append(billing_pb2.DeadLetter.FromString(value))


def framed_partition(number: int, log: Sequence[LogRecord], skew_ms: int) -> tuple[list[FramedRecord], int]:
    """Return what the framer makes of a partition, and the partition's final clock."""
    framed: list[FramedRecord] = []
    clock_ms = 0
    for one in log:
        event = decode_usage(one.value)
        matches = event is not None and one.key == event.customer_id.encode()
        delivery = Delivery(number, one.offset, one.timestamp_ms, clock_ms, matches)
        framed.append(FramedRecord(delivery, one.value, None if matches else one.key, event is not None))
        clock_ms = moved_clock(clock_ms, event, one.timestamp_ms, skew_ms)
    return framed, clock_ms


def whole(records: Sequence[FramedRecord]) -> Iterator[Sequence[FramedRecord]]:
    """Cut a partition into one frame."""
    yield records


def rate_log(
    partitions: Mapping[int, Sequence[LogRecord]],
    books: Sequence[PriceBook],
    frames: Frames = whole,
    contracts: Sequence[Contract] = (),
) -> Engine:
    """Rate a log as the job does, partition after partition, and let the watermark pass at the end."""
    catalog = PriceCatalog(books)
    for offset, contract in enumerate(contracts):
        catalog.add_contract(contract, offset)
    engine = Engine(catalog)
    skew_ms = catalog.max_future_skew_ms
    clocks = []
    for number in sorted(partitions):
        framed, clock_ms = framed_partition(number, partitions[number], skew_ms)
        clocks.append(clock_ms)
        for frame in frames(framed):
            engine.rate(frame)
    engine.fire(min(clocks))
    return engine


def as_oracle_record(record: billing_pb2.BillingRecord) -> dict[str, Any]:
    """Return a record in the oracle's words."""
    kinds, adjustments = billing_pb2.BillingRecord.Kind, billing_pb2.Adjustment.Kind
    phases = usage_pb2.SessionEvent.Phase
    sourced = record.HasField("source")
    return {
        "customer_id": record.customer_id,
        "sequence": record.sequence,
        "kind": kinds.Name(record.kind),
        "meter": record.meter,
        "cycle": record.cycle,
        "quantity": record.quantity,
        "amount": Fraction(record.amount),
        "currency": record.currency,
        "price_book": (record.price_book.id, record.price_book.version),
        "slices": [
            (getattr(one, "from"), one.to, one.quantity, one.unit_price, Fraction(one.amount)) for one in record.slices
        ],
        "adjustments": [(one.id, adjustments.Name(one.kind), Fraction(one.amount)) for one in record.adjustments],
        "event_id": record.event_id,
        "event_time_ms": record.event_time_ms,
        "partition": record.source.partition if sourced else None,
        "offset": record.source.offset if sourced else None,
        "clock_ms": record.clock_ms,
        "cycle_total": Fraction(record.cycle_total),
        "credit": Fraction(record.credit) if record.credit else None,
        "cycle_quantity": record.cycle_quantity,
        "late": record.late,
        "corrects_cycle": record.corrects_cycle,
        "replay": record.replay,
        "meter_totals": {one.meter: (one.quantity, Fraction(one.amount)) for one in record.meter_totals},
        "record_id": record.record_id,
        "retracts": record.retracts,
        "session_id": record.session_id,
        "session_events": [
            (one.event_id, phases.Name(one.phase), one.event_time_ms, (one.source.partition, one.source.offset))
            for one in record.session_events
        ],
        "timed_out": record.timed_out,
    }


def in_oracle_words(records: Iterable[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return converted records by customer and sequence, under the record ids of the oracle's own.

    A record id begins with a hash, for which the oracle has what is hashed: one stands for the other throughout.
    """
    mine = by_sequence(records)
    hashes: dict[Any, str] = {}
    hashed: dict[str, Any] = {}
    for one, other in zip(mine, by_sequence(expected), strict=False):
        digest, owner = one["record_id"].partition("-")[0], other["record_id"][0]
        hashes.setdefault(owner, digest)
        hashed.setdefault(digest, owner)

    def renamed(record_id: str) -> Any:
        digest, dash, rest = record_id.partition("-")
        owner = hashed.get(digest)
        return (owner, dash + rest) if owner is not None and hashes[owner] == digest else record_id

    return [one | {name: renamed(one[name]) for name in ("record_id", "retracts")} for one in mine]


def by_sequence(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return converted records by customer and sequence."""
    return sorted(records, key=lambda one: (one["customer_id"], one["sequence"]))
