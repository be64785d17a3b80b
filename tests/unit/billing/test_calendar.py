"""Cycles and the local time of day, over every kind of clock change."""

import pickle
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.calendar import Calendar
from billing.instants import EPOCH, ONE_MS, format_instant, parse_instant

HOUR_MS = 3_600_000
ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"]


def cycle_in(timezone: str, instant: str) -> tuple[str, str, str]:
    cycle = Calendar("month", timezone).cycle_of(parse_instant(instant))
    return cycle.name, format_instant(cycle.start_ms), format_instant(cycle.end_ms)


def local_time(timezone: str, instant: str) -> str:
    minutes, rest_ms = divmod(Calendar("month", timezone).local_time_of_day_ms(parse_instant(instant)), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}+{rest_ms}ms"


def test_a_cycle_is_named_by_its_month_and_half_open() -> None:
    november = ("2026-11", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    assert cycle_in("UTC", "2026-10-31T23:59:59.999Z")[0] == "2026-10"
    assert cycle_in("UTC", "2026-11-01T00:00:00Z") == november
    assert cycle_in("UTC", "2026-11-30T23:59:59.999Z") == november
    assert cycle_in("UTC", "2026-12-01T00:00:00Z") == ("2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")


def test_berlin_months_have_an_hour_less_in_march_and_more_in_october() -> None:
    assert cycle_in("Europe/Berlin", "2026-03-15T12:00:00Z")[1:] == ("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z")
    assert cycle_in("Europe/Berlin", "2026-10-15T12:00:00Z")[1:] == ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")


def test_kolkata_cycles_begin_at_half_past_the_hour_of_utc() -> None:
    assert cycle_in("Asia/Kolkata", "2026-10-31T18:29:59.999Z")[0] == "2026-10"
    assert cycle_in("Asia/Kolkata", "2026-10-31T18:30:00Z") == (
        "2026-11", "2026-10-31T18:30:00Z", "2026-11-30T18:30:00Z",
    )  # fmt: skip


def test_sao_paulo_skips_an_hour_at_midnight_when_summer_begins() -> None:
    assert cycle_in("America/Sao_Paulo", "2015-10-18T03:00:00Z")[1:] == ("2015-10-01T03:00:00Z", "2015-11-01T02:00:00Z")
    assert local_time("America/Sao_Paulo", "2015-10-18T02:59:59.999Z") == "23:59+59999ms"
    assert local_time("America/Sao_Paulo", "2015-10-18T03:00:00Z") == "01:00+0ms"


def test_a_first_of_the_month_without_midnight_begins_at_the_clock_change() -> None:
    # Asuncion, 2017-10-01: 00:00 -> 01:00.
    assert cycle_in("America/Asuncion", "2017-10-01T03:59:59.999Z")[0] == "2017-09"
    assert cycle_in("America/Asuncion", "2017-10-01T04:00:00Z")[:2] == ("2017-10", "2017-10-01T04:00:00Z")


def test_a_first_of_the_month_with_two_midnights_begins_at_the_first() -> None:
    # Havana, 2026-11-01: at 01:00 clocks go back to 00:00.
    assert cycle_in("America/Havana", "2026-11-01T03:59:59.999Z")[0] == "2026-10"
    assert cycle_in("America/Havana", "2026-11-01T04:00:00Z")[:2] == ("2026-11", "2026-11-01T04:00:00Z")
    assert cycle_in("America/Havana", "2026-11-01T05:00:00Z")[0] == "2026-11"


def test_a_clock_set_back_into_the_old_month_does_not_reopen_its_cycle() -> None:
    # St. John's, 2009-11-01: at 00:01 clocks went back to 23:01 of 31 October.
    assert cycle_in("America/St_Johns", "2009-11-01T02:30:30Z")[:2] == ("2009-11", "2009-11-01T02:30:00Z")
    assert cycle_in("America/St_Johns", "2009-11-01T02:45:00Z")[:2] == ("2009-11", "2009-11-01T02:30:00Z")


def test_in_every_timezone_each_cycle_begins_with_the_first_instant_of_its_month() -> None:
    for timezone in sorted(available_timezones() - {"localtime", "posixrules", "Factory"}):
        calendar = Calendar("month", timezone)
        cycle = calendar.cycle_of(parse_instant("2014-12-15T00:00:00Z"))
        while cycle.start_ms < parse_instant("2030-01-01T00:00:00Z"):
            cycle = calendar.cycle_of(cycle.end_ms)
            start = EPOCH + cycle.start_ms * ONE_MS
            local, before = (moment.astimezone(ZoneInfo(timezone)) for moment in (start, start - ONE_MS))
            assert local.strftime("%Y-%m") == cycle.name > before.strftime("%Y-%m")


def test_the_day_that_apia_skipped_shortens_december_2011() -> None:
    name, start, end = cycle_in("Pacific/Apia", "2011-12-30T09:59:59.999Z")
    assert (name, start, end) == ("2011-12", "2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z")
    assert local_time("Pacific/Apia", "2011-12-30T09:59:59.999Z") == "23:59+59999ms"
    assert local_time("Pacific/Apia", "2011-12-30T10:00:00Z") == "00:00+0ms"


def test_the_time_of_day_is_what_a_clock_on_the_wall_shows() -> None:
    assert local_time("Europe/Berlin", "2026-03-29T00:59:59.999Z") == "01:59+59999ms"
    assert local_time("Europe/Berlin", "2026-03-29T01:00:00Z") == "03:00+0ms"
    assert local_time("Europe/Berlin", "2026-10-25T00:30:00Z") == "02:30+0ms"
    assert local_time("Europe/Berlin", "2026-10-25T01:30:00Z") == "02:30+0ms"
    assert local_time("Asia/Kolkata", "2026-11-01T00:00:00.001Z") == "05:30+1ms"


def test_an_offset_that_changes_within_a_quarter_of_an_hour_is_still_exact() -> None:
    # St. John's again: the change at 00:01 local lies inside a cached bucket.
    calendar = Calendar("month", "America/St_Johns")
    before, after = parse_instant("2009-11-01T02:30:59.999Z"), parse_instant("2009-11-01T02:31:00Z")
    for _ in range(2):
        assert calendar.local_time_of_day_ms(before) == 59_999
        assert calendar.local_time_of_day_ms(after) == 23 * HOUR_MS + 60_000


@given(
    st.sampled_from(ZONES),
    st.lists(st.integers(min_value=0, max_value=4_102_444_800_000), min_size=1, max_size=20),
)
def test_one_calendar_answers_in_any_order_as_a_new_one_would(timezone: str, instants: list[int]) -> None:
    calendar = Calendar("month", timezone)
    for epoch_ms in instants:
        cycle = calendar.cycle_of(epoch_ms)
        local = datetime.fromtimestamp(epoch_ms // 1000, UTC).astimezone(ZoneInfo(timezone))
        of_day_ms = (local.hour * 3600 + local.minute * 60 + local.second) * 1000 + epoch_ms % 1000
        assert cycle.start_ms <= epoch_ms < cycle.end_ms
        assert cycle.name == local.strftime("%Y-%m")
        assert calendar.cycle_of(cycle.start_ms) == cycle == calendar.cycle_of(cycle.end_ms - 1)
        assert calendar.local_time_of_day_ms(epoch_ms) == of_day_ms


@given(st.sampled_from(ZONES), st.integers(min_value=0, max_value=4_102_444_800_000))
def test_cycles_follow_each_other_without_a_gap(timezone: str, epoch_ms: int) -> None:
    calendar = Calendar("month", timezone)
    cycle = calendar.cycle_of(epoch_ms)
    following = calendar.cycle_of(cycle.end_ms)
    assert following.start_ms == cycle.end_ms
    assert following.name > cycle.name


def test_calendars_are_equal_by_their_rule_and_survive_pickling() -> None:
    calendar = Calendar("month", "Europe/Berlin")
    calendar.cycle_of(0)
    assert pickle.loads(pickle.dumps(calendar)) == calendar == Calendar("month", "Europe/Berlin")
    assert calendar != Calendar("month", "UTC")


@pytest.mark.parametrize("timezone", ["Europe/Berln", "Europe", "", "../etc/passwd", "/etc/localtime", "UTC+1"])
def test_an_unknown_timezone_is_refused(timezone: str) -> None:
    with pytest.raises(ValueError, match="is not known"):
        Calendar("month", timezone)


def test_a_period_other_than_a_month_is_refused() -> None:
    with pytest.raises(ValueError, match="'week' is not supported"):
        Calendar("week", "UTC")
