"""`prices simulate` on topics in memory: both sides by hand, and what could not be rated."""

from pathlib import Path
from typing import Any

import pytest

from billing.money import format_picos, parse_picos
from billing.price_books.document import document_from_plain
from flink_jobs.topics import PRICE_BOOKS, RECORDS
from tests import engine
from tests.oracle.example import Log, book, ms
from tests.unit.tollgate.books_in_memory import MemoryLog, books, message_of, rated
from tollgate.audit.prices import PriceHistory
from tollgate.commands.simulate import check_draft, read_draft, read_period
from tollgate.context import Context
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import EXIT_UNUSABLE, StackError
from tollgate.price_files import Draft
from tollgate.settings import Settings
from tollgate.what_if.difference import Difference
from tollgate.what_if.simulate import Period, period_of, simulate
from tollgate.what_if.tables import as_plain
from wire.price_books import to_message

NOVEMBER, DECEMBER = "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"


def draft(**prices: Any) -> dict[str, Any]:
    """Return the example book as its version 3, with other prices of some meters."""
    plain = book(version=3)
    plain["meters"] = {
        name: meter | ({"price": prices[name]} if name in prices else {}) for name, meter in plain["meters"].items()
    }
    return plain


def per_unit(price: str) -> dict[str, str]:
    return {"model": "per_unit", "unit_price": price}


def tried(found: MemoryLog, plain: dict[str, Any], since: str = NOVEMBER, until: str = DECEMBER) -> Difference:
    history = PriceHistory(found.read(PRICE_BOOKS))
    catalog = history.at(history.latest())
    period = period_of(catalog, ms(since), ms(until))
    return simulate(found, catalog, engine.parse(plain), period)  # type: ignore[arg-type]  # as much as it uses


def lines(found: Difference) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (key.customer_id, key.meter): (format_picos(one.before_picos), format_picos(one.after_picos))
        for key, one in found.lines.items()
    }


def publish(found: MemoryLog, plain: dict[str, Any]) -> None:
    value = to_message(document_from_plain(plain)).SerializeToString()
    found.topics[PRICE_BOOKS].append(LogRecord(PRICE_BOOKS, 0, len(found.topics[PRICE_BOOKS]), 0, b"", value))


def test_the_same_prices_make_no_difference_and_are_what_was_charged() -> None:
    found = books()
    difference = tried(found, draft(), until="2026-12-02T00:00:00Z")
    charged: dict[tuple[str, str], int] = {}
    for record in map(message_of, found.topics[RECORDS]):
        if record.HasField("source"):
            key = (record.customer_id, record.meter)
            charged[key] = charged.get(key, 0) + parse_picos(record.amount)
    assert lines(difference) == {key: (format_picos(picos), format_picos(picos)) for key, picos in charged.items()}
    assert as_plain(difference)["totals"][0]["before"] == "42.1679"  # as `verify` adds it up
    assert difference.customers("USD") == (0, 0, 3)


def test_each_customer_and_meter_is_shown_before_and_after() -> None:
    log = Log(2)
    log.use(10, "mms.outbound")
    log.use(10, "mms.outbound", customer_id="acme", partition=1)
    log.use(1500, "api.calls")
    found = tried(rated(log), draft(**{"mms.outbound": per_unit("0.03"), "api.calls": per_unit("0.0001")}))
    assert lines(found) == {
        ("zoe", "mms.outbound"): ("0.22", "0.3"),
        ("acme", "mms.outbound"): ("0.19", "0.19"),  # the contract's own price, inside the draft as well
        ("zoe", "api.calls"): ("0.8", "0.15"),
    }
    plain = as_plain(found)
    assert plain["totals"] == [
        {
            "currency": "USD", "units_before": 1520, "units_after": 1520, "before": "1.21", "after": "0.64",
            "difference": "-0.57", "percent": "-47.11", "customers": {"more": 0, "less": 1, "same": 1},
        }
    ]  # fmt: skip
    assert [one["meter"] for one in plain["lines"]] == ["api.calls", "mms.outbound", "mms.outbound"]
    assert plain["compared_with"] == ["standard@2"]


def test_what_was_used_earlier_in_the_cycle_counts_and_is_not_shown() -> None:
    log = Log()
    log.use(1090, "sms.outbound", at="2026-11-02T00:00:00Z")
    log.use(20, "sms.outbound", at="2026-11-10T00:00:00Z")
    tiers = {"model": "graduated", "tiers": [{"up_to": 1000, "unit_price": "0.02"}, {"unit_price": "0.01"}]}
    found = tried(rated(log), draft(**{"sms.outbound": tiers}), since="2026-11-10T00:00:00Z")
    assert lines(found) == {("zoe", "sms.outbound"): ("1.149", "0.3")}  # units 991 to 1010
    assert (found.events, found.events_before) == (1, 1)


