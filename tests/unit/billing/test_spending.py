"""Credit paid in advance and alerts at sums: contract section 4, and the decisions of billing.spending."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import PICOS_PER_UNIT
from billing.outcomes import AlertKind, BillingRecord, Kind, Reason
from billing.price_books.model import Contract, CreditPolicy
from billing.spending import Watch, credit_left, refuse_without_credit, spend, watch_of
from billing.state import CustomerState, CycleState
from tests.unit.builders import NOON_MS, book, catalog, per_unit, usage
from tests.unit.desk import Desk

UNIT = PICOS_PER_UNIT


class Spender:
    """A customer with one open cycle, billed amounts of whole units."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.state = CustomerState("zoe")
        self.cycle = CycleState("2026-11", "standard", "USD", 0, 0)

    def bill(self, *amounts: int, watch: Watch | None = None) -> BillingRecord:
        """Bill a record, and those that follow from it, under another contract where one is named."""
        records = [self._record(amount) for amount in amounts]
        for one, following in pairwise(records):
            one.follow_up = following
        spend(self.state, self.cycle, watch or self.watch, records[0])
        return records[0]

    def _record(self, amount: int) -> BillingRecord:
        self.cycle.picos += amount * UNIT
        number = self.state.next_sequence()
        return BillingRecord(
            f"r{number}", "zoe", number, Kind.USAGE, "sms", "2026-11", 1, amount * UNIT, "USD", "standard", 1,
            self.cycle.picos, 1, 0,
        )  # fmt: skip


def alerts(record: BillingRecord) -> list[tuple[AlertKind, str]]:
    return [(one.kind, one.subject) for one in record.alerts]


SPEND = AlertKind.SPEND_THRESHOLD


def test_an_alert_tells_when_the_total_reaches_a_sum_and_not_before() -> None:
    spender = Spender(Watch((50 * UNIT, 90 * UNIT), 0, rejects=False))
    assert alerts(spender.bill(49)) == []
    assert alerts(spender.bill(1)) == [(SPEND, "50")]
    assert alerts(spender.bill(39)) == []
    assert alerts(spender.bill(30)) == [(SPEND, "90")]


def test_one_record_may_reach_several_sums() -> None:
    assert alerts(Spender(Watch((5 * UNIT, 9 * UNIT), 0, rejects=False)).bill(20)) == [(SPEND, "5"), (SPEND, "9")]


def test_a_sum_is_told_once_in_a_cycle_even_where_the_total_falls_and_rises_again() -> None:
    spender = Spender(Watch((50 * UNIT,), 0, rejects=False))
    assert alerts(spender.bill(60)) == [(SPEND, "50")]
    assert alerts(spender.bill(-30)) == []
    assert alerts(spender.bill(40)) == []


def test_what_follows_a_record_counts_with_it() -> None:
    spender = Spender(Watch((50 * UNIT,), 0, rejects=False))
    assert alerts(spender.bill(40, 15)) == [(SPEND, "50")]


def test_the_id_of_an_alert_names_customer_cycle_and_sum() -> None:
    [alert] = Spender(Watch((50 * UNIT,), 0, rejects=False)).bill(50).alerts
    assert alert.alert_id == "zoe/standard@2026-11-spend-50"


def test_credit_is_drawn_down_to_zero_and_never_below() -> None:
    spender = Spender(Watch((), 10 * UNIT, rejects=False))
    assert spender.bill(7).credit_left_picos == 3 * UNIT
    assert spender.bill(7).credit_left_picos == 0
    assert spender.cycle.uncovered_picos == 4 * UNIT


def test_the_end_of_the_credit_is_told_once() -> None:
    spender = Spender(Watch((), 10 * UNIT, rejects=False))
    assert alerts(spender.bill(9)) == []
    assert alerts(spender.bill(9)) == [(AlertKind.CREDIT_LOW, "prepaid_credit")]
    assert alerts(spender.bill(9)) == []


