"""The story of a surge factor: interval, window, demand, level."""

from typing import Any

from flink_jobs.topics import RECORDS
from tests.unit.tollgate.books_in_memory import MemoryLog, message_of
from tests.unit.tollgate.test_audit_surge import EU, TALKS, at, books, calls, peak, record_of, surging
from tollgate.commands.explain import _event_of, priced_event
from tollgate.commands.narrate_surge import surge_of
from wire.v1 import pricing_pb2

WINDOW = "the window from 2026-11-10 11:59:55 UTC to 2026-11-10 12:00:05 UTC"


def told(found: MemoryLog, event_id: str) -> list[str]:
    record = message_of(found.topics[RECORDS][record_of(found, event_id)])
    log: Any = found
    return list(surge_of(log, record, priced_event(log, record, _event_of(log, record)), ""))


def test_a_factor_is_told_with_the_window_that_decided_it() -> None:
    assert told(books(), "e1") == [
        "Surge 'peak' of mms.outbound, region 'eu': interval 2026-11-10 12:00:10 UTC to 2026-11-10 12:00:20 UTC.",
        f"  - 20 units of demand in {WINDOW}, which decides it.",
        "  - That is level 2 of version 2: factor 1.6, published before anyone was charged it.",
    ]


def test_factor_1_is_told_with_its_reason() -> None:
    assert "  - That is no level: factor 1," in told(peaceful(), "w")[2]
    assert told(books(), "e0")[1] == (
        "  - No demand in the window from 2026-11-10 11:59:45 UTC to 2026-11-10 11:59:55 UTC, which decides it,"
        " and none left from before: factor 1, by default."
    )


def peaceful() -> MemoryLog:
    log = peak()
    log.use(3, at=at(35), event_id="w", dimensions=EU)
    return books(log)


def test_what_was_charged_without_waiting_says_so() -> None:
    assert "was not known when this was charged" in told(books(unknown=[(0, 1)]), "e1")[-1]


def test_external_signals_are_told() -> None:
    signal = pricing_pb2.PriceSignal(meter="mms.outbound", dimension_value="eu", name="rain", event_time_ms=at(3))
    signal.value = "0.7"
    parameters = {"capacity": "10", "elasticity": "1", "signal": "rain"}
    found = books(plain=surging(model="elasticity", parameters=parameters), signals=[signal])
    assert "  - External signal 'rain': 0.7, of 2026-11-10 12:00:03 UTC." in told(found, "e1")


def test_the_factor_of_a_session_is_told_as_of_its_start() -> None:
    assert told(books(calls(), surging(**TALKS)), "end") == [
        "Surge 'peak' of voice, region 'eu': interval 2026-11-10 12:00:10 UTC to 2026-11-10 12:00:20 UTC.",
        f"  - 2 units of demand in {WINDOW}, which decides it.",
        "  - That is level 1 of version 2: factor 1.5, published before anyone was charged it.",
    ]


def test_without_a_surge_rule_there_is_nothing_to_tell() -> None:
    log = peak()
    log.use(3, "data", at=at(35), event_id="w")
    assert told(books(log), "w") == []
