"""Seeded traffic of sessions and retractions: phases in any order, lost and doubled, around every limit of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.oracle import LogRecord
from tests.properties.session_books import (
    DAY_MS,
    DURATIONS_MS,
    HOUR_MS,
    MINUTE_MS,
    QUANTITY_METERS,
    SECOND_MS,
    SESSION_METERS,
    START_MS,
    books,
)
from wire.frames import FramedRecord
from wire.v1 import usage_pb2

CUSTOMERS = ("ada", "bob", "acme/eve")
HOMES = {"ada": 0, "bob": 1, "acme/eve": 0}
FAR_MS = START_MS + 400 * DAY_MS
PHASES = usage_pb2.SessionEvent
LENGTHS_MS = (
    *(0, 999, 1000, 59_999, 60_001, 61 * SECOND_MS),
    *(2 * MINUTE_MS, 4 * MINUTE_MS, 5 * MINUTE_MS, 7 * MINUTE_MS, 20 * MINUTE_MS),
    *(HOUR_MS, HOUR_MS + 1, 3 * HOUR_MS, 12 * HOUR_MS, 3 * DAY_MS),
)


@dataclass(frozen=True)
class Case:
    """A log and the books that it is rated by."""

    books: list[dict[str, Any]]
    partitions: dict[int, list[LogRecord]]
    sizes: list[int]  # of frames

    def cut(self, records: Sequence[FramedRecord]) -> Iterator[Sequence[FramedRecord]]:
        """Cut a partition into frames."""
        at = turn = 0
        while at < len(records):
            size = self.sizes[turn % len(self.sizes)]
            yield records[at : at + size]
            at, turn = at + size, turn + 1


def case_of(seed: int) -> Case:
    """Return the case of a seed."""
    dice = Random(seed)
    plain = books(dice)
    return Case(plain, _Traffic(dice, plain[0]).partitions(), [dice.randrange(1, 9) for _ in range(4)])


@dataclass
class _Traffic:
    """Events with the times at which they arrive: what is delivered later than it happened is out of order."""

    dice: Random
    book: dict[str, Any]
    found: list[tuple[int, usage_pb2.UsageEvent]] = field(default_factory=list)

    def partitions(self) -> dict[int, list[LogRecord]]:
        """Return the log: every event in its customer's partition, in the order of arrival."""
        self.base_ms = START_MS + self.dice.choice((10, 27, 29, 29, 29, 30)) * DAY_MS
        self.usual_customer = self.dice.choice(CUSTOMERS)
        self.usual_meter = self.dice.choice((*SESSION_METERS, "ride", "ride"))
        for _ in range(self.dice.randrange(2, 7)):
            self._session()
        for _ in range(self.dice.randrange(6)):
            self._quantity()
        for _ in range(self.dice.randrange(7)):
            self._retraction()
        for _ in range(self.dice.randrange(4)):
            self._again()
        for _ in range(self.dice.randrange(3)):
            self._at_a_limit()
        for _ in range(self.dice.choice((0, 1, 1, 2))):
            self._broken()
        if self._chance(0.2):
            self._jump()
        self._end()
        return self._delivered()

    def _session(self) -> None:
        start_ms, length_ms = self._instant(), self.dice.choice(LENGTHS_MS)
        if self._chance(0.15):  # an id that may have been forgotten by then
            start_ms += self.dice.randrange(2, 14) * DAY_MS
        if self._chance(0.05):
            length_ms = -self.dice.choice((1, MINUTE_MS))
        times = [(PHASES.START, start_ms), (PHASES.STOP, start_ms + length_ms)]
        for _ in range(self.dice.choice((0, 0, 1, 2, 3))):
            within_ms = self.dice.randrange(abs(length_ms) + 1)
            after_ms = self.dice.choice((0, length_ms, within_ms, within_ms, -1, length_ms + 1))
            times.append((PHASES.UPDATE, start_ms + after_ms))
        lost = self.dice.choices((None, PHASES.START, PHASES.STOP), (10, 1, 2))[0]
        times = [(phase, at_ms) for phase, at_ms in times if phase != lost or self._chance(0.05)]
        if times and self._chance(0.15):
            phase, at_ms = self.dice.choice(times)
            times.append((phase, at_ms + self.dice.choice((0, 1, HOUR_MS))))
        meter = self.usual_meter if self._chance(0.75) else self.dice.choice(SESSION_METERS)
        session_id, customer = f"s{self.dice.randrange(9)}", self._customer()
        behind_ms = self.dice.randrange(1, 5) * DAY_MS if self._chance(0.15) else 0
        for phase, at_ms in times:
            named = self.dice.choice(SESSION_METERS) if self._chance(0.03) else meter
            event = self._event(customer, named, at_ms)
            event.session.session_id, event.session.phase = session_id, phase
            self._arrives(event, behind_ms)

    def _quantity(self) -> None:
        event = self._event(self._customer(), self.dice.choice((*QUANTITY_METERS, "bulk")), self._instant())
        event.quantity = self.dice.randrange(1, 50)
        self._arrives(event, self.dice.randrange(1, 5) * DAY_MS if self._chance(0.25) else 0)

    def _retraction(self) -> None:
        """Take back something that is in the log, or nothing that is."""
        usage = [one for one in self.found if one[1].meter in ("bulk", self.usual_meter)]
        arrival_ms, target = self.dice.choice(usage if usage and self._chance(0.75) else self.found)
        around_ms = self.dice.choice((-DAY_MS, -2 * HOUR_MS, -MINUTE_MS, 0, 1, MINUTE_MS, 5 * HOUR_MS, 3 * DAY_MS))
        event = self._event(target.customer_id, self.dice.choice(("", "call", "unheard-of")), arrival_ms + around_ms)
        named = target.event_id if not self._chance(0.1) else "never-sent"
        event.retraction.event_id, event.retraction.reason = named, self.dice.choice(("", "dispute"))
        self._arrives(event)
        if self._chance(0.3):
            again = usage_pb2.UsageEvent.FromString(event.SerializeToString())
            again.event_id += "-again"
            self._arrives(again)

    def _again(self) -> None:
        """Deliver something once more, at times with another payload."""
        arrival_ms, original = self.dice.choice(self.found)
        event = usage_pb2.UsageEvent.FromString(original.SerializeToString())
        event.source, event.replay = "again", self._chance(0.5)
        if self._chance(0.4):
            event.event_time_ms += self.dice.choice((1, HOUR_MS, 11 * DAY_MS))
        self.found.append((arrival_ms + self._delay_ms(), event))

    def _at_a_limit(self) -> None:
        """Let the clock reach a limit of some event exactly, or pass it by a millisecond."""
        _, event = self.dice.choice(self.found)
        limits = [self.book["allowed_lateness"], self.book["dedup_horizon"]]
        limits += [self.book["meters"]["call"]["session"]["idle_timeout"]] * 2
        limit_ms = DURATIONS_MS[self.dice.choice(limits)]
        self._heartbeat(event.event_time_ms + limit_ms + self.dice.randrange(2))

    def _jump(self) -> None:
        """Let the clock run ahead of all that arrives after it."""
        at_ms = self._instant()
        ahead_ms = self.dice.choice((HOUR_MS, 5 * HOUR_MS, DAY_MS, 3 * DAY_MS))
        beat = usage_pb2.UsageEvent(heartbeat={}, event_time_ms=at_ms + ahead_ms)  # type: ignore[arg-type]
        self.found += [(at_ms, beat)] * 2  # one for each partition

    def _broken(self) -> None:
        """Make something that is refused whatever the clock says, or that is no event at all."""
        event = self._event(self._customer(), self.dice.choice((*SESSION_METERS, *QUANTITY_METERS)), self._instant())
        match self.dice.randrange(9):
            case 0:
                event.session.session_id, event.session.phase = self.dice.choice((("", 1), ("é" * 65, 1), ("s", 0)))
            case 1:
                event.session.session_id, event.session.phase = "s", 7  # type: ignore[assignment]
            case 2:
                event.retraction.event_id = self.dice.choice(("", "e" * 129))
            case 3:
                event.quantity, event.meter = 1, self.dice.choice(SESSION_METERS)
            case 4:
                event.session.session_id, event.session.phase = "s1", 1
                event.meter = self.dice.choice(("flat", "unheard-of"))
            case 5:
                event.quantity, event.event_time_ms = 1, START_MS - HOUR_MS
            case 6:
                event.retraction.event_id, event.event_time_ms = "e1", START_MS - HOUR_MS
            case 7:
                event.session.session_id, event.session.phase = "s1", self.dice.choice((1, 2, 3))
                event.source = self.dice.choice(("misrouted", "early"))
            case 8:
                event.source = "no measure"
        arrival_ms = max(event.event_time_ms, self.base_ms)
        self.found.append((arrival_ms, event))

    def _end(self) -> None:
        """Leave things open, or let all of time pass."""
        last_ms = max(arrival_ms for arrival_ms, _ in self.found)
        jump_ms = self.dice.choice((0, HOUR_MS, DAY_MS, 5 * DAY_MS, 60 * DAY_MS))
        for _ in range(self.dice.choice((1, 2, 2, 2))):  # the partitions take turns
            self._heartbeat(last_ms + jump_ms)

    def _delivered(self) -> dict[int, list[LogRecord]]:
        partitions: dict[int, list[LogRecord]] = {0: [], 1: []}
        heartbeats = 0
        for _, event in sorted(self.found, key=lambda one: one[0]):
            if event.HasField("heartbeat"):
                number, key = heartbeats % 2, None
                heartbeats += 1
            else:
                number, key = HOMES[event.customer_id], event.customer_id.encode()
            number = 1 - number if event.source == "misrouted" else number
            stamp_ms = event.event_time_ms - HOUR_MS if event.source == "early" else FAR_MS
            log = partitions[number]
            log.append(LogRecord(len(log), stamp_ms, key, event.SerializeToString()))
        return partitions

    def _event(self, customer: str, meter: str, at_ms: int) -> usage_pb2.UsageEvent:
        event_id = f"e{self.dice.randrange(12)}" if self._chance(0.04) else f"e{len(self.found)}"
        return usage_pb2.UsageEvent(event_id=event_id, customer_id=customer, meter=meter, event_time_ms=at_ms)

    def _heartbeat(self, at_ms: int) -> None:
        self.found.append((at_ms, usage_pb2.UsageEvent(heartbeat={}, event_time_ms=at_ms)))  # type: ignore[arg-type]

    def _arrives(self, event: usage_pb2.UsageEvent, behind_ms: int = 0) -> None:
        self.found.append((event.event_time_ms + self._delay_ms() + behind_ms, event))

    def _delay_ms(self) -> int:
        if self._chance(0.75):
            return self.dice.randrange(5 * MINUTE_MS)
        late_ms = self.dice.choice((HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, DAY_MS, 3 * DAY_MS))
        return late_ms + self.dice.randrange(MINUTE_MS)

    def _instant(self) -> int:
        if self._chance(0.25):  # shortly before the end of the month
            return START_MS + 30 * DAY_MS - self.dice.randrange(4 * HOUR_MS)
        return self.base_ms + self.dice.randrange(2 * DAY_MS)

    def _customer(self) -> str:
        return self.usual_customer if self._chance(0.7) else self.dice.choice(CUSTOMERS)

    def _chance(self, share: float) -> bool:
        return self.dice.random() < share
