"""The demo while traffic runs: feeds, keys and the picture, until time, `q` or Ctrl-C ends it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import redis
from rich.console import Console
from rich.live import Live

from tollgate.balance_watch import BalanceWatch, live_sequences
from tollgate.context import Context
from tollgate.demo.balance_feeds import BalanceFeed, LatencyFeed
from tollgate.demo.faults import Faults, Seen
from tollgate.demo.feeds import Feeds
from tollgate.demo.figures import Figures
from tollgate.demo.flink_feed import FlinkFeed
from tollgate.demo.generator import Generator
from tollgate.demo.keys import Keyboard, keyboard
from tollgate.demo.log_feeds import LagFeed, LetterFeed, RecordFeed, SurgeFeed
from tollgate.demo.sightings import Sightings
from tollgate.demo.summary import plain_line
from tollgate.demo.view import view
from tollgate.traffic import Traffic

LEAST_RATE, MOST_RATE = 100, 20_000
LOAD_STEP = 1.5
TICK_SECONDS = 0.5
LINE_SECONDS = 5.0
_WATCH_SECONDS = 300.0
_REDIS_SECONDS = 1.0


def show(context: Context, traffic: Traffic, figures: Figures, seconds: float) -> list[str]:
    """Run traffic and view for `seconds` (0: until told to end); returns what was recovered from."""
    bootstrap, partitions = context.bootstrap_servers, context.settings.partitions
    sightings = Sightings()
    watch = BalanceWatch(live_sequences(_client(context)), give_up_seconds=_WATCH_SECONDS)
    records = RecordFeed(bootstrap, partitions, figures, sightings, watch)
    lag = LagFeed(bootstrap, partitions, figures, records.book)
    latency = LatencyFeed(watch, figures)
    balances = BalanceFeed(_client(context), records.book, figures)
    generator = Generator(bootstrap, partitions, traffic, figures, sightings)
    seen = Seen(lag.ends, lambda: records.book.rated_through, lambda: latency.newest_sent, balances.all_there)
    faults = Faults(context, figures, seen)
    feeds = Feeds([records, lag, LetterFeed(bootstrap, partitions, figures), latency, balances,
                   SurgeFeed(bootstrap, partitions, figures), FlinkFeed(context, figures), generator])  # fmt: skip
    with _until_interrupted(), _quiet(context, figures), feeds:
        try:
            _loop(context.progress, figures, feeds, faults, seconds)
        finally:
            faults.over = True  # what was killed is still replaced, but nobody waits for more
    feeds.check()
    return faults.recoveries


def _client(context: Context) -> Any:
    timeout = _REDIS_SECONDS
    return redis.Redis.from_url(
        context.redis_url, decode_responses=True, protocol=2, socket_timeout=timeout, socket_connect_timeout=timeout
    )


@contextmanager
def _until_interrupted() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        return  # Ctrl-C ends the traffic; what was sent is still billed and verified


@contextmanager
def _quiet(context: Context, figures: Figures) -> Iterator[None]:
    """Show what the stack reports as notes: lines in between would tear the picture."""
    stack, before = context.stack, context.stack.report
    stack.report = (lambda _: None) if context.progress.is_terminal else figures.note
    try:
        yield
    finally:
        stack.report = before


def _loop(console: Console, figures: Figures, feeds: Feeds, faults: Faults, seconds: float) -> None:
    with ExitStack() as stack:
        live, keys = None, None
        if console.is_terminal:
            keys = stack.enter_context(found) if (found := keyboard()) else None
            live = stack.enter_context(Live(console=console, screen=True, auto_refresh=False))
        line_due = LINE_SECONDS
        while not seconds or figures.elapsed(time.monotonic()) < seconds:
            feeds.check()
            if _act(_wait(keys), figures, feeds, faults):
                return
            now = time.monotonic()
            figures.tick(now)
            if live is not None:
                size = console.size
                live.update(view(figures, now, size.width, size.height, keys=keys is not None), refresh=True)
            elif figures.elapsed(now) >= line_due:
                line_due += LINE_SECONDS
                console.print(plain_line(figures, now), markup=False, soft_wrap=True)


def _wait(keys: Keyboard | None) -> list[str]:
    if keys is not None:
        return keys.actions(TICK_SECONDS)
    time.sleep(TICK_SECONDS)
    return []


def _act(actions: list[str], figures: Figures, feeds: Feeds, faults: Faults) -> bool:
    """Do what keys ask for; returns whether to end."""
    for action in actions:
        if action == "quit":
            return True
        if action in ("more", "less"):
            figures.wanted_rate = changed_rate(figures.wanted_rate, action)
            figures.note(f"load set to {figures.wanted_rate:,} events/s")
        else:
            fault = faults.kill_task_manager if action == "kill" else faults.kill_redis
            feeds.start(fault, action)
    return False


def changed_rate(rate: int, action: str) -> int:
    """Return the rate after one key."""
    wanted = rate * LOAD_STEP if action == "more" else rate / LOAD_STEP
    return min(max(round(wanted), LEAST_RATE), MOST_RATE)
