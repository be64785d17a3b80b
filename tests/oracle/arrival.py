"""One record of the log at the moment at which it is decided."""

from __future__ import annotations

from dataclasses import dataclass

from .catalog import Catalog, Terms
from .log import HEARTBEAT, Event, LogRecord


@dataclass(frozen=True)
class Arrival:
    """A log record, the event in it, and all that its decision may depend on."""

    partition: int
    record: LogRecord
    event: Event
    clock_ms: int  # the partition clock: the records before this one
    catalog: Catalog  # the price books read by then

    @property
    def position(self) -> tuple[int, int]:
        """Return the partition and the offset."""
        return self.partition, self.record.offset

    @property
    def is_heartbeat(self) -> bool:
        """Say whether it only tells the time."""
        return self.event.measure == HEARTBEAT

    @property
    def is_future(self) -> bool:
        """Say whether its event time is too far ahead of the Kafka record's timestamp."""
        latest_ms = self.record.timestamp_ms + self.catalog.max_future_skew_ms
        return self.event.event_time_ms > latest_ms

    @property
    def terms(self) -> Terms:
        """Return what holds for its customer at its event time."""
        return self.catalog.terms(self.event.customer_id, self.event.event_time_ms)
