"""A toy Flink: one subtask, keys with state and timers of both kinds, and a clock that tests move."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from pyflink.datastream import TimeDomain

from udfs.shards import FlinkShards
from wire.frames import pack_bundle

NEVER_MS = -(1 << 63)


@dataclass
class Keyed:
    """What Flink keeps of one key: state, and timers by (event time?, time)."""

    stores: list[Any]
    timers: set[tuple[bool, int]] = field(default_factory=set)


@dataclass
class ToyFlink:
    """One subtask. `made` makes the function that it runs, `seconds` goes on as tests say."""

    keys: dict[str, Keyed]
    made: Callable[[], Any]
    watermark_ms: int = NEVER_MS
    seconds: float = 1000.0
    key: str = ""
    by_event_time: bool = True
    out: list[bytes] = field(default_factory=list)
    stretches: list[float] = field(default_factory=list)
    held: int = 0
    noted_ms: list[int] = field(default_factory=list)

    def opened(self) -> Any:
        """Return the function as after a start or a restore."""
        self.watermark_ms = NEVER_MS
        function = self.made()
        task = SimpleNamespace(getTaskInfo=lambda: SimpleNamespace(getIndexOfThisSubtask=lambda: 0))
        metrics = SimpleNamespace(get_map_state=lambda one: one, get_metrics_group=lambda: self, _runtime_context=task)
        function.open(metrics)
        return function

    def store(self, nth: int, shards: "ToyShards") -> "CurrentStore":
        """Return the nth store of whatever key is current."""
        return CurrentStore(lambda: self.keys[self.key].stores[nth], shards)

    def counter(self, _: str) -> Any:
        return SimpleNamespace(inc=lambda *_: None)

    def add_group(self, *_: str) -> "ToyFlink":
        return self

    def note(self, record_timestamp_ms: int) -> None:
        self.noted_ms.append(record_timestamp_ms)

    def set(self, held: int) -> None:
        self.held = held

    # what a context of Flink offers
    def timer_service(self) -> "ToyFlink":
        return self

    def current_watermark(self) -> int:
        return self.watermark_ms

    def current_processing_time(self) -> int:
        return int(self.seconds * 1000)

    def get_current_key(self) -> str:
        return self.key

    def time_domain(self) -> Any:
        return TimeDomain.EVENT_TIME if self.by_event_time else TimeDomain.PROCESSING_TIME

    def register_event_time_timer(self, time_ms: int) -> None:
        self.keys[self.key].timers.add((True, time_ms))

    def register_processing_time_timer(self, time_ms: int) -> None:
        self.keys[self.key].timers.add((False, time_ms))

    # what Flink does
    def take(self, function: Any, shard: str, frame: bytes) -> None:
        self.key = shard
        self.out += function.process_element(frame, self)

    def take_all(self, function: Any, frames: Sequence[tuple[str, bytes]]) -> None:
        """Let the function have a bundle, under the key of its first shard."""
        self.key = frames[0][0]
        self.out += function.process_element(pack_bundle(frames), self)

    def select(self, shard: str) -> None:
        assert shard in self.keys
        self.key = shard

    def advance(self, function: Any, watermark_ms: int) -> None:
        """Fire all event-time timers that a watermark passes, those that are registered meanwhile included."""
        self.watermark_ms = watermark_ms
        self._fire(function, by_event_time=True, until_ms=watermark_ms)

    def rest(self, function: Any) -> None:
        """Let processing time come to the next timer, and fire those of that time."""
        due_ms = min(time_ms for one in self.keys.values() for event, time_ms in one.timers if not event)
        self.seconds = max(self.seconds, due_ms / 1000)
        self._fire(function, by_event_time=False, until_ms=due_ms)

    def _fire(self, function: Any, *, by_event_time: bool, until_ms: int) -> None:
        begun, self.by_event_time = self.seconds, by_event_time
        while due := min(self._due(until_ms), default=None):
            time_ms, self.key = due
            self.keys[self.key].timers.remove((by_event_time, time_ms))
            self.out += function.on_timer(time_ms, self)
        self.stretches.append(self.seconds - begun)

    def _due(self, until_ms: int) -> Iterator[tuple[int, str]]:
        for name, one in self.keys.items():
            yield from ((at, name) for event, at in one.timers if event == self.by_event_time and at <= until_ms)

    @property
    def waits(self) -> bool:
        return any(not event for one in self.keys.values() for event, _ in one.timers)


class ToyShards(FlinkShards):
    """The job's own, with a toy in the place of Flink: whatever can select a shard."""

    def __init__(self, flink: Any) -> None:
        self._batch, self.backend = SimpleNamespace(select=lambda toy, shard: toy.select(shard)), flink
        self.shard = self._selected = ""

    def register(self, timers: ToyFlink, due_ms: Mapping[str, Collection[int]]) -> None:
        for shard, times_ms in due_ms.items():
            timers.select(shard)
            for time_ms in times_ms:
                timers.register_event_time_timer(time_ms)
            self.selected(shard)


class CurrentStore:
    """A store of whatever key is current, as `FlinkStore` is one. `of_current` returns the present key's."""

    def __init__(self, of_current: Callable[[], Any], shards: ToyShards) -> None:
        self._of_current, self._shards = of_current, shards

    def __getattr__(self, name: str) -> Any:
        self._shards.select()
        return getattr(self._of_current(), name)

    def get_all_of(self, flink: Any, wanted: Sequence[tuple[str, Collection[bytes]]]) -> list[dict[bytes, bytes]]:
        found: list[dict[bytes, bytes]] = []
        for shard, keys in wanted:
            flink.select(shard)
            found.append(self._of_current().get_all(keys))
            self._shards.selected(shard)
        return found

    def put_all_of(self, flink: Any, changed: Mapping[str, Mapping[bytes, bytes | None]]) -> None:
        for shard, entries in changed.items():
            flink.select(shard)
            self._of_current().put_all(entries)
            self._shards.selected(shard)

    def add_all_of(self, flink: Any, added: Mapping[str, Collection[tuple[bytes, bytes]]]) -> None:
        for shard, entries in added.items():
            flink.select(shard)
            self._of_current().add(entries)
            self._shards.selected(shard)
