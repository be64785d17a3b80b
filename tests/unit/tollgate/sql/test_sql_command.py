from pathlib import Path
from typing import Any

import pytest

from tollgate.commands.sql import sql
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.sql.session import Result
from tollgate.sql.show import as_object, cell, show_changes


@pytest.mark.parametrize(
    "options",
    [
        {"statement": "SHOW TABLES", "file": "x.sql"},
        {"live": True},
        {"json_": True},
        {"statement": " ; "},
        {"file": "/does/not/exist.sql"},
        {"gateway": True, "statement": "SHOW TABLES"},
        {"gateway": True, "history_": Path("history")},
        {"port": 8083},
    ],
)
def test_wrong_usage_is_said_before_java_starts(options: dict[str, Any]) -> None:
    with pytest.raises(StackError) as caught:
        sql(**options)
    assert caught.value.exit_code == EXIT_UNUSABLE


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(StackError, match="cannot be read"):
        sql(file=str(tmp_path / "x.sql"))


def test_cells_are_one_line_and_null_is_empty() -> None:
    assert [cell(None), cell(value=True), cell({"id": None}), cell("12.5")] == ["", "true", '{"id": null}', "12.5"]


def test_changes_are_lines_with_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("+I", ["a", 1]), ("-U", ["a", 1]), ("+U", ["a", 2])]
    show_changes(Result(["k", "n"], iter(rows)), as_json=False)
    assert capsys.readouterr().out.splitlines() == ["op\tk\tn", "+I\ta\t1", "-U\ta\t1", "+U\ta\t2"]
    show_changes(Result(["k", "n"], iter(rows[:1])), as_json=True)
    assert capsys.readouterr().out == '{"op": "+I", "row": {"k": "a", "n": 1}}\n'


def test_a_row_is_an_object_by_its_columns() -> None:
    assert as_object(Result(["k", "n"], iter(())), ["a", 1]) == {"k": "a", "n": 1}
