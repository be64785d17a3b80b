"""`verify` on topics in memory: surge factors are decided again, and what was charged must follow from them."""

from collections.abc import Callable
from typing import Any

import pytest

from flink_jobs.topics import RECORDS, SURGE
from tests import engine, surge_job
from tests.oracle.example import Log, book, ms
from tests.unit.tollgate.books_in_memory import MemoryLog, differences, message, message_of, rated, tamper
from tollgate.audit.verify import verify
from wire.v1 import billing_pb2, pricing_pb2

MMS = ["mms.outbound"]
LEVELS = [{"at_least": "10", "factor": "1.25"}, {"at_least": "20", "factor": "1.6"}]
RULE = {"id": "peak", "meters": MMS, "dimension": "region", "window": "10s", "lead": "5s", "levels": LEVELS}
EU = {"region": "eu"}
TALKS = {"meters": ["voice"], "levels": [{"at_least": "2", "factor": "1.5"}]}


def at(second: int) -> int:
    return ms("2026-11-10T12:00:00Z") + 1000 * second


def surging(**changes: Any) -> dict[str, Any]:
    return book(surge=[RULE | changes])


def peak(end: int = 60) -> Log:
    """20 units in the window [-5, 5) put [10, 20) at 1.6, nothing [20, 30) at 1.25; two partitions."""
    log = Log(2)
    log.use(20, at=at(4), event_id="e0", dimensions=EU)
    log.use(3, at=at(12), event_id="e1", dimensions=EU)  # 3 * 0.022 * 1.6 = 0.1056
    log.use(3, at=at(12), event_id="e1", dimensions=EU)  # 2: a duplicate
    log.use(3, at=at(13), event_id="e3", customer_id="acme", dimensions={"region": "us"})
    log.use(3, at=at(21), event_id="e4", dimensions=EU)  # 4: 3 * 0.022 * 1.25 = 0.0825
    log.heartbeat(at(end))
    log.heartbeat(at(end), partition=1)
    return log


def calls() -> Log:
    """Two calls begin in the window [-5, 5), and put those that begin in [10, 20) at 1.5."""
    log = Log(1)
    for number, second in enumerate((1, 2, 12)):
        log.phase("START", at(second), session_id=f"s{number}", event_id=f"a{number}", dimensions=EU)
    log.phase("STOP", at(90), session_id="s2", event_id="end")
    log.heartbeat(at(120))
    return log


def books(log: Log | None = None, plain: dict[str, Any] | None = None, **how: Any) -> MemoryLog:
    """Return the topics after the job has rated a log to its end."""
    log, plain = log or peak(), plain or surging()
    job = surge_job.rate_log(log.partitions, [engine.parse(plain)], **how)
    written = engine.Engine(engine.PriceCatalog())
    written.records, written.letters, written.open = job.records, job.letters, job.open
    found = rated(log, plain, written)
    found.topics[SURGE] = [message(SURGE, one, one.meter.encode(), index) for index, one in enumerate(job.rates)]
    return found


def rate(found: MemoryLog, value: str, second: int) -> int:
    """Return where the rate of an interval is."""
    for index, one in enumerate(found.topics[SURGE]):
        said = pricing_pb2.SurgeRate.FromString(one.value)
        if (said.dimension_value, said.interval_from_ms) == (value, at(second)):
            return index
    raise AssertionError("no such rate")


def change(found: MemoryLog, index: int, alter: Callable[[pricing_pb2.SurgeRate], object]) -> None:
    """Change one rate or mark."""
    one = found.topics[SURGE][index]
    said = pricing_pb2.SurgeRate.FromString(one.value)
    alter(said)
    found.topics[SURGE][index] = one._replace(value=said.SerializeToString())


def record_of(found: MemoryLog, event_id: str) -> int:
    return next(at for at, one in enumerate(found.topics[RECORDS]) if message_of(one).event_id == event_id)


@pytest.mark.parametrize("unknown", [[], [(0, 2)]], ids=["decided", "not decided in time"])
def test_sessions_pass_with_the_factor_of_their_start(unknown: list[tuple[int, int]]) -> None:
    found = books(calls(), surging(**TALKS), unknown=unknown)
    report = found.verify()
    assert report.differences == []
    assert report.surge_unknown == len(unknown)
    record = message_of(found.topics[RECORDS][record_of(found, "end")])
    assert [one.factor for one in record.adjustments] == ([] if unknown else ["1.5"])