def test_the_end_of_the_period_is_exclusive_and_its_begin_inclusive() -> None:
    log = Log()
    for at in ("2026-11-09T23:59:59.999Z", "2026-11-10T00:00:00Z", "2026-11-10T23:59:59.999Z", "2026-11-11T00:00:00Z"):
        log.use(1, at=at)
    found = tried(rated(log), draft(), "2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z")
    assert lines(found) == {("zoe", "mms.outbound"): ("0.044", "0.044")}


def test_all_published_versions_are_before_and_the_draft_alone_is_after() -> None:
    log = Log()
    log.use(1, at="2026-11-05T00:00:00Z")
    log.use(1, at="2026-11-25T00:00:00Z")
    found = rated(log)
    later = draft(**{"mms.outbound": per_unit("0.5")}) | {"effective_from": "2026-11-15T00:00:00Z", "promotions": []}
    publish(found, later)
    trial = draft(**{"mms.outbound": per_unit("2")}) | {"version": 4, "promotions": []}
    difference = tried(found, trial)
    assert lines(difference) == {("zoe", "mms.outbound"): ("0.522", "4")}
    assert as_plain(difference)["compared_with"] == ["standard@2", "standard@3"]


def test_duplicates_and_late_events_are_rated_once_on_both_sides() -> None:
    log = Log()
    log.use(1, event_id="one")
    log.use(1, event_id="one")
    log.use(2, event_id="one")  # a conflict
    log.heartbeat("2026-12-02T00:00:00Z")
    log.use(1, event_id="late", at="2026-11-29T00:00:00Z")
    found = tried(rated(log), draft(**{"mms.outbound": per_unit("1")}))
    assert lines(found) == {("zoe", "mms.outbound"): ("0.0418", "1.9")}  # 10 % off on the 29th
    assert found.rated_by_neither == {"CONFLICTING_DUPLICATE": 1}


def test_a_session_that_ends_by_its_timeout_is_charged_though_its_customer_is_silent_after_it() -> None:
    log = Log()
    log.phase("START", "2026-11-10T12:00:00Z")
    log.phase("UPDATE", "2026-11-10T12:30:00Z")
    log.heartbeat(DECEMBER)
    found = rated(log)
    assert [message_of(one).amount for one in found.topics[RECORDS]] == ["0.42"]  # by the watermark
    assert lines(tried(found, draft())) == {("zoe", "voice"): ("0.42", "0.42")}


def test_a_session_that_goes_on_after_the_period_is_not_charged_in_it() -> None:
    log = Log()
    log.phase("START", "2026-11-30T23:00:00Z")
    log.phase("UPDATE", "2026-11-30T23:30:00Z")
    log.phase("STOP", "2026-12-01T00:30:00Z")
    log.heartbeat("2026-12-02T00:00:00Z")
    log.use(1, event_id="late", at="2026-11-29T00:00:00Z")
    found = tried(rated(log), draft())
    assert lines(found) == {("zoe", "mms.outbound"): ("0.0198", "0.0198")}
    assert (found.events, found.events_before) == (3, 0)


def test_what_only_one_side_can_rate_is_told_with_the_reason() -> None:
    log = Log()
    log.use(7, "mms.outbound")
    log.use(5, "fax")
    log.use(1, "nope")
    trial = draft()
    del trial["meters"]["mms.outbound"]
    trial["contracts"] = []
    trial["meters"]["fax"] = {"unit": "page", "price": per_unit("2")}
    plain = as_plain(tried(rated(log), trial))
    assert plain["no_longer_rated"] == [
        {
            "meter": "mms.outbound", "reason": "UNKNOWN_METER", "currency": "USD", "amount": "0.154",
            "detail": "standard@3 has no meter 'mms.outbound'", "events": 1, "units": 7,
        }
    ]  # fmt: skip
    assert [(one["meter"], one["amount"]) for one in plain["newly_rated"]] == [("fax", "10")]
    assert plain["rated_by_neither"] == {"UNKNOWN_METER": 1}


def test_customers_of_other_books_are_left_out() -> None:
    log = Log()
    log.use(1)
    log.use(1, customer_id="acme")
    found = rated(log, book(contracts=[{"customer_id": "acme", "price_book": "other"}]))
    publish(found, book(price_book="other", contracts=[]))
    trial = draft() | {"contracts": [{"customer_id": "acme", "price_book": "other"}]}
    assert set(lines(tried(found, trial))) == {("zoe", "mms.outbound")}
    assert set(lines(tried(found, draft()))) == {("zoe", "mms.outbound"), ("acme", "mms.outbound")}


