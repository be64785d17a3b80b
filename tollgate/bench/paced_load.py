"""A load at a rate, in a process of its own: BOOTSTRAP RATE SECONDS CUSTOMERS START_MS."""

import sys
import time

from tollgate.bench.load import load_events, load_producer, produce_one

SLICE_SECONDS = 0.01


def produce_paced(bootstrap: str, rate: int, seconds: float, customers: int, start_ms: int) -> None:
    """Write `rate` events a second, spread evenly, until the time is over."""
    producer = load_producer(bootstrap, linger_ms=5)
    source = load_events(customers, start_ms, seed=start_ms)
    begun = time.monotonic()
    sent = 0
    while (elapsed := time.monotonic() - begun) < seconds:
        for _ in range(int(elapsed * rate) - sent):
            time_ms, key, value = next(source)
            produce_one(producer, key, value, time_ms)
            sent += 1
        producer.poll(0)
        time.sleep(SLICE_SECONDS)
    producer.flush()


if __name__ == "__main__":
    produce_paced(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
