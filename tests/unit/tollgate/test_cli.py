"""What is said of a command line that is wrong."""

import pytest
from typer.exceptions import TyperException

from tollgate.cli import application, misused


def said_of(*words: str) -> str:
    with pytest.raises(TyperException) as refused:
        application(words[0] if words else "")(list(words), prog_name="tollgate", standalone_mode=False)
    return misused(refused.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bill"], "tollgate bill: Missing argument"),
        (["wait", "--timeout", "soon"], "tollgate wait: Invalid value for '--timeout'"),
        (["nosuch"], "tollgate: No such command 'nosuch'"),
        (["verify", "--nope"], "tollgate verify: No such option: --nope"),
    ],
)
def test_a_mistake_is_one_line_with_cause_and_remedy(words: list[str], said: str) -> None:
    line = said_of(*words)
    assert line.startswith(said)
    assert line.count("\n") == 1
    assert "--help`" in line.partition("Remedy: ")[2]


def test_no_words_at_all_are_answered_with_the_help() -> None:
    assert said_of().startswith("Usage: tollgate")
