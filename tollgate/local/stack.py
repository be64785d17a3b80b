"""The local stack as a whole: up, down, status."""

from __future__ import annotations

import filecmp
import os
import shutil
from functools import partial
from typing import TYPE_CHECKING, Final

from tollgate.local import flink, kafka, processes, redis
from tollgate.local.addresses import with_ports
from tollgate.local.errors import StackError
from tollgate.local.files import locked
from tollgate.local.flink_config import load_template, local_options
from tollgate.local.flink_home import prepare_home
from tollgate.local.jars import Jars, ensure_jars
from tollgate.local.leftovers import leftovers, only_alive
from tollgate.local.ports import LOOPBACK
from tollgate.local.prerequisites import Java, find_java
from tollgate.local.readiness import await_ready, is_our_job_manager, is_registered
from tollgate.local.rest import FlinkRest
from tollgate.local.run_file import RunFile, load_run_file, save_run_file
from tollgate.local.status import StackStatus, stack_status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from tollgate.local.layout import Layout
    from tollgate.local.processes import ProcessRecord
    from tollgate.local.settings import LocalStackSettings

FLINK_GRACE_SECONDS: Final = 15.0
KAFKA_GRACE_SECONDS: Final = 20.0
REDIS_GRACE_SECONDS: Final = 5.0


