"""Which Python code the TaskManagers hold.

In thread mode the modules that a TaskManager once imported stay until it ends, whatever later jobs bring: a job
that is submitted with changed code would silently run the old one.
"""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def digest(py_files: Sequence[Path]) -> str:
    """Return a digest of the files' names and contents; the times inside a zip do not count."""
    whole = hashlib.sha256()
    for path in py_files:
        for name, content in sorted(contents(path)):
            whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file in a zip or directory, or of the one file."""
    if path.is_dir():
        for file in path.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(path)), file.read_bytes()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist())
    else:
        yield path.name, path.read_bytes()
