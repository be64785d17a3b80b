"""The two jobs' own code over logs of events of which most are amiss: every input is accounted for."""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from billing.events import Measure
from tests import engine
from tests.oracle import LogRecord
from tests.properties.hostile_bytes import HostileBytes
from tests.subscription_log import SubscriptionJob
from tests.unit.builders import NOON_MS, SKEW_MS, book, catalog, free_units, graduated, per_unit, session_meter
from tests.unit.subscriptions.desk import priced
from wire.subscriptions import decode_subscription
from wire.usage import decode_usage
from wire.v1 import subscription_pb2, usage_pb2

USAGE_A_RUN, SUBSCRIPTIONS_A_RUN = 50, 50
FOR_EVER_MS = (2**53, 2**54, 2**55)
METERS = {
    "calls": per_unit("0.0079"),
    "video": graduated({"up_to": 10, "unit_price": "0.1", "flat_fee": "1"}, {"unit_price": "0.01"}),
    "talk": session_meter(),
}
USAGE_PRICES = catalog(book(meters=METERS, promotions=[free_units("welcome", 5)]))
SUBSCRIPTION_PRICES = priced()

IDS = ("e1", "e2", "e3", "e4", "e5", "e6", "e7")
CUSTOMERS = ("zoe", "ada", "tenant/zoe")
QUANTITIES = (1, 2, 9, 60)
TIMES_MS = tuple(NOON_MS - minutes * 60_000 for minutes in (0, 1, 7, 400, 1500))
ODD_IDS = ("", "e1#", "'; DROP TABLE x; --", "\u20ac", "tenant/", "x" * 300, "\n")
ODD_NUMBERS = (0, 2**31, 2**63 - 1)
ODD_TIMES_MS = (NOON_MS - 60 * 86_400_000, NOON_MS + 40 * 86_400_000, 0, -1, -(2**63), 2**62)
ODD_OF_20 = 1
"""How often a field is amiss."""

Log = list[LogRecord]
T = TypeVar("T")


