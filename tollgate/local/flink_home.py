"""A Flink home made from the distribution inside the apache-flink wheel."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyflink

from tollgate.local.files import copy_fresh, link_or_copy, write_atomically
from tollgate.local.flink_config import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tollgate.local.jars import Jars
    from tollgate.local.layout import Layout

LINKED = ("bin", "lib", "opt", "plugins")
PROMETHEUS = "metrics-prometheus"


def distribution() -> Path:
    """Return the directory of the wheel's distribution."""
    return Path(next(iter(pyflink.__path__)))


def prepare_home(layout: Layout, jars: Jars, options: Mapping[str, str]) -> None:
    """Write the Flink home anew. Not while Flink runs: a JVM does not survive a change of its jars."""
    home, source = layout.flink_home, distribution()
    shutil.rmtree(home, ignore_errors=True)
    for part in LINKED:
        # Files, not directories, are linked: Flink looks for jars without following links to directories.
        ignore = shutil.ignore_patterns(PROMETHEUS)
        shutil.copytree(source / part, home / part, copy_function=link_file, ignore=ignore)
    # In lib, not only in opt: a second thread-mode job in one TaskManager fails to load it from its own class loader.
    for jar in (source / "opt").glob("flink-python-*.jar"):
        link_or_copy(jar, home / "lib" / jar.name)
    # Our reporter extends Flink's: both in one class loader, and not a second time as a plugin.
    for jar in (source / "plugins" / PROMETHEUS).glob("*.jar"):
        link_or_copy(jar, home / "lib" / jar.name)
    for jar in jars.flink:
        copy_fresh(jar, home / "lib" / jar.name)
    (home / "conf").mkdir()
    copy_all((source / "conf").glob("log*"), home / "conf")
    copy_all([layout.project / "conf" / "flink" / "log4j-console.properties"], home / "conf")
    write_config(layout, options)


def own_jars(layout: Layout) -> list[Path]:
    """Return the jars in the home's `lib` that are not Flink's: those that `prepare_home` was given."""
    source = distribution()
    flinks = {jar.name for part in ("lib", "opt", f"plugins/{PROMETHEUS}") for jar in (source / part).glob("*.jar")}
    return sorted(jar for jar in (layout.flink_home / "lib").glob("*.jar") if jar.name not in flinks)


def write_config(layout: Layout, options: Mapping[str, str]) -> None:
    """Write the configuration that processes started from now on, and `bin/flink`, read."""
    write_atomically(layout.flink_home / "conf" / "config.yaml", render(options))


def link_file(source: str, target: str) -> None:
    link_or_copy(Path(source), Path(target))


def copy_all(files: Iterable[Path], directory: Path) -> None:
    for file in files:
        copy_fresh(file, directory / file.name)
