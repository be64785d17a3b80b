"""The tables of docs/explanation/sizing.md are what its own formulas give."""

import re
from math import ceil

import pytest

from tollgate.settings import REPOSITORY

PAGE = (REPOSITORY / "docs" / "explanation" / "sizing.md").read_text(encoding="utf-8")
LOADS = re.findall(r"^\| ([\d,]+) \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("row", LOADS, ids=lambda row: row[0])
def test_a_row_of_the_arithmetic_is_right(row: tuple[str, ...]) -> None:
    events = int(row[0].replace(",", ""))
    rating, partitions, balances = map(int, row[1:4])
    assert rating == ceil(events / 8_000) <= partitions <= 128
    assert balances == ceil(events / 14_000)
    assert float(row[4]) == pytest.approx(1.5 * rating + balances + ceil(events * 20 / 1e6), abs=0.5)


def test_it_goes_up_to_a_million() -> None:
    assert [row[0] for row in LOADS] == ["1,000", "10,000", "100,000", "1,000,000"]


def test_measured_figures_are_those_of_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "rating 67, balances 38, Kafka 10, other 10" in readme
    assert "| 67 us an event |" in PAGE
    assert "| 15,800 records/s |" in readme
    assert "| 15,800/s |" in PAGE
