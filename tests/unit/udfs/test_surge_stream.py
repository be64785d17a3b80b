"""Counters and decider over whole streams: any order that partitions allow gives the same factors."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.catalog import PriceCatalog
from billing.events import Delivery
from billing.surge.view import UNDECIDED, SurgeView
from billing.tariffs import Reduction
from tests.unit.builders import book, catalog, ms, usage
from udfs.batched_state import DictStore
from udfs.demand_counter import DemandCounter
from udfs.surge_decider import MAX_SIGNALS, Advanced, SurgeDecider
from wire.frames import FramedRecord, pack_incoming
from wire.surge import decode_demand, take_rate
from wire.v1 import pricing_pb2, usage_pb2

T0 = ms("2026-11-10T12:00:00Z")
SECOND, MINUTE, YEAR = 1000, 60_000, 365 * 86_400_000
LEVELS = [{"at_least": 10, "factor": "1.25"}, {"at_least": 20, "factor": "1.60"}]
RULE = {"id": "s", "meters": ["calls"], "dimension": "region", "window": "10s", "lead": "5s", "levels": LEVELS}


def surging(**changes: Any) -> PriceCatalog:
    return catalog(book(surge=[RULE | changes]))


class Use(NamedTuple):
    """An event of a log; `at` is seconds after noon."""

    at: int
    units: int = 1
    event_id: str = ""
    customer: str = "zoe"
    region: str = "eu"
    skew_s: int = 0


@dataclass
class Log:
    """Partitions with their clocks."""

    records: list[tuple[str, FramedRecord, int]] = field(default_factory=list)
    clocks: Counter[int] = field(default_factory=Counter)

    def use(self, use: Use, partition: int = 0) -> None:
        event = usage_pb2.UsageEvent(
            event_id=use.event_id or f"e{len(self.records)}", customer_id=use.customer, meter="calls",
            quantity=use.units, event_time_ms=T0 + use.at * SECOND, dimensions={"region": use.region},
        )  # fmt: skip
        stamped_ms = event.event_time_ms - use.skew_s * SECOND
        delivery = Delivery(partition, len(self.records), stamped_ms, self.clocks[partition])
        framed = FramedRecord(delivery, event.SerializeToString(), None, readable=True)
        self.records.append((use.customer, framed, partition))
        if use.skew_s <= 600:
            self.clocks[partition] = max(self.clocks[partition], event.event_time_ms)


@dataclass
class Job:
    """The two functions with their state, one counter a customer's shard."""

    prices: PriceCatalog = field(default_factory=surging)
    shards: dict[str, DemandCounter] = field(default_factory=dict)
    timers: list[int] = field(default_factory=list)
    done: list[Advanced] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.decider = SurgeDecider({}, {})

    def read(self, customer: str, records: Sequence[FramedRecord]) -> None:
        shard = self.shards.setdefault(
            customer, DemandCounter(DictStore(), DictStore(), DictStore(), self.timers.append)
        )
        shard.add(shard.arrivals(pack_incoming(iter(records)), self.prices))

    def pass_time(self, watermark_ms: int, order: Sequence[str] | None = None) -> None:
        for name in order or list(self.shards):
            for demand in self.shards[name].close(watermark_ms):
                self.decider.add(demand)
        self.done.append(self.decider.advance(watermark_ms, self.prices, 1))

    @property
    def rates(self) -> list[tuple[str, int, str, int]]:
        """Value, start in seconds after noon, factor, demand."""
        found = [rate for one in self.done for rate in one.rates]
        return sorted(
            (one.dimension_value, (one.interval_from_ms - T0) // SECOND, one.factor, one.demand) for one in found
        )


def rated(log: Log, prices: PriceCatalog | None = None) -> Job:
    job = Job(prices or surging())
    for customer, framed, _ in log.records:
        job.read(customer, [framed])
    job.pass_time(T0 + YEAR)
    return job


def log_of(*uses: Use, partition: int = 0) -> Log:
    log = Log()
    for use in uses:
        log.use(use, partition)
    return log


def test_a_peak_by_hand() -> None:
    """Windows end 5 s before their interval: those of [15, 25) decide from 30 s on."""
    job = rated(log_of(Use(4, 9), Use(15, 12), Use(24, 9, customer="acme"), Use(25, 9, region="us")))
    assert job.rates == [
        ("eu", 10, "1", 9),
        ("eu", 30, "1.6", 21),
        ("eu", 40, "1.25", 0),
        ("eu", 50, "1", 0),
        ("us", 40, "1", 9),
    ]
    assert [(one.kind.name, one.subject, one.event_time_ms - T0) for done in job.done for one in done.alerts] == [
        ("SURGE_ON", "calls", 30 * SECOND), ("SURGE_OFF", "calls", 50 * SECOND),
    ]  # fmt: skip


def test_repetitions_count_once_and_events_that_come_after_their_window_not_at_all() -> None:
    log = log_of(Use(1, 9, "e1"), Use(1, 9, "e1"), Use(2, 50, "e1"), Use(5), Use(4, 90, "late"), Use(8, 3, "e1"))
    assert rated(log).rates == [("eu", 10, "1", 9), ("eu", 20, "1", 4)]


def test_events_from_the_future_and_without_a_price_book_or_rule_are_no_demand() -> None:
    log = log_of(Use(4, 9, skew_s=601))
    assert rated(log).rates == []
    assert rated(log_of(Use(4, 9)), PriceCatalog()).rates == []
    assert rated(log_of(Use(4, 9)), catalog()).rates == []


def test_an_event_with_invalid_fields_is_no_demand() -> None:
    assert rated(log_of(Use(4, 9, customer="z e"))).rates == []


def test_state_goes_when_its_windows_are_over() -> None:
    job = rated(log_of(Use(4, 90), Use(15, 12, customer="acme")))
    for shard in job.shards.values():
        assert shard.counts.entries == shard.seen.entries == shard.windows.entries == {}  # type: ignore[attr-defined]
    assert set(job.decider.detectors) == {b""}  # type: ignore[call-overload]
    assert set(job.timers) == {T0 + 5 * SECOND, T0 + 25 * SECOND}


def test_marks_come_after_all_rates_and_never_go_back() -> None:
    job = rated(log_of(Use(4, 90)))
    (done,) = job.done
    (mark,) = done.marks
    assert (mark.meter, mark.dimension_value, mark.factor, mark.watermark_ms) == ("calls", "", "", T0 + YEAR)
    assert max(one.interval_to_ms for one in done.rates) < mark.decided_through_ms
    assert job.decider.advance(T0 + YEAR - 1, job.prices, 1) == ([], [], [])
    assert job.decider.next_end_ms(job.prices) == T0 + YEAR + 5 * SECOND


times = st.integers(0, 80)
uses = st.builds(
    Use, times, st.integers(1, 15), st.sampled_from(["", "", "a", "b"]), st.sampled_from(["zoe", "acme", "eve"]),
    st.sampled_from(["eu", "us", ""]), st.sampled_from([0, 0, 0, 601]),
)  # fmt: skip


def brute_force(log: Log) -> dict[tuple[str, int], int]:
    """Add up demand from the definition: value and interval -> units."""
    found: dict[tuple[str, int], int] = defaultdict(int)
    known: dict[tuple[str, str, int], int] = {}
    for customer, (delivery, value, _, _), partition in log.records:
        event = usage_pb2.UsageEvent.FromString(value)
        interval = (event.event_time_ms + 5000) // 10_000 + 1
        end_ms = interval * 10_000 - 5000
        if event.event_time_ms - delivery.timestamp_ms > 600_000 or delivery.clock_ms >= end_ms:
            continue
        name = customer, event.event_id, partition
        if known.get(name, 0) <= delivery.clock_ms:
            known[name] = end_ms
            found[event.dimensions["region"] or "-", interval] += event.quantity
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(uses, st.integers(0, 2)), max_size=25), st.data())
def test_any_order_of_partitions_frames_and_watermarks_gives_the_same_factors(
    written: list[tuple[Use, int]], data: st.DataObject
) -> None:
    log = Log()
    for use, partition in written:
        log.use(use, partition)
    reference = rated(log)
    counted = {key: units for key, units in brute_force(log).items() if units}
    assert {
        (value, (start * SECOND + T0) // 10_000): demand for value, start, _, demand in reference.rates if demand
    } == counted

    job = Job()
    queues = {number: [one for one in log.records if one[2] == number] for number in range(3)}
    clocks = dict.fromkeys(range(3), 0)
    while any(queues.values()):
        number = data.draw(st.sampled_from([number for number, left in queues.items() if left]))
        count = data.draw(st.integers(1, 3))
        taken, queues[number] = queues[number][:count], queues[number][count:]
        for customer, framed, _ in taken:
            job.read(customer, [framed])
            event_ms = usage_pb2.UsageEvent.FromString(framed.value).event_time_ms
            if event_ms <= framed.delivery.timestamp_ms + 600_000:
                clocks[number] = max(clocks[number], event_ms)
        watermark_ms = min(clock if queues[number] else T0 + YEAR for number, clock in clocks.items())
        if data.draw(st.booleans()):
            job.pass_time(watermark_ms, data.draw(st.permutations(sorted(job.shards))))
    job.pass_time(T0 + YEAR)
    assert job.rates == reference.rates
    assert job.decider.counts["late_demand"] == 0
    marks = [one.decided_through_ms for done in job.done for one in done.marks]
    assert marks == sorted(set(marks))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.data())
