"""A detector over time: every interval once, silence leapt over, equal to a loop that knows no short cuts."""

from collections.abc import Mapping
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.surge import Decision, Elasticity, Levels, Situation, SurgeLevel, SurgeModel, SurgeRule
from billing.surge.detector import Decided, Detector
from billing.surge.rule import NO_SURGE
from billing.surge.rules import RuleInForce

LEVELS = (SurgeLevel(10, Fraction("1.25")), SurgeLevel(20, Fraction("1.6")), SurgeLevel(30, Fraction(2)))
YEAR_OF_SECONDS = 365 * 86_400


def rule(model: SurgeModel) -> RuleInForce:
    return RuleInForce(SurgeRule("s", ("sms",), "region", 1000, 0, LEVELS, 8, model), 1)


LEVELLED = rule(Levels())


def run(detector: Detector, last: int, in_force: RuleInForce | None = LEVELLED) -> list[Decided]:
    return list(detector.decide_through(last, lambda _: in_force, lambda *_: {}))


def shown(decided: list[Decided]) -> list[tuple[int, int, str]]:
    return [(one.interval, one.demand, str(float(one.factor))) for one in decided]


def test_a_peak_by_hand() -> None:
    detector = Detector(100)
    for interval, units in [(100, 9), (101, 31), (103, 19), (107, 8)]:
        assert detector.count(interval, units)
    assert shown(run(detector, 110)) == [
        (100, 9, "1.0"),
        (101, 31, "2.0"),
        (102, 0, "1.6"),
        (103, 19, "1.25"),  # below 20
        (104, 0, "1.0"),  # below 8: surge is off
        (107, 8, "1.0"),  # 8 holds a level and begins none
    ]


def test_a_year_of_silence_takes_no_loop_over_its_intervals() -> None:
    detector = Detector(5, counted={5: 30})
    assert [one.interval for one in run(detector, 5 + YEAR_OF_SECONDS * 1000)] == [5, 6, 7, 8]
    assert (detector.next_interval, detector.at_rest, detector.counted) == (6 + YEAR_OF_SECONDS * 1000, True, {})


def test_demand_of_a_decided_interval_is_not_counted() -> None:
    detector = Detector(5)
    run(detector, 9)
    assert not detector.count(9, 1)
    assert detector.count(10, 1)


def test_demand_ahead_does_not_keep_earlier_intervals_from_counting() -> None:
    detector = Detector(5, counted={50: 10})
    run(detector, 9)
    assert detector.count(10, 30)
    assert [one.interval for one in run(detector, 60)] == [10, 11, 12, 13, 50, 51]


def test_an_interval_without_a_rule_in_force_ends_the_surge() -> None:
    detector = Detector(5, counted={5: 30, 6: 30, 7: 9})
    found = detector.decide_through(8, lambda interval: LEVELLED if interval != 6 else None, lambda *_: {})
    assert shown(list(found)) == [(5, 30, "2.0"), (7, 9, "1.0")]


class Stubborn:
    """A function that never lets go."""

    signals = ()

    def decide(self, _: Situation) -> Decision:
        return Decision(1, Fraction(100))


def test_a_function_that_never_lets_go_is_capped_and_comes_to_rest_all_the_same() -> None:
    detector = Detector(5, counted={5: 1})
    found = run(detector, YEAR_OF_SECONDS, rule(Stubborn()))
    assert {one.factor for one in found} == {2}
    assert len(found) < 50


demands = st.dictionaries(st.integers(0, 60), st.integers(1, 40), max_size=25)
models = st.sampled_from([Levels(), Elasticity(10, Fraction("0.7"), Fraction("0.5"), "")])


def brute_force(counted: Mapping[int, int], model: SurgeModel, last: int) -> dict[int, tuple[int, Fraction]]:
    """Decide every interval from 0, one after the other."""
    level, factor, earlier, found = 0, NO_SURGE, [0, 0, 0], {}
    for interval in range(last + 1):
        demand = counted.get(interval, 0)
        level, factor = model.decide(Situation(demand, LEVELS, 8, level, factor, tuple(earlier)))
        earlier = [demand, *earlier][:3]
        found[interval] = level, factor
    return found


@given(demands, models, st.lists(st.integers(0, 80), max_size=6))
def test_it_decides_as_a_loop_over_all_intervals_does(
    counted: dict[int, int], model: SurgeModel, stops: list[int]
) -> None:
    expected = brute_force(counted, model, 80)
    detector = Detector(0)
    for interval, units in counted.items():
        detector.count(interval, units)
    found = [one for last in [*sorted(stops), 80] for one in run(detector, last, rule(model))]
    assert [one.interval for one in found] == sorted({one.interval for one in found})
    named = {one.interval: (one.level, one.factor) for one in found}
    assert expected == {interval: named.get(interval, (0, NO_SURGE)) for interval in range(81)}
    assert all(one.demand == counted.get(one.interval, 0) for one in found)


@given(demands, st.data())
def test_splitting_and_permuting_counts_changes_nothing(counted: dict[int, int], data: st.DataObject) -> None:
    parts = [(interval, 1) for interval, units in counted.items() for _ in range(units)]
    whole, split = Detector(0), Detector(0)
    for interval, units in counted.items():
        whole.count(interval, units)
    for interval, units in data.draw(st.permutations(parts)):
        split.count(interval, units)
    assert run(whole, 80) == run(split, 80)


@given(demands)
def test_levels_never_skip_downwards(counted: dict[int, int]) -> None:
    detector = Detector(0, counted=dict(counted))
    assert all(one.level >= one.level_before - 1 for one in run(detector, 80))
