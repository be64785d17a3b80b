"""Codes that customers redeem by an event: a discount or free units for a time, or for the cycle."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from billing.events import Freed
from billing.instants import parse_instant
from billing.price_books.document import Errors, Node
from billing.price_books.fields import Fields, read_scalar
from billing.price_books.percent import Percent, parse_percent
from billing.price_books.readers import identifier, positive_duration, positive_whole
from billing.promotions.earned import Charged, Earned, Held, Occasion, Win
from billing.promotions.milestone import check_one_of
from billing.promotions.promotion import covers_meter, parse_meters

FIELDS = ("id", "kind", "codes", "meters", "percent", "units", "lasts", "max_redemptions", "from", "to")

DIMENSION = "coupon"
"""The dimension in which an event carries a code."""

MAX_REDEMPTIONS = 100
"""Redemptions per customer: each is kept in the state until its time is over."""


class Grant(NamedTuple):
    """One redemption: for events in ``[from_ms, to_ms)``, with the free units that are left of it."""

    from_ms: int
    to_ms: int
    units_left: int


@dataclass(slots=True)
class CouponState:
    """How often a customer has redeemed a coupon, ever, and the grants that may still count."""

    redeemed: int = 0
    grants: list[Grant] = field(default_factory=list)

    def copied(self) -> Self:
        """Return the same state, which may change apart from this one."""
        return replace(self, grants=self.grants[:])

    def give_back(self, units: int, redeemed_ms: int) -> None:
        """Return free units to the grant that they came from; one that is forgotten takes them with it."""
        for index, one in enumerate(self.grants):
            if one.from_ms == redeemed_ms:
                self.grants[index] = one._replace(units_left=one.units_left + units)

    def give_back_to_any(self, units: int, time_ms: int, most: int) -> None:
        """Return free units to the grants that held at a time, to each until it has `most`, as it began."""
        for index, one in enumerate(self.grants):
            if one.from_ms <= time_ms < one.to_ms:
                back = min(units, max(0, most - one.units_left))
                self.grants[index] = one._replace(units_left=one.units_left + back)
                units -= back


@dataclass(frozen=True, slots=True)
class Coupon(Earned):
    """One of ``codes`` on any rated event redeems it for the event's customer, for that event and those after it.

    It gives ``percent`` off, or ``units`` free, for lasts_ms from the event's time, 0 standing for
    the rest of the event's cycle. While a redemption holds, the code does nothing more. from_ms and
    to_ms (exclusive; None: open) are when it can be redeemed.
    """

    id: str
    meters: frozenset[str]
    codes: frozenset[str]
    percent: Percent | None
    units: int
    lasts_ms: int
    max_redemptions: int
    from_ms: int | None
    to_ms: int | None

    @classmethod
    def parse(cls, node: Node, errors: Errors) -> Self | None:
        """Read ``{id, kind: coupon, codes, meters, percent | units, lasts, max_redemptions, from, to}``."""
        fields = Fields(
            node,
            errors,
            ("id", "kind", "codes", "meters", "percent", "units", "lasts", "max_redemptions", "from", "to"),
        )
        promotion_id = fields.required("id", identifier)
        codes = [read_scalar(one, identifier, errors) for one in fields.items("codes", required=True)]
        meters = parse_meters(fields)
        check_one_of(fields, "percent", "units")
        from_ms = fields.optional("from", parse_instant)
        to_ms = fields.optional("to", parse_instant)
        if from_ms is not None and to_ms is not None and to_ms <= from_ms:
            errors.add(fields.node_of("to"), "to is not after from", "set to to a later time; it is exclusive")
        found = cls(
            promotion_id or "",
            meters,
            frozenset(code for code in codes if code is not None),
            fields.optional("percent", parse_percent),
            fields.default("units", positive_whole, 0),
            fields.default("lasts", positive_duration, 0),
            fields.default("max_redemptions", _redemptions, 1),
            from_ms,
            to_ms,
        )
        return None if promotion_id is None else found

    def covers(self, meter: str) -> bool:
        """Say whether it gives anything to this meter."""
        return covers_meter(self.meters, meter)

    def concerns(self, meter: str) -> bool:  # noqa: ARG002 - a code may come with any
        """Say that events of every meter may redeem it."""
        return True

    def before(self, occasion: Occasion, held: Held) -> None:
        """Redeem the event's code, and give what holds at its time."""
        if occasion.dimensions.get(DIMENSION) in self.codes:
            self._redeem(occasion, held)
        state = occasion.customer.get((occasion.price_book, self.id, CouponState))
        if not isinstance(state, CouponState):
            return
        grants = [one for one in state.grants if one.from_ms <= occasion.event_time_ms < one.to_ms]
        if grants and self.percent is not None:
            held.percentages.add(self.id)
        elif grants and self.covers(occasion.meter):
            held.units[self.id] = sum(one.units_left for one in grants)

    def _redeem(self, occasion: Occasion, held: Held) -> None:
        time_ms = occasion.event_time_ms
        if (self.from_ms is not None and time_ms < self.from_ms) or (self.to_ms is not None and time_ms >= self.to_ms):
            return
        state = occasion.of_customer(self.id, CouponState)
        holds = any(one.from_ms <= time_ms < one.to_ms for one in state.grants)
        if holds or state.redeemed >= self.max_redemptions:
            return
        forget_ms = occasion.clock_ms - occasion.horizon_ms
        state.grants = [one for one in state.grants if one.to_ms > forget_ms]
        to_ms = time_ms + self.lasts_ms if self.lasts_ms else occasion.cycle_end_ms
        state.grants.append(Grant(time_ms, to_ms, self.units))
        state.redeemed += 1
        reward = f"{self.units} units free" if self.percent is None else f"{self.percent.text} % off"
        held.wins.append(Win(self.id, f"redeemed, {state.redeemed} of {self.max_redemptions}: {reward}"))

    def after(self, occasion: Occasion, charged: Charged) -> Win | None:
        """Take the free units that the event used from the grants, in the order of redemption."""
        taken = charged.taken.get(self.id, 0)
        state = occasion.customer.get((occasion.price_book, self.id, CouponState))
        if taken and isinstance(state, CouponState):
            for index, one in enumerate(state.grants):
                used = min(taken, one.units_left)
                if used and one.from_ms <= occasion.event_time_ms < one.to_ms:
                    state.grants[index] = one._replace(units_left=one.units_left - used)
                    occasion.redeemed.append(Freed(self.id, used, one.from_ms))
                    taken -= used
        return None


def _redemptions(text: str) -> int:
    count = positive_whole(text)
    if count > MAX_REDEMPTIONS:
        raise ValueError(f"{text} is too many: write at most {MAX_REDEMPTIONS}")
    return count
