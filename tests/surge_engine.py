"""The counting, deciding and rating of the job without Flink, each stream read at a pace of its own.

Frames and watermarks reach the counter and the rating on two channels; what is decided reaches the
rating on a third, with a watermark of its own. Each channel keeps its order, and nothing else is kept.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count

from billing.catalog import PriceCatalog
from billing.surge.view import SurgeView
from tests.engine import Engine
from udfs.batched_state import DictStore
from udfs.demand_counter import DemandCounter
from udfs.surge_decider import SurgeDecider, outgoing
from wire.frames import FramedRecord, Tag, pack_incoming, unpack_outgoing
from wire.records import ReadSoFar
from wire.surge import take_rate

Frame = Sequence[FramedRecord]
READ = ReadSoFar(1)
COUNTS = ("counts", "seen", "windows")


@dataclass
class SurgeJob:
    """The three functions with their state and channels.

    `told` is what was written, by key, in order; `opened` what was said of sessions that run.
    """

    prices: PriceCatalog
    to_counter: deque[Frame | int] = field(default_factory=deque)
    to_rating: deque[Frame | int] = field(default_factory=deque)
    of_decider: deque[bytes | int] = field(default_factory=deque)
    told: dict[bytes | None, list[tuple[Tag, bytes]]] = field(default_factory=lambda: defaultdict(list))
    opened: list[bytes] = field(default_factory=list)
    decided: list[bytes] = field(default_factory=list)
    patient: bool = True
    watermarks: list[int] = field(default_factory=lambda: [0, 0])

    def __post_init__(self) -> None:
        self.engine = Engine(self.prices)
        self.rater = self.engine.rater
        self.counts = {name: DictStore() for name in COUNTS}
        self.window_ends: list[int] = []
        self.counter = DemandCounter(**self.counts, register_timer=self.window_ends.append)
        self.decider = SurgeDecider({}, {})
        self.view = SurgeView()
        self.restore()

    def send(self, stream: Iterable[Frame | int]) -> None:
        """Put frames and watermarks on both of the log's channels."""
        for one in stream:
            self.to_counter.append(one)
            self.to_rating.append(one)

    @property
    def open_channels(self) -> list[str]:
        """The channels that hold something."""
        return [name for name in ("to_counter", "to_rating", "of_decider") if getattr(self, name)]

    def move(self, channel: str) -> None:
        """Take the next thing off a channel."""
        if channel == "to_counter":
            self._count(self.to_counter.popleft())
        elif channel == "to_rating":
            self._rate(self.to_rating.popleft())
        else:
            self._learn(self.of_decider.popleft())

    def run(self) -> "SurgeJob":
        """Read all channels to their ends, the counter first, then what it decides, then the rating."""
        while channels := self.open_channels:
            self.move(min(channels, key=("to_counter", "of_decider", "to_rating").index))
        return self

    def give_up(self) -> None:
        """Let patience be over: rate all that waits."""
        self.patient = False
        self._write(self.rater.release(1 << 62, self.prices, READ))

    def restore(self) -> None:
        """Make the functions anew over the same state, as after a restore."""
        self.rater = self.engine.fresh_rater()
        self.rater.surge, self.rater.patient = self.view, lambda: self.patient

    def waits(self) -> bool:
        return self.rater.held.next_ms() < 1 << 62

    def _count(self, one: Frame | int) -> None:
        if not isinstance(one, int):
            self.counter.add(self.counter.arrivals(pack_incoming(iter(one)), self.prices))
            return
        for demand in self.counter.close(one):
            self.decider.add(demand)
        frame = outgoing(self.decider.advance(one, self.prices, 1))
        if frame:
            self.decided += [value for tag, _, value, _ in unpack_outgoing(frame) if tag is Tag.SURGE]
            self.of_decider.append(frame)
        self.of_decider.append(one)

    def _rate(self, one: Frame | int) -> None:
        if isinstance(one, int):
            self._reach(0, one)
        else:
            self._write(self.rater.rate(pack_incoming(iter(one)), self.prices, READ))

    def _learn(self, one: bytes | int) -> None:
        if isinstance(one, int):
            self._reach(1, one)
            return
        for tag, _, value, _ in unpack_outgoing(one):
            if tag is Tag.SURGE:
                take_rate(value, self.view.rates)

    def _reach(self, side: int, watermark_ms: int) -> None:
        """Fire the timers up to the lesser of the two watermarks, the earliest first, each once."""
        self.watermarks[side] = watermark_ms
        fired: set[int] = set()
        for _ in count():
            due = {one for one in self.engine.timers if one <= min(self.watermarks)} - fired
            if not due:
                break
            self._write(self.rater.fire(min(due), self.prices, READ))
            fired.add(min(due))
        self.engine.timers[:] = [one for one in self.engine.timers if one > min(self.watermarks)]

    def _write(self, frame: bytes) -> None:
        for tag, key, value, _ in unpack_outgoing(frame):
            if tag is Tag.OPEN_SESSIONS:  # once a frame: how often is no fact of the log
                self.opened.append(value)
            else:
                self.told[key].append((tag, value))
