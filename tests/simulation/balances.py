"""The balances job over committed records, and a Redis that keeps what is newer: the fold is the job's own."""

from dataclasses import dataclass, field, replace

from billing.balances import Balance
from tests.simulation.broker import Broker
from wire.balances import line_of
from wire.frames import Tag
from wire.v1 import billing_pb2


@dataclass
class Redis:
    """Balances by customer. `guard` is that of the script of sinks/redis.py, which a test there drives itself."""

    guard: bool
    held: dict[str, Balance] = field(default_factory=dict)
    mark: int = 0

    def write(self, customer: str, balance: Balance) -> None:
        """Write a whole balance, if it is not older."""
        there = self.held.get(customer)
        if not self.guard or there is None or balance.sequence >= there.sequence:
            self.held[customer] = replace(balance, meters=dict(balance.meters))

    def flush(self) -> None:
        """Lose everything, marks of writers included."""
        self.held = {}
        self.mark = 0


@dataclass
class BalancesJob:
    """Reads what is committed, folds it, writes it; a checkpoint holds the position and the fold."""

    broker: Broker
    redis: Redis
    position: int = 0
    fold: dict[str, Balance] = field(default_factory=dict)
    starts: int = 1

    def __post_init__(self) -> None:
        self.checkpoint()

    def read(self, count: int) -> None:
        """Fold the next outputs and write their customers; after a start, or where Redis has lost its data, all."""
        changed: dict[str, None] = {}
        for tag, value in self.broker.committed[self.position : self.position + count]:
            if tag is Tag.RECORD:
                record = billing_pb2.BillingRecord.FromString(value)
                self.fold.setdefault(record.customer_id, Balance()).take(line_of(record))
                changed[record.customer_id] = None
        self.position = min(self.position + count, len(self.broker.committed))
        if self.redis.mark != self.starts:
            self.redis.mark = self.starts
            changed = dict.fromkeys(self.fold)
        for customer in changed:
            self.redis.write(customer, self.fold[customer])

    def checkpoint(self) -> None:
        """Remember where the job is."""
        fold = {customer: replace(one, meters=dict(one.meters)) for customer, one in self.fold.items()}
        self.saved = self.position, fold

    def crash(self) -> None:
        """Die, and come back from the checkpoint: everything since is read again."""
        self.position, fold = self.saved
        self.fold = {customer: replace(one, meters=dict(one.meters)) for customer, one in fold.items()}
        self.starts += 1
