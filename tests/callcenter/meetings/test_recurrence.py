"""When meetings repeat: the calendar, its limits, and two clocks that change in spring and autumn."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given
from hypothesis import strategies as st

from callcenter.errors import Invalid
from callcenter.meetings import recurrence
from callcenter.meetings.recurrence import Window
from callcenter.meetings.series_forms import SeriesInput

WARSAW, NEW_YORK = ZoneInfo("Europe/Warsaw"), ZoneInfo("America/New_York")
HALF_HOUR = dt.timedelta(minutes=30)


def first(local: str, zone: ZoneInfo = WARSAW, length: dt.timedelta = HALF_HOUR) -> Window:
    begin = dt.datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(dt.UTC)
    return Window(begin, begin + length)


def local_times(found: list[Window], zone: ZoneInfo = WARSAW) -> list[str]:
    return [each.from_at.astimezone(zone).strftime("%m-%d %H:%M %Z") for each in found]


@pytest.mark.parametrize(
    ("begin", "rule", "days"),
    [
        ("2026-12-01 14:30", {"every": "day", "interval": 3, "count": 4}, ["12-01", "12-04", "12-07", "12-10"]),
        ("2026-12-30 14:30", {"every": "day", "until": "2027-01-02"}, ["12-30", "12-31", "01-01", "01-02"]),
        ("2026-12-03 14:30", {"every": "weekdays", "count": 4}, ["12-03", "12-04", "12-07", "12-08"]),
        ("2026-12-05 14:30", {"every": "weekdays", "count": 2}, ["12-07", "12-08"]),  # begins on a Saturday
        ("2026-12-02 14:30", {"every": "week", "count": 3}, ["12-02", "12-09", "12-16"]),  # on its own day
        ("2026-12-02 14:30", {"every": "week", "days": [0, 2], "count": 4}, ["12-02", "12-07", "12-09", "12-14"]),
        ("2026-12-02 14:30", {"every": "week", "days": [4, 0], "interval": 2, "count": 4}, ["12-04", "12-14", "12-18", "12-28"]),
        ("2026-12-02 23:59", {"every": "week", "until": "2026-12-09"}, ["12-02", "12-09"]),  # the last day counts whole
    ],
)
def test_a_rule_falls_on_these_days(begin: str, rule: dict[str, Any], days: list[str]) -> None:
    found = recurrence.windows(first(begin), SeriesInput.model_validate(rule), WARSAW)
    assert local_times(found) == [f"{day} {begin[11:]} CET" for day in days]
    assert {each.to_at - each.from_at for each in found} == {HALF_HOUR}


@pytest.mark.parametrize(
    ("zone", "begin", "expected"),
    [
        (WARSAW, "2027-03-27 14:30", ["03-27 14:30 CET", "03-28 14:30 CEST", "03-29 14:30 CEST"]),
        (WARSAW, "2027-03-27 02:30", ["03-27 02:30 CET", "03-28 03:30 CEST", "03-29 02:30 CEST"]),  # skipped: forward
        (WARSAW, "2027-10-30 02:30", ["10-30 02:30 CEST", "10-31 02:30 CEST", "11-01 02:30 CET"]),  # twice: the first
        (NEW_YORK, "2027-03-13 02:30", ["03-13 02:30 EST", "03-14 03:30 EDT", "03-15 02:30 EDT"]),
        (NEW_YORK, "2027-11-06 01:30", ["11-06 01:30 EDT", "11-07 01:30 EDT", "11-08 01:30 EST"]),
    ],
)
def test_the_clock_on_the_wall_rules_when_the_clocks_change(zone: ZoneInfo, begin: str, expected: list[str]) -> None:
    found = recurrence.windows(first(begin, zone), SeriesInput(every="day", count=3), zone)
    assert local_times(found, zone) == expected
    assert {each.to_at - each.from_at for each in found} == {HALF_HOUR}


def test_the_second_time_of_the_night_stays_for_the_meeting_that_was_asked_for() -> None:
    second = dt.datetime(2027, 10, 31, 1, 30, tzinfo=dt.UTC)  # 02:30 CET, an hour after 02:30 CEST
    found = recurrence.windows(Window(second, second + HALF_HOUR), SeriesInput(every="day", count=2), WARSAW)
    assert local_times(found) == ["10-31 02:30 CET", "11-01 02:30 CET"]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"every": "day"}, "until"),
        ({"every": "day", "until": "2026-12-20", "count": 3}, "count"),
        ({"every": "day", "until": "2026-11-30"}, "until"),
        ({"every": "day", "until": "2027-12-31"}, "until"),  # 396 of them
        ({"every": "day", "interval": 99, "until": "2029-12-31"}, "until"),
        ({"every": "day", "interval": 99, "count": 200}, "count"),
        ({"every": "weekdays", "interval": 2, "count": 3}, "interval"),
        ({"every": "weekdays", "days": [1], "count": 3}, "days"),
        ({"every": "week", "days": [0], "until": "2026-12-03"}, "until"),  # no Monday until then
    ],
)
def test_what_cannot_be_is_said_on_the_field_at_fault(rule: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        recurrence.windows(first("2026-12-01 14:30"), SeriesInput.model_validate(rule), WARSAW)
    assert refused.value.field == field


def test_the_limits_themselves_are_allowed() -> None:
    start = first("2026-12-01 14:30")
    assert len(recurrence.windows(start, SeriesInput(every="day", count=200), WARSAW)) == 200
    assert len(recurrence.windows(start, SeriesInput(every="day", interval=8, until=dt.date(2028, 12, 1)), WARSAW)) == 92


def test_the_rule_is_written_as_the_standard_has_it() -> None:
    begin = dt.datetime(2026, 12, 2, 14, 30)  # noqa: DTZ001 - wall-clock time
    weekly = SeriesInput(every="week", interval=2, days=[4, 0], until=dt.date(2026, 12, 31))
    assert recurrence.text_of(weekly, begin, WARSAW) == "FREQ=WEEKLY;INTERVAL=2;WKST=MO;BYDAY=MO,FR;UNTIL=20261231T225959Z"
    assert recurrence.text_of(SeriesInput(every="day", count=5), begin, WARSAW) == "FREQ=DAILY;INTERVAL=1;COUNT=5"
    assert "BYDAY=WE;" in recurrence.text_of(SeriesInput(every="week", count=5), begin, WARSAW)


begins = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2028, 12, 31))  # noqa: DTZ001 - wall-clock times
zones = st.sampled_from([WARSAW, NEW_YORK])


@st.composite
def rules(draw: st.DrawFn) -> SeriesInput:
    every = draw(st.sampled_from(["day", "weekdays", "week"]))
    interval = 1 if every == "weekdays" else draw(st.integers(1, 5))
    days = draw(st.lists(st.integers(0, 6), max_size=4)) if every == "week" else []
    return SeriesInput.model_validate({"every": every, "interval": interval, "days": days, "count": draw(st.integers(1, 100))})


@given(begins, zones, rules(), st.integers(1, 300))
def test_every_meeting_is_at_its_wall_clock_time_once_and_in_order(
    begin: dt.datetime, zone: ZoneInfo, rule: SeriesInput, minutes: int
) -> None:
    begin = begin.replace(second=0, microsecond=0)
    at = recurrence.point(begin, zone)
    assume(recurrence.wall(at, zone) == begin)
    window = Window(at, at + dt.timedelta(minutes=minutes))
    try:
        found = recurrence.windows(window, rule, zone)
    except Invalid as refused:
        assert refused.field == "count"  # noqa: PT017 - two years were over before all of them were
        return
    assert len(found) == rule.count
    days = [recurrence.wall(each.from_at, zone).date() for each in found]
    assert days == sorted(set(days)), "never two on one day, never out of order"
    for each in found:
        assert each.from_at < each.to_at
        shown = recurrence.wall(each.from_at, zone)
        skipped = recurrence.wall(recurrence.point(dt.datetime.combine(shown.date(), begin.time()), zone), zone)
        assert shown.time() == begin.time() or shown == skipped > dt.datetime.combine(shown.date(), begin.time())
        if rule.every == "weekdays":
            assert shown.weekday() < 5
        if rule.days:
            assert shown.weekday() in rule.days


@given(begins, rules())
def test_the_written_rule_means_the_same_days(begin: dt.datetime, rule: SeriesInput) -> None:
    begin = begin.replace(hour=12, minute=0, second=0, microsecond=0)
    at = recurrence.point(begin, WARSAW)
    try:
        found = recurrence.windows(Window(at, at + HALF_HOUR), rule, WARSAW)
    except Invalid:
        return
    written = list(rrulestr(recurrence.text_of(rule, begin, WARSAW), dtstart=begin))
    assert [recurrence.wall(each.from_at, WARSAW) for each in found] == written
