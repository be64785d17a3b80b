"""What the core remembers of events besides counters: their ids, sessions, and what waits for what.

The core knows it as a `Memory` alone. The job keeps it in RocksDB; `DictMemory` is for `verify`,
for loops without Flink, and for tests.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Protocol

from billing.catalog import TariffName
from billing.events import Charge, Seen, fingerprint_of, identity_of
from billing.outcomes import HeldEvent
from billing.state import NEVER_MS
from billing.tariffs import Reduction


class ClosedSession(NamedTuple):
    """What is kept of a session that was billed.

    `absorbs_until_ms` is the last clock at which an UPDATE of its time still belongs to it, -1 where
    none does. `record_id` is that of its record, `charge.retracted` whether it was taken back.
    """

    start_ms: int
    end_ms: int
    absorbs_until_ms: int
    record_id: str
    charge: Charge


@dataclass(slots=True)
class Session:
    """One session: the phases that wait for the rest, or what it came to.

    `tariff` prices it, from its START's arrival on, and `surge` is the factor of its START, None for 1.
    `scheduled_ms` is when it is next looked at; `awaited` says that a retraction waits for one of its phases.
    `interim_picos` is its part of what the customer's open sessions would cost, None where it has none
    (`billing.interim`).
    """

    session_id: str
    start: HeldEvent | None = None
    updates: list[HeldEvent] = field(default_factory=list)
    stop: HeldEvent | None = None
    tariff: TariffName | None = None
    surge: Reduction | None = None
    scheduled_ms: int = NEVER_MS
    awaited: bool = False
    closed: ClosedSession | None = None
    interim_picos: int | None = None

    def phases(self) -> list[HeldEvent]:
        """Return what waits: START, UPDATEs by (time, id), STOP."""
        ends = [self.start], self.updates, [self.stop]
        return [one for part in ends for one in part if one is not None]

    def deadline_ms(self) -> int:
        """Return the clock at which it ends without its STOP, or is given up without its START."""
        if self.start is not None:
            last = self.updates[-1] if self.updates else self.start
            last_ms = max(self.start.event.event_time_ms, last.event.event_time_ms)
            return last_ms + self.start.patience_ms + 1
        last = self.stop or self.updates[-1]
        return last.event.event_time_ms + last.patience_ms + 1


class DueKind(IntEnum):
    """What may be due; the numbers are in savepoints."""

    SESSION = 1
    RETRACTION = 2


class Due(NamedTuple):
    """Something of one customer to be looked at when the clock reaches a deadline.

    `key` is that of the session, or the identity of the event that retractions wait for.
    """

    deadline_ms: int
    kind: DueKind
    key: bytes


class Memory(Protocol):
    """Ids, sessions and retractions that wait, of the customers of one shard."""

    def seen(self, identity: bytes) -> Seen | None:
        """Return what is known of an event's identity."""

    def remember(self, identity: bytes, seen: Seen) -> None:
        """Remember it so."""

    def forget(self, identity: bytes) -> None:
        """Forget it."""

    def session(self, key: bytes) -> Session | None:
        """Return a session; whoever changes it must keep it."""

    def keep_session(self, key: bytes, session: Session | None) -> None:
        """Keep a session, or drop it."""

    def waiting(self, target: bytes) -> list[HeldEvent]:
        """Return the retractions that wait for an event, in the order in which they came."""

    def keep_waiting(self, target: bytes, waiting: list[HeldEvent]) -> None:
        """Keep these alone."""

    def schedule(self, customer_id: str, due: Due) -> None:
        """See that `take_due` returns this."""

    def take_due(self, customer_id: str, until_ms: int) -> tuple[list[Due], int]:
        """Take what is due for a customer; also returns when the next is, NEVER_MS for none."""


def deadline_of(waiting: HeldEvent) -> int:
    """Return the clock at which a retraction has waited long enough."""
    return waiting.event.event_time_ms + waiting.patience_ms + 1


def forget_refused(memory: Memory, waited: HeldEvent) -> None:
    """Forget an event that waited in vain, for its replay is a first delivery; keep who waits for it."""
    event = waited.event
    identity = identity_of(event.customer_id, event.event_id)
    seen = memory.seen(identity)
    if seen is None or (seen.event_time_ms, seen.fingerprint) != (event.event_time_ms, fingerprint_of(event)):
        return  # the id was given to another event, after the horizon
    if seen.awaited_until_ms:
        memory.remember(identity, Seen(0, b"", awaited_until_ms=seen.awaited_until_ms))
    else:
        memory.forget(identity)


@dataclass(slots=True)
class DictMemory:
    """A `Memory` in dicts."""

    index: MutableMapping[bytes, Seen] = field(default_factory=dict)
    sessions: dict[bytes, Session] = field(default_factory=dict)
    waits: dict[bytes, list[HeldEvent]] = field(default_factory=dict)
    agenda: defaultdict[str, list[Due]] = field(default_factory=lambda: defaultdict(list))

    def seen(self, identity: bytes) -> Seen | None:
        """Return what is known of an event's identity."""
        return self.index.get(identity)

    def remember(self, identity: bytes, seen: Seen) -> None:
        """Remember it so."""
        self.index[identity] = seen

    def forget(self, identity: bytes) -> None:
        """Forget it."""
        self.index.pop(identity, None)

    def session(self, key: bytes) -> Session | None:
        """Return a session; whoever changes it must keep it."""
        return self.sessions.get(key)

    def keep_session(self, key: bytes, session: Session | None) -> None:
        """Keep a session, or drop it."""
        if session is None:
            self.sessions.pop(key, None)
        else:
            self.sessions[key] = session

    def waiting(self, target: bytes) -> list[HeldEvent]:
        """Return the retractions that wait for an event, in the order in which they came."""
        return self.waits.get(target, [])

    def keep_waiting(self, target: bytes, waiting: list[HeldEvent]) -> None:
        """Keep these alone."""
        if waiting:
            self.waits[target] = waiting
        else:
            self.waits.pop(target, None)

    def schedule(self, customer_id: str, due: Due) -> None:
        """See that `take_due` returns this."""
        insort(self.agenda[customer_id], due)

    def take_due(self, customer_id: str, until_ms: int) -> tuple[list[Due], int]:
        """Take what is due for a customer; also returns when the next is, NEVER_MS for none."""
        agenda = self.agenda[customer_id]
        end = bisect_right(agenda, until_ms, key=lambda due: due.deadline_ms)
        found, agenda[:end] = agenda[:end], []
        return found, agenda[0].deadline_ms if agenda else NEVER_MS

    def held(self) -> Iterator[HeldEvent]:
        """Yield every event that waits."""
        for session in self.sessions.values():
            yield from session.phases()
        for waiting in self.waits.values():
            yield from waiting
