"""Topics in memory for the verification of subscriptions: what was sent, and what the job made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition

from billing.catalog import PriceCatalog
from billing.price_books.document import document_from_plain
from flink_jobs.topics import ALERTS, CHARGES, DEAD_LETTERS, PRICE_BOOKS, SUBSCRIPTION_EVENTS
from tests.engine import parse
from tests.oracle.example import book
from tests.subscription_log import SubscriptionJob, subscription_record
from tests.unit.subscriptions.desk import PLANS
from tests.unit.tollgate.books_in_memory import MemoryLog
from tollgate.audit.subscription_compare import SubscriptionReport
from tollgate.audit.subscription_verify import verify_subscriptions
from tollgate.kafka_log import LogRecord
from udfs.subscription_host import SubscriptionHost
from wire.price_books import to_message
from wire.v1 import billing_pb2, subscription_pb2

MESSAGES = {CHARGES: subscription_pb2.Charge, DEAD_LETTERS: billing_pb2.DeadLetter, ALERTS: billing_pb2.Alert}


@dataclass
class Subscriptions(MemoryLog):
    """The topics, with `committed` offsets of subscription.events."""

    job: SubscriptionJob = field(default_factory=lambda: SubscriptionJob(PriceCatalog()))

    def group_offsets(self, _: str) -> dict[TopicPartition, int]:
        """Return how far the job has committed."""
        return {TopicPartition(SUBSCRIPTION_EVENTS, number): offset for number, offset in self.committed.items()}

    def ends(self, topic: str, *, committed: bool) -> dict[TopicPartition, int]:  # noqa: ARG002
        """Return the offsets after the last records: all of them are committed."""
        return super().ends(topic, committed=True)

    def verify_subscriptions(self) -> SubscriptionReport:
        """Run the verification over these topics."""
        return verify_subscriptions(self)  # type: ignore[arg-type]  # as much of a KafkaLog as it uses

    def tamper(self, topic: str, index: int, change: Callable[[Any], object]) -> "Subscriptions":
        """Change one message of an output topic."""
        one = self.topics[topic][index]
        value = MESSAGES[topic].FromString(one.value)
        change(value)
        self.topics[topic][index] = one._replace(value=value.SerializeToString())
        return self

    def differences(self) -> str:
        """Return the differences of a verification that must fail."""
        report = self.verify_subscriptions()
        assert not report.passed
        return "\n".join(report.differences)


def decided(*named: Mapping[str, Any], partitions: int = 1) -> Subscriptions:
    """Return the topics after the job has decided all events; `partition` names another than the first."""
    plain = book(plans=PLANS)
    job = SubscriptionJob(PriceCatalog([parse(plain)]), SubscriptionHost(SUBSCRIPTION_EVENTS))
    sent: list[LogRecord] = []
    for one in named:
        number = int(one.get("partition", 0))
        record = subscription_record(one, sum(other.partition == number for other in sent))
        sent.append(
            LogRecord(SUBSCRIPTION_EVENTS, number, record.offset, record.timestamp_ms, record.key, record.value)
        )
        job.take(number, record)
    job.finish()
    books = to_message(document_from_plain(plain)).SerializeToString()
    topics = {
        SUBSCRIPTION_EVENTS: sent,
        CHARGES: [_written(CHARGES, one, at) for at, one in enumerate(job.charges)],
        DEAD_LETTERS: [_written(DEAD_LETTERS, one, at) for at, one in enumerate(job.letters)],
        ALERTS: [_written(ALERTS, one, at) for at, one in enumerate(job.alerts)],
        PRICE_BOOKS: [LogRecord(PRICE_BOOKS, 0, 0, 0, b"standard@1", books)],
    }
    ends = {number: sum(one.partition == number for one in sent) for number in range(partitions)}
    return Subscriptions(topics, partitions, ends, job)


def _written(topic: str, value: Any, offset: int) -> LogRecord:
    headers = (("replay", b"true"),) if topic == CHARGES and value.replay else ()
    return LogRecord(topic, 0, offset, 0, value.customer_id.encode(), value.SerializeToString(), headers)
