"""What the benchmark found, and whether it is what is aimed for."""

from dataclasses import asdict, dataclass, field
from statistics import mean
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tollgate.bench.latency import Latency
    from tollgate.bench.pricing_latency import PricingLatency

PLAIN_LOOP = "plain loop"
JOB = "job"

LEAST_RATIO = 0.45
MOST_LIVE_BALANCE_MS = 1000.0
LEAST_FLATNESS = 0.85
LEAST_WITH_PRICING = 0.85
MOST_ALERT_MS = 1000.0
MOST_SURGE_MS = 1000.0


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


@dataclass(slots=True)
class Pricing:
    """The load with everything on that reacts to usage: one run over its log, and how soon it is told."""

    run: Throughput
    events: int
    latency: "PricingLatency | None" = None

    @property
    def events_per_second(self) -> float:
        """Events, not records: a call is two of them and one record."""
        return self.run.per_second * self.events / self.run.records


class Target(NamedTuple):
    """What is aimed for; `value` is None where it was not measured."""

    name: str
    wanted: str
    value: float | None
    met: bool


def _at_least(name: str, value: float | None, bound: float) -> Target:
    return Target(name, f">= {bound}", value, value is not None and value >= bound)


def _at_most(name: str, value: float | None, bound: float) -> Target:
    return Target(name, f"<= {bound:.0f}", value, value is not None and value <= bound)


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
    pricing: Pricing | None = None

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

    @property
    def without_pricing(self) -> float:
        """Return the events a second of the plain load, with the customers and TaskManagers of the other."""
        if self.pricing is None:
            return 0.0
        run = self.pricing.run
        rates = [one.per_second / one.records for one in self.runs(JOB, run.customers, run.task_managers)]
        return self.events * mean(rates or [0.0])

    @property
    def pricing_ratio(self) -> float | None:
        """Return the events a second with everything on to those of the plain load."""
        without = self.without_pricing
        return self.pricing.events_per_second / without if self.pricing is not None and without else None

    def targets(self) -> list[Target]:
        """Hold the figures against what is aimed for."""
        ratio = self.ratio(min(self.customers))
        live = self.latency.live_balance.p99 if self.latency and not self.latency.lost else None
        flat = self.flatness
        return [
            _at_least("one TaskManager to the plain loop", ratio, LEAST_RATIO),
            _at_most("p99 produce -> live balance, ms", live, MOST_LIVE_BALANCE_MS),
            _at_least("most customers to fewest, one TaskManager", flat, LEAST_FLATNESS),
            *self._pricing_targets(),
        ]

    def _pricing_targets(self) -> list[Target]:
        ratio, told = self.pricing_ratio, self.pricing.latency if self.pricing is not None else None
        surge = told.surge.most if told is not None and told.surge.samples else None
        alert = told.alert.p99 if told is not None and not told.lost_alerts else None
        return [
            _at_least("events/s with all pricing on to without", ratio, LEAST_WITH_PRICING),
            _at_most("most, window's end -> surge factor, ms", surge, MOST_SURGE_MS),
            _at_most("p99 produce -> alert, ms", alert, MOST_ALERT_MS),
        ]

    def as_plain(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        plain = asdict(self)
        if self.latency is not None:
            plain["latency"] = _plain(self.latency)
        if self.pricing is not None:
            plain["pricing"] |= {
                "events_per_second": self.pricing.events_per_second,
                "events_per_second_without": self.without_pricing,
                "ratio": self.pricing_ratio,
                "latency": _plain(self.pricing.latency) if self.pricing.latency is not None else None,
            }
        plain["ratio"] = {str(customers): self.ratio(customers) for customers in self.customers}
        plain["flatness"] = self.flatness
        plain["targets"] = [one._asdict() for one in self.targets()]
        return plain


def _plain(latency: "Latency | PricingLatency") -> dict[str, Any]:
    """Return a latency's figures by name, its percentiles by theirs."""
    fields: dict[str, Any] = latency._asdict()
    return {name: value._asdict() if hasattr(value, "_asdict") else value for name, value in fields.items()}
