"""`quote` with surge: the published factor of the time asked for, or factor 1, and why."""

from billing.instants import format_instant
from billing.outcomes import BillingRecord
from tests.unit.tollgate.books_in_memory import MemoryLog
from tests.unit.tollgate.test_audit_surge import at, books
from tollgate.audit.standing import Standing
from tollgate.commands.quote import as_plain, find_standing, priced, read_event
from tollgate.commands.quote_surge import narrate_quoted_surge


def quoted(
    found: MemoryLog, second: int, customer: str = "", region: str = "eu", meter: str = "mms.outbound"
) -> tuple[BillingRecord, list[str], Standing]:
    """Return the quote of 3 units, what is said of surge, and where the customer stands."""
    standing = find_standing(found, customer, "", lambda _: None)  # type: ignore[arg-type]  # as much as it uses
    event = read_event(meter, "3", customer, format_instant(at(second)), [f"region={region}"])
    return priced(standing, event), list(narrate_quoted_surge(standing, event)), standing


def test_the_published_factor_of_that_time_is_in_the_price_and_told() -> None:
    record, said, _ = quoted(books(), 12)
    plain = as_plain(record)
    assert plain["total"] == "0.1056"  # 3 * 0.022 * 1.6
    assert [(one["kind"], one["factor"]) for one in plain["record"]["adjustments"]] == [("SURGE", "1.6")]
    assert said == [
        "Surge 'peak' of mms.outbound, region 'eu': interval 2026-11-10 12:00:10 UTC to 2026-11-10 12:00:20 UTC.",
        (
            "  - 20 units of demand in the window from 2026-11-10 11:59:55 UTC to 2026-11-10 12:00:05 UTC,"
            " which decides it."
        ),
        "  - That is level 2 of version 2: factor 1.6, published before anyone was charged it.",
    ]


def test_it_is_what_an_event_of_that_time_was_charged_and_its_customer_would_be_again() -> None:
    assert as_plain(quoted(books(), 21, "zoe")[0])["total"] == "0.0825"  # as the record of e4
    assert as_plain(quoted(books(), 12, "acme")[0])["total"] == "0.0912"  # 3 * 0.02 * 1.6 less 5 %


def test_where_nothing_was_decided_for_the_value_the_factor_is_1() -> None:
    record, said, _ = quoted(books(), 12, region="moon")
    assert as_plain(record)["total"] == "0.066"
    assert said[-1].endswith("factor 1, by default.")


def test_what_is_not_decided_yet_is_quoted_at_factor_1_and_says_so() -> None:
    record, said, _ = quoted(books(), 80)
    assert as_plain(record)["total"] == "0.066"
    assert said[-1] == "  - Its factor is not decided yet: quoted with factor 1. An event of that time waits for it."


def test_a_meter_without_a_rule_has_nothing_to_say() -> None:
    assert quoted(books(), 12, meter="video")[1] == []