def test_the_counted_time_begins_with_the_cycle_in_the_timezone_of_the_book() -> None:
    log = Log()
    plain = book(cycle={"period": "month", "timezone": "Asia/Tokyo"}, effective_from="2026-01-01T00:00:00Z")
    history = PriceHistory(rated(log, plain).read(PRICE_BOOKS))
    period = period_of(history.at(history.latest()), ms("2026-11-10T00:00:00Z"), ms(DECEMBER))
    assert period == Period(ms("2026-10-31T15:00:00Z"), ms("2026-11-10T00:00:00Z"), ms(DECEMBER))


def test_reading_begins_where_an_event_of_the_first_cycle_may_be() -> None:
    log = Log()
    log.use(1, at="2026-10-31T00:00:00Z", stamped="2026-10-31T00:00:00Z")
    log.use(1, at="2026-11-01T00:05:00Z", stamped="2026-10-31T23:55:00Z")  # 10 minutes ahead are allowed
    log.use(1, at="2026-11-02T00:00:00Z", stamped="2026-11-02T00:00:00Z")
    found = tried(rated(log), draft())
    assert lines(found) == {("zoe", "mms.outbound"): ("0.044", "0.044")}


def test_reading_ends_where_no_event_of_the_period_can_follow() -> None:
    log = Log()
    log.use(1)
    log.heartbeat("2027-01-06T00:00:00Z")
    log.use(1, event_id="too old", at="2026-11-30T23:00:00Z")
    found = tried(rated(log), draft())
    assert lines(found) == {("zoe", "mms.outbound"): ("0.022", "0.022")}
    assert found.rated_by_neither == {}


def context() -> Context:
    return Context(Settings())  # type: ignore[call-arg]  # pydantic fills in what the environment lacks


def checked(plain: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Return the error of a draft that may not stand for a published book, and the lines above it."""
    found = rated(Log())
    history = PriceHistory(found.read(PRICE_BOOKS))
    one = Draft(Path("trial.yaml"), engine.parse(plain), document_from_plain(plain))
    with pytest.raises(StackError) as raised:
        check_draft(context(), one, history.at(history.latest()))
    return raised.value.cause, capsys.readouterr().err


def test_a_draft_that_changes_fixed_terms_is_refused_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    cause, above = checked(draft() | {"currency": "EUR", "allowed_lateness": "4h"}, capsys)
    assert cause == "2 conflicts with what is published"
    assert "currency: EUR differs from USD, which version 2 of standard fixed; keep USD" in above
    assert "allowed_lateness: 4h differs from 3h" in above


def test_a_draft_of_an_unpublished_book_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    cause, _ = checked(draft() | {"price_book": "new"}, capsys)
    assert cause == "no version of new is published, so there is nothing to compare with"


def test_a_draft_may_have_the_number_of_a_published_version() -> None:
    found = rated(Log())
    history = PriceHistory(found.read(PRICE_BOOKS))
    plain = draft(**{"mms.outbound": per_unit("9")}) | {"version": 2}
    one = Draft(Path("trial.yaml"), engine.parse(plain), document_from_plain(plain))
    assert check_draft(context(), one, history.at(history.latest())) == one.content


def test_a_wrong_draft_is_shown_as_validate_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "trial.yaml"
    file.write_text("price_book: b\nversion: none\n")
    with pytest.raises(StackError) as raised:
        read_draft(context(), file)
    assert raised.value.remedy == "correct the lines above"
    assert f"{file}:2: version:" in capsys.readouterr().err.replace("\n", "")


def test_a_contract_is_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text("customer_id: zoe\neffective_from: 2026-11-01T00:00:00Z\n")
    with pytest.raises(StackError, match="is no price book"):
        read_draft(context(), file)


@pytest.mark.parametrize(
    ("since", "until", "cause"),
    [
        (NOVEMBER, NOVEMBER, f"--to {NOVEMBER} is not after --from {NOVEMBER}"),
        ("2026-11", DECEMBER, "--from: '2026-11' is not an instant"),
        (NOVEMBER, "9999-01-01T00:00:00Z", "--to: 9999-01-01T00:00:00Z is no time of usage"),
    ],
)
def test_a_period_that_is_none_is_one_line_and_exit_code_2(since: str, until: str, cause: str) -> None:
    with pytest.raises(StackError) as raised:
        read_period(since, until)
    assert raised.value.cause.startswith(cause)
    assert raised.value.exit_code == EXIT_UNUSABLE
