"""A reward for what a cycle has reached in units or in money: a discount for the rest of it, or a credit."""

from dataclasses import dataclass, replace
from typing import Self

from billing.money import format_picos
from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields
from billing.price_books.percent import Percent, parse_percent
from billing.price_books.readers import amount_picos, identifier, positive_whole
from billing.promotions.earned import Charged, Earned, Held, Occasion, Win
from billing.promotions.promotion import covers_meter, parse_meters


@dataclass(slots=True)
class MilestoneState:
    """How far a cycle has come; free units count, amounts are those charged, in picos."""

    units: int = 0
    picos: int = 0
    reached: bool = False

    def copied(self) -> Self:
        """Return the same state, which may change apart from this one."""
        return replace(self)


@dataclass(frozen=True, slots=True)
class Milestone(Earned):
    """``units`` or ``spend_picos`` of its meters in a cycle win ``percent`` off the rest of it, or a credit.

    Of units and spend one is set, the other 0; of percent and credit as well. It is won once a cycle.
    """

    id: str
    meters: frozenset[str]
    units_goal: int
    spend_picos: int
    percent: Percent | None
    credit_picos: int

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{id, kind: milestone, meters, units | spend, percent | credit}``; None where an error was added."""
        fields = Fields(node, errors, ("id", "kind", "meters", "units", "spend", "percent", "credit"))
        promotion_id = fields.required("id", identifier)
        meters = parse_meters(fields)
        check_one_of(fields, "units", "spend")
        check_one_of(fields, "percent", "credit")
        units = fields.default("units", positive_whole, 0)
        spend = fields.default("spend", _positive_amount, 0)
        percent = fields.optional("percent", parse_percent)
        credit = fields.default("credit", _positive_amount, 0)
        return None if promotion_id is None else cls(promotion_id, meters, units, spend, percent, credit)

    def covers(self, meter: str) -> bool:
        """Say whether it is for this meter."""
        return covers_meter(self.meters, meter)

    def concerns(self, meter: str) -> bool:
        """Say whether events of a meter count and are discounted."""
        return covers_meter(self.meters, meter)

    def before(self, occasion: Occasion, held: Held) -> None:
        """Give the percentage to every event of a cycle after the one that reached it."""
        if self.percent is not None and occasion.of_cycle(self.id, MilestoneState).reached:
            held.percentages.add(self.id)

    def after(self, occasion: Occasion, charged: Charged) -> Win | None:
        """Count an event; won where it reaches the goal."""
        state = occasion.of_cycle(self.id, MilestoneState)
        if state.reached:
            return None
        state.units += occasion.quantity
        state.picos += charged.picos
        if not self._reached(state):
            return None
        state.reached = True
        goal = f"{self.units_goal} units" if self.units_goal else f"a spend of {format_picos(self.spend_picos)}"
        reward = f"a credit of {format_picos(self.credit_picos)}"
        if self.percent is not None:
            reward = f"{self.percent.text} % off the rest of the cycle"
        return Win(self.id, f"{goal} in the cycle: {reward}", self.credit_picos)

    def _reached(self, state: MilestoneState) -> bool:
        """Say whether the goal that is set is reached; a cycle's amount may be below 0 by a rounding."""
        return state.units >= self.units_goal if self.units_goal else state.picos >= self.spend_picos


def check_one_of(fields: Fields, first: str, second: str) -> None:
    """Check that just one of two fields is written."""
    if fields.has(first) and fields.has(second):
        fields.errors.add(fields.node_of(second), f"{first} and {second} exclude each other", "remove one of the two")
    elif not fields.has(first) and not fields.has(second):
        fields.errors.add(fields.node, f"{first} or {second} is missing", f"add {first} or {second}")


def _positive_amount(text: str) -> int:
    picos = amount_picos(text)
    if picos == 0:
        raise ValueError("0 is not positive: write an amount above 0")
    return picos
