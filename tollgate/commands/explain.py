"""`explain`: one line of a bill, traced back to its source offset, step by step in words."""

from collections.abc import Iterator
from typing import Annotated

import typer

from billing.events import Measure, Phase, UsageEvent
from flink_jobs.topics import PRICE_BOOKS, USAGE_EVENTS
from tollgate.commands.narrate_surge import surge_of
from tollgate.commands.narrate_waiting import narrate_retraction, narrate_session
from tollgate.commands.records import read_records
from tollgate.commands.words import time_of, units_of
from tollgate.context import Context, as_dict
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import StackError
from wire.usage import decode_usage
from wire.v1 import billing_pb2, common_pb2

_RECORD = billing_pb2.BillingRecord
_ADJUSTMENT = billing_pb2.Adjustment


def explain(
    record_id: Annotated[
        str, typer.Argument(help="A record's id, or CUSTOMER#NUMBER, as `tollgate records` shows them.")
    ],
    json_: Annotated[bool, typer.Option("--json", help="Print the record and the steps as JSON.")] = False,
) -> None:
    """Say in words why a line costs what it costs, down to the record in Kafka that caused it."""
    context = Context()
    found = find_record(context.log, record_id)
    if found is None:
        remedy = "ids stand in `tollgate records CUSTOMER`; `tollgate wait` for what is under way"
        raise StackError(f"no committed record has the id {record_id}", remedy)
    lines = steps_of(context.log, found, context.settings.default_price_book)
    if json_:
        context.print_json({"record": as_dict(found), "steps": lines})
        return
    for line in lines:
        context.say(line)


def steps_of(log: KafkaLog, record: billing_pb2.BillingRecord, default_price_book: str) -> list[str]:
    """Return a record's story, a sentence each, from its price to its source."""
    event = _event_of(log, record)
    priced = priced_event(log, record, event)
    return [*narrate(record), *surge_of(log, record, priced, default_price_book), *_trace(record, event)]


def find_record(log: KafkaLog, wanted: str) -> billing_pb2.BillingRecord | None:
    """Return the committed record of an id or of CUSTOMER#NUMBER, or None."""
    customer, _, number = wanted.rpartition("#")
    if customer and number.isascii() and number.isdigit():
        return next((one for one in read_records(log, customer) if str(one.sequence) == number), None)
    return next((one for one in read_records(log) if one.record_id == wanted), None)


def narrate(record: billing_pb2.BillingRecord) -> Iterator[str]:
    """Yield a record's story, a sentence a line."""
    if record.kind == _RECORD.CYCLE_CLOSE:
        yield from _narrate_close(record)
        return
    if record.kind == _RECORD.CREDIT:
        yield from _narrate_credit(record)
        return
    if record.kind == _RECORD.RETRACTION:
        yield from narrate_retraction(record)
        yield _after(record)
        return
    if record.kind == _RECORD.SESSION and record.session_events:
        yield from narrate_session(record)
    else:
        used = f"{record.quantity:,} {units_of(record.quantity)} of {record.meter}"
        if record.kind == _RECORD.TIER_ADJUSTMENT:
            used = f"more of {record.meter}"
        yield f"On {time_of(record.event_time_ms)} {record.customer_id} used {used}."
    yield f"Charged: {_money(record.amount, record)} (line {record.sequence} of this customer, cycle {record.cycle})."
    if record.late:
        yield (
            f"It arrived after cycle {record.corrects_cycle} had been closed. It is priced as part of that cycle and"
            f" billed in {record.cycle}, the oldest cycle still open."
        )
    if record.kind == _RECORD.TIER_ADJUSTMENT:
        yield "With it the cycle reached another volume tier: what was used before costs that tier's price, too."
    else:
        yield from narrate_price(record)
    yield _after(record)


def _after(record: billing_pb2.BillingRecord) -> str:
    return (
        f"After it, {record.customer_id} has used {record.cycle_quantity:,} {units_of(record.cycle_quantity)} of"
        f" {record.meter} in {record.cycle} and owes {_money(record.cycle_total, record)} for all meters."
    )


def narrate_price(record: billing_pb2.BillingRecord) -> Iterator[str]:
    """Yield how an amount came about, a sentence a line."""
    book = record.price_book
    when = "when it began" if record.kind == _RECORD.SESSION else "at that time"
    yield f"The prices are those of {book.id}, version {book.version}, in force {when}:"
    for one in record.adjustments:
        if one.free_units:
            were = "was" if one.free_units == 1 else "were"
            yield f"  - {one.free_units:,} {units_of(one.free_units)} {were} free: promotion {one.id!r}."
    for part in record.slices:
        yield f"  - {_narrate_slice(part, record)}"
    for one in record.adjustments:
        if not one.free_units:
            yield f"  - {_narrate_reduction(one, record)}"
    if record.surge_unknown:
        yield "  - No surge factor was decided in time: the price is as without surge."
    if len(record.slices) + sum(not one.free_units for one in record.adjustments) > 1:
        parts = [part.amount for part in record.slices] + [
            one.amount for one in record.adjustments if not one.free_units
        ]
        yield f"  = {' + '.join(parts).replace('+ -', '- ')} = {_money(record.amount, record)}."


