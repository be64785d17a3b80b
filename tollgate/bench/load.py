"""The load: usage events of customers drawn evenly, as fast as the machine goes or at a rate."""

from collections.abc import Iterator
from random import Random

from confluent_kafka import Producer

from flink_jobs.topics import USAGE_EVENTS
from wire.v1 import usage_pb2

METERS = ("sms.outbound", "mms.outbound", "api.calls", "data.transfer")
REGIONS = ("eu-west", "us-east", "ap-south")
DUPLICATE_EVERY = 200


def load_producer(bootstrap: str, linger_ms: int) -> Producer:
    """Return a producer with Kafka's own partitioner."""
    return Producer(
        {
            "bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": linger_ms, "acks": "all",
            "compression.type": "lz4", "batch.num.messages": 20_000, "queue.buffering.max.messages": 1_000_000,
        }
    )  # fmt: skip


def load_events(customers: int, start_ms: int, seed: int) -> Iterator[tuple[int, str, bytes]]:
    """Yield (event time, customer, event) for ever, a millisecond apart; half a percent repeat the one before."""
    random = Random(seed)  # noqa: S311 - reproducible load, no secret
    customer, value, index = "", b"", 0
    while True:
        if index % DUPLICATE_EVERY != DUPLICATE_EVERY - 1:
            customer = f"cust-{random.randrange(customers):07d}"
            value = usage_pb2.UsageEvent(
                event_id=f"{random.getrandbits(128):032x}",
                customer_id=customer,
                meter=METERS[index & 3],
                quantity=random.randrange(1, 100),
                event_time_ms=start_ms + index,
                dimensions={"region": REGIONS[index % 3]},
            ).SerializeToString()
        yield start_ms + index, customer, value
        index += 1


def produce_load(bootstrap: str, events: int, customers: int, start_ms: int, seed: int = 7) -> None:
    """Write `events` events before any clock is started. Kafka's timestamps are the event times."""
    producer = load_producer(bootstrap, linger_ms=20)
    source = load_events(customers, start_ms, seed)
    for index in range(events):
        time_ms, key, value = next(source)
        produce_one(producer, key, value, time_ms)
        if index % 10_000 == 0:
            producer.poll(0)
    producer.flush()


def produce_one(producer: Producer, key: str, value: bytes, timestamp_ms: int, topic: str = USAGE_EVENTS) -> None:
    """Hand one event to the producer, waiting while its queue is full."""
    while True:
        try:
            producer.produce(topic, value=value, key=key, timestamp=timestamp_ms)
            return
        except BufferError:
            producer.poll(0.1)
