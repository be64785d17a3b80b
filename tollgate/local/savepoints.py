"""What a savepoint says of itself: how far it has read its sources."""

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


def read_offsets(cluster: FlinkCluster, savepoint: Path, source_uid: str) -> dict[tuple[str, int], int]:
    """Return the next offset of every (topic, partition) that a source has read.

    Raises StackError where the savepoint cannot be read.
    """
    command = [*java_command(cluster, READER, *java_options(cluster.options, "client")), str(savepoint), source_uid]
    environment = flink_environment(cluster)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        reason = meaningful_line((done.stdout + done.stderr).splitlines())
        raise StackError(f"{savepoint} cannot be read: {reason}", "name another savepoint", EXIT_UNUSABLE)
    lines = [line.split() for line in done.stdout.splitlines()]
    return {(parts[0], int(parts[1])): int(parts[2]) for parts in lines if len(parts) == 3}
