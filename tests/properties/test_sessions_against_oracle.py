"""Seeded sessions and retractions: the job's rating code agrees with the independent oracle to the last field."""

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from typing import Any

from tests import engine
from tests.oracle import Ledger
from tests.oracle import rate_log as oracle_rate
from tests.oracle.log import decode
from tests.properties.session_outcomes import OUTCOMES, event_at, is_heartbeat, outcomes
from tests.properties.session_traffic import Case, case_of

CASES = 2000
LEAST = 50  # of every outcome, over all cases
BY_RULES_10_AND_11 = {"RETRACTION_UNKNOWN_EVENT", "ALREADY_RETRACTED", "SESSION_CLOSED", "SESSION_WITHOUT_START"}


@cache
def cases() -> list[tuple[Case, Ledger]]:
    """Return every case, and what the oracle makes of it."""
    return [(case, oracle_rate(case.partitions, case.books)) for case in map(case_of, range(CASES))]


def test_everything_is_that_of_the_oracle() -> None:
    for seed, (case, expected) in enumerate(cases()):
        if differences(case, expected):
            least = reduced(case)
            shown = [decode(one.value) for log in least.partitions.values() for one in log]
            found = differences(least, oracle_rate(least.partitions, least.books))
            raise AssertionError(f"seed {seed}: {found}\n{shown}\n{least}")


def test_the_traffic_has_every_outcome_often() -> None:
    found = Counter[str]()
    for case, ledger in cases():
        found += outcomes(case, ledger)
    assert {name: found[name] for name in OUTCOMES if found[name] < LEAST} == {}


def test_every_event_has_one_outcome() -> None:
    for case, ledger in cases():
        letters = [(partition, offset) for partition, offset, _ in ledger.dead_letters]
        ended = ledger.rated + ledger.duplicates + letters + ledger.pending
        assert len(ended) == len(set(ended))
        everything = {(number, one.offset) for number, log in case.partitions.items() for one in log}
        assert {at for at in everything - set(ended) if not is_heartbeat(case, at)} == set()
        assert set(ended) <= everything
        assert set(ledger.absorbed) <= set(ledger.rated)


def differences(case: Case, expected: Ledger) -> list[Any]:
    """Return what the core makes of a case that the oracle does not, and the other way round."""
    job = engine.rate_log(case.partitions, [engine.parse(book) for book in case.books], case.cut)
    mine = engine.in_oracle_words(map(engine.as_oracle_record, job.records), expected.records)
    theirs = engine.by_sequence(expected.records)
    found: list[Any] = [(one, other) for one, other in zip(mine, theirs, strict=False) if one != other]
    found += mine[len(theirs) :] + theirs[len(mine) :]
    reason = engine.billing_pb2.DeadLetter.Reason.Name
    letters = [(one.source.partition, one.source.offset, reason(one.reason)) for one in job.letters]
    found += sorted(set(letters) ^ set(expected.dead_letters))
    found += [("more than once", one) for one, times in Counter(letters).items() if times > 1]
    found += [("incomplete", one) for one in job.letters if not is_complete(one, case, expected)]
    if in_order(case, letters) != in_order(case, expected.dead_letters):
        found.append(("order", letters, expected.dead_letters))
    if job.rater.counts["duplicates"] != len(expected.duplicates):
        found.append(("duplicates", job.rater.counts["duplicates"], expected.duplicates))
    return found


def is_complete(letter: Any, case: Case, expected: Ledger) -> bool:
    """Say whether a letter has all of the record that it is for, however long that was held."""
    at = letter.source.partition, letter.source.offset
    one = case.partitions[at[0]][at[1]]
    said = (letter.raw, letter.key, letter.record_timestamp_ms, letter.clock_ms, letter.source.topic)
    return said == (one.value, one.key or b"", one.timestamp_ms, expected.clocks[at], engine.TOPIC)


def in_order(case: Case, letters: list[tuple[int, int, str]]) -> dict[str, list[tuple[int, int, str]]]:
    """Return each customer's letters of rules 10 and 11 in their order."""
    found: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for partition, offset, reason in letters:
        if reason in BY_RULES_10_AND_11:
            found[event_at(case, (partition, offset)).customer_id].append((partition, offset, reason))
    return found


def reduced(case: Case) -> Case:
    """Return a differing case with as few log records as leaving out one after another gives."""
    for number in case.partitions:
        index = 0
        while index < len(case.partitions[number]):
            less = without(case, number, index)
            if differences(less, oracle_rate(less.partitions, less.books)):
                case = less
            else:
                index += 1
    return case


def without(case: Case, number: int, index: int) -> Case:
    """Return a case without one record."""
    log = case.partitions[number]
    kept = [replace(one, offset=offset) for offset, one in enumerate(log[:index] + log[index + 1 :])]
    return replace(case, partitions=case.partitions | {number: kept})
