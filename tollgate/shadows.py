"""Shadows of usage rating: a second job, forked from a savepoint, rates the same input into topics of its own.

It runs on a Flink of its own, so that it may have other code than the jobs beside it, and takes nothing from them.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from flink_jobs.settings import USAGE_RATING, of_shadow
from flink_jobs.topics import ALL, PRICE_BOOKS, RECORDS
from tollgate.builds import keep_build
from tollgate.context import Context
from tollgate.jobs import JOBS, await_first_checkpoint, bundle, live_job
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.files import write_atomically
from tollgate.local.flink_home import own_jars
from tollgate.local.savepoints import read_offsets
from tollgate.local.submit import submit_python_job
from tollgate.publishing import accept
from tollgate.state_check import refuse_unreadable
from tollgate.submissions import note_savepoint
from tollgate.times import now_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tollgate.kafka_log import KafkaLog
    from tollgate.local.settings import LocalStackSettings
    from tollgate.price_files import Draft

_TASKS_SECONDS = 120.0
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Shadow(BaseModel):
    """A shadow that was started: where it forked off, in time (epoch ms) and offsets by partition of usage.events."""

    model_config = ConfigDict(frozen=True)

    name: str
    job_id: str
    forked_ms: int
    offsets: dict[int, int]
    books: tuple[str, ...] = ()
    build: str


class ShadowContext(Context):
    """A shadow's surroundings: the Kafka of the stack that it belongs to, and of a stack of its own Flink alone."""

    def __init__(self, main: Context, name: str, task_managers: int = 1) -> None:
        own = {"home": home_of(main, name), "kafka_port": 0, "flink_port": 0, "redis_port": 0}
        super().__init__(main.settings.model_copy(update=own))
        self._main = main
        self._task_managers = task_managers

    def stack_settings(self) -> LocalStackSettings:
        """Return the settings of the stack, with as many TaskManagers as the one job needs."""
        return super().stack_settings().model_copy(update={"task_managers": self._task_managers})

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's address: that of the stack beside."""
        return self._main.bootstrap_servers


def home_of(context: Context, name: str) -> Path:
    """Return where a shadow keeps what is its own. Raises StackError for what is no name: `..` is no home of one."""
    if not _NAME.fullmatch(name):
        raise StackError(f"{name!r} is no name of a shadow", "use lower case letters, digits, hyphens", EXIT_UNUSABLE)
    return _shadows(context) / name


def running_shadows(context: Context) -> list[Shadow]:
    """Return the shadows that were started and not stopped, by name."""
    found = (read_shadow(context, name) for name in shadow_names(context))
    return [one for one in found if one is not None]


def shadow_names(context: Context) -> list[str]:
    """Return the names of all shadows that have a home, also of those whose start came to no end."""
    return sorted(one.name for one in _shadows(context).glob("*") if one.is_dir() and _NAME.fullmatch(one.name))


