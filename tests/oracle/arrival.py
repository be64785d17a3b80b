"""One record of the log at the moment at which it is decided."""

from __future__ import annotations

from dataclasses import dataclass

from .catalog import Catalog, Terms
from .log import HEARTBEAT, Event, LogRecord
from .surge import SurgeFactor


@dataclass(frozen=True)
class Arrival:
    """A log record, the event in it, and all that its decision may depend on."""

    partition: int
    record: LogRecord
    event: Event
    clock_ms: int  # the partition clock: the records before this one
    catalog: Catalog  # the price books read by then
    surge: SurgeFactor | None = None  # what demand makes of its price; None: no surge rule is for it

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
    def awaits_factor(self) -> bool:
        """Say whether its surge factor is not decided yet; what is refused for its time needs none."""
        undecided = self.surge is not None and self.surge.factor is None
        return undecided and self.event.units_of_demand > 0 and not self.is_future

    @property
    def terms(self) -> Terms:
        """Return what holds for its customer at its event time."""
        return self.catalog.terms(self.event.customer_id, self.event.event_time_ms)
