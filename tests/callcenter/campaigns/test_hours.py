import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.campaigns import hours
from callcenter.errors import Invalid

WORKDAYS = hours.parse({str(day): [["09:00", "17:00"]] for day in range(5)})
ZONES = (
    *("Europe/Warsaw", "America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("America/Havana", "Asia/Beirut", "Antarctica/Troll", "America/Santiago", "America/St_Johns"),
)


def ordinary(_: dt.date) -> str:
    return ""


def warsaw(year: int, month: int, day: int, hour: int, minute: int = 0, fold: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, tzinfo=ZoneInfo("Europe/Warsaw"), fold=fold).astimezone(dt.UTC)


def test_a_polish_number_is_in_one_zone_and_an_american_mobile_where_its_area_is() -> None:
    assert hours.zones_of("+48601234567") == ("Europe/Warsaw",)
    assert hours.zones_of("+12025550123") == ("America/New_York",)


def test_a_number_without_a_place_is_in_every_zone_of_its_own_country_only() -> None:
    found = hours.zones_of("+18005550123")
    assert {"America/New_York", "Pacific/Honolulu"} <= set(found)
    assert "America/Toronto" not in found
    assert "Pacific/Guam" not in found


def test_an_address_abroad_adds_its_zones_and_an_unknown_country_none() -> None:
    assert hours.zones_of("+48601234567", "GB") == ("Europe/London", "Europe/Warsaw")
    assert hours.zones_of("+48601234567", "XX") == ("Europe/Warsaw",)
    assert hours.zones_of("+48601234567", "pl") == ("Europe/Warsaw",)


def test_a_number_of_no_country_suits_no_moment_with_ordinary_hours() -> None:
    at = warsaw(2026, 11, 23, 12)
    assert hours.when(at, hours.zones_of("+80012345678"), WORKDAYS, ordinary).until is None


@pytest.mark.parametrize(
    ("at", "code", "until"),
    [
        (warsaw(2026, 11, 23, 9), "", None),
        (warsaw(2026, 11, 23, 8, 59), "hours", warsaw(2026, 11, 23, 9)),
        (warsaw(2026, 11, 23, 17), "hours", warsaw(2026, 11, 24, 9)),
        (warsaw(2026, 11, 27, 17), "hours", warsaw(2026, 11, 30, 9)),
        (warsaw(2026, 11, 28, 12), "weekday", warsaw(2026, 11, 30, 9)),
    ],
)
def test_hours_and_weekdays_say_when_next(at: dt.datetime, code: str, until: dt.datetime | None) -> None:
    found = hours.when(at, ["Europe/Warsaw"], WORKDAYS, ordinary)
    assert (found.code, found.until) == (code, until)


def test_a_holiday_is_named_and_passed_over() -> None:
    def closed(day: dt.date) -> str:
        return "Independence Day" if (day.month, day.day) == (11, 11) else ""

    found = hours.when(warsaw(2026, 11, 11, 12), ["Europe/Warsaw"], WORKDAYS, closed)
    assert (found.code, found.values["holiday"], found.until) == ("holiday", "Independence Day", warsaw(2026, 11, 12, 9))


def test_two_zones_must_both_allow_it() -> None:
    zones = ["America/New_York", "America/Los_Angeles"]
    found = hours.when(dt.datetime(2026, 11, 23, 15, tzinfo=dt.UTC), zones, WORKDAYS, ordinary)  # 10:00 and 07:00
    assert (found.code, found.values["zone"]) == ("hours", "America/Los_Angeles")
    assert found.until == dt.datetime(2026, 11, 23, 17, tzinfo=dt.UTC)
    late = hours.when(dt.datetime(2026, 11, 23, 22, tzinfo=dt.UTC), zones, WORKDAYS, ordinary)  # 17:00 and 14:00
    assert late.until == dt.datetime(2026, 11, 24, 17, tzinfo=dt.UTC)


def test_a_start_within_the_hour_that_does_not_exist_opens_where_the_clock_jumps() -> None:
    night = hours.parse({str(day): [["02:30", "04:00"]] for day in range(7)})
    found = hours.when(warsaw(2027, 3, 28, 1), ["Europe/Warsaw"], night, ordinary)
    assert found.until == dt.datetime(2027, 3, 28, 1, tzinfo=dt.UTC)  # 03:00, the first minute after 01:59


def test_the_hour_that_comes_twice_opens_twice() -> None:
    night = hours.parse({str(day): [["02:15", "02:45"]] for day in range(7)})
    between = warsaw(2026, 10, 25, 2, 50)
    assert hours.when(between, ["Europe/Warsaw"], night, ordinary).until == warsaw(2026, 10, 25, 2, 15, fold=1)


def test_the_day_after_the_clock_changed_begins_at_the_same_hour_by_the_clock() -> None:
    everyday = hours.parse({str(day): [["08:00", "20:00"]] for day in range(7)})
    assert hours.when(warsaw(2027, 3, 27, 21), ["Europe/Warsaw"], everyday, ordinary).until == warsaw(2027, 3, 28, 8)
    assert warsaw(2027, 3, 28, 8) - warsaw(2027, 3, 27, 8) == dt.timedelta(hours=23)


def test_hours_that_are_none_never_come() -> None:
    assert hours.when(warsaw(2026, 11, 23, 12), ["Europe/Warsaw"], hours.parse({}), ordinary).until is None


@pytest.mark.parametrize(
    "given",
    [
        *({"7": []}, {"0": [["9", "17:00"]]}, {"0": [["09:00"]]}, {"0": ["09:00"]}, {"0": [["17:00", "09:00"]]}),
        *({"0": [["09:00", "24:01"]]}, {"0": [["09:60", "10:00"]]}, {"0": [["²1:00", "22:00"]]}, {"0": [["", ""]]}),
    ],
)
def test_bad_hours_are_refused(given: dict[str, list[list[str]]]) -> None:
    with pytest.raises(Invalid) as refused:
        hours.parse(given)
    assert refused.value.field == "hours"


windows = st.lists(
    st.lists(
        st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(
            lambda pair: (pair[0], pair[0] + 1 + pair[1] % (1440 - pair[0]))
        ),
        max_size=2,
    ),
    min_size=7,
    max_size=7,
).map(lambda days: tuple(hours._joined(day) for day in days))
first = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
moments = st.integers(0, 6 * 366 * 86400).map(lambda seconds: first + dt.timedelta(seconds=seconds))
changes = st.sampled_from(  # days on which some clock changes
    [*("2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01"), *("2026-04-05", "2026-10-04", "2026-04-04", "2026-09-06")]
).map(lambda day: dt.datetime.fromisoformat(f"{day}T00:00Z"))
nights = st.builds(lambda day, minutes: day + dt.timedelta(minutes=minutes), changes, st.integers(-900, 900))


@given(windows, windows)
def test_what_is_within_both_is_what_both_allow(one: hours.Windows, other: hours.Windows) -> None:
    both = hours.within(one, other)
    for day in range(7):
        for minute in range(0, 1440, 7):
            inside = [any(start <= minute < end for start, end in each[day]) for each in (one, other, both)]
            assert inside[2] == (inside[0] and inside[1])
    assert hours.parse(hours.shown(both)) == both


@given(
    moments | nights, st.sets(st.sampled_from(ZONES), min_size=1, max_size=3), windows, st.sets(st.integers(0, 400), max_size=3)
)
def test_the_next_moment_is_allowed_and_nothing_before_it_is(
    at: dt.datetime, zones: set[str], allowed: hours.Windows, holidays: set[int]
) -> None:
    names = {at.date() + dt.timedelta(days=ahead): "Holiday" for ahead in holidays}

    def closed(day: dt.date) -> str:
        return names.get(day, "")

    def free(moment: dt.datetime) -> bool:
        clocks = [moment.astimezone(ZoneInfo(zone)) for zone in zones]
        return all(
            not closed(each.date()) and any(start <= each.hour * 60 + each.minute < end for start, end in allowed[each.weekday()])
            for each in clocks
        )

    found = hours.when(at, sorted(zones), allowed, closed)
    assert (found.code == "") == free(at)
    if found.code:
        end = at + dt.timedelta(days=2) if found.until is None else found.until
        assert found.until is None or (free(end) and end > at)
        whole = at.replace(second=0) + dt.timedelta(minutes=1)
        steps = min(int((end - whole).total_seconds() // 60) + 1, 2 * 1440)
        minutes = [whole + dt.timedelta(minutes=each) for each in range(steps)]
        assert not any(free(each) for each in minutes if each < end)
