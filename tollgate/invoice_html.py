"""An invoice as an HTML page: one file, no scripts, nothing fetched."""

from html import escape
from typing import Any

from tollgate.invoice_page import page_of
from wire.v1 import billing_pb2

_STYLE = """
body { font: 15px/1.45 Georgia, serif; color: #1c2127; max-width: 46rem; margin: 3rem auto; padding: 0 1.5rem; }
header, .top { display: flex; justify-content: space-between; align-items: end; gap: 2rem; }
header { border-bottom: 1px solid #c8ced6; padding-bottom: .6rem; margin-bottom: 1rem; }
h1 { font-size: 2rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1.8rem 0 .3rem; }
table { border-collapse: collapse; width: 100%; } td { padding: .35rem 0; vertical-align: baseline; }
header span, .lines td:first-child, .facts td + td, footer { overflow-wrap: anywhere; } h1 { flex: none; }
.lines tr + tr td { border-top: 1px solid #e1e5ea; }
.amount, .exact { text-align: right; white-space: nowrap; padding-left: 1.5rem; font-variant-numeric: tabular-nums; }
.exact, .grey, footer { color: #5b6470; font-size: .8rem; }
.facts td:first-child { color: #5b6470; padding-right: 1.5rem; }
.facts { width: auto; } .facts td { padding: .1rem 0; } .due { text-align: right; white-space: nowrap; }
.due b { font-size: 1.6rem; }
.totals { width: auto; margin: 1.2rem 0 0 auto; } .totals tr:last-child { font-weight: bold; }
footer { margin-top: 2rem; border-top: 1px solid #c8ced6; padding-top: .6rem; }
@media print { body { margin: 0; } }
"""


def html_of(one: billing_pb2.Invoice) -> bytes:
    """Return the page of an invoice."""
    page = page_of(one)
    head = f'<meta charset="utf-8"><title>{escape(page["title"])}</title><style>{_STYLE}</style>'
    body = "".join([_top(page), *map(_section, page["sections"]), _totals(page), _notes(page)])
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'.encode()


def _top(page: dict[str, Any]) -> str:
    facts = "".join(_row(("", name), ("", value)) for name, value in page["facts"])
    due = f'<div class="due"><span class="grey">{escape(page["total_label"])}</span><br>'
    due += f"<b>{escape(page['total'])} {escape(page['currency'])}</b></div>"
    header = f"<header><h1>{escape(page['title'])}</h1><span>{escape(page['customer'])}</span></header>"
    return f'{header}<div class="top"><table class="facts">{facts}</table>{due}</div>'


def _section(section: dict[str, Any]) -> str:
    rows = "".join(_row(("", what), ("exact", exact), ("amount", value)) for what, exact, value in section["lines"])
    return f'<h2>{escape(section["title"])}</h2><table class="lines">{rows}</table>'


def _totals(page: dict[str, Any]) -> str:
    rows = "".join(_row(("", name), ("amount", f"{value} {page['currency']}")) for name, value in page["totals"])
    return f'<table class="totals">{rows}</table>'


def _notes(page: dict[str, Any]) -> str:
    return f"<footer>{'<br>'.join(map(escape, page['notes']))}</footer>"


def _row(*cells: tuple[str, str]) -> str:
    return "<tr>" + "".join(f'<td class="{kind}">{escape(text)}</td>' for kind, text in cells) + "</tr>"
