"""Where one customer stands at the committed end of the log: rated again from it, as `verify` does."""

from collections.abc import Callable
from typing import NamedTuple

from kafka import TopicPartition

from billing.catalog import PriceCatalog
from billing.memory import DictMemory
from billing.state import CustomerState
from flink_jobs.topics import CONTRACTS, DEAD_LETTERS, PRICE_BOOKS, RECORDS, SURGE, USAGE_EVENTS
from tollgate.audit.factors import PublishedFactors
from tollgate.audit.ledger import Ledger, Position, Readings
from tollgate.audit.prices import PriceHistory
from tollgate.audit.recompute import Recomputation
from tollgate.audit.verify import USAGE_GROUP
from tollgate.kafka_log import KafkaLog
from tollgate.progress import Progress
from wire.records import ReadSoFar
from wire.v1 import pricing_pb2


class Standing(NamedTuple):
    """A customer's state and partition clock, and the prices and factors that the next event is rated with.

    `known` says whether the customer has any event or contract; `rates` are all of pricing.surge, marks included.
    """

    state: CustomerState
    memory: DictMemory
    clock_ms: int
    prices: PriceCatalog
    known: bool
    rates: tuple[pricing_pb2.SurgeRate, ...] = ()


def standing_of_nobody(log: KafkaLog, default_price_book: str) -> Standing:
    """Return the standing of a new customer without a contract, at the beginning of a cycle."""
    prices = PriceHistory(log.read(PRICE_BOOKS), log.read(CONTRACTS), default_price_book)
    return Standing(CustomerState(""), DictMemory(), 0, prices.at(prices.latest()), known=False, rates=_rates(log))


def standing_of(
    log: KafkaLog, customer_id: str, default_price_book: str, report: Callable[[str], None] = lambda _: None
) -> Standing:
    """Recompute a customer's standing from the customer's partition; nothing is written.

    What the job has committed is rated with the prices that it had read by then. What lies after
    that in the log counts as well, rated with all that is published: it comes before the next event.
    """
    prices = PriceHistory(log.read(PRICE_BOOKS), log.read(CONTRACTS), default_price_book)
    ledger = _ledger_of(log, customer_id)
    home = ledger.home.get(customer_id, log.partition_of(USAGE_EVENTS, customer_id))
    part = TopicPartition(USAGE_EVENTS, home)
    committed = max(log.group_offsets(USAGE_GROUP).get(part, 0), ledger.furthest(home))
    latest = prices.latest()
    readings = Until(committed, Readings(ledger.read, latest), latest)
    rates = _rates(log)
    factors = PublishedFactors(rates, ledger.surge_unknown, ledger.reached)
    recomputation = Recomputation(prices, readings, ledger.home, factors=factors)
    report(f"rating {customer_id} again from {USAGE_EVENTS} partition {home}")
    progress = Progress(log.ends(USAGE_EVENTS, committed=True)[part], report)
    for one in progress.watch(log.read(USAGE_EVENTS, partitions=[home])):
        if one.key == customer_id.encode():
            recomputation.decide(one)
        else:
            recomputation.skim(one)
    catalog = prices.at(prices.latest())
    state = recomputation.states.get(customer_id)
    known = state is not None or catalog.has_contract(customer_id)
    state = state or CustomerState(customer_id, partition=home)
    return Standing(state, recomputation.memory, recomputation.clocks.get(home, 0), catalog, known, rates)


def _rates(log: KafkaLog) -> tuple[pricing_pb2.SurgeRate, ...]:
    """Return all published factors and marks."""
    return tuple(pricing_pb2.SurgeRate.FromString(one.value) for one in log.read(SURGE))


def _ledger_of(log: KafkaLog, customer_id: str) -> Ledger:
    """Return the output that the customer's events had."""
    key, ledger = customer_id.encode(), Ledger()
    records = log.read(RECORDS, partitions=[log.partition_of(RECORDS, customer_id)])
    ledger.add_records(one for one in records if one.key == key)
    ledger.add_letters((one for one in log.read(DEAD_LETTERS) if one.key == key), USAGE_EVENTS)
    return ledger


class Until(NamedTuple):
    """How far prices had been read at a position: all of them after what the job has committed."""

    committed: int
    readings: Readings
    latest: ReadSoFar

    def at(self, position: Position, *, waits: bool = False) -> ReadSoFar:
        """Return the next unread offsets."""
        return self.readings.at(position, waits=waits) if position[1] < self.committed else self.latest
