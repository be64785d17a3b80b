"""Balances as the command line sees them: compared with the fold, rebuilt from it, shown, on a real server."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from billing.balances import Line
from tests.unit.balance_lines import line, record_of, settled
from tollgate.audit.balances import BalanceFold, compare_balances
from tollgate.balance_store import BalanceStore
from tollgate.commands.balances import age_text, describe, sequences, unexplained
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import StackError
from wire.balances import WHOLE, redis_update

KEY = "tollgate:balance:acme"


@pytest.fixture
def store(redis_server: str, redis_data: Any) -> BalanceStore:  # noqa: ARG001 - the server is to be empty
    return BalanceStore(redis_server)


def logged(customer: str, lines: Iterable[Line], start: int = 0) -> list[LogRecord]:
    """Return committed records as they lie in partition 0."""
    values = [record_of(one, customer).SerializeToString() for one in lines]
    return [LogRecord("billing.records", 0, start + number, 0, None, value) for number, value in enumerate(values)]


def fold_of(**customers: list[Line]) -> BalanceFold:
    fold = BalanceFold()
    for customer, lines in customers.items():
        assert len(list(fold.add(logged(customer, lines)))) == len(lines)
    return fold


def written(store: BalanceStore, customer: str = "acme", live: int = 2, committed: int = 2) -> None:
    """Write the balances of records 1 to `live` into Redis."""
    balances = settled([line(one) for one in range(1, committed + 1)])
    balances.take_live([line(one) for one in range(1, live + 1)])
    store.write({customer: redis_update(balances, WHOLE)})


def differences(fold: BalanceFold, store: BalanceStore, later: Callable[[], None] = lambda: None) -> list[str]:
    return compare_balances(fold, store, later, timeout_seconds=0).differences


TWO = [line(1), line(2)]


def test_redis_that_shows_the_fold_has_no_differences(store: BalanceStore) -> None:
    written(store)
    report = compare_balances(fold_of(acme=TWO), store)
    assert (report.customers, report.differences) == (1, [])


def test_a_live_part_that_is_ahead_is_none(store: BalanceStore) -> None:
    written(store, live=5)
    assert differences(fold_of(acme=TWO), store) == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("settled_total", "9", "Redis: acme settled_total is 9, expected 2"),
        ("live_total", "9", "Redis: acme live_total is 9, expected 2"),
        ("quantity:calls", "9", "Redis: acme quantity:calls is 9, expected 2"),
        ("amount:calls", "2.0", "Redis: acme amount:calls is 2.0, expected 2"),
        ("settled_cycle", "2026-12", "Redis: acme settled_cycle is 2026-12, expected 2026-11"),
        ("amount:free", "1", "Redis: acme has fields of no committed record: amount:free"),
        ("live_sequence", "1", "Redis: acme is live through #1, behind its settled #2"),
        ("live_sequence", "abc", "Redis: acme is live through #abc, behind its settled #2"),
        ("settled_sequence", "1", "Redis: acme is settled through #1; its last committed record is #2"),
        ("settled_sequence", "abc", "Redis: acme is settled through #abc; its last committed record is #2"),
        ("settled_sequence", "9", "Redis: acme is settled through #9, beyond its last committed record #2"),
    ],
)
def test_a_field_altered_by_hand_is_named(
    store: BalanceStore, redis_data: Any, name: str, value: str, says: str
) -> None:
    written(store)
    redis_data.hset(KEY, name, value)
    assert differences(fold_of(acme=TWO), store) == [says]


def test_a_field_that_is_gone_is_named(store: BalanceStore, redis_data: Any) -> None:
    written(store)
    redis_data.hdel(KEY, "currency")
    assert differences(fold_of(acme=TWO), store) == ["Redis: acme currency is None, expected USD"]


@pytest.mark.parametrize("something_else", [False, True])
def test_a_missing_balance_is_named_and_so_is_something_else_in_its_place(
    store: BalanceStore, redis_data: Any, *, something_else: bool
) -> None:
    if something_else:
        redis_data.set(KEY, "x")
    assert differences(fold_of(acme=TWO), store) == ["Redis: acme has no balance; its last committed record is #2"]


def test_a_balance_of_nobody_is_named_unless_it_waits_for_its_first_commit(store: BalanceStore) -> None:
    written(store)
    written(store, "new", live=3, committed=0)
    written(store, "ghost")
    assert differences(fold_of(acme=TWO), store) == ["Redis: ghost has a balance, and no committed record"]


def test_what_was_committed_while_verify_read_is_no_difference(store: BalanceStore) -> None:
    fold = fold_of(acme=TWO)
    written(store, live=3, committed=3)
    written(store, "bob", live=1, committed=1)

    def later() -> None:
        list(fold.add(logged("acme", [line(3), line(4)], start=2)))
        list(fold.add(logged("bob", [line(1)], start=4)))

    assert differences(fold, store, later) == []
    assert fold.read == {0: 5}


def rebuilt(store: BalanceStore, fold: BalanceFold) -> None:
    """Do what `balances rebuild` does between reading and reporting."""
    store.remove(unexplained(sequences(store), fold))
    store.write({name: redis_update(balances, WHOLE) for name, balances in fold.balances.items()})


@pytest.mark.parametrize(
    "alteration",
    [
        {"live_total": "9"},
        {"amount:free": "1", "note": "x"},
        {"settled_sequence": "99"},
        {"live_sequence": "99"},
        {"live_sequence": "99", "settled_sequence": "99"},
        {"live_sequence": "abc", "settled_sequence": ""},
        {"settled_sequence": "1" * 400},
    ],
)
def test_a_rebuild_mends_what_was_altered(store: BalanceStore, redis_data: Any, alteration: dict[str, str]) -> None:
    written(store)
    expected = redis_data.hgetall(KEY)
    redis_data.hset(KEY, mapping=alteration)
    rebuilt(store, fold_of(acme=TWO))
    assert redis_data.hgetall(KEY) == expected


def test_a_rebuild_fills_an_empty_redis_and_removes_ghosts_and_other_types(
    store: BalanceStore, redis_data: Any
) -> None:
    written(store, "ghost")
    written(store, "new", live=1, committed=0)
    redis_data.set("tollgate:balance:odd", "x")
    redis_data.rpush("tollgate:balance:t/x", "x")
    fold = fold_of(**{"acme": TWO, "t/x": TWO})
    rebuilt(store, fold)
    assert set(store.customers()) == {"acme", "t/x", "new"}
    assert differences(fold, store) == []


def test_a_rebuild_leaves_what_was_committed_meanwhile(store: BalanceStore, redis_data: Any) -> None:
    written(store)
    before = sequences(store)
    written(store, live=7, committed=7)
    written(store, "bob", live=1, committed=1)
    assert unexplained(before, fold_of(acme=TWO)) == []
    store.write({"acme": redis_update(fold_of(acme=TWO).balances["acme"], WHOLE)})
    assert redis_data.hget(KEY, "settled_sequence") == "7"


def test_redis_that_is_away_is_named_with_what_to_do() -> None:
    with pytest.raises(StackError, match=r"Redis does not answer as it should at redis://127\.0\.0\.1:1/0: "):
        BalanceStore("redis://user:secret@127.0.0.1:1/0").get_all(["acme"])


def test_a_balance_in_words(store: BalanceStore) -> None:
    written(store, live=3, committed=2)
    assert describe("acme", store.get_all(["acme"])["acme"], 63_000) == [
        "acme, cycle 2026-11",
        "  live                    3 USD  through record #3, as of 60.0 s ago",
        "  settled                 2 USD  through record #2, as of 61.0 s ago",
    ]


def test_a_settled_part_of_the_cycle_before_says_so_and_of_none_too(store: BalanceStore) -> None:
    balances = settled([line(1)])
    balances.take_live([line(2, cycle="2026-12")])
    store.write({"acme": redis_update(balances, WHOLE)})
    written(store, "new", live=1, committed=0)
    found = store.get_all(["acme", "new"])
    assert "1 USD in 2026-11  through record #1" in describe("acme", found["acme"], 5000)[2]
    assert describe("new", found["new"], 5000)[2].endswith("through record #0, nothing yet")


@pytest.mark.parametrize(
    ("age_ms", "text"),
    [
        (0, "as of 0.0 s ago"),
        (119_000, "as of 119.0 s ago"),
        (120_000, "as of 2 min ago"),
        (7_200_000, "as of 2 h ago"),
        (3 * 86_400_000, "as of 3 days ago"),
        (-60_000, "as of 60.0 s from now"),
    ],
)
def test_an_age_in_words(age_ms: float, text: str) -> None:
    assert age_text(age_ms) == text
