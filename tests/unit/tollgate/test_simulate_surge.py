"""`prices simulate` with surge: the rules of either side decide factors over the log, as the job would have."""

from collections import Counter
from typing import Any

import pytest

from billing.money import parse_picos
from flink_jobs.topics import RECORDS, SIGNALS
from tests import engine, surge_job
from tests.oracle.example import Log, book
from tests.properties.reward_traffic import case_of
from tests.unit.tollgate.books_in_memory import MemoryLog, message, message_of, rated
from tests.unit.tollgate.test_audit_surge import EU, LEVELS, MMS, at, books, peak, surging
from tests.unit.tollgate.test_simulate import lines, tried
from tollgate.what_if.difference import Difference
from tollgate.what_if.tables import as_plain, sentences
from wire.v1 import pricing_pb2

ZOE, ACME = ("zoe", "mms.outbound"), ("acme", "mms.outbound")
PLAIN = {ZOE: "0.572", ACME: "0.057"}  # 26 * 0.022; 3 * 0.02 less 5 %
SURGED = {ZOE: "0.6281", ACME: "0.057"}  # 20 * 0.022 + 0.1056 + 0.0825


def sides(found: Difference) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    both = lines(found)
    return {key: before for key, (before, _) in both.items()}, {key: after for key, (_, after) in both.items()}


def test_the_book_in_force_makes_no_difference_and_before_is_what_was_charged() -> None:
    found = tried(books(), surging() | {"version": 3})
    assert sides(found) == (SURGED, SURGED)
    assert as_plain(found)["totals"][0]["before"] == "0.6851"
    assert as_plain(found)["surge"] == {
        "before": {"intervals": 2, "highest_factor": "1.6"}, "after": {"intervals": 2, "highest_factor": "1.6"},
    }  # fmt: skip


def test_a_surge_rule_in_a_draft_has_its_effect_on_a_log_that_had_none() -> None:
    log = peak()
    found = tried(rated(log, book()), surging() | {"version": 3})
    assert sides(found) == (PLAIN, SURGED)
    assert list(sentences(found))[-1] == (
        "Surge, counted from the log: before 0 intervals with a factor other than 1;"
        " with the draft 2 intervals with a factor other than 1, at most 1.6."
    )


def test_a_draft_without_the_rule_takes_the_surge_away() -> None:
    assert sides(tried(books(), book(version=3))) == (SURGED, PLAIN)


def test_other_levels_decide_other_factors() -> None:
    draft = surging(levels=[{"at_least": "20", "factor": "2"}, LEVELS[1] | {"at_least": "30", "factor": "3"}])
    before, after = sides(tried(books(), draft | {"version": 3}))
    assert (before, after[ZOE]) == (SURGED, "0.638")  # 0.44 + 3 * 0.022 * 2, and released at once: + 3 * 0.022


def test_without_any_rule_nothing_is_said_of_surge() -> None:
    found = tried(rated(peak(), book()), book(version=3))
    assert as_plain(found)["surge"] is None
    assert not any("Surge" in one for one in sentences(found))


def test_the_demand_of_the_day_before_the_first_cycle_counts() -> None:
    """That from 22:00 to 23:00 decides the first hour of November."""
    log = Log()
    for event_id, units, time in (("e0", 20, "2026-10-31T22:30:00Z"), ("e1", 1, "2026-11-01T00:00:01Z")):
        log.use(units, at=time, stamped=time, event_id=event_id, dimensions=EU)
    plain = surging(window="1h", lead="1h") | {"effective_from": "2026-01-01T00:00:00Z"}
    assert sides(tried(rated(log, plain), plain | {"version": 3})) == ({ZOE: "0.0352"}, {ZOE: "0.0352"})  # 0.022 * 1.6


def test_external_signals_count_by_their_time() -> None:
    parameters = {"capacity": "10", "elasticity": "1", "signal": "weather"}
    rule: dict[str, Any] = {"model": "elasticity", "parameters": parameters}
    found = rated(peak(), book())
    for offset, (second, value) in enumerate(((3, "0.7"), (6, "9"))):
        signal = pricing_pb2.PriceSignal(
            meter=MMS[0], dimension_value="eu", name="weather", value=value, event_time_ms=at(second)
        )
        found.topics.setdefault(SIGNALS, []).append(message(SIGNALS, signal, b"", offset))
    _, after = sides(tried(found, surging(**rule) | {"version": 3}))
    # 20 * 0.7 where 10 is the capacity: 1.4; then demand of 3 * 9 is above it as well, and 1.6 the most
    assert after[ZOE] == "0.638"


@pytest.mark.parametrize("seed", range(40))
def test_the_book_in_force_never_makes_a_difference(seed: int) -> None:
    """Random books with surge and everything else, random traffic: what was charged is on both sides."""
    case = case_of(seed, surging=True)
    (plain, *_) = case.books
    job = surge_job.rate_log(case.partitions, [engine.parse(plain)])
    written = engine.Engine(engine.PriceCatalog())
    written.records, written.letters = job.records, job.letters
    log = type("AnyLog", (), {"partitions": case.partitions})
    found = tried(rated(log, plain, written), plain | {"version": 9}, "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z")
    assert {key for key, (before, after) in lines(found).items() if before != after} == set()
    assert found.surge is None or found.surge[0] == found.surge[1]
    if not job.pending:
        charged = charges(rated(log, plain, written))
        assert {key: one.before_picos for key, one in found.lines.items() if one.before_picos} == charged


def charges(found: MemoryLog) -> dict[tuple[str, str, str], int]:
    picos: Counter[tuple[str, str, str]] = Counter()
    for record in map(message_of, found.topics[RECORDS]):
        picos[record.customer_id, record.meter, record.currency] += parse_picos(record.amount)
    return {key: one for key, one in picos.items() if one}
