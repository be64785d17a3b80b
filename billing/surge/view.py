"""The factor of an event, as rating asks for it: decided, not decided yet, or none at all."""

from dataclasses import dataclass, field

from billing.catalog import PriceCatalog
from billing.events import UsageEvent
from billing.outcomes import AdjustmentKind
from billing.surge.applied import as_reduction
from billing.surge.grid import DetectorKey
from billing.surge.rates import SurgeRates
from billing.surge.rules import SurgeIndex
from billing.tariffs import Reduction

UNDECIDED = Reduction("", AdjustmentKind.SURGE, "", 0, 1)
"""Stands for a factor that is to be waited for. It is never to be charged."""


@dataclass(slots=True)
class SurgeView:
    """The rates that were read, seen through the surge rules of the price books."""

    rates: SurgeRates = field(default_factory=SurgeRates)
    rules: SurgeIndex = field(default_factory=SurgeIndex)

    def meters(self, prices: PriceCatalog) -> frozenset[str]:
        """Return the meters that any price book has a surge rule for: `of` need not be asked about others."""
        return self.rules.meters(prices)

    def of(self, event: UsageEvent, prices: PriceCatalog) -> Reduction | None:
        """Return what `billing.rating.step` takes for an event, None for factor 1, or UNDECIDED."""
        charged_by = self.charged_by(event, prices)
        if charged_by is None:
            return None
        detector, interval = charged_by
        factor = self.rates.factor(detector, interval)
        return UNDECIDED if factor is None else as_reduction(detector.grid.surge_id, factor)

    def decided_at_ms(self, event: UsageEvent, prices: PriceCatalog) -> int:
        """Return the watermark, in ms, at which the factor of an UNDECIDED event is decided."""
        charged_by = self.charged_by(event, prices)
        assert charged_by is not None
        detector, interval = charged_by
        return detector.grid.window_end_ms(interval)

    def charged_by(self, event: UsageEvent, prices: PriceCatalog) -> tuple[DetectorKey, int] | None:
        """Return the detector and interval whose factor an event is charged; None where no surge rule is for it."""
        series = prices.terms_for(event.customer_id, event.event_time_ms).series
        rules = self.rules.of(prices, series.first.id) if series is not None else None
        if rules is None or event.meter not in rules.grids:
            return None
        return rules.charged_by(event.meter, event.dimensions, event.event_time_ms)
