"""A small client of Flink's REST interface."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from tollgate.local.errors import StackError
from tollgate.local.layout import flink_uri
from tollgate.local.rest_call import REMEDY, call_list, call_object, root_cause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ENDED: Final = frozenset({"FINISHED", "CANCELED", "FAILED"})
POLL_SECONDS: Final = 0.2


@dataclass(frozen=True)
class Job:
    """A job as the JobManager lists it; times are epoch ms."""

    id: str
    name: str
    state: str
    start_time_ms: int
    end_time_ms: int


@dataclass(frozen=True)
class TaskManager:
    """A registered TaskManager; memory in bytes."""

    id: str
    slots: int
    free_slots: int
    since_heartbeat_ms: int


class FlinkRest:
    """Calls to one JobManager. Every method raises StackError when it does not answer or refuses."""

    def __init__(self, address: str, timeout_seconds: float = 10) -> None:
        self.address = address
        self.timeout_seconds = timeout_seconds

    def overview(self) -> dict[str, Any]:
        """Return the cluster's counts: `taskmanagers`, `slots-total`, `slots-available`, `jobs-running`..."""
        return self._get("/overview")

    def configuration(self) -> dict[str, str]:
        """Return the JobManager's configuration."""
        return {entry["key"]: entry["value"] for entry in self._list("/jobmanager/config")}

    def jobs(self) -> list[Job]:
        """Return all jobs that the JobManager remembers, the newest first."""
        listed = [
            Job(job["jid"], job["name"], job["state"], job["start-time"], job["end-time"])
            for job in self._get("/jobs/overview")["jobs"]
        ]
        return sorted(listed, key=lambda job: job.start_time_ms, reverse=True)

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job's details: vertices, parallelism, state."""
        return self._get(f"/jobs/{job_id}")

    def task_managers_of(self, job_id: str) -> set[str]:
        """Return the ids of the TaskManagers that a job's tasks run on now."""
        vertices = [vertex["id"] for vertex in self.job(job_id)["vertices"]]
        found = [self._get(f"/jobs/{job_id}/vertices/{vertex}/taskmanagers")["taskmanagers"] for vertex in vertices]
        return {one["taskmanager-id"] for ones in found for one in ones if one["status"] == "RUNNING"}

    def job_config(self, job_id: str) -> dict[str, Any]:
        return self._get(f"/jobs/{job_id}/config")

    def restarts(self, job_id: str) -> int:
        """Return how often a job has restarted: a loop of restarts looks like a hang."""
        metrics = self._list(f"/jobs/{job_id}/metrics?get=numRestarts")
        return int(metrics[0]["value"]) if metrics else 0

    def subtask_metrics(self, job_id: str, operator: str, names: Sequence[str]) -> list[dict[str, int]]:
        """Return an operator's metrics, to whole numbers, by subtask; what a subtask has not told is missing."""
        vertex = next(one for one in self.job(job_id)["vertices"] if operator in one["name"])
        prefix = f"{operator.replace(' ', '_')}."
        wanted = ",".join(prefix + name for name in names)
        found = [
            self._list(f"/jobs/{job_id}/vertices/{vertex['id']}/subtasks/{number}/metrics?get={wanted}")
            for number in range(vertex["parallelism"])
        ]
        return [
            {one["id"].removeprefix(prefix): round(float(one["value"])) for one in ones if one["value"] != "NaN"}
            for ones in found
        ]

    def watermarks(self, job_id: str, vertex_id: str) -> list[dict[str, str]]:
        """Return the watermark of each subtask of a vertex as `value`, epoch ms in text; none before the first."""
        return self._list(f"/jobs/{job_id}/vertices/{vertex_id}/watermarks")

    def last_failure(self, job_id: str) -> str:
        """Return the root cause of a job's last failure in one line, empty if it never failed."""
        return self.newest_failure(job_id)[0]

    def newest_failure(self, job_id: str) -> tuple[str, int]:
        """Return the root cause of a job's last failure in one line and when (epoch ms); ("", 0) for none."""
        history = self._get(f"/jobs/{job_id}/exceptions?maxExceptions=1")["exceptionHistory"]["entries"]
        return (root_cause(history[0]["stacktrace"]), int(history[0]["timestamp"])) if history else ("", 0)

    def task_managers(self) -> list[TaskManager]:
        now_ms = time.time_ns() // 1_000_000
        return [
            TaskManager(tm["id"], tm["slotsNumber"], tm["freeSlots"], max(0, now_ms - tm["timeSinceLastHeartbeat"]))
            for tm in self._get("/taskmanagers")["taskmanagers"]
        ]

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """Return counts, summary, latest and history of a job's checkpoints."""
        return self._get(f"/jobs/{job_id}/checkpoints")

    def checkpoint_config(self, job_id: str) -> dict[str, Any]:
        return self._get(f"/jobs/{job_id}/checkpoints/config")

    def trigger_checkpoint(self, job_id: str, timeout_seconds: float = 60) -> int:
        """Take a checkpoint now and return its number when it is complete."""
        self.await_tasks(job_id, timeout_seconds)
        path = f"/jobs/{job_id}/checkpoints"
        operation = self.await_operation(path, {"checkpointType": "CONFIGURED"}, timeout_seconds)
        return int(operation["checkpointId"])

    def savepoint(self, job_id: str, directory: Path, timeout_seconds: float = 120) -> str:
        """Take a savepoint below a directory while the job goes on; return its path."""
        self.await_tasks(job_id, timeout_seconds)
        wanted = {"target-directory": flink_uri(directory), "cancel-job": False, "formatType": "CANONICAL"}
        return location(self.await_operation(f"/jobs/{job_id}/savepoints", wanted, timeout_seconds))

    def stop_with_savepoint(
        self,
        job_id: str,
        directory: Path,
        timeout_seconds: float = 120,
        format_type: Literal["CANONICAL", "NATIVE"] = "CANONICAL",
    ) -> str:
        """Stop a job at a savepoint below a directory, all transactions committed; return its path."""
        self.await_tasks(job_id, timeout_seconds)
        wanted = {"targetDirectory": flink_uri(directory), "drain": False, "formatType": format_type}
        operation = self.await_operation(f"/jobs/{job_id}/stop", wanted, timeout_seconds, "savepoints")
        self.await_state(job_id, frozenset({"FINISHED"}), timeout_seconds)
        return location(operation)

    def cancel(self, job_id: str, timeout_seconds: float = 60) -> None:
        """Cancel a job and wait until it has ended; its retained checkpoints stay."""
        call_object(self.address, "PATCH", f"/jobs/{job_id}?mode=cancel", None, self.timeout_seconds)
        self.await_state(job_id, ENDED, timeout_seconds)

    def await_state(self, job_id: str, states: frozenset[str], timeout_seconds: float) -> str:
        """Wait until a job is in one of the states, and return it; StackError if it ends in another or in no time."""
        deadline = time.monotonic() + timeout_seconds
        while (state := str(self.job(job_id)["state"])) not in states:
            if state in ENDED:
                raise StackError(f"job {job_id} is {state}: {self.last_failure(job_id)}", REMEDY)
            if time.monotonic() > deadline:
                failure = self.last_failure(job_id)
                why = f": {failure}" if failure else ""
                raise StackError(f"job {job_id} is still {state} after {timeout_seconds:.0f} s{why}", REMEDY)
            time.sleep(POLL_SECONDS)
        return state

    def await_tasks(self, job_id: str, timeout_seconds: float) -> None:
        """Wait until every task of a job runs: it is RUNNING long before, and cannot take a savepoint until then."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            self.await_state(job_id, frozenset({"RUNNING"}), deadline - time.monotonic())
            counts = self.job(job_id)["status-counts"]
            if sum(counts.values()) == counts["RUNNING"] + counts["FINISHED"]:
                return
            if time.monotonic() > deadline:
                waiting = {state: count for state, count in counts.items() if count}
                raise StackError(f"the tasks of job {job_id} do not all run: {waiting}", REMEDY)
            time.sleep(POLL_SECONDS)

    def await_operation(
        self, path: str, wanted: Mapping[str, Any], timeout_seconds: float, status_part: str | None = None
    ) -> dict[str, Any]:
        """Start an asynchronous operation and wait for its result."""
        request_id = call_object(self.address, "POST", path, wanted, self.timeout_seconds)["request-id"]
        status = f"{path.rpartition('/')[0]}/{status_part}" if status_part else path
        deadline = time.monotonic() + timeout_seconds
        while True:
            answer = self._get(f"{status}/{request_id}")
            if answer["status"]["id"] == "COMPLETED":
                break
            if time.monotonic() > deadline:
                raise StackError(f"{path} did not complete in {timeout_seconds:g} s", REMEDY)
            time.sleep(POLL_SECONDS)
        operation: dict[str, Any] = answer["operation"]
        # Two spellings: that of savepoints, and that of checkpoints.
        if failure := operation.get("failure-cause") or operation.get("failureCause"):
            raise StackError(f"{path} failed: {root_cause(failure['stack-trace'])}", REMEDY)
        return operation

    def _get(self, path: str) -> dict[str, Any]:
        return call_object(self.address, "GET", path, None, self.timeout_seconds)

    def _list(self, path: str) -> list[dict[str, Any]]:
        return call_list(self.address, path, self.timeout_seconds)


def location(operation: Mapping[str, Any]) -> str:
    """Return the path of a savepoint that was taken; Flink answers with a file URI."""
    return str(operation["location"]).removeprefix("file:")
