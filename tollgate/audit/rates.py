"""Holds the published surge factors against those that follow from the demand in the log."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.instants import format_instant
from billing.money import parse_decimal
from billing.surge.detector import Detector
from billing.surge.grid import DetectorKey, Grid
from billing.surge.rules import RuleInForce, SurgeIndex
from billing.surge.signals import SignalValue
from tollgate.audit.demand import DemandRecount, Units
from tollgate.audit.differences import field_differences
from tollgate.audit.prices import Prices
from wire.records import ReadSoFar
from wire.surge import rate_message
from wire.v1 import pricing_pb2

Rate = pricing_pb2.SurgeRate


class RateKey(NamedTuple):
    """What one rate is for."""

    price_book: str
    surge_id: str
    meter: str
    value: str
    from_ms: int
    to_ms: int

    @classmethod
    def of(cls, rate: Rate) -> "RateKey":
        """Return the key of a published rate."""
        bounds = rate.interval_from_ms, rate.interval_to_ms
        return cls(rate.price_book.id, rate.surge_id, rate.meter, rate.dimension_value, *bounds)

    def __str__(self) -> str:
        whose = f"surge {self.surge_id!r} of {self.price_book}, {self.meter} {self.value}"
        return f"{whose}, interval from {format_instant(self.from_ms)}"


class Stage(NamedTuple):
    """How far the detector had come with the books read up to an offset."""

    watermark_ms: int
    books_offset: int


@dataclass(slots=True)
class RateComparison:
    """One verification of pricing.surge. Yields a text for each difference."""

    published: Sequence[Rate]
    recount: DemandRecount
    prices: Prices

    def differences(self) -> Iterator[str]:
        """Compare every rate that follows from the log with what was published, and name what nothing explains."""
        found: dict[RateKey, list[Rate]] = {}
        for rate in self.published:
            if rate.dimension_value:
                found.setdefault(RateKey.of(rate), []).append(rate)
        yield from _repeated(found)
        yield from self._marks()
        named = {key: rates[0] for key, rates in found.items()}
        for rate in self._expected(named):
            key = RateKey.of(rate)
            published = named.pop(key, None)
            if published is None:
                yield f"{key}: rate missing: factor {rate.factor} after {rate.demand} units of demand"
            elif published != rate:
                yield f"{key}: rate differs: {field_differences(rate, published)}"
        for key, rate in named.items():
            yield f"{key}: factor {rate.factor} published, and no demand in the log leads to it"

    def _expected(self, named: Mapping[RateKey, Rate]) -> Iterator[Rate]:
        """Yield the rates that follow from the demand, detector by detector."""
        stages = self._stages()
        for key, units in sorted(self.recount.units.items()):
            yield from self._decide(Said(key, named), units, stages.get(key.grid.meter, []))

    def _decide(self, said: "Said", units: Mapping[int, Units], stages: Iterable[Stage]) -> Iterator[Rate]:
        grid = said.detector.grid
        detector = Detector(min(units))
        for interval, counted in units.items():
            demand = counted.settle(said.demand(interval))
            if demand:
                detector.count(interval, demand)
        for stage in stages:
            rule_of = self._rule_of(grid, stage)
            for decided in detector.decide_through(grid.last_decided(stage.watermark_ms), rule_of, said.values):
                found = rule_of(decided.interval)
                signals = said.signals(decided.interval, found) if found is not None else {}
                yield rate_message(said.detector, decided, signals, stage.books_offset)

    def _rule_of(self, grid: Grid, stage: Stage) -> Callable[[int], RuleInForce | None]:
        """Return what tells the rule of an interval, by the books that had been read at a stage."""
        rules = SurgeIndex().of(self._catalog(stage), grid.price_book)
        return lambda interval: rules.in_force(grid, interval) if rules is not None else None

    def _catalog(self, stage: Stage) -> PriceCatalog:
        return self.prices.at(ReadSoFar(stage.books_offset, self.prices.latest().contracts_offset))

    def _stages(self) -> dict[str, list[Stage]]:
        """Return by meter how far intervals were decided with the same books, by the marks."""
        found: dict[str, dict[int, int]] = {}
        for mark in self._all_marks():
            reached = found.setdefault(mark.meter, {})
            reached[mark.books_offset] = max(mark.watermark_ms, reached.get(mark.books_offset, 0))
        return {
            meter: [Stage(watermark_ms, books_offset) for books_offset, watermark_ms in sorted(reached.items())]
            for meter, reached in found.items()
        }

    def _marks(self) -> Iterator[str]:
        """Name marks that say more than the log allows, or what no rule's intervals are."""
        read_ms = min(self.recount.clocks.values(), default=0)
        for mark in self._all_marks():
            named = f"surge {mark.surge_id!r} of {mark.price_book.id}, {mark.meter}: mark of {mark.watermark_ms}"
            rules = SurgeIndex().of(self._catalog(Stage(0, mark.books_offset)), mark.price_book.id)
            grids = rules.grids.get(mark.meter, ()) if rules is not None else ()
            ends_ms = [one.decided_through_ms(mark.watermark_ms) for one in grids if one.surge_id == mark.surge_id]
            if mark.watermark_ms > read_ms:
                yield f"{named}, and the log has not come further than {read_ms}"
            if mark.decided_through_ms not in ends_ms:
                yield f"{named}: decided_through_ms is {mark.decided_through_ms}, and no such rule decides so far"

    def _all_marks(self) -> Iterator[Rate]:
        return (one for one in self.published if not one.dimension_value)


class Said(NamedTuple):
    """What the published rates of one detector say of what the log alone does not: signals, and unsure demand."""

    detector: DetectorKey
    named: Mapping[RateKey, Rate]

    def demand(self, interval: int) -> int | None:
        """Return the demand that a rate names, None where there is none."""
        rate = self._rate(interval)
        return None if rate is None else rate.demand

    def values(self, interval: int, found: RuleInForce) -> dict[str, Fraction]:
        """Return the values of a rule's signals, as the function of demand is given them."""
        return {name: one.value for name, one in self.signals(interval, found).items()}

    def signals(self, interval: int, found: RuleInForce) -> dict[str, SignalValue]:
        """Return a rule's signals as the rate of an interval names them; those too late for it are none."""
        rate, end_ms = self._rate(interval), self.detector.grid.window_end_ms(interval)
        said = {one.name: one for one in rate.signals if one.event_time_ms <= end_ms} if rate is not None else {}
        return {
            name: SignalValue(said[name].event_time_ms, Fraction(*parse_decimal(said[name].value)))
            for name in found.rule.model.signals
            if name in said
        }

    def _rate(self, interval: int) -> Rate | None:
        grid, value = self.detector
        bounds = grid.start_ms(interval), grid.start_ms(interval + 1)
        return self.named.get(RateKey(grid.price_book, grid.surge_id, grid.meter, value, *bounds))


def _repeated(found: Mapping[RateKey, list[Rate]]) -> Iterator[str]:
    for key, rates in found.items():
        factors = dict.fromkeys(one.factor for one in rates)
        if len(rates) > 1:
            yield f"{key}: published {len(rates)} times, with factor {' and '.join(factors)}"
