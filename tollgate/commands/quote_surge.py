"""The surge factor that a quote counts with, and where it comes from, in words."""

from collections.abc import Iterator

from billing.events import UsageEvent
from billing.surge.view import UNDECIDED, SurgeView
from billing.tariffs import Reduction
from tollgate.audit.standing import Standing
from tollgate.commands.narrate_surge import narrate_surge
from wire.surge import take_rate


def surge_factor(standing: Standing, event: UsageEvent) -> Reduction | None:
    """Return the published factor of an event's interval; None for 1, also where it is not decided yet."""
    found = _view(standing).of(event, standing.prices)
    return None if found is UNDECIDED else found


def narrate_quoted_surge(standing: Standing, event: UsageEvent) -> Iterator[str]:
    """Yield how the factor was decided, or that it is not yet; nothing where no surge rule is for the event."""
    view = _view(standing)
    charged_by = view.charged_by(event, standing.prices)
    if charged_by is None:
        return
    lines = narrate_surge(*charged_by, standing.rates)
    if view.of(event, standing.prices) is not UNDECIDED:
        yield from lines
        return
    yield next(lines)
    yield "  - Its factor is not decided yet: quoted with factor 1. An event of that time waits for it."


def _view(standing: Standing) -> SurgeView:
    """Return the published rates, as rating sees them."""
    view = SurgeView()
    for rate in sorted(standing.rates, key=lambda one: one.interval_from_ms):
        take_rate(rate.SerializeToString(), view.rates)
    return view
