"""Keys, at a terminal that is none."""

import os
import termios
from collections.abc import Iterator

import pytest

from tollgate.demo.keys import Keyboard
from tollgate.demo.show import LEAST_RATE, MOST_RATE, changed_rate


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Give (the user's end, the program's end) of a pseudo-terminal."""
    user, program = os.openpty()
    yield user, program
    os.close(user)
    os.close(program)


def test_keys_come_without_enter(terminal: tuple[int, int]) -> None:
    user, program = terminal
    with Keyboard(program) as keyboard:
        os.write(user, b"+k")
        assert keyboard.actions(2) == ["more", "kill"]


def test_every_key_has_its_action_in_either_case(terminal: tuple[int, int]) -> None:
    user, program = terminal
    with Keyboard(program) as keyboard:
        os.write(user, b"=-_Rq")
        assert keyboard.actions(2) == ["more", "less", "less", "redis", "quit"]


def test_other_keys_do_nothing(terminal: tuple[int, int]) -> None:
    user, program = terminal
    with Keyboard(program) as keyboard:
        os.write(user, b"x\x1b[A\xff")
        assert keyboard.actions(2) == []


def test_without_keys_the_time_passes(terminal: tuple[int, int]) -> None:
    with Keyboard(terminal[1]) as keyboard:
        assert keyboard.actions(0.01) == []


def test_the_terminal_is_put_back_as_it_was(terminal: tuple[int, int]) -> None:
    before = termios.tcgetattr(terminal[1])
    keyboard = Keyboard(terminal[1])
    with keyboard:
        assert termios.tcgetattr(terminal[1]) != before
    assert termios.tcgetattr(terminal[1]) == before


def test_ctrl_c_stays_a_signal(terminal: tuple[int, int]) -> None:
    with Keyboard(terminal[1]):
        assert termios.tcgetattr(terminal[1])[3] & termios.ISIG


@pytest.mark.parametrize(
    ("rate", "action", "expected"),
    [(2000, "more", 3000), (3000, "less", 2000), (MOST_RATE, "more", MOST_RATE), (LEAST_RATE, "less", LEAST_RATE)],
)
def test_the_load_changes_by_half_and_within_limits(rate: int, action: str, expected: int) -> None:
    assert changed_rate(rate, action) == expected
