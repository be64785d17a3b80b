"""Which rule is in force: that of the version of the book at the interval's start."""

from typing import Any

from billing.catalog import BookSeries
from billing.surge.grid import DetectorKey, Grid
from billing.surge.rules import SurgeIndex, SurgeRules
from tests.unit.builders import book, catalog, ms, per_unit

T0 = ms("2026-11-10T12:00:00Z")
MINUTE = 60_000


def surge(rule: str = "s", meters: tuple[str, ...] = ("calls",), **changes: Any) -> dict[str, Any]:
    levels = [{"at_least": 10, "factor": "1.5"}]
    written = {"id": rule, "meters": meters, "dimension": "region", "window": "60s", "lead": "60s", "levels": levels}
    return written | changes


def rules(*versions: tuple[str, list[dict[str, Any]]]) -> SurgeRules:
    """Return the rules of versions 1, 2, ..., each with its time of effect."""
    made = [book(version=number, effective_from=at, surge=found) for number, (at, found) in enumerate(versions, 1)]
    series = BookSeries(made[0])
    for one in made[1:]:
        series.add(one)
    return SurgeRules(series)


def grid(window_ms: int = MINUTE, lead_ms: int = MINUTE, dimension: str = "region") -> Grid:
    return Grid("b", "s", "calls", dimension, window_ms, lead_ms)


ALWAYS = "2026-01-01T00:00:00Z"


def test_an_event_counts_for_its_meters_rule_and_dimension() -> None:
    found = rules((ALWAYS, [surge()]))
    assert found.counted_for("calls", {"region": "eu"}, T0) == [(DetectorKey(grid(), "eu"), T0 // MINUTE + 2)]
    assert found.counted_for("calls", {}, T0)[0][0].value == "-"
    assert found.counted_for("texts", {"region": "eu"}, T0) == []


def test_an_event_is_charged_the_factor_of_the_interval_of_its_time() -> None:
    found = rules((ALWAYS, [surge()]))
    assert found.charged_by("calls", {"region": "eu"}, T0 + 59_999) == (DetectorKey(grid(), "eu"), T0 // MINUTE)
    assert found.charged_by("texts", {}, T0) is None


def test_a_rule_that_stays_the_same_goes_on_over_a_change_of_version() -> None:
    found = rules((ALWAYS, [surge()]), ("2026-11-10T12:00:30Z", [surge(levels=[{"at_least": 5, "factor": "3"}])]))
    interval = T0 // MINUTE
    for time_ms in (T0, T0 + 30_000, T0 + 59_999):
        assert found.charged_by("calls", {}, time_ms) == (DetectorKey(grid(), "-"), interval)
    versions = [one.version for number in (0, 1) if (one := found.in_force(grid(), interval + number))]
    assert versions == [1, 2]
    assert len(found.grids["calls"]) == 1


def test_a_rule_with_another_window_counts_from_its_first_whole_interval() -> None:
    found = rules((ALWAYS, [surge()]), ("2026-11-10T12:02:00Z", [surge(window="5m")]))
    wide = grid(5 * MINUTE)
    assert found.charged_by("calls", {}, T0 + 2 * MINUTE - 1) == (DetectorKey(grid(), "-"), T0 // MINUTE + 1)
    assert found.charged_by("calls", {}, T0 + 2 * MINUTE) is None
    assert found.charged_by("calls", {}, T0 + 5 * MINUTE) == (DetectorKey(wide, "-"), T0 // (5 * MINUTE) + 1)


def test_around_a_change_of_window_an_event_counts_for_each_rule_that_its_demand_decides() -> None:
    found = rules((ALWAYS, [surge()]), ("2026-11-10T12:05:00Z", [surge(window="5m")]))
    before, between, after = (
        sorted(key.grid.window_ms for key, _ in found.counted_for("calls", {}, T0 + minutes * MINUTE))
        for minutes in (-2, 1, 4)
    )
    assert (before, between, after) == ([MINUTE], [MINUTE, 5 * MINUTE], [5 * MINUTE])


def test_a_version_without_the_rule_ends_it() -> None:
    found = rules((ALWAYS, [surge()]), ("2026-11-10T12:01:00Z", []))
    assert found.charged_by("calls", {}, T0) is not None
    assert found.charged_by("calls", {}, T0 + MINUTE) is None
    assert found.counted_for("calls", {}, T0) == []


def test_there_is_no_surge_before_the_first_version() -> None:
    found = rules(("2026-11-10T12:00:00Z", [surge()]))
    assert found.charged_by("calls", {}, T0 - 1) is None
    assert [interval for _, interval in found.counted_for("calls", {}, T0 - 2 * MINUTE)] == [T0 // MINUTE]
    assert found.counted_for("calls", {}, T0 - 2 * MINUTE - 1) == []


def test_the_index_sees_a_version_that_joins_later() -> None:
    prices, index = catalog(), SurgeIndex()
    assert index.of(prices, "b").grids == {}  # type: ignore[union-attr]
    assert index.of(prices, "nope") is None
    meters = {"calls": per_unit(), "texts": per_unit()}
    assert prices.add(book(version=2, meters=meters, surge=[surge(meters=("calls", "texts"))])) == []
    assert set(index.of(prices, "b").grids) == {"calls", "texts"}  # type: ignore[union-attr]