def test_untouched_books_pass_and_say_how_many_factors_were_decided_again() -> None:
    report = books().verify()
    assert report.differences == []
    assert (report.input, report.rated, report.duplicates, report.pending) == (5, 4, 1, 0)
    assert (report.surge_rates, report.surge_unknown) == (4, 0)
    assert report.totals == {"USD": "0.6851"}  # 20 * 0.022 + 0.1056 + 3 * 0.02 * 0.95 + 0.0825


def test_an_altered_factor_is_named_with_the_records_that_it_would_change() -> None:
    found = books()
    change(found, rate(found, "eu", 10), lambda one: setattr(one, "factor", "1.5"))
    named = differences(found)
    where = "surge 'peak' of standard, mms.outbound eu, interval from 2026-11-10T12:00:10Z"
    assert f"{where}: rate differs: factor is 1.5, expected 1.6" in named
    assert "usage.events 0/1: record differs: amount is 0.1056, expected 0.099" in named


@pytest.mark.parametrize(
    ("name", "value"), [("demand", 21), ("level", 1), ("books_offset", 0), ("decided_through_ms", 1)]
)
def test_any_other_field_of_a_rate_is_compared(name: str, value: int) -> None:
    found = books()
    change(found, rate(found, "eu", 10), lambda one: setattr(one, name, value))
    assert "interval from 2026-11-10T12:00:10Z: rate" in differences(found)


def test_a_missing_rate_is_named() -> None:
    found = books()
    del found.topics[SURGE][rate(found, "eu", 10)]
    named = differences(found)
    assert "interval from 2026-11-10T12:00:10Z: rate missing: factor 1.6 after 20 units of demand" in named
    assert "usage.events 0/1: record differs" in named


def test_a_rate_that_no_demand_leads_to_is_named() -> None:
    found = books()
    index = rate(found, "us", 20)
    change(found, index, lambda one: setattr(one, "dimension_value", "moon"))
    assert "mms.outbound moon, interval from 2026-11-10T12:00:20Z: factor 1 published, and no" in differences(found)


def test_two_rates_for_one_interval_are_a_difference() -> None:
    found = books()
    one = found.topics[SURGE][rate(found, "eu", 10)]
    found.topics[SURGE].append(one._replace(offset=99))
    change(found, -1, lambda again: setattr(again, "factor", "1.25"))
    assert "published 2 times, with factor 1.6 and 1.25" in differences(found)


def test_a_wrong_surge_adjustment_is_named() -> None:
    found = books()
    tamper(found, RECORDS, record_of(found, "e1"), lambda one: setattr(one.adjustments[0], "factor", "1.25"))
    assert "usage.events 0/1: record differs: adjustments is" in differences(found)


def test_a_surge_that_was_not_charged_is_named() -> None:
    found = books()
    tamper(found, RECORDS, record_of(found, "e1"), lambda one: one.ClearField("adjustments"))
    assert "usage.events 0/1: record differs: adjustments is" in differences(found)


def test_a_dropped_record_of_a_surging_meter_is_missed() -> None:
    found = books()
    del found.topics[RECORDS][record_of(found, "e4")]
    assert "usage.events 0/4: record missing: zoe #3" in differences(found)


class Lagging(MemoryLog):
    """Topics of which one record is committed only once the outputs have been read."""

    late: Any = None

    def read(self, topic: str, **how: Any) -> Any:
        """Commit it with the reading of the factors."""
        if topic == SURGE and self.late is not None:
            last = self.topics[RECORDS][-1]
            self.topics[RECORDS].append(self.late._replace(offset=last.offset + 1))
            self.late = None
        return super().read(topic, **how)


def test_a_record_that_is_committed_after_its_offset_is_waited_for() -> None:
    found = books()
    lagging = Lagging(found.topics, found.partition_count, found.committed)
    lagging.late = found.topics[RECORDS].pop(record_of(found, "e4"))
    assert verify(lagging, catch_up_seconds=5).differences == []  # type: ignore[arg-type]


def test_order_between_advances_does_not_matter() -> None:
    found = books()
    found.topics[SURGE].reverse()
    assert found.verify().differences == []


def test_events_that_did_not_wait_are_counted_and_said() -> None:
    found = books(unknown=[(0, 1)])
    report = found.verify()
    assert report.differences == []
    assert (report.surge_unknown, report.rated) == (1, 4)
    assert not message_of(found.topics[RECORDS][record_of(found, "e1")]).adjustments


