"""run.json: what survives between two commands."""

from pathlib import Path

import pytest

from tollgate.local.errors import StackError
from tollgate.local.files import write_atomically
from tollgate.local.processes import ProcessRecord
from tollgate.local.run_file import RunFile, load_run_file, save_run_file

KAFKA = ProcessRecord(name="kafka", pid=7, create_time_seconds=1.5)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """Ports, processes, cluster and jobs come back as they were."""
    run = RunFile(ports={"kafka": 9092}, kafka_cluster_id="abc").with_process(KAFKA).with_job("rating", "0" * 32)
    save_run_file(tmp_path / "run.json", run)
    assert load_run_file(tmp_path / "run.json") == run


def test_an_absent_file_is_an_empty_stack(tmp_path: Path) -> None:
    """The first command of a checkout finds nothing, and that is no error."""
    assert load_run_file(tmp_path / "run.json") == RunFile()


def test_a_damaged_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    """Half a file must not look like a stack that is down."""
    (tmp_path / "run.json").write_text('{"ports": {"kafka": 90')
    with pytest.raises(StackError, match="is not readable") as refused:
        load_run_file(tmp_path / "run.json")
    assert "tollgate down" in refused.value.remedy


def test_a_failed_write_leaves_the_old_content_and_no_rubbish(tmp_path: Path) -> None:
    """A command that dies while it writes leaves what was there before."""
    path = tmp_path / "run.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_only_the_data_has_an_identity_after_down() -> None:
    """A stopped stack forgets ports, processes, jobs and code, but not whose data it has."""
    run = RunFile(ports={"kafka": 1}, kafka_cluster_id="abc", python_code="x", jobs={"rating": "1"}).with_process(KAFKA)
    assert run.stopped() == RunFile(kafka_cluster_id="abc")
