"""What an event would be charged, without charging it: the step itself, over a copy of the state."""

from copy import deepcopy

from billing.catalog import PriceCatalog
from billing.events import Delivery, UsageEvent, fingerprint_of, identity_of
from billing.memory import DictMemory
from billing.outcomes import BillingRecord, Rejection
from billing.rating import step
from billing.state import CustomerState
from billing.tariffs import Reduction

_NO_EVENT_ID = ""
"""No event can have it (`billing.validity`), so nothing was seen under it and nothing waits for it."""


def quote(  # noqa: PLR0913 - all that a price depends on
    state: CustomerState,
    event: UsageEvent,
    clock_ms: int,
    prices: PriceCatalog,
    memory: DictMemory,
    *,
    surge: Reduction | None = None,
) -> BillingRecord | Rejection:
    """Return the record that the event would be given as its customer's next one, or why it would be refused.

    `state` is the customer's and stays as it is, `clock_ms` the clock of its partition. The event is valid
    in its fields (`billing.validity`) and is sent when it happens: none lies in the future. It is a first delivery,
    whatever id it has.
    `surge` is its factor, None for 1. A `follow_up` of the record is part of the price.
    """
    delivery = Delivery(max(state.partition, 0), 0, event.event_time_ms, clock_ms)
    identity, fingerprint = identity_of(event.customer_id, _NO_EVENT_ID), fingerprint_of(event)
    state, memory = deepcopy((state, memory))
    _, outcome = step(state, event, delivery, identity, fingerprint, None, prices, memory, surge)
    assert isinstance(outcome, BillingRecord | Rejection), "nothing was seen before, so nothing is a duplicate"
    return outcome


def total_picos(record: BillingRecord) -> int:
    """Return what an event costs in all: its record, and the adjustments and credits that follow it."""
    return sum(one.picos for one in record.with_follow_ups())
