"""`verify` on a copy of the committed records that was tampered with: it fails and names the difference."""

from collections.abc import Callable

import pytest

from flink_jobs.topics import RECORDS, Topic
from tests.integration.conftest import Tollgate, usage
from tollgate.kafka_log import LogRecord
from wire.v1 import billing_pb2

Tamper = Callable[[billing_pb2.BillingRecord], list[billing_pb2.BillingRecord]]


def changed(record: billing_pb2.BillingRecord, **fields: object) -> billing_pb2.BillingRecord:
    """Return a copy with other fields."""
    copy = billing_pb2.BillingRecord()
    copy.CopyFrom(record)
    for name, value in fields.items():
        setattr(copy, name, value)
    return copy


TAMPERING: dict[str, tuple[Tamper, str]] = {
    "altered": (lambda one: [changed(one, amount="0.2")], "amount is 0.2, expected 0.11"),
    "dropped": (lambda _: [], "record missing: ivy #1 mms.outbound x 25 = 0.11"),
    "doubled": (lambda one: [one, one], "stands there twice"),
    "renumbered": (lambda one: [changed(one, sequence=3)], "ivy has sequence 3 after 0"),
}


@pytest.mark.parametrize("how", ["untouched", *TAMPERING])
def test_a_tampered_copy_fails_with_the_difference_named(tollgate: Tollgate, now_ms: int, how: str) -> None:
    if how == "untouched":
        tollgate.produce([usage("ivy", "i1", 25, now_ms, meter="mms.outbound")])  # 20 of them are free
        tollgate.ok("wait")
    tamper, difference = TAMPERING.get(how, (lambda one: [one], ""))
    context = tollgate.context
    topic = f"copy.{how}"
    context.log.create_topics([Topic(topic)], 4)
    with context.log.producer() as producer:
        for one in context.log.read(RECORDS):
            for value in _values(one, tamper):
                producer.send(topic, key=one.key, value=value, partition=one.partition)
    done = tollgate.run("verify", "--records-topic", topic)
    if how == "untouched":
        assert done.returncode == 0, done.stdout
    else:
        assert done.returncode == 1
        assert difference in done.stdout, done.stdout


def _values(one: LogRecord, tamper: Tamper) -> list[bytes]:
    record = billing_pb2.BillingRecord.FromString(one.value)
    copies = tamper(record) if record.customer_id == "ivy" else [record]
    return [copy.SerializeToString() for copy in copies]
