"""Seeded traffic: the same seed gives the same bytes, and the shares of odd events are as asked for."""

from billing.events import Delivery, Measure, Phase, UsageEvent
from billing.validity import invalid_field
from tollgate.traffic import DAY_MS, Rush, Sample, Shares, Traffic
from wire.usage import decode_usage

NOW_MS = 1_794_312_000_000
NONE = Shares(duplicates=0, out_of_order=0, last_cycle=0, bad=0)


def traffic(seed: int = 1, run: str = "r", shares: Shares | None = None, count: int = 3000) -> list[Sample]:
    return list(Traffic(seed, 50, run, shares).take(count, NOW_MS))


def events(samples: list[Sample]) -> list[UsageEvent]:
    return [event for event in (decode_usage(one.value) for one in samples) if event is not None]


def test_the_same_seed_and_run_give_the_same_bytes() -> None:
    assert traffic() == traffic()


def test_another_seed_gives_other_traffic() -> None:
    assert traffic(1) != traffic(2)


def test_another_run_of_a_seed_differs_in_its_event_ids_alone() -> None:
    one, other = events(traffic(run="one")), events(traffic(run="two"))
    assert not {each.event_id for each in one} & {each.event_id for each in other}
    assert [each._replace(event_id="") for each in one] == [each._replace(event_id="") for each in other]


def test_taking_in_parts_gives_the_same_as_taking_at_once() -> None:
    source = Traffic(1, 50, "r")
    assert [one for _ in range(30) for one in source.take(100, NOW_MS)] == traffic()


def test_without_odd_events_every_event_is_new_valid_and_now() -> None:
    samples = traffic(shares=NONE)
    found = events(samples)
    assert len({each.event_id for each in found}) == len(samples)
    assert {each.event_time_ms for each in found} == {NOW_MS}
    delivery = Delivery(0, 0, NOW_MS, 0)
    assert all(each.measure is Measure.QUANTITY and invalid_field(each, delivery) is None for each in found)


def test_every_record_is_keyed_by_its_customer_and_stamped_with_its_event_time() -> None:
    for one in traffic():
        event = decode_usage(one.value)
        if event is not None:
            assert (one.key, one.event_time_ms) == (event.customer_id.encode(), event.event_time_ms)


def test_duplicates_come_at_their_share_and_repeat_every_byte() -> None:
    samples = traffic(shares=Shares(duplicates=100, out_of_order=0, last_cycle=0, bad=0))
    repeated = len(samples) - len(set(samples))
    assert 200 < repeated < 400
    assert len({each.event_id for each in events(samples)}) == len(set(samples))


def test_late_events_come_at_their_share_and_a_cycle_behind() -> None:
    found = events(traffic(shares=Shares(duplicates=0, out_of_order=0, last_cycle=100, bad=0)))
    late = [each for each in found if each.event_time_ms == NOW_MS - 26 * DAY_MS]
    assert 200 < len(late) < 400
    assert all(each.event_time_ms == NOW_MS for each in found if each not in late)


def test_events_out_of_order_come_at_their_share_and_within_a_minute() -> None:
    found = events(traffic(shares=Shares(duplicates=0, out_of_order=100, last_cycle=0, bad=0)))
    behind = [NOW_MS - each.event_time_ms for each in found if each.event_time_ms != NOW_MS]
    assert 200 < len(behind) < 400
    assert max(behind) < 60_000


def test_bad_events_come_at_their_share_and_in_every_kind() -> None:
    samples = traffic(shares=Shares(duplicates=0, out_of_order=0, last_cycle=0, bad=100))
    found = events(samples)
    kinds = {
        "unreadable": len(samples) - len(found),
        "negative": sum(each.quantity < 0 for each in found),
        "misspelt": sum(each.meter == "sms.outbund" for each in found),
        "ancient": sum(each.event_time_ms == NOW_MS - 90 * DAY_MS for each in found),
    }
    assert 200 < sum(kinds.values()) < 400
    assert min(kinds.values()) > 30


def test_a_few_customers_send_most() -> None:
    counts: dict[str, int] = {}
    for each in events(traffic(shares=NONE)):
        counts[each.customer_id] = counts.get(each.customer_id, 0) + 1
    assert len(counts) == 50
    assert counts["cust-000000"] > 2 * counts["cust-000049"]


def test_before_there_is_anything_to_repeat_a_new_event_comes() -> None:
    samples = traffic(shares=Shares(duplicates=1000, out_of_order=0, last_cycle=0, bad=0), count=5)
    assert [each.quantity > 0 for each in events(samples)] == [True] * 5


def test_without_a_share_for_them_there_are_neither_sessions_nor_retractions() -> None:
    assert {one.measure for one in events(traffic())} == {Measure.QUANTITY}


def test_sessions_and_retractions_have_their_shares_and_name_what_there_was() -> None:
    found = events(
        traffic(shares=Shares(duplicates=0, out_of_order=0, last_cycle=0, bad=0, retractions=50, sessions=100))
    )
    retractions = [one for one in found if one.measure is Measure.RETRACTION]
    phases = [one for one in found if one.measure is Measure.SESSION]
    assert 100 < len(retractions) < 200
    assert 200 < len(phases) < 400
    ids = {(one.customer_id, one.event_id) for one in found if one.measure is Measure.QUANTITY}
    assert all((one.customer_id, one.subject) in ids for one in retractions)
    starts = {(one.customer_id, one.subject) for one in phases if one.phase == Phase.START}
    stops = {(one.customer_id, one.subject) for one in phases if one.phase == Phase.STOP}
    assert stops < starts


def test_a_rush_brings_all_use_of_its_meter_to_one_region_while_it_lasts() -> None:
    source = Traffic(
        1, 50, "r", NONE, Rush("mms.outbound", "us-east", period_ms=30_000, begins_ms=8_000, lasts_ms=9_000)
    )
    regions = [
        {one.dimensions["region"] for one in events(list(source.take(300, NOW_MS + at))) if one.meter == "mms.outbound"}
        for at in (0, 7_999, 8_000, 16_999, 17_000, 38_000)
    ]
    assert [one == {"us-east"} for one in regions] == [False, False, True, True, False, True]
