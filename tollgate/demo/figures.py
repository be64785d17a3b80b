"""Everything that the view shows. Each field has one writer; readers take what is there."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple

from tollgate.demo.history import KEEP, Rate
from tollgate.percentiles import Percentiles, percentiles

RECENT_SECONDS = 10.0
NOTES_KEPT = 50


class BalanceRow(NamedTuple):
    """A customer's hash in Redis; `unsettled` counts the records that are live and not settled yet."""

    customer: str
    currency: str
    live_total: str
    settled_total: str
    unsettled: int


class Tier(NamedTuple):
    """A price that customers of a meter have come to, and how many of them."""

    meter: str
    unit_price: str
    customers: int


class Checkpoint(NamedTuple):
    """The newest completed checkpoint of the rating job; `completed_ms` in epoch ms."""

    number: int
    completed_ms: int
    bytes: int
    took_ms: int


class Worker(NamedTuple):
    """A TaskManager: the job that runs on it, empty while it has none."""

    name: str
    alive: bool
    job: str


class Note(NamedTuple):
    """Something that happened, `at` seconds after the beginning."""

    at: float
    text: str


@dataclass(slots=True)
class Figures:
    """What has been seen since the demo began."""

    begun: float = field(default_factory=time.monotonic)
    wanted_rate: int = 0
    sent: int = 0
    billed: int = 0
    lag: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    recent_ms: deque[tuple[float, float]] = field(default_factory=deque)
    dead_letters: Counter[str] = field(default_factory=Counter)
    tiers: list[Tier] = field(default_factory=list)
    promotions: dict[str, int] = field(default_factory=dict)
    balances: list[BalanceRow] = field(default_factory=list)
    redis_answers: bool = True
    kafka_answers: bool = True
    jobs: dict[str, str] = field(default_factory=dict)
    restarts: int = 0
    checkpoint: Checkpoint | None = None
    workers: list[Worker] = field(default_factory=list)
    notes: deque[Note] = field(default_factory=lambda: deque(maxlen=NOTES_KEPT))
    sent_rate: Rate = field(default_factory=Rate)
    billed_rate: Rate = field(default_factory=Rate)
    lag_history: deque[float] = field(default_factory=lambda: deque(maxlen=KEEP))
    latency_history: deque[float] = field(default_factory=lambda: deque(maxlen=KEEP))

    def elapsed(self, now: float) -> float:
        """Return the seconds since the beginning."""
        return now - self.begun

    def note(self, text: str) -> None:
        """Say what happened."""
        self.notes.append(Note(self.elapsed(time.monotonic()), text))

    def add_latency(self, now: float, milliseconds: float) -> None:
        """Note how long one event took from produce to its customer's live balance."""
        self.latencies_ms.append(milliseconds)
        self.recent_ms.append((now, milliseconds))

    def recent_latency(self, now: float) -> Percentiles:
        """Return the percentiles of the last seconds."""
        while self.recent_ms and now - self.recent_ms[0][0] > RECENT_SECONDS:
            self.recent_ms.popleft()
        return percentiles([milliseconds for _, milliseconds in self.recent_ms])

    def tick(self, now: float) -> None:
        """Add a point to every line."""
        self.sent_rate.look(now, self.sent)
        self.billed_rate.look(now, self.billed)
        self.lag_history.append(self.lag)
        self.latency_history.append(self.recent_latency(now).p50)
