"""What falls due as a partition's clock moves: cycles close, and are later forgotten.

Whether an event or a timer finds a deadline passed, the same records come of it: they carry
the deadline, not the moment of its discovery (contract, rule 8).
"""

from hashlib import blake2b

from billing.earning import forget_bursts
from billing.outcomes import BillingRecord, Kind, MeterTotal
from billing.state import CustomerState, CycleState


def fire_deadlines(state: CustomerState, clock_ms: int) -> list[BillingRecord]:
    """Do all that is due at `clock_ms` in the order (deadline, book, cycle); returns the records."""
    records: list[BillingRecord] = []
    while state.deadline_ms <= clock_ms:
        due_ms = state.deadline_ms
        due = sorted(key for key, cycle in state.cycles.items() if cycle.deadline_ms == due_ms)
        for key in due:
            cycle = state.cycles[key]
            if cycle.closed:
                _forget(state, cycle)
            else:
                cycle.closed = True
                records.append(_close(state, cycle))
        state.find_deadline()
    return records


def _forget(state: CustomerState, cycle: CycleState) -> None:
    """Forget a closed cycle at its deadline, and the bursts that are over by then.

    Events may still ask for a burst when the cycle in which it was won is forgotten. The last of a customer's
    cycles stays until all bursts are over, so that they are forgotten even where the customer is silent.
    """
    over_ms = forget_bursts(state, cycle.forget_at_ms)
    if over_ms and len(state.cycles) == 1:
        cycle.forget_at_ms = over_ms
    else:
        del state.cycles[cycle.price_book, cycle.name]


def _close(state: CustomerState, cycle: CycleState) -> BillingRecord:
    return BillingRecord(
        record_id=f"{_close_identity(state.customer_id, cycle)}-close",
        customer_id=state.customer_id,
        sequence=state.next_sequence(),
        kind=Kind.CYCLE_CLOSE,
        meter="",
        cycle=cycle.name,
        quantity=0,
        picos=0,
        currency=cycle.currency,
        price_book=cycle.price_book,
        price_book_version=0,
        cycle_total_picos=cycle.picos,
        cycle_quantity=0,
        cycle_picos=0,
        clock_ms=cycle.close_at_ms,
        meter_totals=tuple(
            MeterTotal(name, meter.quantity, meter.picos) for name, meter in sorted(cycle.meters.items())
        ),
    )


def _close_identity(customer_id: str, cycle: CycleState) -> str:
    text = f"{len(customer_id)}:{customer_id}{cycle.price_book}@{cycle.name}"
    return blake2b(text.encode(), digest_size=16).hexdigest()
