"""The functions of Flink SQL that ask the core: `quote`, `tier_of`, `cycle_of`, `book_accepted` and others.

They run in the JVM of the command or of its gateway, with this checkout on its path: no TaskManager loads them
(`udfs.loading`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from pyflink.table.udf import ScalarFunction, udf

from billing.instants import EPOCH, ONE_MS, parse_instant
from udfs.price_answers import PriceAnswers, format_money
from udfs.price_feed import Published


class PublishedPrices(NamedTuple):
    """All that is published, the id of the default book ("": the first), and the moment that answers are for."""

    published: tuple[Published, ...]
    default_price_book: str
    now_ms: int


@lru_cache(maxsize=1)
def answers_of(prices: PublishedPrices) -> PriceAnswers:
    """Return the answers, worked out once for all functions of a statement."""
    return PriceAnswers(prices.published, prices.default_price_book, prices.now_ms)


class PriceFunction(ScalarFunction):
    """A function that knows the prices."""

    def __init__(self, prices: PublishedPrices) -> None:
        self._prices = prices

    def open(self, _: Any) -> None:
        """Read the prices, where the function runs."""
        self._answers = answers_of(self._prices)


class Quote(PriceFunction):
    """quote(meter, quantity[, customer_id])."""

    def eval(self, meter: str | None, quantity: int | None, customer_id: str | None = "") -> str | None:
        """Return a price in decimal text."""
        if meter is None or quantity is None:
            return None
        return self._answers.quote(meter, int(quantity), customer_id or "")


class TierOf(PriceFunction):
    """tier_of(meter, unit[, customer_id])."""

    def eval(self, meter: str | None, unit: int | None, customer_id: str | None = "") -> int | None:
        """Return a tier's number."""
        if meter is None or unit is None:
            return None
        return self._answers.tier_of(meter, int(unit), customer_id or "")


class CycleOf(PriceFunction):
    """cycle_of(event_time[, customer_id])."""

    def eval(self, event_time: Any, customer_id: str | None = "") -> str | None:
        """Return a cycle's name."""
        return None if event_time is None else self._answers.cycle_of(epoch_ms(event_time), customer_id or "")


class BookAccepted(PriceFunction):
    """book_accepted(kafka_offset)."""

    def eval(self, offset: int | None) -> bool | None:
        """Return whether the jobs go by the price book at an offset of its topic."""
        return None if offset is None else self._answers.book_accepted(int(offset))


class InstantOf(ScalarFunction):
    """instant_of(text)."""

    def eval(self, text: str | None) -> int | None:
        """Return the epoch milliseconds of an instant as price books write it, None for any other text."""
        try:
            return None if text is None else parse_instant(text)
        except ValueError:
            return None


class FormatMoney(ScalarFunction):
    """format_money(amount, currency)."""

    def eval(self, amount: str | Decimal | int | None, currency: str | None) -> str | None:
        """Return an amount for people."""
        if amount is None or currency is None:
            return None
        return format_money(f"{amount:f}" if isinstance(amount, Decimal) else str(amount), currency)


def epoch_ms(moment: Any) -> int:
    """Return an instant as epoch ms; timestamps are UTC, as the session's are."""
    if isinstance(moment, datetime):
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH) // ONE_MS
    return int(moment)


def implementations(prices: PublishedPrices) -> Mapping[str, tuple[ScalarFunction, str]]:
    """Return the functions by their names in SQL, each with the SQL type of what it returns."""
    return {
        "quote": (Quote(prices), "STRING"),
        "tier_of": (TierOf(prices), "INT"),
        "cycle_of": (CycleOf(prices), "STRING"),
        "book_accepted": (BookAccepted(prices), "BOOLEAN"),
        "instant_of": (InstantOf(), "BIGINT"),
        "format_money": (FormatMoney(), "STRING"),
    }


def functions(prices: PublishedPrices) -> Mapping[str, Any]:
    """Return the functions as PyFlink takes them, by their names in SQL."""
    return {name: udf(one, result_type=kind) for name, (one, kind) in implementations(prices).items()}
