"""Price books as files: what is said of their errors."""

from pathlib import Path

import pytest

from tollgate.local.errors import StackError
from tollgate.price_files import read_drafts
from tollgate.settings import REPOSITORY

BOOKS = REPOSITORY / "conf" / "price_books"


def test_an_error_is_reported_with_its_line(tmp_path: Path) -> None:
    text = (BOOKS / "demo.yaml").read_text(encoding="utf-8").replace('spend: "5.00"', 'spend: "0"')
    number = next(number for number, line in enumerate(text.splitlines(), 1) if 'spend: "0"' in line)
    (tmp_path / "wrong.yaml").write_text(text, encoding="utf-8")
    reported: list[str] = []
    with pytest.raises(StackError, match="1 error in 1 file"):
        read_drafts([tmp_path / "wrong.yaml"], reported.append)
    (line,) = reported
    assert line.startswith(f"{tmp_path / 'wrong.yaml'}:{number}: promotions[3].spend: 0 is not positive")


@pytest.mark.parametrize("text", ["# none yet\ncontracts: []\n", "# none yet\ncontracts:\n"])
def test_a_list_without_a_contract_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "contracts.yaml"
    file.write_text(text, encoding="utf-8")
    reported: list[str] = []
    with pytest.raises(StackError, match="1 error in 1 file"):
        read_drafts([file], reported.append)
    assert reported == [f"{file}:2: contracts: there is no contract in it; list one at least"]


def test_a_draft_is_asked_for_more_than_a_published_book(tmp_path: Path) -> None:
    text = (BOOKS / "standard.yaml").read_text(encoding="utf-8").replace("idle_timeout: 4h", "idle_timeout: 60d")
    number = next(number for number, line in enumerate(text.splitlines(), 1) if "idle_timeout: 60d" in line)
    (tmp_path / "long.yaml").write_text(text, encoding="utf-8")
    reported: list[str] = []
    with pytest.raises(StackError, match="1 error in 1 file"):
        read_drafts([tmp_path / "long.yaml"], reported.append)
    (line,) = reported
    assert line.startswith(f"{tmp_path / 'long.yaml'}:{number}: meters.voice.session.idle_timeout: idle_timeout 60d")
    assert "dedup_horizon" in line
