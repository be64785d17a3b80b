"""What the log answers to questions about one customer: plain data, by the functions behind the commands."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from billing.calendar import load_zone
from billing.money import format_picos, parse_picos
from tollgate.api.problems import invalid, not_found
from tollgate.commands.bill import bills
from tollgate.commands.explain import steps_of
from tollgate.commands.invoices import is_chosen, read_invoices
from tollgate.commands.records import read_records
from tollgate.context import Context, as_dict
from tollgate.facts import read_prices
from tollgate.times import end_of, now_ms
from wire.v1 import billing_pb2

Plain = Mapping[str, Any]
_RECORD = billing_pb2.BillingRecord
_FORESEEN_MS = 400 * 86_400_000


def records_page(context: Context, customer: str, cycle: str, after: int, limit: int) -> Plain:
    """Return committed records after a number, at most `limit`, and the number to go on after, or None."""
    found: list[billing_pb2.BillingRecord] = []
    more = False
    for one in _records(context, customer):
        if one.sequence > after and cycle in ("", one.cycle):
            if len(found) == limit:
                more = True
                break
            found.append(one)
    return {"records": [as_dict(one) for one in found], "next_after": found[-1].sequence if more else None}


def _records(context: Context, customer: str) -> Iterator[billing_pb2.BillingRecord]:
    """Yield the records of a customer. Raises Problem for one without any."""
    found = read_records(context.log, customer)
    first = next(found, None)
    if first is None:
        raise not_found(customer)
    yield first
    yield from found


def explanation(context: Context, customer: str, sequence: int) -> Plain:
    """Return one record and its story in sentences. Raises Problem where there is none of that number."""
    for one in _records(context, customer):
        if one.sequence == sequence:
            return {"record": as_dict(one), "steps": steps_of(context.log, one, context.settings.default_price_book)}
    raise not_found(f"{customer}#{sequence}")


def spending(context: Context, customer: str, cycle: str) -> Plain:
    """Return what the records of a cycle (the newest by default) come to, by day and meter of the events.

    A customer who has changed price books may owe in two currencies: the days say which, `currency` is the last one.
    """
    found = [one for one in _records(context, customer) if one.kind != _RECORD.CYCLE_CLOSE]
    chosen = cycle or max((one.cycle for one in found), default="")
    zone = load_zone(_timezone(context, customer))
    days: Counter[tuple[str, str, str]] = Counter()
    currency = ""
    for one in found:
        if one.cycle == chosen:
            day = datetime.fromtimestamp(one.event_time_ms / 1000, zone).date().isoformat()
            days[day, one.meter, one.currency] += parse_picos(one.amount)
            currency = one.currency
    listed = [
        {"day": day, "meter": meter, "amount": format_picos(picos), "currency": of}
        for (day, meter, of), picos in sorted(days.items())
    ]
    return {"cycle": chosen, "currency": currency, "days": listed}


def _timezone(context: Context, customer: str) -> str:
    at_ms = now_ms()
    series = read_prices(context.log, at_ms, context.settings.default_price_book).terms_for(customer, at_ms).series
    return series.first.calendar.timezone if series is not None else "UTC"


def invoice_list(context: Context, customer: str) -> list[Plain]:
    """Return all committed documents of a customer without their lines, in the order of the log.

    Raises Problem for a customer who has neither a document nor a record.
    """
    documents = list(read_invoices(context.log, customer))
    if not documents:
        next(_records(context, customer))
    return [{name: value for name, value in as_dict(one).items() if name != "lines"} for one in documents]


def document(context: Context, customer: str, number: int, *, note: bool) -> billing_pb2.Invoice:
    """Return one invoice, or credit or debit note. Raises Problem where there is none of that number."""
    wanted = (0, number) if note else (number, 0)
    found = [one for one in read_invoices(context.log, customer) if not one.day and is_chosen(one, *wanted)]
    for one in found:
        if bool(one.event_id) == note:
            return one
    raise not_found(customer)


def bill(context: Context, customer: str, as_of: str, known_at: str) -> list[Plain]:
    """Return the bills of a cycle up to a time, as known at a time, one for each price book.

    Raises Problem for times too far ahead: what lies in between is predicted cycle by cycle.
    """
    latest_ms = now_ms() + _FORESEEN_MS
    if any(end_of(name, text, "UTC") > latest_ms for name, text in (("--as-of", as_of), ("--known-at", known_at))):
        raise invalid("as_of and known_at may lie 400 days ahead at most", "ask for an earlier time")
    found = bills(context, customer, as_of, known_at)
    if not found:
        raise not_found(customer)
    return [as_dict(one) for one in found]


def invoice(context: Context, customer: str, number: int, *, note: bool) -> Plain:
    """Return one invoice or note as plain data. Raises Problem where there is none of that number."""
    return as_dict(document(context, customer, number, note=note))
