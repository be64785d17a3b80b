"""The record that a session comes to if it ends in a certain way: contract rule 11. It owns no memory of sessions."""

from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.charging import charge, find_cycles
from billing.events import Phase, identity_of
from billing.memory import Session
from billing.outcomes import BillingRecord, HeldEvent, Kind, Origin, Rejection, SessionLine, SessionPart
from billing.price_books.model import PriceBook
from billing.session_phases import units_of
from billing.state import CustomerState


class Ending(NamedTuple):
    """How a session ends: by the phase `last` at `end_ms`, decided at a clock, with its STOP or without."""

    last: HeldEvent
    clock_ms: int
    timed_out: bool

    @property
    def end_ms(self) -> int:
        """The time of the STOP, or of the last phase seen."""
        return self.last.event.event_time_ms


def book_of(session: Session, prices: PriceCatalog) -> PriceBook:
    """Return the first version of the book that prices a session which has its START."""
    assert session.tariff is not None
    return prices.series[session.tariff.price_book].first


def charge_session(
    state: CustomerState, session: Session, ending: Ending, prices: PriceCatalog
) -> BillingRecord | Rejection:
    """Charge a session that has its START in the cycle of its end; moves the customer's counters.

    Its record says nothing of the session itself yet: see `describe_session`.
    """
    start = session.start
    assert start is not None
    assert session.tariff is not None
    tariff = prices.tariff_named(start.event.customer_id, session.tariff)
    assert tariff.meter.session is not None
    book = book_of(session, prices)
    units = units_of(tariff.meter.session, start.event.event_time_ms, ending.end_ms)
    cycles = find_cycles(state, book, ending.end_ms, ending.clock_ms, start.event.meter, units)
    if isinstance(cycles, Rejection):
        return cycles
    identity = identity_of(start.event.customer_id, start.event.event_id)
    record_id = f"{identity.hex()}-{start.event.event_time_ms:x}-session"
    # Its own, but for what the START says of the session: coupons are redeemed by that.
    event = ending.last.event._replace(dimensions=start.event.dimensions)
    start_ms, surge = start.event.event_time_ms, session.surge
    return charge(state, event, record_id, ending.clock_ms, tariff, book, *cycles, units, start_ms, surge)


def describe_session(record: BillingRecord, session: Session, ending: Ending) -> None:
    """Say in a session's record, and in those that follow it, which session it is and what it consists of."""
    assert session.start is not None
    original = session.start.delivery.original
    assert original is not None
    record.kind = Kind.SESSION
    line = SessionLine(session.session_id, ending.timed_out, tuple(map(_part, session.phases())))
    at = ending.last.delivery
    origin = Origin(at.partition, at.offset, original.read)
    record.session, record.origin = line, origin
    for follow_up in record.with_follow_ups()[1:]:
        follow_up.session, follow_up.origin = line._replace(parts=()), origin


def _part(held: HeldEvent) -> SessionPart:
    event, at = held.event, held.delivery
    return SessionPart(event.event_id, Phase(event.phase), event.event_time_ms, at.partition, at.offset)
