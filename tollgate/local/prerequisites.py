"""What this machine has to provide: a Java runtime, and Maven when the JVM module must be built."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tollgate.local.errors import EXIT_UNUSABLE, StackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

JAVA_OLDEST: Final = 17
JAVA_NEWEST: Final = 23
"""From 24 on Java has no security manager, which Flink 2.3 asks for when it starts."""


@dataclass(frozen=True)
class Java:
    """A Java runtime that the stack can run on."""

    executable: Path
    home: Path
    major: int


def find_java(environment: Mapping[str, str]) -> Java:
    """Return the first suitable Java of JAVA_HOME and PATH.

    Raises StackError if there is none.
    """
    found = [java for executable in java_candidates(environment) if (java := ask_java(executable)) is not None]
    for java in found:
        if JAVA_OLDEST <= java.major <= JAVA_NEWEST:
            return java
    remedy = "install a JDK 17, for example: apt-get install openjdk-17-jdk-headless, or set JAVA_HOME"
    if found and found[0].major > JAVA_NEWEST:
        newest = f"which runs on {JAVA_OLDEST} to {JAVA_NEWEST}"
        cause = f"Java {found[0].major} ({found[0].executable}) is too new for Flink 2.3, {newest}"
    elif found:
        cause = f"Java 17 or newer was not found ({found[0].executable} is Java {found[0].major})"
    else:
        cause = "Java 17 or newer was not found"
    raise StackError(cause, remedy, EXIT_UNUSABLE)


def java_candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if home := environment.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        yield Path(on_path)


def ask_java(executable: Path) -> Java | None:
    """Return what a `java` says about itself, None if it does not run."""
    try:
        answer = subprocess.run(
            [executable, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = answer.stderr + answer.stdout
    version = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", said)
    home = re.search(r"java\.home = (.+)", said)
    if version is None or home is None:
        return None
    return Java(executable, Path(home[1].strip()), int(version[1]))


def find_maven(environment: Mapping[str, str]) -> Path:
    """Return Maven's `mvn`.

    Raises StackError if it is not on the PATH.
    """
    if maven := shutil.which("mvn", path=environment.get("PATH", "")):
        return Path(maven)
    cause = "Maven was not found, and jvm/target/tollgate-jvm.jar has to be built"
    raise StackError(cause, "install Maven, for example: apt-get install maven", EXIT_UNUSABLE)
