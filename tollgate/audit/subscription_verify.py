"""Verification of subscriptions against a Kafka cluster: what to read, in which order, with progress."""

import time
from collections.abc import Callable, Sequence

from flink_jobs.settings import SUBSCRIPTIONS_GROUP
from flink_jobs.topics import ALERTS, CHARGES, CONTRACTS, DEAD_LETTERS, PRICE_BOOKS, SUBSCRIPTION_EVENTS
from tollgate.audit.ledger import Readings
from tollgate.audit.prices import PriceHistory
from tollgate.audit.subscription_compare import SubscriptionComparison, SubscriptionReport
from tollgate.audit.subscription_ledger import SubscriptionLedger
from tollgate.audit.subscription_recompute import SubscriptionRecomputation
from tollgate.kafka_log import KafkaLog

VISIBLE_SECONDS = 10.0
_POLL_SECONDS = 0.1


def verify_subscriptions(
    log: KafkaLog,
    *,
    charges_topic: str = CHARGES,
    default_price_book: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> SubscriptionReport:
    """Recompute every committed charge from the topics; what the job has not reported is compared where it is there.

    The offsets are read before the output: so all that was decided of events before them is there to be found.
    """
    committed = {part.partition: offset for part, offset in log.group_offsets(SUBSCRIPTIONS_GROUP).items()}
    await_visible(log)
    prices = PriceHistory(log.read(PRICE_BOOKS), log.read(CONTRACTS), default_price_book)
    ledger = SubscriptionLedger()
    progress("reading committed charges")
    ledger.add_charges(log.read(charges_topic))
    ledger.add_letters(log.read(DEAD_LETTERS))
    ledger.add_alerts(log.read(ALERTS))
    readings = Readings(ledger.refused.read, prices.latest())
    comparison = SubscriptionComparison(ledger, SubscriptionRecomputation(prices, readings, ledger.refused.home))
    parts = log.partitions(SUBSCRIPTION_EVENTS)
    for part in parts:
        progress(f"recomputing {SUBSCRIPTION_EVENTS} partition {part.partition}")
        events = log.read(SUBSCRIPTION_EVENTS, partitions=[part.partition])
        comparison.partition(part.partition, events, committed.get(part.partition, 0))
    comparison.settle()
    for part in parts if comparison.report.unsettled else ():
        start = {part: committed.get(part.partition, 0)}
        comparison.ahead(log.read(SUBSCRIPTION_EVENTS, partitions=[part.partition], start=start))
    comparison.ahead_of_time()
    return comparison.finish()


def await_visible(
    log: KafkaLog, topics: Sequence[str] = (CHARGES, ALERTS, DEAD_LETTERS), timeout_seconds: float = VISIBLE_SECONDS
) -> None:
    """Wait until what is written now is committed or not: the job may report its offsets a moment before.

    A job that has stopped with open transactions is not waited for any longer than this.
    """
    deadline = time.monotonic() + timeout_seconds
    for topic in topics:
        written = log.ends(topic, committed=False)
        while any(end < written[part] for part, end in log.ends(topic, committed=True).items()):
            if time.monotonic() > deadline:
                return
            time.sleep(_POLL_SECONDS)
