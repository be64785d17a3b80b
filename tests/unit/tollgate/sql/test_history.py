"""History's directory: what is new, whole runs alone, each record in one of them."""

from pathlib import Path

import pytest

from tollgate.local.errors import StackError
from tollgate.sql.history import History, all_time_view, behind, insertion, taken
from tollgate.sql.tables import TABLES, Table

RECORDS = next(table for table in TABLES if table.name == "billing_records")


def write(history: History, table: Table, taken: dict[int, tuple[int, int]]) -> None:
    history.begin(table)
    day = history.staging(table) / "kafka_day=2026-11-01"
    day.mkdir()
    (day / "part-0").write_text("rows")
    history.finish(table, taken)


def test_runs_are_numbered_and_say_how_far_each_partition_was_taken(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert taken(history.runs(RECORDS)) == {}
    write(history, RECORDS, {0: (0, 5), 1: (0, 0)})
    write(history, RECORDS, {0: (5, 5), 1: (0, 7), 2: (0, 1)})
    assert [run.name for run in history.runs(RECORDS)] == ["history_run=00000001", "history_run=00000002"]
    assert (history.runs(RECORDS)[0] / "kafka_day=2026-11-01" / "part-0").read_text() == "rows"
    assert taken(history.runs(RECORDS)) == {0: 5, 1: 7, 2: 1}


def test_what_a_killed_run_has_left_is_in_no_run_and_goes_with_the_next(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.begin(RECORDS)
    (history.staging(RECORDS) / "half").write_text("rows")
    assert history.runs(RECORDS) == []
    write(history, RECORDS, {0: (0, 1)})
    assert [file.name for file in history.runs(RECORDS)[0].rglob("*")].count("half") == 0


def test_what_is_new_begins_behind_what_was_taken(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert behind(RECORDS, history.runs(RECORDS), {0: 0}) == {0: (0, 0)}
    write(history, RECORDS, {0: (0, 5)})
    assert behind(RECORDS, history.runs(RECORDS), {0: 9, 1: 2}) == {0: (5, 9), 1: (0, 2)}
    assert behind(RECORDS, history.runs(RECORDS), {0: 5}) == {0: (5, 5)}


@pytest.mark.parametrize("ends", [{0: 3, 1: 9}, {0: 0, 1: 0}, {1: 9}], ids=["shorter", "empty", "fewer partitions"])
def test_a_topic_that_was_made_anew_is_named(tmp_path: Path, ends: dict[int, int]) -> None:
    history = History(tmp_path)
    write(history, RECORDS, {0: (0, 5), 1: (0, 2)})
    with pytest.raises(StackError, match=r"billing\.records was made anew: partition 0 ends at offset [03]") as caught:
        behind(RECORDS, history.runs(RECORDS), ends)
    assert "name a new directory" in caught.value.remedy


def test_a_run_reads_between_two_offsets_and_keeps_the_day_of_each_record() -> None:
    statement = insertion(RECORDS, {0: (5, 9), 1: (0, 2)})
    assert "'scan.startup.specific-offsets' = 'partition:0,offset:5;partition:1,offset:0'" in statement
    assert statement.startswith("INSERT INTO staging.billing_records SELECT *, DATE_FORMAT(kafka_timestamp")
    assert statement.endswith("WHERE progress IS NULL)")


def test_all_time_is_the_runs_of_one_moment_and_the_topic_behind_them(tmp_path: Path) -> None:
    history = History(tmp_path)
    write(history, RECORDS, {0: (0, 5)})
    runs = history.runs(RECORDS)
    write(history, RECORDS, {0: (5, 9)})  # by somebody else, meanwhile
    new = behind(RECORDS, runs, {0: 9, 1: 2})
    statement = all_time_view(RECORDS, {"amount": "DECIMAL(38, 12)"}, runs, new)
    assert "FROM history.billing_records WHERE `history_run` <= '00000001' UNION ALL SELECT" in statement
    assert "'partition:0,offset:5;partition:1,offset:0'" in statement
