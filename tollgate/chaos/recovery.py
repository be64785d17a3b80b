"""How it is recognised that all has recovered: what was in the log when the fault was over is committed."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from confluent_kafka import Consumer, KafkaException, TopicPartition

from flink_jobs.settings import SETTLED_GROUP, USAGE_GROUP
from flink_jobs.topics import RECORDS, USAGE_EVENTS
from tollgate.balance_store import BalanceStore
from tollgate.demo.faults import reaches
from tollgate.local.errors import StackError

POLL_SECONDS = 0.1
_ANSWER_SECONDS = 3.0

Offsets = Mapping[int, int]
T = TypeVar("T")


class Probe:
    """Asks Kafka and Redis how far everything has got. Close it."""

    def __init__(self, bootstrap: str, redis_url: str, partitions: int) -> None:
        self._partitions = range(partitions)
        self._written = _consumer(bootstrap, "read_uncommitted")
        self._stable = _consumer(bootstrap, "read_committed")
        self._groups = {group: _consumer(bootstrap, "read_committed", group) for group in (USAGE_GROUP, SETTLED_GROUP)}
        self._balances = BalanceStore(redis_url)

    def close(self) -> None:
        """Let the connections go."""
        for consumer in (self._written, self._stable, *self._groups.values()):
            consumer.close()

    def written(self, topic: str) -> Offsets:
        """Return the offset after the last record by partition."""
        return self._ends(self._written, topic)

    def stable(self, topic: str) -> Offsets:
        """Return the offset up to which readers of committed records get, by partition."""
        return self._ends(self._stable, topic)

    def consumed(self, topic: str, group: str) -> Offsets:
        """Return what a job has committed of its input, by partition."""
        found = self._groups[group].committed(_parts(topic, self._partitions), timeout=_ANSWER_SECONDS)
        return {part.partition: part.offset for part in found}

    def customers(self) -> set[str]:
        """Return every customer that has a balance in Redis."""
        return set(self._balances.customers())

    def _ends(self, consumer: Consumer, topic: str) -> Offsets:
        asked = {part.partition: part for part in _parts(topic, self._partitions)}
        return {
            number: int(consumer.get_watermark_offsets(part, timeout=_ANSWER_SECONDS, cached=False)[1])
            for number, part in asked.items()
        }


class Deadline:
    """Repeats questions until they have an answer, or the time is over."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def insist(self, ask: Callable[[], T]) -> T:
        """Return the answer, however often nobody answers before. Raises TimeoutError when the time is over."""
        while True:
            try:
                return ask()
            except (KafkaException, StackError) as error:
                self._sleep(f"nobody answers: {error}")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Return when it holds. Raises TimeoutError saying what does not."""
        while not self.insist(holds):
            self._sleep(what)

    def _sleep(self, what: str) -> None:
        if time.monotonic() > self._at:
            raise TimeoutError(what)
        time.sleep(POLL_SECONDS)


def await_committed(probe: Probe, deadline: Deadline) -> None:
    """Return when all usage that is in the log now has been rated, and the records of it can be read committed."""
    sent = deadline.insist(lambda: probe.written(USAGE_EVENTS))
    deadline.until(
        lambda: reaches(probe.consumed(USAGE_EVENTS, USAGE_GROUP), sent),
        "the rating job does not commit what it reads",
    )
    written = deadline.insist(lambda: probe.written(RECORDS))
    deadline.until(lambda: reaches(probe.stable(RECORDS), written), f"a transaction in {RECORDS} stays open")


def await_settled(probe: Probe, deadline: Deadline, customers: set[str]) -> None:
    """Return when Redis has the balances of these customers, and all records that are committed now."""
    stable = deadline.insist(lambda: probe.stable(RECORDS))
    deadline.until(
        lambda: reaches(probe.consumed(RECORDS, SETTLED_GROUP), stable),
        "the balances job does not settle what is committed",
    )
    deadline.until(lambda: customers <= probe.customers(), "balances are missing in Redis")


def _consumer(bootstrap: str, isolation: str, group: str = "tollgate-chaos") -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap, "group.id": group, "isolation.level": isolation,
            "enable.auto.commit": False, "reconnect.backoff.max.ms": 500, "log_level": 0,
        }
    )  # fmt: skip


def _parts(topic: str, numbers: Sequence[int]) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in numbers]
