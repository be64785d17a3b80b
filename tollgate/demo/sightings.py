"""Which events are being timed: told by the generator, asked by the reader of records."""

from threading import Lock

FORGET_AFTER = 20_000


class Sightings:
    """When events were sent, by where Kafka has put them. Duplicates make no record, and are forgotten in the end."""

    def __init__(self) -> None:
        self._sent: dict[tuple[int, int], float] = {}
        self._lock = Lock()

    def sent(self, partition: int, offset: int, at: float) -> None:
        """Remember an event."""
        with self._lock:
            self._sent[partition, offset] = at
            while len(self._sent) > FORGET_AFTER:
                del self._sent[next(iter(self._sent))]

    def take(self, partition: int, offset: int) -> float | None:
        """Return when an event was sent, once; None where it is not timed."""
        with self._lock:
            return self._sent.pop((partition, offset), None)
