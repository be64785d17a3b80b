"""`quote` on topics in memory: exact counters, words, and one line for what cannot be priced."""

from typing import Any

import pytest

from billing.price_books.document import document_from_plain
from flink_jobs.topics import DEAD_LETTERS, PRICE_BOOKS, RECORDS, USAGE_EVENTS
from tests.oracle.example import Log, book
from tests.unit.tollgate.books_in_memory import MemoryLog, books, rated
from tollgate.audit.standing import Standing
from tollgate.commands.quote import as_plain, find_standing, narrate_quote, priced, read_event
from tollgate.kafka_log import LogRecord
from tollgate.local.errors import EXIT_FAILED, EXIT_UNUSABLE, StackError
from wire.price_books import to_message

FEE = ", and 1 USD because the tier begins here"
AT = "2026-11-12T00:00:00Z"


def standing(found: MemoryLog, customer: str = "") -> Standing:
    return find_standing(found, customer, "", lambda _: None)  # type: ignore[arg-type]  # as much as it uses


def ask(found: MemoryLog, meter: str, quantity: int, customer: str = "", at: str = AT) -> dict[str, Any]:
    return as_plain(priced(standing(found, customer), read_event(meter, str(quantity), customer, at, ())))


def test_the_counter_is_that_of_the_rated_events_alone() -> None:
    log = Log()
    log.use(1090, "sms.outbound", event_id="e0")
    log.use(1090, "sms.outbound", event_id="e0")  # a duplicate
    log.use(1, "nope", event_id="e2")
    log.use(500, "sms.outbound", customer_id="other")
    found = ask(rated(log), "sms.outbound", 20, "zoe")
    # 100 free units are used up, units 991 to 1010: 10 * 0.0079 + 10 * 0.007 + 1.00
    assert found["total"] == "1.149"
    assert [(one["from"], one["to"]) for one in found["record"]["slices"]] == [("991", "1000"), ("1001", "1010")]


def test_a_new_customer_begins_with_the_free_units() -> None:
    found = ask(rated(Log()), "sms.outbound", 120)
    assert found["total"] == "0.158"  # 20 * 0.0079
    assert found["record"]["price_book"] == {"id": "standard", "version": 2}


def test_a_contract_counts_before_the_first_event() -> None:
    assert ask(rated(Log()), "mms.outbound", 10, "acme")["total"] == "0.19"  # 10 * 0.02 less 5 %
    assert ask(rated(Log()), "mms.outbound", 10)["total"] == "0.22"


def test_a_closed_cycle_is_quoted_as_late() -> None:
    found = ask(books(), "mms.outbound", 1, "zoe", "2026-11-29T00:00:00Z")
    assert found["record"]["late"] is True
    assert found["record"]["corrects_cycle"] == "2026-11"


def test_a_change_of_tier_is_in_the_total() -> None:
    log = Log()
    log.use(9000, "video")
    found = ask(rated(log), "video", 2000, "zoe")
    assert (found["total"], found["tier_adjustment"]["amount"]) == ("-3", "-9")
    assert "record_id" not in found["record"]


def test_events_that_the_job_has_not_committed_count_as_well() -> None:
    log = Log()
    log.use(100, "sms.outbound")
    found = rated(log)
    found.topics[RECORDS], found.committed = [], {0: 0}
    assert ask(found, "sms.outbound", 10, "zoe")["total"] == "0.079"


@pytest.mark.parametrize("quantity", [5, 7])
def test_a_customer_whose_event_has_the_id_quote_is_quoted(quantity: int) -> None:
    log = Log()
    log.use(5, "mms.outbound", event_id="quote", at="2026-11-12T00:00:00Z")
    log.heartbeat("2026-12-01T03:00:00Z")
    found = ask(rated(log), "mms.outbound", quantity, "zoe")
    assert found["record"]["slices"][0]["from"] == "6"


def test_an_event_that_had_no_price_when_it_came_counts_nothing() -> None:
    log = Log()
    log.use(1090, "sms.outbound")
    plain = book(version=1)
    plain["meters"] = {"mms.outbound": plain["meters"]["mms.outbound"]}
    plain["promotions"], plain["contracts"] = [], []
    found = rated(log, plain)
    assert len(found.topics[DEAD_LETTERS]) == 1
    later = to_message(document_from_plain(book())).SerializeToString()
    found.topics[PRICE_BOOKS].append(LogRecord(PRICE_BOOKS, 0, 1, 0, b"standard@2", later))
    assert ask(found, "sms.outbound", 100, "zoe")["total"] == "0"


