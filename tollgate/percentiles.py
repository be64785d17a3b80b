"""Percentiles of what was measured: by nearest rank, so that each is a sample that was really seen."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple


class Percentiles(NamedTuple):
    """Of so many samples, in their unit; all 0 where there are none."""

    samples: int
    p50: float
    p99: float
    p999: float
    most: float


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the least sample that `share` (0 < share <= 1) of all samples do not exceed."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def percentiles(samples: Sequence[float]) -> Percentiles:
    """Return the percentiles of samples in any order."""
    if not samples:
        return Percentiles(0, 0.0, 0.0, 0.0, 0.0)
    ordered = sorted(samples)
    p50, p99, p999 = (percentile(ordered, share) for share in (0.5, 0.99, 0.999))
    return Percentiles(len(ordered), p50, p99, p999, ordered[-1])
