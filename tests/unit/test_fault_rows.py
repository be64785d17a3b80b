"""Each row of the project's table of faults and bad inputs has tests, and the docs say which."""

import re
from itertools import chain

from tests.faults.test_fixed_set import SETS
from tests.integration.test_golden_bills import ROWS
from tollgate.settings import REPOSITORY

NUMBERS = range(1, 21)
_MARK = re.compile(r"mark\.row\(([0-9, ]+)\)")
_PAGE = REPOSITORY / "docs" / "how-to" / "inject-faults.md"


def numbers_in(text: str) -> list[int]:
    return list(map(int, re.findall("[0-9]+", text)))


def test_each_row_has_tests() -> None:
    files = [file.read_text(encoding="utf-8") for file in (REPOSITORY / "tests").rglob("test_*.py")]
    marked = chain.from_iterable(numbers_in(mark[1]) for text in files for mark in _MARK.finditer(text))
    assert {*marked, *ROWS, *chain.from_iterable(map(numbers_in, SETS))} == set(NUMBERS)


def test_the_docs_have_a_line_for_each() -> None:
    table = _PAGE.read_text(encoding="utf-8").partition("## Row by row")[2]
    assert [int(row[1]) for row in re.finditer(r"^\| ([0-9]+) \|", table, re.MULTILINE)] == list(NUMBERS)
