"""Hosts the subscription core for one record at a time: bytes in, state in and out, messages out.

Knows nothing of Flink, so that tests drive the very code of the job. The caller keeps the state by
customer, orders by partition, and calls `fire` at `deadline_ms` for customers that are silent.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from billing.catalog import PriceCatalog
from billing.events import Delivery
from billing.outcomes import Duplicate, Reason, Rejection
from billing.subscriptions.charges import Charge
from billing.subscriptions.events import ChangeType, SubscriptionEvent
from billing.subscriptions.gaps import VersionGap, overdue_gap
from billing.subscriptions.state import SubscriberState
from billing.subscriptions.step import Charged, Outcome, check_fields, check_heartbeat, step
from billing.validity import MAX_ID_LENGTH
from wire.charges import charge_message, gap_alert_message
from wire.records import Letter, ReadSoFar, dead_letter_message
from wire.v1 import common_pb2

UNREADABLE = Rejection(Reason.MALFORMED, "not a SubscriptionEvent message with a type")


class Target(Enum):
    """Where an output goes."""

    CHARGE = "charge"
    DEAD_LETTER = "dead letter"
    ALERT = "alert"


class Output(NamedTuple):
    """One record to be written; with `replay` it carries the Kafka header of that name."""

    target: Target
    key: bytes | None
    value: bytes
    replay: bool = False


class Arrival(NamedTuple):
    """A record as the log delivered it."""

    delivery: Delivery
    key: bytes | None
    raw: bytes


@dataclass(slots=True)
class SubscriptionHost:
    """Decides the records of a topic. `counts` are charged, held, duplicates and dead-letter reasons."""

    topic: str
    counts: Counter[str] = field(default_factory=Counter)

    def admit(
        self, event: SubscriptionEvent | None, by: Arrival, prices: PriceCatalog, read: ReadSoFar
    ) -> list[Output] | None:
        """Refuse what no state is needed to refuse, and drop heartbeats; None: the event goes to `take`."""
        if event is None:
            return [self._letter(Letter(by.raw, by.key), by.delivery, UNREADABLE, read)]
        heartbeat = event.type is ChangeType.HEARTBEAT
        wrong = check_heartbeat(event, by.delivery, prices) if heartbeat else check_fields(event, by.delivery)
        if wrong is not None:
            return [self._letter(_letter_of(event, by), by.delivery, wrong, read)]
        return [] if heartbeat else None

    def take(
        self, state: SubscriberState, event: SubscriptionEvent, by: Arrival, prices: PriceCatalog, read: ReadSoFar
    ) -> list[Output]:
        """Decide an event that `admit` let pass; the state changes in place."""
        decision = step(state, event, by.delivery, by.raw, prices)
        out = [_alert(decision.gap)] if decision.gap is not None else []
        out += self._outcome(event, by, decision.outcome, read)
        for held, outcome in decision.released:
            self.counts["held"] -= 1
            arrival = Arrival(held.delivery, held.event.customer_id.encode(), held.raw)
            out += self._outcome(held.event, arrival, outcome, read)
        return out

    def fire(self, state: SubscriberState, until_ms: int) -> list[Output]:
        """Tell of a gap that is overdue at a watermark."""
        gap = overdue_gap(state, until_ms)
        return [] if gap is None else [_alert(gap)]

    def _outcome(self, event: SubscriptionEvent, by: Arrival, outcome: Outcome, read: ReadSoFar) -> Iterator[Output]:
        if isinstance(outcome, Charged):
            self.counts["charged"] += 1
            yield from (self._charge(one, by.delivery, read) for one in outcome.charges)
        elif isinstance(outcome, Rejection):
            yield self._letter(_letter_of(event, by), by.delivery, outcome, read)
        else:
            self.counts["duplicates" if isinstance(outcome, Duplicate) else "held"] += 1

    def _charge(self, charge: Charge, delivery: Delivery, read: ReadSoFar) -> Output:
        source = common_pb2.SourcePosition(topic=self.topic, partition=delivery.partition, offset=delivery.offset)
        value = charge_message(charge, source, read).SerializeToString()
        return Output(Target.CHARGE, charge.customer_id.encode(), value, charge.replay)

    def _letter(self, letter: Letter, delivery: Delivery, why: Rejection, read: ReadSoFar) -> Output:
        self.counts[why.reason.value] += 1
        message = dead_letter_message(letter, self.topic, delivery, why, read)
        return Output(Target.DEAD_LETTER, letter.key, message.SerializeToString(), letter.replay)


def _alert(gap: VersionGap) -> Output:
    return Output(Target.ALERT, gap.customer_id.encode(), gap_alert_message(gap).SerializeToString())


def _letter_of(event: SubscriptionEvent, by: Arrival) -> Letter:
    return Letter(by.raw, by.key, event.customer_id[:MAX_ID_LENGTH], event.event_id[:MAX_ID_LENGTH], event.replay)
