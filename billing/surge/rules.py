"""Which surge rule is in force for a meter at an interval: that of the book's version at its start (rule 1)."""

from collections.abc import Mapping
from typing import NamedTuple

from billing.catalog import BookSeries, PriceCatalog
from billing.price_books.model import PriceBook
from billing.surge.grid import DetectorKey, Grid, value_of
from billing.surge.rule import SurgeRule

MAX_KNOWN = 4096
"""Intervals of which it is remembered what rule decides them; events ask for few at a time, each very often."""


class RuleInForce(NamedTuple):
    """A surge rule, and the version of the book that it is of."""

    rule: SurgeRule
    version: int


class SurgeRules:
    """The surge rules of all versions of one price book. It is to be made anew when a version joins."""

    def __init__(self, series: BookSeries) -> None:
        self._series = series
        self.grids: dict[str, tuple[Grid, ...]] = {}
        self._grid_of: dict[tuple[int, str], Grid] = {}
        self._known: dict[tuple[Grid, int], RuleInForce | None] = {}
        for book in series.versions:
            for rule in book.surge:
                for meter in rule.meters:
                    grid = grid_of(book, rule, meter)
                    self._grid_of.setdefault((book.version, meter), grid)
                    self.grids[meter] = tuple(dict.fromkeys((*self.grids.get(meter, ()), grid)))

    def in_force(self, grid: Grid, interval: int) -> RuleInForce | None:
        """Return the rule that decides an interval, or None where none of this grid is in force at its start."""
        name = grid, interval
        try:
            return self._known[name]
        except KeyError:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            found = self._known[name] = self._find(grid, interval)
            return found

    def _find(self, grid: Grid, interval: int) -> RuleInForce | None:
        book = self._series.at(grid.start_ms(interval))
        rule = rule_of(book, grid.meter) if book is not None else None
        if book is None or rule is None or grid_of(book, rule, grid.meter) != grid:
            return None
        return RuleInForce(rule, book.version)

    def counted_for(
        self, meter: str, dimensions: Mapping[str, str], event_time_ms: int
    ) -> list[tuple[DetectorKey, int]]:
        """Return the detectors and intervals that an event's demand counts for: one, but for changes of version."""
        found = []
        for grid in self.grids.get(meter, ()):
            interval = grid.counted_for(event_time_ms)
            if self.in_force(grid, interval) is not None:
                found.append((DetectorKey(grid, value_of(dimensions.get(grid.dimension))), interval))
        return found

    def charged_by(
        self, meter: str, dimensions: Mapping[str, str], event_time_ms: int
    ) -> tuple[DetectorKey, int] | None:
        """Return the detector and interval whose factor an event is charged, or None: then it is 1.

        The rule is that of the version in force at the event's time. It counts from its first whole
        interval on; an interval that began under an earlier version goes on if the grid is the same.
        """
        book = self._series.at(event_time_ms)
        grid = self._grid_of.get((book.version, meter)) if book is not None else None
        if grid is None:
            return None
        interval = grid.interval_at(event_time_ms)
        if self.in_force(grid, interval) is None:
            return None
        return DetectorKey(grid, value_of(dimensions.get(grid.dimension))), interval


class SurgeIndex:
    """The surge rules of a catalog by price book, made anew as the catalog grows."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, SurgeRules]] = {}
        self._counted = -1
        self._meters: frozenset[str] = frozenset()

    def meters(self, catalog: PriceCatalog) -> frozenset[str]:
        """Return the meters that any version of any book has a surge rule for."""
        counted = sum(len(series.versions) for series in catalog.series.values())
        if counted != self._counted:
            found = (self.of(catalog, price_book) for price_book in catalog.series)
            self._meters = frozenset(meter for rules in found if rules is not None for meter in rules.grids)
            self._counted = counted
        return self._meters

    def of(self, catalog: PriceCatalog, price_book: str) -> SurgeRules | None:
        """Return a book's surge rules, or None for a book that is not there."""
        series = catalog.series.get(price_book)
        if series is None:
            return None
        count, rules = self._known.get(price_book, (0, None))
        if rules is None or count != len(series.versions):
            rules = SurgeRules(series)
            self._known[price_book] = len(series.versions), rules
        return rules


def rule_of(book: PriceBook, meter: str) -> SurgeRule | None:
    """Return the surge rule that a version has for a meter, or None."""
    return next((rule for rule in book.surge if meter in rule.meters), None)


def grid_of(book: PriceBook, rule: SurgeRule, meter: str) -> Grid:
    """Return the intervals of a meter under a rule."""
    return Grid(book.id, rule.id, meter, rule.dimension, rule.window_ms, rule.lead_ms)
