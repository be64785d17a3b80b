"""Seeded, realistic usage traffic: the same seed gives the same events."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

from wire.v1 import usage_pb2

DAY_MS = 86_400_000

_METERS = (("sms.outbound", 40, 60), ("api.calls", 400, 25), ("mms.outbound", 5, 10), ("data.transfer", 500_000_000, 5))
"""(meter, the largest quantity, how often of 100)."""

SESSION_METER = "voice"
"""What calls are counted by, where the traffic has any."""

_REGIONS = ("eu-west", "eu-north", "us-east", "us-west", "ap-south")


class Sample(NamedTuple):
    """One record to produce."""

    key: bytes
    value: bytes
    event_time_ms: int


@dataclass(frozen=True, slots=True)
class Shares:
    """What part of the traffic is odd, in events of 1000."""

    duplicates: int = 10
    out_of_order: int = 50
    last_cycle: int = 2
    bad: int = 3
    retractions: int = 0
    sessions: int = 0


class Rush(NamedTuple):
    """Times when all use of a meter comes from one region: the first `lasts_ms`, after `begins_ms`, of each period."""

    meter: str
    region: str
    period_ms: int
    begins_ms: int
    lasts_ms: int

    def holds(self, elapsed_ms: int) -> bool:
        """Tell whether there is one, so long after the first event."""
        return self.begins_ms <= elapsed_ms % self.period_ms < self.begins_ms + self.lasts_ms


class Traffic:
    """Endless traffic of `customers` customers, a few of whom send most (Zipf).

    `run` goes into every event id, so that two runs of one seed are different events.
    """

    def __init__(
        self, seed: int, customers: int, run: str, shares: Shares | None = None, rush: Rush | None = None
    ) -> None:
        self._random = Random(seed)  # noqa: S311 - reproducible traffic, no secret
        self.customers = [f"cust-{number:06d}" for number in range(customers)]
        self._weights = list(accumulate(1 / (rank + 10) for rank in range(customers)))
        self._meters = list(accumulate(often for _, _, often in _METERS))
        self._run = run
        self._shares = shares or Shares()
        self._rush = rush
        self._begun_ms: int | None = None
        self._count = 0
        self._recent: list[Sample] = []
        self._calls: list[tuple[str, str]] = []

    def take(self, count: int, now_ms: int) -> Iterator[Sample]:
        """Yield `count` samples of about the time `now_ms` (epoch ms)."""
        if self._begun_ms is None:
            self._begun_ms = now_ms
        for _ in range(count):
            yield self._next(now_ms)

    def _next(self, now_ms: int) -> Sample:
        dice = self._random.randrange(1000)
        shares = self._shares
        if dice < shares.duplicates:
            return self._random.choice(self._recent) if self._recent else self._sample(now_ms)
        dice -= shares.duplicates
        if dice < shares.bad:
            return self._bad(now_ms)
        dice -= shares.bad
        if dice < shares.last_cycle:
            return self._sample(now_ms - 26 * DAY_MS)
        dice -= shares.last_cycle
        if dice < shares.retractions and self._recent:
            return self._retraction(now_ms)
        dice -= shares.retractions
        if 0 <= dice < shares.sessions:
            return self._phase(now_ms)
        behind_ms = self._random.randrange(60_000) if dice < shares.out_of_order else 0
        sample = self._sample(now_ms - behind_ms)
        self._recent.append(sample)
        del self._recent[:-200]
        return sample

    def _sample(self, event_time_ms: int) -> Sample:
        customer = self._random.choices(self.customers, cum_weights=self._weights)[0]
        meter, largest, _ = self._random.choices(_METERS, cum_weights=self._meters)[0]
        region = self._random.choice(_REGIONS)
        if (
            self._rush is not None
            and meter == self._rush.meter
            and self._rush.holds(event_time_ms - (self._begun_ms or 0))
        ):
            region = self._rush.region
        self._count += 1
        event = usage_pb2.UsageEvent(
            event_id=f"{self._run}-{self._count:08d}",
            customer_id=customer,
            meter=meter,
            quantity=self._random.randint(1, largest),
            event_time_ms=event_time_ms,
            dimensions={"region": region},
            source="traffic",
        )
        return Sample(customer.encode(), event.SerializeToString(), event_time_ms)

    def _retraction(self, now_ms: int) -> Sample:
        """Return a retraction of a recent event, which may have been taken back before."""
        taken_back = usage_pb2.UsageEvent.FromString(self._random.choice(self._recent).value)
        retraction = usage_pb2.Retraction(event_id=taken_back.event_id, reason="traffic")
        return self._other(taken_back.customer_id, "", now_ms, retraction=retraction)

    def _phase(self, now_ms: int) -> Sample:
        """Return a START, or the STOP of a call that was started; one in ten never ends."""
        if self._calls and self._random.randrange(2):
            customer, session_id = self._calls.pop(self._random.randrange(len(self._calls)))
            stop = usage_pb2.SessionEvent(session_id=session_id, phase=usage_pb2.SessionEvent.STOP)
            return self._other(customer, SESSION_METER, now_ms, session=stop)
        customer = self._random.choices(self.customers, cum_weights=self._weights)[0]
        session_id = f"{self._run}-call-{self._count:08d}"
        if self._random.randrange(10):
            self._calls.append((customer, session_id))
        start = usage_pb2.SessionEvent(session_id=session_id, phase=usage_pb2.SessionEvent.START)
        return self._other(customer, SESSION_METER, now_ms, session=start)

    def _other(self, customer: str, meter: str, now_ms: int, **measure: Any) -> Sample:
        self._count += 1
        event = usage_pb2.UsageEvent(
            event_id=f"{self._run}-{self._count:08d}", customer_id=customer, meter=meter, event_time_ms=now_ms,
            source="traffic", **measure,
        )  # fmt: skip
        return Sample(customer.encode(), event.SerializeToString(), now_ms)

    def _bad(self, now_ms: int) -> Sample:
        """Return one of the mistakes that producers make."""
        kind = self._random.randrange(4)
        customer = self._random.choice(self.customers)
        if kind == 0:
            return Sample(customer.encode(), b"\xff not protobuf", now_ms)
        self._count += 1
        event = usage_pb2.UsageEvent(
            event_id=f"{self._run}-{self._count:08d}", customer_id=customer, meter="sms.outbound", quantity=1,
            event_time_ms=now_ms,
        )  # fmt: skip
        if kind == 1:
            event.quantity = -5
        elif kind == 2:
            event.meter = "sms.outbund"
        else:
            event.event_time_ms = now_ms - 90 * DAY_MS
        return Sample(customer.encode(), event.SerializeToString(), event.event_time_ms)
