"""What Kafka says: records as they are written, dead letters once they are committed, and the lag."""

import time

from confluent_kafka import OFFSET_END, Consumer, KafkaException, Message, TopicPartition

from flink_jobs.topics import ALERTS, DEAD_LETTERS, RECORDS, USAGE_EVENTS
from tollgate.balance_watch import BalanceWatch
from tollgate.demo.figures import Figures
from tollgate.demo.records import RecordBook
from tollgate.demo.sightings import Sightings
from tollgate.local.errors import StackError
from wire.v1 import billing_pb2

BATCH = 2000
ANSWER_SECONDS = 10.0
_SURGES = {billing_pb2.Alert.Kind.SURGE_ON: "on", billing_pb2.Alert.Kind.SURGE_OFF: "off"}


def tail(bootstrap: str, topic: str, partitions: int, *, committed: bool) -> Consumer:
    """Return a consumer of what is written to a topic from now on."""
    isolation = "read_committed" if committed else "read_uncommitted"
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap, "group.id": f"tollgate-demo-{isolation}", "isolation.level": isolation,
            "enable.auto.commit": False, "auto.offset.reset": "latest",
        }
    )  # fmt: skip
    consumer.assign([TopicPartition(topic, number, OFFSET_END) for number in range(partitions)])
    return consumer


def messages(consumer: Consumer) -> list[Message]:
    """Return what has come since the last time."""
    return [one for one in consumer.consume(BATCH, 0.005) if one.error() is None]


class RecordFeed:
    """Follows billing.records, and hands the timed ones on to the watch over Redis."""

    interval_seconds = 0.02

    def __init__(self, bootstrap: str, partitions: int, figures: Figures, seen: Sightings, watch: BalanceWatch) -> None:
        self.book = RecordBook()
        self._consumer = tail(bootstrap, RECORDS, partitions, committed=False)
        self._figures = figures
        self._seen = seen
        self._watch = watch
        self._sorted_at = 0.0

    def look(self) -> None:
        """Take in what has been written."""
        found = [one for one in messages(self._consumer) if one.key() is not None]  # markers of progress have none
        for message in found:
            record = billing_pb2.BillingRecord.FromString(message.value())
            self.book.add(record)
            sent = self._seen.take(record.source.partition, record.source.offset)
            if sent is not None:
                self._watch.expect(record.customer_id, record.sequence, sent)
        self._figures.billed += len(found)
        now = time.monotonic()
        if now - self._sorted_at > 1:
            self._sorted_at = now
            self._figures.tiers, self._figures.promotions = self.book.tiers(), self.book.promotions()

    def close(self) -> None:
        """Let the connection go."""
        self._consumer.close()


class LetterFeed:
    """Follows the committed dead letters."""

    interval_seconds = 0.5

    def __init__(self, bootstrap: str, partitions: int, figures: Figures) -> None:
        self._consumer = tail(bootstrap, DEAD_LETTERS, partitions, committed=True)
        self._figures = figures

    def look(self) -> None:
        """Count by reason."""
        for message in messages(self._consumer):
            letter = billing_pb2.DeadLetter.FromString(message.value())
            self._figures.dead_letters[billing_pb2.DeadLetter.Reason.Name(letter.reason)] += 1

    def close(self) -> None:
        """Let the connection go."""
        self._consumer.close()


class SurgeFeed:
    """Follows billing.alerts as they are written, and notes when a surge begins and ends."""

    interval_seconds = 0.1

    def __init__(self, bootstrap: str, partitions: int, figures: Figures) -> None:
        self._consumer = tail(bootstrap, ALERTS, partitions, committed=False)
        self._figures = figures
        self._known: set[str] = set()

    def look(self) -> None:
        """Note each once: what is written again after a fault is the same."""
        for message in messages(self._consumer):
            alert = billing_pb2.Alert.FromString(message.value())
            if alert.kind in _SURGES and alert.alert_id not in self._known:
                self._known.add(alert.alert_id)
                self._figures.note(f"surge {_SURGES[alert.kind]}, {alert.subject}, {alert.detail}")

    def close(self) -> None:
        """Let the connection go."""
        self._consumer.close()


class LagFeed:
    """Compares how far the input goes with how far it has been rated."""

    interval_seconds = 0.5

    def __init__(self, bootstrap: str, partitions: int, figures: Figures, book: RecordBook) -> None:
        self._consumer = tail(bootstrap, USAGE_EVENTS, partitions, committed=True)
        self._consumer.pause(self._consumer.assignment())
        self._parts = [TopicPartition(USAGE_EVENTS, number) for number in range(partitions)]
        self._figures = figures
        self._book = book
        self._begun = False

    def ends(self) -> dict[int, int]:
        """Ask Kafka for the ends by partition; any thread may. Raises StackError where it does not answer."""
        ask = self._consumer.get_watermark_offsets
        try:
            return {part.partition: int(ask(part, timeout=ANSWER_SECONDS)[1]) for part in self._parts}
        except KafkaException as error:
            raise StackError(f"Kafka does not say how far the input goes: {error}", "see `tollgate status`") from error

    def look(self) -> None:
        """Compare; what was there before the demo is no lag of it. While Kafka is away, the last lag stays."""
        try:
            ends, rated = self.ends(), self._book.rated_through
        except StackError:
            self._figures.kafka_answers = False
            return
        self._figures.kafka_answers = True
        if not self._begun:
            self._begun = True
            for partition, end in ends.items():
                rated.setdefault(partition, end - 1)
        self._figures.lag = sum(max(0, end - 1 - rated.get(partition, -1)) for partition, end in ends.items())

    def close(self) -> None:
        """Let the connection go."""
        self._consumer.close()
