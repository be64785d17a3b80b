"""What holds at every instant, by committed charges and by an oracle that knows no charges, over the running log."""

from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from ruamel.yaml import YAML

from billing.subscriptions.charges import Charge, live_charges
from flink_jobs.topics import SUBSCRIPTION_EVENTS
from tests.integration.conftest import Tollgate
from tests.integration.subscriptions import BOOK, change, charges, messages, of, publish
from tests.oracle import LogRecord
from tests.oracle_subscriptions import read_log
from tests.oracle_subscriptions.holding import holding_at, marks
from wire.charges import charge_from

CUSTOMERS = tuple(f"orc-{number}" for number in range(12))
SUBSCRIPTIONS = ("s1", "s2")
PICOS = 10**12


def history(random: Random, made_ms: int) -> list[dict[str, Any]]:
    """Return events of two subscriptions, each allowed in its turn: plans, seats, discounts, any effective times."""
    running: set[str] = set()
    events = []
    for version in range(1, random.randint(4, 12)):
        subscription = random.choice(SUBSCRIPTIONS)
        kind = "START" if subscription not in running else random.choice(("UPDATE", "UPDATE", "CANCEL"))
        running = running - {subscription} if kind == "CANCEL" else running | {subscription}
        fields: dict[str, Any] = {"subscription_id": subscription}
        if kind != "CANCEL":
            fields |= {"plan": random.choice(("basic", "premium")), "quantity": random.randint(1, 3)}
            fields["discounts"] = [{"id": "d", "percent": "33.3"}] if random.randrange(2) else []
        events.append(change(kind, version, f"{random.randint(1, 28):02d}", made_ms, **fields))
    return events


@pytest.fixture(scope="module")
def tollgate(subscribing: Tollgate) -> Tollgate:
    """The stack that runs the subscription job."""
    return subscribing


@pytest.mark.row(15)
def test_what_holds_is_what_the_oracle_says_at_every_instant(tollgate: Tollgate, now_ms: int, tmp_path: Path) -> None:
    publish(tollgate, tmp_path, CUSTOMERS)
    random = Random(20261122)
    lines = []
    for customer in CUSTOMERS:
        events = history(random, now_ms)
        lines += of(customer, events + random.sample(events, 2))
    random.shuffle(lines)
    tollgate.produce(lines)
    tollgate.ok("wait")
    accepted = {customer: one.accepted for customer, one in by_oracle(tollgate).items()}
    held = 0
    for customer in CUSTOMERS:
        live = list(live_charges(map(charge_from, messages(charges(tollgate, customer)))).values())
        for instant, subscription in ((at, name) for at in marks(accepted[customer]) for name in SUBSCRIPTIONS):
            holding = holding_at(accepted[customer], subscription, instant)
            expected = (holding.message.version, holding.price_at(instant)) if holding is not None else None
            assert in_charges(live, subscription, instant) == expected, (customer, subscription, instant)
            held += expected is not None
    assert held > 100, "the histories say something"
    assert "verified" in tollgate.ok("verify")


def by_oracle(tollgate: Tollgate) -> dict[str, Any]:
    """Return what the oracle makes of the customers' events as they lie in the log."""
    logs: dict[int, list[LogRecord]] = defaultdict(list)
    for one in tollgate.context.log.read(SUBSCRIPTION_EVENTS):
        if one.key is not None and one.key.decode() in CUSTOMERS:
            logs[one.partition].append(LogRecord(one.offset, one.timestamp_ms, one.key, one.value))
    book = YAML(typ="base").load(BOOK)
    agreed = {"effective_from": "2026-11-01T00:00:00Z", "price_book": "subscriptions"}
    contracts = [agreed | {"customer_id": customer} for customer in CUSTOMERS]
    return {name: found for log in logs.values() for name, found in read_log(log, [book], contracts).items()}


def in_charges(live: list[Charge], subscription: str, instant: int) -> tuple[int, Fraction] | None:
    """Return version and price that the charges say of an instant; at most one of them may."""
    found = [one for one in live if one.subscription_id == subscription and one.holds_at(instant)]
    assert len(found) <= 1
    return (found[0].version, Fraction(found[0].price_picos, PICOS)) if found else None
