"""A load for everything that reacts to usage: rushes, calls, coupons and retractions among plain events."""

import time
from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from tollgate.bench.load import DUPLICATE_EVERY, METERS, REGIONS, load_producer, produce_one
from wire.v1 import usage_pb2

PHASE_EVERY = 10
COUPON_EVERY = 100
RETRACTION_EVERY = 500
OPEN_CALLS = 1000
CODE = "SPRING"
RUSH_MS = 120_000
"""For so long, of twice that, all messages are of one region."""


class Loaded(NamedTuple):
    """One event; `records` is how many it adds to billing.records, those that it closes or takes back included."""

    customer: str
    value: bytes
    records: int


class PricingLoad:
    """Endless events of customers drawn evenly, one at a time; the same seed and times give the same events."""

    def __init__(self, customers: int, seed: int, rush_ms: int = RUSH_MS) -> None:
        self._random = Random(seed)  # noqa: S311 - reproducible load, no secret
        self._customers, self._rush_ms, self._index = customers, rush_ms, -1
        self._calls: deque[tuple[str, str]] = deque()
        self._last = Loaded("", b"", 0)
        self._last_id = ""

    def next(self, time_ms: int) -> Loaded:
        """Return the next event, of that event time."""
        self._index += 1
        index = self._index
        if index % DUPLICATE_EVERY == DUPLICATE_EVERY - 1:
            return self._last._replace(records=0)
        if index % RETRACTION_EVERY == RETRACTION_EVERY - 2:
            taken_back = usage_pb2.Retraction(event_id=self._last_id)
            return self._event(self._last.customer, time_ms, retraction=taken_back)
        if index % PHASE_EVERY == PHASE_EVERY - 1:
            return self._phase(time_ms)
        self._last = self._usage(index, time_ms)
        return self._last

    def _usage(self, index: int, time_ms: int) -> Loaded:
        meter = METERS[index & 3]
        rush = meter == METERS[0] and time_ms // self._rush_ms % 2
        dimensions = {"region": REGIONS[0 if rush else index % 3]}
        if index % COUPON_EVERY == 0:
            dimensions["coupon"] = CODE
        customer, quantity = self._customer(), self._random.randrange(1, 100)
        return self._event(customer, time_ms, meter=meter, quantity=quantity, dimensions=dimensions)

    def _phase(self, time_ms: int) -> Loaded:
        """Return the STOP of the oldest call where enough are open, else a START, which adds no record yet."""
        if len(self._calls) < OPEN_CALLS:
            customer, session_id, phase = self._customer(), f"call-{self._index}", usage_pb2.SessionEvent.START
            self._calls.append((customer, session_id))
        else:
            (customer, session_id), phase = self._calls.popleft(), usage_pb2.SessionEvent.STOP
        session = usage_pb2.SessionEvent(session_id=session_id, phase=phase)
        found = self._event(customer, time_ms, meter="voice", session=session)
        return found._replace(records=int(phase == usage_pb2.SessionEvent.STOP))

    def _customer(self) -> str:
        return f"cust-{self._random.randrange(self._customers):07d}"

    def _event(self, customer: str, time_ms: int, **fields: Any) -> Loaded:
        self._last_id = f"{self._random.getrandbits(128):032x}"
        event = usage_pb2.UsageEvent(event_id=self._last_id, customer_id=customer, event_time_ms=time_ms, **fields)
        return Loaded(customer, event.SerializeToString(), 1)


def produce_pricing_load(bootstrap: str, events: int, customers: int, start_ms: int, seed: int = 7) -> int:
    """Write events a millisecond apart before any clock is started; returns how many records they become."""
    producer = load_producer(bootstrap, linger_ms=20)
    load, records = PricingLoad(customers, seed), 0
    for index in range(events):
        customer, value, more = load.next(start_ms + index)
        produce_one(producer, customer, value, start_ms + index)
        records += more
        if index % 10_000 == 0:
            producer.poll(0)
    producer.flush()
    return records


def live_pricing_events(customers: int, start_ms: int, begun: float, rush_ms: int) -> Iterator[tuple[int, str, bytes]]:
    """Yield (event time, customer, event) for ever, where event time is `start_ms` at the monotonic time `begun`."""
    load = PricingLoad(customers, start_ms, rush_ms)
    while True:
        time_ms = start_ms + int((time.monotonic() - begun) * 1000)
        customer, value, _ = load.next(time_ms)
        yield time_ms, customer, value
