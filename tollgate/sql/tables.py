"""The tables: one per topic, and the view of it that people ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flink_jobs import topics
from tollgate.sql.columns import is_time, quoted, readable, shown_expression, shown_name, sql_type, text
from wire.v1 import billing_pb2, pricing_pb2, subscription_pb2, usage_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, OneofDescriptor
    from google.protobuf.message import Message

CATALOG: Final = "tollgate"
RAW: Final = "topics"
"""The database of the topics as they are; the views are in the database `billing`."""
VIEWS: Final = "billing"

KAFKA_COLUMNS: Final = {
    "kafka_partition": ("INT", "partition"),
    "kafka_offset": ("BIGINT", "offset"),
    "kafka_timestamp": ("TIMESTAMP_LTZ(3)", "timestamp"),
    "kafka_headers": ("MAP<STRING, BYTES>", "headers"),
}
MARKER: Final = "progress"
"""The field that is set alone in a marker of progress, which is no record."""

DISORDER: Final = "INTERVAL '1' MINUTE"
"""How far behind the largest event time the watermark of a live query stays."""


@dataclass(frozen=True)
class Table:
    """A topic as a table.

    `clock`: the field of its event time; empty: the Kafka record's timestamp.
    `newest`: where later messages replace earlier ones, what they are about and the field that grows.
    `ours`: written by our jobs, so that bytes that do not parse are a fault; elsewhere they are passed over.
    """

    name: str
    topic: str
    message: type[Message]
    clock: str = ""
    newest: tuple[tuple[str, ...], str] | None = None
    ours: bool = True

    @property
    def descriptor(self) -> Descriptor:
        """What the message says of its fields."""
        return self.message.DESCRIPTOR

    @property
    def time(self) -> str:
        """The column that is the event-time attribute."""
        return self.clock.removesuffix("_ms") or "kafka_timestamp"


TABLES: Final = (
    Table("usage_events", topics.USAGE_EVENTS, usage_pb2.UsageEvent, "event_time_ms", ours=False),
    Table("subscription_events", topics.SUBSCRIPTION_EVENTS, subscription_pb2.SubscriptionEvent, ours=False),
    Table("pricing_books", topics.PRICE_BOOKS, pricing_pb2.PriceBook, ours=False),
    Table("pricing_contracts", topics.CONTRACTS, pricing_pb2.Contract, ours=False),
    Table("pricing_signals", topics.SIGNALS, pricing_pb2.PriceSignal, "event_time_ms", ours=False),
    Table("pricing_surge", topics.SURGE, pricing_pb2.SurgeRate, "interval_from_ms"),
    Table("billing_records", topics.RECORDS, billing_pb2.BillingRecord, "event_time_ms"),
    Table("billing_charges", topics.CHARGES, subscription_pb2.Charge),
    Table("billing_invoices", topics.INVOICES, billing_pb2.Invoice, "issued_at_ms"),
    Table("billing_balances", topics.BALANCES, billing_pb2.Balance, "as_of_ms", (("customer_id",), "sequence")),
    Table("billing_sessions", topics.SESSIONS, billing_pb2.OpenSessions, "as_of_ms", (("customer_id",), "change")),
    Table("billing_alerts", topics.ALERTS, billing_pb2.Alert, "event_time_ms"),
    Table("billing_deadletters", topics.DEAD_LETTERS, billing_pb2.DeadLetter, "record_timestamp_ms"),
    Table("invoice_notes", topics.NOTES, billing_pb2.NoteRequest, "created_time_ms", ours=False),
)


def raw_table(table: Table, options: Mapping[str, str]) -> str:
    """Return the statement that makes a topic a table, with all its fields under their own names."""
    columns = [f"{quoted(field.name)} {sql_type(field)}" for field in readable(table.descriptor)]
    columns += [f"{name} {kind} METADATA FROM {text(key)} VIRTUAL" for name, (kind, key) in KAFKA_COLUMNS.items()]
    if table.clock:
        columns.append(f"{quoted(table.time)} AS TO_TIMESTAMP_LTZ({quoted(table.clock)}, 3)")
    columns.append(f"WATERMARK FOR {quoted(table.time)} AS {quoted(table.time)} - {DISORDER}")
    settings = format_options(table) | dict(options)
    with_ = ", ".join(f"{text(key)} = {text(value)}" for key, value in settings.items())
    return f"CREATE TABLE {RAW}.{table.name} ({', '.join(columns)}) WITH ({with_})"


def format_options(table: Table) -> dict[str, str]:
    """Return how a topic is read: committed only, from its beginning, as protobuf."""
    return {
        "connector": "kafka",
        "topic": table.topic,
        "properties.isolation.level": "read_committed",
        "scan.startup.mode": "earliest-offset",
        "format": "protobuf",
        "protobuf.message-class-name": f"tollgate.v1.{table.descriptor.name}",
        "protobuf.ignore-parse-errors": "false" if table.ours else "true",
    }


def bounded_options(ends: Iterable[tuple[int, int]]) -> dict[str, str]:
    """Return the options by which a topic ends; `ends` are partitions and the offsets after their last records."""
    offsets = ";".join(f"partition:{partition},offset:{offset}" for partition, offset in ends)
    return {"scan.bounded.mode": "specific-offsets", "scan.bounded.specific-offsets": offsets}


def start_options(starts: Iterable[tuple[int, int]]) -> dict[str, str]:
    """Return the options by which the reading of a topic begins: partitions and the offsets of their first records."""
    offsets = ";".join(f"partition:{partition},offset:{offset}" for partition, offset in starts)
    return {"scan.startup.mode": "specific-offsets", "scan.startup.specific-offsets": offsets}


def view(table: Table) -> str:
    """Return the statement that makes the view of a table under its own name."""
    name = f"{VIEWS}.{table.name}"
    if table.newest is None:
        return f"CREATE VIEW {name} AS {every_message(table)}"
    keys, rises = table.newest
    rank = f"ROW_NUMBER() OVER (PARTITION BY {', '.join(keys)} ORDER BY {quoted(rises)} DESC, kafka_offset DESC)"
    ranked = f"SELECT *, {rank} AS newest FROM {RAW}.{table.name}{without_markers(table)}"
    return f"CREATE VIEW {name} AS SELECT {', '.join(view_columns(table))} FROM ({ranked}) WHERE newest = 1"


def every_message(table: Table, options: Mapping[str, str] | None = None) -> str:
    """Return a query for all messages of a topic as its view shows them, older ones too where newer replace them.

    `options` are of this reading alone.
    """
    hint = ""
    if options:
        hint = f" /*+ OPTIONS({', '.join(f'{text(key)} = {text(value)}' for key, value in options.items())}) */"
    return f"SELECT {', '.join(view_columns(table))} FROM {RAW}.{table.name}{hint}{without_markers(table)}"


def without_markers(table: Table) -> str:
    """Return the condition that leaves markers of progress out, where a topic has them."""
    return f" WHERE {MARKER} IS NULL" if MARKER in table.descriptor.fields_by_name else ""


def view_columns(table: Table) -> Iterator[str]:
    """Yield the columns of a view: instants and amounts in their own types, the choice of a oneof by name."""
    for field in readable(table.descriptor):
        if field.name == MARKER:
            continue
        name = quoted(shown_name(field))
        if is_time(field) and field.name == table.clock:
            yield name
        else:
            yield f"{shown_expression(field, quoted(field.name), trusted=table.ours)} AS {name}"
    for choice in table.descriptor.oneofs:
        yield f"{chosen(choice)} AS {quoted(choice.name)}"
    yield from KAFKA_COLUMNS


def chosen(choice: OneofDescriptor) -> str:
    """Return which field of a oneof is set, in capitals; one without fields of its own is what else it can be."""
    with_columns = readable(choice.containing_type)
    tests = [
        f"WHEN {shown_expression(field, quoted(field.name), trusted=True)} IS NOT NULL THEN {text(field.name.upper())}"
        for field in choice.fields
        if field in with_columns
    ]
    rest = [text(field.name.upper()) for field in choice.fields if field not in with_columns]
    return f"CASE {' '.join(tests)} ELSE {rest[0] if rest else 'NULL'} END"


def column_names(table: Table) -> list[str]:
    """Return the names of a view's columns, those of Kafka last."""
    shown = [shown_name(field) for field in readable(table.descriptor) if field.name != MARKER]
    return [*shown, *(choice.name for choice in table.descriptor.oneofs), *KAFKA_COLUMNS]
