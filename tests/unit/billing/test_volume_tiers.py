"""Volume prices: usage rated before is re-priced when the cycle reaches another tier (rule 4)."""

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billing.money import PICOS_PER_UNIT
from billing.outcomes import BillingRecord, Kind
from billing.pricing import Volume
from billing.pricing.tiers import Tier
from billing.volume_tiers import VolumeState, follow_tier
from tests.unit.builders import LATENESS_MS, book, catalog, free_units, ms, percent_off, usage
from tests.unit.desk import Desk

VIDEO = Volume.of((Tier(10, "0.4"), Tier(20, "0.3"), Tier(None, "0.3")))
CLOSED_MS = ms("2026-12-01T00:00:00Z") + LATENESS_MS


def volume(*tiers: tuple[int | None, str]) -> dict[str, Any]:
    written = [{"unit_price": price} | ({"up_to": up_to} if up_to else {}) for up_to, price in tiers]
    return {"unit": "minute", "price": {"model": "volume", "tiers": written}}


def desk(**changes: Any) -> Desk:
    return Desk(catalog(book(**{"meters": {"calls": volume((10, "0.4"), (None, "0.3"))}} | changes)))


def amounts(*records: BillingRecord) -> list[tuple[str, str]]:
    both = [each for one in records for each in (one, one.follow_up) if each is not None]
    return [(one.kind.name, str(Fraction(one.picos, PICOS_PER_UNIT))) for one in both]


def test_nothing_is_due_while_the_tier_stays() -> None:
    volumes: dict[str, VolumeState] = {}
    assert follow_tier(volumes, "b@1", VIDEO, 4, (4, 1)) is None
    assert follow_tier(volumes, "b@1", VIDEO, 10, (6, 1)) is None
    assert volumes == {"b@1": VolumeState(0, 10, 1)}


def test_a_change_of_tier_reprices_what_was_rated_before_discounts_kept() -> None:
    volumes = {"b@1": VolumeState(0, 19, 2)}
    assert follow_tier(volumes, "b@1", VIDEO, 11, (9, 10)) == -95 * 10**10
    assert volumes == {"b@1": VolumeState(1, 52, 5)}


def test_a_change_between_tiers_of_one_price_is_due_nothing_and_says_so() -> None:
    assert follow_tier({"b@1": VolumeState(1, 15, 1)}, "b@1", VIDEO, 21, (6, 1)) == 0


def test_each_price_version_reprices_its_own_usage_alone() -> None:
    volumes = {"b@1": VolumeState(0, 9, 1)}
    assert follow_tier(volumes, "b@2", VIDEO, 12, (3, 1)) is None
    assert volumes == {"b@1": VolumeState(0, 9, 1), "b@2": VolumeState(1, 3, 1)}


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_at_list_price_everyone_pays_the_whole_cycle_at_its_last_tier(quantities: list[int]) -> None:
    one = desk(meters={"calls": volume((10, "0.4"), (20, "0.7"), (None, "0.25"))})
    records = [one.rated(usage(f"e{number}", quantity)) for number, quantity in enumerate(quantities)]
    total = sum(quantities)
    price = Fraction("0.4") if total <= 10 else Fraction("0.7") if total <= 20 else Fraction("0.25")
    assert sum(Fraction(amount) for _, amount in amounts(*records)) == total * price


def test_the_adjustment_is_a_record_of_its_own_behind_the_one_that_caused_it() -> None:
    one = desk()
    one.rated(usage("e1", 10))
    usage_record = one.rated(usage("e2", 1))
    adjustment = usage_record.follow_up
    assert adjustment is not None
    assert amounts(usage_record) == [("USAGE", "3/10"), ("TIER_ADJUSTMENT", "-1")]
    assert (usage_record.sequence, adjustment.sequence) == (2, 3)
    assert adjustment.record_id == f"{usage_record.record_id}-tier"
    assert (adjustment.quantity, adjustment.slices, adjustment.adjustments) == (0, (), ())
    assert (adjustment.cycle_quantity, adjustment.cycle_total_picos) == (11, 33 * 10**11)
    assert (adjustment.event_id, adjustment.event_time_ms) == ("e2", usage_record.event_time_ms)


def test_discounts_are_kept_in_the_adjustment() -> None:
    half_until_noon = percent_off("half", "50", to="2026-11-10T12:00:00.001Z")
    one = desk(promotions=[half_until_noon])
    first = one.rated(usage("e1", 10))
    second = one.rated(usage("e2", 1, event_time_ms=usage().event_time_ms + 1))
    assert amounts(first, second) == [("USAGE", "2"), ("USAGE", "3/10"), ("TIER_ADJUSTMENT", "-1/2")]


def test_free_units_apply_no_tier() -> None:
    one = desk(promotions=[free_units("welcome", 50)])
    assert amounts(one.rated(usage("e1", 45)), one.rated(usage("e2", 15)), one.rated(usage("e3", 1))) == [
        ("USAGE", "0"), ("USAGE", "4"), ("USAGE", "3/10"), ("TIER_ADJUSTMENT", "-1"),
    ]  # fmt: skip


def test_a_new_version_goes_on_counting_and_leaves_what_the_old_one_charged() -> None:
    cheaper = book(
        version=2, effective_from="2026-11-11T00:00:00Z", meters={"calls": volume((12, "0.2"), (None, "0.1"))}
    )
    one = Desk(catalog(book(meters={"calls": volume((10, "0.4"), (None, "0.3"))}), cheaper))
    later_ms = ms("2026-11-11T00:00:00Z")
    records = [one.rated(usage("e1", 9)), *(one.rated(usage(f"n{at}", 3, event_time_ms=later_ms)) for at in range(2))]
    assert amounts(*records) == [("USAGE", "18/5"), ("USAGE", "3/5"), ("USAGE", "3/10"), ("TIER_ADJUSTMENT", "-3/10")]


def test_the_adjustment_of_a_late_correction_is_billed_beside_it() -> None:
    one = desk()
    one.rated(usage("e1", 10))
    late = one.rated(usage("e2", 1), clock_ms=CLOSED_MS)
    assert late.follow_up is not None
    assert (late.kind, late.follow_up.kind) == (Kind.LATE_CORRECTION, Kind.TIER_ADJUSTMENT)
    assert (late.follow_up.cycle, late.follow_up.corrects_cycle, late.follow_up.late) == ("2026-12", "2026-11", True)
    assert late.follow_up.cycle_total_picos == -7 * 10**11


def test_a_contracts_price_is_a_version_of_its_own() -> None:
    agreed = {"customer_id": "zoe", "prices": {"calls": volume((10, "0.2"), (None, "0.1"))["price"]}}
    new = book(version=2, effective_from="2026-11-11T00:00:00Z", meters={"calls": volume((10, "0.4"), (None, "0.3"))})
    one = Desk(catalog(book(meters={"calls": volume((10, "0.4"), (None, "0.3"))}, contracts=[agreed]), new))
    records = [one.rated(usage("e1", 10)), one.rated(usage("e2", 1, event_time_ms=ms("2026-11-11T00:00:00Z")))]
    assert amounts(*records) == [("USAGE", "2"), ("USAGE", "3/10")]
    assert list(one.state.cycles["b", "2026-11"].meters["calls"].volumes) == ["b@1+b@1:zoe", "b@2"]
