"""The oracle itself, by hand; and that it shares no code with what it judges."""

import subprocess
import sys
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle import LogRecord
from tests.oracle_subscriptions import cycle_amounts, read_log
from wire.v1 import subscription_pb2

BOOK = {
    "price_book": "b", "version": "1", "effective_from": "2026-01-01T00:00:00Z", "currency": "USD",
    "plans": {"basic": {"price": "30", "interval": "month"}},
}  # fmt: skip
NOVEMBER_MS, DAY_MS = 1_793_491_200_000, 86_400_000
LATENESS_MS = 3 * 3_600_000


def record(version: int, kind: str, day: int, **fields: Any) -> LogRecord:
    """An event of the nth of November, that arrives in January at the latest."""
    message = subscription_pb2.SubscriptionEvent(
        event_id=f"e{version}", customer_id="zoe", subscription_id="s1", type=kind, version=version,
        effective_time_ms=NOVEMBER_MS + (day - 1) * DAY_MS,
    )  # fmt: skip
    if kind != "CANCEL":
        message.plan, message.quantity = "basic", 1
    message.MergeFrom(subscription_pb2.SubscriptionEvent(**fields))
    return LogRecord(version, NOVEMBER_MS + 90 * DAY_MS, b"zoe", message.SerializeToString())


def amounts(cycle: str, *log: LogRecord) -> dict[str, Fraction]:
    accepted = read_log(log, [BOOK])["zoe"].accepted
    return cycle_amounts(accepted, "s1", cycle, ZoneInfo("UTC"), LATENESS_MS, "2026-11")


def test_a_day_of_a_plan_of_30_costs_one() -> None:
    assert amounts("2026-11", record(1, "START", 1), record(2, "CANCEL", 11)) == {"2026-11": 10}


def test_a_version_waits_for_the_one_before_it() -> None:
    customer = read_log([record(2, "CANCEL", 11), record(3, "START", 21)], [BOOK])["zoe"]
    assert (customer.accepted, sorted(customer.waiting)) == ([], [2, 3])


def test_a_cancel_heard_of_after_the_close_corrects_the_cycle_by_name() -> None:
    log = [record(1, "START", 1), record(0, "HEARTBEAT", 41, customer_id="x"), record(2, "CANCEL", 11)]
    assert amounts("2026-11", *log) == {"2026-11": 30}
    assert amounts("2026-12", *log) == {"2026-12": 0, "2026-11": -20}


def test_it_never_imports_the_core() -> None:
    code = "import sys, tests.oracle_subscriptions; sys.exit('billing' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
