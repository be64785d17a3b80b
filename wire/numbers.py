"""Numbers in messages: an int64 field ends where Python's numbers go on."""

from typing import Final

MAX_INT64: Final = 2**63 - 1


def as_int64(number: int) -> int:
    """Return a number as an int64 field takes it; beyond that it stands still. For counts that no money follows from.

    >>> as_int64(10**19) == -as_int64(-(10**19)) == MAX_INT64
    True
    """
    return number if -MAX_INT64 <= number <= MAX_INT64 else MAX_INT64 if number > 0 else -MAX_INT64
