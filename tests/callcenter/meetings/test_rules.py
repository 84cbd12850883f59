"""The pure rules: windows, calling hours over changes of daylight-saving time, and who gets a meeting of many."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import Invalid
from callcenter.meetings import rules
from callcenter.meetings.rules import Load, calling_times, fairest, overlaps, spoken

WARSAW = "Europe/Warsaw"
ALL_DAY = {str(day): [["00:00", "24:00"]] for day in range(7)}
OFFICE = {str(day): [["09:00", "12:00"], ["13:00", "17:00"]] for day in range(5)}


def at(text: str) -> dt.datetime:
    """Return a time of a Warsaw wall clock, in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(WARSAW)).astimezone(dt.UTC)


def test_hours_are_cut_to_what_was_asked() -> None:
    friday, monday = at("2026-11-20 16:00"), at("2026-11-23 09:30")
    assert calling_times(OFFICE, WARSAW, friday, monday) == [
        (friday, at("2026-11-20 17:00")),
        (at("2026-11-23 09:00"), monday),
    ]
    assert calling_times({}, WARSAW, friday, monday) == []


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-22", 24)])
def test_a_whole_day_is_as_long_as_it_is(day: str, hours: int) -> None:
    begin = at(f"{day} 00:00")
    ((first, last),) = calling_times(ALL_DAY, WARSAW, begin, begin + dt.timedelta(hours=hours))
    assert (first, last - first) == (begin, dt.timedelta(hours=hours))
    assert last == at(f"{day} 00:00") + dt.timedelta(hours=hours)


def test_hours_that_begin_in_the_skipped_hour_begin_after_it() -> None:
    sunday = {"6": [["02:30", "04:00"]]}
    day = at("2026-03-29 00:00")
    assert calling_times(sunday, WARSAW, day, day + dt.timedelta(days=1)) == [(at("2026-03-29 03:30"), at("2026-03-29 04:00"))]


@given(
    st.integers(0, 366 * 24 * 60),
    st.integers(1, 7 * 24 * 60),
    st.sampled_from([WARSAW, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_calling_times_lie_in_order_inside_the_window_and_inside_the_hours(after: int, minutes: int, zone: str) -> None:
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=after)
    end = begin + dt.timedelta(minutes=minutes)
    before = begin
    for first, last in calling_times(OFFICE, zone, begin, end):
        assert before <= first < last <= end
        here, until = (each.astimezone(zoneinfo.ZoneInfo(zone)) for each in (first, last))
        assert here.weekday() < 5
        assert dt.time(9) <= here.time() <= until.time() <= dt.time(17)
        before = last


def test_no_attempt_fits_into_a_minute_of_calling_hours() -> None:
    start = at("2026-11-20 16:59")
    rules.check_hours(start, at("2026-11-20 20:00"), OFFICE, WARSAW, 60)
    with pytest.raises(Invalid, match="Mon-Fri 09:00-12:00 13:00-17:00"):
        rules.check_hours(start, at("2026-11-20 20:00"), OFFICE, WARSAW, 61)


def test_hours_are_said_as_people_write_them() -> None:
    assert spoken(OFFICE) == "Mon-Fri 09:00-12:00 13:00-17:00"
    assert spoken({"0": [["09:00", "17:00"]], "2": [["09:00", "17:00"]], "6": [["10:00", "12:00"]]}) == (
        "Mon 09:00-17:00, Wed 09:00-17:00, Sun 10:00-12:00"
    )
    assert spoken({}) == "-"


def test_the_fairest_is_free_then_has_the_least() -> None:
    begin = at("2026-11-23 10:00")
    window = (begin, begin + dt.timedelta(minutes=30))
    day = dt.date(2026, 11, 23)
    free, busy, away = Load(1), Load(2), Load(3, off=[window])
    free.take((begin + dt.timedelta(hours=1), begin + dt.timedelta(hours=5)), day)
    busy.take(window, day)
    assert fairest(window, day, [away, busy, free]) is free
    assert fairest(window, day, [away, busy]) is busy
    assert fairest(window, day, [away]) is away
    assert fairest(window, day, []) is None
    assert not overlaps(window, [(window[1], window[1] + dt.timedelta(hours=1))])


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40), st.integers(1, 6))
def test_nobody_has_two_at_once_while_somebody_is_free(slots: list[int], people: int) -> None:
    begin, length = at("2026-11-23 08:00"), dt.timedelta(minutes=15)
    loads = [Load(number) for number in range(people)]
    day = dt.date(2026, 11, 23)
    for slot in sorted(slots):
        window = (begin + slot * length, begin + (slot + 1) * length)
        idle = [load for load in loads if not overlaps(window, load.busy)]
        best = fairest(window, day, loads)
        assert best is not None
        assert not idle or best in idle
        best.take(window, day)
