"""`quote`: what a use would cost, without charging it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from billing.events import NO_DIMENSIONS, Measure, UsageEvent
from billing.money import format_picos
from billing.outcomes import BillingRecord, Kind, Reason, Rejection
from billing.quote import quote as quote_event
from billing.quote import total_picos
from billing.validity import MAX_QUANTITY, invalid_customer_id
from tollgate.audit.standing import Standing, standing_of, standing_of_nobody
from tollgate.commands.explain import narrate_price
from tollgate.commands.inputs import read_instant
from tollgate.commands.quote_surge import narrate_quoted_surge, surge_factor
from tollgate.commands.words import time_of, units_of
from tollgate.context import Context, as_dict
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from wire.records import ReadSoFar, record_message

_UNBILLED = ("record_id", "event_id", "sequence", "source", "books_offset", "contracts_offset", "replay")
"""Fields of a record that only a billed one has."""

_REMEDIES = {
    Reason.NO_PRICE: "publish one that is in force by then, `tollgate prices show` lists them",
    Reason.UNKNOWN_METER: "name a meter of that book, `tollgate prices show --json` lists them",
    Reason.WRONG_MEASURE: "quote a meter that is measured by a quantity",
    Reason.TOO_OLD: "give --at a later time",
    Reason.LATE_REJECTED: "give --at a time in a cycle that is open",
    Reason.INVALID_FIELD: "quote fewer units",
    Reason.CREDIT_EXHAUSTED: "publish a contract with a larger prepaid_credit, or let it say `continue`",
}


def quote(
    meter: Annotated[str, typer.Argument(help="What is used, such as sms.outbound.")],
    quantity: Annotated[str, typer.Argument(help="How many of its units.")],
    customer: Annotated[str, typer.Option(help="Whose; left out: a new customer at the beginning of a cycle.")] = "",
    at: Annotated[str, typer.Option(help="When, such as 2026-11-10T12:00:00Z; left out: now.")] = "",
    dimension: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the event; may be repeated.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the price and the steps as JSON.")] = False,
) -> None:
    """Say what a use would cost and why, without charging it: by the prices and counters of that moment."""
    event = read_event(meter, quantity, customer, at, dimension or ())
    context = Context()
    standing = find_standing(context.log, customer, context.settings.default_price_book, context.report)
    record = priced(standing, event)
    lines = [*narrate_quote(record, standing), *narrate_quoted_surge(standing, event)]
    if json_:
        context.print_json(as_plain(record) | {"steps": lines})
        return
    for line in lines:
        context.say(line)


def read_event(meter: str, quantity: str, customer: str, at: str, dimensions: Sequence[str]) -> UsageEvent:
    """Return the event to be priced. Raises StackError for what no event may say."""
    wrong = invalid_customer_id(customer) if customer else None
    if wrong is not None:
        raise StackError(f"--customer: {wrong}", "name a customer_id as `tollgate records` does", EXIT_UNUSABLE)
    event_time_ms = read_instant("--at", at) if at else time.time_ns() // 1_000_000
    units_used = _read_quantity(quantity)
    return UsageEvent(
        "quote", customer, meter, Measure.QUANTITY, units_used, event_time_ms, _read_dimensions(dimensions)
    )


def _read_quantity(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or len(text) > len(str(MAX_QUANTITY)) or not 0 < int(text) <= MAX_QUANTITY:
        cause = f"QUANTITY: {text!r} is no whole number from 1 to 10^15"
        raise StackError(cause, "write whole units of the meter, such as 1000", EXIT_UNUSABLE)
    return int(text)


def _read_dimensions(texts: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            cause = f"--dimension: {text!r} is not NAME=VALUE"
            raise StackError(cause, "write it such as --dimension region=eu", EXIT_UNUSABLE)
        if name in found:
            raise StackError(f"--dimension: {name} is given twice", "give each name once", EXIT_UNUSABLE)
        found[name] = value
    return found or NO_DIMENSIONS


def find_standing(log: KafkaLog, customer: str, default_price_book: str, report: Any) -> Standing:
    """Return where a customer stands, or a new one. Raises StackError for a customer who is not known."""
    if not customer:
        return standing_of_nobody(log, default_price_book)
    standing = standing_of(log, customer, default_price_book, report)
    if not standing.known:
        remedy = "check the id, or leave --customer out for a new customer"
        raise StackError(f"no event and no contract of {customer} is in the log", remedy)
    return standing


def priced(standing: Standing, event: UsageEvent) -> BillingRecord:
    """Return the record that the event would have. Raises StackError where it would be refused."""
    surge = surge_factor(standing, event)
    found = quote_event(standing.state, event, standing.clock_ms, standing.prices, standing.memory, surge=surge)
    if isinstance(found, Rejection):
        remedy = _REMEDIES.get(found.reason, "correct what the event says")
        raise StackError(f"it would be dead-lettered {found.reason.value}: {found.detail}", remedy)
    return found


def narrate_quote(record: BillingRecord, standing: Standing) -> Iterator[str]:
    """Yield the price in words, a sentence a line."""
    message = record_message(record, None, ReadSoFar(0))
    who = record.customer_id or "a new customer"
    used = f"{record.quantity:,} {units_of(record.quantity)} of {record.meter}"
    total = f"{format_picos(total_picos(record))} {record.currency}"
    yield f"On {time_of(record.event_time_ms)} {who} would pay {total} for {used}. Asking charges nothing."
    if record.late:
        yield (
            f"It would be too late for cycle {record.corrects_cycle}: priced as part of that cycle and billed in"
            f" {record.cycle}, the oldest cycle still open."
        )
    yield from narrate_price(message)
    *_, last = made = record.with_follow_ups()
    for one in made[1:]:
        change = f"{format_picos(one.picos)} {record.currency}. In all {total}."
        if one.kind is Kind.CREDIT:
            yield f"With it promotion {one.adjustments[0].id!r} is won, and a credit: {change}"
        else:
            before = "what was used before costs that tier's price, too"
            yield f"With it the cycle reaches another volume tier, and {before}: {change}"
    yield (
        f"After it, {who} would have used {record.cycle_quantity:,} {units_of(record.cycle_quantity)} of {record.meter}"
        f" in {record.cycle} and owe {format_picos(last.cycle_total_picos)} {record.currency} for all meters."
    )
    if standing.clock_ms:
        yield f"Counted: all events in the log, whose clock stands at {time_of(standing.clock_ms)}."


def as_plain(record: BillingRecord) -> dict[str, Any]:
    """Return the price as plain data for JSON."""
    following = record.with_follow_ups()[1:]
    adjusted = [_as_record(one) for one in following if one.kind is Kind.TIER_ADJUSTMENT]
    return {
        "total": format_picos(total_picos(record)),
        "currency": record.currency,
        "record": _as_record(record),
        "tier_adjustment": adjusted[0] if adjusted else None,
        "credits": [_as_record(one) for one in following if one.kind is Kind.CREDIT],
    }


def _as_record(record: BillingRecord) -> dict[str, Any]:
    plain = as_dict(record_message(record, None, ReadSoFar(0)))
    return {name: value for name, value in plain.items() if name not in _UNBILLED}
