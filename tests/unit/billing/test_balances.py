"""The fold of records into balances."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from billing.balances import CustomerBalance, Line, MeterBalance
from tests.unit.balance_lines import folded, histories, latest, line, settled


def test_a_balance_shows_the_latest_record_of_each_meter() -> None:
    balance = folded([line(1, "a", "5", quantity=3), line(2, "b", "7"), line(3, "a", "9", quantity=8, amount="2")])
    assert balance.meters == {"a": MeterBalance(8, "2"), "b": MeterBalance(2, "7")}
    assert (balance.total, balance.sequence, balance.as_of_ms) == ("9", 3, 3000)
    assert (balance.cycle, balance.currency, balance.price_book) == ("2026-11", "USD", "standard")


def test_a_record_that_is_no_news_changes_nothing() -> None:
    balance = folded([line(1), line(2)])
    before = folded([line(1), line(2)])
    assert not balance.take(line(2, total="99"))
    assert not balance.take(line(1, cycle="2026-12"))
    assert balance == before


def test_another_cycle_begins_without_the_meters_of_the_one_before() -> None:
    balance = folded([line(1, "a"), line(2, "b"), line(3, "c", "3", cycle="2026-12")])
    assert balance.meters.keys() == {"c"}
    assert (balance.cycle, balance.total) == ("2026-12", "3")


def test_late_records_of_the_cycle_before_move_the_number_alone() -> None:
    newest = folded([line(1, "a"), line(2, "a", cycle="2026-12")])
    balance = folded([line(1, "a"), line(2, "a", cycle="2026-12"), line(3, "b", "77", cycle="2026-11")])
    assert (balance.sequence, balance.as_of_ms) == (3, 3000)
    assert (balance.cycle, balance.total, balance.meters) == ("2026-12", newest.total, newest.meters)


def test_the_close_of_a_cycle_moves_the_number_alone() -> None:
    balance = folded([line(1, "a", "5"), line(2, "", "5", closes=True, as_of_ms=1)])
    assert (balance.sequence, balance.as_of_ms, balance.total) == (2, 1000, "5")
    assert balance.meters.keys() == {"a"}


def test_another_price_book_begins_anew_in_its_own_currency() -> None:
    balance = folded([line(1, "a"), line(2, "b", price_book="euro", currency="EUR")])
    assert (balance.price_book, balance.currency, balance.meters.keys()) == ("euro", "EUR", {"b"})


def test_an_amount_stays_the_text_it_was() -> None:
    """No meter amount in records of before 0.2 is no amount, not 0."""
    assert folded([line(1, amount="")]).meters["calls"].amount == ""
    assert folded([line(1, total="0.000000000001")]).total == "0.000000000001"


def test_settled_leaves_a_live_balance_that_is_ahead_alone() -> None:
    balances = CustomerBalance()
    balances.take_live([line(1), line(2)])
    assert balances.take_settled([line(1)])
    assert (balances.live.sequence, balances.settled.sequence) == (2, 1)


def test_settled_overwrites_what_was_live_and_aborted_where_it_catches_up() -> None:
    balances = CustomerBalance()
    balances.take_live([line(1), line(2, "b", "999"), line(3, "c", "999")])
    balances.take_live([line(2, "a", "20"), line(3, "a", "30")])
    assert balances.live.total == "999"
    balances.take_settled([line(1), line(2, "a", "20"), line(3, "a", "30")])
    assert balances.live == balances.settled == folded([line(1), line(2, "a", "20"), line(3, "a", "30")])


def test_live_and_settled_never_share_their_meters() -> None:
    balances = settled([line(1)])
    balances.take_live([line(2, "b")])
    assert balances.settled.meters.keys() == {"calls"}


@given(histories(), st.randoms())
def test_any_selection_that_keeps_the_latest_of_each_meter_folds_to_the_same(lines: list[Line], dice: Random) -> None:
    kept = set(latest(lines))
    some = [one for one in lines if one in kept or dice.random() < 0.5]
    assert folded(some) == folded(lines)


@given(histories(), st.lists(st.integers(1, 24), max_size=5))
def test_the_latest_of_each_meter_frame_by_frame_fold_to_the_same(lines: list[Line], cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(lines)]
    passed = [one for start, end in pairwise(edges) for one in sorted(latest(lines[start:end]))]
    assert folded(passed) == folded(lines)


@given(histories(), st.randoms())
def test_records_that_are_read_again_change_nothing(lines: list[Line], dice: Random) -> None:
    """A reader that is set back repeats a part of the log."""
    replayed: list[Line] = []
    for at, one in enumerate(lines):
        replayed.append(one)
        if dice.random() < 0.2:
            replayed += lines[dice.randrange(at + 1) : at + 1]
    assert folded(replayed) == folded(lines)


@given(histories(), histories(), st.integers(0, 25), st.randoms())
def test_aborted_records_are_forgotten_once_settled_has_caught_up(
    lines: list[Line], others: list[Line], aborted_after: int, dice: Random
) -> None:
    """An aborted run may have read other prices: its records have the same numbers and other contents."""
    aborted = [one for one in others if one.sequence > aborted_after][: len(lines)]
    aborted = [one for one in aborted if one.sequence <= len(lines)]
    live = [*lines[:aborted_after], *aborted, *lines[aborted_after:]]
    balances = CustomerBalance()
    committed = 0
    for one in live:
        balances.take_live([one])
        if dice.random() < 0.3 and committed < aborted_after:
            committed += 1
            balances.take_settled([lines[committed - 1]] if committed <= len(lines) else [])
    balances.take_settled(lines)
    assert balances.live == balances.settled == folded(lines)
