"""A few thousand inputs for every decoder; `make fuzz` gives them millions."""

from collections import Counter
from random import Random

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.tell import fuzz, summary

INPUTS = 20_000


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_nothing_comes_of_any_input_that_is_not_declared(target: Target) -> None:
    told = fuzz(target, INPUTS * target.share // 1000, seed=2)
    assert told.wrong == []
    assert told.came.total() == told.inputs
    assert len(told.came) > 1, "inputs that are all readable, or all garbage, show nothing"


def test_all_shares_together_are_all_inputs() -> None:
    assert sum(target.share for target in TARGETS) == 1000


def judge(case: int) -> Counter[str]:
    if case % 3 == 0:
        raise LookupError(case)
    if case % 3 == 1:
        raise ZeroDivisionError(case)
    return Counter({"read": case % 2})


def test_what_is_not_declared_or_not_accounted_for_is_found_with_its_input() -> None:
    numbers = iter(range(6))
    target = Target("numbers", 1000, lambda _: next(numbers), judge, (LookupError,))
    told = fuzz(target, 6, seed=1)
    assert told.came == Counter({"refused: LookupError": 2, "read": 1})
    assert told.wrong == [
        "ZeroDivisionError: 1 of 1",
        "0 of 1 are accounted for, {'read': 0}, of 2",
        "ZeroDivisionError: 4 of 4",
    ]
    assert any("NOT DECLARED ZeroDivisionError: 1 of 1" in line for line in summary(target, told))


def test_the_same_seed_gives_the_same_inputs() -> None:
    for target in TARGETS:
        assert repr(target.make(Random(5))) == repr(target.make(Random(5)))


def test_the_command_ends_with_1_where_something_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "TARGETS", (Target("numbers", 1000, lambda random: random.randrange(9), judge),))
    assert command.main(["50", "7"]) == 1
    assert "50 inputs in 0 s, seed 7: " in capsys.readouterr().out
    monkeypatch.setattr(command, "TARGETS", TARGETS[:1])
    assert command.main(["50"]) == 0
