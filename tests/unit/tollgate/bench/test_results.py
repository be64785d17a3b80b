"""The benchmark's figures: ratios, aims, tables and the picture."""

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

from rich.console import Console

from tollgate.bench.latency import Latency
from tollgate.bench.picture import picture
from tollgate.bench.pricing_latency import PricingLatency
from tollgate.bench.processes import by_role, most_by_role
from tollgate.bench.progress import Sample, Usage, rate, whole_run
from tollgate.bench.results import JOB, PLAIN_LOOP, Pricing, Results, Throughput
from tollgate.bench.tables import tables
from tollgate.percentiles import percentiles


def run(who: str, customers: int, task_managers: int, per_second: float) -> Throughput:
    cpu = {"usage-rating": 40.1, "balances": 20.2, "kafka": 5.3, "redis": 1.1, "jobmanager": 0.4}
    memory = {"usage-rating": 900.0, "balances": 700.0}
    if who == PLAIN_LOOP:
        cpu, memory = {"loop": 30.0, "kafka": 3.0}, {}
    return Throughput(who, customers, task_managers, 2_000_000, per_second, per_second, cpu, 2.5, memory, 1.5, 40.0)


def results(job: float = 15_000, many: float = 14_000, live_ms: float = 200.0, lost: int = 0) -> Results:
    found = Results(2, 16.0, 2_000_000, 4, 3000, "2026-11-22T12:00:00Z")
    for customers, one in ((10_000, job), (500_000, many)):
        found.throughput += [
            run(PLAIN_LOOP, customers, 0, 29_000), run(JOB, customers, 1, one), run(JOB, customers, 2, one * 1.1),
            run(PLAIN_LOOP, customers, 0, 31_000),
        ]  # fmt: skip
    fast, slow = percentiles([50.0]), percentiles([1500.0])
    found.latency = Latency(5000.0, 60.0, 6000, lost, fast, percentiles([live_ms]), slow, percentiles([3.0]))
    return found


def with_pricing(found: Results, per_second: float, told_ms: float = 300.0, lost: int = 0) -> Results:
    """Add a run with everything on: 1.8 M records of 2 M events."""
    told = PricingLatency(5100.0, 60.0, percentiles([told_ms]), percentiles([told_ms]), lost)
    one = run(JOB, 10_000, 1, per_second)
    found.pricing = Pricing(replace(one, records=1_800_000), found.events, told)
    return found


def test_the_ratio_is_to_the_mean_of_the_loops_before_and_after() -> None:
    assert results().ratio(10_000) == 0.5


def test_flatness_is_the_most_customers_to_the_fewest_whatever_their_order() -> None:
    found = results()
    assert found.flatness == 14 / 15
    found.throughput.reverse()
    assert found.flatness == 14 / 15


def test_the_top_rate_is_the_best_of_the_job() -> None:
    assert round(results().top_rate(10_000)) == 16_500


def test_every_aim_can_be_reached_and_missed() -> None:
    assert [one.met for one in with_pricing(results(), 12_000).targets()] == [True] * 6
    slow = with_pricing(results(13_000, 10_000, 1001.0), 9_000, 1001.0)
    assert [one.met for one in slow.targets()] == [False] * 6


def test_pricing_is_held_against_the_plain_load_by_events() -> None:
    found = with_pricing(results(), 13_500)
    assert found.without_pricing == 15_000
    assert found.pricing_ratio == 1.0, "13,500 records a second of 1.8 M are 15,000 events of 2 M"


def test_alerts_that_were_never_seen_reach_no_aim() -> None:
    assert not with_pricing(results(), 15_000, lost=1).targets()[-1].met


def test_a_latency_with_lost_probes_reaches_no_aim() -> None:
    assert not results(lost=1).targets()[1].met


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    found = results()
    found.throughput = [one for one in found.throughput if one.customers == 10_000 and one.task_managers != 1]
    found.latency = None
    assert [(one.value, one.met) for one in found.targets()] == [(None, False)] * 6


def test_json_holds_everything() -> None:
    plain = json.loads(json.dumps(results().as_plain()))
    assert len(plain["throughput"]) == 8
    assert plain["latency"]["live_balance"]["p99"] == 200.0
    assert plain["pricing"] is None
    assert plain["ratio"] == {"10000": 0.5, "500000": 14 / 30}


def test_json_holds_pricing() -> None:
    plain = json.loads(json.dumps(with_pricing(results(), 13_500).as_plain()))["pricing"]
    assert (plain["events_per_second"], plain["events_per_second_without"], plain["ratio"]) == (15_000, 15_000, 1.0)
    assert plain["latency"]["surge"] == {"samples": 1, "p50": 300.0, "p99": 300.0, "p999": 300.0, "most": 300.0}


def test_tables_fit_into_80_columns() -> None:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        for table in tables(with_pricing(results(), 13_500)):
            console.print(table)
    text = capture.get()
    assert "…" not in text
    assert "job, 2 TaskManagers" in text
    assert "67.1" in text
    assert "all pricing on, job, 1 TaskManager" in text
    assert "window closed, surge factor" in text


def test_the_picture_is_svg_with_a_bar_for_every_kind_of_run() -> None:
    root = ET.fromstring(picture(results()))
    space = "{http://www.w3.org/2000/svg}"
    bars = root.findall(f"{space}rect")[1:]
    assert len(bars) == 6
    assert all(0 < float(bar.get("width", 0)) <= 500 for bar in bars)
    assert len(root.findall(f"{space}circle")) == 3 + 9
    more = ET.fromstring(picture(with_pricing(results(), 13_500)))
    assert len(more.findall(f"{space}circle")) == 3 + 15


def test_a_picture_without_latency_has_bars_alone() -> None:
    found = results()
    found.latency = None
    assert "circle" not in picture(found)


def test_processes_are_added_up_by_what_they_do() -> None:
    roles = {"taskmanager-1": "rating", "taskmanager-2": "rating", "kafka": "kafka"}
    assert by_role({"taskmanager-1": 1.0, "taskmanager-2": 2.0, "kafka": 5.0}, roles) == {"rating": 3.0, "kafka": 5.0}
    assert most_by_role({"taskmanager-1": 1.0, "taskmanager-2": 2.0}, roles) == {"rating": 2.0}


def samples(*written: int) -> list[Sample]:
    return [Sample(float(at), count, Usage({}, {})) for at, count in enumerate(written)]


def test_the_rate_is_from_the_first_record_to_the_first_sample_with_all() -> None:
    assert rate(samples(0, 0, 100, 500, 900, 1000, 1000, 1000), 1000) == 300.0


def test_the_steady_rate_leaves_start_and_end_out() -> None:
    assert rate(samples(0, 10, 200, 500, 800, 810, 1000), 1000, 0.15, 0.85) == 610 / 3


def test_a_run_that_is_too_short_has_no_rate() -> None:
    assert rate(samples(0, 0, 1000), 1000) == 0.0


def test_a_run_begins_at_the_last_sample_without_records() -> None:
    first, last = whole_run(samples(0, 0, 5, 10, 10), 10)
    assert (first.at, last.at) == (1.0, 3.0)