def usage_log(random: Random) -> Log:
    """Return a partition of events, some of them sound, with duplicates."""
    values = [_hostile(random, usage_pb2.UsageEvent) for _ in range(USAGE_A_RUN // 4)]
    values += [_usage(random) for _ in range(USAGE_A_RUN - len(values))]
    return _log(random, values, lambda value: getattr(decode_usage(value), "customer_id", "nobody"))


def subscription_log(random: Random) -> Log:
    """Return the same of subscription events."""
    kind = subscription_pb2.SubscriptionEvent
    values = [_hostile(random, kind) for _ in range(SUBSCRIPTIONS_A_RUN // 4)]
    values += [_subscription(random) for _ in range(SUBSCRIPTIONS_A_RUN - len(values))]
    return _log(random, values, lambda value: getattr(decode_subscription(value), "customer_id", "nobody"))


def _log(random: Random, values: list[bytes], customer: Callable[[bytes], str]) -> Log:
    random.shuffle(values)
    for _ in range(len(values) // 5):
        values[random.randrange(len(values))] = random.choice(values)
    log = []
    for offset, value in enumerate(values):
        key = _or(random, (customer(value).encode(),), (b"else", None, b"\xff"))
        log.append(LogRecord(offset, _or(random, (NOON_MS, NOON_MS + offset * 1000), (0, 2**62)), key, value))
    return log


def _hostile(random: Random, kind: type[usage_pb2.UsageEvent] | type[subscription_pb2.SubscriptionEvent]) -> bytes:
    maker = HostileBytes(random, random.choice((10, 100)))
    value = maker.message(kind.DESCRIPTOR)
    return maker.spoiled(value) if random.randrange(2) else value


def _or(random: Random, sound: Sequence[T], odd: Sequence[T]) -> T:
    return random.choice(odd if random.randrange(20) < ODD_OF_20 else sound)


def _usage(random: Random) -> bytes:
    event = usage_pb2.UsageEvent(
        event_id=_or(random, IDS, ODD_IDS), customer_id=_or(random, CUSTOMERS, ODD_IDS),
        meter=_or(random, tuple(METERS), ("", "none")), event_time_ms=_or(random, TIMES_MS, ODD_TIMES_MS),
        source=random.choice(("", "s")), replay=random.randrange(9) == 0,
    )  # fmt: skip
    shape = random.randrange(8)
    if shape < 4:
        event.quantity = _or(random, QUANTITIES, (*ODD_NUMBERS, -1, -(2**63)))
    elif shape == 4:
        event.heartbeat.SetInParent()
    elif shape == 5:
        event.retraction.event_id = _or(random, IDS, ODD_IDS)
    else:
        event.meter = _or(random, ("talk",), ("", "calls"))
        event.session.session_id = _or(random, IDS[:3], ODD_IDS)
        event.session.phase = _or(random, (1, 2, 3), (0, 4, 9))
    return event.SerializeToString()


def _subscription(random: Random) -> bytes:
    event = subscription_pb2.SubscriptionEvent(
        event_id=_or(random, IDS, ODD_IDS), customer_id=_or(random, CUSTOMERS, ODD_IDS),
        subscription_id=_or(random, ("s1",), ODD_IDS), type=_or(random, (1, 2, 3), (0, 4, 9)),
        version=_or(random, (1, 2, 3, 4), ODD_NUMBERS), plan=_or(random, ("basic", "premium", "yearly"), ("none", "")),
        quantity=_or(random, (1, 3), ODD_NUMBERS), effective_time_ms=_or(random, TIMES_MS, ODD_TIMES_MS),
        created_time_ms=_or(random, TIMES_MS, ODD_TIMES_MS),
    )  # fmt: skip
    if random.randrange(3) == 0:
        event.discounts.add(
            id=_or(random, IDS, ODD_IDS), percent=_or(random, ("10", "12.5"), ("", "101", "1e9", "x")),
            amount=_or(random, ("",), ("1", "-1", "9" * 60)), valid_to_ms=_or(random, (0,), ODD_TIMES_MS),
        )  # fmt: skip
    return event.SerializeToString()


def rate_usage(log: Log) -> Counter[str]:
    """Rate a log to its end and beyond; return what came of each event."""
    job = engine.Engine(USAGE_PRICES)
    framed, clock_ms = engine.framed_partition(0, log, SKEW_MS)
    for at in range(0, len(framed), 7):
        job.rate(framed[at : at + 7])
    for until_ms in (clock_ms, *FOR_EVER_MS):
        job.fire(until_ms)
    counts = job.rater.counts
    letters = {one.source.offset: one.raw for one in job.letters}
    if letters != {offset: log[offset].value for offset in letters} or len(letters) != len(job.letters):
        raise RuntimeError("a dead letter has not the bytes of its record, or there are two of one")
    beats = [offset for offset, one in enumerate(log) if _beats(one.value) and offset not in letters]
    refused = counts.total() - counts["rated"] - counts["duplicates"]
    if refused != len(letters):
        raise RuntimeError(f"{refused} were refused, and there are {len(letters)} dead letters")
    return Counter(rated=counts["rated"], duplicate=counts["duplicates"], refused=refused, heartbeat=len(beats))


def _beats(value: bytes) -> bool:
    event = decode_usage(value)
    return event is not None and event.measure is Measure.HEARTBEAT


def decide_subscriptions(log: Log) -> Counter[str]:
    """Decide a log, and return what came of each event: a charge, a letter, a duplicate, a heartbeat, or waiting."""
    job = SubscriptionJob(SUBSCRIPTION_PRICES)
    for one in log:
        job.take(0, one)
    job.finish()
    letters = {one.source.offset for one in job.letters}
    charged = {one.source.offset for one in job.charges} - letters
    return Counter(refused=len(letters), charged=len(charged), other=len(log) - len(letters | charged))