class LocalStack:
    """Kafka, Redis and Flink of one checkout, as processes that outlive the command that starts them.

    All state is in the layout's directory: two objects for one layout are the same stack.
    """

    def __init__(
        self,
        layout: Layout,
        settings: LocalStackSettings,
        report: Callable[[str], None],
        *,
        environment: Mapping[str, str] | None = None,
        jars: Jars | None = None,
    ) -> None:
        """Describe a stack; nothing happens yet.

        `environment` is what the processes inherit (this process's own if None). `jars` are used as they are;
        if None they are built from the checkout and verified.
        """
        self.layout = layout
        self.settings = settings
        self.report = report
        self.environment = dict(os.environ if environment is None else environment)
        self.jars = jars

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's address. Raises StackError if the stack is down."""
        return f"{LOOPBACK}:{self._port('kafka')}"

    @property
    def redis_url(self) -> str:
        """Redis's address. Raises StackError if the stack is down."""
        return redis.redis_url(self._port("redis"))

    @property
    def rest(self) -> FlinkRest:
        """Flink's REST interface. Raises StackError if the stack is down."""
        return FlinkRest(f"http://{LOOPBACK}:{self._port('flink_rest')}")

    def cluster(self) -> flink.FlinkCluster:
        """Return what Flink's programs are started from. Raises StackError if the stack was never up."""
        options = load_template(self.layout.flink_home / "conf" / "config.yaml")
        return flink.FlinkCluster(self.layout, find_java(self.environment), options, self.environment)

    def up(self) -> None:
        """Start whatever does not run yet, and return when all of it answers.

        Raises StackError if something is missing, or ends while it starts.
        """
        with self._locked():
            java = find_java(self.environment)
            jars = self.build_jars()
            run = with_ports(self._forget_dead(), self.settings)
            save_run_file(self.layout.run_file, run)
            self._prepare_flink(run, jars)
            run = self._start_kafka(run, java, jars)
            run = self._start_redis(run)
            run = self._start_job_manager(run)
            run = self._start_task_managers(run)
            self._await_all(run)

    def ensure_flink_home(self) -> None:
        """Make the Flink home where there is none with our jar of today; for programs that need no more of a stack."""
        with self._locked():
            jars = self.jars or ensure_jars(self.layout, self.environment, self.report)
            library = self.layout.flink_home / "lib"
            if all((library / jar.name).exists() and filecmp.cmp(jar, library / jar.name) for jar in jars.flink):
                return
            self._prepare_flink(with_ports(self._forget_dead(), self.settings), jars)

    def ensure_task_managers(self) -> None:
        """Replace TaskManagers that have ended; the rest of the stack must be up."""
        with self._locked():
            run = self._forget_dead()
            run = self._start_task_managers(run)
            self._await_task_managers(run)

    def task_managers_of(self, job_id: str) -> list[str]:
        """Return the names of the TaskManagers that a job runs on."""
        instances = self.rest.task_managers_of(job_id)
        processes_by_name = load_run_file(self.layout.run_file).processes
        return sorted(name for name, record in processes_by_name.items() if record.instance in instances)

    def ensure_redis(self) -> None:
        """Start Redis again if it has ended; the rest of the stack must be up."""
        with self._locked():
            run = self._start_redis(self._forget_dead())
            port, record = run.ports["redis"], run.processes[redis.NAME]
            await_ready(
                self.layout, record, lambda: redis.is_ready(self.layout, port), self.settings.start_timeout_seconds
            )

    def ensure_kafka(self) -> None:
        """Start Kafka if it does not run; the rest of the stack is left as it is, also where nothing of it runs."""
        with self._locked():
            java, jars = find_java(self.environment), self.build_jars()
            run = self._forget_dead()
            run = run if kafka.NAME in run.ports else with_ports(run, self.settings)
            self._await_kafka(self._start_kafka(run, java, jars))

    def renew_task_managers(self) -> None:
        """Replace all TaskManagers, and with them the Python modules that they hold; running jobs recover."""
        with self._locked():
            run = self._forget_dead()
            records = [record for record in run.processes.values() if record.instance]
            self._stop("TaskManagers", records, FLINK_GRACE_SECONDS)
            run = self._start_task_managers(only_alive(run).model_copy(update={"python_code": ""}))
            self._await_task_managers(run)

    def build_jars(self) -> Jars:
        """Return the checkout's jars, built anew where their sources have changed; what runs keeps its own."""
        return self.jars or ensure_jars(self.layout, self.environment, self.report)

    def up_flink(self) -> None:
        """Start Flink alone, for a job that reads and writes another stack's Kafka."""
        with self._locked():
            run = with_ports(self._forget_dead(), self.settings)
            save_run_file(self.layout.run_file, run)
            self._prepare_flink(run, self.build_jars())
            self._await_flink(self._start_task_managers(self._start_job_manager(run)))

    def renew_flink(self, jars: Jars) -> None:
        """Stop Flink's processes and start them with these jars; no job may run, for all are forgotten."""
        with self._locked():
            run = self._forget_dead()
            records = [record for name, record in run.processes.items() if name not in {kafka.NAME, redis.NAME}]
            self._stop("Flink", records, FLINK_GRACE_SECONDS)
            run = only_alive(run).model_copy(update={"python_code": ""})
            self._prepare_flink(run, jars)
            run = self._start_task_managers(self._start_job_manager(run))
            self._await_flink(run)

    def down(self) -> None:
        """Stop everything that belongs to this stack; its data stay."""
        with self._locked():
            run = load_run_file(self.layout.run_file)
            others = {name: [run.processes[name]] for name in (kafka.NAME, redis.NAME) if name in run.processes}
            flink_records = [record for name, record in run.processes.items() if name not in others]
            # Flink first: its sinks close their transactions at the broker.
            self._stop("Flink", flink_records, FLINK_GRACE_SECONDS)
            self._stop("Redis", others.get(redis.NAME, []), REDIS_GRACE_SECONDS)
            self._stop("Kafka", others.get(kafka.NAME, []), KAFKA_GRACE_SECONDS)
            self._stop_leftovers(run.stopped())
            shutil.rmtree(self.layout.metrics, ignore_errors=True)  # nobody listens there any more
            save_run_file(self.layout.run_file, run.stopped())

    def status(self) -> StackStatus:
        """Look at everything; what does not answer is reported as such."""
        return stack_status(self.layout, load_run_file(self.layout.run_file))

    def _port(self, name: str) -> int:
        ports = load_run_file(self.layout.run_file).ports
        if name not in ports:
            raise StackError("the local stack is not running", "run `tollgate up`")
        return ports[name]

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.layout.lock, lambda: self.report("waiting for another tollgate command"))

    def _forget_dead(self) -> RunFile:
        run = only_alive(load_run_file(self.layout.run_file))
        self._stop_leftovers(run)
        return run

    def _stop_leftovers(self, run: RunFile) -> None:
        if left := leftovers(self.layout, run):
            self.report(f"stopping {len(left)} processes left over from an earlier run")
            processes.stop(left, FLINK_GRACE_SECONDS)

    def _prepare_flink(self, run: RunFile, jars: Jars) -> None:
        if run.processes.keys() - {kafka.NAME, redis.NAME}:
            library = self.layout.flink_home / "lib"
            if not all(filecmp.cmp(jar, library / jar.name) for jar in jars.flink):
                self.report("the JVM module has changed: it takes effect after `tollgate down` and `tollgate up`")
            return
        template = load_template(self.layout.project / "conf" / "flink" / "config.yaml")
        prepare_home(self.layout, jars, {**template, **local_options(self.layout, self.settings, run.ports)})

    def _start_kafka(self, run: RunFile, java: Java, jars: Jars) -> RunFile:
        if kafka.NAME in run.processes:
            return run
        self.report(f"starting Kafka on port {run.ports['kafka']}")
        node = kafka.KafkaNode(
            self.layout,
            java.executable,
            jars.kafka,
            run.ports["kafka"],
            run.ports["kafka_controller"],
            self.settings.kafka_heap_mb,
            self.settings.kafka_advertised_port,
        )
        record = kafka.start_kafka(node, self.environment)
        cluster_id = kafka.stored_cluster_id(self.layout)
        return self._remember(run.model_copy(update={"kafka_cluster_id": cluster_id}), record)

    def _start_redis(self, run: RunFile) -> RunFile:
        if redis.NAME in run.processes:
            return run
        self.report(f"starting Redis on port {run.ports['redis']}")
        return self._remember(run, redis.start_redis(self.layout, run.ports["redis"], self.environment))

    def _start_job_manager(self, run: RunFile) -> RunFile:
        if flink.JOB_MANAGER in run.processes:
            return run
        self.report(f"starting Flink's JobManager on port {run.ports['flink_rest']}")
        # A new JobManager knows none of the jobs before it.
        return self._remember(run.model_copy(update={"jobs": {}}), flink.start_job_manager(self.cluster()))

    def _start_task_managers(self, run: RunFile) -> RunFile:
        wanted = [flink.task_manager_name(number + 1) for number in range(self.settings.task_managers)]
        missing = [name for name in wanted if name not in run.processes]
        if missing:
            self.report(f"starting {len(missing)} of {len(wanted)} TaskManagers")
            cluster = self.cluster()
            for name in missing:
                run = self._remember(run, flink.start_task_manager(cluster, name))
        return run

    def _remember(self, run: RunFile, record: ProcessRecord) -> RunFile:
        run = run.with_process(record)
        save_run_file(self.layout.run_file, run)
        return run

    def _await_all(self, run: RunFile) -> None:
        timeout_seconds = self.settings.start_timeout_seconds
        self._await_kafka(run)
        port = run.ports["redis"]
        await_ready(self.layout, run.processes[redis.NAME], lambda: redis.is_ready(self.layout, port), timeout_seconds)
        self.report(f"Redis answers at {redis.redis_url(port)}")
        self._await_flink(run)

    def _await_flink(self, run: RunFile) -> None:
        timeout_seconds = self.settings.start_timeout_seconds
        rest, job_manager = self.rest, run.processes[flink.JOB_MANAGER]
        await_ready(self.layout, job_manager, lambda: is_our_job_manager(rest, self.layout), timeout_seconds)
        self.report(f"Flink answers at {rest.address}")
        self._await_task_managers(run)

    def _await_kafka(self, run: RunFile) -> None:
        servers, cluster_id = f"{LOOPBACK}:{run.ports['kafka']}", run.kafka_cluster_id
        ready = partial(kafka.is_ready, servers, cluster_id)
        await_ready(self.layout, run.processes[kafka.NAME], ready, self.settings.start_timeout_seconds)
        self.report(f"Kafka answers at {servers}")

    def _await_task_managers(self, run: RunFile) -> None:
        rest = self.rest
        records = [record for record in run.processes.values() if record.instance]
        for record in records:
            ready = partial(is_registered, rest, record.instance)
            await_ready(self.layout, record, ready, self.settings.start_timeout_seconds)
        self.report(f"{len(records)} TaskManagers are registered")

    def _stop(self, what: str, records: list[ProcessRecord], grace_seconds: float) -> None:
        running = [process for record in records if (process := processes.find(record)) is not None]
        if running:
            self.report(f"stopping {what} ({len(running)} processes)")
            processes.stop(running, grace_seconds)
