"""A desk for promotions that are won: events numbered, each with the clock that its partition would have."""

from typing import Any

from billing.events import Measure, UsageEvent
from billing.money import format_picos
from billing.outcomes import BillingRecord
from billing.promotions.coupon import CouponState
from tests.unit.builders import NOON_MS, book, catalog, per_unit, usage
from tests.unit.desk import Desk

SECOND, MINUTE, DAY = 1000, 60_000, 86_400_000
BURST = {
    "id": "burst",
    "kind": "burst",
    "meters": ["calls"],
    "window": "10m",
    "at_least": 10,
    "percent": "50",
    "lasts": "30m",
}
METERS = {"calls": per_unit("1"), "texts": per_unit("1")}
CODE = {"dimensions": {"coupon": "SPRING"}}


class Shop:
    """A desk whose events are numbered, with the clock that their partition would have."""

    def __init__(self, *promotions: dict[str, Any], meters: dict[str, Any] = METERS) -> None:
        self.desk = Desk(catalog(book(meters=meters, promotions=list(promotions))))
        self.clock_ms = 0
        self.used = 0

    def use(self, quantity: int, at_ms: int = 0, **changes: Any) -> BillingRecord:
        """Rate an event; `at_ms` counts from noon."""
        event: UsageEvent = usage(f"e{self.used}", quantity, event_time_ms=NOON_MS + at_ms, **changes)
        record = self.desk.rated(event, clock_ms=self.clock_ms)
        self.used += 1
        self.clock_ms = max(self.clock_ms, event.event_time_ms)
        return record

    def costs(self, quantity: int, at_ms: int = 0, **changes: Any) -> str:
        """Rate an event; returns its amount."""
        return format_picos(self.use(quantity, at_ms, **changes).picos)


def told(record: BillingRecord) -> list[tuple[str, str]]:
    return [(one.kind.name, one.subject) for one in record.alerts]


def milestone(**fields: Any) -> dict[str, Any]:
    return {"id": "goal", "kind": "milestone", "meters": ["*"], **fields}


def coupon(**fields: Any) -> dict[str, Any]:
    return {"id": "spring", "kind": "coupon", "codes": ["SPRING", "HELLO"], "meters": ["calls"], **fields}


def take_back(shop: Shop, record: BillingRecord) -> None:
    said = {"measure": Measure.RETRACTION, "meter": "", "subject": record.event_id, "event_time_ms": NOON_MS}
    shop.desk.rated(usage(f"back-{record.event_id}", 0)._replace(**said), clock_ms=shop.clock_ms)


def grants(desk: Desk) -> list[int]:
    (state,) = desk.state.earned.values()
    assert isinstance(state, CouponState)
    return [one.units_left for one in state.grants]
