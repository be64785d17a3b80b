"""What analysts ask about prices: answered by the core, from the books and contracts that are published."""

from bisect import bisect_left
from collections.abc import Iterable

from billing.catalog import PriceCatalog
from billing.currencies import minor_unit_exponent
from billing.events import NO_DIMENSIONS, Measure, UsageEvent
from billing.memory import DictMemory
from billing.money import PICOS_PER_UNIT, format_picos, parse_decimal, round_half_even
from billing.money_text import shown
from billing.outcomes import BillingRecord
from billing.quote import quote, total_picos
from billing.state import CustomerState
from billing.validity import MAX_QUANTITY
from udfs.price_feed import PriceFeed, PriceTopic, Published
from wire.records import ReadSoFar


class PriceAnswers:
    """Answers by the prices in force at one moment, epoch ms. None where there is no answer."""

    def __init__(self, published: Iterable[Published], default_price_book: str, now_ms: int) -> None:
        feed = PriceFeed(default_price_book, ReadSoFar(0))
        accepted = [one for one in published if not feed.add(one)]
        self._accepted = frozenset(one.offset for one in accepted if one.topic is PriceTopic.BOOKS)
        self._catalog: PriceCatalog = feed.catalog
        self._now_ms = now_ms

    def quote(self, meter: str, quantity: int, customer_id: str = "") -> str | None:
        """Return what a quantity costs as the first use of a cycle, under the customer's contract: decimal text."""
        if not 0 < quantity <= MAX_QUANTITY:
            return None
        event = UsageEvent("quote", customer_id, meter, Measure.QUANTITY, quantity, self._now_ms, NO_DIMENSIONS)
        found = quote(CustomerState(customer_id), event, 0, self._catalog, DictMemory())
        return format_picos(total_picos(found)) if isinstance(found, BillingRecord) else None

    def tier_of(self, meter: str, unit: int, customer_id: str = "") -> int | None:
        """Return the number, from 1, of the tier that a cycle's unit of that number is in; 1 where there are none."""
        terms = self._catalog.terms_for(customer_id, self._now_ms)
        if terms.series is None or terms.book is None or unit < 1:
            return None
        tariff = terms.series.tariff(terms.book, terms.agreement, meter)
        return None if tariff is None else bisect_left(tariff.bounds, unit) + 1

    def cycle_of(self, event_time_ms: int, customer_id: str = "") -> str | None:
        """Return the name of the cycle that an instant is in, in the timezone of the customer's book."""
        book = self._catalog.terms_for(customer_id, event_time_ms).book
        return None if book is None else book.calendar.cycle_of(event_time_ms).name

    def book_accepted(self, offset: int) -> bool:
        """Tell whether the book at an offset of pricing.books is published and was accepted."""
        return offset in self._accepted


def format_money(amount: str, currency: str) -> str | None:
    """Return an amount for people: rounded to the currency's minor unit, half to even, and the currency.

    >>> format_money("1234.565", "USD"), format_money("1234.5", "JPY"), format_money("-0.001", "USD")
    ('1,234.56 USD', '1,234 JPY', '0.00 USD')
    """
    try:
        places = minor_unit_exponent(currency)
        numerator, denominator = parse_decimal(amount)
    except (KeyError, ValueError):
        return None
    minor = round_half_even(numerator * 10**places, denominator * PICOS_PER_UNIT)
    return f"{shown(format_picos(minor * PICOS_PER_UNIT // 10**places), currency)} {currency}"
