"""What the committed log says of one customer: records, charges and prices, each with when it was recorded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from billing.catalog import PriceCatalog
from billing.invoicing.bill import Recorded
from billing.invoicing.facts import UsageFact
from billing.subscriptions.charges import Charge
from flink_jobs.topics import CHARGES, CONTRACTS, INVOICES, PRICE_BOOKS, RECORDS
from tollgate.audit.prices import PriceHistory
from tollgate.kafka_log import KafkaLog, LogRecord
from wire.charges import charge_from
from wire.invoices import usage_fact_from
from wire.v1 import billing_pb2, subscription_pb2


@dataclass(slots=True)
class CustomerFacts:
    """One customer's facts in the order of the log. `progress_ms` is the clock that its partitions have shown."""

    records: list[Recorded[UsageFact]] = field(default_factory=list)
    charges: list[Recorded[Charge]] = field(default_factory=list)
    progress_ms: int = 0


def read_facts(log: KafkaLog, customer: str, known_at_ms: int) -> CustomerFacts:
    """Read what was known of a customer at a time.

    Progress is the least of the clocks of both topics; one without records has none to tell, and does not count.
    What invoices of the partition say to be closed, is.
    """
    facts, partition, key = CustomerFacts(), [log.partition_of(RECORDS, customer)], customer.encode()
    clocks = {RECORDS: 0, CHARGES: 0}
    for one in _until(log.read(RECORDS, partitions=partition), known_at_ms):
        record = billing_pb2.BillingRecord.FromString(one.value)
        clocks[RECORDS] = max(clocks[RECORDS], record.clock_ms)
        if one.key == key:
            facts.records.append(Recorded(one.timestamp_ms, usage_fact_from(record)))
    for one in _until(log.read(CHARGES, partitions=partition), known_at_ms):
        charge = subscription_pb2.Charge.FromString(one.value)
        clocks[CHARGES] = max(clocks[CHARGES], charge.clock_ms)
        if one.key == key:
            facts.charges.append(Recorded(one.timestamp_ms, charge_from(charge)))
    issued = _until(log.read(INVOICES, partitions=partition), known_at_ms)
    closed_ms = max((billing_pb2.Invoice.FromString(one.value).issued_at_ms for one in issued), default=0)
    facts.progress_ms = max(min((clock for clock in clocks.values() if clock), default=0), closed_ms)
    return facts


def read_prices(log: KafkaLog, known_at_ms: int, default_price_book: str = "") -> PriceCatalog:
    """Read the price books and contracts that had been published by a time."""
    books, contracts = (_until(log.read(topic), known_at_ms) for topic in (PRICE_BOOKS, CONTRACTS))
    history = PriceHistory(books, contracts, default_price_book)
    return history.at(history.latest())


def _until(records: Iterable[LogRecord], known_at_ms: int) -> Iterator[LogRecord]:
    """Yield the records of a partition up to the first that was written later."""
    for one in records:
        if one.timestamp_ms > known_at_ms:
            return
        yield one
