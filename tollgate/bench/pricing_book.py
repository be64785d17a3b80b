"""The price book of the load with everything on: a file, contracts for some customers, shorter windows for latency."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tollgate.settings import REPOSITORY

WINDOW_SECONDS = 60
"""Of the surge rule in the file; its lead is as long."""

MAX_CONTRACTS = 1000

_BOOK = REPOSITORY / "conf" / "price_books" / "bench-pricing.yaml"
_FILE_EVENTS_PER_SECOND = 1000
"""Of event time, in the load that the file's levels are for."""


def pricing_book(customers: int, version: int = 1) -> dict[str, Any]:
    """Return the book with a contract for every tenth customer of a load, up to a thousand."""
    plain: dict[str, Any] = YAML(typ="base").load(_BOOK.read_text(encoding="utf-8"))
    numbers = range(0, min(customers, 10 * MAX_CONTRACTS), 10)
    return plain | {"version": str(version), "contracts": [_contract(number) for number in numbers]}


def with_windows(book: Mapping[str, Any], seconds: int, lead_seconds: int, events_per_second: int) -> dict[str, Any]:
    """Return the book with windows and a lead of so many seconds, and levels for a load of that rate."""
    spans = {"window": f"{seconds}s", "lead": f"{lead_seconds}s"}
    share = seconds * events_per_second / (WINDOW_SECONDS * _FILE_EVENTS_PER_SECOND)
    return {**book, "surge": [_faster(rule, spans, share) for rule in book["surge"]]}


def write_book(book: Mapping[str, Any], folder: Path) -> Path:
    """Write a book as JSON, which is YAML, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"bench-pricing-{book['version']}.json"
    file.write_text(json.dumps(book), encoding="utf-8")
    return file


def _contract(number: int) -> dict[str, Any]:
    """Return the contract of a customer of the load: credit that lasts a while, thresholds that are passed."""
    return {"customer_id": f"cust-{number:07d}", "prepaid_credit": "10.00", "spend_alerts": ["1.00", "5.00"]}


def _faster(rule: Mapping[str, Any], spans: Mapping[str, str], share: float) -> dict[str, Any]:
    levels = [{**level, "at_least": _scaled(level["at_least"], share)} for level in rule["levels"]]
    return {**rule, **spans, "levels": levels, "release_below": _scaled(rule["release_below"], share)}


def _scaled(units: str, share: float) -> str:
    return str(max(1, round(int(units) * share)))
