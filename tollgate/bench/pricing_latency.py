"""How soon what reacts to usage is told: alerts after their event, surge factors after their window, seen from outside.

Event time passes as time does, so that it is known when each window closes. Both topics are read uncommitted.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Message

from flink_jobs.topics import ALERTS, SURGE
from tollgate.bench.latency import (
    GRACE_SECONDS,
    PROBES_PER_SECOND,
    WARM_UP_SECONDS,
    Prober,
    Reader,
    beside,
    paced_probes,
    running_load,
)
from tollgate.bench.pricing_load import CODE
from tollgate.context import Context
from tollgate.percentiles import Percentiles, percentiles
from wire.v1 import pricing_pb2

WINDOW_SECONDS = 1
"""Of the surge rule while latency is measured: many decisions in a minute."""

LEAD_SECONDS = 10
"""Its lead: enough that nothing waits for a factor, as in a book whose lead is a minute."""

_START_UP_SECONDS = 2.0


class PricingLatency(NamedTuple):
    """Milliseconds: from produce to the alert, and from a window's close to the factor that it decides."""

    events_per_second: float
    seconds: float
    alert: Percentiles
    surge: Percentiles
    lost_alerts: int


def measure_pricing_latency(
    context: Context, rate: int, seconds: float, customers: int, start_ms: int
) -> PricingLatency:
    """Load the jobs at `rate` events a second with everything on; `start_ms` is the first event's time.

    Each probe is a customer of its own, whose one event redeems a coupon: an alert of its own.
    """
    bootstrap, partitions = context.bootstrap_servers, context.settings.partitions
    alerts = Reader(bootstrap, ALERTS, partitions, _customer_of)
    rates = Reader(bootstrap, SURGE, partitions, _interval_of)
    prober = Prober(bootstrap, f"{start_ms:x}")
    whole_seconds = WARM_UP_SECONDS + seconds
    probes = int(whole_seconds * PROBES_PER_SECOND)
    sent: dict[str, float] = {}
    with beside(alerts.run, rates.run):
        begun = time.monotonic() + _START_UP_SECONDS
        with running_load(bootstrap, rate, whole_seconds, customers, start_ms, begun):
            for number, elapsed in paced_probes(begun, whole_seconds):
                customer, _, at = prober.send(number, start_ms + int(elapsed * 1000), probes, coupon=CODE)
                sent[customer] = at
            prober.flush()
        _await_all(alerts, len(sent))
    counted = {customer: at for customer, at in sent.items() if at >= begun + WARM_UP_SECONDS}
    found = [(alerts.seen[one] - at) * 1000 for one, at in counted.items() if one in alerts.seen]
    decided = decision_ms(rates.seen, begun - start_ms / 1000)
    return PricingLatency(
        events_per_second=rate + PROBES_PER_SECOND,
        seconds=seconds,
        alert=percentiles(found),
        surge=percentiles([late_ms for elapsed, late_ms in decided if elapsed - begun >= WARM_UP_SECONDS]),
        lost_alerts=len(counted) - len(found),
    )


def decision_ms(seen: Mapping[str, float], zero: float) -> list[tuple[float, float]]:
    """Return of each factor when its window closed (monotonic seconds), and how many ms later it was seen.

    `seen` are the monotonic times by names of `_interval_of`; `zero` is that of event time 0.
    """
    found = []
    for name, at in seen.items():
        closed = zero + int(name.split("@")[0]) / 1000 - LEAD_SECONDS  # which lies between them
        found.append((closed, (at - closed) * 1000))
    return found


def _customer_of(message: Message) -> str:
    """Return the customer of a probe's alert."""
    customer = (message.key() or b"").decode()
    return customer if customer.startswith("probe-") else ""


def _interval_of(message: Message) -> str:
    """Return the start of a factor's interval and what it is for; "" for marks, and for those of longer windows."""
    rate = pricing_pb2.SurgeRate.FromString(message.value())
    if not rate.dimension_value or rate.interval_to_ms - rate.interval_from_ms != WINDOW_SECONDS * 1000:
        return ""
    return f"{rate.interval_from_ms}@{rate.meter}/{rate.dimension_value}"


def _await_all(alerts: Reader, expected: int) -> None:
    deadline = time.monotonic() + GRACE_SECONDS
    while len(alerts.seen) < expected and time.monotonic() < deadline:
        time.sleep(0.1)
