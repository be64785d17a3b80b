"""What demand was, by the log alone: first deliveries within their window, rated or not (section 6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from .catalog import Catalog
from .checks import has_valid_fields
from .log import Event, LogRecord, decode
from .surge import Detector, Surge, detector_of, rule_in_force


def surge_of(partitions: Mapping[int, Sequence[LogRecord]], catalog: Catalog) -> Surge:
    """Return the factors of a log, with all books read before it."""
    demand: dict[Detector, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    clocks = [_count(log, catalog, demand) for log in partitions.values()]
    return Surge(catalog, demand, min(clocks, default=0))


def _count(log: Sequence[LogRecord], catalog: Catalog, demand: dict[Detector, dict[int, int]]) -> int:
    """Add the demand of one partition; returns its final clock."""
    clock_ms = 0
    known_until_ms: dict[tuple[str, str], int] = {}
    for record in log:
        event = decode(record.value)
        if event is None or event.event_time_ms > record.timestamp_ms + catalog.max_future_skew_ms:
            continue
        if event.units_of_demand > 0 and has_valid_fields(event, record.key):
            name = event.customer_id, event.event_id
            in_time = [one for one in _windows(event, catalog) if clock_ms < one[0].window_end_ms(one[1])]
            if in_time and known_until_ms.get(name, 0) <= clock_ms:
                known_until_ms[name] = max(detector.window_end_ms(interval) for detector, interval in in_time)
                for detector, interval in in_time:
                    demand[detector][interval] += event.units_of_demand
        clock_ms = max(clock_ms, event.event_time_ms)
    return clock_ms


def _windows(event: Event, catalog: Catalog) -> set[tuple[Detector, int]]:
    """Return what an event counts for: of each version's rule, the interval that its window decides."""
    found = set()
    for book in catalog.versions(catalog.terms(event.customer_id, event.event_time_ms).book_id):
        rule = book.surge_rule(event.meter)
        if rule is not None:
            detector = detector_of(book, rule, event)
            interval = (event.event_time_ms + rule.lead_ms) // rule.window_ms + 1
            if rule_in_force(catalog, detector, interval) is not None:
                found.add((detector, interval))
    return found