def test_events_to_come_are_rated_with_all_that_is_published_by_now() -> None:
    log = Log()
    log.use(1, "mms.outbound")
    log.use(1090, "sms.outbound")
    plain = book(version=1)
    plain["meters"] = {"mms.outbound": plain["meters"]["mms.outbound"]}
    plain["promotions"], plain["contracts"] = [], []
    found = rated(log, plain)
    found.topics[DEAD_LETTERS], found.committed = [], {0: 1}  # the second is still to be rated
    later = to_message(document_from_plain(book())).SerializeToString()
    found.topics[PRICE_BOOKS].append(LogRecord(PRICE_BOOKS, 0, 1, 0, b"standard@2", later))
    assert ask(found, "sms.outbound", 10, "zoe")["total"] == "0.079"  # units 991 to 1000, none free


def test_the_price_is_told_in_words() -> None:
    log = Log()
    log.use(1000, "sms.outbound")
    where = standing(rated(log), "zoe")
    event = read_event("sms.outbound", "110", "zoe", AT, ["region=eu"])
    assert event.dimensions == {"region": "eu"}
    assert list(narrate_quote(priced(where, event), where)) == [
        "On 2026-11-12 00:00:00 UTC zoe would pay 1.86 USD for 110 units of sms.outbound. Asking charges nothing.",
        "The prices are those of standard, version 2, in force at that time:",
        "  - 100 paid units (units 901 to 1,000 of the cycle) at 0.0079 USD each: 0.79 USD.",
        f"  - 10 paid units (units 1,001 to 1,010 of the cycle) at 0.007 USD each{FEE}: 1.07 USD.",
        "  = 0.79 + 1.07 = 1.86 USD.",
        "After it, zoe would have used 1,110 units of sms.outbound in 2026-11 and owe 8.97 USD for all meters.",
        "Counted: all events in the log, whose clock stands at 2026-11-10 12:00:00 UTC.",
    ]


@pytest.mark.parametrize(
    ("meter", "at", "cause"),
    [
        ("nope", AT, "it would be dead-lettered UNKNOWN_METER: standard@2 has no meter 'nope'"),
        ("calls", "2026-10-31T23:59:59Z", "it would be dead-lettered NO_PRICE: no version of standard is in force"),
        ("voice", AT, "it would be dead-lettered WRONG_MEASURE: meter 'voice' is measured by a session"),
    ],
)
def test_what_cannot_be_priced_is_one_line_with_a_remedy(meter: str, at: str, cause: str) -> None:
    with pytest.raises(StackError) as raised:
        ask(rated(Log()), meter, 1, at=at)
    assert raised.value.cause.startswith(cause)
    assert raised.value.remedy
    assert raised.value.exit_code == EXIT_FAILED


def test_a_credit_that_is_used_up_is_not_mended_by_another_event() -> None:
    log = Log()
    log.use(100)
    agreed = {"customer_id": "zoe", "prepaid_credit": "1", "when_credit_is_used_up": "block"}
    with pytest.raises(StackError) as raised:
        ask(rated(log, book(contracts=[agreed])), "mms.outbound", 1, "zoe")
    assert raised.value.cause.startswith("it would be dead-lettered CREDIT_EXHAUSTED: ")
    assert "larger prepaid_credit" in raised.value.remedy


def test_without_a_published_book_nothing_has_a_price() -> None:
    with pytest.raises(StackError) as raised:
        ask(MemoryLog({USAGE_EVENTS: []}), "calls", 1)
    assert raised.value.cause == "it would be dead-lettered NO_PRICE: no price book has been published"


def test_an_unknown_customer_is_named() -> None:
    with pytest.raises(StackError) as raised:
        ask(books(), "calls", 1, "nobody")
    assert raised.value.cause == "no event and no contract of nobody is in the log"
    assert "leave --customer out" in raised.value.remedy


@pytest.mark.parametrize(
    ("quantity", "customer", "at", "dimension", "cause"),
    [
        ("0", "", AT, "", "QUANTITY: '0' is no whole number from 1 to 10^15"),
        ("1.5", "", AT, "", "QUANTITY: '1.5'"),
        ("\u0663", "", AT, "", "QUANTITY:"),
        ("1000000000000001", "", AT, "", "QUANTITY:"),
        ("9" * 5000, "", AT, "", "QUANTITY:"),
        ("1", "a b", AT, "", "--customer: customer_id may hold"),
        ("1", "", "yesterday", "", "--at: 'yesterday' is not an instant"),
        ("1", "", "1969-12-31T00:00:00Z", "", "--at: 1969-12-31T00:00:00Z is no time of usage"),
        ("1", "", AT, "region", "--dimension: 'region' is not NAME=VALUE"),
        ("1", "", AT, "=eu", "--dimension: '=eu' is not NAME=VALUE"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(
    quantity: str, customer: str, at: str, dimension: str, cause: str
) -> None:
    with pytest.raises(StackError) as raised:
        read_event("calls", quantity, customer, at, [dimension] if dimension else [])
    assert raised.value.cause.startswith(cause)
    assert raised.value.remedy
    assert raised.value.exit_code == EXIT_UNUSABLE


def test_a_dimension_given_twice_is_refused() -> None:
    with pytest.raises(StackError, match="region is given twice"):
        read_event("calls", "1", "", AT, ["region=eu", "region=us"])
