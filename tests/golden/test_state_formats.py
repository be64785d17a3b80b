"""Bytes that savepoints in the field hold: every format that was ever released is read as it was meant.

The switch writes the file of a new format only. One that exists is never rewritten, for its bytes are out there.
"""

import pytest

from flink_jobs.settings import BALANCES_JOB, INVOICING_JOB, SUBSCRIPTIONS_JOB, USAGE_RATING
from flink_jobs.state_formats import STATES
from tests.golden import (
    test_account_state,
    test_balance_state,
    test_customer_state,
    test_final_state,
    test_session_state,
    test_shown_surge_state,
    test_subscriber_state,
)
from tests.golden.state_files import StateFiles

KINDS = [
    one.FILES
    for one in (
        test_customer_state,
        test_session_state,
        test_balance_state,
        test_shown_surge_state,
        test_subscriber_state,
        test_account_state,
        test_final_state,
    )
]
of_every_kind = pytest.mark.parametrize("files", KINDS, ids=lambda files: files.folder)


@of_every_kind
def test_the_format_of_this_release_has_a_golden_file(files: StateFiles, *, regenerate: bool) -> None:
    if regenerate:
        files.write_if_new()
    missing = [name for name in files.of_this_release if not (files.path / f"{name}.hex").is_file()]
    assert not missing, "pytest tests/golden --regenerate-golden"


@pytest.mark.parametrize(
    ("files", "name"),
    [(files, name) for files in KINDS for name in files.names],
    ids=lambda one: one.folder if isinstance(one, StateFiles) else str(one),
)
def test_the_bytes_of_every_format_are_read_as_they_were_meant(files: StateFiles, name: str) -> None:
    assert files.decode(files.bytes_of(name)) == files.names[name]


@of_every_kind
def test_no_format_is_without_an_expectation(files: StateFiles) -> None:
    assert {path.stem for path in files.path.iterdir()} == files.names.keys()


DECLARED = {
    "state": (USAGE_RATING, "customers"),
    "balance_state": (BALANCES_JOB, "balances"),
    "shown_surge_state": (BALANCES_JOB, "shown-surge"),
    "subscriber_state": (SUBSCRIPTIONS_JOB, "subscribers"),
    "account_state": (INVOICING_JOB, "accounts"),
    "final_state": (INVOICING_JOB, "notes"),
}
"""Job and state whose formats an upgrade compares, by the folder of golden bytes."""


@pytest.mark.parametrize("files", [one for one in KINDS if one.folder in DECLARED], ids=lambda files: files.folder)
def test_the_formats_that_upgrades_go_by_are_those_with_golden_bytes(files: StateFiles) -> None:
    job, state = DECLARED[files.folder]
    declared = STATES[job].formats[state]
    assert set(declared.reads) == files.expected.keys()
    assert declared.writes == files.current


@of_every_kind
def test_this_release_writes_the_bytes_of_its_format(files: StateFiles) -> None:
    for name, state in files.of_this_release.items():
        assert files.encode(state) == files.bytes_of(name), name
