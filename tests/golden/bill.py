"""Whole bills in YAML: price books and events in, the lines that a person worked out as the expectation.

Every scalar is text, as written. Of a line only what is named is compared.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from ruamel.yaml import YAML

from billing.instants import parse_instant
from billing.price_books.model import Contract, PriceBook
from tests import engine, surge_job
from tests.oracle import LogRecord
from tests.oracle import rate_log as oracle_rate
from wire.v1 import billing_pb2, usage_pb2

PLACES = {
    "customer": "customer_id",
    "event": "event_id",
    "session": "session_id",
    "corrects": "corrects_cycle",
    "units": "cycle_quantity",
}
SAME = ("kind", "meter", "cycle", "quantity", "currency", "sequence")


@dataclass(frozen=True)
class Outcome:
    """What a rating made of the events, in the words of the YAML files."""

    lines: list[dict[str, Any]]
    dead_letters: dict[str, str]
    duplicates: int


@dataclass(frozen=True)
class Bill:
    """One scenario."""

    books: list[dict[str, Any]]
    contracts: list[dict[str, Any]]  # published alone, on pricing.contracts
    partitions: dict[int, list[LogRecord]]
    expected: Outcome

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file of tests/golden/bills."""
        raw = YAML(typ="base").load(path.read_text(encoding="utf-8"))
        partitions: dict[int, list[LogRecord]] = {}
        for event in raw["events"]:
            log = partitions.setdefault(int(event.get("partition", 0)), [])
            log.append(_log_record(event, len(log)))
        expected = Outcome(raw.get("lines", []), raw.get("dead_letters", {}), int(raw.get("duplicates", 0)))
        return cls(raw["books"], raw.get("contracts", []), partitions, expected)

    @property
    def is_surging(self) -> bool:
        """Say whether any of its books has a surge rule."""
        return any(book.get("surge") for book in self.books)

    def by_core(self) -> Outcome:
        """Rate it with the job's own code."""
        books, contracts = map(engine.parse, self.books), map(engine.parse_agreed, self.contracts)
        if self.is_surging:
            return self._with_surge(list(books), list(contracts))
        job = engine.rate_log(self.partitions, list(books), contracts=list(contracts))
        reasons = billing_pb2.DeadLetter.Reason
        letters = {_position(one.source.partition, one.source.offset): reasons.Name(one.reason) for one in job.letters}
        return Outcome(_lines(map(engine.as_oracle_record, job.records)), letters, job.rater.counts["duplicates"])

    def _with_surge(self, books: Sequence[PriceBook], contracts: Sequence[Contract]) -> Outcome:
        job = surge_job.rate_log(self.partitions, books, contracts)
        reasons = billing_pb2.DeadLetter.Reason
        letters = {_position(one.source.partition, one.source.offset): reasons.Name(one.reason) for one in job.letters}
        return Outcome(_lines(map(engine.as_oracle_record, job.records)), letters, job.duplicates)

    def by_oracle(self) -> Outcome:
        """Rate it with the independent oracle."""
        ledger = oracle_rate(self.partitions, self.books, contracts=self.contracts)
        letters = {_position(partition, offset): reason for partition, offset, reason in ledger.dead_letters}
        return Outcome(_lines(ledger.records), letters, len(ledger.duplicates))


def of_what_is_named(outcome: Outcome, expected: Outcome) -> Outcome:
    """Reduce the lines to the fields that the expected ones name; a line too many keeps all of its own."""
    named: Sequence[Mapping[str, Any]] = expected.lines + outcome.lines[len(expected.lines) :]
    lines = [{name: line[name] for name in wanted} for wanted, line in zip(named, outcome.lines, strict=False)]
    return Outcome(lines, outcome.dead_letters, outcome.duplicates)


def _log_record(event: Mapping[str, Any], offset: int) -> LogRecord:
    at_ms = parse_instant(event["at"])
    received_ms = parse_instant(event.get("received", event["at"]))
    if "raw_base64" in event:
        return LogRecord(offset, received_ms, event.get("key", "").encode(), base64.b64decode(event["raw_base64"]))
    if event.get("measure") == "heartbeat":
        return LogRecord(offset, received_ms, None, _bytes(heartbeat={}, event_time_ms=at_ms))
    customer = event["customer"]
    value = _bytes(
        event_id=event["event"], customer_id=customer, meter=event.get("meter", ""), event_time_ms=at_ms,
        dimensions=event.get("dimensions", {}), source=event.get("source", ""), replay=event.get("replay") == "true",
        **_measure(event),
    )  # fmt: skip
    return LogRecord(offset, received_ms, event.get("key", customer).encode(), value)


def _measure(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is counted: a quantity, `start`, `update` or `stop` of a session, or what an event `retracts`."""
    if "retracts" in event:
        return {"retraction": {"event_id": event["retracts"], "reason": event.get("reason", "")}}
    for phase in ("start", "update", "stop"):
        if phase in event:
            return {"session": {"session_id": event[phase], "phase": phase.upper()}}
    return {"quantity": int(event["quantity"])}


def _bytes(**fields: Any) -> bytes:
    return usage_pb2.UsageEvent(**fields).SerializeToString()


def _position(partition: int, offset: int) -> str:
    return f"{partition}/{offset}"


def _lines(records: Any) -> list[dict[str, Any]]:
    in_order = sorted(records, key=lambda one: (one["customer_id"], one["sequence"]))
    sequences = {one["record_id"]: str(one["sequence"]) for one in in_order}
    return [_line(one) | {"retracts": sequences.get(one["retracts"], "")} for one in in_order]


def _line(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line but for `retracts`, the sequence of the line that it takes back."""
    plain = {name: str(one[PLACES.get(name, name)]) for name in (*SAME, *PLACES)}
    return plain | {
        "amount": _money(one["amount"]),
        "total": _money(one["cycle_total"]),
        "book": one["price_book"][0],
        "version": str(one["price_book"][1]),
        "replay": _flag(one["replay"]),
        "late": _flag(one["late"]),
        "session": one["session_id"],
        "timed_out": _flag(one["timed_out"]),
        "phases": [f"{phase} {event_id}" for event_id, phase, *_ in one["session_events"]],
        "slices": [f"{first}-{last} at {price} = {_money(picos)}" for first, last, _, price, picos in one["slices"]],
        "adjustments": [f"{name} {_money(delta)}" for name, _, delta in one["adjustments"]],
        "totals": {name: f"{units} = {_money(amount)}" for name, (units, amount) in one["meter_totals"].items()},
    }


def _flag(value: object) -> str:
    return "true" if value else "false"


def _money(amount: Fraction) -> str:
    """Return the decimal text of an amount, worked out apart from the code under test."""
    sign, digits = "-" * (amount < 0), f"{int(abs(amount) * 10**12):013d}"
    return f"{sign}{digits[:-12]}.{digits[-12:]}".rstrip("0").rstrip(".")
