"""The load: usage events written as fast as the machine goes, before any clock is started."""

from random import Random

from confluent_kafka import Producer

from flink_jobs.topics import USAGE_EVENTS
from wire.v1 import usage_pb2

METERS = ("sms.outbound", "mms.outbound", "api.calls", "data.transfer")
REGIONS = ("eu-west", "us-east", "ap-south")


def produce_load(bootstrap: str, events: int, customers: int, start_ms: int, seed: int = 7) -> None:
    """Write `events` distinct events of `customers` customers, a millisecond apart.

    Kafka's timestamps are the event times. Half a percent are duplicates of earlier events.
    """
    producer = Producer(
        {
            "bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 20, "acks": "all",
            "compression.type": "lz4", "batch.num.messages": 20_000, "queue.buffering.max.messages": 1_000_000,
        }
    )  # fmt: skip
    random = Random(seed)  # noqa: S311 - reproducible load, no secret
    value, key = b"", b""
    for index in range(events):
        if index % 200 != 199:
            customer = f"cust-{random.randrange(customers):07d}"
            event = usage_pb2.UsageEvent(
                event_id=f"{random.getrandbits(128):032x}",
                customer_id=customer,
                meter=METERS[index & 3],
                quantity=random.randrange(1, 100),
                event_time_ms=start_ms + index,
                dimensions={"region": REGIONS[index % 3]},
            )
            value, key = event.SerializeToString(), customer.encode()
        while True:
            try:
                producer.produce(USAGE_EVENTS, value=value, key=key, timestamp=start_ms + index)
                break
            except BufferError:
                producer.poll(0.1)
        if index % 10_000 == 0:
            producer.poll(0)
    producer.flush()
