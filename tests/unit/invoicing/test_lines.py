"""As many lines as a message holds."""

from billing.invoicing.lines import MAX_LINES, Line, LineKind, few_enough


def seats(number: int) -> Line:
    return Line(LineKind.SUBSCRIPTION, f"s{number}", number, quantity=2, subscription_id=f"s{number}")


def test_a_document_that_a_message_holds_names_every_line() -> None:
    lines = [seats(number) for number in range(MAX_LINES)]
    assert few_enough(lines) is lines


def test_of_more_lines_there_is_one_for_all_that_are_alike_and_nothing_is_lost() -> None:
    corrections = [Line(LineKind.CORRECTION, "late", -3, corrects="2026-10")] * 2
    lines = [seats(number) for number in range(MAX_LINES)] + corrections
    lines.append(Line(LineKind.CREDIT, "prepaid credit", -7))
    found = few_enough(lines)
    assert [(one.description, one.picos, one.corrects) for one in found] == [
        ("subscription: 5,000 lines, too many to be named here", sum(range(MAX_LINES)), ""),
        ("correction: 2 lines, too many to be named here; correction of 2026-10", -6, "2026-10"),
        ("prepaid credit", -7, ""),
    ]
    assert found[0].quantity == 2 * MAX_LINES
