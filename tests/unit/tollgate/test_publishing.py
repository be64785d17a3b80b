"""`prices publish`: it returns when every running job rates with what it was given, published now or before."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from flink_jobs.settings import BOOKS_GROUP, CONTRACTS_GROUP, USAGE_RATING
from flink_jobs.topics import CONTRACTS, PRICE_BOOKS
from tests.unit.tollgate.books_in_memory import MemoryLog
from tollgate import publishing
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import StackError
from tollgate.price_files import read_drafts
from tollgate.settings import REPOSITORY

BOOK = REPOSITORY / "conf" / "price_books" / "standard.yaml"
TOPICS = {BOOKS_GROUP: PRICE_BOOKS, CONTRACTS_GROUP: CONTRACTS}


class PriceLog(MemoryLog):
    """The topics of prices; `read_by_job` says how far the job has committed them."""

    def __init__(self) -> None:
        super().__init__({PRICE_BOOKS: [], CONTRACTS: []})
        self.read_by_job: dict[str, int] = {}

    def group_offsets(self, group: str) -> dict[TopicPartition, int]:
        topic = TOPICS.get(group, "")
        return {TopicPartition(topic, 0): self.read_by_job[topic]} if topic in self.read_by_job else {}

    @contextmanager
    def producer(self) -> Iterator["PriceLog"]:
        yield self

    def send(self, topic: str, *, key: bytes, value: bytes, partition: int) -> Any:
        written = self.topics[topic]
        written.append(LogRecord(topic, partition, len(written), 0, key, value))
        return SimpleNamespace(get=lambda timeout: timeout)


@pytest.fixture(autouse=True)
def job_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that commits when a test says so."""
    monkeypatch.setattr(publishing, "live_job", lambda *_: object())
    monkeypatch.setattr(publishing, "commit_soon", lambda *_: None)


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A contract of its own."""
    file = tmp_path / "acme.yaml"
    file.write_text("customer_id: acme\neffective_from: 2026-11-01T00:00:00Z\ndiscount_percent: '5'\n")
    return file


def publish(log: PriceLog, *files: Path, report: Callable[[str], None] = lambda _: None) -> None:
    settings = SimpleNamespace(bootstrap_servers="", jobs=(USAGE_RATING,))
    stack = SimpleNamespace(status=lambda: SimpleNamespace(flink_address="http://flink"))
    context: Any = SimpleNamespace(log=log, settings=settings, stack=stack, report=report)
    publishing.publish(context, read_drafts(files, context.report), timeout_seconds=0)


def test_what_no_job_has_read_is_waited_for() -> None:
    log = PriceLog()
    with pytest.raises(StackError, match="published, but usage-rating has completed no checkpoint with it"):
        publish(log, BOOK)
    assert len(log.topics[PRICE_BOOKS]) == 1


def test_what_is_published_again_is_waited_for_as_at_first(contract: Path) -> None:
    """The first time may have ended at its timeout."""
    log = PriceLog()
    for file, topic in ((BOOK, PRICE_BOOKS), (contract, CONTRACTS)):
        for _ in range(2):
            with pytest.raises(StackError, match="has completed no checkpoint"):
                publish(log, file)
        assert len(log.topics[topic]) == 1, "written once"
        log.read_by_job[topic] = 1
        publish(log, file)


def test_a_topic_that_nothing_was_given_for_is_not_waited_for(contract: Path) -> None:
    log = PriceLog()
    with pytest.raises(StackError):
        publish(log, contract)
    log.read_by_job[PRICE_BOOKS] = 1
    publish(log, BOOK)


def test_a_conflict_with_what_is_published_has_the_line_of_its_file(tmp_path: Path) -> None:
    log = PriceLog()
    with pytest.raises(StackError):
        publish(log, BOOK)
    text = BOOK.read_text(encoding="utf-8").replace("currency: USD", "currency: EUR")
    file, said = tmp_path / "eur.yaml", list[str]()
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StackError, match="2 conflicts with what is published; nothing was published"):
        publish(log, file, report=said.append)
    fields = ("currency", "version")
    at = [next(at for at, line in enumerate(text.splitlines(), 1) if line.startswith(name)) for name in fields]
    assert [line.split(": ")[:2] for line in said] == [[f"{file}:{at[0]}", "currency"], [f"{file}:{at[1]}", "version"]]
    assert len(log.topics[PRICE_BOOKS]) == 1
