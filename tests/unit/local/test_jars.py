"""The JVM module's jar: built when it must be, verified always."""

import os
from pathlib import Path

import pytest

from tollgate.local.errors import StackError
from tollgate.local.jars import ensure_jars, is_stale
from tollgate.local.layout import Layout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a checkout whose jar is newer than all its sources."""
    for name in ("jvm/pom.xml", "jvm/src/A.java", "proto/a.proto", "jvm/target/tollgate-jvm.jar"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (100, 100))
    return tmp_path


def verifier(project: Path, script: str) -> None:
    """Make `jvm/verify-jars` a script that does this."""
    (project / "jvm/verify-jars").write_text(f"#!/bin/sh\n{script}\n")
    (project / "jvm/verify-jars").chmod(0o755)


def test_a_jar_newer_than_its_sources_is_used(project: Path) -> None:
    """Without Maven, on a machine that has none."""
    verifier(project, "exit 0")
    jars = ensure_jars(Layout.of(project), {}, print)
    assert jars.flink == (project / "jvm/target/tollgate-jvm.jar",)
    assert jars.kafka == project / "jvm/target/kafka"


@pytest.mark.parametrize("changed", ["jvm/pom.xml", "jvm/src/A.java", "proto/a.proto"])
def test_a_changed_source_makes_the_jar_stale(project: Path, changed: str) -> None:
    """The message classes in it are made from proto/."""
    assert not is_stale(project / "jvm/target/tollgate-jvm.jar", project)
    os.utime(project / changed, (200, 200))
    assert is_stale(project / "jvm/target/tollgate-jvm.jar", project)


def test_a_wrong_checksum_stops_everything(project: Path) -> None:
    """With what the script said about it."""
    verifier(project, "echo 'ERROR kafka-clients.jar: checksum differs'; exit 1")
    with pytest.raises(StackError, match=r"jvm-verify failed: ERROR kafka-clients\.jar: checksum differs"):
        ensure_jars(Layout.of(project), {}, print)


def test_a_missing_verifier_is_not_passed_over(project: Path) -> None:
    """Unverified jars are not run."""
    with pytest.raises(StackError, match="verify-jars could not be run"):
        ensure_jars(Layout.of(project), {}, print)


def test_a_failed_build_says_what_maven_said(project: Path) -> None:
    """And leaves no jar that looks new."""
    os.utime(project / "jvm/src/A.java", (200, 200))
    maven = project / "bin/mvn"
    maven.parent.mkdir()
    maven.write_text("#!/bin/sh\necho '[INFO] building'\necho '[ERROR] A.java: cannot find symbol'\nexit 1\n")
    maven.chmod(0o755)
    with pytest.raises(StackError, match=r"jvm-build failed: .*cannot find symbol"):
        ensure_jars(Layout.of(project), {"PATH": str(maven.parent)}, print)
    assert is_stale(project / "jvm/target/tollgate-jvm.jar", project)
