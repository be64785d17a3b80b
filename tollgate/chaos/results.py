"""What came of a run: by fault and as a whole, as a table and as plain data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

from tollgate.audit.report import Report


@dataclass(frozen=True, slots=True)
class Outcome:
    """One fault: seconds from its end until all was committed, and settled in Redis; None: not within the limit."""

    number: int
    kind: str
    described: str
    committed_seconds: float | None
    settled_seconds: float | None
    said: str = ""

    @property
    def recovered(self) -> bool:
        """Whether everything moved again within the limit."""
        return self.committed_seconds is not None and self.settled_seconds is not None


@dataclass(slots=True)
class Results:
    """A whole run; `report` is None where it could not be judged."""

    seed: int
    limit_seconds: float
    outcomes: list[Outcome] = field(default_factory=list)
    events: int = 0
    settled: bool = False
    went_back: list[str] = field(default_factory=list)
    """Sequences in Redis that did."""

    report: Report | None = None
    home: str = ""

    @property
    def passed(self) -> bool:
        """Whether every fault was survived, and nothing is lost or double."""
        judged = self.report is not None and self.report.passed
        return judged and self.settled and not self.went_back and all(one.recovered for one in self.outcomes)

    def as_plain(self) -> dict[str, Any]:
        """Return all of it as JSON takes it."""
        report = asdict(self.report) | {"passed": self.report.passed} if self.report is not None else None
        outcomes = [asdict(one) | {"recovered": one.recovered} for one in self.outcomes]
        return {
            "seed": self.seed, "limit_seconds": self.limit_seconds, "events": self.events, "home": self.home,
            "passed": self.passed, "settled": self.settled, "went_back": self.went_back,
            "faults": outcomes, "verify": report,
        }  # fmt: skip


def table(results: Results) -> Table:
    """Return a row for each kind of fault, and one for all."""
    shown = Table(
        title=f"Seed {results.seed}: {len(results.outcomes)} faults, {results.events:,} events",
        title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    shown.add_column("fault")
    for heading in ("times", "committed p50", "max", "settled p50", "max"):
        shown.add_column(heading, justify="right")
    shown.add_column(f"back within {results.limit_seconds:.0f} s")
    for kind in dict.fromkeys(one.kind for one in results.outcomes):
        some = [one for one in results.outcomes if one.kind == kind]
        shown.add_row(kind, *_row(some))
    shown.add_row("all", *_row(results.outcomes))
    return shown


def _row(some: Sequence[Outcome]) -> list[str]:
    missed = sum(not one.recovered for one in some)
    committed = _middle_and_most([one.committed_seconds for one in some])
    settled = _middle_and_most([one.settled_seconds for one in some])
    return [str(len(some)), *committed, *settled, f"NO: {missed} of {len(some)}" if missed else "yes"]


def _middle_and_most(seconds: Sequence[float | None]) -> tuple[str, str]:
    known = [one for one in seconds if one is not None]
    if not known:
        return "", ""
    return f"{median(known):.1f} s", f"{max(known):.1f} s" if len(known) == len(seconds) else "never"
