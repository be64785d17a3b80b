"""What the committed log says of one customer: records, charges and prices, each with when it was recorded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from billing.catalog import PriceCatalog
from billing.invoicing.bill import Recorded
from billing.invoicing.facts import UsageFact
from billing.invoicing.schedule import AgreedOn
from billing.invoicing.settlement import NOTHING_AGREED
from billing.subscriptions.charges import Charge
from flink_jobs.topics import CHARGES, CONTRACTS, INVOICES, PRICE_BOOKS, RECORDS
from tollgate.audit.closings import Closings
from tollgate.audit.prices import PriceHistory
from tollgate.completeness import Completeness
from tollgate.kafka_log import KafkaLog, LogRecord, is_marker
from wire.charges import charge_from
from wire.invoices import usage_fact_from
from wire.v1 import billing_pb2, subscription_pb2


@dataclass(slots=True)
class CustomerFacts:
    """One customer's facts in the order of the log. `progress_ms` is the clock up to which they are all."""

    records: list[Recorded[UsageFact]] = field(default_factory=list)
    charges: list[Recorded[Charge]] = field(default_factory=list)
    progress_ms: int = 0
    agreed: AgreedOn = lambda _book, _cycle: NOTHING_AGREED


def read_facts(log: KafkaLog, customer: str, known_at_ms: int, prices: PriceHistory) -> CustomerFacts:
    """Read what was known of a customer at a time.

    Progress is how far both topics are complete in the customer's partition, as their markers say. What invoices
    of the partition say to be closed, is, and by the contracts that were known then.
    """
    facts, partition, key = CustomerFacts(), [log.partition_of(RECORDS, customer)], customer.encode()
    complete = Completeness(partitions=1)
    for topic in (RECORDS, CHARGES):
        for one in _until(log.read(topic, partitions=partition, markers=True), known_at_ms):
            if is_marker(one):
                complete.add(one)
            elif one.key != key:
                continue
            elif topic == RECORDS:
                usage = usage_fact_from(billing_pb2.BillingRecord.FromString(one.value))
                facts.records.append(Recorded(one.timestamp_ms, usage))
            else:
                charge = charge_from(subscription_pb2.Charge.FromString(one.value))
                facts.charges.append(Recorded(one.timestamp_ms, charge))
    issued = _until(log.read(INVOICES, partitions=partition), known_at_ms)
    closings = Closings(prices, customer)
    for one in issued:
        closings.add(billing_pb2.Invoice.FromString(one.value))
    facts.agreed = closings.agreed(customer)
    facts.progress_ms = max(complete.least_ms, closings.closed_ms())
    return facts


def read_price_history(log: KafkaLog, known_at_ms: int, default_price_book: str = "") -> PriceHistory:
    """Read the price books and contracts that had been published by a time."""
    books, contracts = (_until(log.read(topic), known_at_ms) for topic in (PRICE_BOOKS, CONTRACTS))
    return PriceHistory(books, contracts, default_price_book)


def read_prices(log: KafkaLog, known_at_ms: int, default_price_book: str = "") -> PriceCatalog:
    """Return all that had been published by a time."""
    history = read_price_history(log, known_at_ms, default_price_book)
    return history.at(history.latest())


def _until(records: Iterable[LogRecord], known_at_ms: int) -> Iterator[LogRecord]:
    """Yield the records of a partition up to the first that was written later."""
    for one in records:
        if one.timestamp_ms > known_at_ms:
            return
        yield one
