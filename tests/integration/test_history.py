"""`tollgate history`: each committed record in the files once, also when Kafka has none of it any more."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest
from kafka import TopicPartition

from flink_jobs.topics import ALL, RECORDS
from tests.integration.conftest import Tollgate, stack
from tests.integration.sql_data import send_all
from tollgate.sql.columns import quoted
from tollgate.sql.history import HISTORY, OFFSETS, RUN
from tollgate.sql.tables import TABLES, VIEWS, column_names

COUNTS = " UNION ALL ".join(f"SELECT '{table.name}' AS name, COUNT(*) AS n FROM {{0}}.{table.name}" for table in TABLES)

ROWS = "SELECT {0} FROM {1}.{2} ORDER BY kafka_partition, kafka_offset"
WHOLE = [
    (", ".join(map(quoted, column_names(table))), database, table.name)
    for table in TABLES
    if table.name in {"billing_records", "billing_invoices", "usage_events", "pricing_books"}
    for database in (HISTORY, VIEWS)
]
"""Tables of every kind of column, as the files and as the topics have them."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tollgate, Any]]:
    """A Kafka with known content, and the transaction that is open on it."""
    with stack(tmp_path_factory.mktemp("history")) as command:
        context = command.context
        context.stack.ensure_flink_home()
        context.stack.ensure_kafka()
        context.log.create_topics(ALL, 2)
        yield command, send_all(context.bootstrap_servers)


def asked(command: Tollgate, directory: Path, *statements: str) -> list[list[dict[str, Any]]]:
    found = json.loads(command.ok("sql", "--json", "--history", str(directory), "-e", ";\n".join(statements)))
    return found if len(statements) > 1 else [found]


def counted(answer: list[dict[str, Any]]) -> dict[str, int]:
    return {row["name"]: row["n"] for row in answer}


def test_history_takes_each_committed_record_once_and_keeps_it(kafka: tuple[Tollgate, Any], tmp_path: Path) -> None:
    command, pending = kafka
    directory = tmp_path / "history"
    first = json.loads(command.ok("history", str(directory), "--json"))["offsets"]
    assert first["billing_records"] > 0
    of_files, of_both, *rows = asked(
        command, directory, COUNTS.format("history"), COUNTS.format("all_time"), *(ROWS.format(*one) for one in WHOLE)
    )
    assert counted(of_files) == counted(of_both)
    for (_, _, table), answer in zip(WHOLE, rows, strict=True):
        assert len(answer) == counted(of_files)[table]
    for files, topic in zip(rows[::2], rows[1::2], strict=True):
        assert files == topic
    amounts = pyarrow.dataset.dataset(directory / "billing_records", ignore_prefixes=["_", "."]).to_table()["amount"]
    assert sum(one for one in amounts.to_pylist() if one) == Decimal("1139.250000000001")

    (directory / ".staging" / "billing_records").mkdir(parents=True)
    (directory / ".staging" / "billing_records" / "left-by-a-kill").write_text("half")
    assert not any(json.loads(command.ok("history", str(directory), "--json"))["offsets"].values())
    pending.commit_transaction()
    (later,) = asked(command, directory, COUNTS.format("all_time"))
    new = {name: n - counted(of_files)[name] for name, n in counted(later).items() if n != counted(of_files)[name]}
    assert new
    command.ok("history", str(directory))

    context = command.context
    ends = context.log.ends(RECORDS, committed=True)
    context.log.admin.delete_records({TopicPartition(part.topic, part.partition): end for part, end in ends.items()})
    of_files, of_both, left = asked(
        command,
        directory,
        COUNTS.format("history"),
        COUNTS.format("all_time"),
        "SELECT COUNT(*) AS n FROM billing_records",
    )
    assert (counted(of_files), counted(of_both)) == (counted(later), counted(later))
    assert left[0]["n"] == 0


def test_history_is_written_by_its_command_alone(kafka: tuple[Tollgate, Any], tmp_path: Path) -> None:
    command, _ = kafka
    statement = "INSERT INTO history.billing_alerts SELECT * FROM history.billing_alerts"
    done = command.run("sql", "--history", str(tmp_path / "h"), "-e", statement)
    assert done.returncode == 1
    assert "history is only read here. Remedy: `tollgate history` writes it" in done.stderr


@pytest.mark.faults
def test_a_topic_that_was_made_anew_is_named_and_what_was_before_stays(
    kafka: tuple[Tollgate, Any], tmp_path: Path
) -> None:
    command, _ = kafka
    run = tmp_path / "billing_alerts" / f"{RUN}=00000001"
    run.mkdir(parents=True)
    (run / OFFSETS).write_text('{"0": [0, 1000000], "1": [0, 0]}')
    refused = command.run("history", str(tmp_path))
    assert refused.returncode == 1
    assert "billing.alerts was made anew: partition 0 ends at offset " in refused.stderr
    assert "Remedy: name a new directory" in refused.stderr
    before = "SELECT COUNT(*) AS n FROM history.billing_alerts"
    asked_before = command.run("sql", "--json", "--history", str(tmp_path), "-e", before)
    assert json.loads(asked_before.stdout) == [{"n": 0}]
    assert "there is no all_time.billing_alerts: billing.alerts was made anew" in asked_before.stderr
    lost = command.run("sql", "--history", str(tmp_path), "-e", "SELECT * FROM all_time.billing_alerts")
    assert lost.returncode == 1
    assert "not found" in lost.stderr
