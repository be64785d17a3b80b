"""What faults act on: the processes of our own stack, the proxies, and the clocks between."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from tollgate.chaos.proxy import Proxy
from tollgate.context import Context
from tollgate.local import processes
from tollgate.local.errors import StackError
from tollgate.local.processes import ProcessRecord
from tollgate.local.run_file import load_run_file

_RUNNING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class World:
    """A running stack whose clients reach Kafka and Redis through proxies."""

    context: Context
    kafka: Proxy
    redis: Proxy
    report: Callable[[str], None]

    def process(self, name: str) -> psutil.Process:
        """Return a process of the stack by its name. Raises StackError unless it runs and is our own child."""
        record = self.record(name)
        process = processes.find(record)
        if process is None:
            raise StackError(f"{name} (pid {record.pid}) has ended by itself", f"see {self.context.stack.layout.logs}")
        if process.ppid() != os.getpid():
            raise StackError(f"{name} (pid {record.pid}) is no child of this process", "it is not ours to signal")
        return process

    def record(self, name: str) -> ProcessRecord:
        """Return what the stack remembers of a process. Raises StackError where it has none of that name."""
        found = load_run_file(self.context.stack.layout.run_file).processes.get(name)
        if found is None:
            raise StackError(f"the stack has no process {name}", "see `tollgate status`")
        return found

    def kill(self, name: str) -> None:
        """End a process as `kill -9` does, and return when it is gone."""
        self.process(name)
        processes.kill(self.record(name))

    def freeze(self, name: str, seconds: float) -> None:
        """Stop a process in its tracks for a time, then let it go on."""
        process = self.process(name)
        process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            process.send_signal(signal.SIGCONT)

    def task_manager_of(self, job_id: str, choice: int) -> str:
        """Return one of the TaskManagers that a job runs on; `choice` is any number."""
        self.context.stack.rest.await_tasks(job_id, _RUNNING_SECONDS)
        names = self.context.stack.task_managers_of(job_id)
        if not names:
            raise StackError(f"job {job_id} runs on no TaskManager", "see `tollgate status`")
        return names[choice % len(names)]
