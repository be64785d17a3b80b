"""Flink's processes: one JobManager, any number of TaskManagers.

They are started as `java` itself, not through bin/*.sh: the pid that is remembered is the JVM's from its first
moment, paths may hold spaces, and each start saves the four helper JVMs of those scripts (3 s on two cores).
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tollgate.local.errors import StackError
from tollgate.local.logs import meaningful_line
from tollgate.local.processes import ProcessRecord, ProcessSpec, start

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tollgate.local.layout import Layout
    from tollgate.local.prerequisites import Java

JOB_MANAGER: Final = "jobmanager"
TASK_MANAGER: Final = "taskmanager"
JOB_MANAGER_MAIN: Final = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER_MAIN: Final = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
CLIENT_MAIN: Final = "org.apache.flink.client.cli.CliFrontend"
RESULT: Final = "BASH_JAVA_UTILS_EXEC_RESULT:"


@dataclass(frozen=True)
class FlinkCluster:
    """What Flink's processes are started from."""

    layout: Layout
    java: Java
    options: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.layout.flink_home


def task_manager_name(number: int) -> str:
    return f"{TASK_MANAGER}-{number}"


def start_job_manager(cluster: FlinkCluster) -> ProcessRecord:
    """Start the JobManager; it is not ready yet."""
    jvm, dynamic = resource_options(cluster, "GET_JM_RESOURCE_PARAMS")
    own = ("-D", f"web.log.path={cluster.layout.log_of(JOB_MANAGER)}")
    return start_flink(cluster, JOB_MANAGER, JOB_MANAGER_MAIN, jvm, (*dynamic, *own))


def start_task_manager(cluster: FlinkCluster, name: str) -> ProcessRecord:
    """Start a TaskManager under an id of its own; it has not registered yet."""
    jvm, dynamic = resource_options(cluster, "GET_TM_RESOURCE_PARAMS")
    # A new id each time: the JobManager still lists a killed one until its heartbeats run out.
    instance = f"{name}-{time.time_ns() // 1_000_000}"
    log = cluster.layout.log_of(name)
    own = ("-D", f"taskmanager.resource-id={instance}", "-D", f"taskmanager.log.path={log}")
    return start_flink(cluster, name, TASK_MANAGER_MAIN, jvm, (*dynamic, *own), instance)


def start_flink(  # noqa: PLR0913  (the parts of one command line)
    cluster: FlinkCluster, name: str, main: str, jvm: tuple[str, ...], arguments: tuple[str, ...], instance: str = ""
) -> ProcessRecord:
    """Start a Flink program in an empty directory of its own."""
    temporary = cluster.layout.temporary_of(name)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    role = TASK_MANAGER if main == TASK_MANAGER_MAIN else JOB_MANAGER
    conf = cluster.home / "conf"
    options = (*jvm, *java_options(cluster.options, role), f"-Dlog4j.configurationFile={conf}/log4j-console.properties")
    command = java_command(cluster, main, *options)
    return start(
        ProcessSpec(
            name=name,
            command=(
                *(*command, "--configDir", str(conf), *arguments, "-D", f"io.tmp.dirs={temporary}"),
                *metrics_options(cluster, name),
            ),
            stack=cluster.layout.home,
            directory=temporary,
            log=cluster.layout.log_of(name),
            environment=flink_environment(cluster),
            instance=instance,
        )
    )


def metrics_options(cluster: FlinkCluster, name: str) -> tuple[str, ...]:
    """Return where a process tells Prometheus how to reach it."""
    targets = cluster.layout.metrics_targets_of(name)
    targets.unlink(missing_ok=True)
    prefix = "metrics.reporter.prometheus"
    return "-D", f"{prefix}.targets={targets}", "-D", f"{prefix}.process={name}"


def java_options(options: Mapping[str, str], role: str) -> list[str]:
    """Return the JVM's options of the configuration (which Flink leaves to whoever starts the JVM)."""
    return [part for name in ("all", role) for part in shlex.split(options.get(f"env.java.opts.{name}", ""))]


def java_command(cluster: FlinkCluster, main: str, *options: str, more: Iterable[Path] = ()) -> tuple[str, ...]:
    """Return the command of a Flink program, with `more` jars; flink-dist last, as in Flink's own scripts."""
    jars = sorted((cluster.home / "lib").glob("*.jar"), key=lambda jar: (jar.name.startswith("flink-dist"), jar.name))
    return (str(cluster.java.executable), *options, "-cp", os.pathsep.join(map(str, [*more, *jars])), main)


def flink_environment(cluster: FlinkCluster) -> dict[str, str]:
    """Return the environment of a Flink process: another Flink's or Hadoop's settings must not reach it."""
    foreign = ("FLINK_", "HADOOP_", "HBASE_", "YARN_", "_FLINK", "PYFLINK_", "_python_worker")
    kept = {key: value for key, value in cluster.environment.items() if not key.startswith(foreign)}
    home = cluster.home
    directories = {f"FLINK_{part.upper()}_DIR": str(home / part) for part in ("bin", "conf", "lib", "opt", "plugins")}
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, str(cluster.java.home / "bin"), kept.get("PATH", os.defpath)])
    return {**kept, **directories, "FLINK_HOME": str(home), "JAVA_HOME": str(cluster.java.home), "PATH": path}


def resource_options(cluster: FlinkCluster, question: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ask Flink how the configured memory divides: the JVM's options, and `-D` arguments for the program.

    Raises StackError if the sizes do not fit into each other.
    """
    dist = next((cluster.home / "lib").glob("flink-dist-*.jar"))
    classes = f"{cluster.home}/bin/bash-java-utils.jar{os.pathsep}{dist}"
    tool = (str(cluster.java.executable), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", classes)
    done = subprocess.run(
        [*tool, "org.apache.flink.runtime.util.bash.BashJavaUtils", question, "--configDir", f"{cluster.home}/conf"],
        capture_output=True,
        text=True,
        env=flink_environment(cluster),
        check=False,
    )
    lines = [line.removeprefix(RESULT) for line in done.stdout.splitlines() if line.startswith(RESULT)]
    if done.returncode != 0 or len(lines) != 2:
        line = meaningful_line((done.stdout + done.stderr).splitlines())
        raise StackError(f"Flink's memory configuration is not accepted: {line}", "correct the sizes in the settings")
    return tuple(lines[0].split()), tuple(lines[1].split())
