"""Charges: facts of an append-only log, and what holds after some of them (contract, section 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from billing.price_books.model import PlanInterval
from billing.subscriptions.events import Discount


@dataclass(frozen=True, slots=True)
class Charge:
    """A fact: from its recording on, the subscription owes `price_picos` an interval in [valid_from_ms, valid_to_ms).

    0 as the end stands for none yet. A fact that `supersedes` another takes its place; one whose end is
    its beginning says that nothing is owed. `event_id` caused the fact; `terms_event_id`, of `version`,
    stated plan, seats and price. The price is for all seats, with all discounts.
    """

    charge_id: str
    event_id: str
    subscription_id: str
    customer_id: str
    version: int
    terms_event_id: str
    plan: str
    quantity: int
    price_picos: int
    interval: PlanInterval
    currency: str
    price_book: str
    price_book_version: int
    valid_from_ms: int
    valid_to_ms: int
    recorded_sequence: int
    clock_ms: int
    supersedes: str = ""
    discounts: tuple[Discount, ...] = ()
    contract_discount: str = ""
    replay: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether it has no end yet."""
        return self.valid_to_ms == 0

    @property
    def is_void(self) -> bool:
        """Tell whether it says that nothing is owed."""
        return self.valid_to_ms == self.valid_from_ms

    def holds_at(self, epoch_ms: int) -> bool:
        """Tell whether it is what the subscription owes at an instant."""
        return self.valid_from_ms <= epoch_ms and (self.is_open or epoch_ms < self.valid_to_ms)

    def ended_at(self, epoch_ms: int) -> "Charge":
        """Return it ended at an instant, or void where it had not begun by then."""
        return replace(self, valid_to_ms=max(epoch_ms, self.valid_from_ms))


def live_charges(facts: Iterable[Charge]) -> dict[str, Charge]:
    """Return the charges that hold after these facts of one customer, in the order of recording, by id."""
    live: dict[str, Charge] = {}
    for fact in facts:
        live.pop(fact.supersedes, None)
        if not fact.is_void:
            live[fact.charge_id] = fact
    return live


def without_superseded(facts: Sequence[Charge], clock_ms: int) -> list[Charge]:
    """Return the facts that still matter for what was known at a clock, or later."""
    gone = {fact.supersedes for fact in facts if fact.clock_ms < clock_ms}
    return [fact for fact in facts if fact.charge_id not in gone and not (fact.is_void and fact.clock_ms < clock_ms)]
