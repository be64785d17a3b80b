"""Builders of sessions: phases that name only what matters, and a desk with meters for them."""

from typing import Any

from billing.events import Measure, Phase, UsageEvent
from billing.money import PICOS_PER_UNIT
from billing.outcomes import BillingRecord
from tests.unit.builders import NOON_MS, book, catalog, per_unit, usage
from tests.unit.desk import Desk

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
IDLE_MS = 4 * HOUR_MS
CENT = PICOS_PER_UNIT // 100


def voice(**session: Any) -> dict[str, Any]:
    """Return a meter of a cent for each second, by started minutes."""
    return per_unit("0.01") | {"session": {"minimum": 60, "increment": 60, "idle_timeout": "4h"} | session}


def desk(**changes: Any) -> Desk:
    """Return a desk with the meters `voice`, `video` and `calls`."""
    meters = {"voice": voice(), "video": voice(), "calls": per_unit("0.01")}
    return Desk(catalog(book(**{"meters": meters} | changes)))


def phase(which: Phase, event_id: str, at_ms: int = 0, **changes: Any) -> UsageEvent:
    """Return a phase of session `s`, so long after noon."""
    said = {"measure": Measure.SESSION, "quantity": 0, "meter": "voice", "subject": "s", "phase": which}
    said |= {"event_time_ms": NOON_MS + at_ms, "detail": f"{which}:s"}
    return usage(event_id)._replace(**said | changes)


def start(at_ms: int = 0, event_id: str = "start", **changes: Any) -> UsageEvent:
    return phase(Phase.START, event_id, at_ms, **changes)


def update(at_ms: int, event_id: str = "update", **changes: Any) -> UsageEvent:
    return phase(Phase.UPDATE, event_id, at_ms, **changes)


def stop(at_ms: int, event_id: str = "stop", **changes: Any) -> UsageEvent:
    return phase(Phase.STOP, event_id, at_ms, **changes)


def parts(record: BillingRecord) -> list[str]:
    assert record.session is not None
    return [one.event_id for one in record.session.parts]
