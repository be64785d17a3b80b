"""An invoice as people see it."""

import importlib.util
import struct
import zlib
from typing import Any

import pytest

from billing.money_text import shown
from tollgate.invoice_html import html_of
from tollgate.invoice_page import page_of
from tollgate.invoice_pdf import pdf_of, render
from wire.v1 import billing_pb2

INVOICE, LINE = billing_pb2.Invoice, billing_pb2.InvoiceLine
NOVEMBER_MS, DECEMBER_MS = 1_793_491_200_000, 1_796_083_200_000
needs_typst = pytest.mark.skipif(importlib.util.find_spec("typst") is None, reason="the package typst is missing")


def invoice(**changes: Any) -> billing_pb2.Invoice:
    """A final invoice of a rounded line, another, and tax."""
    fields: dict[str, Any] = {
        "invoice_id": "abc-invoice", "customer_id": "acme/zoe", "number": 7, "cycle": "2026-11", "currency": "USD",
        "status": INVOICE.FINAL, "subtotal": "1016.6", "tax": "0", "total": "1016.6", "price_book": "standard",
        "period_from_ms": NOVEMBER_MS, "period_to_ms": DECEMBER_MS, "issued_at_ms": DECEMBER_MS + 10_800_000,
        "through_sequence": 3, "timezone": "UTC",
        "lines": [
            {"kind": LINE.SUBSCRIPTION, "description": "s1: <b>gold</b> & more", "amount": "16.67",
             "exact_amount": "16.666666666667", "subscription_id": "s1"},
            {"kind": LINE.USAGE, "description": "calls: 9 units", "amount": "999.93", "exact_amount": "999.93",
             "meter": "calls"},
        ],
    }  # fmt: skip
    return INVOICE(**fields | changes)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("0", "USD", "0.00"), ("1234567.8", "USD", "1,234,567.80"), ("-5", "JPY", "-5"), ("-0.001", "KWD", "-0.001")],
)
def test_amounts_have_all_decimals_of_their_currency(amount: str, currency: str, text: str) -> None:
    assert shown(amount, currency) == text


def test_a_page_has_its_lines_by_kind_and_the_exact_amount_where_one_was_rounded() -> None:
    page = page_of(invoice())
    assert (page["title"], page["total"], page["total_label"]) == ("Invoice 7", "1,016.60", "Total due")
    assert page["sections"] == [
        {"title": "Usage", "lines": [("calls: 9 units", "", "999.93")]},
        {"title": "Subscriptions", "lines": [("s1: <b>gold</b> & more", "16.666666666667", "16.67")]},
    ]
    assert ("Period", "2026-11-01 to 2026-12-01 (UTC)") in page["facts"]
    assert ("Issued", "2026-12-01 03:00") in page["facts"]


def test_a_period_is_told_in_the_timezone_of_its_book() -> None:
    berlin = invoice(timezone="Europe/Berlin", period_from_ms=NOVEMBER_MS - 3_600_000)
    assert dict(page_of(berlin)["facts"])["Period"].startswith("2026-11-01 to ")


@pytest.mark.parametrize(
    ("changes", "title", "label"),
    [
        ({"status": INVOICE.CREDIT_NOTE, "total": "-5"}, "Credit note 7", "To be credited"),
        ({"status": INVOICE.DRAFT, "number": 0}, "Draft", "So far"),
        ({"status": INVOICE.DRAFT, "number": 0, "predicted": True}, "Forecast", "Expected"),
        ({"status": INVOICE.DRAFT, "number": 0, "day": "2026-11-05"}, "Daily bill", "So far"),
    ],
)
def test_a_page_says_what_it_is(changes: dict[str, Any], title: str, label: str) -> None:
    page = page_of(invoice(**changes))
    assert (page["title"], page["total_label"]) == (title, label)


def test_html_is_escaped_and_complete() -> None:
    text = html_of(invoice()).decode()
    assert "s1: &lt;b&gt;gold&lt;/b&gt; &amp; more" in text
    assert all(one in text for one in ("Invoice 7", "acme/zoe", "16.666666666667", "1,016.60 USD", "</html>"))
    assert "<script" not in text


@needs_typst
def test_the_same_invoice_is_the_same_pdf_of_one_page() -> None:
    made = pdf_of(invoice())
    assert made.startswith(b"%PDF")
    assert made == pdf_of(invoice())
    assert len(render(invoice(), "png", 36)) == 1


@needs_typst
def test_texts_are_printed_and_never_run() -> None:
    line = LINE(kind=LINE.USAGE, description='#panic("no") $x$ \\ `a` *b*', amount="1", exact_amount="1")
    assert pdf_of(invoice(lines=[line])).startswith(b"%PDF")


@needs_typst
def test_long_names_stay_within_the_margins() -> None:
    """Ids may have 128 characters, and none at which a line may end."""
    long = "W" * 128
    line = LINE(kind=LINE.USAGE, description=f"{long}: 9 units", amount="1", exact_amount="1", meter=long)
    (page,) = render(invoice(customer_id=f"t/{long[:126]}", price_book=long, lines=[line]), "png", 36)
    left, right = margins_of(page, 26)  # of 20 mm, less what smoothing may touch
    assert set(left) == set(right) == {255}


def margins_of(png: bytes, wide: int) -> tuple[bytes, bytes]:
    """Return the first and the last pixels of each row, of a picture of 8 bits for each of red, green, blue, alpha."""
    width, height, *depth = struct.unpack(">IIBB", png[16:26])
    assert depth == [8, 6]
    packed, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        packed += png[at + 8 : at + 8 + size] * (png[at + 4 : at + 8] == b"IDAT")
        at += size + 12
    raw, row = zlib.decompress(packed), bytearray(4 + 4 * width)
    left, right = b"", b""
    for start in range(0, height * (4 * width + 1), 4 * width + 1):
        above, row = row, bytearray(4)
        for value in raw[start + 1 : start + 1 + 4 * width]:
            row.append((value + _predicted(raw[start], row[-4], above[len(row)], above[len(row) - 4])) % 256)
        left += bytes(row[4 : 4 + 4 * wide])
        right += bytes(row[-4 * wide :])
    return left, right


def _predicted(kind: int, before: int, above: int, corner: int) -> int:
    """Return what a PNG's filter predicts of a byte."""
    nearest = min((before, above, corner), key=lambda one: abs(before + above - corner - one))
    return (0, before, above, (before + above) // 2, nearest)[kind]


@needs_typst
def test_many_lines_go_on_over_pages() -> None:
    lines = [LINE(kind=LINE.USAGE, description=f"meter {n}", amount="1", exact_amount="1") for n in range(120)]
    assert len(render(invoice(lines=lines), "png", 36)) > 1
