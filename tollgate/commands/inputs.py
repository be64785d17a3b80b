"""What several commands read from their options: times, and the line that says what is wrong with them."""

from billing.instants import parse_instant
from billing.validity import MAX_EVENT_TIME_MS
from tollgate.local.errors import EXIT_UNUSABLE, StackError


def read_instant(option: str, text: str) -> int:
    """Return an option's time as epoch ms. Raises StackError naming the option where it is none."""
    try:
        instant_ms = parse_instant(text)
    except ValueError as error:
        raise StackError(f"{option}: {error}", "write a time such as 2026-11-10T12:00:00Z", EXIT_UNUSABLE) from error
    if not 0 < instant_ms < MAX_EVENT_TIME_MS:
        cause = f"{option}: {text} is no time of usage"
        raise StackError(cause, "write a time after 1970 and before the year 9000", EXIT_UNUSABLE)
    return instant_ms
