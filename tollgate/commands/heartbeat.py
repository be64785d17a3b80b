"""`heartbeat`: keeps event time moving in every partition, for gateways that send none."""

import time
from typing import Annotated

import typer

from tollgate.commands.produce import send_heartbeats
from tollgate.context import Context


def heartbeat(
    interval: Annotated[float, typer.Option(min=0.05, help="Seconds between heartbeats.")] = 1.0,
    count: Annotated[int, typer.Option(min=0, help="End after so many rounds; 0: go on until Ctrl-C.")] = 0,
) -> None:
    """Write a heartbeat of the current time to every partition at an interval."""
    context = Context()
    rounds = 0
    with context.log.producer(linger_ms=0) as producer:
        while not count or rounds < count:
            now_ms = time.time_ns() // 1_000_000
            send_heartbeats(context.log, producer, now_ms, timestamp_ms=None)
            producer.flush()
            rounds += 1
            if not count or rounds < count:
                time.sleep(interval)
    context.report(f"{rounds} rounds of heartbeats written")
