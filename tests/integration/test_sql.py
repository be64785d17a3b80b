"""The documented queries over known data, in one run of the command: each answer was reckoned on paper.

A Kafka of its own and no job: what is on the topics is in `sql_data`. How a real stack's records are read,
a query beside `tollgate records` shows.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flink_jobs.topics import ALL
from tests.integration.conftest import Tollgate, stack, usage
from tests.integration.sql_data import EUROPEANS, send_all
from tollgate.settings import REPOSITORY

QUERIES = REPOSITORY / "conf" / "sql"
MORE = {
    "markers": "SELECT COUNT(*) AS n FROM topics.billing_records",
    "events": "SELECT event_id, measure, quantity, session.phase AS phase, dimensions FROM usage_events"
    " ORDER BY event_id",
    "kafka": "SELECT COUNT(DISTINCT kafka_partition) > 0 AS ok, MIN(kafka_offset) AS o FROM pricing_books",
    "nested": "SELECT b.price_book, m.meter, m.definition.price.model AS model FROM pricing_books AS b"
    " CROSS JOIN UNNEST(b.meters) AS m (meter, definition) WHERE b.version = 1 ORDER BY m.meter",
    "functions": "SELECT customer, quote('sms', 12, customer) AS price, quote('sms', 12) AS list,"
    " tier_of('sms', 11) AS tier, quote('none', 1) AS nothing,"
    " format_money(CAST(1234.565 AS DECIMAL(38, 12)), 'USD') AS money,"
    " cycle_of(CAST(moment AS TIMESTAMP(3)), customer) AS `cycle` FROM"
    " (VALUES ('acme', TO_TIMESTAMP_LTZ(1793458800000, 3))) AS t (customer, moment)",
    "lines": "SELECT invoice_id, line_id, amount FROM billing_invoice_lines",
    "versions": "SELECT price_book, version, valid_from, valid_to FROM price_versions ORDER BY version",
    "accepted": "SELECT version, book_accepted(kafka_offset) AS accepted FROM pricing_books ORDER BY version",
    "hinted": "SELECT MIN(version) AS version FROM topics.pricing_books"
    " /*+ OPTIONS('scan.startup.mode' = 'specific-offsets',"
    " 'scan.startup.specific-offsets' = 'partition:0,offset:3') */",
    "untrusted": "SELECT amount FROM invoice_notes",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The answers to all documented queries and some more, by name."""
    home = tmp_path_factory.mktemp("sql")
    with stack(home) as command:
        context = command.context
        context.stack.ensure_flink_home()
        context.stack.ensure_kafka()
        context.log.create_topics(ALL, 2)
        pending = send_all(context.bootstrap_servers)
        scripts = {file.stem: file.read_text() for file in sorted(QUERIES.glob("*.sql"))} | MORE
        script = home / "all.sql"
        script.write_text(";\n".join(scripts.values()))
        found = json.loads(command.ok("sql", "--json", "-f", str(script)))
        pending.abort_transaction()
        del pending  # closes it, as long as there is a broker
    return dict(zip(scripts, found, strict=True))


def rows(answers: dict[str, list[dict[str, Any]]], name: str) -> list[list[Any]]:
    return [list(row.values()) for row in answers[name]]


def test_top_customers_of_each_currency_by_exact_amounts(answers: dict[str, Any]) -> None:
    assert rows(answers, "top-customers") == [
        *([eve, "EUR", "100", 1] for eve in EUROPEANS[:10]),
        ["bob", "USD", "24.000000000001", 3],
        ["cat", "USD", "13.1", 5],
        ["ann", "USD", "2.15", 3],
    ]


def test_revenue_by_minute_of_the_newest_hour(answers: dict[str, Any]) -> None:
    assert rows(answers, "revenue-by-minute") == [
        ["2026-11-20 10:01:00", "mms", "USD", 2, "0.9"],
        ["2026-11-20 10:00:00", "sms", "USD", 14, "1.35"],
        ["2026-11-20 09:59:00", "mms", "USD", 3, "3"],
    ]


def test_what_promotions_cost_without_what_was_retracted(answers: dict[str, Any]) -> None:
    assert rows(answers, "promotion-effect") == [["november", "USD", 1, 1, 0, "0.1"], ["welcome", "USD", 1, 1, 1, "0"]]


def test_the_late_share(answers: dict[str, Any]) -> None:
    assert rows(answers, "late-share") == [
        ["2026-11", "EUR", 0, 11, "0", "1100", "0"],
        ["2026-11", "USD", 1, 11, "1.000000000001", "39.250000000001", "9.09"],
    ]


def test_tiers_that_were_reached_without_what_was_retracted_or_is_of_a_closed_cycle(answers: dict[str, Any]) -> None:
    assert rows(answers, "tier-distribution") == [["sms", 1, 1, 2], ["sms", 2, 1, 12]]


