"""Counters of dead letters: all of them, and by reason."""

from collections.abc import Mapping
from typing import Any

from billing.outcomes import Reason


class LetterCounters:
    """All reasons are there from the start: what appears with its first letter has no rate before the second."""

    def __init__(self, group: Any) -> None:
        self._all = group.counter("dead_letters")
        self._by_reason = {
            reason.value: group.add_group("reason", reason.value).counter("dead_letters") for reason in Reason
        }

    def add(self, counts: Mapping[str, int]) -> None:
        """Add what a frame has led to, by reason."""
        for reason, count in counts.items():
            self._all.inc(count)
            self._by_reason[reason].inc(count)
