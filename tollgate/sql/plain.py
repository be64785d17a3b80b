"""Values of rows as plain data: what JSON and a table can show."""

from __future__ import annotations

import base64
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from billing.instants import EPOCH, format_instant


def plain(value: Any, kind: Any) -> Any:
    """Return a value of a PyFlink type: decimals as text without trailing zeros, instants in UTC, bytes as base64."""
    if value is None:
        return None
    name = type(kind).__name__
    if name == "RowType":
        return {one.name: plain(part, one.data_type) for one, part in zip(kind, value, strict=True)}
    if name == "ArrayType":
        return [plain(one, kind.element_type) for one in value]
    if name in {"MapType", "MultisetType"}:
        return {str(plain(key, kind.key_type)): plain(one, kind.value_type) for key, one in value.items()}
    return plain_atom(value, with_zone=name == "LocalZonedTimestampType")


def plain_atom(value: Any, *, with_zone: bool) -> Any:
    """Return a value that holds no others."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return instant_text(value) if with_zone else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return value


def decimal_text(value: Decimal) -> str:
    """Return a decimal as amounts are written on the wire: no exponent, no trailing zeros.

    >>> decimal_text(Decimal("12.340")), decimal_text(Decimal("100")), decimal_text(Decimal("-0.00"))
    ('12.34', '100', '0')
    """
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def instant_text(moment: datetime) -> str:
    """Return an instant as every command writes it; one without a zone is in UTC."""
    since = (moment.replace(tzinfo=None) - EPOCH.replace(tzinfo=None)).total_seconds()
    return format_instant(round(since * 1000))
