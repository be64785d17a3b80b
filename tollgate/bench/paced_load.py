"""A load at a rate, in a process of its own: BOOTSTRAP RATE SECONDS CUSTOMERS START_MS [BEGUN].

With BEGUN, a time of the machine's monotonic clock, it is the load of `pricing_load`, in real time from then on.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from tollgate.bench.load import load_events, load_producer, produce_one
from tollgate.bench.pricing_load import live_pricing_events
from tollgate.local.errors import StackError

SLICE_SECONDS = 0.02
LINGER_MS = 20
LIVE_RUSH_MS = 10_000
_READY = "ready"


@contextmanager
def paced_load(bootstrap: str, *numbers: float) -> Iterator[subprocess.Popen[str]]:
    """Run the load in a process of its own, which nobody's clock has to wait for: it has its events and begins now.

    Kills it in the end. Raises StackError where it has failed by then.
    """
    command = [sys.executable, "-m", __name__, bootstrap, *map(str, numbers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or process.stdout.readline().strip() != _READY:
                raise StackError("the load does not start", "see above")
            yield process
            failed = process.poll()
        finally:
            process.kill()
    if failed:
        raise StackError(f"the load ended with exit code {failed}", "see above")


def produce_paced(
    bootstrap: str, rate: int, seconds: float, source: Iterator[tuple[int, str, bytes]], begun: float
) -> None:
    """Write `rate` events a second, spread evenly, from the monotonic time `begun` until the time is over."""
    producer = load_producer(bootstrap, linger_ms=LINGER_MS)
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
    first_ms = int(start_ms)
    if begun_at:
        begun = float(begun_at[0])
        source = live_pricing_events(int(customers), first_ms, begun, LIVE_RUSH_MS)
    else:  # made before the clock starts, as making them would take processor time from what is measured
        events = load_events(int(customers), first_ms, seed=first_ms)
        source = iter(list(islice(events, int(int(rate) * float(seconds)) + 1)))
        begun = time.monotonic()
    sys.stdout.write(f"{_READY}\n")
    sys.stdout.flush()
    produce_paced(bootstrap, int(rate), float(seconds), source, begun)


if __name__ == "__main__":
    main(*sys.argv[1:])
