"""Pricing models: the list amount of any units, exact (contract section 5, rule 4)."""

import pickle
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing import Graduated, Package, PerUnit, PricingModel, Slice, Volume
from billing.pricing.tiers import Tier

SMS = Graduated.of((Tier(1000, "0.0079"), Tier(100_000, "0.0070", "1.00"), Tier(None, "0.0055")))
CALLS = Package.of("0.40", 1000)
VIDEO = Volume.of((Tier(10_000, "0.0040"), Tier(None, "0.0030")))
VOICE = PerUnit.of("0.0140", 60)

counters = st.integers(min_value=0, max_value=300_000)
quantities = st.integers(min_value=1, max_value=300_000)
prices = st.decimals(min_value=0, max_value=10, places=4).map(str)


@st.composite
def tiers(draw: st.DrawFn, *, fees: bool = True) -> tuple[Tier, ...]:
    bounds = sorted(draw(st.sets(st.integers(min_value=1, max_value=200), max_size=5)))
    return tuple(
        Tier(up_to, draw(prices), draw(st.one_of(st.just(""), prices)) if fees else "") for up_to in [*bounds, None]
    )


def amount(model: PricingModel, counter: int, quantity: int) -> Fraction:
    return Fraction(sum(one.numerator for one in model.slices(counter, quantity)), model.denominator)


def graduated_by_hand(tiers: tuple[Tier, ...], counter: int, quantity: int) -> Fraction:
    """Walk unit by unit, as the contract words it."""
    total = Fraction(0)
    for unit in range(counter + 1, counter + quantity + 1):
        index = next(i for i, tier in enumerate(tiers) if tier.up_to is None or unit <= tier.up_to)
        first = 1 if index == 0 else (tiers[index - 1].up_to or 0) + 1
        total += Fraction(tiers[index].unit_price)
        total += Fraction(tiers[index].flat_fee or "0") if unit == first else 0
    return total


@pytest.mark.parametrize("model", [SMS, CALLS, VIDEO, VOICE])
def test_no_units_make_no_slice(model: PricingModel) -> None:
    assert model.slices(17, 0) == []


def test_per_unit_charges_the_exact_share_of_what_its_price_is_for() -> None:
    assert VOICE.slices(5, 90) == [Slice(6, 95, 90, "0.0140", 90 * 140, 60, "")]
    assert amount(VOICE, 5, 90) == Fraction("0.021")
    assert amount(PerUnit.of("0.10", 3), 0, 1) == Fraction(1, 30)


def test_a_tiers_upper_bound_is_inclusive() -> None:
    assert [(one.from_unit, one.to_unit, one.unit_price) for one in SMS.slices(999, 2)] == [
        (1000, 1000, "0.0079"),
        (1001, 1001, "0.0070"),
    ]


def test_a_flat_fee_is_charged_with_the_first_unit_of_its_tier_only() -> None:
    assert [one.flat_fee for one in SMS.slices(999, 2)] == ["", "1.00"]
    assert amount(SMS, 1000, 1) == Fraction("1.0070")
    assert amount(SMS, 1001, 1) == Fraction("0.0070")
    assert amount(SMS, 0, 1000) == Fraction("7.9")


def test_a_flat_fee_of_the_first_tier_is_charged_with_unit_one() -> None:
    model = Graduated.of((Tier(None, "0.1", "5"),))
    assert (amount(model, 0, 1), amount(model, 1, 1)) == (Fraction("5.1"), Fraction("0.1"))


def test_one_event_may_run_through_all_tiers() -> None:
    assert [(one.from_unit, one.to_unit, one.quantity) for one in SMS.slices(0, 200_000)] == [
        (1, 1000, 1000),
        (1001, 100_000, 99_000),
        (100_001, 200_000, 100_000),
    ]
    assert amount(SMS, 0, 200_000) == Fraction("7.9") + Fraction("694") + Fraction("550")


@given(tiers(), st.integers(min_value=0, max_value=250), st.integers(min_value=1, max_value=250))
def test_graduated_is_each_unit_at_the_price_of_its_tier(
    written: tuple[Tier, ...], counter: int, quantity: int
) -> None:
    assert amount(Graduated.of(written), counter, quantity) == graduated_by_hand(written, counter, quantity)


@given(tiers(), st.integers(min_value=0, max_value=250), st.integers(min_value=1, max_value=250))
def test_graduated_slices_cover_each_unit_once_in_order(written: tuple[Tier, ...], counter: int, quantity: int) -> None:
    slices = Graduated.of(written).slices(counter, quantity)
    units = [unit for one in slices for unit in range(one.from_unit, one.to_unit + 1)]
    assert units == list(range(counter + 1, counter + quantity + 1))
    assert all(one.quantity == one.to_unit - one.from_unit + 1 for one in slices)


@pytest.mark.parametrize("model", [SMS, CALLS, VOICE])
@given(counter=counters, first=quantities, second=quantities)
def test_splitting_an_event_in_two_gives_the_same_total(
    model: PricingModel, counter: int, first: int, second: int
) -> None:
    assert amount(model, counter, first) + amount(model, counter + first, second) == amount(
        model, counter, first + second
    )


@given(counter=counters, quantity=quantities, size=st.integers(min_value=1, max_value=5000))
def test_a_package_is_paid_when_its_first_unit_is_used(counter: int, quantity: int, size: int) -> None:
    opened = ceil(Fraction(counter + quantity, size)) - ceil(Fraction(counter, size))
    assert amount(Package.of("0.40", size), counter, quantity) == opened * Fraction("0.40")


def test_units_of_a_package_already_paid_cost_nothing() -> None:
    assert CALLS.slices(1, 999) == [Slice(2, 1000, 999, "0.40", 0, 1000, "")]
    assert amount(CALLS, 1000, 1) == Fraction("0.40")


def test_volume_prices_an_event_at_the_tier_that_the_cycles_total_falls_in() -> None:
    assert amount(VIDEO, 9_000, 1_000) == 1_000 * Fraction("0.0040")
    assert amount(VIDEO, 9_000, 1_001) == 1_001 * Fraction("0.0030")
    assert VIDEO.slices(9_000, 1_001)[0].unit_price == "0.0030"


def test_volume_tells_the_tier_of_a_total_and_its_price() -> None:
    assert [VIDEO.tier_of(total) for total in (0, 1, 10_000, 10_001)] == [0, 0, 0, 1]
    assert Fraction(VIDEO.unit_numerator(1), VIDEO.denominator) == Fraction("0.0030")


@pytest.mark.parametrize("model", [SMS, CALLS, VIDEO, VOICE])
def test_a_model_survives_pickling(model: PricingModel) -> None:
    copy = pickle.loads(pickle.dumps(model))
    assert copy == model
    assert copy.slices(900, 200) == model.slices(900, 200)
