"""Whole subscriptions in YAML: books, events and usage in; charges and invoices that a person worked out.

Every scalar is text, as written. What a file does not name is not compared, invoices and charges aside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from ruamel.yaml import YAML

from billing.catalog import PriceCatalog
from billing.instants import parse_instant
from billing.invoicing.account import Account, Book
from billing.invoicing.bill import Recorded, Travel, agreed_on, bill
from billing.invoicing.closing import close_cycle, close_day
from billing.invoicing.facts import UsageFact
from billing.invoicing.invoice import Invoice
from billing.invoicing.spans import days_of
from billing.invoicing.tax import TaxTable, tax_rate
from billing.money import format_picos
from billing.subscriptions.charges import Charge
from tests import engine
from tests.golden.bill import _log_record as usage_record
from tests.oracle import LogRecord
from tests.subscription_log import SubscriptionJob, subscription_record
from tests.unit.subscriptions.desk import timeline
from wire.invoices import invoice_message, usage_fact_from
from wire.v1 import billing_pb2


@dataclass(frozen=True)
class Scenario:
    """One file."""

    raw: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file of tests/golden/subscriptions."""
        return cls(YAML(typ="base").load(path.read_text(encoding="utf-8")))

    @cached_property
    def partitions(self) -> dict[int, list[LogRecord]]:
        """The log of subscription events."""
        found: dict[int, list[LogRecord]] = {}
        for event in self.raw.get("events", []):
            log = found.setdefault(int(event.get("partition", 0)), [])
            log.append(subscription_record(event, len(log)))
        return found

    @cached_property
    def catalog(self) -> PriceCatalog:
        """The books and contracts."""
        made = PriceCatalog([engine.parse(one) for one in self.raw["books"]])
        for offset, contract in enumerate(self.raw.get("contracts", [])):
            assert made.add_contract(engine.parse_agreed(contract), offset) == []
        return made

    @cached_property
    def job(self) -> SubscriptionJob:
        """The subscription job at its end."""
        job = SubscriptionJob(self.catalog)
        for number, log in self.partitions.items():
            for one in log:
                job.take(number, one)
        job.finish()
        return job

    @property
    def usage_log(self) -> list[LogRecord]:
        """The log of usage events, of one partition."""
        return [usage_record({"customer": "zoe"} | one, at) for at, one in enumerate(self.raw.get("usage", []))]

    @cached_property
    def usage(self) -> list[UsageFact]:
        """The billing records of usage."""
        if not self.usage_log:
            return []
        rated = engine.rate_log({0: self.usage_log}, [engine.parse(one) for one in self.raw["books"]])
        return [usage_fact_from(one) for one in rated.records if one.customer_id == "zoe"]

    @property
    def tax(self) -> TaxTable:
        """The table of taxes."""
        return TaxTable(tuple(tax_rate(one["name"], one["percent"]) for one in self.raw.get("tax", [])))

    @property
    def facts(self) -> list[Charge]:
        """The charges of zoe."""
        return self.job.facts("zoe")

    def account(self) -> Account:
        """Return an account with every fact in it."""
        account = Account("zoe")
        for record in self.usage:
            account.add_record(self._book(record.price_book), record)
        for charge in self.facts:
            account.add_charge(self._book(charge.price_book), charge)
        return account

    def _book(self, book_id: str) -> Book:
        return Book.of(self.catalog.series[book_id].first)

    def closed(self) -> list[tuple[Invoice, list[Invoice]]]:
        """Close the cycles that the file names, in order, each after its days."""
        account = self.account()
        found = []
        for expected in self.raw["invoices"]:
            book = self._book(expected.get("book", self.catalog.default_price_book))
            cycle = book.calendar.cycle_of(parse_instant(f"{expected['cycle']}-15T00:00:00Z"))
            days = [close_day(account, book.id, day) for day in days_of(book.calendar, cycle.start_ms, cycle.end_ms)]
            agreed = agreed_on(self.catalog, "zoe", book.id, cycle)
            invoice = close_cycle(account, book.id, cycle, agreed, self.tax)
            assert invoice is not None
            found.append((invoice, [day for day in days if day is not None]))
        return found

    def by_time_travel(self) -> list[Invoice]:
        """Return the same invoices as `bill` computes them from the facts, each alone."""
        usage = [Recorded(0, one) for one in self.usage]
        charges = [Recorded(0, one) for one in self.facts]
        found = []
        for invoice, _ in self.closed():
            travel = Travel(invoice.period_to_ms, 1 << 60, progress_ms=1 << 60)
            made = bill("zoe", usage, charges, travel, self.catalog, self.tax)
            found += [one for one in made if one.price_book == invoice.price_book]
        return found

    def outcome(self) -> dict[str, Any]:
        """Return what became of the events, in the words of the files."""
        reasons, counts = billing_pb2.DeadLetter.Reason, self.job.host.counts
        return {
            "charges": timeline(self.facts),
            "dead_letters": {one.event_id: reasons.Name(one.reason) for one in self.job.letters},
            "duplicates": str(counts["duplicates"]),
            "held": str(counts["held"]),
            "alerts": [one.detail for one in self.job.alerts],
            "invoices": [told(invoice_message(one)) for one, _ in self.closed()],
            "days": {day.day: format_picos(day.exact_picos) for _, days in self.closed() for day in days},
        }

    def expected(self) -> dict[str, Any]:
        """Return what the file says, of what it names."""
        empty = {"dead_letters": {}, "duplicates": "0", "held": "0", "alerts": []}
        named = {"charges", "invoices", "days", *empty} & self.raw.keys()
        return empty | {name: self.raw[name] for name in named}


def told(message: billing_pb2.Invoice) -> dict[str, Any]:
    """Return an invoice in the words of the files."""
    lines = [_line(one) for one in message.lines]
    return {"cycle": message.cycle, "number": str(message.number), "lines": lines, "total": message.total}


def _line(one: billing_pb2.InvoiceLine) -> str:
    kind = billing_pb2.InvoiceLine.Kind.Name(one.kind)
    parts = [kind, one.subscription_id or one.meter, one.corrects_cycle, one.amount]
    return " ".join(part for part in parts if part)


def of_what_is_named(outcome: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce the outcome to what the file names; a day that the file does not name is not compared."""
    kept = {name: outcome[name] for name in expected}
    if "days" in kept:
        kept["days"] = {day: kept["days"].get(day, "nothing") for day in expected["days"]}
    if "invoices" in kept:
        named: Sequence[Mapping[str, Any]] = expected["invoices"]
        pairs = zip(kept["invoices"], named, strict=True)
        kept["invoices"] = [{name: one.get(name, wanted[name]) for name in wanted} for one, wanted in pairs]
    return kept
