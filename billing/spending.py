"""What a contract watches while a customer spends: alerts at sums, and credit that was paid in advance.

It owns no amount of a record: credit lowers what is to be paid on the invoice, never a line, so
that a line costs what the price book says whoever has paid for it already. What a record took from
the credit it says itself, and invoices add that up: so both agree, whatever comes when.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from billing.money import format_picos
from billing.outcomes import Alert, AlertKind, BillingRecord, Reason, Rejection
from billing.price_books.model import Contract, CreditPolicy
from billing.state import CustomerState, CycleState


@dataclass(frozen=True, slots=True)
class Watch:
    """What a contract watches; amounts in picos. `alerts_picos` rise; a credit of 0: none was paid."""

    alerts_picos: tuple[int, ...]
    credit_picos: int
    rejects: bool


def watch_of(contract: Contract | None) -> Watch | None:
    """Return what a contract watches, or None for nothing."""
    if contract is None or not (contract.spend_alerts_picos or contract.prepaid_credit_picos):
        return None
    rejects = contract.when_credit_is_used_up is CreditPolicy.BLOCK
    return Watch(contract.spend_alerts_picos, contract.prepaid_credit_picos, rejects)


def refuse_without_credit(state: CustomerState, watch: Watch) -> Rejection | None:
    """Refuse an event of a customer whose credit is used up, where the contract says to."""
    if watch.rejects and watch.credit_picos and credit_left(state, watch) == 0:
        return Rejection(Reason.CREDIT_EXHAUSTED, "its prepaid credit is used up, and its contract says to reject")
    return None


def credit_left(state: CustomerState, watch: Watch) -> int:
    """Return what is left of the credit.

    `prepaid_credit` is the sum of all that was ever paid in advance: a contract with a larger sum
    is a top-up, and one that repeats the sum grants nothing twice. An event from before a top-up that
    comes after it draws on the larger sum, too: what others drew in the meantime was drawn on that.
    """
    return max(0, _paid(state, watch) - state.credit_drawn_picos)


def spend(state: CustomerState, billed: CycleState, watch: Watch, record: BillingRecord) -> None:
    """Draw a record and those that follow it from the credit, and add the alerts that they bring about."""
    for one in record.with_follow_ups():
        if watch.credit_picos:
            state.credit_paid_picos = _paid(state, watch)
            before = credit_left(state, watch)
            one.credit_drawn_picos = _draw(state, billed, before, one.picos)
            one.credit_left_picos = credit_left(state, watch)
            if before and not one.credit_left_picos:
                record.alerts = (*record.alerts, _used_up(state, one, watch))
        record.alerts = (*record.alerts, *_thresholds(billed, watch, one))


def _paid(state: CustomerState, watch: Watch) -> int:
    """Return the largest sum that was paid in advance, of this contract and those drawn under before."""
    return max(watch.credit_picos, state.credit_paid_picos)


def _draw(state: CustomerState, billed: CycleState, left_picos: int, picos: int) -> int:
    """Take an amount from the credit, never below zero; what is given back pays what was not covered first."""
    if picos >= 0:
        drawn = min(picos, left_picos)
        billed.uncovered_picos += picos - drawn
    else:
        uncovered = min(billed.uncovered_picos, -picos)
        billed.uncovered_picos -= uncovered
        drawn = max(picos + uncovered, -state.credit_drawn_picos)
    state.credit_drawn_picos += drawn
    return drawn


def _thresholds(billed: CycleState, watch: Watch, record: BillingRecord) -> Iterator[Alert]:
    """Yield the alerts of the sums that the cycle's total reached by a record: each once in a cycle."""
    after = record.cycle_total_picos
    before = after - record.picos
    for threshold in watch.alerts_picos:
        if max(before, billed.alerted_picos) < threshold <= after:
            billed.alerted_picos = threshold
            amount = format_picos(threshold)
            yield Alert(
                f"{record.customer_id}/{record.price_book}@{record.cycle}-spend-{amount}",
                record.customer_id,
                AlertKind.SPEND_THRESHOLD,
                amount,
                f"{format_picos(after)} {record.currency} spent in {record.cycle}: {amount} is reached",
                record.event_time_ms,
                record.cycle,
            )


def _used_up(state: CustomerState, record: BillingRecord, watch: Watch) -> Alert:
    paid = format_picos(state.credit_paid_picos)
    then = "further events are refused" if watch.rejects else "further usage is charged at the same prices"
    return Alert(
        f"{record.record_id}-credit",
        record.customer_id,
        AlertKind.CREDIT_LOW,
        "prepaid_credit",
        f"the prepaid credit of {paid} {record.currency} is used up; {then}",
        record.event_time_ms,
        record.cycle,
    )
