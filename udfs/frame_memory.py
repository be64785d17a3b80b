"""The core's `Memory` over a shard's stores, for the length of a frame: read once, written once.

What a frame is known to need is read ahead in one call; the rest, which few events need, as it is asked for.
"""

from collections.abc import Iterable
from hashlib import blake2b

from billing.events import Seen
from billing.memory import Due, DueKind, Session
from billing.outcomes import HeldEvent
from udfs.batched_state import AgendaStore, IndexStore
from wire.dedup_index import decode_seen, encode_seen
from wire.held import decode_session, decode_waiting, encode_session, encode_waiting

_SESSION, _WAITING = b"s", b"w"


class FrameMemory:
    """Ids, sessions and what waits, of one shard; `write` puts back what has changed."""

    def __init__(self, index: IndexStore, held: IndexStore, agenda: AgendaStore) -> None:
        self._index, self._held, self._agenda = index, held, agenda
        self.ids: dict[bytes, Seen | None] = {}
        self._changed_ids: dict[bytes, None] = {}
        self._sessions: dict[bytes, Session | None] = {}
        self._changed_sessions: dict[bytes, None] = {}
        self._waits: dict[bytes, list[HeldEvent]] = {}
        self._changed_waits: dict[bytes, None] = {}
        self._scheduled: list[tuple[bytes, bytes]] = []

    def read_ahead(self, identities: Iterable[bytes], sessions: Iterable[bytes]) -> None:
        """Read the ids and sessions that a frame names."""
        wanted = dict.fromkeys(identities)
        found = self._index.get_all(wanted)
        self.ids = dict(wanted)
        for identity, entry in found.items():
            self.ids[identity] = decode_seen(entry)
        keys = session_entries(sessions)
        if keys:
            known = self._held.get_all(keys)
            self._sessions = {key[1:]: decode_session(known[key]) if key in known else None for key in keys}

    @property
    def has_changed_ids(self) -> bool:
        """Tell whether an id was remembered or forgotten."""
        return bool(self._changed_ids)

    def seen(self, identity: bytes) -> Seen | None:
        """Return what is known of an event's identity."""
        if identity not in self.ids:
            entry = self._index.get_all([identity]).get(identity)
            self.ids[identity] = None if entry is None else decode_seen(entry)
        return self.ids[identity]

    def remember(self, identity: bytes, seen: Seen) -> None:
        """Remember it so."""
        self.ids[identity] = seen
        self._changed_ids[identity] = None

    def forget(self, identity: bytes) -> None:
        """Forget it."""
        self.ids[identity] = None
        self._changed_ids[identity] = None

    def session(self, key: bytes) -> Session | None:
        """Return a session; whoever changes it must keep it."""
        if key not in self._sessions:
            entry = self._held.get_all([_SESSION + key]).get(_SESSION + key)
            self._sessions[key] = None if entry is None else decode_session(entry)
        return self._sessions[key]

    def keep_session(self, key: bytes, session: Session | None) -> None:
        """Keep a session, or drop it."""
        self._sessions[key] = session
        self._changed_sessions[key] = None

    def waiting(self, target: bytes) -> list[HeldEvent]:
        """Return the retractions that wait for an event, in the order in which they came."""
        if target not in self._waits:
            entry = self._held.get_all([_WAITING + target]).get(_WAITING + target)
            self._waits[target] = [] if entry is None else decode_waiting(entry)
        return self._waits[target]

    def keep_waiting(self, target: bytes, waiting: list[HeldEvent]) -> None:
        """Keep these alone."""
        self._waits[target] = waiting
        self._changed_waits[target] = None

    def schedule(self, customer_id: str, due: Due) -> None:
        """See that `take_due` returns this."""
        self._scheduled.append((_owner(customer_id), due_entry(due)))

    def take_due(self, customer_id: str, until_ms: int) -> tuple[list[Due], int]:
        """Take what is due for a customer; also returns when the next is, NEVER_MS for none."""
        self._write_agenda()
        found, next_ms = self._agenda.take_due(_owner(customer_id), until_ms)
        due = [read_due_entry(entry) for entry in found]
        self._read_sessions(one.key for one in due if one.kind is DueKind.SESSION)
        return due, next_ms

    def _read_sessions(self, keys: Iterable[bytes]) -> None:
        wanted = [_SESSION + key for key in keys if key not in self._sessions]
        if wanted:
            found = self._held.get_all(wanted)
            self._sessions |= {key[1:]: decode_session(found[key]) if key in found else None for key in wanted}

    def write(self) -> None:
        """Write everything that has changed."""
        if self._changed_ids:
            ids = self.ids
            self._index.put_all(
                {one: None if (seen := ids[one]) is None else encode_seen(seen) for one in self._changed_ids}
            )
        held: dict[bytes, bytes | None] = {}
        for key in self._changed_sessions:
            session = self._sessions[key]
            held[_SESSION + key] = None if session is None else encode_session(session)
        for target in self._changed_waits:
            waiting = self._waits[target]
            held[_WAITING + target] = encode_waiting(waiting) if waiting else None
        if held:
            self._held.put_all(held)
        self._write_agenda()

    def _write_agenda(self) -> None:
        if self._scheduled:
            self._agenda.add(self._scheduled)
            self._scheduled = []


def session_entries(sessions: Iterable[bytes]) -> list[bytes]:
    """Return the keys under which sessions are held, each once."""
    return [_SESSION + key for key in dict.fromkeys(sessions)]


def due_entry(due: Due) -> bytes:
    """Return what is due as the agenda holds it: i64 deadline | u8 kind | key."""
    return due.deadline_ms.to_bytes(8, "big") + bytes([due.kind]) + due.key


def read_due_entry(entry: bytes) -> Due:
    """Return what is due."""
    return Due(int.from_bytes(entry[:8], "big"), DueKind(entry[8]), entry[9:])


def _owner(customer_id: str) -> bytes:
    """Return the 16 bytes under which the agenda keeps a customer's entries."""
    return blake2b(customer_id.encode(), digest_size=16, person=b"customer").digest()
