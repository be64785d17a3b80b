"""Dead letters sent again, each at most once: for the command line and for the operations page."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from tollgate.kafka_log import KafkaLog
from tollgate.replaying import TOPICS, Letter, Mended, Pace, again, lag, readers_of, send, sent_again
from wire.v1 import billing_pb2

LAG_MAX = 20_000
"""Records that the jobs may have to go before a replay waits for them."""


class Resent(NamedTuple):
    """What became of dead letters: sent now, sent before, of topics that events do not come from, left for later."""

    sent: int
    sent_before: int
    left_alone: int
    remaining: int = 0


class Limits(NamedTuple):
    """How fast (records a second; 0: as fast as it goes), how many at most (0: all), and which jobs are waited for."""

    rate: float
    most: int = 0
    dry_run: bool = False
    jobs: Collection[str] = ()


def resend(
    log: KafkaLog,
    letters: Sequence[Letter],
    limits: Limits,
    report: Callable[[str], None],
    mended: Mapping[str, Mended] | None = None,
) -> Resent:
    """Send dead letters again that were not before, unchanged or mended; a dry run counts them.

    It waits while the jobs that take them have more than LAG_MAX records to go.
    """
    before = sent_again(log, letters) & {one.name for one in letters}
    can = [one for one in letters if one.message.source.topic in TOPICS]
    due = [again(one, (mended or {}).get(one.name)) for one in can if one.name not in before]
    now = due[: limits.most] if limits.most else due
    if not limits.dry_run:
        readers = readers_of({one.topic for one in now}, limits.jobs)
        send(log, now, Pace(limits.rate, LAG_MAX, lambda: lag(log, readers), report, len(now)))
    return Resent(len(now), len(before), len(letters) - len(can), len(due) - len(now))


def of_reason(letters: Sequence[Letter], reason: str) -> list[Letter]:
    """Return those with a reason, such as NO_PRICE; all where it is empty."""
    name = billing_pb2.DeadLetter.Reason.Name
    return [one for one in letters if not reason or name(one.message.reason) == reason]
