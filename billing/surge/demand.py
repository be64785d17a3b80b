"""The demand that one event is (contract section 6): units rated or not, first deliveries, by event time."""

from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.events import Delivery, Measure, Phase, UsageEvent
from billing.surge.grid import DetectorKey
from billing.surge.rules import SurgeIndex
from billing.validity import invalid_field, is_future

_SESSION_UNITS = 1


class Counted(NamedTuple):
    """Units that help to decide an interval; the window that they are in ends at `window_end_ms`, exclusive."""

    detector: DetectorKey
    interval: int
    window_end_ms: int
    units: int


def demand_of(event: UsageEvent, delivery: Delivery, prices: PriceCatalog, rules: SurgeIndex) -> list[Counted]:
    """Return what an event adds to demand, first delivery or not; nothing where no surge rule is for it.

    Its own partition's clock decides whether it is in time for its window, so that the sums are a
    function of the log. A session is one unit, of the time of its START: how long it will be is not known yet.
    """
    if not may_surge(event) or invalid_field(event, delivery) is not None:
        return []
    if is_future(event.event_time_ms, delivery.timestamp_ms, prices.max_future_skew_ms):
        return []
    series = prices.terms_for(event.customer_id, event.event_time_ms).series
    surge = rules.of(prices, series.first.id) if series is not None else None
    if surge is None:
        return []
    found = []
    for detector, interval in surge.counted_for(event.meter, event.dimensions, event.event_time_ms):
        end_ms = detector.grid.window_end_ms(interval)
        if delivery.clock_ms < end_ms:
            found.append(Counted(detector, interval, end_ms, event.quantity or _SESSION_UNITS))
    return found


def may_surge(event: UsageEvent) -> bool:
    """Tell whether an event's time is that of a surge factor: a quantity's, and of a session its START's (rule 11)."""
    return event.measure is Measure.QUANTITY or (event.measure is Measure.SESSION and event.phase == Phase.START)
