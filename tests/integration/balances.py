"""What balances should be, added up from the committed records, and traffic that Redis may fail under."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import redis

from billing.instants import parse_instant
from flink_jobs.topics import RECORDS
from tests.integration.conftest import Tollgate, usage
from tollgate.context import Context, as_dict
from tollgate.local import processes
from tollgate.local.run_file import load_run_file
from wire.v1 import billing_pb2

AUGUST = parse_instant("2026-08-10T12:00:00Z")
HEALED_WITHIN_SECONDS = 10
EVENTS_A_SECOND = 100


def expected(records: list[dict[str, Any]]) -> dict[str, str]:
    """Return the hash of a customer by adding its records up, all of them committed."""
    cycle = max(one["cycle"] for one in records)
    of_cycle = [one for one in records if one["cycle"] == cycle and one["kind"] != "CYCLE_CLOSE"]
    quantities: dict[str, int] = defaultdict(int)
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for one in of_cycle:
        quantities[one["meter"]] += int(one["quantity"])
        amounts[one["meter"]] += Decimal(one["amount"])
    total, number = text(sum(amounts.values(), Decimal())), str(max(int(one["sequence"]) for one in records))
    as_of = str(max(max(int(one["clock_ms"]), int(one["event_time_ms"])) for one in records))
    fields = {"cycle": cycle, "currency": of_cycle[0]["currency"], "settled_cycle": cycle}
    for side in ("live", "settled"):
        fields |= {f"{side}_total": total, f"{side}_sequence": number, f"{side}_as_of_ms": as_of}
    fields |= {f"quantity:{meter}": str(quantity) for meter, quantity in quantities.items()}
    return fields | {f"amount:{meter}": text(amount) for meter, amount in amounts.items()}


def text(amount: Decimal) -> str:
    return f"{amount.normalize():f}" if amount else "0"


def committed(context: Context) -> dict[str, list[dict[str, Any]]]:
    """Return all committed records by customer."""
    by_customer: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in context.log.read(RECORDS):
        record = as_dict(billing_pb2.BillingRecord.FromString(one.value))
        by_customer[record["customer_id"]].append(dict(record))
    return by_customer


def redis_of(tollgate: Tollgate) -> Any:
    return redis.Redis.from_url(tollgate.context.redis_url, decode_responses=True)


def server_of(tollgate: Tollgate) -> processes.ProcessRecord:
    return load_run_file(tollgate.context.stack.layout.run_file).processes["redis"]


def eventually(check: Callable[[], None], seconds: float = HEALED_WITHIN_SECONDS) -> None:
    """Repeat a check until it holds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def all_right(tollgate: Tollgate) -> None:
    """Wait until Redis shows what the committed records add up to, of every customer that there is."""
    tollgate.ok("wait")
    by_customer = committed(tollgate.context)
    client = redis_of(tollgate)

    def check() -> None:
        shown = {customer: client.hgetall(f"tollgate:balance:{customer}") for customer in by_customer}
        assert shown == {customer: expected(records) for customer, records in by_customer.items()}

    eventually(check)


def rated(context: Context, run: str) -> int:
    """Return how many events of a run have been rated and committed."""
    return sum(one["event_id"].startswith(f"{run}-") for records in committed(context).values() for one in records)


@contextmanager
def traffic(tollgate: Tollgate, run: str, seconds: int) -> Iterator[None]:
    """Send events of 20 customers beside the test; after the block all of them are sent, and rated once."""
    count = seconds * EVENTS_A_SECOND
    meters = ("sms.outbound", "api.calls", "mms.outbound")
    lines = [
        usage(f"{run}/{number % 20}", f"{run}-{number}", 1 + number % 7, AUGUST + number, meter=meters[number % 3])
        for number in range(count)
    ]
    sender = threading.Thread(target=tollgate.produce, args=(lines, "--rate", str(EVENTS_A_SECOND)))
    sender.start()
    try:
        yield
    finally:
        sender.join()
    tollgate.ok("wait")
    assert rated(tollgate.context, run) == count


def still_rating(tollgate: Tollgate, run: str, seconds: float) -> None:
    """Look for so long whether records go on being committed."""
    before = rated(tollgate.context, run)
    time.sleep(seconds)
    assert rated(tollgate.context, run) > before + seconds * EVENTS_A_SECOND / 3, "rating has slowed down"
