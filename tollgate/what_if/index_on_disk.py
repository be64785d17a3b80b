"""The dedup index of a recomputation, in a temporary file: its memory does not grow with the events."""

import pickle
import sqlite3
from collections.abc import Iterator, MutableMapping

from billing.events import Seen

_BUFFERED = 20_000
_CACHE_KIB = 32 * 1024


class IndexOnDisk(MutableMapping[bytes, Seen]):
    """A dict of what is remembered of events, of which the newest entries and some pages are in memory.

    SQLite removes the file when the index is closed, and when the process ends.
    """

    def __init__(self) -> None:
        self._new: dict[bytes, Seen] = {}
        self._file = sqlite3.connect("", isolation_level=None)
        for option in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._file.execute(f"PRAGMA {option}")
        self._file.execute("CREATE TABLE seen (identity BLOB PRIMARY KEY, entry BLOB) WITHOUT ROWID")

    def __getitem__(self, identity: bytes) -> Seen:
        """Return an entry, from memory or the file."""
        found = self._new.get(identity)
        if found is not None:
            return found
        row = self._file.execute("SELECT entry FROM seen WHERE identity = ?", (identity,)).fetchone()
        if row is None:
            raise KeyError(identity)
        entry: Seen = pickle.loads(row[0])  # noqa: S301 - written below, into a file that no one else sees
        return entry

    def __setitem__(self, identity: bytes, entry: Seen) -> None:
        """Keep an entry."""
        self._new[identity] = entry
        if len(self._new) >= _BUFFERED:
            self._spill()

    def __delitem__(self, identity: bytes) -> None:
        """Drop an entry."""
        self._spill()
        if not self._file.execute("DELETE FROM seen WHERE identity = ?", (identity,)).rowcount:
            raise KeyError(identity)

    def __iter__(self) -> Iterator[bytes]:
        """Yield what is kept, in no particular order."""
        self._spill()
        return (identity for (identity,) in self._file.execute("SELECT identity FROM seen"))

    def __len__(self) -> int:
        """Return how many entries there are."""
        self._spill()
        count: int = self._file.execute("SELECT count(*) FROM seen").fetchone()[0]
        return count

    def clear(self) -> None:
        """Drop everything at once."""
        self._new.clear()
        self._file.execute("DELETE FROM seen")

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def _spill(self) -> None:
        rows = ((identity, pickle.dumps(entry)) for identity, entry in self._new.items())
        self._file.execute("BEGIN")
        self._file.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?)", rows)
        self._file.execute("COMMIT")
        self._new.clear()
