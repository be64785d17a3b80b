"""`verify` over what is said of sessions that run: as the log makes it, and in Redis as it was said."""

from typing import Any

import pytest

from flink_jobs.topics import SESSIONS
from tests.oracle.example import MID_MONTH, Log, ms
from tests.unit.balance_lines import calls, line, settled
from tests.unit.tollgate.books_in_memory import MemoryLog, differences, rated, tamper
from tollgate.audit.open_sessions import compare_shown
from tollgate.balance_store import BalanceStore
from tollgate.commands.balances import describe
from wire.balances import WHOLE, redis_update

NOON_MS = ms(MID_MONTH)
KEY = "tollgate:balance:acme"


def calls_that_run() -> MemoryLog:
    """One call of zoe that ended, and one that runs."""
    log = Log()
    log.phase("START", NOON_MS)
    log.phase("STOP", NOON_MS + 60_000)
    log.phase("START", NOON_MS + 60_000, session_id="t", event_id="t0")
    log.phase("UPDATE", NOON_MS + 180_000, session_id="t", event_id="t1")
    return rated(log)


def test_what_the_job_said_is_what_the_log_makes_of_it() -> None:
    found = calls_that_run()
    assert len(found.topics[SESSIONS]) == 1, "once a frame and customer"
    assert found.verify().passed


@pytest.mark.parametrize(
    ("name", "value", "says"), [("amount", "9", "total='9'"), ("sessions", 2, "sessions=2"), ("currency", "EUR", "EUR")]
)
def test_what_it_said_wrongly_is_a_difference(name: str, value: Any, says: str) -> None:
    found = calls_that_run()
    tamper(found, SESSIONS, -1, lambda one: setattr(one, name, value))
    text = differences(found)
    assert text.startswith("open sessions of zoe: said ")
    assert says in text


@pytest.fixture
def store(redis_server: str, redis_data: Any) -> BalanceStore:  # noqa: ARG001 - the server is to be empty
    return BalanceStore(redis_server)


def written(store: BalanceStore, change: int, sessions: int = 1) -> None:
    balances = settled([line(1)])
    balances.open = calls(change, sessions)
    store.write({"acme": redis_update(balances, WHOLE)})


def shown(store: BalanceStore, change: int, sessions: int = 1) -> list[str]:
    return list(compare_shown({"acme": calls(change, sessions)}, store, timeout_seconds=0))


def test_redis_that_shows_what_was_said_or_is_ahead_of_it_has_no_differences(store: BalanceStore) -> None:
    written(store, 5)
    assert shown(store, 5) == []
    assert shown(store, 4) == []


def test_redis_that_is_behind_or_was_altered_is_named(store: BalanceStore, redis_data: Any) -> None:
    written(store, 5, sessions=0)
    redis_data.hset(KEY, "open_total", "9")
    assert shown(store, 5, sessions=0) == ["Redis: acme open_total is 9, expected None"]
    assert "Redis: acme open_change is 5, expected 6" in shown(store, 6)
    redis_data.flushall()
    assert "Redis: acme open_change is None, expected 6" in shown(store, 6)


def test_what_runs_in_words(store: BalanceStore) -> None:
    written(store, 5, sessions=2)
    (*_, text) = describe("acme", store.get_all(["acme"])["acme"], 8_000)
    assert text == "  open                    5 USD  so far and not billed: 2 sessions run, as of 3.0 s ago"