def test_without_a_decided_factor_none_must_be_charged() -> None:
    found = books(unknown=[(0, 1)])
    known = message_of(books().topics[RECORDS][record_of(books(), "e1")])

    def charge_surge(one: billing_pb2.BillingRecord) -> None:
        one.amount = known.amount
        one.adjustments.extend(known.adjustments)

    tamper(found, RECORDS, record_of(found, "e1"), charge_surge)
    assert "usage.events 0/1: record differs: amount is 0.1056, expected 0.066" in differences(found)


def test_only_what_a_surge_rule_charges_may_be_charged_without_a_factor() -> None:
    log = peak()
    log.use(1, "video", at=at(12), event_id="v", customer_id="eve")
    found = books(log)
    tamper(found, RECORDS, record_of(found, "v"), lambda one: setattr(one, "surge_unknown", True))
    assert "record differs: surge_unknown is True, expected False" in differences(found)


def test_what_is_not_decided_waits_and_so_does_all_that_follows_of_its_customer() -> None:
    log = peak(end=21)
    log.use(1, "video", at=at(22), event_id="v0", customer_id="acme")  # 6: does not wait
    log.use(1, at=at(36), event_id="w", dimensions=EU)  # 7: decided at 25
    log.use(1, "video", at=at(36), event_id="v1")  # 8
    found = books(log)
    report = found.verify()
    assert report.differences == []
    assert (report.input, report.rated, report.duplicates, report.pending) == (8, 5, 1, 2)


def test_what_is_refused_for_its_time_does_not_wait_for_it() -> None:
    log = peak()
    log.use(1, at="2029-01-01T00:00:00Z", event_id="f", dimensions=EU)
    log.use(1, "video", at=at(36), event_id="v")
    report = books(log).verify()
    assert report.differences == []
    assert (report.dead_letters_by_reason, report.pending) == ({"FUTURE_EVENT_TIME": 1}, 0)


def test_to_charge_before_the_factor_is_published_is_a_difference() -> None:
    log = peak(end=21)
    log.use(1, at=at(36), event_id="w", dimensions=EU)  # 6
    found = books(log, unknown=[(0, 6)])
    assert found.verify().passed
    tamper(found, RECORDS, record_of(found, "w"), lambda one: setattr(one, "surge_unknown", False))
    assert "usage.events 0/6: record differs: surge_unknown is False, expected True" in differences(found)


def test_a_repetition_after_which_something_was_charged_does_not_wait() -> None:
    log = peak(end=21)
    log.use(1, at=at(36), event_id="w", dimensions=EU)  # 6
    log.use(1, at=at(36), event_id="w", dimensions=EU)  # 7: a duplicate
    log.use(1, at=at(37), event_id="x", dimensions=EU)  # 8
    report = books(log, unknown=[(0, 6), (0, 7), (0, 8)]).verify()
    assert report.differences == []
    assert (report.duplicates, report.pending, report.surge_unknown) == (2, 0, 2)


def test_a_mark_beyond_the_log_is_named() -> None:
    found = books()
    change(found, -1, lambda one: setattr(one, "watermark_ms", at(61)))
    assert f"mark of {at(61)}, and the log has not come further than {at(60)}" in differences(found)


def test_a_mark_that_decides_something_else_is_named() -> None:
    found = books()
    change(found, -1, lambda one: setattr(one, "decided_through_ms", at(61)))
    assert "and no such rule decides so far" in differences(found)


def test_signals_are_taken_from_the_rates_that_name_them() -> None:
    parameters = {"capacity": "10", "elasticity": "1", "signal": "weather"}
    signal = pricing_pb2.PriceSignal(
        meter=MMS[0], dimension_value="eu", name="weather", value="0.7", event_time_ms=at(3)
    )
    found = books(plain=surging(model="elasticity", parameters=parameters), signals=[signal])
    assert found.verify().differences == []
    change(found, rate(found, "eu", 10), lambda one: setattr(one.signals[0], "value", "0.6"))
    assert "rate differs: factor is 1.4, expected 1.2" in differences(found)


def test_a_log_of_a_release_before_surge_passes() -> None:
    log = peak()
    job = engine.rate_log(log.partitions, [engine.parse(book())])
    assert rated(log, surging(), job).verify().differences == []
