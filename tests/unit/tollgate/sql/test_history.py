"""History's directory: what is new, whole runs alone, each record in one of them."""

from pathlib import Path

from tollgate.sql.history import History, all_time_view, behind, insertion
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
    assert history.taken(RECORDS) == {}
    write(history, RECORDS, {0: (0, 5), 1: (0, 0)})
    write(history, RECORDS, {0: (5, 5), 1: (0, 7), 2: (0, 1)})
    assert [run.name for run in history.runs(RECORDS)] == ["history_run=00000001", "history_run=00000002"]
    assert (history.runs(RECORDS)[0] / "kafka_day=2026-11-01" / "part-0").read_text() == "rows"
    assert history.taken(RECORDS) == {0: 5, 1: 7, 2: 1}


def test_what_a_killed_run_has_left_is_in_no_run_and_goes_with_the_next(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.begin(RECORDS)
    (history.staging(RECORDS) / "half").write_text("rows")
    assert history.runs(RECORDS) == []
    write(history, RECORDS, {0: (0, 1)})
    assert [file.name for file in history.runs(RECORDS)[0].rglob("*")].count("half") == 0


def test_what_is_new_begins_behind_what_was_taken() -> None:
    assert behind({0: 5}, {0: 9, 1: 2}) == {0: (5, 9), 1: (0, 2)}
    assert behind({0: 5, 1: 2}, {0: 5, 1: 2}) == {}
    assert behind({}, {0: 0}) == {}


def test_a_topic_that_was_made_anew_is_not_read_from_beyond_its_end() -> None:
    assert behind({0: 5, 1: 0}, {0: 3, 1: 1}) == {0: (3, 3), 1: (0, 1)}


def test_a_run_reads_between_two_offsets_and_keeps_the_day_of_each_record() -> None:
    statement = insertion(RECORDS, {1: (0, 2), 0: (5, 9)})
    assert "'scan.startup.specific-offsets' = 'partition:0,offset:5;partition:1,offset:0'" in statement
    assert statement.startswith("INSERT INTO staging.billing_records SELECT *, DATE_FORMAT(kafka_timestamp")
    assert statement.endswith("WHERE progress IS NULL)")


def test_all_time_is_the_runs_of_now_and_the_topic_behind_them(tmp_path: Path) -> None:
    history = History(tmp_path)
    write(history, RECORDS, {0: (0, 5)})
    statement = all_time_view(RECORDS, {"amount": "DECIMAL(38, 12)"}, history, {0: 9, 1: 2})
    assert "FROM history.billing_records WHERE `history_run` <= '00000001' UNION ALL SELECT" in statement
    assert "'partition:0,offset:5;partition:1,offset:0'" in statement
