"""What jobs are submitted with, kept by its content, so that the build before this one can be started again."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tollgate.local.files import copy_fresh
from tollgate.local.python_code import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KEPT = 5
"""How many builds stay, the last used first: the jar of one takes some 20 MB."""

_ARCHIVE = "tollgate.zip"


@dataclass(frozen=True)
class Build:
    """A directory with the archive of Python packages, the programs in it, and the jars of ours for Flink's `lib`."""

    directory: Path

    @property
    def id(self) -> str:
        """The content's digest."""
        return self.directory.name

    @property
    def archive(self) -> Path:
        """The packages, for `flink run -pyfs`."""
        return self.directory / _ARCHIVE

    @property
    def jars(self) -> tuple[Path, ...]:
        """The jars that belong to it."""
        return tuple(sorted((self.directory / "lib").glob("*.jar")))

    def touch(self) -> None:
        """Have it kept longer than those that were used before."""
        self.directory.touch()

    def program(self, name: str) -> Path:
        """Return the program of a job, such as flink_jobs/usage_rating.py."""
        return self.directory / name


def builds_below(home: Path) -> Path:
    """Return where the builds of a stack are kept."""
    return home / "builds"


def keep_build(home: Path, archive: Path, jars: Iterable[Path]) -> Build:
    """Keep an archive and jars, unless the same are kept already."""
    jars = sorted(jars)
    whole = hashlib.sha256(digest([archive]).encode())
    for jar in jars:
        whole.update(f"{jar.name}\0".encode() + hashlib.sha256(jar.read_bytes()).digest())
    build = Build(builds_below(home) / whole.hexdigest()[:16])
    if build.directory.is_dir():
        build.touch()
    else:
        _fill(build, archive, jars)
        _prune(home)
    return build


def _fill(build: Build, archive: Path, jars: Sequence[Path]) -> None:
    """Make the directory whole, or not at all."""
    build.directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build.directory.parent, prefix=".new-") as scratch:
        new = Path(scratch) / "build"
        (new / "lib").mkdir(parents=True)
        shutil.copy2(archive, new / _ARCHIVE)
        with zipfile.ZipFile(archive) as packages:
            packages.extractall(new, [one for one in packages.namelist() if one.startswith("flink_jobs/")])
        for jar in jars:
            copy_fresh(jar, new / "lib" / jar.name)
        new.rename(build.directory)


def _prune(home: Path) -> None:
    """Remove all builds but the newest."""
    found = [one for one in builds_below(home).glob("[0-9a-f]*") if one.is_dir()]
    for one in sorted(found, key=lambda one: one.stat().st_mtime_ns, reverse=True)[KEPT:]:
        shutil.rmtree(one)
