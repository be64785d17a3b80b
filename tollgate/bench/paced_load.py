"""A load at a rate, in a process of its own: BOOTSTRAP RATE SECONDS CUSTOMERS START_MS [BEGUN].

With BEGUN, a time of the machine's monotonic clock, it is the load of `pricing_load`, in real time from then on.
"""

import sys
import time
from collections.abc import Iterator

from tollgate.bench.load import load_events, load_producer, produce_one
from tollgate.bench.pricing_load import live_pricing_events

SLICE_SECONDS = 0.01
LIVE_RUSH_MS = 10_000


def produce_paced(
    bootstrap: str, rate: int, seconds: float, source: Iterator[tuple[int, str, bytes]], begun: float
) -> None:
    """Write `rate` events a second, spread evenly, from the monotonic time `begun` until the time is over."""
    producer = load_producer(bootstrap, linger_ms=5)
    time.sleep(max(0.0, begun - time.monotonic()))
    sent = 0
    while (elapsed := time.monotonic() - begun) < seconds:
        for _ in range(int(elapsed * rate) - sent):
            time_ms, key, value = next(source)
            produce_one(producer, key, value, time_ms)
            sent += 1
        producer.poll(0)
        time.sleep(SLICE_SECONDS)
    producer.flush()


def main(bootstrap: str, *numbers: str) -> None:
    """Read the numbers, and write."""
    rate, seconds, customers, start_ms, *begun_at = numbers
    first_ms, begun = int(start_ms), float(begun_at[0]) if begun_at else time.monotonic()
    plain = load_events(int(customers), first_ms, seed=first_ms)
    source = live_pricing_events(int(customers), first_ms, begun, LIVE_RUSH_MS) if begun_at else plain
    produce_paced(bootstrap, int(rate), float(seconds), source, begun)


if __name__ == "__main__":
    main(*sys.argv[1:])
