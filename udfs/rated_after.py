"""How old events are when they have been rated, told to the outside once a bundle."""

from struct import Struct
from typing import Any

# Of the first entry of an incoming frame: u32 length | i32 partition | i64 offset | i64 record timestamp.
_FIRST_TIMESTAMP = Struct(">q")
_FIRST_TIMESTAMP_AT = 16


def rated_after(group: Any) -> Any:
    """Return the histogram, see tollgate.jvm.RatedAfter."""
    from pemja import findClass  # noqa: PLC0415 - only importable inside a TaskManager

    return findClass("tollgate.jvm.RatedAfter").register(group._metrics)  # noqa: SLF001 - a histogram of Java's


def first_timestamp_ms(frame: bytes) -> int:
    """Return the timestamp in Kafka of a frame's first record, which has waited the longest in it."""
    timestamp_ms: int = _FIRST_TIMESTAMP.unpack_from(frame, _FIRST_TIMESTAMP_AT)[0]
    return timestamp_ms
