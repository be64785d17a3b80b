"""Turns: a length for all timers of one name, passed on while other work has not caught up, but not for good."""

import pytest

from udfs.turns import BUSY, MOST_PASSED, Turn, resume_at_ms

LENGTH = 0.5
PAUSE = 0.15


class Subtask:
    """A turn by a clock of its own; `rest` is a pause of which other work fills a share."""

    def __init__(self) -> None:
        self.now = 10.0
        self.turn = Turn(LENGTH, lambda: self.now)
        self.turns = 0

    def rest(self, share: float) -> None:
        self.now += PAUSE
        self.turn.other_work(self.now - share * PAUSE)

    def may_go_on(self) -> bool:
        """Begin the next turn; tells whether it has time, and spends it."""
        self.turns += 1
        self.turn.begin(self.turns)
        if self.turn.is_over():
            return False
        self.now += LENGTH
        assert self.turn.is_over()
        return True


def test_a_turn_lasts_for_all_timers_of_its_name_and_the_next_begins_with_time() -> None:
    subtask = Subtask()
    subtask.turn.begin("watermark 1")
    subtask.now += LENGTH
    subtask.turn.begin("watermark 1")
    assert subtask.turn.is_over()
    subtask.turn.begin("watermark 2")
    assert not subtask.turn.is_over()


@pytest.mark.parametrize("share", [0.0, BUSY - 0.05])
def test_where_other_work_is_done_within_a_pause_no_turn_is_passed(share: float) -> None:
    subtask = Subtask()
    for _ in range(10):
        assert subtask.may_go_on()
        subtask.rest(share)


def test_turns_are_passed_while_other_work_fills_the_pauses_but_not_for_good() -> None:
    subtask = Subtask()
    seen = []
    for _ in range(4 * (MOST_PASSED + 1)):
        seen.append(subtask.may_go_on())
        subtask.rest(1.0)
    assert seen == [True, *[False] * MOST_PASSED] * 4


def test_the_next_turn_is_not_passed_once_other_work_has_caught_up() -> None:
    subtask = Subtask()
    assert subtask.may_go_on()
    subtask.rest(1.0)
    assert not subtask.may_go_on()
    subtask.rest(0.2)
    assert subtask.may_go_on()


def test_work_counts_for_the_pause_in_which_it_was_done_alone() -> None:
    subtask = Subtask()
    subtask.rest(1.0)
    assert not subtask.may_go_on()
    subtask.now += PAUSE
    assert subtask.may_go_on()


def test_a_timer_in_a_pause_that_settles_nothing_does_not_hide_that_other_work_fills_it() -> None:
    """Those of customers who wait for a surge factor, four a second."""
    subtask = Subtask()
    assert subtask.may_go_on()
    subtask.rest(1.0)
    subtask.turn.begin("a look at who waits")
    subtask.rest(1.0)
    assert not subtask.may_go_on()


def test_the_shards_of_a_subtask_resume_together_after_a_pause() -> None:
    assert {resume_at_ms(now_ms) for now_ms in range(1000, 1100)} == {1200}
