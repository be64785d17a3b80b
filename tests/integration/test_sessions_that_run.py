"""What calls cost while they run: in Redis within moments, without a record, through a flush, a restore and their end.

Plays in the present, with customers and a book of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.balances import eventually, redis_of
from tests.integration.conftest import Tollgate, usage

BOOK = """
price_book: running
version: 1
effective_from: 2026-10-01T00:00:00Z
currency: EUR
meters:
  ride: {unit: second, session: {minimum: 60, increment: 60, idle_timeout: 2h},
         price: {model: per_unit, unit_price: "0.60", per: 60}}
promotions:
  - {id: first-minute, kind: free_units, meters: [ride], units: 60}
"""
CUSTOMERS = ("rides/a", "rides/b", "rides/c")
MINUTE_MS = 60_000


@pytest.fixture(scope="module", autouse=True)
def published(tollgate: Tollgate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The book, and a contract of each customer that chooses it."""
    folder: Path = tmp_path_factory.mktemp("rides")
    (folder / "book.yaml").write_text(BOOK)
    for number, customer in enumerate(CUSTOMERS):
        signed = f"{{customer_id: {customer}, effective_from: 2026-10-01T00:00:00Z, price_book: running}}\n"
        (folder / f"{number}.yaml").write_text(signed)
    tollgate.ok("prices", "publish", *map(str, sorted(folder.iterdir())))
    yield
    assert "verified" in tollgate.ok("verify")


def phase(customer: str, name: str, event_id: str, event_time_ms: int, session: str = "one") -> dict[str, Any]:
    """Return a line with a phase of a ride."""
    line = usage(customer, event_id, 1, event_time_ms, meter="ride", session={"session_id": session, "phase": name})
    del line["usage"]["quantity"]
    return line


def shown(tollgate: Tollgate, customer: str) -> dict[str, str]:
    """Return what Redis has of what runs, without the guard and the clock."""
    fields = redis_of(tollgate).hgetall(f"tollgate:balance:{customer}")
    return {name: fields[name] for name in ("open_sessions", "open_total", "open_currency") if name in fields}


def awaits(tollgate: Tollgate, customer: str, *expected: str) -> None:
    names = ("open_sessions", "open_total", "open_currency")

    def check() -> None:
        assert shown(tollgate, customer) == dict(zip(names, expected, strict=False))

    eventually(check)


def test_a_call_costs_more_with_every_update_and_is_billed_at_its_end_alone(tollgate: Tollgate, now_ms: int) -> None:
    begun = now_ms - 10 * MINUTE_MS
    tollgate.produce([phase("rides/a", "START", "a0", begun)])
    awaits(tollgate, "rides/a", "1", "0", "EUR")
    for minutes, total in ((1, "0"), (3, "1.2"), (8, "4.2")):
        tollgate.produce([phase("rides/a", "UPDATE", f"a{minutes}", begun + minutes * MINUTE_MS)])
        awaits(tollgate, "rides/a", "1", total, "EUR")
    assert tollgate.json("records", "rides/a") == []
    assert tollgate.json("balance", "rides/a")["live_total"] == "0"
    assert "4.2 EUR  so far and not billed: 1 session runs" in tollgate.ok("balance", "rides/a")
    tollgate.produce([phase("rides/a", "STOP", "a9", begun + 8 * MINUTE_MS)])
    awaits(tollgate, "rides/a")
    tollgate.ok("wait")
    assert [(one["kind"], one["amount"]) for one in tollgate.json("records", "rides/a")] == [("SESSION", "4.2")]

    def billed() -> None:
        assert tollgate.json("balance", "rides/a")["settled_total"] == "4.2"

    eventually(billed)


def test_what_runs_is_back_after_redis_has_lost_everything(tollgate: Tollgate, now_ms: int) -> None:
    begun = now_ms - 10 * MINUTE_MS
    tollgate.produce(
        [
            phase("rides/b", "START", "b0", begun),
            phase("rides/b", "START", "c0", begun, session="two"),
            phase("rides/b", "UPDATE", "b1", begun + 2 * MINUTE_MS),
            phase("rides/b", "UPDATE", "c1", begun + 3 * MINUTE_MS, session="two"),
        ]
    )
    awaits(tollgate, "rides/b", "2", "1.8", "EUR")
    redis_of(tollgate).flushall()
    awaits(tollgate, "rides/b", "2", "1.8", "EUR")
    redis_of(tollgate).flushall()
    tollgate.produce([phase("rides/b", "STOP", "b2", begun + 2 * MINUTE_MS)])
    awaits(tollgate, "rides/b", "1", "1.2", "EUR")
    tollgate.ok("wait")
    assert "verified" in tollgate.ok("verify")


def test_what_runs_and_was_altered_by_hand_is_named_by_verify_and_mended_by_rebuild(tollgate: Tollgate) -> None:
    redis_of(tollgate).hset("tollgate:balance:rides/b", "open_total", "99")
    done = tollgate.run("verify")
    assert done.returncode == 1
    assert "DIFFERENCE Redis: rides/b open_total is 99, expected 1.2" in done.stdout
    tollgate.ok("balances", "rebuild")
    awaits(tollgate, "rides/b", "1", "1.2", "EUR")


def test_what_runs_survives_a_restore(tollgate: Tollgate, now_ms: int) -> None:
    begun = now_ms - 10 * MINUTE_MS
    tollgate.produce([phase("rides/c", "START", "d0", begun), phase("rides/c", "UPDATE", "d1", begun + 5 * MINUTE_MS)])
    awaits(tollgate, "rides/c", "1", "2.4", "EUR")
    saved = tollgate.ok("savepoint", "--stop").strip()
    tollgate.ok("restore", saved)
    tollgate.produce([phase("rides/c", "UPDATE", "d2", begun + 6 * MINUTE_MS)])
    awaits(tollgate, "rides/c", "1", "3", "EUR")
    tollgate.produce([phase("rides/c", "STOP", "d3", begun + 7 * MINUTE_MS)])
    awaits(tollgate, "rides/c")
    tollgate.ok("wait")
    assert [one["amount"] for one in tollgate.json("records", "rides/c")] == ["3.6"]
