"""What the machine has to provide, and what is said when it does not."""

from pathlib import Path

import pytest

from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.prerequisites import find_java, find_maven


def fake_java(directory: Path, version: str) -> Path:
    """Write a `java` that claims to be of some version, in a JAVA_HOME."""
    program = directory / "bin" / "java"
    program.parent.mkdir(parents=True)
    said = f"    java.home = {directory}\n    java.specification.version = {version}"
    program.write_text(f"#!/bin/sh\n/bin/cat >&2 <<'END'\n{said}\nEND\n")
    program.chmod(0o755)
    return program


def test_no_java_at_all_is_said_with_what_to_install(tmp_path: Path) -> None:
    """The first thing that a new user may lack."""
    with pytest.raises(StackError, match=r"^Java 17 or newer was not found: install a JDK 17, for") as no:
        find_java({"PATH": str(tmp_path)})
    assert no.value.exit_code == EXIT_UNUSABLE


@pytest.mark.parametrize(
    ("version", "cause"), [("1.8", "is Java 8"), ("11", "is Java 11"), ("25", "too new for Flink")]
)
def test_an_unsuitable_java_is_named(tmp_path: Path, version: str, cause: str) -> None:
    """Which Java was found, and what is wrong with it."""
    fake_java(tmp_path, version)
    with pytest.raises(StackError, match=cause):
        find_java({"JAVA_HOME": str(tmp_path), "PATH": ""})


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    """As every Java program has it."""
    home, on_path = fake_java(tmp_path / "home", "21"), fake_java(tmp_path / "path", "17")
    java = find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)})
    assert (java.executable, java.home, java.major) == (home, tmp_path / "home", 21)


def test_a_suitable_java_on_the_path_makes_up_for_an_old_java_home(tmp_path: Path) -> None:
    """An old JAVA_HOME is left over on many machines."""
    fake_java(tmp_path / "home", "11")
    on_path = fake_java(tmp_path / "path", "17")
    assert find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)}).executable == on_path


def test_no_maven_is_said_with_what_it_is_needed_for(tmp_path: Path) -> None:
    """Maven is needed for building alone."""
    with pytest.raises(StackError, match=r"Maven was not found, and jvm/target/tollgate-jvm.jar has to be built"):
        find_maven({"PATH": str(tmp_path)})