def _narrate_slice(part: billing_pb2.TierSlice, record: billing_pb2.BillingRecord) -> str:
    first, last = getattr(part, "from"), part.to
    which = f"unit {first:,}" if first == last else f"units {first:,} to {last:,}"
    cycle = f"cycle {record.corrects_cycle}" if record.corrects_cycle else "the cycle"
    per = "each" if part.per <= 1 else f"per {part.per:,}"
    fee = f", and {part.flat_fee} {record.currency} because the tier begins here" if part.flat_fee else ""
    return (
        f"{part.quantity:,} paid {units_of(part.quantity)} ({which} of {cycle})"
        f" at {part.unit_price} {record.currency} {per}{fee}: {_money(part.amount, record)}."
    )


def _narrate_reduction(one: billing_pb2.Adjustment, record: billing_pb2.BillingRecord) -> str:
    if one.kind == _ADJUSTMENT.SURGE:
        return f"times {one.factor}, the factor of surge {one.id!r} at that time: {_money(one.amount, record)}."
    sources = {_ADJUSTMENT.PROMOTION: f"promotion {one.id!r}", _ADJUSTMENT.CONTRACT_DISCOUNT: "your contract"}
    source = sources.get(one.kind, f"{_ADJUSTMENT.Kind.Name(one.kind).lower()} {one.id!r}")
    return f"{one.percent} % off by {source}: {_money(one.amount, record)}."


def _narrate_credit(record: billing_pb2.BillingRecord) -> Iterator[str]:
    won = " and ".join(repr(one.id) for one in record.adjustments)
    yield f"On {time_of(record.event_time_ms)} {record.customer_id} won promotion {won} by event {record.event_id!r}."
    yield f"Credited: {_money(record.amount, record)} (line {record.sequence} of this customer, cycle {record.cycle})."
    yield f"After it, {record.customer_id} owes {_money(record.cycle_total, record)} for all meters of {record.cycle}."


def _narrate_close(record: billing_pb2.BillingRecord) -> Iterator[str]:
    yield f"Cycle {record.cycle} of {record.customer_id} was closed at {time_of(record.clock_ms)} by the log's clock."
    yield f"In all {_money(record.cycle_total, record)}; this line itself charges nothing."
    for total in record.meter_totals:
        yield f"  - {total.meter}: {total.quantity:,} {units_of(total.quantity)}, {_money(total.amount, record)}."


def _event_of(log: KafkaLog, record: billing_pb2.BillingRecord) -> UsageEvent | None:
    """Return the event that a record names as its source, as it stands in the log; None where there is none."""
    return _event_at(log, record.source) if record.HasField("source") else None


def priced_event(log: KafkaLog, record: billing_pb2.BillingRecord, event: UsageEvent | None) -> UsageEvent | None:
    """Return the event whose time a record's price is of: its own, and of a session the START, its first phase."""
    return _event_at(log, record.session_events[0].source) if record.session_events else event


def _event_at(log: KafkaLog, at: common_pb2.SourcePosition) -> UsageEvent | None:
    start = dict.fromkeys(log.partitions(at.topic or USAGE_EVENTS), at.offset)
    found = next(iter(log.read(at.topic, partitions=[at.partition], start=start)), None)
    return decode_usage(found.value) if found is not None and found.offset == at.offset else None


def _trace(record: billing_pb2.BillingRecord, event: UsageEvent | None) -> Iterator[str]:
    """Yield where the record comes from, and whether the event that is there says the same."""
    if not record.HasField("source"):
        return
    at = record.source
    yield f"Source: {at.topic}, partition {at.partition}, offset {at.offset}, event id {record.event_id!r}."
    if event is None:
        yield "  That record is no longer in the log."
    elif _says_the_same(event, record):
        yield f"  It is there, and says the same: {_said(event)}."
    else:
        yield f"  It is there, and says something else: {_said(event)}."
    clock = (
        f"the partition's clock stood at {time_of(record.clock_ms)}" if record.clock_ms else "it was the first there"
    )
    yield f"Decided when {clock} and {PRICE_BOOKS} had been read up to offset {record.books_offset}."


def _says_the_same(event: UsageEvent, record: billing_pb2.BillingRecord) -> bool:
    """Compare an event with the record that names it; other measures than quantities say no units themselves."""
    if (event.event_id, event.customer_id, event.event_time_ms) != (
        record.event_id,
        record.customer_id,
        record.event_time_ms,
    ):
        return False
    counts = event.measure is not Measure.QUANTITY or record.kind == _RECORD.TIER_ADJUSTMENT
    return counts or event.quantity == record.quantity


def _said(event: UsageEvent) -> str:
    if event.measure is Measure.SESSION:
        return f"{event.customer_id}, {Phase(event.phase).name} of session {event.subject!r}, {event.meter}"
    if event.measure is Measure.RETRACTION:
        return f"{event.customer_id}, takes back {event.subject!r}"
    return f"{event.customer_id}, {event.meter} x {event.quantity:,}"


def _money(amount: str, record: billing_pb2.BillingRecord) -> str:
    return f"{amount} {record.currency}"