def test_what_is_given_back_pays_first_what_no_credit_had_covered() -> None:
    spender = Spender(Watch((), 10 * UNIT, rejects=False))
    spender.bill(14)
    assert spender.bill(-3).credit_left_picos == 0
    assert spender.bill(-3).credit_left_picos == 2 * UNIT
    assert spender.cycle.uncovered_picos == 0


def test_a_larger_sum_tops_up_and_the_same_sum_grants_nothing_twice() -> None:
    spender = Spender(Watch((), 10 * UNIT, rejects=False))
    spender.bill(10)
    assert credit_left(spender.state, Watch((), 10 * UNIT, rejects=False)) == 0
    assert credit_left(spender.state, Watch((), 25 * UNIT, rejects=False)) == 15 * UNIT


def test_a_top_up_holds_for_events_from_before_it_that_come_after_it() -> None:
    before, after = (Watch((), paid * UNIT, rejects=True) for paid in (100, 500))
    spender = Spender(after)
    spender.bill(200)
    assert refuse_without_credit(spender.state, before) is None
    record = spender.bill(10, watch=before)
    assert (record.credit_drawn_picos, record.credit_left_picos) == (10 * UNIT, 290 * UNIT)
    assert spender.bill(-10, watch=before).credit_left_picos == 300 * UNIT
    assert spender.cycle.uncovered_picos == 0


def test_the_alert_names_all_that_was_paid_whichever_contract_draws_the_last_of_it() -> None:
    spender = Spender(Watch((), 500 * UNIT, rejects=False))
    spender.bill(490)
    (alert,) = spender.bill(10, watch=Watch((), 100 * UNIT, rejects=False)).alerts
    assert "the prepaid credit of 500 USD is used up" in alert.detail


@pytest.mark.parametrize("policy", CreditPolicy)
@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_credit_does_not_depend_on_which_side_of_a_top_up_comes_first(
    policy: CreditPolicy, order: tuple[str, str]
) -> None:
    prices = catalog(book(meters={"calls": per_unit("1")}))
    for offset, (paid, from_ms) in enumerate(((100, 1), (500, NOON_MS))):
        contract = Contract("zoe", from_ms, prepaid_credit_picos=paid * UNIT, when_credit_is_used_up=policy)
        assert prices.add_contract(contract, offset) == []
    at = Desk(prices)
    events = {"old": usage("old", 10, event_time_ms=NOON_MS - 1), "new": usage("new", 200, event_time_ms=NOON_MS)}
    records = [at.rated(events[name]) for name in order]
    assert [one.credit_drawn_picos for one in records] == [one.picos for one in records]
    assert records[-1].credit_left_picos == 290 * UNIT


def test_usage_without_credit_is_refused_only_where_the_contract_says_so() -> None:
    spender = Spender(Watch((), 10 * UNIT, rejects=True))
    assert refuse_without_credit(spender.state, spender.watch) is None
    spender.bill(11)
    refused = refuse_without_credit(spender.state, spender.watch)
    assert refused is not None
    assert refused.reason is Reason.CREDIT_EXHAUSTED
    assert refuse_without_credit(spender.state, Watch((), 10 * UNIT, rejects=False)) is None


def test_a_contract_that_watches_nothing_costs_nothing() -> None:
    assert watch_of(None) is None
    assert watch_of(Contract("zoe")) is None
    assert watch_of(Contract("zoe", prepaid_credit_picos=1, when_credit_is_used_up=CreditPolicy.BLOCK)) == Watch(
        (), 1, rejects=True
    )


@given(st.lists(st.integers(-40, 60), max_size=30), st.integers(1, 200))
def test_credit_and_what_it_does_not_cover_always_add_up_to_the_total(amounts: list[int], credit: int) -> None:
    spender = Spender(Watch((), credit * UNIT, rejects=False))
    total = 0
    for amount in amounts:
        if total + amount < 0:  # nobody is given back more than was charged
            continue
        total += amount
        record = spender.bill(amount)
        assert record.credit_left_picos is not None
        assert 0 <= record.credit_left_picos <= credit * UNIT
        assert spender.state.credit_drawn_picos + spender.cycle.uncovered_picos == total * UNIT
