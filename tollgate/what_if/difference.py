"""What two ratings of the same usage cost, by customer and meter; memory grows with these alone."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from billing.events import UsageEvent
from billing.outcomes import BillingRecord, Rejection, Settled
from billing.quote import total_picos
from tollgate.audit.outputs import Output, outputs, outputs_of
from tollgate.audit.recompute import Decision
from tollgate.what_if.surge import Surged


class LineKey(NamedTuple):
    """What a line is of."""

    customer_id: str
    meter: str
    currency: str


@dataclass(slots=True)
class Amounts:
    """What was charged on both sides, in picos, and for how many units."""

    before_picos: int = 0
    after_picos: int = 0
    before_units: int = 0
    after_units: int = 0

    @property
    def delta_picos(self) -> int:
        """What the draft charges more."""
        return self.after_picos - self.before_picos

    @property
    def percent(self) -> str:
        """That, as a percentage of what was charged before, to 2 places; empty where that was nothing."""
        if not self.before_picos:
            return ""
        hundredths = round(Fraction(self.delta_picos * 10_000, abs(self.before_picos)))
        whole, part = divmod(abs(hundredths), 100)
        return f"{'-' if hundredths < 0 else '+' if hundredths else ''}{whole}.{part:02d}"

    def add(self, other: "Amounts") -> None:
        """Add another's."""
        self.before_picos += other.before_picos
        self.after_picos += other.after_picos
        self.before_units += other.before_units
        self.after_units += other.after_units


class UnratedKey(NamedTuple):
    """Events of a meter that one side alone could rate, and why the other could not."""

    meter: str
    reason: str
    currency: str


@dataclass(slots=True)
class Unrated:
    """How many these are, what they cost where they were rated, and the first refusal in words."""

    detail: str
    events: int = 0
    units: int = 0
    picos: int = 0


class Customers(NamedTuple):
    """How many customers pay more, less and the same."""

    more: int
    less: int
    same: int


@dataclass(slots=True)
class Difference:
    """Both sides of the usage with event times in ``[from_ms, to_ms)``; `surge` of both, where either has a rule."""

    from_ms: int
    to_ms: int
    lines: defaultdict[LineKey, Amounts] = field(default_factory=lambda: defaultdict(Amounts))
    no_longer_rated: dict[UnratedKey, Unrated] = field(default_factory=dict)
    newly_rated: dict[UnratedKey, Unrated] = field(default_factory=dict)
    rated_by_neither: Counter[str] = field(default_factory=Counter)
    events: int = 0
    events_before: int = 0
    versions: set[tuple[str, int]] = field(default_factory=set)
    surge: tuple[Surged, Surged] | None = None

    def add(self, event: UsageEvent, before: Decision, after: Decision) -> None:
        """Take in what became of one event on both sides."""
        self._take(outputs(before), outputs(after))
        if self.from_ms <= event.event_time_ms < self.to_ms:
            self.events += 1
            self._note_unrated(before, after)
        elif event.event_time_ms < self.from_ms:
            self.events_before += 1

    def settle(self, before: Iterable[Settled], after: Iterable[Settled]) -> None:
        """Take in what fell due on both sides after the last event: sessions without a STOP."""
        self._take(outputs_of(before), outputs_of(after))

    def _take(self, before: Iterable[Output], after: Iterable[Output]) -> None:
        for record in self._charged(before):
            line = self.lines[LineKey(record.customer_id, record.meter, record.currency)]
            line.before_picos += record.picos
            line.before_units += record.quantity
            self.versions.add((record.price_book, record.price_book_version))
        for record in self._charged(after):
            line = self.lines[LineKey(record.customer_id, record.meter, record.currency)]
            line.after_picos += record.picos
            line.after_units += record.quantity

    def _charged(self, found: Iterable[Output]) -> Iterator[BillingRecord]:
        """Yield the records of the period."""
        for output in found:
            one = output.record
            if one is not None and self.from_ms <= one.event_time_ms < self.to_ms:
                yield one

    def _note_unrated(self, before: Decision, after: Decision) -> None:
        was, is_now = before.outcome, after.outcome
        if isinstance(was, BillingRecord) and isinstance(is_now, Rejection):
            _count(self.no_longer_rated, was, is_now)
        elif isinstance(was, Rejection) and isinstance(is_now, BillingRecord):
            _count(self.newly_rated, is_now, was)
        elif isinstance(was, Rejection) and isinstance(is_now, Rejection):
            self.rated_by_neither[is_now.reason.value] += 1

    def largest_first(self) -> list[tuple[LineKey, Amounts]]:
        """Return the lines, the largest differences first."""
        return _largest_first(self.lines.items())

    def by_customer(self) -> list[tuple[LineKey, Amounts]]:
        """Return each customer's sum over all meters, the largest differences first."""
        return _largest_first(self._sums(lambda key: key._replace(meter="")))

    def by_meter(self) -> list[tuple[LineKey, Amounts]]:
        """Return each meter's sum over all customers, by name."""
        return sorted(self._sums(lambda key: key._replace(customer_id="")))

    def totals(self) -> list[tuple[LineKey, Amounts]]:
        """Return the sum of everything, a currency each."""
        return sorted(self._sums(lambda key: LineKey("", "", key.currency)))

    def customers(self, currency: str) -> Customers:
        """Return how many pay more, less and the same in a currency."""
        deltas = [one.delta_picos for key, one in self.by_customer() if key.currency == currency]
        return Customers(sum(one > 0 for one in deltas), sum(one < 0 for one in deltas), deltas.count(0))

    def _sums(self, group: Callable[[LineKey], LineKey]) -> list[tuple[LineKey, Amounts]]:
        sums: defaultdict[LineKey, Amounts] = defaultdict(Amounts)
        for key, one in self.lines.items():
            sums[group(key)].add(one)
        return list(sums.items())


def _largest_first(lines: Iterable[tuple[LineKey, Amounts]]) -> list[tuple[LineKey, Amounts]]:
    return sorted(lines, key=lambda line: (-abs(line[1].delta_picos), line[0]))


def _count(found: dict[UnratedKey, Unrated], rated: BillingRecord, refused: Rejection) -> None:
    key = UnratedKey(rated.meter, refused.reason.value, rated.currency)
    one = found.setdefault(key, Unrated(refused.detail))
    one.events += 1
    one.units += rated.quantity
    one.picos += total_picos(rated)
