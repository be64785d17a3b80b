"""How far billing.records and billing.charges are complete, as their markers of progress say."""

from dataclasses import dataclass, field

from flink_jobs.settings import SHARDS
from flink_jobs.topics import CHARGES, RECORDS
from tollgate.kafka_log import LogRecord
from wire.v1 import billing_pb2, common_pb2, subscription_pb2


@dataclass(slots=True)
class Completeness:
    """The clocks of shards, by topic and partition: the largest that a marker has told."""

    partitions: int
    clocks_ms: dict[tuple[str, int], list[int]] = field(default_factory=dict)

    def add(self, marker: LogRecord) -> None:
        """Take a marker in."""
        progress = progress_in(marker)
        own = self.clocks_ms.setdefault((marker.topic, marker.partition), [0] * SHARDS)
        for shard in range(progress.shard_from, progress.shard_to):
            own[shard] = max(own[shard], progress.clock_ms)

    @property
    def least_ms(self) -> int:
        """Return the clock that all shards of all partitions of both topics have reached; 0: one of them has none."""
        if len(self.clocks_ms) < self.partitions * len((RECORDS, CHARGES)):
            return 0
        return min(min(own) for own in self.clocks_ms.values())


def progress_in(marker: LogRecord) -> common_pb2.Progress:
    """Return what a marker says."""
    if marker.topic == RECORDS:
        return billing_pb2.BillingRecord.FromString(marker.value).progress
    return subscription_pb2.Charge.FromString(marker.value).progress
