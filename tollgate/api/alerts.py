"""Alerts as they are committed: one reader of billing.alerts for all who listen.

An event's id says how far the listener has come in each partition (`0:12,1:7`: the offsets read next), so that one
who was cut off goes on from there without a gap. A listener who does not keep up is cut off, and comes back so.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple

from kafka import TopicPartition

from flink_jobs.topics import ALERTS
from tollgate.api.problems import Problem, invalid
from tollgate.context import Context, as_dict
from tollgate.kafka_log import KafkaLog, LogRecord
from tollgate.local.errors import StackError
from wire.v1 import billing_pb2

QUEUE_MAX = 1000
"""Alerts that may wait for a listener."""
STREAMS_MAX = 50
"""Streams of one key at once."""
RETRY_SECONDS = 2.0
KEEPALIVE_SECONDS = 15.0

Position = dict[int, int]
"""The offset that is read next, by partition."""


class Listener(NamedTuple):
    """Who listens: which customers, and what has come for it."""

    reaches: Callable[[str], bool]
    queue: asyncio.Queue[LogRecord | None]
    owner: str


class AlertHub:
    """Hands what the reader has read to those who listen. For one event loop."""

    def __init__(self) -> None:
        self._by_number: dict[int, Listener] = {}
        self._next = 0

    def join(self, reaches: Callable[[str], bool], owner: str = "") -> tuple[int, Listener]:
        """Begin to listen. Raises Problem (429) where an owner does so too often: connections are for all."""
        if sum(one.owner == owner for one in self._by_number.values()) >= STREAMS_MAX:
            cause = f"this key listens {STREAMS_MAX} times already"
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, cause, "end a stream of alerts first", {"Retry-After": "15"})
        self._next += 1
        self._by_number[self._next] = Listener(reaches, asyncio.Queue(), owner)
        return self._next, self._by_number[self._next]

    def leave(self, number: int) -> None:
        """Listen no longer."""
        self._by_number.pop(number, None)

    def publish(self, records: Iterable[LogRecord]) -> None:
        """Hand records on; a listener whose queue is full is told to go."""
        for one in records:
            customer = (one.key or b"").decode(errors="replace")
            for number, listener in list(self._by_number.items()):
                if not listener.reaches(customer):
                    continue
                if listener.queue.qsize() >= QUEUE_MAX:
                    self.leave(number)
                    dismiss(listener)
                else:
                    listener.queue.put_nowait(one)

    def end(self) -> None:
        """Tell all who listen to go: the server ends."""
        for number, listener in list(self._by_number.items()):
            self.leave(number)
            dismiss(listener)


def dismiss(listener: Listener) -> None:
    """Tell a listener to go, after all that is in its queue: were one left out, the ids of others would hide that."""
    listener.queue.put_nowait(None)


class AlertReader(threading.Thread):
    """Reads what is committed to billing.alerts from now on, and goes on by itself when Kafka was away."""

    def __init__(self, make: Callable[[], Context], hand_on: Callable[[list[LogRecord]], None]) -> None:
        super().__init__(name="alerts", daemon=True)
        self._make = make
        self._hand_on = hand_on
        self._ended = threading.Event()
        self._position: dict[TopicPartition, int] = {}

    @property
    def knows_where_it_began(self) -> bool:
        """Tell whether what comes from now on is heard; before, a listener could miss some."""
        return bool(self._position)

    def run(self) -> None:
        """Read until the end."""
        context: Context | None = None
        while not self._ended.is_set():
            try:
                context = context or self._make()
                self._read(context.log)
            except (StackError, OSError):  # Kafka is away, or a file with its password
                if context is not None:
                    context.reconnect()
            self._ended.wait(RETRY_SECONDS)

    def _read(self, log: KafkaLog) -> None:
        self._position = self._position or log.ends(ALERTS, committed=True)
        for batch in log.follow(self._position):
            for one in batch:
                self._position[TopicPartition(ALERTS, one.partition)] = one.offset + 1
            if batch:
                self._hand_on(batch)
            if self._ended.is_set():
                return

    def end(self) -> None:
        """Let the thread end."""
        self._ended.set()


def parse_position(text: str) -> Position:
    """Return what an event's id says; empty for no text. Raises Problem for another text."""
    try:
        pairs = [part.split(":") for part in text.split(",")] if text else []
        found = {int(partition): int(offset) for partition, offset in pairs}
    except ValueError as error:
        raise invalid("Last-Event-ID is no position", "send the id of the last event that came") from error
    if any(number < 0 or offset < 0 or offset >= 1 << 62 for number, offset in found.items()):
        raise invalid("Last-Event-ID is no position", "send the id of the last event that came")
    return found


def format_position(position: Mapping[int, int]) -> str:
    """Return a position as an event's id."""
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(position.items()))


def past(
    context: Context, reaches: Callable[[str], bool], after: Position, recent: int
) -> tuple[Position, list[LogRecord]]:
    """Return where the topic ends now, and what a listener missed: all after a position, else the last few."""
    ends = {part.partition: end for part, end in context.log.ends(ALERTS, committed=True).items()}
    if not after and not recent:
        return ends, []
    start = {TopicPartition(ALERTS, number): after.get(number, 0) for number in ends}
    found = [one for one in context.log.read(ALERTS, start=start) if reaches((one.key or b"").decode(errors="replace"))]
    found = [one for one in found if one.offset < ends.get(one.partition, 0)]
    if after:
        return ends, sorted(found, key=lambda one: (one.partition, one.offset))
    return ends, sorted(found, key=lambda one: one.timestamp_ms)[-recent:]


async def stream(
    hub: AlertHub,
    listener: tuple[int, Listener],
    begun: tuple[Position, list[LogRecord]],
    still_admitted: Callable[[], bool],
    keepalive_seconds: float = KEEPALIVE_SECONDS,
) -> AsyncIterator[bytes]:
    """Yield server-sent events: what was missed, then what comes, and a comment where nothing does."""
    number, (_, queue, _) = listener
    ends, missed = begun
    position = {
        part: min([end, *(one.offset for one in missed if one.partition == part)]) for part, end in ends.items()
    }
    try:
        yield _connected(position)
        for one in missed:
            yield _event(one, position)
        position.update(ends)
        while True:
            try:
                async with asyncio.timeout(keepalive_seconds):
                    coming = await queue.get()
            except TimeoutError:
                if not still_admitted():
                    return
                yield b": nothing new\n\n"
                continue
            if coming is None or not still_admitted():
                return
            if coming.offset >= position.get(coming.partition, 0):
                yield _event(coming, position)
    finally:
        with suppress(RuntimeError):
            hub.leave(number)


def _connected(position: Position) -> bytes:
    """Return what tells a listener where it begins: it may be cut off before an event does."""
    begun = f"id: {format_position(position)}\n" if position else ""
    return f": connected\n{begun}\n".encode()


def _event(one: LogRecord, position: Position) -> bytes:
    position[one.partition] = max(one.offset + 1, position.get(one.partition, 0))
    data = json.dumps(as_dict(billing_pb2.Alert.FromString(one.value)), ensure_ascii=False)
    return f"id: {format_position(position)}\nevent: alert\ndata: {data}\n\n".encode()
