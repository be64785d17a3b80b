"""What is noted of a job that was submitted. The client is made up."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tollgate.local import submit
from tollgate.local.checkpoints import newest_checkpoint
from tollgate.local.layout import Layout
from tollgate.local.run_file import load_run_file
from tollgate.local.submit import submit_python_job


def test_runs_are_noted_in_the_order_in_which_they_were_submitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the states of the second are the newer ones, whatever the times of their files."""
    layout = Layout.of(tmp_path, tmp_path)
    ids = iter(["b" * 32, "a" * 32])
    clock_ns = iter([5_000_000_000, 6_000_000_000])
    monkeypatch.setattr(submit, "run_client", lambda *_: next(ids))
    monkeypatch.setattr(submit, "client_command", lambda _: [])
    monkeypatch.setattr(submit, "flink_environment", lambda _: {})
    monkeypatch.setattr(submit, "time", SimpleNamespace(time_ns=lambda: next(clock_ns)))
    stack = cast("Any", SimpleNamespace(layout=layout, cluster=lambda: None))
    for _ in range(2):
        submit_python_job(stack, "rating", "program", parallelism=1)
    assert load_run_file(layout.run_file).jobs == {"rating": "a" * 32}
    for run, number in (("a", 3), ("b", 4)):
        state = layout.checkpoints_of("rating") / (run * 32) / f"chk-{number}"
        state.mkdir()
        (state / "_metadata").write_bytes(b"state")
    found = newest_checkpoint(layout, "rating")
    assert found is not None
    assert found.path.name == "chk-3"
