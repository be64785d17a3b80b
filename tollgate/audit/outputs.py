"""What the job must have written because of one event or deadline."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from billing.events import UsageEvent
from billing.outcomes import BillingRecord, Kind, Origin, Refused, Rejection, Settled
from tollgate.audit.ledger import Position
from tollgate.audit.recompute import Decision
from wire.frames import FramedRecord


class RefusedRecord(NamedTuple):
    """All that a dead letter is made of."""

    framed: FramedRecord
    event: UsageEvent | None
    why: Rejection


class Output(NamedTuple):
    """A record or a dead letter that must be there; `position` is None where no event is its source."""

    position: Position | None
    record: BillingRecord | None = None
    refused: RefusedRecord | None = None


def outputs(decision: Decision) -> Iterator[Output]:
    """Yield all that an event led to, in order: first what was due or waited, then its own."""
    yield from outputs_of(decision.settled)
    outcome, delivery = decision.outcome, decision.delivery
    if isinstance(outcome, BillingRecord):
        yield from outputs_of([outcome], Origin(delivery.partition, delivery.offset, None))
    elif isinstance(outcome, Rejection):
        key = None if delivery.key_matches else decision.log.key
        framed = FramedRecord(delivery, decision.log.value, key, decision.event is not None)
        yield Output(decision.position, refused=RefusedRecord(framed, decision.event, outcome))


def outputs_of(settled: Iterable[Settled], origin: Origin | None = None) -> Iterator[Output]:
    """Yield records with what comes with them, and dead letters; `origin` is that of records that name none."""
    for one in settled:
        if isinstance(one, Refused):
            event, delivery, _ = one.waited
            assert delivery.original is not None
            framed = FramedRecord(delivery, delivery.original.value, None, readable=True)
            yield Output((delivery.partition, delivery.offset), refused=RefusedRecord(framed, event, one.why))
            continue
        at = one.origin or origin
        position = None if at is None else (at.partition, at.offset)
        yield Output(position, one)
        for follow_up in one.with_follow_ups()[1:]:
            yield Output(position, follow_up)
        yield from outputs_of(one.retracted_by)


def events_of(record: BillingRecord) -> int:
    """Return how many events a record accounts for: all phases of a session, none of what follows another record."""
    if record.kind in (Kind.CYCLE_CLOSE, Kind.TIER_ADJUSTMENT, Kind.CREDIT):
        return 0
    return len(record.session.parts) if record.session is not None else 1
