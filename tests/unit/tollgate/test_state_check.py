"""Whether a checkout can go on from a state, by what is noted of it."""

from pathlib import Path

import pytest

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from flink_jobs.state_formats import STATES
from tollgate.builds import Build
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.layout import Layout
from tollgate.state_check import obstacles, refuse_other_operators, refuse_unreadable, remarks
from tollgate.submissions import (
    NOTE,
    StateNote,
    Submission,
    going_on_from,
    note_for,
    note_savepoint,
    read_note,
    read_submission,
    save_submission,
    submission_of,
)

OWN = STATES[USAGE_RATING]
BUILD = Build(Path("builds/0123"))


def note(**formats: tuple[int, ...]) -> StateNote:
    """Return what this release notes, but for these formats."""
    own = note_for(USAGE_RATING, BUILD, None, from_state=False, state=OWN)
    return own.model_copy(update={"formats": {**own.formats, **formats}})


def test_this_release_reads_what_it_writes() -> None:
    for job, state in STATES.items():
        own = note_for(job, BUILD, None, from_state=False, state=state)
        assert obstacles(own, state.operators, state.reads) == []
        assert remarks(own, state.operators) == []


def test_a_format_of_a_later_release_is_an_obstacle() -> None:
    assert obstacles(note(customers=(1, 98, 99)), OWN.operators, OWN.reads) == [
        "usage-rating: customers may be in format 98 and 99, and the code reads 1, 2, 3 and 4"
    ]


def test_a_state_that_the_code_does_not_know_is_an_obstacle() -> None:
    (found,) = obstacles(note(wallets=(1,)), OWN.operators, OWN.reads)
    assert found == "usage-rating: wallets may be in format 1, and the code does not know that state"


def test_an_operator_that_went_is_an_obstacle_and_one_that_came_is_told() -> None:
    fewer = OWN.operators - {"rate-usage"}
    assert obstacles(note(), fewer, OWN.reads) == ["usage-rating: the code has no operator for the state of rate-usage"]
    more = OWN.operators | {"count-words"}
    assert obstacles(note(), more, OWN.reads) == []
    assert remarks(note(), more) == ["usage-rating: count-words will start without state"]


def test_formats_add_up_because_old_state_is_rewritten_only_when_it_is_touched() -> None:
    first = note(customers=(1,))
    second = note_for(USAGE_RATING, BUILD, first, from_state=True, state=OWN)
    assert second.formats["customers"] == (1, OWN.formats["customers"].writes)
    assert not second.unnoted


def test_state_without_a_note_leaves_its_mark_on_all_after_it() -> None:
    first = note_for(USAGE_RATING, BUILD, None, from_state=True, state=OWN)
    second = note_for(USAGE_RATING, BUILD, first, from_state=True, state=OWN)
    assert (first.unnoted, second.unnoted) == (True, True)
    assert "goes back to one without a note" in remarks(second, OWN.operators)[0]


def test_a_run_that_goes_on_after_another_release_holds_what_that_one_wrote() -> None:
    own = Submission(note=note(customers=(1,)), reads={}, program="", arguments=(), parallelism=1)
    again = going_on_from(own, note(customers=(2,)))
    assert again.note.formats["customers"] == (1, 2)
    assert again.note.build == own.note.build
    assert going_on_from(own, None).note.unnoted


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.of(tmp_path, tmp_path)


def submitted(layout: Layout, job: str = USAGE_RATING) -> Submission:
    submission = submission_of(layout, job, BUILD, "flink_jobs/x.py", ["--password", "secret"], 2, None)
    save_submission(layout, "cafe", submission)
    return submission


def test_a_savepoint_gets_the_note_of_its_run_and_none_of_its_arguments(layout: Layout) -> None:
    submission = submitted(layout)
    assert read_submission(layout, "cafe") == submission
    savepoint = layout.savepoints_of(USAGE_RATING) / "savepoint-1"
    savepoint.mkdir(parents=True)
    note_savepoint(layout, "cafe", savepoint)
    assert read_note(layout, savepoint) == submission.note
    assert "secret" not in (savepoint / NOTE).read_text()


def test_a_checkpoint_has_the_note_of_its_run(layout: Layout) -> None:
    submission = submitted(layout)
    assert read_note(layout, layout.checkpoints_of(USAGE_RATING) / "cafe" / "chk-7") == submission.note
    assert read_note(layout, layout.checkpoints_of(USAGE_RATING) / "beef" / "chk-7") is None


def test_arguments_are_for_the_owner_s_eyes_alone(layout: Layout) -> None:
    submitted(layout)
    assert (layout.home / "submissions" / "cafe.json").stat().st_mode & 0o077 == 0


def test_starting_from_what_cannot_be_read_is_refused(layout: Layout) -> None:
    later = submitted(layout).model_copy(update={"note": note(customers=(2, 99))})
    save_submission(layout, "cafe", later)
    state = layout.checkpoints_of(USAGE_RATING) / "cafe" / "chk-7"
    with pytest.raises(StackError, match="customers may be in format 99") as refused:
        refuse_unreadable(layout, USAGE_RATING, state)
    assert refused.value.exit_code == EXIT_UNUSABLE
    with pytest.raises(StackError, match="chk-7 is a state of usage-rating, not of balances"):
        refuse_unreadable(layout, BALANCES_JOB, state)
    refuse_unreadable(layout, USAGE_RATING, state.parent.parent / "beef" / "chk-1")  # nobody noted anything


def test_a_state_without_a_note_is_judged_by_its_operators() -> None:
    refuse_other_operators(USAGE_RATING, Path("savepoint-1"), OWN.operators)
    with pytest.raises(StackError, match="savepoint-1 holds state of keep-balances"):
        refuse_other_operators(USAGE_RATING, Path("savepoint-1"), ["rate-usage", "keep-balances"])
