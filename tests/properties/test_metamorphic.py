"""What may be done to a log without changing what anybody owes: repeat, replay, permute, split."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import engine
from tests.oracle import LogRecord
from tests.properties.test_core_against_oracle import CUSTOMERS, HOUR_MS, METERS, START_MS, books, tiers
from wire.v1 import billing_pb2, usage_pb2

FAR_MS = START_MS + 400 * 24 * HOUR_MS  # a Kafka timestamp that makes no event a future one
EXACT = ("flat", "stairs", "packs", "bulk")
Usage = tuple[str, str, int, int]
Totals = dict[tuple[str, str], tuple[Fraction, int]]

quick = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
hours = st.integers(-24, 24 * 40)
hours_of_november = st.integers(0, 24 * 30 - 1)


def usages(when: st.SearchStrategy[int], meters: Sequence[str] = METERS) -> st.SearchStrategy[list[Usage]]:
    one = st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(meters), st.integers(1, 50), when)
    return st.lists(one, max_size=15)


@st.composite
def list_prices(draw: st.DrawFn) -> dict[str, Any]:
    """One version without percentages; at most one allowance, of one meter."""
    only = draw(books())[0]
    free = {"id": "free", "kind": "free_units", "meters": [draw(st.sampled_from(EXACT))], "units": 20}
    changes = {"promotions": draw(st.sampled_from(([], [free]))), "contracts": [], "dedup_horizon": "35d"}
    return only | changes | {"cycle": {"period": "month", "timezone": "UTC"}}


def message(number: int, usage: Usage) -> bytes:
    customer, meter, quantity, hour = usage
    return usage_pb2.UsageEvent(
        event_id=f"e{number}", customer_id=customer, meter=meter, quantity=quantity,
        event_time_ms=START_MS + hour * HOUR_MS,
    ).SerializeToString()  # fmt: skip


def log_of(events: Sequence[Usage]) -> list[tuple[bytes, bytes]]:
    """Events with ids of their own, as (key, value)."""
    return [(usage[0].encode(), message(number, usage)) for number, usage in enumerate(events)]


def rated(log: Iterable[tuple[bytes, bytes]], plain: Sequence[dict[str, Any]]) -> engine.Engine:
    records = [LogRecord(offset, FAR_MS, key, value) for offset, (key, value) in enumerate(log)]
    return engine.rate_log({0: records}, [engine.parse(book) for book in plain])


def without_position(job: engine.Engine) -> list[billing_pb2.BillingRecord]:
    """The records in the order of customer and sequence, without the offset of what caused them."""
    for one in job.records:
        one.ClearField("source")
    return sorted(job.records, key=lambda one: (one.customer_id, one.sequence))


def totals(job: engine.Engine) -> Totals:
    """Each customer's amount and units by meter; everything is of one cycle."""
    amounts: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    quantities: dict[tuple[str, str], int] = defaultdict(int)
    for one in job.records:
        amounts[one.customer_id, one.meter] += Fraction(one.amount)
        quantities[one.customer_id, one.meter] += one.quantity
    return {key: (amount, quantities[key]) for key, amount in amounts.items()}


@quick
@given(usages(hours), books(), st.lists(st.integers(1, 3), min_size=15, max_size=15))
def test_repeating_events_gives_the_same_records(
    events: list[Usage], plain: list[dict[str, Any]], times: list[int]
) -> None:
    once = log_of(events)
    often = [one for one, count in zip(once, times, strict=False) for _ in range(count)]
    assert without_position(rated(often, plain)) == without_position(rated(once, plain))


@quick
@given(usages(hours), books())
def test_replaying_the_whole_log_behind_itself_gives_the_same_records(
    events: list[Usage], plain: list[dict[str, Any]]
) -> None:
    once = log_of(events)
    assert without_position(rated(once + once, plain)) == without_position(rated(once, plain))


@quick
@given(usages(hours_of_november), list_prices(), st.randoms(use_true_random=False))
def test_at_list_price_the_order_within_a_cycle_does_not_change_the_totals(
    events: list[Usage], plain: dict[str, Any], random: Any
) -> None:
    shuffled = log_of(events)
    random.shuffle(shuffled)
    assert totals(rated(shuffled, [plain])) == totals(rated(log_of(events), [plain]))


@quick
@given(usages(hours_of_november, EXACT), list_prices(), st.lists(st.integers(0, 50), min_size=15, max_size=15))
def test_at_list_price_splitting_events_does_not_change_the_totals(
    events: list[Usage], plain: dict[str, Any], cuts: list[int]
) -> None:
    assert totals(rated(log_of(split(events, cuts)), [plain])) == totals(rated(log_of(events), [plain]))


@quick
@given(usages(hours_of_november, ["shares"]), list_prices(), st.lists(st.integers(0, 50), min_size=15, max_size=15))
def test_splitting_what_is_priced_by_shares_changes_the_totals_by_rounding_alone(
    events: list[Usage], plain: dict[str, Any], cuts: list[int]
) -> None:
    parts = split(events, cuts)
    whole, in_parts = (totals(rated(log_of(each), [plain])) for each in (events, parts))
    half_a_pico = Fraction(1, 2 * 10**12)
    assert whole.keys() == in_parts.keys()
    for key, (amount, quantity) in whole.items():
        assert in_parts[key][1] == quantity
        assert abs(in_parts[key][0] - amount) <= half_a_pico * (len(parts) + len(events))


@given(tiers(), st.integers(1, 200))
def test_at_list_price_one_big_event_costs_what_single_units_do(steps: list[dict[str, Any]], quantity: int) -> None:
    meters = {"stairs": {"unit": "u", "price": {"model": "graduated", "tiers": steps}}}
    plain = {"price_book": "b", "version": 1, "effective_from": "2026-01-01T00:00:00Z", "currency": "USD"}
    units: list[Usage] = [("ada", "stairs", 1, 0)] * quantity
    at_once: list[Usage] = [("ada", "stairs", quantity, 0)]
    book = plain | {"meters": meters}
    assert totals(rated(log_of(units), [book])) == totals(rated(log_of(at_once), [book]))


def split(events: Sequence[Usage], cuts: Sequence[int]) -> list[Usage]:
    """Cut events in two where the cut lies inside."""
    parts: list[Usage] = []
    for (customer, meter, quantity, hour), cut in zip(events, cuts, strict=False):
        pieces = (cut, quantity - cut) if 0 < cut < quantity else (quantity,)
        parts += [(customer, meter, piece, hour) for piece in pieces]
    return parts
