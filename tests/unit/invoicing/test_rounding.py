"""Minor units: each line moves by less than one, and together they are the total."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoicing.rounding import picos_per_minor, round_lines, to_minor

UNIT = 10**12


@pytest.mark.parametrize(
    ("currency", "amounts", "expected"),
    [
        ("USD", ["0.005"], [0]),
        ("USD", ["0.015"], [2]),
        ("USD", ["0.004", "0.004"], [1, 0]),
        ("USD", ["0.004", "0.006"], [0, 1]),
        ("USD", ["-0.004", "-0.006"], [0, -1]),
        ("JPY", ["0.4", "0.4", "0.4"], [1, 0, 0]),
        ("KWD", ["0.0004", "0.0004", "0.0004"], [1, 0, 0]),
        ("USD", [], []),
    ],
)
def test_what_is_over_goes_to_the_largest_remainder(currency: str, amounts: list[str], expected: list[int]) -> None:
    assert round_lines([int(Fraction(one) * UNIT) for one in amounts], currency) == expected


@given(st.lists(st.integers(-(10**20), 10**20), max_size=30), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_lines_add_up_and_stay_near(amounts: list[int], currency: str) -> None:
    unit = picos_per_minor(currency)
    lines = round_lines(amounts, currency)
    assert sum(lines) == to_minor(sum(amounts), currency) == round(Fraction(sum(amounts), unit))
    assert all(abs(line * unit - amount) < unit for line, amount in zip(lines, amounts, strict=True))