def test_partials_may_be_split_merged_and_permuted(units: list[int], data: st.DataObject) -> None:
    one = log_of(Use(4, sum(units)))
    many = log_of(*(Use(4, part, customer=f"c{number}") for number, part in enumerate(units)))
    split = Job()
    for customer, framed, _ in many.records:
        split.read(customer, [framed])
    split.pass_time(T0 + YEAR, data.draw(st.permutations(sorted(split.shards))))
    assert split.rates == rated(one).rates


def signal(value: str, at: int, name: str = "weather", region: str = "eu") -> bytes:
    return pricing_pb2.PriceSignal(
        meter="calls", dimension_value=region, name=name, value=value, event_time_ms=T0 + at * SECOND
    ).SerializeToString()


def elastic() -> PriceCatalog:
    parameters = {"capacity": 10, "elasticity": "1", "signal": "weather"}
    return surging(model="elasticity", parameters=parameters)


def test_the_newest_signal_at_the_end_of_the_window_counts_and_is_named() -> None:
    job = Job(elastic())
    for value, at in [("1.5", 3), ("1.2", 5), ("9", 6), ("1.1", 1)]:
        assert job.decider.add_signal(signal(value, at)) == ""
    assert job.decider.add_signal(signal("5", 4, region="us")) == ""
    job.read("zoe", [log_of(Use(4, 11)).records[0][1]])  # the window ends at 5 s
    job.pass_time(T0 + YEAR)
    (first, *_) = job.done[0].rates
    assert (first.factor, first.level) == ("1.32", 1)
    assert [(one.name, one.value) for one in first.signals] == [("weather", "1.2")]


