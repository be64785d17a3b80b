"""A start by itself goes on from the newest state, and from no older one where records were committed since."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kafka import TopicPartition

from flink_jobs.settings import INVOICING_JOB, USAGE_RATING
from flink_jobs.topics import INVOICES, RECORDS, USAGE_EVENTS
from tollgate import jobs, rewinding
from tollgate.builds import Build
from tollgate.context import Context
from tollgate.jobs import JOBS, submit_job
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import StackError
from tollgate.local.layout import Layout
from tollgate.rewinding import refuse_rewind
from wire.v1 import billing_pb2


@dataclass
class Log:
    """Ten events were read and rated, all in partition 0."""

    reached: int = 10
    later: list[LogRecord] = field(default_factory=list)

    def group_offsets(self, _: str) -> Mapping[TopicPartition, int]:
        return {TopicPartition(USAGE_EVENTS, 0): self.reached}

    def read(self, topic: str) -> Iterator[LogRecord]:
        source = {"topic": USAGE_EVENTS, "partition": 0}
        records = [billing_pb2.BillingRecord(source={**source, "offset": number}) for number in range(self.reached)]
        if topic == RECORDS:
            yield from (
                LogRecord(RECORDS, 0, 2 * at, 0, b"", one.SerializeToString()) for at, one in enumerate(records)
            )

    def read_since(self, topic: str, _: int) -> Iterator[LogRecord]:
        yield from (one for one in self.later if one.topic == topic)

    def ends(self, _: str, *, committed: bool) -> Mapping[TopicPartition, int]:
        assert not committed
        return {TopicPartition(RECORDS, 0): 2 * self.reached}


@dataclass
class Started:
    """What a job was submitted from."""

    savepoint: Path | None = None
    times: int = 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Submit nothing; a state has read as many events as its number says."""
    started = Started()

    def submit(*_: object, savepoint: Path | None, **__: object) -> str:
        started.savepoint, started.times = savepoint, started.times + 1
        return "job"

    def read_offsets(_: object, savepoint: Path, uid: str) -> dict[tuple[str, int], int]:
        assert uid == JOBS[USAGE_RATING].source_uid
        number = int(savepoint.name.removeprefix("chk-"))
        return {(USAGE_EVENTS, 0): number} if number else {}

    monkeypatch.setattr(jobs, "submit_python_job", submit)
    monkeypatch.setattr(jobs, "bundle", lambda _: Path("tollgate.zip"))
    monkeypatch.setattr(jobs, "keep_build", lambda home, *_: empty_build(home))
    monkeypatch.setattr(rewinding, "read_offsets", read_offsets)
    return started


def empty_build(home: Path) -> Build:
    build = Build(home / "builds" / "0")
    build.directory.mkdir(parents=True, exist_ok=True)
    return build


def context(home: Path, log: Log) -> Context:
    stack = SimpleNamespace(layout=Layout.of(home, home), cluster=lambda: None)
    settings = SimpleNamespace(
        checkpoint_interval_ms=1000, default_price_book="", surge_patience_ms=0, parallelism=1, partitions=1
    )
    fake = SimpleNamespace(
        stack=stack, settings=settings, log=log, bootstrap_servers="", job_secrets={}, report=lambda _: None
    )
    return cast("Context", cast("Any", fake))


def checkpoint(home: Path, number: int, content: bytes = b"state") -> Path:
    directory = Layout.of(home, home).checkpoints_of(USAGE_RATING) / "job" / f"chk-{number}"
    directory.mkdir(parents=True)
    (directory / "_metadata").write_bytes(content)
    return directory


def test_it_goes_on_from_the_newest_state(tmp_path: Path, started: Started) -> None:
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    submit_job(context(tmp_path, Log()), JOBS[USAGE_RATING])
    assert started.savepoint == newest


@pytest.mark.parametrize("content", [b"", None])
def test_where_the_newest_was_lost_an_older_one_is_refused(
    tmp_path: Path, started: Started, content: bytes | None
) -> None:
    """A disk that was full or a crash of the machine leaves empty files, and files that are missing."""
    checkpoint(tmp_path, 9)
    lost = checkpoint(tmp_path, 10, content or b"")
    if content is None:
        (lost / "_metadata").unlink()
    with pytest.raises(StackError, match="holds records committed after chk-9"):
        submit_job(context(tmp_path, Log()), JOBS[USAGE_RATING])
    assert not started.times


def test_an_older_one_is_as_good_where_nothing_was_committed_since(tmp_path: Path, started: Started) -> None:
    newest_complete = checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 11, b"")  # it was being written when the JobManager died
    submit_job(context(tmp_path, Log()), JOBS[USAGE_RATING])
    assert started.savepoint == newest_complete


def test_a_state_from_before_the_first_record_is_taken_where_nothing_was_written(
    tmp_path: Path, started: Started
) -> None:
    first = checkpoint(tmp_path, 0)
    submit_job(context(tmp_path, Log(reached=0)), JOBS[USAGE_RATING])
    assert started.savepoint == first
    with pytest.raises(StackError, match="no savepoint of usage-rating"):
        submit_job(context(tmp_path, Log()), JOBS[USAGE_RATING])


def test_what_is_asked_for_by_name_is_its_caller_s_to_judge(tmp_path: Path, started: Started) -> None:
    older = checkpoint(tmp_path, 9)
    submit_job(context(tmp_path, Log()), JOBS[USAGE_RATING], savepoint=older)
    assert started.savepoint == older


def test_without_any_state_a_job_that_has_written_is_refused(tmp_path: Path, started: Started) -> None:
    with pytest.raises(StackError, match="no checkpoint or savepoint of it is left"):
        submit_job(context(tmp_path, Log()), JOBS[USAGE_RATING])
    assert not started.times
    submit_job(context(tmp_path, Log(reached=0)), JOBS[USAGE_RATING])
    assert (started.times, started.savepoint) == (1, None)


@dataclass
class Invoiced:
    """Ten records, written a second apart; an invoice came of the last, in its second."""

    consumed: int = 10

    def group_offsets(self, _: str) -> Mapping[TopicPartition, int]:
        return {TopicPartition(RECORDS, 0): self.consumed, TopicPartition(RECORDS, 1): 0}

    def first(self, part: TopicPartition, offset: int) -> LogRecord | None:
        return LogRecord(part.topic, part.partition, offset, 1000 * offset, b"", b"") if offset < 10 else None

    def read_since(self, topic: str, timestamp_ms: int) -> Iterator[LogRecord]:
        assert topic == INVOICES
        yield from (one for one in [LogRecord(INVOICES, 0, 0, 9_500, b"", b"")] if one.timestamp_ms >= timestamp_ms)


@pytest.mark.parametrize(("reached", "refused"), [(10, False), (9, True)])
def test_an_invoice_that_a_state_does_not_know_of_is_seen_although_a_copy_has_made_the_state_young(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached: int, *, refused: bool
) -> None:
    """The state was written just now, by the time of its file; the invoice long before."""
    state = checkpoint(tmp_path, reached)
    monkeypatch.setattr(rewinding, "read_offsets", lambda *_: {(RECORDS, 0): reached})
    surroundings = context(tmp_path, cast("Any", Invoiced()))
    if not refused:
        refuse_rewind(surroundings, JOBS[INVOICING_JOB], state)
        return
    with pytest.raises(StackError, match=r"billing\.invoices holds records committed after chk-9, such as 0/0"):
        refuse_rewind(surroundings, JOBS[INVOICING_JOB], state)
