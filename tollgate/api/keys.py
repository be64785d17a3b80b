"""Keys of the API: random, shown once, and kept as their hashes alone.

A key has 256 random bits, so that one round of SHA-256 is as hard to turn around as many: nobody guesses keys,
other than passwords. The file is read again when it has changed: what is removed stops within `gate.REFRESH_SECONDS`.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tollgate.api.scopes import Scope
from tollgate.local.errors import StackError

PREFIX = "tg_"
_SECRET_BYTES = 32
DEFAULT_RATE = 50.0


class ApiKey(NamedTuple):
    """A key without its secret. `rate` is requests a second, 0: no limit."""

    name: str
    scope: Scope
    digest: str
    rate: float
    created: str


def key_file(home: Path) -> "KeyFile":
    """Return the keys of an installation, which keeps its data in `home`."""
    return KeyFile(home / "api" / "keys.json")


def digest_of(key: str) -> str:
    """Return the hash that stands for a key."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


class KeyFile:
    """The keys in a file that its owner alone may read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> list[ApiKey]:
        """Return all keys. Raises StackError where the file is damaged."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return [
                ApiKey(one["name"], Scope(one["scope"]), one["sha256"], float(one["rate"]), one["created"])
                for one in found
            ]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            cause = f"the keys in {self.path} cannot be read: {type(error).__name__}: {error}"
            raise StackError(cause, "restore the file, or remove it and make keys again") from error

    def add(self, name: str, scope: Scope, rate: float = DEFAULT_RATE) -> str:
        """Make a key and return it: it is nowhere afterwards. Raises StackError for a name that is taken."""
        keys = self.load()
        if any(one.name == name for one in keys):
            raise StackError(f"there is a key named {name!r}", "choose another --name, or remove that key first")
        secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        self._save([*keys, ApiKey(name, scope, digest_of(secret), rate, created)])
        return secret

    def remove(self, name: str) -> None:
        """Forget a key. Raises StackError where there is none of that name."""
        keys = self.load()
        kept = [one for one in keys if one.name != name]
        if len(kept) == len(keys):
            raise StackError(f"there is no key named {name!r}", "see `tollgate api keys list`")
        self._save(kept)

    def _save(self, keys: list[ApiKey]) -> None:
        plain = [
            {"name": one.name, "scope": one.scope.text, "sha256": one.digest, "rate": one.rate, "created": one.created}
            for one in keys
        ]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(plain, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)


class KeyRing:
    """The keys of a file by their hashes, as the server uses them."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._by_digest: Mapping[str, ApiKey] = {}

    def refresh(self) -> None:
        """Read the file again if it has changed. Raises StackError where it is damaged."""
        try:
            stat = self._file.path.stat()
            now = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
        except FileNotFoundError:
            now = (0, 0, 0)
        if now != self._seen:
            self._by_digest = {one.digest: one for one in self._file.load()}
            self._seen = now

    def find(self, key: str) -> ApiKey | None:
        """Return what a key is for, or None. Looked up by hash: how long it takes tells nothing of other keys."""
        return self._by_digest.get(digest_of(key))

    def holds(self, key: ApiKey) -> bool:
        """Tell whether a key is still in the file, for the same scope."""
        return self._by_digest.get(key.digest) == key
