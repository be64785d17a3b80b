"""What a job was submitted with, and what is noted of its state: beside every savepoint, and for every run of a job."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from flink_jobs.state_formats import STATES
from tollgate.local.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from flink_jobs.state_formats import JobState
    from tollgate.builds import Build
    from tollgate.local.layout import Layout

NOTE = "tollgate.json"
"""The note in the directory of a savepoint."""


class StateNote(BaseModel):
    """What a state was written by: operators that hold state, and every format that its messages may be in.

    Formats add up from run to run: what nobody has touched since is still as an earlier release wrote it.
    `unnoted`: it goes back to a state without a note, and may hold more than the note says.
    """

    model_config = ConfigDict(frozen=True)

    job: str
    release: str
    flink: str
    build: str
    operators: tuple[str, ...]
    formats: dict[str, tuple[int, ...]]
    unnoted: bool = False


class Submission(BaseModel):
    """How a run of a job was started, so that it can be again; `reads` are the formats that its code can read."""

    model_config = ConfigDict(frozen=True)

    note: StateNote
    reads: dict[str, tuple[int, ...]]
    program: str
    arguments: tuple[str, ...]
    parallelism: int


def note_for(job: str, build: Build, restored: StateNote | None, *, from_state: bool, state: JobState) -> StateNote:
    """Return the note of a run of this release; `restored` is that of the state it starts from, if there is one."""
    formats = {name: set(held) for name, held in restored.formats.items()} if restored else {}
    for name, one in state.formats.items():
        formats.setdefault(name, set()).add(one.writes)
    return StateNote(
        job=job,
        release=version("tollgate"),
        flink=version("apache-flink"),
        build=build.id,
        operators=tuple(sorted(state.operators)),
        formats={name: tuple(sorted(held)) for name, held in sorted(formats.items())},
        unnoted=restored.unnoted if restored else from_state,
    )


def submission_of(  # noqa: PLR0913 - what a run is, and none of it optional
    layout: Layout, job: str, build: Build, program: str, arguments: list[str], parallelism: int, restore: Path | None
) -> Submission:
    """Describe a run of this release's code, from a state or from none."""
    state = STATES[job]
    restored = read_note(layout, restore) if restore else None
    return Submission(
        note=note_for(job, build, restored, from_state=restore is not None, state=state),
        reads=state.reads,
        program=program,
        arguments=tuple(arguments),
        parallelism=parallelism,
    )


def going_on_from(submission: Submission, note: StateNote | None) -> Submission:
    """Return a run that is to be started again from a state which another release has written to since."""
    own = submission.note
    before = note.formats if note else {}
    formats = {
        name: tuple(sorted({*own.formats.get(name, ()), *before.get(name, ())}))
        for name in sorted({*own.formats, *before})
    }
    unnoted = own.unnoted or note is None or note.unnoted
    return submission.model_copy(update={"note": own.model_copy(update={"formats": formats, "unnoted": unnoted})})


def save_submission(layout: Layout, job_id: str, submission: Submission) -> None:
    """Remember how a run was started. The file is its owner's alone: arguments may hold a password."""
    write_atomically(_path(layout, job_id), submission.model_dump_json(indent=2) + "\n")


def read_submission(layout: Layout, job_id: str) -> Submission | None:
    """Return how a run was started; None where nobody noted it, or a later release did in words of its own."""
    try:
        return Submission.model_validate_json(_path(layout, job_id).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def note_savepoint(layout: Layout, job_id: str, savepoint: Path) -> None:
    """Put the note of the run that took a savepoint beside its files."""
    submission = read_submission(layout, job_id)
    if submission is not None:
        write_atomically(savepoint / NOTE, submission.note.model_dump_json(indent=2) + "\n")


def read_note(layout: Layout, state: Path) -> StateNote | None:
    """Return the note of a savepoint, or of the run that a retained checkpoint is of; None where there is none."""
    try:
        return StateNote.model_validate_json((state / NOTE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        submission = read_submission(layout, state.parent.name)
        return submission.note if submission else None


def _path(layout: Layout, job_id: str) -> Path:
    return layout.home / "submissions" / f"{job_id}.json"
