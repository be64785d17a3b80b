"""What the engine remembers of one customer between events."""

from dataclasses import dataclass, field
from typing import Protocol, Self

from billing.volume_tiers import VolumeState

NEVER_MS = 1 << 62
"""A deadline that no clock reaches."""


class EarnedState(Protocol):
    """What is remembered of one promotion that is won."""

    def copied(self) -> Self:
        """Return the same state, which may change apart from this one."""


EarnedKey = tuple[str, str, type[EarnedState]]
"""Price book, promotion and kind: an id that is of another kind in another version is another promotion."""


@dataclass(slots=True)
class MeterState:
    """One meter in one cycle.

    `counter` is what tiers are reckoned by: billable units of events *of* this cycle.
    `quantity` and `picos` add up the records *billed in* it, free units included, so that
    they are what a reader of the records would add up (late corrections are billed elsewhere).
    `volumes` is kept by price version, for volume prices alone.
    """

    counter: int = 0
    quantity: int = 0
    picos: int = 0
    volumes: dict[str, VolumeState] = field(default_factory=dict)


@dataclass(slots=True)
class CycleState:
    """One customer's cycle under one price book, from its first event until it is forgotten.

    `earned` is the state of promotions that are won in a cycle, by promotion. `alerted_picos` is the
    highest sum that an alert told of, `uncovered_picos` what no prepaid credit has covered.
    """

    name: str
    price_book: str
    currency: str
    close_at_ms: int
    forget_at_ms: int
    closed: bool = False
    picos: int = 0
    meters: dict[str, MeterState] = field(default_factory=dict)
    allowances: dict[str, int] = field(default_factory=dict)
    earned: dict[str, EarnedState] = field(default_factory=dict)
    alerted_picos: int = 0
    uncovered_picos: int = 0

    def meter(self, name: str) -> MeterState:
        """Return the meter's state, made on first use."""
        state = self.meters.get(name)
        if state is None:
            state = self.meters[name] = MeterState()
        return state

    @property
    def deadline_ms(self) -> int:
        """The clock at which something is due for this cycle: its close, then its end."""
        return self.forget_at_ms if self.closed else self.close_at_ms


@dataclass(slots=True)
class OpenSessions:
    """What a customer's sessions that run would cost, each by itself, ended at the phase of it last seen.

    `amounts` is (sessions, picos) by currency, the one that changed last at the end. `changes` counts
    from 1: a function of the log, as `sequence` is. `changed` says that it has not been told yet; it is not kept.
    """

    changes: int = 0
    as_of_ms: int = 0
    amounts: dict[str, tuple[int, int]] = field(default_factory=dict)
    changed: bool = field(default=False, compare=False)

    @property
    def sessions(self) -> int:
        """How many run, in all currencies."""
        return sum(count for count, _ in self.amounts.values())


@dataclass(slots=True)
class CustomerState:
    """One customer: the sequence, the home partition and the cycles that are not forgotten.

    `earned` is the state of promotions that are won over cycles, by price book, promotion and kind.
    `held_due_ms` is when something that waits may be due: never later than the first of them,
    and possibly earlier, as what waits may be settled before or be given more time.
    `credit_drawn_picos` is what has been taken from prepaid credit, `credit_paid_picos` the largest sum that a
    contract which it was drawn under says was paid. `open` is None where no session ever ran.
    `queued` says that an event waits for a surge factor, and all later ones behind it.
    """

    customer_id: str
    sequence: int = 0
    partition: int = -1
    cycles: dict[tuple[str, str], CycleState] = field(default_factory=dict)
    deadline_ms: int = NEVER_MS
    held_due_ms: int = NEVER_MS
    earned: dict[EarnedKey, EarnedState] = field(default_factory=dict)
    credit_drawn_picos: int = 0
    credit_paid_picos: int = 0
    open: OpenSessions | None = None
    queued: bool = False

    def open_cycle(self, cycle: CycleState) -> CycleState:
        """Add a cycle and move the customer's next deadline to it where it comes first."""
        self.cycles[cycle.price_book, cycle.name] = cycle
        self.deadline_ms = min(self.deadline_ms, cycle.deadline_ms)
        return cycle

    def next_sequence(self) -> int:
        """Take the next number of the customer's gapless sequence, from 1."""
        self.sequence += 1
        return self.sequence

    def expect(self, due_ms: int) -> None:
        """Note that something which waits is due then."""
        self.held_due_ms = min(self.held_due_ms, due_ms)
        self.deadline_ms = min(self.deadline_ms, due_ms)

    def find_deadline(self) -> None:
        """Look the next deadline up again, after one has passed."""
        self.deadline_ms = min((cycle.deadline_ms for cycle in self.cycles.values()), default=NEVER_MS)
        self.deadline_ms = min(self.deadline_ms, self.held_due_ms)
