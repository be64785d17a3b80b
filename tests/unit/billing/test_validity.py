"""INVALID_FIELD: every rule of the contract, section 3, at both of its edges."""

import pytest

from billing.events import Measure
from billing.instants import parse_instant
from billing.validity import MAX_EVENT_TIME_MS, invalid_customer_id, invalid_event_time, invalid_field, is_future
from tests.unit.builders import NOON_MS, SKEW_MS, delivery, usage

OPAQUE_IDS = [
    "'; DROP TABLE events; --",
    'a"b',
    "line\nbreak",
    "a\0b",
    "{}",
    "../..",
    "zoe:e1",
    " ",
    "id,with;delimiters|",
]


@pytest.mark.parametrize("event_id", ["x", "x" * 128, "é" * 64, "😀" * 32, *OPAQUE_IDS])
def test_an_event_id_is_any_text_of_1_to_128_bytes(event_id: str) -> None:
    assert invalid_field(usage(event_id), delivery()) is None


@pytest.mark.parametrize("event_id", ["x" * 129, "é" * 64 + "x", "é" * 65, "😀" * 32 + "x"])
def test_an_event_id_of_more_than_128_bytes_is_refused_however_few_characters_it_has(event_id: str) -> None:
    assert invalid_field(usage(event_id), delivery()) == "event_id is longer than 128 bytes"


def test_an_event_needs_an_event_id() -> None:
    assert invalid_field(usage(""), delivery()) == "event_id is empty"


@pytest.mark.parametrize("customer_id", ["a", "a" * 128, "t/c", "A.z_0:-/b", "zoe", "zoe1", "-", "../.."])
def test_a_customer_id_may_have_one_tenant(customer_id: str) -> None:
    assert invalid_customer_id(customer_id) is None


@pytest.mark.parametrize(
    "customer_id",
    ["/a", "a/", "/", "a/b/c", "a//b", " a", "a ", "a b", "a'b", 'a"b', "a\n", "\na", "a\nb", "a\0", "a;b", "a,b", "é"],
)
def test_other_characters_in_a_customer_id_are_refused(customer_id: str) -> None:
    assert "customer_id may hold" in str(invalid_field(usage(customer_id=customer_id), delivery()))


def test_a_customer_id_is_neither_empty_nor_longer_than_128_characters() -> None:
    assert invalid_customer_id("") == "customer_id is empty"
    assert invalid_customer_id("t/" + "c" * 126) is None
    assert invalid_customer_id("t/" + "c" * 127) == "customer_id is longer than 128 characters"


@pytest.mark.parametrize("quantity", [1, 10**15])
def test_a_quantity_is_from_1_to_10_15(quantity: int) -> None:
    assert invalid_field(usage(quantity=quantity), delivery()) is None


@pytest.mark.parametrize("quantity", [0, -1, -(2**63), 10**15 + 1, 2**63 - 1])
def test_a_quantity_outside_is_refused_with_its_value(quantity: int) -> None:
    assert f"quantity is {quantity}," in str(invalid_field(usage(quantity=quantity), delivery()))


@pytest.mark.parametrize("measure", [Measure.SESSION, Measure.RETRACTION])
def test_a_measure_that_is_no_quantity_needs_none(measure: Measure) -> None:
    assert invalid_field(usage(quantity=0, measure=measure, subject="s", phase=1), delivery()) is None


@pytest.mark.parametrize(
    ("measure", "name"), [(Measure.SESSION, "session.session_id"), (Measure.RETRACTION, "retraction.event_id")]
)
def test_what_a_session_or_a_retraction_names_has_from_1_to_128_bytes(measure: Measure, name: str) -> None:
    def wrong(subject: str) -> str | None:
        return invalid_field(usage(measure=measure, subject=subject, phase=1), delivery())

    assert wrong("") == f"{name} is empty"
    assert (wrong("s"), wrong("s" * 128), wrong("ä" * 64)) == (None, None, None)
    assert wrong("s" * 129) == wrong("ä" * 64 + "s") == f"{name} is longer than 128 bytes"


def test_a_phase_is_one_of_the_three() -> None:
    def wrong(phase: int) -> str | None:
        return invalid_field(usage(measure=Measure.SESSION, subject="s", phase=phase), delivery())

    assert [wrong(phase) for phase in (1, 2, 3)] == [None, None, None]
    assert wrong(0) == "session.phase is 0, and must be START, UPDATE or STOP"
    assert [wrong(phase) is None for phase in (-1, 4, 99)] == [False, False, False]


@pytest.mark.parametrize("event_time_ms", [1, MAX_EVENT_TIME_MS, 2**63 - 1])
def test_an_event_time_is_positive_however_far_ahead(event_time_ms: int) -> None:
    assert invalid_field(usage(event_time_ms=event_time_ms), delivery()) is None
    assert invalid_event_time(usage(event_time_ms=event_time_ms)) is None


def test_a_time_is_future_by_its_record_and_from_the_year_9000_on_by_any() -> None:
    assert not is_future(NOON_MS + SKEW_MS, NOON_MS, SKEW_MS)
    assert is_future(NOON_MS + SKEW_MS + 1, NOON_MS, SKEW_MS)
    assert parse_instant("9000-01-01T00:00:00Z") == MAX_EVENT_TIME_MS
    assert not is_future(MAX_EVENT_TIME_MS - 1, MAX_EVENT_TIME_MS, SKEW_MS)
    assert is_future(MAX_EVENT_TIME_MS, MAX_EVENT_TIME_MS, SKEW_MS)


@pytest.mark.parametrize("event_time_ms", [0, -1, -(2**63)])
def test_an_event_time_that_is_not_positive_is_refused_with_its_value(event_time_ms: int) -> None:
    wrong = str(invalid_field(usage(event_time_ms=event_time_ms), delivery()))
    assert f"event_time_ms is {event_time_ms}," in wrong
    assert invalid_event_time(usage(event_time_ms=event_time_ms)) == wrong


def test_the_kafka_key_must_be_the_customer_id() -> None:
    assert invalid_field(usage(), delivery(key_matches=False)) == "the Kafka key is not the customer_id"


def test_of_a_wrong_key_and_a_wrong_customer_id_the_id_is_named() -> None:
    assert invalid_field(usage(customer_id=""), delivery(key_matches=False)) == "customer_id is empty"
