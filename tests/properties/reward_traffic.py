"""Seeded traffic in which promotions are won and demand rises: bursts of events, codes, sessions, retractions."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.oracle import LogRecord
from tests.properties.reward_books import (
    BASES_MS,
    CODES,
    HOUR_MS,
    MINUTE_MS,
    QUANTITY_METERS,
    SECOND_MS,
    SURGING,
    books,
)
from tests.properties.session_traffic import Case
from wire.v1 import usage_pb2

CUSTOMERS = ("ada", "bob", "acme/eve")
HOMES = {"ada": 0, "bob": 1, "acme/eve": 0}
REGIONS = ("eu", "eu", "eu", "us", "", "x" * 101)


def case_of(seed: int, *, surging: bool) -> Case:
    """Return the case of a seed."""
    dice = Random(seed)
    base_ms = dice.choice(BASES_MS)
    plain = books(dice, base_ms, surging=surging)
    traffic = _Traffic(dice, base_ms, surging=surging)
    return Case(plain, traffic.partitions(), [dice.randrange(1, 9) for _ in range(4)])


@dataclass
class _Traffic:
    """Events with the times at which they arrive."""

    dice: Random
    base_ms: int
    surging: bool
    found: list[tuple[int, usage_pb2.UsageEvent]] = field(default_factory=list)

    def partitions(self) -> dict[int, list[LogRecord]]:
        """Return the log: every event in its customer's partition, in the order of arrival."""
        self.usual = self.dice.choice(CUSTOMERS)
        for _ in range(self.dice.randrange(1, 5)):
            if self.surging and self._chance(0.7):
                self._rush()
            else:
                self._burst()
        for _ in range(self.dice.randrange(6)):
            self._quantity(self._instant())
        for _ in range(self.dice.choice((0, 1, 2, 3) if self.surging else (0, 0, 1, 2))):
            self._session()
        if self.surging and self._chance(0.6):
            self._calls()
        for _ in range(self.dice.choice((0, 0, 2, 4))):
            self._retraction()
        for _ in range(self.dice.randrange(3)):
            self._again()
        if self._chance(0.3):  # the clock runs ahead of what is delivered late
            ahead_ms = self.base_ms + 90 * MINUTE_MS
            self.found += [(ahead_ms, self._heartbeat(ahead_ms)) for _ in HOMES]
        self._end()
        return self._delivered()

    def _burst(self) -> None:
        """Use much of one meter in a short time."""
        at_ms = self._instant()
        meter, region = self.dice.choice(tuple(QUANTITY_METERS)), self.dice.choice(REGIONS)
        for _ in range(self.dice.randrange(2, 7)):
            self._quantity(at_ms, meter, region)
            at_ms += self.dice.choice((0, 1, 10 * SECOND_MS, 30 * SECOND_MS, MINUTE_MS, 2 * MINUTE_MS))

    def _rush(self) -> None:
        """Let demand of one meter and region rise for a while, and charge what follows."""
        at_ms, window_ms = self._instant(), self.dice.choice((10 * SECOND_MS, MINUTE_MS))
        meter, region = self.dice.choice(SURGING), self.dice.choice(REGIONS)
        for _ in range(self.dice.randrange(4, 12)):
            self._quantity(at_ms, meter, region)
            at_ms += self.dice.randrange(6) * window_ms // 5

    def _calls(self) -> None:
        """Let many sessions of one region begin within a few windows."""
        at_ms, region = self._instant(), self.dice.choice(REGIONS)
        for _ in range(self.dice.randrange(3, 7)):
            self._session(at_ms, region)
            at_ms += self.dice.randrange(6) * 12 * SECOND_MS

    def _quantity(self, at_ms: int, meter: str = "", region: str | None = None) -> None:
        event = self._event(meter or self.dice.choice(tuple(QUANTITY_METERS)), at_ms)
        event.quantity = self.dice.choice((1, 5, 10, 15, 40))
        event.dimensions["region"] = self.dice.choice(REGIONS) if region is None else region
        if self._chance(0.4):
            event.dimensions["coupon"] = self.dice.choice((*CODES, "GIFT"))
        if self._chance(0.02):
            event.meter = "unheard-of"
        if self._chance(0.02):
            event.source = "early"
        self._arrives(event)

    def _session(self, start_ms: int | None = None, region: str | None = None) -> None:
        start_ms = self._instant() if start_ms is None else start_ms
        length_ms = self.dice.choice((0, 20 * SECOND_MS, 3 * MINUTE_MS, 30 * MINUTE_MS))
        session_id, customer = f"s{self.dice.randrange(9)}", self._customer()
        region = self.dice.choice(REGIONS) if region is None else region
        for phase, at_ms in ((1, start_ms), (3, start_ms + length_ms)):
            event = self._event("talk", at_ms)
            event.customer_id = customer
            event.session.session_id, event.session.phase = session_id, phase  # type: ignore[assignment]
            event.dimensions["region"] = region
            if self._chance(0.3):
                event.dimensions["coupon"] = self.dice.choice(CODES)
            if self._chance(0.9):
                self._arrives(event)

    def _retraction(self) -> None:
        if not self.found:
            return
        sessions = [one for one in self.found if one[1].meter == "talk"]
        arrival_ms, target = self.dice.choice(sessions if sessions and self._chance(0.3) else self.found)
        event = self._event("", arrival_ms + self.dice.choice((-MINUTE_MS, 0, 5 * MINUTE_MS)))
        event.customer_id, event.retraction.event_id = target.customer_id, target.event_id
        self._arrives(event)

    def _again(self) -> None:
        """Deliver something once more, at times with another payload."""
        if not self.found:
            return
        arrival_ms, original = self.dice.choice(self.found)
        event = usage_pb2.UsageEvent.FromString(original.SerializeToString())
        if self._chance(0.2):
            event.event_time_ms += 1
        self.found.append((arrival_ms + self._delay_ms(), event))

    def _end(self) -> None:
        """Leave windows and cycles open, or let time pass."""
        last_ms = max((arrival_ms for arrival_ms, _ in self.found), default=self.base_ms)
        jump_ms = self.dice.choice((0, 0, MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 60 * 24 * HOUR_MS))
        if self._chance(0.7):
            self.found += [(last_ms + 1, self._heartbeat(last_ms + jump_ms)) for _ in HOMES]

    def _delivered(self) -> dict[int, list[LogRecord]]:
        partitions: dict[int, list[LogRecord]] = {0: [], 1: []}
        heartbeats = 0
        for _, event in sorted(self.found, key=lambda one: one[0]):
            number, key = HOMES.get(event.customer_id, 0), event.customer_id.encode()
            if event.HasField("heartbeat"):
                number, key = heartbeats % 2, b""
                heartbeats += 1
            stamp_ms = event.event_time_ms - HOUR_MS if event.source == "early" else 1 << 41
            log = partitions[number]
            log.append(LogRecord(len(log), stamp_ms, key or None, event.SerializeToString()))
        return partitions

    def _event(self, meter: str, at_ms: int) -> usage_pb2.UsageEvent:
        event_id = f"e{len(self.found)}"
        return usage_pb2.UsageEvent(event_id=event_id, customer_id=self._customer(), meter=meter, event_time_ms=at_ms)

    def _heartbeat(self, at_ms: int) -> usage_pb2.UsageEvent:
        beat: Any = {"heartbeat": {}, "event_time_ms": at_ms}
        return usage_pb2.UsageEvent(**beat)

    def _arrives(self, event: usage_pb2.UsageEvent) -> None:
        self.found.append((event.event_time_ms + self._delay_ms(), event))

    def _delay_ms(self) -> int:
        if self._chance(0.7):
            return self.dice.choice((0, 0, SECOND_MS, 20 * SECOND_MS))
        return self.dice.choice((MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, 5 * HOUR_MS))

    def _instant(self) -> int:
        return self.base_ms + self.dice.randrange(40 * 6) * 10 * SECOND_MS

    def _customer(self) -> str:
        return self.usual if self._chance(0.7) else self.dice.choice(CUSTOMERS)

    def _chance(self, share: float) -> bool:
        return self.dice.random() < share
