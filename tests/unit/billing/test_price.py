"""The price of one event: free units, list amount, discounts, one rounding, parts that add up (rules 3 to 7)."""

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billing.calendar import Calendar
from billing.money import PICOS_PER_UNIT, format_picos
from billing.price import Priced, price
from billing.tariffs import Tariff
from tests.unit.builders import NOON_MS, free_units, graduated, per_unit, percent_off, tariff

UTC = Calendar()
decimals = st.decimals(0, 3, places=4).map(str)
percents = st.sampled_from(["0", "10", "33.3", "12.5", "99.9999", "100"])


def priced(one: Tariff, quantity: int, counter: int = 0, allowances: dict[str, int] | None = None) -> Priced:
    return price(one, UTC, counter, {} if allowances is None else allowances, quantity, NOON_MS)


def parts(result: Priced) -> list[str]:
    return [format_picos(one.picos) for one in (*result.slices, *result.adjustments)]


def acme(percent: str) -> dict[str, Any]:
    return {"customer_id": "acme", "discount_percent": percent}


def free(result: Priced) -> list[tuple[str, int]]:
    return [(one.id, one.free_units) for one in result.adjustments if one.free_units]


@given(st.lists(decimals, min_size=1, max_size=4), st.integers(1, 7), st.lists(percents, max_size=3), percents)
def test_the_amount_is_the_exact_product_rounded_once_and_its_parts_add_up(
    prices: list[str], per: int, off: list[str], discount: str
) -> None:
    tiers = [{"up_to": 2 * number, "unit_price": one} for number, one in enumerate(prices, 1)]
    meters = {"steps": graduated(*tiers, {"unit_price": "0.7"}), "shares": per_unit(prices[0], per=per)}
    promotions = [percent_off(f"p{number}", one) for number, one in enumerate(off)]
    for meter in meters:
        one = tariff(meter, "acme", meters=meters, promotions=promotions, contracts=[acme(discount)])
        result = priced(one, 9)
        exact = Fraction(sum(part.numerator for part in one.model.slices(0, 9)), one.model.denominator)
        for percent in [*off, discount]:
            exact *= 1 - Fraction(percent) / 100
        assert result.picos == round(exact * PICOS_PER_UNIT)
        assert sum(part.picos for part in (*result.slices, *result.adjustments)) == result.picos


def test_the_last_adjustment_takes_the_remainder() -> None:
    result = priced(tariff(meters={"calls": per_unit("1", per=3)}, promotions=[percent_off("half", "50")]), 1)
    assert format_picos(result.picos) == "0.166666666667"
    assert parts(result) == ["0.333333333333", "-0.166666666666"]


def test_without_adjustments_the_last_slice_takes_the_remainder() -> None:
    tiers = ({"up_to": 1, "unit_price": "0.0000000000004"}, {"unit_price": "0.0000000000004"})
    result = priced(tariff(meters={"calls": graduated(*tiers)}), 2)
    assert parts(result) == ["0", "0.000000000001"]
    assert result.picos == 1


def test_a_discount_of_nothing_is_shown() -> None:
    assert parts(priced(tariff(promotions=[percent_off("none", "0")]), 5)) == ["0.05", "0"]


def test_percentages_apply_in_the_order_of_the_book_and_the_contract_comes_last() -> None:
    promotions = [percent_off("tenth", "10"), percent_off("half", "50")]
    one = tariff("calls", "acme", promotions=promotions, contracts=[acme("20")])
    result = priced(one, 100)
    assert [(part.id, part.percent) for part in result.adjustments] == [
        ("tenth", "10"), ("half", "50"), ("contract", "20"),
    ]  # fmt: skip
    assert parts(result) == ["1", "-0.1", "-0.45", "-0.09"]
    assert format_picos(result.picos) == "0.36"


def test_a_hundred_percent_off_leaves_nothing_and_still_counts_the_units() -> None:
    result = priced(tariff(promotions=[percent_off("all", "100"), percent_off("half", "50")]), 7)
    assert (result.picos, result.billable) == (0, 7)
    assert parts(result) == ["0.07", "-0.07", "0"]


def test_a_percentage_outside_its_time_is_not_shown() -> None:
    over = percent_off("over", "50", to="2026-11-10T12:00:00Z")
    assert parts(priced(tariff(promotions=[over]), 1)) == ["0.01"]


def test_free_units_cost_nothing_and_do_not_advance_the_counter() -> None:
    allowances: dict[str, int] = {}
    result = priced(tariff(promotions=[free_units("welcome", 10)]), 12, allowances=allowances)
    assert (format_picos(result.picos), result.billable, free(result)) == ("0.02", 2, [("welcome", 10)])
    assert [(one.from_unit, one.to_unit) for one in result.slices] == [(1, 2)]
    assert allowances == {"welcome": 10}


def test_a_wholly_free_event_has_no_slices_and_no_discounts() -> None:
    result = priced(tariff(promotions=[percent_off("half", "50"), free_units("welcome", 10)]), 10)
    assert (result.picos, result.billable, result.slices) == (0, 0, ())
    assert [one.id for one in result.adjustments] == ["welcome"]


def test_one_allowance_is_shared_by_its_meters() -> None:
    meters = {"calls": per_unit(), "texts": per_unit(), "bytes": per_unit()}
    promotions = [free_units("welcome", 10, "calls", "texts")]
    allowances: dict[str, int] = {}
    taken = [
        free(priced(tariff(meter, meters=meters, promotions=promotions), 6, allowances=allowances))
        for meter in ("calls", "bytes", "texts")
    ]
    assert taken == [[("welcome", 6)], [], [("welcome", 4)]]


def test_allowances_are_used_up_in_the_order_of_the_book() -> None:
    one = tariff(promotions=[free_units("second", 3), free_units("first", 4)])
    allowances = {"second": 1}
    assert free(priced(one, 5, allowances=allowances)) == [("second", 2), ("first", 3)]
    assert free(priced(one, 5, allowances=allowances)) == [("first", 1)]
    assert allowances == {"second": 3, "first": 4}


def test_an_allowance_that_a_later_version_made_smaller_gives_nothing_back() -> None:
    allowances = {"welcome": 50}
    result = priced(tariff(promotions=[free_units("welcome", 10)]), 5, allowances=allowances)
    assert (result.billable, result.adjustments, allowances) == (5, (), {"welcome": 50})
