"""Submitting Python jobs to the local Flink, as `flink run` does."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tollgate.local.checkpoints import note_run
from tollgate.local.errors import StackError, one_line
from tollgate.local.flink import CLIENT_MAIN, flink_environment, java_command, java_options
from tollgate.local.layout import Layout, flink_uri
from tollgate.local.logs import meaningful_line
from tollgate.local.python_code import digest
from tollgate.local.rest import ENDED
from tollgate.local.run_file import load_run_file, save_run_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tollgate.local.flink import FlinkCluster
    from tollgate.local.stack import LocalStack

JOB_ID: Final = re.compile(r"Job has been submitted with JobID ([0-9a-f]{32})")
PYTHON_ERROR: Final = re.compile(r"^(?!org\.apache|java\.)[\w.]*(Error|Exception|Exit|Interrupt)\b.*")
TIMEOUT_SECONDS: Final = 300

_ONE_AT_A_TIME: Final = threading.Lock()
"""Clients may run beside each other; what is noted of them in the run file is written by one of them at a time."""


def submit_python_job(  # noqa: PLR0913  (the parts of one command line)
    stack: LocalStack,
    name: str,
    program: Path | str,
    *,
    parallelism: int,
    py_files: Sequence[Path] = (),
    args: Sequence[str] = (),
    savepoint: Path | None = None,
    drop_unknown_state: bool = False,
    secrets: Mapping[str, str] | None = None,
) -> str:
    """Submit a file (a Path) or a module (a str) and return the job id.

    `secrets`: variables that the program gets and that no command line or log shows.
    `drop_unknown_state`: what the savepoint holds of operators that the job does not have is left out.
    The job's checkpoints and savepoints go below directories named `name`, where `newest_checkpoint` finds them.
    Raises StackError with the Python error's last line if the program fails, e.g. before it submits.
    """
    code = digest(py_files)
    with _ONE_AT_A_TIME:
        ensure_code(stack, code)
    cluster = stack.cluster()
    command = client_command(cluster) + run_arguments(stack.layout, name, parallelism)
    if savepoint is not None:
        command += ["-s", str(savepoint), *(["-n"] if drop_unknown_state else [])]
    if py_files:
        command += ["-pyfs", ",".join(map(str, py_files))]
    # The client takes its options anywhere; the program's own come after its name, which is last.
    command += ["-py", str(program)] if isinstance(program, Path) else ["-pym", program]
    submitted_ms = time.time_ns() // 1_000_000
    job_id = run_client(name, [*command, *args], flink_environment(cluster) | dict(secrets or {}), stack.layout)
    note_run(stack.layout, name, job_id, submitted_ms)
    with _ONE_AT_A_TIME:
        run = load_run_file(stack.layout.run_file).with_job(name, job_id)
        save_run_file(stack.layout.run_file, run.model_copy(update={"python_code": code}))
    return job_id


def ensure_code(stack: LocalStack, code: str) -> None:
    """Make sure that the TaskManagers have not imported other code than this.

    Raises StackError if they have and jobs are running on them.
    """
    held = load_run_file(stack.layout.run_file).python_code
    if held in {"", code}:
        return
    if any(job.state not in ENDED for job in stack.rest.jobs()):
        cause = "the Python code has changed, and the running jobs' TaskManagers keep the modules they have imported"
        raise StackError(cause, "run `tollgate upgrade`, or `tollgate down` and `tollgate up`")
    stack.report("the Python code has changed: replacing the TaskManagers, which keep what they have imported")
    stack.renew_task_managers()


def client_command(cluster: FlinkCluster) -> list[str]:
    """Return the command of Flink's command line client, `flink`."""
    logging = (
        f"-Dlog.file={cluster.layout.log_of('flink-client')}",
        f"-Dlog4j.configurationFile={cluster.home}/conf/log4j-cli.properties",
    )
    return list(java_command(cluster, CLIENT_MAIN, *java_options(cluster.options, "client"), *logging))


def run_arguments(layout: Layout, name: str, parallelism: int) -> list[str]:
    places = {
        "execution.checkpointing.dir": flink_uri(layout.checkpoints_of(name)),
        "execution.checkpointing.savepoint-dir": flink_uri(layout.savepoints_of(name)),
    }
    dynamic = [f"-D{key}={value}" for key, value in places.items()]
    return ["run", *dynamic, "-d", "-p", str(parallelism), "-pyexec", sys.executable, "-pyclientexec", sys.executable]


def run_client(name: str, command: list[str], environment: Mapping[str, str], layout: Layout) -> str:
    """Run the client to its end and return the job id that it prints."""
    log = layout.log_of(f"submit-{name}")
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=layout.project,
            env=dict(environment),
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"job {name} was not submitted in {TIMEOUT_SECONDS} s", "see `tollgate status`") from error
    log.write_text(done.stdout, encoding="utf-8")
    job_ids = JOB_ID.findall(done.stdout)
    if done.returncode != 0 or len(job_ids) != 1:
        raise StackError(f"job {name} was not submitted: {failure_line(done.stdout)}", f"see {log}")
    return str(job_ids[0])


def failure_line(output: str) -> str:
    """Return the last line of the Python error, or Flink's root cause where Flink refused what Python asked for."""
    # What follows is only the client's trace of the Python process having failed.
    lines = output.partition("org.apache.flink.client.program.ProgramAbortException")[0].splitlines()
    errors = [line for line in lines if PYTHON_ERROR.match(line)]
    if not errors or errors[-1].startswith("py4j."):
        return meaningful_line(lines or output.splitlines())
    return one_line(errors[-1])
