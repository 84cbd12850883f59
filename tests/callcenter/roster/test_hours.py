"""What a weekly pattern means in instants, where the clocks change too. Pure."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as some

from callcenter.roster import hours

WARSAW = ZoneInfo("Europe/Warsaw")
ZONES = [ZoneInfo(name) for name in ("Europe/Warsaw", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")]
DAY = 1440


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("local", "last", "expected"),
    [
        ("2026-06-01T08:00", False, "2026-06-01T06:00"),
        ("2026-01-05T08:00", False, "2026-01-05T07:00"),
        ("2026-03-29T01:59:59", False, "2026-03-29T00:59:59"),
        ("2026-03-29T02:00", False, "2026-03-29T01:00"),  # skipped: 02:00 to 03:00 does not exist
        ("2026-03-29T02:59:59", True, "2026-03-29T01:00"),
        ("2026-03-29T03:00", False, "2026-03-29T01:00"),
        ("2026-10-25T02:30", False, "2026-10-25T00:30"),  # shown twice
        ("2026-10-25T02:30", True, "2026-10-25T01:30"),
    ],
)
def test_a_time_on_the_clock_is_found_where_clocks_skip_and_repeat(local: str, last: bool, expected: str) -> None:
    assert hours.instant(dt.datetime.fromisoformat(local), WARSAW, last=last) == utc(expected)


@pytest.mark.parametrize(
    ("pattern", "from_at", "to_at", "expected"),
    [
        # The same hours on the clock before and after the change of March 29th, a Sunday
        (
            [(4, 480, 960), (0, 480, 960)],
            "2026-03-27T00:00",
            "2026-03-31T00:00",
            [("2026-03-27T07:00", "2026-03-27T15:00"), ("2026-03-30T06:00", "2026-03-30T14:00")],
        ),
        # Saturday 22:00 to Sunday 06:00 is seven hours that night, nine in October
        ([(5, 1320, 1800)], "2026-03-28T12:00", "2026-03-29T12:00", [("2026-03-28T21:00", "2026-03-29T04:00")]),
        ([(5, 1320, 1800)], "2026-10-24T12:00", "2026-10-25T12:00", [("2026-10-24T20:00", "2026-10-25T05:00")]),
        # A shift inside the hour that is skipped is none; one that began yesterday reaches into what is asked
        ([(6, 125, 170)], "2026-03-28T12:00", "2026-03-29T12:00", []),
        ([(0, 1320, 1800)], "2026-06-02T02:00", "2026-06-02T20:00", [("2026-06-02T02:00", "2026-06-02T04:00")]),
        # Sunday night reaches into Monday; shifts that touch are one
        (
            [(6, 1320, 1800), (0, 360, 600)],
            "2026-06-07T12:00",
            "2026-06-08T20:00",
            [("2026-06-07T20:00", "2026-06-08T08:00")],
        ),
    ],
)
def test_a_pattern_means_the_same_hours_on_the_clock_all_year(
    pattern: list[hours.Hours], from_at: str, to_at: str, expected: list[tuple[str, str]]
) -> None:
    found = hours.worked(pattern, WARSAW, utc(from_at), utc(to_at))
    assert found == [(utc(begin), utc(end)) for begin, end in expected]


shift = some.tuples(some.integers(0, 6), some.integers(0, DAY - 1), some.integers(1, DAY)).map(
    lambda each: (each[0], each[1], each[1] + each[2])
)


@given(
    pattern=some.lists(shift, max_size=6),
    zone=some.sampled_from(ZONES),
    day=some.dates(dt.date(2025, 1, 1), dt.date(2027, 12, 31)),
    minute=some.integers(0, 5 * DAY - 1),
)
@example(pattern=[(5, 1320, 1800)], zone=WARSAW, day=dt.date(2026, 3, 27), minute=2 * DAY + 61)
def test_at_any_minute_a_person_works_exactly_when_the_clock_says_so(
    pattern: list[hours.Hours], zone: ZoneInfo, day: dt.date, minute: int
) -> None:
    begin = dt.datetime.combine(day, dt.time(), dt.UTC)
    at = begin + dt.timedelta(minutes=minute)
    clock = at.astimezone(zone)
    twice = clock.replace(fold=0).astimezone(dt.UTC) != clock.replace(fold=1).astimezone(dt.UTC)
    assume(not twice)  # for an hour that is shown twice the first and the last showing count
    minute_of_day = clock.hour * 60 + clock.minute
    today, yesterday = clock.weekday(), (clock.weekday() - 1) % 7
    expected = any(
        (weekday == today and first <= minute_of_day < final) or (weekday == yesterday and minute_of_day + DAY < final)
        for weekday, first, final in pattern
    )
    found = hours.worked(pattern, zone, begin, begin + dt.timedelta(days=5))
    assert any(first <= at < final for first, final in found) == expected
    assert found == hours.merge(found)


moments = some.integers(0, 200).map(lambda each: utc("2026-01-01T00:00") + dt.timedelta(minutes=each))
spans = some.tuples(moments, moments).filter(lambda each: each[0] < each[1])


@given(span=spans, taken=some.lists(spans, max_size=6), minute=moments)
def test_what_is_left_is_what_nothing_took(span: hours.Span, taken: list[hours.Span], minute: dt.datetime) -> None:
    left = hours.without(span, taken)
    expected = span[0] <= minute < span[1] and not any(begin <= minute < end for begin, end in taken)
    assert any(begin <= minute < end for begin, end in left) == expected
    assert all(begin < end for begin, end in left)
