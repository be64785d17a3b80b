"""What a savepoint says of itself: how far it has read its sources, and whose state it holds."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.flink import flink_environment, java_command, java_options
from tollgate.local.logs import meaningful_line

if TYPE_CHECKING:
    from pathlib import Path

    from tollgate.local.flink import FlinkCluster

READER: Final = "tollgate.jvm.SavepointOffsets"
OPERATORS_READER: Final = "tollgate.jvm.SavepointOperators"


def read_offsets(cluster: FlinkCluster, savepoint: Path, source_uid: str) -> dict[tuple[str, int], int]:
    """Return the next offset of every (topic, partition) that a source has read.

    Raises StackError where the savepoint cannot be read.
    """
    lines = _read(cluster, READER, savepoint, source_uid)
    return {(parts[0], int(parts[1])): int(parts[2]) for parts in lines if len(parts) == 3}


def read_operators(cluster: FlinkCluster, savepoint: Path) -> list[str]:
    """Return the uids of the operators whose state a savepoint holds. Raises StackError where it cannot be read."""
    return [" ".join(words) for words in _read(cluster, OPERATORS_READER, savepoint)]


def _read(cluster: FlinkCluster, reader: str, savepoint: Path, *arguments: str) -> list[list[str]]:
    """Run a reader of ours and return the words of each line that it prints."""
    command = [*java_command(cluster, reader, *java_options(cluster.options, "client")), str(savepoint), *arguments]
    environment = flink_environment(cluster)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        reason = meaningful_line((done.stdout + done.stderr).splitlines())
        raise StackError(f"{savepoint} cannot be read: {reason}", "name another savepoint", EXIT_UNUSABLE)
    return [line.split() for line in done.stdout.splitlines()]
