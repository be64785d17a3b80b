"""What prices one meter for one customer: list price, promotions and discount, worked out once for many events."""

from dataclasses import dataclass

from billing.calendar import Calendar
from billing.contracts import Agreement
from billing.money import PICOS_PER_UNIT
from billing.outcomes import AdjustmentKind
from billing.price_books.model import Meter, PriceBook
from billing.price_books.percent import Percent
from billing.pricing import Graduated, PricingModel, Volume
from billing.promotions import Coupon, Earned, FreeUnits, Held, PercentOff


@dataclass(frozen=True, slots=True)
class Reduction:
    """A percentage off or a surge's factor, what it comes from, and what is to pay: `rest` / `whole`."""

    id: str
    kind: AdjustmentKind
    percent: str
    rest: int
    whole: int
    factor: str = ""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Everything that prices one meter for one customer under one version of a price book.

    `price_version` names the list price: that of the book's version, or the contract's beside it.
    `list_picos` is 1 / `model.denominator` of the currency in picos, 0 where that is not whole.
    `standing` are the reductions of every event, None where some depend on its time or are won.
    `earned` are the promotions that its events may win, or have won. `bounds` are where tiers end.
    """

    meter: Meter
    model: PricingModel
    price_book: str
    version: int
    allowances: tuple[FreeUnits | Coupon, ...]
    percentages: tuple[tuple[PercentOff | Earned, Reduction], ...]
    discount: Reduction | None
    price_version: str
    list_picos: int
    standing: tuple[Reduction, ...] | None
    earned: tuple[Earned, ...]
    bounds: tuple[int, ...]

    def reductions_at(self, event_time_ms: int, calendar: Calendar, held: Held | None = None) -> tuple[Reduction, ...]:
        """Rule 6: percent promotions in the order of the book, then the contract's discount."""
        if self.standing is not None:
            return self.standing
        found = tuple(one for promotion, one in self.percentages if promotion.applies(event_time_ms, calendar, held))
        return found if self.discount is None else (*found, self.discount)


def tariff_of(book: PriceBook, agreement: Agreement | None, meter: Meter) -> Tariff:
    """Work out what prices a meter of a book's version under a contract, or under none."""
    contract = agreement.contract if agreement is not None else None
    agreed = contract.prices.get(meter.name) if contract is not None else None
    model = meter.price if agreed is None else agreed
    list_version = f"{book.id}@{book.version}"
    covering = [promotion for promotion in book.promotions if promotion.covers(meter.name)]
    percentages = tuple(
        (one, _reduction(one.id, AdjustmentKind.PROMOTION, one.percent))
        for one in covering
        if isinstance(one, PercentOff | Earned) and one.percent is not None
    )
    discount = (
        None
        if contract is None or contract.discount is None
        else _reduction("contract", AdjustmentKind.CONTRACT_DISCOUNT, contract.discount)
    )
    return Tariff(
        meter=meter,
        model=model,
        price_book=book.id,
        version=book.version,
        allowances=tuple(
            one for one in covering if isinstance(one, FreeUnits) or (isinstance(one, Coupon) and one.units)
        ),
        percentages=percentages,
        discount=discount,
        price_version=list_version if agreement is None or agreed is None else f"{list_version}+{agreement.key}",
        list_picos=0 if PICOS_PER_UNIT % model.denominator else PICOS_PER_UNIT // model.denominator,
        standing=_standing(percentages, discount),
        earned=tuple(one for one in book.promotions if isinstance(one, Earned) and one.concerns(meter.name)),
        bounds=model.bounds if isinstance(model, Graduated | Volume) else (),
    )


def _reduction(name: str, kind: AdjustmentKind, percent: Percent) -> Reduction:
    return Reduction(name, kind, percent.text, percent.rest_numerator, percent.rest_denominator)


def _standing(
    percentages: tuple[tuple[PercentOff | Earned, Reduction], ...], discount: Reduction | None
) -> tuple[Reduction, ...] | None:
    if not all(promotion.always for promotion, _ in percentages):
        return None
    return (*(one for _, one in percentages), *(() if discount is None else (discount,)))
