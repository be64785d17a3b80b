"""What the benchmark found, and whether it is what is aimed for."""

from dataclasses import asdict, dataclass, field
from statistics import mean
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tollgate.bench.latency import Latency

PLAIN_LOOP = "plain loop"
JOB = "job"

LEAST_RATIO = 0.45
MOST_LIVE_BALANCE_MS = 1000.0
LEAST_FLATNESS = 0.85


@dataclass(frozen=True, slots=True)
class Throughput:
    """One run over the whole log; memory in MiB, of the largest process of each role."""

    who: str
    customers: int
    task_managers: int
    records: int
    per_second: float
    steady_per_second: float
    cpu_seconds_per_million: dict[str, float]
    load_average: float
    peak_memory_mib: dict[str, float] = field(default_factory=dict)
    balances_behind_seconds: float = 0.0
    checkpoint_bytes_per_record: float = 0.0

    @property
    def label(self) -> str:
        """Who it was, in words."""
        if self.who == PLAIN_LOOP:
            return PLAIN_LOOP
        return f"{self.who}, {self.task_managers} TaskManager{'s' if self.task_managers > 1 else ''}"


class Target(NamedTuple):
    """What is aimed for; `value` is None where it was not measured."""

    name: str
    wanted: str
    value: float | None
    met: bool


@dataclass(slots=True)
class Results:
    """Everything that was measured in one run on one machine."""

    cores: int
    memory_gib: float
    events: int
    partitions: int
    checkpoint_interval_ms: int
    measured_at: str
    throughput: list[Throughput] = field(default_factory=list)
    latency: "Latency | None" = None

    def runs(self, who: str, customers: int, task_managers: int = 0) -> list[Throughput]:
        """Return the runs of one kind."""
        wanted = (who, customers, task_managers)
        return [one for one in self.throughput if (one.who, one.customers, one.task_managers) == wanted]

    def rate(self, who: str, customers: int, task_managers: int = 0) -> float:
        """Return the mean rate of the runs of one kind; 0 where there are none."""
        return mean([one.per_second for one in self.runs(who, customers, task_managers)] or [0.0])

    def top_rate(self, customers: int) -> float:
        """Return the best rate of the job."""
        return max(one.per_second for one in self.throughput if (one.who, one.customers) == (JOB, customers))

    @property
    def customers(self) -> list[int]:
        """Return the numbers of customers, in the order in which they were measured."""
        return list(dict.fromkeys(one.customers for one in self.throughput))

    def ratio(self, customers: int) -> float | None:
        """Return the job with one TaskManager to the mean of the loops before and after it."""
        loop, job = self.rate(PLAIN_LOOP, customers), self.rate(JOB, customers, 1)
        return job / loop if loop and job else None

    @property
    def flatness(self) -> float | None:
        """Return the job's rate (one TaskManager) with the most customers to that with the fewest."""
        few, many = (self.rate(JOB, pick(self.customers), 1) for pick in (min, max))
        return many / few if few and len(self.customers) > 1 else None

    def targets(self) -> list[Target]:
        """Hold the figures against what is aimed for."""
        ratio = self.ratio(min(self.customers))
        live = self.latency.live_balance.p99 if self.latency and not self.latency.lost else None
        flat = self.flatness
        return [
            Target(
                "one TaskManager to the plain loop", f">= {LEAST_RATIO}", ratio,
                ratio is not None and ratio >= LEAST_RATIO,
            ),
            Target(
                "p99 produce -> live balance, ms", f"<= {MOST_LIVE_BALANCE_MS:.0f}", live,
                live is not None and live <= MOST_LIVE_BALANCE_MS,
            ),
            Target(
                "most customers to fewest, one TaskManager", f">= {LEAST_FLATNESS}", flat,
                flat is not None and flat >= LEAST_FLATNESS,
            ),
        ]  # fmt: skip

    def as_plain(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        plain = asdict(self)
        if self.latency is not None:
            plain["latency"] = {
                name: value._asdict() if hasattr(value, "_asdict") else value
                for name, value in self.latency._asdict().items()
            }
        plain["ratio"] = {str(customers): self.ratio(customers) for customers in self.customers}
        plain["flatness"] = self.flatness
        plain["targets"] = [one._asdict() for one in self.targets()]
        return plain
