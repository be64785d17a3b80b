"""The yardstick: one Python process, the same core over dicts, no state store, no guarantees."""

import sys
import time
from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from billing.catalog import PriceCatalog
from billing.events import Delivery, fingerprint_of, identity_of
from billing.memory import DictMemory
from billing.outcomes import BillingRecord
from billing.rating import step
from billing.state import CustomerState
from flink_jobs.prices import read_prices
from flink_jobs.topics import USAGE_EVENTS
from wire.price_books import from_message
from wire.records import record_message
from wire.usage import decode_usage
from wire.v1 import common_pb2

SCRATCH_TOPIC = "bench.plain-loop"


def run(bootstrap: str, partitions: int) -> tuple[int, float, float]:
    """Rate the whole topic once; returns records produced, the seconds it took, and its processor seconds."""
    prices = read_prices(bootstrap, {})
    catalog = PriceCatalog(book for one in prices.published if not isinstance(book := from_message(one.value), list))
    producer = Producer(
        {
            "bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 20,
            "compression.type": "lz4", "batch.num.messages": 20_000, "queue.buffering.max.messages": 1_000_000,
        }
    )  # fmt: skip
    states: dict[str, CustomerState] = {}
    memory = DictMemory()
    clocks = [0] * partitions
    count = 0
    begun = cpu_begun = 0.0
    for message in _messages(bootstrap, partitions):
        if not begun:
            begun, cpu_begun = time.perf_counter(), time.process_time()
        event = decode_usage(message.value())
        if event is None:
            continue
        partition = message.partition()
        delivery = Delivery(partition, message.offset(), message.timestamp()[1], clocks[partition])
        clocks[partition] = max(clocks[partition], event.event_time_ms)
        identity, fingerprint = identity_of(event.customer_id, event.event_id), fingerprint_of(event)
        state = states.get(event.customer_id)
        if state is None:
            state = states[event.customer_id] = CustomerState(event.customer_id)
        seen = memory.seen(identity)
        _, outcome = step(state, event, delivery, identity, fingerprint, seen, catalog, memory)
        if isinstance(outcome, BillingRecord):
            source = common_pb2.SourcePosition(topic=USAGE_EVENTS, partition=partition, offset=delivery.offset)
            value = record_message(outcome, source, prices.read).SerializeToString()
            _produce(producer, value, event.customer_id)
            count += 1
    producer.flush()
    return count, time.perf_counter() - begun, time.process_time() - cpu_begun


def _produce(producer: Producer, value: bytes, customer_id: str) -> None:
    while True:
        try:
            producer.produce(SCRATCH_TOPIC, value=value, key=customer_id)
            return
        except BufferError:
            producer.poll(0.05)


def _messages(bootstrap: str, partitions: int) -> Iterator[Message]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-plain-loop", "enable.partition.eof": True})
    consumer.assign([TopicPartition(USAGE_EVENTS, number, OFFSET_BEGINNING) for number in range(partitions)])
    left = partitions
    while left:
        for message in consumer.consume(10_000, 1.0):
            if message.error():
                left -= 1
            else:
                yield message
    consumer.close()


if __name__ == "__main__":
    produced, seconds, cpu_seconds = run(sys.argv[1], int(sys.argv[2]))
    sys.stdout.write(f"{produced} {seconds} {cpu_seconds}\n")
