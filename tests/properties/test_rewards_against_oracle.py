"""Seeded bursts, milestones, coupons, prepaid credit and surge: the core agrees with the independent oracle."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from tests import engine, surge_job
from tests.oracle import Ledger
from tests.oracle import rate_log as oracle_rate
from tests.oracle.log import decode
from tests.properties.reward_outcomes import REWARDS, SURGES, rewards, surges
from tests.properties.reward_traffic import case_of
from tests.properties.session_traffic import Case
from tests.properties.test_sessions_against_oracle import differences, without

CASES = 2000
LEAST = 50  # of every outcome, over all cases

Differences = Callable[[Case, Ledger], list[Any]]


@cache
def cases(*, surging: bool) -> list[tuple[Case, Ledger]]:
    """Return every case, and what the oracle makes of it."""
    made = (case_of(seed, surging=surging) for seed in range(CASES))
    return [(case, oracle_rate(case.partitions, case.books)) for case in made]


def test_all_rewards_are_those_of_the_oracle() -> None:
    agree(differences, surging=False)


def test_all_surges_are_those_of_the_oracle() -> None:
    agree(surge_differences, surging=True)


def test_the_traffic_has_every_reward_often() -> None:
    found = sum((rewards(case, ledger) for case, ledger in cases(surging=False)), Counter[str]())
    assert {name: found[name] for name in REWARDS if found[name] < LEAST} == {}


def test_the_traffic_has_every_kind_of_surge_often() -> None:
    found = sum((surges(case, ledger) for case, ledger in cases(surging=True)), Counter[str]())
    assert {name: found[name] for name in SURGES if found[name] < LEAST} == {}


def agree(differing: Differences, *, surging: bool) -> None:
    """Fail with the smallest log of the first case that differs."""
    for seed, (case, expected) in enumerate(cases(surging=surging)):
        if differing(case, expected):
            least = reduced(case, differing)
            shown = [decode(one.value) for log in least.partitions.values() for one in log]
            found = differing(least, oracle_rate(least.partitions, least.books))
            raise AssertionError(f"seed {seed}: {found}\n{shown}\n{least}")


def reduced(case: Case, differing: Differences) -> Case:
    """Return a differing case with as few log records as leaving out one after another gives."""
    for number in case.partitions:
        index = 0
        while index < len(case.partitions[number]):
            less = without(case, number, index)
            if differing(less, oracle_rate(less.partitions, less.books)):
                case = less
            else:
                index += 1
    return case


def surge_differences(case: Case, expected: Ledger) -> list[Any]:
    """Return what the core makes of a case with surge that the oracle does not, and the other way round."""
    job = surge_job.rate_log(case.partitions, [engine.parse(book) for book in case.books])
    mine = engine.in_oracle_words(map(engine.as_oracle_record, job.records), expected.records)
    theirs = engine.by_sequence(expected.records)
    found: list[Any] = [(one, other) for one, other in zip(mine, theirs, strict=False) if one != other]
    found += mine[len(theirs) :] + theirs[len(mine) :]
    reason = engine.billing_pb2.DeadLetter.Reason.Name
    letters = [(one.source.partition, one.source.offset, reason(one.reason)) for one in job.letters]
    found += sorted(set(letters) ^ set(expected.dead_letters))
    found += sorted(set(job.pending) ^ set(expected.pending))
    if job.duplicates != len(expected.duplicates):
        found.append(("duplicates", job.duplicates, expected.duplicates))
    return found
