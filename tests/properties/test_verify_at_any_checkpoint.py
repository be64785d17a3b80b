"""`verify` passes on whatever a job has committed of a log, and fails once any of it is gone or changed."""

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from billing.price_books.document import document_from_plain
from flink_jobs.topics import CONTRACTS, DEAD_LETTERS, PRICE_BOOKS, RECORDS, USAGE_EVENTS
from tests import engine
from tests.properties.test_core_against_oracle import books, contracts, cuts, logs
from tests.unit.tollgate.books_in_memory import MemoryLog, message
from tollgate.kafka_log import LogRecord
from wire.price_books import to_contract_message, to_message

quick = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Prices:
    """What was published before the first event."""

    books: list[dict[str, Any]]
    contracts: list[dict[str, Any]]

    def topics(self) -> dict[str, list[LogRecord]]:
        books = [to_message(document_from_plain(one)) for one in self.books]
        agreed = [to_contract_message(document_from_plain(one)) for one in self.contracts]
        return {
            PRICE_BOOKS: [message(PRICE_BOOKS, one, b"", at) for at, one in enumerate(books)],
            CONTRACTS: [message(CONTRACTS, one, b"", at) for at, one in enumerate(agreed)],
        }


prices = st.builds(Prices, books(), st.lists(contracts(("b", "c"), alone=True), max_size=3))


@st.composite
def checkpoints(draw: st.DrawFn) -> MemoryLog:
    """A log of two partitions, and what a job had written when it had read any part of each."""
    log, published = draw(logs()), draw(prices)
    read = {number: records[: draw(st.integers(0, 40))] for number, records in log.items()}
    known = [engine.parse(one) for one in published.books], [engine.parse_agreed(one) for one in published.contracts]
    job = engine.rate_log(read, known[0], draw(cuts()), known[1])
    for one in (*job.records, *job.letters):
        if one.HasField("source"):
            one.books_offset, one.contracts_offset = len(published.books), len(published.contracts)
    topics = published.topics()
    topics[RECORDS] = [message(RECORDS, one, one.customer_id.encode(), at) for at, one in enumerate(job.records)]
    topics[DEAD_LETTERS] = [message(DEAD_LETTERS, one, one.key, at) for at, one in enumerate(job.letters)]
    topics[USAGE_EVENTS] = [
        LogRecord(USAGE_EVENTS, number, one.offset, one.timestamp_ms, one.key, one.value)
        for number, records in log.items()
        for one in records
    ]
    return MemoryLog(topics, 2, {number: len(records) for number, records in read.items()})


@quick
@given(checkpoints(), st.booleans())
def test_what_a_job_has_committed_is_right(found: MemoryLog, told: bool) -> None:
    """Whether the job has said so yet, or not: its transactions may commit before its offsets do."""
    if not told:
        found.committed = {}
    report = found.verify()
    assert report.differences == []
    assert report.input == report.rated + report.duplicates + report.dead_lettered + report.pending


@quick
@given(checkpoints(), st.sampled_from((RECORDS, DEAD_LETTERS)), st.data())
def test_whatever_is_dropped_or_doubled_is_found(found: MemoryLog, topic: str, data: st.DataObject) -> None:
    written = found.topics[topic]
    assume(written)
    one = data.draw(st.sampled_from(written))
    if data.draw(st.booleans()):
        written.remove(one)
    else:
        written.append(one)
    assert not found.verify().passed
