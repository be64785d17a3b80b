"""Demand and factors, worked out by hand; whole bills with surge are in tests/golden/bills."""

from fractions import Fraction
from typing import Any

import pytest

from .example import Log, book, ms
from .oracle import rate_log

NOON_MS = ms("2026-11-10T12:00:00Z")
LEVELS = [{"at_least": "10", "factor": "1.5"}, {"at_least": "20", "factor": "2"}, {"at_least": "30", "factor": "4"}]
RULE = {
    "id": "peak",
    "meters": ["mms.outbound"],
    "dimension": "region",
    "window": "10s",
    "lead": "0s",
    "levels": LEVELS,
}


def at(second: float) -> int:
    return NOON_MS + int(second * 1000)


def factors(log: Log, **rule: Any) -> dict[str, Fraction]:
    """Return by event what surge made of its price."""
    plain = book(surge=[RULE | rule], promotions=[])
    found = {}
    for one in rate_log(log.partitions, [plain]).records:
        listed = sum((amount for *_, amount in one["slices"]), Fraction(0))
        surge = sum((delta for _, kind, delta in one["adjustments"] if kind == "SURGE"), Fraction(0))
        found[one["event_id"]] = 1 + surge / listed
    return found


def probes(log: Log, seconds: range) -> None:
    """Use one unit at each of these seconds, of a customer to whom nothing else happens."""
    for second in seconds:
        log.use(1, at=at(second), event_id=f"p{second}", customer_id="probe", dimensions={"region": "eu"})


def test_levels_rise_at_once_and_fall_one_by_one() -> None:
    log = Log()
    log.use(30, at=at(0), dimensions={"region": "eu"})
    probes(log, range(15, 56, 10))  # of one unit each, which are demand as well
    log.heartbeat(at(100))
    found = factors(log)
    assert [found[f"p{second}"] for second in (15, 25, 35, 45)] == [4, 2, Fraction("1.5"), 1]


def test_the_lowest_level_is_held_down_to_its_release() -> None:
    log = Log()
    for second, units in ((0, 10), (10, 4), (20, 3), (30, 9)):
        log.use(units, at=at(second), event_id=f"e{second}", dimensions={"region": "eu"})
    probes(log, range(45, 46))
    log.heartbeat(at(100))
    found = factors(log, release_below="4")
    assert [found[f"e{second}"] for second in (10, 20, 30)] == [Fraction("1.5"), Fraction("1.5"), 1]
    assert found["p45"] == 1


@pytest.mark.parametrize(
    ("parameters", "demand", "factor"),
    [
        ({"elasticity": "1"}, 12, "1.2"),
        ({"elasticity": "1"}, 9, "1"),
        ({"elasticity": "2"}, 20, "1.4142"),  # the root of 2 is 1.41421...
        ({"elasticity": "0.5"}, 15, "2.25"),
        ({"elasticity": "1", "trend": "1"}, 12, "2.4"),  # 12 more than before
        ({"elasticity": "1"}, 90, "4"),  # the top
    ],
)
def test_elasticity_meets_the_capacity(parameters: dict[str, str], demand: int, factor: str) -> None:
    log = Log()
    log.use(demand, at=at(5), dimensions={"region": "eu"})
    probes(log, range(15, 16))
    log.heartbeat(at(100))
    rule = {"model": "elasticity", "parameters": {"capacity": "10"} | parameters}
    assert factors(log, **rule)["p15"] == Fraction(factor)


def test_an_event_whose_interval_is_not_decided_waits_with_all_behind_it() -> None:
    log = Log(2)
    log.use(1, at=at(5), event_id="decided", dimensions={"region": "eu"})
    log.use(1, at=at(21), event_id="waits", dimensions={"region": "eu"})
    log.use(1, "data", at=at(22), event_id="behind")
    log.use(1, "data", at=at(22), event_id="free", customer_id="acme")
    log.heartbeat(at(19), partition=1)
    ledger = rate_log(log.partitions, [book(surge=[RULE])])
    assert [one["event_id"] for one in ledger.records] == ["decided", "free"]
    assert ledger.pending == [(0, 1), (0, 2)]
