"""SQL types of protobuf fields, as Flink's protobuf format reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor import FieldDescriptor as Field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.descriptor import Descriptor

MONEY: Final = "DECIMAL(38, 12)"
"""Amounts in SQL: all 12 places, exact, up to 10^26 of a currency; sums keep the type."""

MONEY_FIELDS: Final = frozenset(
    {
        *("amount", "cycle_amount", "cycle_total", "credit", "credit_drawn", "exact_amount", "flat_fee", "price"),
        *("subtotal", "tax", "total", "unit_price"),
        *("contract_discount", "factor", "percent"),
    }
)
"""Text fields of messages that hold a decimal number."""

_SCALARS: Final = {
    Field.TYPE_BOOL: "BOOLEAN",
    Field.TYPE_BYTES: "BYTES",
    Field.TYPE_ENUM: "STRING",
    Field.TYPE_INT32: "INT",
    Field.TYPE_INT64: "BIGINT",
    Field.TYPE_STRING: "STRING",
    Field.TYPE_UINT32: "INT",
    Field.TYPE_UINT64: "BIGINT",
}


def readable(message: Descriptor) -> list[Field]:
    """Return the fields that become columns: all but messages without fields, which SQL has no type for."""
    return [field for field in message.fields if field.message_type is None or field.message_type.fields]


def sql_type(field: Field) -> str:
    """Return the SQL type of a field. Raises KeyError for a kind of number that no message of ours uses."""
    if is_map(field):
        key, value = field.message_type.fields
        return f"MAP<{sql_type(key)}, {sql_type(value)}>"
    one = row_type(readable(field.message_type)) if field.message_type else _SCALARS[field.type]
    return f"ARRAY<{one}>" if field.label == Field.LABEL_REPEATED else one


def row_type(fields: Sequence[Field]) -> str:
    """Return the type of a nested message."""
    return "ROW<" + ", ".join(f"{quoted(field.name)} {sql_type(field)}" for field in fields) + ">"


def is_map(field: Field) -> bool:
    """Tell whether a field is a map."""
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def is_repeated_message(field: Field) -> bool:
    """Tell whether a field is a list of messages."""
    return bool(field.label == Field.LABEL_REPEATED and field.message_type and not is_map(field))


def is_time(field: Field) -> bool:
    """Tell whether a field is an instant: its name says so."""
    one_number = field.type == Field.TYPE_INT64 and field.label != Field.LABEL_REPEATED
    return bool(one_number and field.name.endswith("_ms"))


def is_money(field: Field) -> bool:
    """Tell whether a field is a decimal number in text."""
    plain_text = field.type == Field.TYPE_STRING and field.label != Field.LABEL_REPEATED
    return bool(plain_text and field.name in MONEY_FIELDS)


def shown_name(field: Field) -> str:
    """Return the name of a field's column in a view: that of an instant says no unit."""
    return field.name.removesuffix("_ms") if is_time(field) else str(field.name)


def shown_expression(field: Field, source: str, *, trusted: bool) -> str:
    """Return a field as a view shows it: instants as timestamps, amounts as decimals, "" and 0 of those as NULL.

    A number of a oneof is NULL where it is not set, which is told from 0 in the message alone: no valid one is 0.
    `trusted`: this system wrote the message, so that text which is no number is a fault to be seen.
    """
    if is_time(field):
        return f"TO_TIMESTAMP_LTZ(NULLIF({source}, 0), 3)"
    if is_money(field):
        return f"{'CAST' if trusted else 'TRY_CAST'}(NULLIF({source}, '') AS {MONEY})"
    if field.containing_oneof and not field.message_type:
        return f"NULLIF({source}, 0)"
    return source


def quoted(name: str) -> str:
    """Return a name as SQL takes it, reserved or not."""
    return f"`{name}`"


def text(value: str) -> str:
    """Return a text literal."""
    return "'" + value.replace("'", "''") + "'"
