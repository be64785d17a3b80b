"""The job's surge and the core without Flink: demand counted, factors decided, and a log rated with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.events import UsageEvent
from billing.outcomes import Duplicate
from billing.price_books.model import Contract, PriceBook
from billing.surge.applied import UNKNOWN
from billing.surge.view import SurgeView
from billing.tariffs import Reduction
from tests import engine
from tests.oracle import LogRecord
from tollgate.audit.outputs import Output, outputs, outputs_of
from tollgate.audit.prices import AsIfAlways
from tollgate.audit.recompute import Recomputation
from tollgate.kafka_log import LogRecord as KafkaRecord
from udfs.batched_state import DictStore
from udfs.demand_counter import DemandCounter
from udfs.rated_frame import letter_of
from udfs.surge_decider import SurgeDecider
from wire.frames import pack_incoming
from wire.open_sessions import open_message
from wire.records import ReadSoFar, dead_letter_message, record_message
from wire.surge import take_rate
from wire.v1 import billing_pb2, common_pb2, pricing_pb2

READ = ReadSoFar(1)


@dataclass
class SurgeJob:
    """What became of a log."""

    rates: list[pricing_pb2.SurgeRate]
    records: list[billing_pb2.BillingRecord]
    letters: list[billing_pb2.DeadLetter]
    duplicates: int
    pending: list[tuple[int, int]]
    open: list[billing_pb2.OpenSessions]


def rate_log(
    partitions: Mapping[int, Sequence[LogRecord]],
    books: Sequence[PriceBook],
    contracts: Sequence[Contract] = (),
    *,
    unknown: Sequence[tuple[int, int]] = (),
    signals: Sequence[pricing_pb2.PriceSignal] = (),
) -> SurgeJob:
    """Decide all factors that the log allows, then rate it with them, partition after partition.

    The events at `unknown` are charged without waiting for their factor.
    """
    catalog = PriceCatalog(books)
    for offset, contract in enumerate(contracts):
        catalog.add_contract(contract, offset)
    rates = decided(partitions, catalog, signals)
    view = SurgeView()
    for rate in rates:
        take_rate(rate.SerializeToString(), view.rates)
    core = Recomputation(AsIfAlways(catalog), _Always(), {}, factors=_Factors(view, unknown))
    found: list[Output] = []
    duplicates = 0
    for number in sorted(partitions):
        core.clocks.setdefault(number, 0)
        for one in partitions[number]:
            log = KafkaRecord(engine.TOPIC, number, one.offset, one.timestamp_ms, one.key, one.value)
            decision = core.decide(log)
            duplicates += isinstance(decision.outcome, Duplicate)
            found += outputs(decision)
    found += outputs_of(core.silent(min(core.clocks.values())))
    pending = [(one.delivery.partition, one.delivery.offset) for one in core.memory.held()]
    pending += core.waiting()
    records = [_record(one) for one in found if one.record is not None]
    letters = [_letter(one) for one in found if one.refused is not None]
    running = [open_message(one) for one in core.states.values() if one.open is not None]
    return SurgeJob(rates, records, letters, duplicates, pending, running)


def decided(
    partitions: Mapping[int, Sequence[LogRecord]],
    catalog: PriceCatalog,
    signals: Iterable[pricing_pb2.PriceSignal] = (),
) -> list[pricing_pb2.SurgeRate]:
    """Return rates and marks, as the job's counter and decider make them; the watermark comes in some steps."""
    counter = DemandCounter(DictStore(), DictStore(), DictStore(), lambda _: None)
    decider = SurgeDecider({}, {})
    for signal in signals:
        assert decider.add_signal(signal.SerializeToString()) == ""
    clocks: list[int] = []
    for number in sorted(partitions):
        framed, clock_ms = engine.framed_partition(number, partitions[number], catalog.max_future_skew_ms)
        counter.add(counter.arrivals(pack_incoming(iter(framed)), catalog))
        clocks.append(clock_ms)
    found: list[pricing_pb2.SurgeRate] = []
    end_ms = min(clocks)
    for watermark_ms in (end_ms - 100_000, end_ms - 50_000, end_ms):
        for demand in counter.close(watermark_ms):
            decider.add(demand)
        done = decider.advance(watermark_ms, catalog, READ.books_offset)
        found += [*done.rates, *done.marks]
    assert not decider.counts["late_demand"]
    return found


class _Factors(NamedTuple):
    """Decided factors as the rating looks them up."""

    view: SurgeView
    unknown: Sequence[tuple[int, int]]

    def of(self, event: UsageEvent, position: tuple[int, int], prices: PriceCatalog) -> Reduction | None:
        return UNKNOWN if position in self.unknown else self.view.of(event, prices)


class _Always:
    def at(self, position: tuple[int, int], *, waits: bool = False) -> ReadSoFar:  # noqa: ARG002 - the protocol's
        return READ


def _record(one: Output) -> billing_pb2.BillingRecord:
    assert one.record is not None
    source = None
    if one.position is not None:
        partition, offset = one.position
        source = common_pb2.SourcePosition(topic=engine.TOPIC, partition=partition, offset=offset)
    return record_message(one.record, source, READ)


def _letter(one: Output) -> billing_pb2.DeadLetter:
    assert one.refused is not None
    framed, event, why = one.refused
    return dead_letter_message(letter_of(framed, event), engine.TOPIC, framed.delivery, why, READ)
