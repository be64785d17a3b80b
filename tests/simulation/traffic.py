"""Events by seed: few customers and ids, so that all that can meet does; time goes on, mostly."""

from random import Random

from tests.unit.builders import NOON_MS, book, catalog, free_units, graduated, per_unit, session_meter
from wire.v1 import usage_pb2

CUSTOMERS = ("ada", "ben", "cyd", "dan", "eve")
DAY_MS = 86_400_000
METERS = {
    "calls": per_unit("0.0079"),
    "video": graduated({"up_to": 10, "unit_price": "0.1", "flat_fee": "1"}, {"unit_price": "0.01"}),
    "talk": session_meter(),
}
DEARER = {"calls": per_unit("0.0085"), "talk": session_meter(), "video": per_unit("0.2")}
PRICES = catalog(
    book(meters=METERS, promotions=[free_units("welcome", 5)], dedup_horizon="2d"),
    book(version=2, effective_from="2026-11-14T00:00:00Z", meters=DEARER, dedup_horizon="2d"),
)


class Traffic:
    """Makes up records: (partition, key, timestamp, value). A customer's are all in one partition."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now_ms = NOON_MS
        self.sent: list[tuple[int, bytes, bytes]] = []

    def next(self) -> tuple[int, bytes | None, int, bytes]:
        """Return the next record."""
        random = self.random
        self.now_ms += random.choice((0, 1_000, 60_000, 3_600_000))
        if random.randrange(100) == 0:
            self.now_ms += 9 * DAY_MS
        chance = random.randrange(100)
        if chance < 20 and self.sent:
            return self._again()
        if chance < 25:
            return (
                random.randrange(2),
                random.choice((None, b"ada")),
                self.now_ms,
                random.randbytes(random.randrange(9)),
            )
        if chance < 32:
            beat = usage_pb2.UsageEvent(event_time_ms=self.now_ms)
            beat.heartbeat.SetInParent()
            return random.randrange(2), None, self.now_ms, beat.SerializeToString()
        return self._event()

    def _again(self) -> tuple[int, bytes | None, int, bytes]:
        """Send what was sent before, or something else under the same id."""
        partition, key, value = self.random.choice(self.sent[-40:])
        if self.random.randrange(5) == 0:
            event = usage_pb2.UsageEvent.FromString(value)
            event.source = "elsewhere"
            value = event.SerializeToString()
        return partition, key, self.now_ms, value

    def _event(self) -> tuple[int, bytes | None, int, bytes]:
        random, customer = self.random, self.random.choice(CUSTOMERS)
        event = usage_pb2.UsageEvent(event_id=f"e{len(self.sent)}", customer_id=customer)
        late_ms = random.choice((0, 0, 0, 60_000, 5 * 3_600_000, 3 * DAY_MS, -3_600_000))
        event.event_time_ms = self.now_ms - late_ms
        shape = random.randrange(10)
        if shape < 7:
            event.meter, event.quantity = random.choice(("calls", "video", "none")), random.choice((0, 1, 3, 9))
        elif shape == 7:
            event.retraction.event_id = f"e{max(0, len(self.sent) - random.randint(-2, 9))}"
        else:
            event.meter, event.session.session_id = "talk", f"s{random.randrange(4)}"
            event.session.phase = random.choice((1, 2, 3))
        partition, key = CUSTOMERS.index(customer) % 2, customer.encode()
        self.sent.append((partition, key, event.SerializeToString()))
        return partition, key, self.now_ms, event.SerializeToString()
