"""When days and cycles are due."""

from billing.calendar import Cycle
from billing.instants import format_instant
from billing.invoicing.account import NEVER_OPEN_MS, Account
from billing.invoicing.schedule import close_due, next_due_ms
from billing.invoicing.settlement import Agreed
from tests.unit.builders import ms
from tests.unit.invoicing.accounts import account, used
from tests.unit.subscriptions.desk import Desk, cancel, start

FIFTH = "2026-11-05T12:00:00Z"


def due(account: Account) -> str:
    return format_instant(next_due_ms(account))


def test_nothing_is_due_for_a_customer_without_anything() -> None:
    assert next_due_ms(Account("zoe")) == next_due_ms(account()) == NEVER_OPEN_MS


def test_usage_is_due_with_its_day_and_then_with_its_cycle() -> None:
    made = account([used("1", FIFTH)])
    assert due(made) == "2026-11-06T03:00:00Z"
    assert close_due(made, ms("2026-11-06T02:59:59.999Z")) == []
    assert [one.day for one in close_due(made, ms("2026-11-06T03:00:00Z"))] == ["2026-11-05"]
    assert due(made) == "2026-12-01T03:00:00Z"
    assert [(one.day, one.number) for one in close_due(made, ms("2026-12-01T03:00:00Z"))] == [("", 1)]
    assert due(made) == "2027-01-01T03:00:00Z"


def test_a_running_subscription_is_due_every_day_without_any_event() -> None:
    made = account([], Desk().take(start(1)).facts)
    found = close_due(made, ms("2027-01-01T03:00:00Z"))
    assert [one.cycle for one in found if not one.day] == ["2026-11", "2026-12"]
    assert len([one for one in found if one.day]) == 61
    assert due(made) == "2027-01-02T03:00:00Z"


def test_one_that_has_ended_is_due_no_more_than_once_a_cycle() -> None:
    made = account([], Desk().take(start(1), cancel(2, "2026-11-10T00:00:00Z")).facts)
    found = close_due(made, ms("2027-06-01T00:00:00Z"))
    assert [one.cycle for one in found if not one.day] == ["2026-11"]
    assert due(made) == "2027-06-01T03:00:00Z"


def test_an_end_planned_long_before_has_its_cycle_closed() -> None:
    planned = cancel(2, "2026-12-10T00:00:00Z", created_time_ms=ms(FIFTH))
    made = account([], Desk().take(start(1), planned).facts)
    found = close_due(made, ms("2027-06-01T00:00:00Z"))
    assert [one.cycle for one in found if not one.day] == ["2026-11", "2026-12"]
    assert due(made) == "2027-06-01T03:00:00Z"


def test_a_minimum_is_due_every_cycle_with_or_without_use() -> None:
    made = account([used("1", FIFTH)])

    def agreed(_book: str, _cycle: Cycle) -> Agreed:
        return Agreed(100 * 10**12)

    found = close_due(made, ms("2027-02-01T03:00:00Z"), agreed)
    assert [(one.cycle, one.total_minor) for one in found if not one.day] == [
        ("2026-11", 10_000),
        ("2026-12", 10_000),
        ("2027-01", 10_000),
    ]
