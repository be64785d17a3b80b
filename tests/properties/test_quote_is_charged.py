"""A quote from the log is what the next event is then charged, whatever the books and the log are."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.outcomes import BillingRecord
from billing.price_books.document import document_from_plain
from billing.quote import quote
from flink_jobs.topics import CONTRACTS, DEAD_LETTERS, PRICE_BOOKS, RECORDS, USAGE_EVENTS
from tests import engine
from tests.oracle import LogRecord
from tests.properties.test_core_against_oracle import CUSTOMERS, METERS, books, contracts, hash_of, instants, logs
from tests.unit.tollgate.books_in_memory import MemoryLog, message
from tollgate import kafka_log
from tollgate.audit.standing import standing_of
from wire.price_books import to_contract_message, to_message
from wire.records import ReadSoFar, record_message
from wire.usage import decode_usage
from wire.v1 import usage_pb2

IGNORED = ("record_id", "sequence", "source", "books_offset", "contracts_offset", "clock_ms")
"""What only a billed record has; closings that the end of the test's log brings about take numbers, too."""


class Topics(MemoryLog):
    """Topics whose customers have the partitions of the strategies."""

    def partition_of(self, topic: str, key: str) -> int:
        return hash_of(key.encode()) if topic == USAGE_EVENTS else 0


def topics_of(
    partitions: Mapping[int, Sequence[LogRecord]], plain: list[dict[str, Any]], agreed: list[dict[str, Any]]
) -> Topics:
    """Return the topics after the job has rated a log; prices were published before everything else."""
    job = rate(partitions, plain, agreed)
    sent = [
        kafka_log.LogRecord(USAGE_EVENTS, number, one.offset, one.timestamp_ms, one.key, one.value)
        for number, records in partitions.items()
        for one in records
    ]
    published = [to_message(document_from_plain(one)).SerializeToString() for one in plain]
    signed = [to_contract_message(document_from_plain(one)).SerializeToString() for one in agreed]
    topics = {
        USAGE_EVENTS: sent,
        RECORDS: [message(RECORDS, one, one.customer_id.encode(), at) for at, one in enumerate(job.records)],
        DEAD_LETTERS: [message(DEAD_LETTERS, one, one.key, at) for at, one in enumerate(job.letters)],
        PRICE_BOOKS: [kafka_log.LogRecord(PRICE_BOOKS, 0, 0, 0, b"", one) for one in published],
        CONTRACTS: [kafka_log.LogRecord(CONTRACTS, 0, -at, 0, b"", one) for at, one in enumerate(signed, 1)],
    }
    ends = {number: len(records) for number, records in partitions.items()}
    return Topics(topics, len(partitions), ends)


def rate(
    partitions: Mapping[int, Sequence[LogRecord]], plain: list[dict[str, Any]], agreed: list[dict[str, Any]]
) -> engine.Engine:
    books_read = [engine.parse(one) for one in plain]
    return engine.rate_log(partitions, books_read, contracts=[engine.parse_agreed(one) for one in agreed])


@settings(max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    logs(),
    books(),
    st.lists(contracts(("b", "c"), alone=True), max_size=3),
    st.sampled_from(CUSTOMERS),
    st.sampled_from(METERS),
    st.integers(1, 60),
    instants,
)
def test_a_quote_is_what_the_next_event_is_charged(  # noqa: PLR0913 - one argument a strategy
    partitions: dict[int, list[LogRecord]],
    plain: list[dict[str, Any]],
    agreed: list[dict[str, Any]],
    customer: str,
    meter: str,
    quantity: int,
    event_time_ms: int,
) -> None:
    standing = standing_of(topics_of(partitions, plain, agreed), customer, "")  # type: ignore[arg-type]
    value = usage_pb2.UsageEvent(
        event_id="next", customer_id=customer, meter=meter, quantity=quantity, event_time_ms=event_time_ms
    ).SerializeToString()
    event = decode_usage(value)
    assert event is not None
    quoted = quote(standing.state, event, standing.clock_ms, standing.prices, standing.memory)

    home = standing.state.partition
    offset = len(partitions[home])
    further = LogRecord(offset=offset, timestamp_ms=event_time_ms, key=customer.encode(), value=value)
    job = rate(partitions | {home: [*partitions[home], further]}, plain, agreed)
    charged = [one for one in job.records if (one.source.partition, one.source.offset) == (home, offset)]
    refused = [one for one in job.letters if (one.source.partition, one.source.offset) == (home, offset)]
    charged = [one for one in charged if one.HasField("source")]

    if isinstance(quoted, BillingRecord):
        records = [quoted, *([quoted.follow_up] if quoted.follow_up is not None else [])]
        expected = [record_message(one, None, ReadSoFar(0)) for one in records]
        assert [stripped(one) for one in expected] == [stripped(one) for one in charged]
        assert not refused
    else:
        names = [(engine.billing_pb2.DeadLetter.Reason.Name(one.reason), one.detail) for one in refused]
        assert names == [(quoted.reason.value, quoted.detail)]
        assert not charged


def stripped(record: Any) -> Any:
    for name in IGNORED:
        record.ClearField(name)
    return record
