"""What a plan costs from an instant on: one price for each stretch between the ends of discounts."""

from itertools import pairwise
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.money import PICOS_PER_UNIT, parse_picos, round_half_even
from billing.outcomes import Reason, Rejection
from billing.price_books.model import Plan, PriceBook
from billing.price_books.percent import Percent, parse_percent
from billing.subscriptions.events import Discount, SubscriptionEvent

MAX_SHOWN = 100


class Stretch(NamedTuple):
    """A price that holds in [from_ms, to_ms), 0: without end; the discounts are those within it."""

    from_ms: int
    to_ms: int
    price_picos: int
    discounts: tuple[Discount, ...]


class Quote(NamedTuple):
    """What an event's terms cost, without gaps from its effective time on."""

    book: PriceBook
    plan: Plan
    contract_discount: str
    stretches: tuple[Stretch, ...]


def quote(event: SubscriptionEvent, prices: PriceCatalog) -> Quote | Rejection:
    """Price the terms of a START or an UPDATE by the customer's book and contract at the effective time.

    The price stays until the next event, whatever later versions of the book say.
    """
    terms = prices.terms_for(event.customer_id, event.effective_time_ms)
    if terms.book is None:
        return Rejection(Reason.NO_PRICE, "no version of the customer's price book is in force at its effective time")
    plan = terms.book.plans.get(event.plan)
    if plan is None:
        return Rejection(Reason.UNKNOWN_PLAN, f"{terms.book.key} has no plan {event.plan[:MAX_SHOWN]!r}")
    agreed = terms.agreement.contract.discount if terms.agreement is not None else None
    stretches = tuple(_stretch(event, plan, agreed, *span) for span in _spans(event))
    return Quote(terms.book, plan, agreed.text if agreed is not None else "", stretches)


def _spans(event: SubscriptionEvent) -> list[tuple[int, int]]:
    """Cut the time from the effective time on where discounts begin and end."""
    begun_ms = event.effective_time_ms
    marks = {mark for one in event.discounts for mark in (one.valid_from_ms, one.valid_to_ms) if mark > begun_ms}
    cuts = [begun_ms, *sorted(marks), 0]
    return list(pairwise(cuts))


def _stretch(event: SubscriptionEvent, plan: Plan, agreed: Percent | None, from_ms: int, to_ms: int) -> Stretch:
    holding = tuple(one for one in event.discounts if one.holds_at(from_ms))
    return Stretch(from_ms, to_ms, discounted_picos(plan.price_picos * event.quantity, holding, agreed), holding)


def discounted_picos(list_picos: int, discounts: tuple[Discount, ...], agreed: Percent | None) -> int:
    """Take discounts off the price of all seats, in the order of the event, then the contract's; rounded once.

    A price never falls below 0.
    """
    numerator, denominator = list_picos, 1
    for one in discounts:
        if one.percent:
            percent = parse_percent(one.percent)
            numerator, denominator = numerator * percent.rest_numerator, denominator * percent.rest_denominator
        else:
            numerator = max(numerator - parse_picos(one.amount) * denominator, 0)
    if agreed is not None:
        numerator, denominator = numerator * agreed.rest_numerator, denominator * agreed.rest_denominator
    return round_half_even(numerator, denominator * PICOS_PER_UNIT)
