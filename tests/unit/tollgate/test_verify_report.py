"""A verification in words."""

from tollgate.audit.report import MAX_DIFFERENCES, Report
from tollgate.commands.verify import describe


def report(**counts: object) -> Report:
    found = Report()
    for name, value in counts.items():
        setattr(found, name, value)
    return found


def test_a_verification_that_passed_says_how_the_input_adds_up() -> None:
    found = report(
        input=1234, rated=1200, duplicates=30, dead_lettered=4, closings=7, customers=1050,
        totals={"EUR": "0.5", "USD": "12.345"}, dead_letters_by_reason={"MALFORMED": 3, "TOO_OLD": 1},
    )  # fmt: skip
    assert describe(found) == [
        "input 1,234 = rated 1,200 + duplicates 30 + dead-lettered 4 + pending 0",
        "dead letters: MALFORMED 3, TOO_OLD 1",
        "1,050 customers, 7 cycles closed, charged 0.5 EUR, 12.345 USD",
        "verified: the books are right",
    ]


def test_of_an_empty_log_nothing_was_charged() -> None:
    assert describe(report()) == [
        "input 0 = rated 0 + duplicates 0 + dead-lettered 0 + pending 0",
        "0 customers, 0 cycles closed, charged nothing",
        "verified: the books are right",
    ]


def test_what_is_not_committed_yet_is_mentioned() -> None:
    assert "1,500 records at the end of the log are not committed yet" in describe(report(unsettled=1500))


def test_every_difference_is_a_line_and_the_last_line_says_failed() -> None:
    found = report()
    found.differ("one thing")
    found.differ("another")
    assert not found.passed
    assert describe(found)[2:] == ["DIFFERENCE one thing", "DIFFERENCE another", "FAILED: 2 differences"]


def test_of_very_many_differences_the_first_are_shown_and_all_are_counted() -> None:
    found = report()
    for number in range(MAX_DIFFERENCES + 1200):
        found.differ(f"thing {number}")
    lines = describe(found)
    assert sum(line.startswith("DIFFERENCE") for line in lines) == MAX_DIFFERENCES
    assert lines[-2:] == ["... and 1,200 more differences", "FAILED: 1,250 differences"]
