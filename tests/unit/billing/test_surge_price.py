"""Rule 5: times the factor, before the percentages, under the one rounding of rule 7."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.calendar import Calendar
from billing.events import fingerprint_of, identity_of
from billing.memory import DictMemory
from billing.money import PICOS_PER_UNIT, format_picos
from billing.outcomes import AdjustmentKind, BillingRecord
from billing.price import price
from billing.rating import step
from billing.state import CustomerState
from billing.surge.applied import UNKNOWN, as_reduction
from billing.tariffs import Reduction, Tariff
from tests.unit.builders import (
    NOON_MS,
    book,
    catalog,
    delivery,
    free_units,
    graduated,
    per_unit,
    percent_off,
    tariff,
    usage,
)
from wire.records import ReadSoFar, record_message

UTC = Calendar()
FACTOR = as_reduction("peak", Fraction("1.25"))


def surged(one: Tariff, quantity: int, surge: Reduction | None = FACTOR) -> list[tuple[str, str]]:
    result = price(one, UTC, 0, {}, quantity, NOON_MS, None, surge)
    parts = [("slice", one.picos) for one in result.slices] + [(one.id, one.picos) for one in result.adjustments]
    assert sum(picos for _, picos in parts) == result.picos
    return [(name, format_picos(picos)) for name, picos in [*parts, ("amount", result.picos)]]


def test_the_factor_comes_after_the_list_amount_and_before_the_percentages() -> None:
    promotions = [free_units("welcome", 2), percent_off("tenth", "10")]
    half = {"customer_id": "acme", "discount_percent": "50"}
    one = tariff("calls", "acme", promotions=promotions, contracts=[half], meters={"calls": per_unit("1")})
    assert surged(one, 10) == [
        ("slice", "8"), ("welcome", "0"), ("peak", "2"), ("tenth", "-1"), ("contract", "-4.5"), ("amount", "4.5"),
    ]  # fmt: skip


def test_without_a_customer_nothing_is_won() -> None:
    coupon = {"id": "c", "kind": "coupon", "codes": ["X"], "meters": ["calls"], "units": 5}
    burst = {"id": "b", "kind": "burst", "meters": ["*"], "window": "1h", "at_least": 1, "percent": "50", "lasts": "1h"}
    assert surged(tariff(promotions=[coupon, burst], meters={"calls": per_unit("1")}), 4, None)[-1] == ("amount", "4")


def test_the_adjustment_names_rule_and_factor() -> None:
    (shown,) = price(tariff(), UTC, 0, {}, 1, NOON_MS, None, FACTOR).adjustments
    assert (shown.id, shown.kind, shown.factor, shown.percent) == ("peak", AdjustmentKind.SURGE, "1.25", "")


def test_a_factor_of_one_is_not_shown() -> None:
    assert as_reduction("peak", Fraction(1)) is None


@given(
    st.decimals(0, 3, places=4).map(str),
    st.integers(1, 7),
    st.integers(10_001, 50_000).map(lambda steps: Fraction(steps, 10_000)),
    st.lists(st.sampled_from(["10", "33.3", "12.5", "99.9999"]), max_size=2),
)
def test_the_amount_is_the_exact_product_rounded_once(unit: str, per: int, factor: Fraction, off: list[str]) -> None:
    meters = {
        "steps": graduated({"up_to": 3, "unit_price": unit}, {"unit_price": "0.7"}),
        "shares": per_unit(unit, per=per),
    }
    promotions = [percent_off(f"p{number}", one) for number, one in enumerate(off)]
    for meter in meters:
        one = tariff(meter, meters=meters, promotions=promotions)
        exact = Fraction(sum(part.numerator for part in one.model.slices(0, 9)), one.model.denominator) * factor
        for percent in off:
            exact *= 1 - Fraction(percent) / 100
        parts = surged(one, 9, as_reduction("peak", factor))
        assert parts[-1][1] == format_picos(round(exact * PICOS_PER_UNIT))


def rate(surge: Reduction | None) -> BillingRecord:
    prices = catalog(book(meters={"calls": per_unit("1")}))
    event = usage("e", 8)
    ids = identity_of("zoe", "e"), fingerprint_of(event)
    _, outcome = step(CustomerState("zoe"), event, delivery(), *ids, None, prices, DictMemory(), surge)
    assert isinstance(outcome, BillingRecord)
    return outcome


def test_an_event_is_rated_at_the_factor_that_is_passed() -> None:
    assert [format_picos(rate(surge).picos) for surge in (None, FACTOR, UNKNOWN)] == ["8", "10", "8"]


def test_a_record_says_its_factor_or_that_none_was_decided_in_time() -> None:
    message = record_message(rate(FACTOR), None, ReadSoFar(0))
    assert [(one.id, one.factor, one.amount) for one in message.adjustments] == [("peak", "1.25", "2")]
    assert not message.surge_unknown
    unknown = record_message(rate(UNKNOWN), None, ReadSoFar(0))
    assert unknown.surge_unknown
    assert not unknown.adjustments


def test_volume_tiers_keep_the_factor_that_each_event_was_charged() -> None:
    """10 at 2 * 1.25, then 5 at 1; the first ten are worth 12.5 units of weight, which now cost 1 less each."""
    tiers = [{"up_to": 10, "unit_price": "2"}, {"unit_price": "1"}]
    prices = catalog(book(meters={"calls": {"unit": "u", "price": {"model": "volume", "tiers": tiers}}}))
    state, made = CustomerState("zoe"), []
    for name, units, surge in (("a", 10, FACTOR), ("b", 5, None)):
        event = usage(name, units)
        ids = identity_of("zoe", name), fingerprint_of(event)
        _, outcome = step(state, event, delivery(), *ids, None, prices, DictMemory(), surge)
        assert isinstance(outcome, BillingRecord)
        made += outcome.with_follow_ups()
    assert [format_picos(one.picos) for one in made] == ["25", "5", "-12.5"]
