"""`note`: a credit or debit note on a final invoice."""

import time
from hashlib import blake2b
from typing import Annotated

import typer

from billing.currencies import minor_unit_exponent
from billing.invoicing.notes import invalid_note
from billing.money import format_picos, parse_decimal, parse_picos
from billing.money_text import shown
from flink_jobs.settings import INVOICING_JOB
from flink_jobs.topics import DEAD_LETTERS, INVOICES, NOTES
from tollgate.commands.invoices import read_invoices
from tollgate.commands.wait import commit_and_look
from tollgate.context import Context
from tollgate.jobs import JOBS
from tollgate.kafka_log import KafkaLog
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.times import now_ms
from wire.notes import decode_note
from wire.v1 import billing_pb2

_STATUSES = billing_pb2.Invoice.Status


def note(
    customer: Annotated[str, typer.Argument(help="customer_id.")],
    invoice: Annotated[int, typer.Argument(min=1, help="The invoice's number, as `invoices CUSTOMER` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; it stands on the note.")],
    credit: Annotated[str, typer.Option(help="What is given back, before tax, such as 12.50.")] = "",
    debit: Annotated[str, typer.Option(help="What is owed besides, before tax.")] = "",
    event_id: Annotated[
        str, typer.Option("--id", help="The request's id; else the same words on one invoice are one note.")
    ] = "",
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the note.")] = 60,
    json_: Annotated[bool, typer.Option("--json", help="Print the note as JSON.")] = False,
) -> None:
    """Change what a final invoice comes to, by a numbered note that names it; returns once that is committed."""
    context = Context()
    final = _final(context.log, customer, invoice)
    amount = signed_amount(credit, debit, final.currency)
    request = billing_pb2.NoteRequest(
        event_id=event_id or _id_of(final.invoice_id, amount, reason), customer_id=customer,
        invoice_id=final.invoice_id, amount=amount, reason=reason,
    )  # fmt: skip
    made = _answered(context.log, request)
    if made is not None:
        if (made.corrects_invoice_id, made.lines[0].amount, made.lines[0].description) != (
            final.invoice_id, amount, reason
        ):  # fmt: skip
            raise StackError(f"--id {request.event_id} was used for another note", "give another --id")
        context.report("it was made before; --id makes another one like it")
    else:
        request.created_time_ms = now_ms()
        made = _send(context, request, time.monotonic() + timeout)
    if json_:
        context.print_messages([made])
        return
    kind = _STATUSES.Name(made.status).lower().replace("_", " ")
    context.say(f"{kind} {made.number} on invoice {invoice}: {shown(made.total, made.currency)} {made.currency}")
    context.say(f"As a page: tollgate invoices {customer} --note {made.number} --html note.html")


def signed_amount(credit: str, debit: str, currency: str) -> str:
    """Return the one amount that was given, negative for a credit; raises StackError."""
    remedy = f"name one of --credit and --debit, above 0, with at most {minor_unit_exponent(currency)} decimals"
    text = credit or debit
    try:
        numerator, denominator = parse_decimal(text)
        picos = parse_picos(text)
    except ValueError as error:
        raise StackError(str(error), remedy, EXIT_UNUSABLE) from error
    if bool(credit) == bool(debit) or picos <= 0 or numerator * 10 ** minor_unit_exponent(currency) % denominator:
        raise StackError(f"{text} is no amount of {currency}, or there are two", remedy, EXIT_UNUSABLE)
    return format_picos(-picos if credit else picos)


def _id_of(*parts: str) -> str:
    return "note-" + blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def _final(log: KafkaLog, customer: str, number: int) -> billing_pb2.Invoice:
    for one in read_invoices(log, customer):
        if one.status == _STATUSES.FINAL and one.number == number:
            return one
    raise StackError(f"{customer} has no final invoice {number}", f"see `tollgate invoices {customer}`")


def _answered(log: KafkaLog, request: billing_pb2.NoteRequest) -> billing_pb2.Invoice | None:
    notes = (one for one in read_invoices(log, request.customer_id) if one.event_id == request.event_id)
    return next(notes, None)


def _send(context: Context, request: billing_pb2.NoteRequest, deadline: float) -> billing_pb2.Invoice:
    """Send a request and return the note; raises StackError where it is refused, or late."""
    log, value = context.log, request.SerializeToString()
    event = decode_note(value)
    wrong = invalid_note(event, key_matches=True) if event is not None else "unreadable"
    if wrong is not None:
        raise StackError(f"the request is not valid: {wrong}", "see `tollgate note --help`", EXIT_UNUSABLE)
    key = request.customer_id.encode()
    letters, documents = (log.ends(topic, committed=True) for topic in (DEAD_LETTERS, INVOICES))
    with log.producer() as producer:
        sent = producer.send(NOTES, key=key, value=value).get(30)
    while True:
        for one in log.read(INVOICES, partitions=[sent.partition], start=documents):
            found = billing_pb2.Invoice.FromString(one.value)
            if one.key == key and found.event_id == request.event_id:
                return found
        for one in log.read(DEAD_LETTERS, start=letters):
            letter = billing_pb2.DeadLetter.FromString(one.value)
            if (letter.source.topic, letter.source.partition, letter.source.offset) == (
                NOTES, sent.partition, sent.offset
            ):  # fmt: skip
                raise StackError(f"refused: {letter.detail}", "give another amount, or see `tollgate deadletters list`")
        commit_and_look(
            context,
            JOBS[INVOICING_JOB],
            deadline,
            "the request is in the log, and the job invoicing has not answered it yet",
        )
