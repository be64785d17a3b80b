"""What a use would cost, without charging it: `tollgate quote` over HTTP."""

from collections.abc import Mapping
from typing import Any

from billing.events import NO_DIMENSIONS, Measure, UsageEvent
from billing.outcomes import Rejection
from billing.quote import quote
from tollgate.api.problems import invalid, not_found
from tollgate.audit.standing import standing_of
from tollgate.commands.inputs import read_instant
from tollgate.commands.quote import as_plain, narrate_quote
from tollgate.commands.quote_surge import narrate_quoted_surge, surge_factor
from tollgate.context import Context
from tollgate.times import now_ms


def event_of(customer: str, meter: str, quantity: int, at: str, dimensions: list[str]) -> UsageEvent:
    """Return the event to be priced. Raises Problem, or StackError, for what no event may say."""
    time_ms = read_instant("at", at) if at else now_ms()
    return UsageEvent("quote", customer, meter, Measure.QUANTITY, quantity, time_ms, _dimensions(dimensions))


def _dimensions(texts: list[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or name in found:
            raise invalid(f"dimension: {text!r} is not NAME=VALUE, or a name twice", "write dimension=region=eu")
        found[name] = value
    return found or NO_DIMENSIONS


def quoted(context: Context, event: UsageEvent) -> Mapping[str, Any]:
    """Return what the event would cost, and why in sentences. Raises Problem where it would be refused."""
    standing = standing_of(context.log, event.customer_id, context.settings.default_price_book)
    if not standing.known:
        raise not_found(event.customer_id)
    surge = surge_factor(standing, event)
    found = quote(standing.state, event, standing.clock_ms, standing.prices, standing.memory, surge=surge)
    if isinstance(found, Rejection):
        cause = f"such an event would be dead-lettered {found.reason.value}: {found.detail}"
        raise invalid(cause, "ask for a meter of the customer's price book, see /v1/prices, and a time that is open")
    return as_plain(found) | {"steps": [*narrate_quote(found, standing), *narrate_quoted_surge(standing, event)]}
