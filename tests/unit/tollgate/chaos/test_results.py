"""When a run has passed, and how its table reads."""

from rich.console import Console

from tollgate.audit.report import Report
from tollgate.chaos.results import Outcome, Results, table


def results(*outcomes: Outcome, settled: bool = True, differences: int = 0) -> Results:
    report = Report(difference_count=differences)
    return Results(7, 60, list(outcomes), events=1000, settled=settled, report=report)


def outcome(kind: str, committed: float | None, settled: float | None) -> Outcome:
    return Outcome(1, kind, "", committed, settled)


def lines(found: Results) -> list[str]:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table(found))
    return capture.get().splitlines()


def test_a_run_passes_when_all_recovered_all_settled_and_the_books_are_right() -> None:
    good = outcome("kill-broker", 8.0, 9.0)
    assert results(good).passed
    assert not results(good, settled=False).passed
    assert not results(good, differences=1).passed
    back = results(good)
    back.went_back.append("live_sequence of anna went back from 7 to 6")
    assert not back.passed
    assert not results(good, outcome("kill-broker", 8.0, None)).passed
    assert not Results(7, 60, [good], settled=True).passed, "a run that was not judged has not passed"


def test_the_table_has_a_row_for_each_kind_with_its_middle_and_its_most() -> None:
    seconds = ((1.0, 2.0), (3.0, 4.0), (9.0, 10.0))
    found = results(*(outcome("kill-redis", *one) for one in seconds), outcome("kill-broker", 5.0, 6.0))
    redis_row = next(line for line in lines(found) if line.startswith("kill-redis"))
    assert redis_row.split() == ["kill-redis", "3", "3.0", "s", "9.0", "s", "4.0", "s", "10.0", "s", "yes"]
    assert next(line for line in lines(found) if line.startswith("all")).split()[1] == "4"


def test_the_table_says_what_has_not_come_back() -> None:
    found = results(outcome("kill-redis", 1.0, None), outcome("kill-redis", 1.0, 2.0))
    row = next(line for line in lines(found) if line.startswith("kill-redis"))
    assert "never" in row
    assert "NO: 1 of 2" in row


def test_as_json_it_says_what_passed() -> None:
    plain = results(outcome("kill-redis", 1.0, None)).as_plain()
    assert plain["passed"] is False
    assert plain["faults"][0]["recovered"] is False
    assert plain["verify"]["passed"] is True
