"""Views of what topics only hold inside their messages: parts of a record a row each, and which charges hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tollgate.sql.columns import quoted, readable, shown_expression, shown_name
from tollgate.sql.tables import TABLES, VIEWS, column_names
from wire.v1 import billing_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

CLAUSES: Final = {"from": "from_unit", "to": "to_unit"}
"""Columns that have another name than their field: without backticks they would begin a clause."""


@dataclass(frozen=True)
class Parts:
    """A list inside a message as rows of their own, with the columns of the message that say whose they are."""

    name: str
    view: str
    field: str
    part: Descriptor
    owner: tuple[str, ...]


OF_RECORDS: Final = (
    "record_id", "customer_id", "meter", "cycle", "currency", "event_time", "late", "corrects_cycle",
)  # fmt: skip

PARTS: Final = (
    Parts(
        "billing_slices",
        "billing_records",
        "slices",
        billing_pb2.TierSlice.DESCRIPTOR,
        OF_RECORDS,
    ),
    Parts(
        "billing_adjustments",
        "billing_records",
        "adjustments",
        billing_pb2.Adjustment.DESCRIPTOR,
        OF_RECORDS,
    ),
    Parts(
        "billing_invoice_lines",
        "billing_invoices",
        "lines",
        billing_pb2.InvoiceLine.DESCRIPTOR,
        ("invoice_id", "customer_id", "status", "cycle", "day", "currency", "issued_at"),
    ),
    Parts(
        "billing_balance_meters",
        "billing_balances",
        "meters",
        billing_pb2.MeterTotal.DESCRIPTOR,
        ("customer_id", "cycle", "currency", "as_of"),
    ),
)

CHARGES_IN_FORCE: Final = f"""
CREATE VIEW {VIEWS}.charges_in_force AS
SELECT facts.*
FROM {VIEWS}.billing_charges AS facts
LEFT JOIN (SELECT DISTINCT supersedes AS charge_id FROM {VIEWS}.billing_charges) AS replaced
ON facts.charge_id = replaced.charge_id
WHERE replaced.charge_id IS NULL AND (facts.valid_to IS NULL OR facts.valid_to > facts.valid_from)
"""

BOOKS: Final = next(table for table in TABLES if table.name == "pricing_books")

PRICE_VERSIONS: Final = f"""
CREATE VIEW {VIEWS}.price_versions AS
SELECT {", ".join(map(quoted, column_names(BOOKS)))},
       TO_TIMESTAMP_LTZ(from_ms, 3) AS valid_from, TO_TIMESTAMP_LTZ(to_ms, 3) AS valid_to
FROM (
  SELECT *, LEAD(from_ms) OVER (PARTITION BY price_book ORDER BY from_ms, version) AS to_ms
  FROM (SELECT *, instant_of(effective_from) AS from_ms FROM {VIEWS}.pricing_books WHERE book_accepted(kafka_offset))
)
"""
"""Contract section 5, rule 1: the largest `effective_from`, of equal ones the highest version."""


def parts_view(parts: Parts) -> str:
    """Return the statement that makes the view of a list."""
    names = [f"part_{index}" for index, _ in enumerate(readable(parts.part))]
    columns = [f"whole.{quoted(name)}" for name in parts.owner]
    for name, field in zip(names, readable(parts.part), strict=True):
        shown = shown_name(field)
        column = quoted(CLAUSES.get(shown, shown))
        columns.append(f"{shown_expression(field, f'part.{name}', trusted=True)} AS {column}")
    return (
        f"CREATE VIEW {VIEWS}.{parts.name} AS SELECT {', '.join(columns)} FROM {VIEWS}.{parts.view} AS whole"
        f" CROSS JOIN UNNEST(whole.{quoted(parts.field)}) AS part ({', '.join(names)})"
    )


def statements() -> Iterator[str]:
    """Yield what makes all these views."""
    yield from map(parts_view, PARTS)
    yield CHARGES_IN_FORCE
    yield PRICE_VERSIONS
