"""Times and counts as people read them."""

from datetime import UTC, datetime


def units_of(count: int) -> str:
    """Return the word for so many units."""
    return "unit" if count == 1 else "units"


def time_of(epoch_ms: int) -> str:
    """Return an instant to the second, in UTC."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
