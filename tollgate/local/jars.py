"""The jars that Python cannot bring: our JVM module and the Kafka broker, built once and verified."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tollgate.local.errors import StackError
from tollgate.local.files import locked
from tollgate.local.logs import meaningful_line, rotate, tail
from tollgate.local.prerequisites import find_maven

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tollgate.local.layout import Layout


@dataclass(frozen=True)
class Jars:
    """Where the jars are: those for Flink's lib directory, and the directory of the broker's."""

    flink: tuple[Path, ...]
    kafka: Path


@dataclass(frozen=True)
class MoreJars:
    """Jars of a module below jvm/, which are fetched where somebody first needs them."""

    module: str
    directory: str
    what: str
    megabytes: int


HISTORY_JARS: Final = MoreJars("history", "parquet", "Parquet's jars", 59)
GATEWAY_JARS: Final = MoreJars("gateway", "gateway", "the jars of Flink's SQL gateway", 41)


def ensure_jars(layout: Layout, environment: Mapping[str, str], report: Callable[[str], None]) -> Jars:
    """Build the JVM module if its jar is missing or older than its sources, and verify all checksums.

    Raises StackError if there is no Maven, the build fails, or a checksum differs.
    """
    target = layout.project / "jvm" / "target"
    jar = target / "tollgate-jvm.jar"
    with locked(target / ".build.lock", lambda: report("waiting for another build of the JVM module")):
        if is_stale(jar, layout.project):
            report("building the JVM module")
            build(layout, environment, jar)
        verify(layout, environment)
    return Jars((jar,), target / "kafka")


def ensure_more_jars(
    more: MoreJars, layout: Layout, environment: Mapping[str, str], report: Callable[[str], None]
) -> list[Path]:
    """Fetch jars that most commands do not need, where they are not there yet, and verify them; returns the jars.

    Raises StackError if there is no Maven, a jar cannot be fetched, or a checksum differs.
    """
    module = layout.project / "jvm" / more.module
    target = module / "target"
    with locked(target / ".build.lock", lambda: report(f"waiting for another fetch of {more.what}")):
        if not (target / more.directory).exists():
            report(f"fetching {more.what} ({more.megabytes} MB, once)")
            command = [str(find_maven(environment)), "-q", "-B", "-f", str(module / "pom.xml"), "package"]
            run_logged(command, layout, environment, f"{more.module}-jars", "reach a Maven repository and try again")
        verify(layout, environment, more.module)
    return sorted((target / more.directory).glob("*.jar"))


def is_stale(jar: Path, project: Path) -> bool:
    """Tell whether the jar is missing or older than anything that it is made from."""
    if not jar.exists():
        return True
    return jar.stat().st_mtime < max((path.stat().st_mtime for path in sources(project)), default=0.0)


def sources(project: Path) -> Iterator[Path]:
    yield project / "jvm" / "pom.xml"
    for directory in (project / "jvm" / "src", project / "proto"):
        yield from (path for path in directory.rglob("*") if path.is_file())


def build(layout: Layout, environment: Mapping[str, str], jar: Path) -> None:
    """Run Maven; the jar is then as old as the start of the build, since sources may change meanwhile."""
    pom = layout.project / "jvm" / "pom.xml"
    if not pom.exists():
        raise StackError(f"{pom} does not exist", "run Tollgate in its checkout, or name it with --project")
    started = time.time()
    run_logged(
        [str(find_maven(environment)), "-q", "-B", "-f", str(pom), "-DskipTests", "package"],
        layout,
        environment,
        "jvm-build",
        "repair jvm/ and run the command again",
    )
    if not jar.exists():
        raise StackError(f"the build of the JVM module left no {jar.name}", "see .tollgate/logs/jvm-build.log")
    os.utime(jar, (started, started))


def verify(layout: Layout, environment: Mapping[str, str], module: str = "") -> None:
    """Compare the jars, or those of a module below jvm/, with their pinned checksums."""
    target = "/".join(filter(None, ("jvm", module, "target")))
    run_logged(
        [str(layout.project / "jvm" / "verify-jars"), *filter(None, [module])],
        layout,
        environment,
        "jvm-verify",
        f"remove {target} and run the command again; if it persists, do not run these jars",
    )


def run_logged(command: list[str], layout: Layout, environment: Mapping[str, str], name: str, remedy: str) -> None:
    """Run a command to its end with its output in a log, and raise StackError if it fails."""
    log = layout.log_of(name)
    rotate(log)
    try:
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=layout.project,
                env=dict(environment),
                check=False,
            )
    except OSError as error:
        raise StackError(f"{command[0]} could not be run ({error.strerror})", remedy) from error
    if done.returncode != 0:
        raise StackError(f"{name} failed: {meaningful_line(tail(log))}", f"{remedy} (log: {log})")