def read_shadow(context: Context, name: str) -> Shadow | None:
    """Return a shadow that was started, None where there is none of that name."""
    try:
        return Shadow.model_validate_json(_note(context, name).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def state_of(context: Context, shadow: Shadow) -> str:
    """Return the state of a shadow's job, GONE where its Flink does not answer or does not know it."""
    try:
        return str(ShadowContext(context, shadow.name).stack.rest.job(shadow.job_id)["state"])
    except StackError:
        return "GONE"


def start_shadow(context: Context, name: str, drafts: Sequence[Draft], parallelism: int = 1) -> Shadow:
    """Fork the running rating job. `drafts` are books that the shadow has besides those that are published."""
    if home_of(context, name).exists():
        raise StackError(
            f"there is a shadow {name}", f"`tollgate shadow stop {name}`, or take another name", EXIT_UNUSABLE
        )
    try:
        return _start(context, name, drafts, parallelism)
    except BaseException:
        stop_shadow(context, name)  # half a shadow is none
        raise


def _start(context: Context, name: str, drafts: Sequence[Draft], parallelism: int) -> Shadow:
    spec = JOBS[USAGE_RATING]
    if drafts:
        fork_books(context, name, drafts)
    make_topics(context.log, name)
    forked_ms = now_ms()
    savepoint = fork_savepoint(context, name)
    refuse_unreadable(context.stack.layout, USAGE_RATING, savepoint)
    beside = ShadowContext(context, name, parallelism)
    beside.stack.up_flink()
    layout = beside.stack.layout
    build = keep_build(layout.home, bundle(layout.home), own_jars(layout))
    arguments = ["--bootstrap-servers", context.bootstrap_servers, *spec.arguments(context), "--shadow", name]
    if drafts:
        arguments += ["--price-books-topic", of_shadow(name, PRICE_BOOKS)]
    context.report(f"starting {of_shadow(name, USAGE_RATING)} from {savepoint.name}")
    job_id = submit_python_job(
        beside.stack,
        USAGE_RATING,
        build.program(spec.program),
        parallelism=parallelism,
        py_files=[build.archive],
        args=[*arguments, "--parallelism", str(parallelism)],
        savepoint=savepoint,
        drop_unknown_state=True,  # transactions and, where it has books of its own, how far the others were read
    )
    beside.stack.rest.await_tasks(job_id, _TASKS_SECONDS)
    await_first_checkpoint(beside, job_id)
    offsets = read_offsets(beside.stack.cluster(), savepoint, spec.source_uid)
    shadow = Shadow(
        name=name,
        job_id=job_id,
        forked_ms=forked_ms,
        offsets={partition: offset for (_, partition), offset in offsets.items()},
        books=tuple(draft.key for draft in drafts),
        build=build.id,
    )
    write_atomically(_note(context, name), shadow.model_dump_json(indent=2) + "\n")
    return shadow


def fork_savepoint(context: Context, name: str) -> Path:
    """Take a savepoint of the running rating job into the shadow's home: no start of the job itself may find it."""
    job = live_job(context, USAGE_RATING)
    if job is None:
        raise StackError(f"job {USAGE_RATING} does not run", "start it with `tollgate up`")
    directory = home_of(context, name) / "fork"
    directory.mkdir(parents=True)
    path = directory / context.stack.rest.savepoint(job.id, directory).rpartition("/")[2]
    note_savepoint(context.stack.layout, job.id, path)
    return path


def make_topics(log: KafkaLog, name: str) -> None:
    """Make the topics that a shadow writes to, with as many partitions as the job's own have."""
    outputs = set(JOBS[USAGE_RATING].outputs)
    own = [replace(topic, name=of_shadow(name, topic.name)) for topic in ALL if topic.name in outputs]
    log.create_topics(own, len(log.partitions(RECORDS)))


def fork_books(context: Context, name: str, drafts: Sequence[Draft]) -> None:
    """Make a shadow's own topic of price books: all that are published, at the same offsets, then the drafts.

    The offsets must be the same: the state that the shadow is forked from knows books by them.
    """
    log = context.log
    new = accept(log, drafts, context.report)
    if len(new) < len(drafts):
        raise StackError(
            "the book is published already, so there is nothing to compare", "give the draft a new version"
        )
    topic = of_shadow(name, PRICE_BOOKS)
    (books,) = (one for one in ALL if one.name == PRICE_BOOKS)
    log.create_topics([replace(books, name=topic)], 1)
    published = list(log.read(PRICE_BOOKS))
    if [one.offset for one in published] != list(range(len(published))):
        raise StackError(
            f"{PRICE_BOOKS} has gaps, so a copy of it has other offsets", "start without a book of its own"
        )
    with log.producer() as producer:
        for one in published:
            producer.send(topic, key=one.key, value=one.value, partition=0, timestamp_ms=one.timestamp_ms)
        for draft in drafts:
            producer.send(topic, key=draft.key.encode(), value=draft.message, partition=0)


def stop_shadow(context: Context, name: str) -> bool:
    """End a shadow and remove all that is its own; returns whether there was anything."""
    home = home_of(context, name)
    if not home.exists():
        return False
    ShadowContext(context, name).stack.down()
    prefix = of_shadow(name, "")
    context.log.delete_topics(prefix)
    context.log.delete_groups(prefix)
    shutil.rmtree(home)
    return True


def _shadows(context: Context) -> Path:
    return context.stack.layout.home / "shadows"


def _note(context: Context, name: str) -> Path:
    return home_of(context, name) / "shadow.json"
