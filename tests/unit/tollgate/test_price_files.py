"""Price books as files: what is said of their errors."""

from pathlib import Path

import pytest

from tollgate.local.errors import StackError
from tollgate.price_files import read_drafts
from tollgate.settings import REPOSITORY

BOOKS = REPOSITORY / "conf" / "price_books"


def refused(file: Path, text: str) -> str:
    """Write a draft with one error; returns what is reported."""
    file.write_text(text, encoding="utf-8")
    reported: list[str] = []
    with pytest.raises(StackError, match="1 error in 1 file"):
        read_drafts([file], reported.append)
    (line,) = reported
    return line


def line_with(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_an_error_is_reported_with_its_line(tmp_path: Path) -> None:
    text = (BOOKS / "demo.yaml").read_text(encoding="utf-8").replace('spend: "5.00"', 'spend: "0"')
    file, number = tmp_path / "wrong.yaml", line_with(text, 'spend: "0"')
    assert refused(file, text).startswith(f"{file}:{number}: promotions[3].spend: 0 is not positive")


@pytest.mark.parametrize("text", ["# none yet\ncontracts: []\n", "# none yet\ncontracts:\n"])
def test_a_list_without_a_contract_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "contracts.yaml"
    assert refused(file, text) == f"{file}:2: contracts: there is no contract in it; list one at least"


def test_a_second_list_of_contracts_is_an_error_and_not_left_out(tmp_path: Path) -> None:
    lists = (f"contracts: [{{customer_id: {name}, effective_from: 2026-11-01T00:00:00Z}}]\n" for name in ("a", "b"))
    file = tmp_path / "contracts.yaml"
    assert refused(file, "".join(lists)) == f"{file}:2: contracts is written twice; remove one of the two"


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_an_instant_that_no_utc_calendar_has_is_an_error_with_its_line(tmp_path: Path, written: str) -> None:
    said = f"effective_from: {written} is not in the years 1 to 9999 in UTC; write one of these years, with Z"
    file = tmp_path / "wrong.yaml"
    assert refused(file, f"customer_id: acme\neffective_from: {written}\n") == f"{file}:2: {said}"
    text = (BOOKS / "demo.yaml").read_text(encoding="utf-8")
    number = line_with(text, "effective_from: ")
    lines = text.splitlines()
    lines[number - 1] = f"effective_from: {written}"
    assert refused(file, "\n".join(lines)) == f"{file}:{number}: {said}"


def test_a_draft_is_asked_for_more_than_a_published_book(tmp_path: Path) -> None:
    text = (BOOKS / "standard.yaml").read_text(encoding="utf-8").replace("idle_timeout: 4h", "idle_timeout: 60d")
    file, number = tmp_path / "long.yaml", line_with(text, "idle_timeout: 60d")
    line = refused(file, text)
    assert line.startswith(f"{file}:{number}: meters.voice.session.idle_timeout: idle_timeout 60d")
    assert "dedup_horizon" in line
