"""A world by seed: traffic, faults, and after every step a look at what must never break."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random

from billing.events import Measure
from tests.oracle import LogRecord
from tests.simulation.balances import BalancesJob, Redis
from tests.simulation.broker import Broker
from tests.simulation.job import RatingJob, Safeguards, ShardRater, framed_record, outputs_of, shard_of
from tests.simulation.traffic import PRICES, Traffic
from wire.frames import Tag, unpack_outgoing
from wire.records import ReadSoFar
from wire.usage import decode_usage
from wire.v1 import billing_pb2

STEPS = {
    "ingest": 30, "read": 30, "flush": 20, "pass_time": 8, "checkpoint": 10, "commit": 12, "lose_answer": 3,
    "crash": 4, "rescale": 2, "expire": 2, "balances": 15, "balances_checkpoint": 4, "balances_crash": 2,
    "redis_flush": 1,
}  # fmt: skip
"""What can happen, and how often."""

FOR_EVER_MS = (2**53, 2**54, 2**55)


class BrokenError(AssertionError):
    """An invariant does not hold."""


@dataclass
class Reference:
    """The same input rated at once and without faults: what has to become visible, customer by customer."""

    raters: list[ShardRater] = field(default_factory=lambda: [ShardRater({}, Safeguards()) for _ in range(4)])
    clocks: list[int] = field(default_factory=lambda: [0, 0])
    records: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    letters: Counter[bytes] = field(default_factory=Counter)
    heartbeats: int = 0

    def take(self, partition: int, one: LogRecord) -> None:
        """Rate one record, and let time pass."""
        before_ms = min(self.clocks)
        framed, self.clocks[partition] = framed_record(partition, one, self.clocks[partition])
        outputs = list(outputs_of(self.raters[shard_of(framed)].rater, framed, PRICES))
        event = decode_usage(one.value)
        if event is not None and event.measure is Measure.HEARTBEAT and not outputs:
            self.heartbeats += 1
        for rater in self.raters if min(self.clocks) > before_ms else ():
            fired = rater.rater.fire(min(self.clocks), PRICES, ReadSoFar(1))
            outputs += [(tag, value) for tag, _, value, _ in unpack_outgoing(fired)]
        for tag, value in outputs:
            if tag is Tag.RECORD:
                self.records[billing_pb2.BillingRecord.FromString(value).customer_id].append(value)
            elif tag is Tag.DEAD_LETTER:
                self.letters[value] += 1

    def accounted(self) -> int:
        """Return how many events came to an end, once time is over and nothing waits any more; call it last."""
        for until_ms in FOR_EVER_MS:
            for one in self.raters:
                one.rater.fire(until_ms, PRICES, ReadSoFar(1))
        return sum(one.rater.counts.total() for one in self.raters) + self.heartbeats


class World:
    """Two jobs, a broker and a Redis; `step` does what the seed says next, and raises BrokenError."""

    def __init__(self, seed: int, guards: Safeguards) -> None:
        self.random = Random(seed)
        self.broker = Broker()
        self.job = RatingJob(self.broker, PRICES, guards)
        self.redis = Redis(guards.sequence_guard)
        self.balances = BalancesJob(self.broker, self.redis)
        self.traffic = Traffic(self.random)
        self.reference = Reference()
        self.looked = 0
        self.seen: dict[str, int] = defaultdict(int)
        self.letters: Counter[bytes] = Counter()
        self.shown: dict[str, int] = {}
        self.history: list[str] = []

    def step(self, name: str = "") -> None:
        """Let one thing happen."""
        name = name or self.random.choices(list(STEPS), list(STEPS.values()))[0]
        self.history.append(name)
        if self.job.halted:
            self.job.rewind()
        getattr(self, f"_{name}")()
        self._look()

    def _ingest(self) -> None:
        for _ in range(self.random.randint(1, 6)):
            partition, key, timestamp_ms, value = self.traffic.next()
            log = self.broker.partitions[partition]
            log.append(LogRecord(len(log), timestamp_ms, key, value))
            self.reference.take(partition, log[-1])

    def _read(self) -> None:
        self.job.read(self.random.randrange(2), self.random.randint(1, 8))

    def _flush(self) -> None:
        self.job.flush(self.random.randrange(2))

    def _pass_time(self) -> None:
        self.job.pass_time()

    def _checkpoint(self) -> None:
        self.job.checkpoint()

    def _commit(self) -> None:
        self.job.commit(acknowledged=True)

    def _lose_answer(self) -> None:
        self.job.commit(acknowledged=False)
        if self.random.randrange(2):
            self.job.crash()

    def _crash(self) -> None:
        self.job.crash()

    def _rescale(self) -> None:
        self.job.crash(width=self.random.randint(1, 4))

    def _expire(self) -> None:
        self.job.expire()

    def _balances(self) -> None:
        self.balances.read(self.random.randint(1, 10))

    def _balances_checkpoint(self) -> None:
        self.balances.checkpoint()

    def _balances_crash(self) -> None:
        self.balances.crash()

    def _redis_flush(self) -> None:
        self.redis.flush()
        self.shown = {}

    def _look(self) -> None:
        """I1 and I2: what has become visible is, to the byte, the beginning of what should; I3: no number goes back."""
        for tag, value in self.broker.committed[self.looked :]:
            self._see(tag, value)
        self.looked = len(self.broker.committed)
        for customer, balance in self.redis.held.items():
            if balance.sequence < self.shown.get(customer, 0):
                raise BrokenError(f"I3: the balance of {customer} goes back to {balance.sequence}")
            self.shown[customer] = balance.sequence

    def _see(self, tag: Tag, value: bytes) -> None:
        if tag is Tag.RECORD:
            customer = billing_pb2.BillingRecord.FromString(value).customer_id
            expected = self.reference.records[customer]
            if self.seen[customer] >= len(expected) or expected[self.seen[customer]] != value:
                raise BrokenError(f"I1, I2: record {self.seen[customer] + 1} of {customer} is not what it should be")
            self.seen[customer] += 1
        elif tag is Tag.DEAD_LETTER:
            self.letters[value] += 1
            if self.letters[value] > self.reference.letters[value]:
                raise BrokenError("I2, I4: a dead letter that there should not be, or not so often")

    def run(self, steps: int) -> None:
        """Let so many things happen, and come to rest. Raises BrokenError."""
        for _ in range(steps):
            self.step()
        self.settle()
        events, accounted = sum(map(len, self.broker.partitions)), self.reference.accounted()
        if accounted != events:
            raise BrokenError(f"I4: of {events} events {accounted} are accounted for")

    def settle(self) -> None:
        """Let everything come to rest; then nothing may be missing (I1, I4), and Redis is the fold of the log (I3)."""
        if self.job.halted:
            self.job.rewind()
        for partition, log in enumerate(self.broker.partitions):
            self.job.read(partition, len(log))
            self.job.flush(partition)
        self.job.pass_time()
        self.job.checkpoint()
        self.job.commit(acknowledged=True)
        if self.job.halted:
            self.settle()
            return
        self._look()
        short = {one: len(all_) - self.seen[one] for one, all_ in self.reference.records.items()}
        if any(short.values()) or self.letters != self.reference.letters:
            raise BrokenError(f"I1, I4: records are missing, by customer: {short}")
        self.balances.read(len(self.broker.committed))
        self._look()
        shown = {customer: balance.sequence for customer, balance in self.redis.held.items()}
        if shown != {customer: count for customer, count in self.seen.items() if count}:
            raise BrokenError("I3: Redis is not the fold of the log")
