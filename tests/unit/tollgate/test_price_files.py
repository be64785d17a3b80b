"""What publishing says of a book: only what this release does not charge by."""

from pathlib import Path

import pytest

from tollgate.local.errors import StackError
from tollgate.price_files import not_billed_yet, read_drafts
from tollgate.settings import REPOSITORY

BOOKS = REPOSITORY / "conf" / "price_books"


def warnings(name: str) -> list[str]:
    (draft,) = read_drafts([BOOKS / name], print)
    return not_billed_yet(draft.content)


def test_promotions_that_are_won_are_billed() -> None:
    assert warnings("demo.yaml") == []


def test_surge_and_burst_are_billed_and_plans_are_not_yet() -> None:
    found = warnings("standard.yaml")
    assert any(line.startswith("plan ") for line in found)
    assert not [line for line in found if "burst" in line or "surge" in line]


def test_an_error_is_reported_with_its_line(tmp_path: Path) -> None:
    text = (BOOKS / "demo.yaml").read_text(encoding="utf-8").replace('spend: "5.00"', 'spend: "0"')
    number = next(number for number, line in enumerate(text.splitlines(), 1) if 'spend: "0"' in line)
    (tmp_path / "wrong.yaml").write_text(text, encoding="utf-8")
    reported: list[str] = []
    with pytest.raises(StackError, match="1 error in 1 file"):
        read_drafts([tmp_path / "wrong.yaml"], reported.append)
    (line,) = reported
    assert line.startswith(f"{tmp_path / 'wrong.yaml'}:{number}: promotions[3].spend: 0 is not positive")