def test_surge_revenue_without_what_was_retracted(answers: dict[str, Any]) -> None:
    assert rows(answers, "surge-revenue") == [["2026-11-20", "sms", "1.5", "USD", 1, 1, "0.15"]]


def test_customers_who_use_less_without_what_was_retracted(answers: dict[str, Any]) -> None:
    assert rows(answers, "churn-risk") == [["bob", "USD", "20", "3", "15"], ["cat", "USD", "9", "4.1", "45.6"]]


def test_dead_letters_by_reason(answers: dict[str, Any]) -> None:
    assert rows(answers, "dead-letters") == [
        ["usage.events", "MALFORMED", 2, 1, "2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z", "no protobuf"],
        ["usage.events", "TOO_OLD", 1, 1, "2026-11-20T10:00:02Z", "2026-11-20T10:00:02Z", "36 days behind"],
    ]


def test_the_latest_balances_of_each_currency(answers: dict[str, Any]) -> None:
    as_of = "2026-11-20T10:05:00Z"
    assert rows(answers, "balances") == [
        *([eve, "2026-11", "100.00 EUR", None, as_of, "mms", "100"] for eve in EUROPEANS[:10]),
        ["bob", "2026-11", "24.00 USD", None, as_of, "mms", "24.000000000001"],
        ["ann", "2026-11", "2.15 USD", "7.5", as_of, "sms", "1.25"],
    ]


def test_plans_in_force(answers: dict[str, Any]) -> None:
    assert rows(answers, "active-plans") == [
        ["premium", "month", "USD", 1, 2, "50"],
        ["basic", "month", "USD", 1, 1, "10"],
    ]


def test_only_what_is_committed_is_read_and_markers_only_where_they_are_asked_for(answers: dict[str, Any]) -> None:
    assert rows(answers, "markers") == [[24]]


def test_a_oneof_and_a_map_and_bytes_that_are_no_message(answers: dict[str, Any]) -> None:
    assert rows(answers, "events") == [
        ["e1", "QUANTITY", 8, None, {"region": "eu"}],
        ["e2", "SESSION", None, "STOP", None],
        ["e3", "RETRACTION", None, None, None],
        ["e4", "HEARTBEAT", None, None, None],
    ]


def test_a_price_book_is_readable_to_its_depth_and_in_force_if_accepted(answers: dict[str, Any]) -> None:
    assert rows(answers, "nested") == [["known", "mms", "per_unit"], ["known", "sms", "graduated"]]
    assert rows(answers, "versions") == [
        ["known", 1, "2026-01-01T00:00:00Z", "2026-11-15T00:00:00Z"],
        ["known", 2, "2026-11-15T00:00:00Z", "2026-11-15T00:00:00Z"],
        ["known", 3, "2026-11-15T00:00:00Z", None],
    ]
    assert rows(answers, "accepted") == [[1, True], [2, True], [3, True], [4, False]]
    assert rows(answers, "kafka") == [[True, 0]]


def test_a_hint_is_taken(answers: dict[str, Any]) -> None:
    assert rows(answers, "hinted") == [[4]]


def test_functions_ask_the_core(answers: dict[str, Any]) -> None:
    assert rows(answers, "functions") == [["acme", "0.55", "1.1", 2, None, "1,234.56 USD", "2026-11"]]


def test_parts_and_what_producers_wrote(answers: dict[str, Any]) -> None:
    assert rows(answers, "lines") == [["i1", "l1", "2.15"]]
    assert rows(answers, "untrusted") == [["-1"]]


def test_a_running_stack_answers_as_the_other_commands_do(tollgate: Tollgate, now_ms: int) -> None:
    tollgate.produce([usage("sql-ann", f"sql{number}", 7 * number, now_ms) for number in range(1, 20)])
    tollgate.ok("wait")
    query = "SELECT customer_id, SUM(amount) AS amount FROM billing_records GROUP BY customer_id"
    found = {row["customer_id"]: Decimal(row["amount"]) for row in tollgate.json("sql", "-e", query)}
    lines: dict[str, Decimal] = {}
    for record in tollgate.json("records", "--all"):
        lines[record["customer_id"]] = lines.get(record["customer_id"], Decimal(0)) + Decimal(record["amount"])
    assert found == lines
    assert found["sql-ann"] > 0


def test_what_is_wrong_is_one_line(tollgate: Tollgate, tmp_path: Path) -> None:
    wrong = tollgate.run("sql", "-e", "SELECT * FROM nothing")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.splitlines()[-1] == (
        "tollgate: line 1, column 15: Object 'nothing' not found. Remedy: `SHOW TABLES` lists the tables"
    )
    assert tollgate.run("sql", "-f", str(tmp_path / "none.sql")).returncode == 2
