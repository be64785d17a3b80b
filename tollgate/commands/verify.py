"""`verify`: proves the books from the topics alone."""

from dataclasses import asdict
from typing import Annotated, NamedTuple

import typer

from flink_jobs.topics import CHARGES, RECORDS
from tollgate.audit.invoice_compare import InvoiceReport
from tollgate.audit.invoice_verify import verify_invoices
from tollgate.audit.report import Report
from tollgate.audit.subscription_compare import SubscriptionReport
from tollgate.audit.subscription_verify import verify_subscriptions
from tollgate.audit.verify import verify as verify_log
from tollgate.balance_store import BalanceStore
from tollgate.context import Context


def verify(
    records_topic: Annotated[str, typer.Option(help="Where the records are, to check a copy.")] = RECORDS,
    charges_topic: Annotated[str, typer.Option(help="Where the charges are, to check a copy.")] = CHARGES,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Recompute every committed record and charge from the input log and compare. Exit code 1 with the differences."""
    context = Context()
    report, subscriptions, invoiced = judge(context, records_topic, charges_topic)
    if json_:
        found = asdict(subscriptions) if subscriptions is not None else None
        documents = asdict(invoiced) if invoiced is not None else None
        context.print_json(asdict(report) | {"passed": report.passed, "subscriptions": found, "invoices": documents})
    else:
        for line in (*describe_subscriptions(subscriptions), *describe_invoices(invoiced), *describe(report)):
            context.say(line)
    if not report.passed:
        raise typer.Exit(1)


class Judgement(NamedTuple):
    """What was found; the differences of all three stand in `usage`. None: not looked at."""

    usage: Report
    subscriptions: SubscriptionReport | None
    invoices: InvoiceReport | None


def judge(context: Context, records_topic: str = RECORDS, charges_topic: str = CHARGES) -> Judgement:
    """Recompute everything from the topics; of a copy of the records only those."""
    report = verify_log(
        context.log,
        records_topic=records_topic,
        default_price_book=context.settings.default_price_book,
        balances=balance_store(context) if records_topic == RECORDS else None,
        progress=context.report,
    )
    if records_topic != RECORDS:
        return Judgement(report, None, None)
    subscriptions = verify_subscriptions(
        context.log,
        charges_topic=charges_topic,
        default_price_book=context.settings.default_price_book,
        progress=context.report,
    )
    report.take_over(subscriptions.differences, subscriptions.difference_count)
    invoiced = verify_invoices(
        context.log,
        default_price_book=context.settings.default_price_book,
        tax=context.settings.tax_table,
        progress=context.report,
    )
    report.take_over(invoiced.differences, invoiced.difference_count)
    return Judgement(report, subscriptions, invoiced)


def describe_invoices(report: InvoiceReport | None) -> list[str]:
    """Return what was found of invoices in words; their differences stand among the others."""
    if report is None:
        return []
    lines = [f"{report.invoices:,} invoices and {report.daily_bills:,} daily bills of {report.customers:,} customers"]
    if report.uncommitted:
        lines.append(f"{report.uncommitted:,} documents are due and not committed yet")
    return lines


def balance_store(context: Context) -> BalanceStore | None:
    """Return the balances to compare with; None where only a foreign Kafka is named."""
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
