"""Whether code can read a state, before anything is stopped for it: Flink itself sees bytes, and notices too late."""

from collections.abc import Collection, Mapping
from pathlib import Path

from flink_jobs.state_formats import STATES
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.local.layout import Layout
from tollgate.submissions import StateNote, read_note


def obstacles(note: StateNote, operators: Collection[str], reads: Mapping[str, Collection[int]]) -> list[str]:
    """Return why code with these operators, which reads these formats, cannot go on from a state; a line each."""
    found = []
    if lost := sorted(set(note.operators) - set(operators)):
        found.append(f"{note.job}: the code has no operator for the state of {', '.join(lost)}")
    for name, held in note.formats.items():
        known = reads.get(name, ())
        if unknown := sorted(set(held) - set(known)):
            what = f"the code reads {_counted(known)}" if known else "the code does not know that state"
            found.append(f"{note.job}: {name} may be in format {_counted(unknown)}, and {what}")
    return found


def remarks(note: StateNote, operators: Collection[str]) -> list[str]:
    """Return what is not wrong and should be known before code with these operators goes on from a state."""
    found = []
    if new := sorted(set(operators) - set(note.operators)):
        found.append(f"{note.job}: {', '.join(new)} will start without state")
    if note.unnoted:
        found.append(f"{note.job}: its state goes back to one without a note: formats are seen when they are read")
    return found


def refuse_unreadable(layout: Layout, job: str, state: Path) -> None:
    """Raise StackError where the note of a savepoint or checkpoint says that this checkout cannot read it."""
    note = read_note(layout, state)
    if note is None:
        return
    if note.job != job:
        raise StackError(f"{state.name} is a state of {note.job}, not of {job}", "name another", EXIT_UNUSABLE)
    refuse_obstacles(note)


def refuse_obstacles(note: StateNote) -> None:
    """Raise StackError where a state with this note is one that this checkout cannot read."""
    own = STATES[note.job]
    if found := obstacles(note, own.operators, own.reads):
        raise StackError(
            "; ".join(found),
            f"check out the code of build {note.build} (release {note.release}) or later",
            EXIT_UNUSABLE,
        )


def refuse_other_operators(job: str, state: Path, operators: Collection[str]) -> None:
    """Raise StackError where a state without a note holds what this checkout has no operator for."""
    if lost := sorted(set(operators) - STATES[job].operators):
        cause = f"{state.name} holds state of {', '.join(lost)}, and {job} has no such operator"
        raise StackError(cause, "check out the release that wrote it", EXIT_UNUSABLE)


def _counted(numbers: Collection[int]) -> str:
    *others, last = map(str, sorted(numbers))
    return f"{', '.join(others)} and {last}" if others else last
