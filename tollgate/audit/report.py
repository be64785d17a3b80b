"""What a verification found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

MAX_DIFFERENCES = 50


class Differing:
    """What every report of a verification does with what differs: counts all, and keeps the first in words."""

    most: ClassVar[int] = MAX_DIFFERENCES

    differences: list[str]
    difference_count: int

    @property
    def passed(self) -> bool:
        """True where nothing differs and all input is accounted for."""
        return not self.difference_count

    def differ(self, text: str) -> None:
        """Note one difference."""
        self.difference_count += 1
        if len(self.differences) < self.most:
            self.differences.append(text)


@dataclass(slots=True)
class Report(Differing):
    """The result of a verification: counts that must add up, and every difference found."""

    input: int = 0
    rated: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    pending: int = 0
    heartbeats: int = 0
    closings: int = 0
    unsettled: int = 0
    surge_unknown: int = 0
    surge_rates: int = 0
    customers: int = 0
    balances: int | None = None
    totals: dict[str, str] = field(default_factory=dict)
    dead_letters_by_reason: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    difference_count: int = 0

    def take_over(self, differences: Iterable[str], count: int) -> None:
        """Note the differences of another verification: the first of them, and how many there are."""
        self.differences += list(differences)[: MAX_DIFFERENCES - len(self.differences)]
        self.difference_count += count
