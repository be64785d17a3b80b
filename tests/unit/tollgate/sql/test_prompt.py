from collections.abc import Iterator
from pathlib import Path

import pytest

from tollgate.sql.prompt import statements


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str | type[BaseException]) -> None:
    """Have lines typed; an exception is Ctrl-C or Ctrl-D."""
    left: Iterator[str | type[BaseException]] = iter(lines)

    def read(_: str) -> str:
        line = next(left)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", read)


def test_a_statement_ends_with_its_semicolon_and_may_go_over_lines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    typed(monkeypatch, "", "SELECT 1", "FROM x; SHOW", "TABLES;", "exit", "never")
    assert list(statements(tmp_path / "history")) == ["SELECT 1\nFROM x", "SHOW\nTABLES"]


def test_ctrl_c_gives_up_what_is_begun_and_ctrl_d_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    typed(monkeypatch, "SELECT wrong", KeyboardInterrupt, "SELECT 1;", EOFError)
    assert list(statements(tmp_path / "history")) == ["SELECT 1"]


def test_the_history_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    typed(monkeypatch, EOFError)
    assert list(statements(tmp_path / "sql" / "history")) == []
    assert (tmp_path / "sql" / "history").exists()
