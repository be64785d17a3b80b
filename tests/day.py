"""A seeded day of traffic for the contract's example price book, as lines for `tollgate produce`.

The last of November: rushes that raise surge to both of its levels, bursts, calls whose phases come in any
order or not at all, retractions, repetitions, and events that are late. Lines are in the order of arrival.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from billing.instants import parse_instant

DAY_MS = parse_instant("2026-11-30T00:00:00Z")
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
CLOSED = "2026-12-01T03:00:00Z"
CUSTOMERS = ("acme", *(f"c{number:02d}" for number in range(1, 25)))
METERS = (("sms.outbound", 400), ("mms.outbound", 30), ("video", 900), ("api.calls", 700))
REGIONS = ("eu", "us", "ap")
RUSHES = ((10, 6, 600), (18, 8, 2000))
"""Hour, minutes, and units of an event, of which there are fourteen a minute, all from one region."""


class Arrival(NamedTuple):
    """A line, and when it is sent."""

    at_ms: int
    line: dict[str, Any]


@dataclass
class Day:
    """The traffic of one seed."""

    dice: Random
    arrivals: list[Arrival] = field(default_factory=list)
    count: int = 0

    def send(self, customer: str, meter: str, at_ms: int, *, delay_ms: int | None = None, **fields: Any) -> str:
        """Add an event, one in ten with a delay unless it is given; returns its id."""
        self.count += 1
        usual_ms = self.dice.randrange(20 * MINUTE_MS) if self.dice.random() < 0.1 else 0
        event = {"event_id": f"e{self.count:05d}", "customer_id": customer, "meter": meter, "event_time_ms": at_ms}
        line = {"usage": event | fields}
        self.arrivals.append(Arrival(at_ms + (usual_ms if delay_ms is None else delay_ms), line))
        if self.dice.random() < 0.04:
            self.arrivals.append(Arrival(at_ms + self.dice.randrange(HOUR_MS), line))
        return str(event["event_id"])

    def use(self, customer: str, meter: str, most: int, at_ms: int, region: str = "") -> None:
        """Add usage of some units, and take one in thirty back."""
        where = {"region": region or self.dice.choice(REGIONS)}
        target = self.send(customer, meter, at_ms, quantity=self.dice.randint(most // 2, most), dimensions=where)
        if self.dice.random() < 0.03:
            self.send(customer, "", at_ms + self.dice.randrange(-MINUTE_MS, HOUR_MS), retraction={"event_id": target})

    def call(self, customer: str, at_ms: int) -> None:
        """Add a call: some UPDATEs, one STOP in seven lost, one in seven before its START."""
        session = f"s{self.count}"
        end_ms = at_ms + self.dice.choice((0, 30_000, 10 * MINUTE_MS, 90 * MINUTE_MS))
        late_ms = end_ms - at_ms + MINUTE_MS if self.dice.random() < 1 / 7 else None
        self._phase(customer, session, "START", at_ms, late_ms)
        if self.dice.random() < 0.3:
            self._phase(customer, session, "UPDATE", (at_ms + end_ms) // 2, None)
        if self.dice.random() > 1 / 7:
            self._phase(customer, session, "STOP", end_ms, None)

    def _phase(self, customer: str, session: str, phase: str, at_ms: int, delay_ms: int | None) -> None:
        said = {"session_id": session, "phase": phase}
        self.send(customer, "voice", at_ms, delay_ms=delay_ms, session=said)

    def any_time(self, hours: int = 24) -> int:
        """Return a time of the day."""
        return DAY_MS + self.dice.randrange(hours * HOUR_MS)


def day(seed: int) -> list[dict[str, Any]]:
    """Return a day's lines."""
    made = Day(Random(seed))
    for _ in range(700):
        meter, most = made.dice.choice(METERS)
        made.use(made.dice.choice(CUSTOMERS), meter, most, made.any_time())
    for hour, minutes, units in RUSHES:
        for index in range(14 * minutes):
            at_ms = DAY_MS + hour * HOUR_MS + index * MINUTE_MS // 14
            made.use(made.dice.choice(CUSTOMERS), "sms.outbound", units, at_ms, "eu")
    for customer in CUSTOMERS[:4]:
        begin_ms = made.any_time(23)
        for index in range(12):
            made.use(customer, "api.calls", 1500, begin_ms + index * 2 * MINUTE_MS)
    for _ in range(60):
        made.call(made.dice.choice(CUSTOMERS), made.any_time(22))
    made.send("c01", "", made.any_time(), retraction={"event_id": "never-sent"})
    return [one.line for one in sorted(made.arrivals, key=lambda one: one.at_ms)]


def late(seed: int) -> list[dict[str, Any]]:
    """Return lines of the day that come once its cycle is closed."""
    made = Day(Random(-seed), count=90_000)
    for customer in CUSTOMERS[:5]:
        made.use(customer, "sms.outbound", 300, made.any_time())
    return [one.line for one in made.arrivals]
