"""The tables follow the messages: every field of every topic has its column, whatever is added to them."""

import pytest

from flink_jobs.topics import ALL
from tollgate.sql.columns import readable, sql_type
from tollgate.sql.tables import TABLES, Table, bounded_options, raw_table, view
from wire.v1 import billing_pb2, pricing_pb2

BY_NAME = {table.name: table for table in TABLES}


def test_every_topic_is_a_table() -> None:
    assert {table.topic for table in TABLES} == {topic.name for topic in ALL}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_field_is_a_column_and_the_clock_one_of_them(table: Table) -> None:
    statement = raw_table(table, {})
    assert all(f"`{field.name}` {sql_type(field)}" in statement for field in readable(table.descriptor))
    assert not table.clock or table.clock in table.descriptor.fields_by_name
    assert f"WATERMARK FOR `{table.time}`" in statement


def test_types_of_nested_messages_maps_and_numbers() -> None:
    record, book = billing_pb2.BillingRecord.DESCRIPTOR, pricing_pb2.PriceBook.DESCRIPTOR
    assert sql_type(record.fields_by_name["sequence"]) == "BIGINT"
    assert sql_type(record.fields_by_name["kind"]) == "STRING"
    assert sql_type(record.fields_by_name["meter_totals"]) == (
        "ARRAY<ROW<`meter` STRING, `quantity` BIGINT, `amount` STRING>>"
    )
    assert sql_type(book.fields_by_name["plans"]) == "MAP<STRING, ROW<`price` STRING, `interval` STRING>>"


def test_views_show_amounts_as_decimals_instants_as_timestamps_and_no_markers() -> None:
    statement = view(BY_NAME["billing_charges"])
    assert "CAST(NULLIF(`price`, '') AS DECIMAL(38, 12)) AS `price`" in statement
    assert "TO_TIMESTAMP_LTZ(NULLIF(`valid_to_ms`, 0), 3) AS `valid_to`" in statement
    assert statement.endswith("WHERE progress IS NULL")
    assert "AS `progress`" not in statement


def test_what_producers_wrote_is_never_a_fault_of_the_query() -> None:
    assert "TRY_CAST" in view(BY_NAME["invoice_notes"])
    assert "'protobuf.ignore-parse-errors' = 'true'" in raw_table(BY_NAME["usage_events"], {})
    assert "'protobuf.ignore-parse-errors' = 'false'" in raw_table(BY_NAME["billing_records"], {})


def test_a_oneof_says_which_of_it_is_set() -> None:
    assert "WHEN `session` IS NOT NULL THEN 'SESSION'" in view(BY_NAME["usage_events"])
    assert "ELSE 'HEARTBEAT' END AS `measure`" in view(BY_NAME["usage_events"])


def test_a_topic_ends_at_the_offsets_given() -> None:
    assert (
        bounded_options([(0, 5), (1, 0)])["scan.bounded.specific-offsets"]
        == "partition:0,offset:5;partition:1,offset:0"
    )
