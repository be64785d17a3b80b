"""Money: exact integers of 10^-12, rounded once and half to even."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import PICOS_PER_UNIT, format_picos, parse_decimal, parse_picos, round_half_even

amounts = st.integers(-(10**40), 10**40)
HALF_PICO = 2 * PICOS_PER_UNIT


@pytest.mark.parametrize(
    ("halves", "rounded"),
    [(0, 0), (1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2), (-7, -4), (2, 1), (-2, -1)],
)
def test_a_tie_is_rounded_to_the_even_neighbour_on_both_sides_of_zero(halves: int, rounded: int) -> None:
    assert round_half_even(halves, HALF_PICO) == rounded


@pytest.mark.parametrize(("beside", "rounded"), [(-1, 2), (1, 3)])
def test_the_smallest_step_beside_a_tie_decides(beside: int, rounded: int) -> None:
    tie = 5 * 10**50
    assert round_half_even(tie + beside, HALF_PICO * 10**50) == rounded
    assert round_half_even(-tie - beside, HALF_PICO * 10**50) == -rounded


@given(st.integers(-(10**60), 10**60), st.integers(1, 10**40))
def test_rounding_is_that_of_exact_fractions(numerator: int, denominator: int) -> None:
    assert round_half_even(numerator, denominator) == round(Fraction(numerator, denominator) * PICOS_PER_UNIT)


@given(amounts)
def test_an_amount_survives_its_text(picos: int) -> None:
    assert parse_picos(format_picos(picos)) == picos


@given(amounts)
def test_the_text_has_no_exponent_no_trailing_zeros_and_no_negative_zero(picos: int) -> None:
    assert re.fullmatch(r"0|-?(0\.[0-9]*[1-9]|[1-9][0-9]*(\.[0-9]*[1-9])?)", format_picos(picos))


def test_huge_amounts_keep_every_digit() -> None:
    text = "123456789012345678901234567890.123456789012"
    assert parse_picos(text) == 123456789012345678901234567890123456789012
    assert format_picos(parse_picos(text)) == text
    assert format_picos(-parse_picos(text)) == f"-{text}"
    assert round_half_even(10**45 + 1, 1) == 10**57 + 10**12


def test_a_decimal_is_exact_whatever_its_places() -> None:
    assert parse_decimal("0.1") == (1, 10)
    assert parse_decimal("-12.340") == (-12340, 1000)
    assert Fraction(*parse_decimal("0." + "0" * 99 + "1")) == Fraction(1, 10**100)


@pytest.mark.parametrize(
    "text",
    ["", "-", ".5", "1.", "01", "+1", "--1", " 1", "1 ", "1\n", "1e3", "1E3", "1_000", "1,5", "NaN", "inf", "٣", "0x1"],
)
def test_anything_but_plain_decimal_digits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a plain decimal number"):
        parse_decimal(text)


def test_an_amount_has_at_most_twelve_places() -> None:
    assert parse_picos("0.000000000001") == 1
    with pytest.raises(ValueError, match="more than 12 decimal places"):
        parse_picos("0.0000000000001")
