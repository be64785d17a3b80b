"""`verify`: proves the books from the topics alone."""

import time
from dataclasses import asdict
from functools import partial
from typing import Annotated, NamedTuple

import typer

from flink_jobs.settings import BALANCES_JOB, INVOICING_JOB
from flink_jobs.topics import CHARGES, RECORDS
from tollgate.audit.invoice_report import InvoiceReport
from tollgate.audit.invoice_verify import verify_invoices
from tollgate.audit.report import Report
from tollgate.audit.subscription_compare import SubscriptionReport
from tollgate.audit.subscription_verify import verify_subscriptions
from tollgate.audit.verify import verify as verify_log
from tollgate.balance_store import BalanceStore
from tollgate.commands.wait import commit_and_look
from tollgate.context import Context
from tollgate.jobs import JOBS, live_job
from tollgate.last_verification import Verification, save_verification
from tollgate.times import now_ms
from tollgate.waiting_events import await_released

_CLOSING_SECONDS = 300.0


def verify(
    records_topic: Annotated[str, typer.Option(help="Where the records are, to check a copy.")] = RECORDS,
    charges_topic: Annotated[str, typer.Option(help="Where the charges are, to check a copy.")] = CHARGES,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recompute every committed record and charge from the input log and compare. Exit code 1 with the differences."""
    context = Context()
    found = verify_books(context, records_topic, charges_topic)
    report = found.report
    if json_:
        parts = {
            name: asdict(part) if part is not None else None
            for name, part in (("subscriptions", found.subscriptions), ("invoices", found.invoices))
        }
        context.print_json(asdict(report) | {"passed": report.passed} | parts)
    else:
        for line in describe_all(found):
            context.say(line)
    if not report.passed:
        raise typer.Exit(1)


class Verified(NamedTuple):
    """What was found; the differences of charges and invoices stand in `report` as well."""

    report: Report
    subscriptions: SubscriptionReport | None = None
    invoices: InvoiceReport | None = None


def verify_books(context: Context, records_topic: str = RECORDS, charges_topic: str = CHARGES) -> Verified:
    """Verify usage, and where the records are no copy, charges and invoices."""
    chosen, progress = context.settings.default_price_book, context.report
    balances = balance_store(context) if records_topic == RECORDS else None
    report = verify_log(
        context.log, records_topic=records_topic, default_price_book=chosen, balances=balances, progress=progress
    )
    if records_topic != RECORDS:
        return Verified(report)
    subscriptions = verify_subscriptions(
        context.log, charges_topic=charges_topic, default_price_book=chosen, progress=progress
    )
    report.take_over(subscriptions.differences, subscriptions.difference_count)
    invoices = verify_invoices(
        context.log,
        default_price_book=chosen,
        tax=context.settings.tax_table,
        await_closed=partial(await_closed, context),
        progress=progress,
    )
    report.take_over(invoices.differences, invoices.difference_count)
    found = Verified(report, subscriptions, invoices)
    if charges_topic == CHARGES:
        save_verification(context.settings.home, Verification(now_ms(), report.passed, tuple(describe_all(found))))
    return found


def describe_all(found: Verified) -> list[str]:
    """Return a verification in words, a line each."""
    return [*describe_subscriptions(found.subscriptions), *describe_invoices(found.invoices), *describe(found.report)]


def await_closed(context: Context) -> None:
    """Return once the invoicing job, if one runs here, has closed what was due by what it has read."""
    spec = JOBS[INVOICING_JOB]
    if not context.settings.bootstrap_servers and live_job(context, spec.name) is not None:
        await_released(context, spec, partial(commit_and_look, context, spec, time.monotonic() + _CLOSING_SECONDS))


def describe_invoices(report: InvoiceReport | None) -> list[str]:
    """Return what was found of invoices in words; their differences stand among the others."""
    if report is None:
        return []
    lines = [f"{report.invoices:,} invoices and {report.daily_bills:,} daily bills of {report.customers:,} customers"]
    if report.notes or report.refused:
        lines.append(f"{report.notes:,} credit and debit notes, {report.refused:,} requests for one refused")
    if report.uncommitted:
        lines.append(f"{report.uncommitted:,} documents are due and not committed yet")
    return lines


def balance_store(context: Context) -> BalanceStore | None:
    """Return the balances to compare with; None where only a foreign Kafka is named, or no job keeps balances."""
    if BALANCES_JOB not in context.settings.jobs:
        context.report("balances are not compared: TOLLGATE_JOBS does not name the job")
        return None
    if context.settings.bootstrap_servers and not context.settings.redis_url:
        context.report("balances are not compared: TOLLGATE_REDIS_URL is not set")
        return None
    return BalanceStore(context.redis_url)


def describe(report: Report) -> list[str]:
    """Return a verification in words, a line each."""
    lines = [
        (
            f"input {report.input:,} = rated {report.rated:,} + duplicates {report.duplicates:,} + "
            f"dead-lettered {report.dead_lettered:,} + pending {report.pending:,}"
        ),
    ]
    if report.dead_letters_by_reason:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in report.dead_letters_by_reason.items())
        lines.append(f"dead letters: {reasons}")
    totals = ", ".join(f"{amount} {currency}" for currency, amount in report.totals.items()) or "nothing"
    lines.append(f"{report.customers:,} customers, {report.closings:,} cycles closed, charged {totals}")
    if report.surge_rates:
        lines.append(f"{report.surge_rates:,} surge factors decided again from the demand in the log")
    if report.surge_unknown:
        lines.append(f"{report.surge_unknown:,} events charged without surge: no factor was decided in time")
    if report.balances is not None:
        lines.append(f"{report.balances:,} balances in Redis compared with the fold of the records")
    if report.unsettled:
        lines.append(f"{report.unsettled:,} records at the end of the log are not committed yet")
    lines += [f"DIFFERENCE {text}" for text in report.differences]
    if report.difference_count > len(report.differences):
        lines.append(f"... and {report.difference_count - len(report.differences):,} more differences")
    lines.append(
        "verified: the books are right" if report.passed else f"FAILED: {report.difference_count:,} differences"
    )
    return lines


def describe_subscriptions(report: SubscriptionReport | None) -> list[str]:
    """Return what was found of subscriptions in words, a line each; nothing where there are none."""
    if report is None or not (report.events or report.charges or report.unsettled):
        return []
    lines = [
        (
            f"subscription events {report.events:,} = charged {report.charged:,} + duplicates {report.duplicates:,} + "
            f"dead-lettered {report.dead_lettered:,} + held {report.held:,}"
        ),
        (
            f"{report.customers:,} subscribers, {report.charges:,} charges: one valid at a time, of the newest version"
            if report.passed
            else f"{report.customers:,} subscribers, {report.charges:,} charges"
        ),
    ]
    if report.dead_letters_by_reason:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in report.dead_letters_by_reason.items())
        lines.append(f"dead letters of subscriptions: {reasons}")
    if report.alerts_due:
        lines.append(f"{report.alerts_due:,} overdue gaps whose alert is not committed yet")
    if report.unsettled:
        lines.append(
            f"{report.unsettled:,} subscription records are not committed yet; "
            f"the invariants of {report.customers_unsettled:,} subscribers are checked once they are"
        )
    return lines