def test_a_wrong_signal_is_refused_with_a_reason() -> None:
    decider = SurgeDecider({}, {})
    for message in (b"\xff", signal("-1", 1), signal("1e3", 1), signal("1", 1, name=""), signal("1", -(10**10))):
        assert decider.add_signal(message)
    assert (decider.counts["refused_signals"], decider.signals) == (5, {})


def test_signals_beyond_the_limit_are_refused() -> None:
    decider = SurgeDecider({}, {str(number).encode(): b"" for number in range(MAX_SIGNALS)})
    assert "kept already" in decider.add_signal(signal("1", 1))


def test_a_decider_that_is_restored_goes_on_where_it_was() -> None:
    log = log_of(Use(4, 25), Use(15, 12), Use(26, 5))
    job = Job()
    for customer, framed, _ in log.records:
        job.read(customer, [framed])
    job.pass_time(T0 + 6 * SECOND)
    restored = Job(shards=job.shards, done=list(job.done))
    restored.decider = SurgeDecider(dict(job.decider.detectors), dict(job.decider.signals))  # type: ignore[call-overload]
    restored.pass_time(T0 + YEAR)
    assert restored.rates == rated(log).rates


def test_rating_waits_for_the_mark_and_then_sees_every_factor() -> None:
    log = log_of(Use(4, 9), Use(15, 12), Use(24, 9, customer="acme"), Use(25, 9, region="us"))
    job, view = rated(log), SurgeView()

    def seen(at: int, **changes: Any) -> Reduction | None:
        event = usage(event_time_ms=T0 + at * SECOND, dimensions={"region": "eu"})._replace(**changes)
        return view.of(event, job.prices)

    (done,) = job.done
    for one in done.rates:
        take_rate(one.SerializeToString(), view.rates)
    assert seen(30) is UNDECIDED
    assert seen(30, meter="texts") is None
    for one in done.marks:
        take_rate(one.SerializeToString(), view.rates)
    found = [one.factor if (one := seen(at)) is not None else "1" for at in (29, 30, 39, 40, 49, 50)]
    assert found == ["1", "1.6", "1.6", "1.25", "1.25", "1"]
    assert seen(30, dimensions={"region": "us"}) is None
    assert seen(30, meter="texts") is None


def test_a_shards_windows_are_handed_on_once() -> None:
    job = Job()
    job.read("zoe", [log_of(Use(4, 25)).records[0][1]])
    (demand,) = job.shards["zoe"].close(T0 + 5 * SECOND)
    assert decode_demand(demand).units == 25
    assert job.shards["zoe"].close(T0 + YEAR) == []
