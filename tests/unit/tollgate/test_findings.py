"""What `status` says of a stack that is not well, and the page that it sends people to."""

from dataclasses import replace

import pytest

from flink_jobs.settings import BALANCES_JOB, USAGE_RATING
from tests.unit.tollgate.pages import RUNBOOKS
from tollgate.findings import Finding, JobFacts, Lag, StackFacts, findings, lasted, runbook_of

NOW = 1_800_000_000_000
RATING = JobFacts(USAGE_RATING, state="RUNNING", started_ms=NOW - 3_600_000, newest_checkpoint_ms=NOW - 2000)
WELL = StackFacts(NOW, checkpoint_interval_ms=3000, task_managers=2, task_managers_wanted=2, jobs=(RATING,))


def told(facts: StackFacts) -> list[tuple[str, str]]:
    """Return words and page of each finding."""
    return [(one.what, one.runbook) for one in findings(facts)]


def of_job(**changes: object) -> list[Finding]:
    """Return what is found where the rating job differs in this."""
    return findings(replace(WELL, jobs=(replace(RATING, **changes),)))  # type: ignore[arg-type]


def test_of_a_stack_that_is_well_nothing_is_told() -> None:
    assert findings(WELL) == []


def test_services_that_are_away_say_what_stands_still() -> None:
    away = replace(WELL, kafka=False, redis=False, flink=False)
    assert told(away) == [
        ("Kafka does not answer: nothing is billed until it does, and nothing is lost", "kafka-away.md"),
        ("Redis is away: balances stand still, billing goes on", "balances-behind.md"),
        ("Flink does not answer: no job runs, events wait in Kafka", "job-failed.md"),
    ]


def test_a_missing_task_manager_is_named() -> None:
    missing = replace(WELL, task_managers=1, dead=("redis", "taskmanager-2"))
    assert told(missing) == [("1 of 2 TaskManagers are missing (taskmanager-2)", "job-failed.md")]


def test_a_job_that_restarts_says_why() -> None:
    (found,) = of_job(state="RESTARTING", last_failure="PythonException: boom")
    assert found == Finding("usage-rating is RESTARTING: PythonException: boom", "job-failed.md")


def test_a_job_that_is_not_there_is_missed() -> None:
    assert of_job(state="") == [Finding("usage-rating does not run", "job-failed.md")]


def test_a_restart_is_told_of_for_ten_minutes_and_is_not_wrong() -> None:
    failed = {"restarts": 2, "last_failure": "killed"}
    (found,) = of_job(last_failure_ms=NOW - 65_000, **failed)
    assert found == Finding(
        "usage-rating has restarted 2 times, last 1 min 5 s ago: killed", "job-failed.md", wrong=False
    )
    assert of_job(last_failure_ms=NOW - 600_000, **failed) == []


@pytest.mark.parametrize(("age_ms", "count"), [(30_000, 0), (30_001, 1)])
def test_without_a_checkpoint_for_half_a_minute_something_is_wrong(age_ms: int, count: int) -> None:
    found = of_job(newest_checkpoint_ms=NOW - age_ms, failed_checkpoint="No space left on device")
    assert len(found) == count
    for one in found:
        assert one.what.endswith("no checkpoint for 30 s, so nothing is committed: No space left on device")
        assert (one.runbook, one.wrong) == ("no-checkpoints.md", True)


def test_a_longer_interval_gives_checkpoints_longer() -> None:
    slow = replace(WELL, checkpoint_interval_ms=60_000, jobs=(replace(RATING, newest_checkpoint_ms=NOW - 590_000),))
    assert findings(slow) == []


def test_a_job_that_has_just_started_may_take_its_time() -> None:
    assert of_job(newest_checkpoint_ms=0, started_ms=NOW - 20_000) == []


def test_lag_is_told_of_by_the_age_of_what_waits() -> None:
    (found,) = of_job(lags=(Lag("usage.events", 12_345, NOW - 90_000), Lag("pricing.books", 1, NOW - 1000)))
    assert found == Finding(
        "usage-rating is behind: 12,345 records of usage.events to go, the oldest written 1 min 30 s ago",
        "lag.md",
        wrong=False,
    )


def test_balances_that_are_behind_have_a_page_of_their_own() -> None:
    behind = replace(RATING, name=BALANCES_JOB, lags=(Lag("billing.records", 7, NOW - 3_700_000),))
    ((what, page),) = told(replace(WELL, jobs=(behind,)))
    assert what == "balances are behind: 7 records of billing.records to go, the oldest written 1 h 1 min ago"
    assert page == "balances-behind.md"


def test_what_waits_for_surge_is_a_note() -> None:
    (found,) = of_job(held=3)
    assert found == Finding(
        "events wait for a surge factor in 3 shards: normal for seconds", "surge-silent.md", wrong=False
    )


def test_dead_letters_are_counted_by_reason() -> None:
    letters = replace(WELL, letters={"MALFORMED": 2, "NO_PRICE": 1200})
    assert told(letters) == [
        ("1,202 dead letters in the last ten minutes: NO_PRICE 1,200, MALFORMED 2", "dead-letters.md")
    ]


def test_what_is_wrong_comes_first() -> None:
    both = replace(WELL, redis=False, letters={"NO_PRICE": 1}, jobs=(replace(RATING, held=1, newest_checkpoint_ms=0),))
    assert [one.wrong for one in findings(both)] == [True, True, False, False]


def test_causes_that_need_another_page_lead_there() -> None:
    assert runbook_of("IOException: Kafka transaction lost, its records are missing") == "transaction-lost.md"
    assert runbook_of("wire.customer_state.UnknownStateFormatError: state format 3") == "upgrade-failed.md"
    assert runbook_of("anything else") == "job-failed.md"


@pytest.mark.parametrize(
    ("milliseconds", "words"), [(-5, "0 s"), (59_999, "59 s"), (61_000, "1 min 1 s"), (7_260_000, "2 h 1 min")]
)
def test_times_are_told_in_words(milliseconds: int, words: str) -> None:
    assert lasted(milliseconds) == words


def test_every_page_that_is_named_is_there() -> None:
    everything = replace(WELL, kafka=False, redis=False, letters={"NO_PRICE": 1})
    pages = {one.runbook for one in findings(everything)} | {
        one.runbook for one in of_job(held=1, newest_checkpoint_ms=0)
    }
    pages |= {runbook_of("Kafka transaction lost"), runbook_of("UnknownStateFormatError"), "lag.md"}
    assert not pages - RUNBOOKS
