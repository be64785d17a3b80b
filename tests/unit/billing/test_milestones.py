"""Milestones: so much within a cycle wins a discount for the rest of it, or a credit."""

from billing.money import format_picos
from billing.promotions.milestone import MilestoneState
from tests.unit.builders import percent_off
from tests.unit.shop import DAY, Shop, milestone, told


def test_a_milestone_of_units_discounts_the_rest_of_its_cycle() -> None:
    shop = Shop(milestone(units=10, percent="10"))
    assert shop.costs(6) == "6"
    reaching = shop.use(4, meter="texts")
    assert (format_picos(reaching.picos), told(reaching)) == ("4", [("PROMOTION_WON", "goal")])
    assert told(shop.use(100)) == []
    assert shop.costs(10) == "9"
    assert shop.costs(10, 25 * DAY) == "10"  # December


def test_a_milestone_of_spend_counts_what_was_charged() -> None:
    shop = Shop(percent_off("half", "50"), milestone(spend="5", percent="10"))
    assert shop.costs(9) == "4.5"
    assert shop.costs(1) == "0.5"
    assert shop.costs(10) == "4.5"


def test_a_milestone_of_units_does_not_ask_for_the_amount() -> None:
    """Records rounded one by one, and taken back by a tier adjustment as a whole, may come to less than nothing."""
    tiers = [{"up_to": 1000, "unit_price": "0.000001"}, {"unit_price": "0"}]
    meters = {"calls": {"unit": "u", "price": {"model": "volume", "tiers": tiers}}}
    shop = Shop(milestone(units=1500, credit="1"), percent_off("p", "66.66666667"), meters=meters)
    reached = [number for number in range(151) if shop.use(10).follow_up is not None]
    (state,) = shop.desk.state.cycles["b", "2026-11"].earned.values()
    assert isinstance(state, MilestoneState)
    assert state.picos < 0
    assert reached == [100, 149]  # a TIER_ADJUSTMENT, and the credit


def test_a_milestone_may_win_a_credit_which_is_a_record_of_its_own() -> None:
    shop = Shop(milestone(units=10, credit="2.50"))
    shop.use(6)
    record = shop.use(5)
    credit = record.follow_up
    assert credit is not None
    assert (credit.kind.name, credit.record_id) == ("CREDIT", f"{record.record_id}-credit-goal")
    assert (credit.sequence, format_picos(credit.picos), format_picos(credit.cycle_total_picos)) == (3, "-2.5", "8.5")
    assert (credit.quantity, credit.cycle_quantity, format_picos(credit.cycle_picos)) == (0, 11, "8.5")
    assert [(one.id, format_picos(one.picos)) for one in credit.adjustments] == [("goal", "-2.5")]
    assert [one.record_id for one in record.with_follow_ups()] == [record.record_id, credit.record_id]
    assert shop.use(50).follow_up is None


def test_several_credits_follow_a_tier_adjustment() -> None:
    tiers = [{"up_to": 10, "unit_price": "2"}, {"unit_price": "1"}]
    meters = {"calls": {"unit": "u", "price": {"model": "volume", "tiers": tiers}}}
    reached = [milestone(id=f"units-{goal}", units=goal, credit="1") for goal in (12, 13)]
    shop = Shop(*reached, milestone(spend="21", credit="2"), meters=meters)
    assert format_picos(shop.use(10).picos) == "20"
    made = shop.use(5).with_follow_ups()  # 5 and, as the first ten now cost 1 each, -10: 15 spent in all
    assert [one.kind.name for one in made] == ["USAGE", "TIER_ADJUSTMENT", "CREDIT", "CREDIT"]
    assert [one.sequence for one in made] == [2, 3, 4, 5]
    assert format_picos(made[-1].cycle_total_picos) == "13"
