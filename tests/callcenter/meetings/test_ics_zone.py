"""VTIMEZONE as another reader of iCalendar understands it, hour by hour, beside the zone itself."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from callcenter.meetings import ics, ics_zone


@pytest.mark.parametrize(
    "key",
    [
        "Europe/Warsaw",
        "Europe/Dublin",  # its winter is the time that is put back
        "America/New_York",  # the second Sunday of a month
        "Australia/Lord_Howe",  # half an hour, summer over the new year
        "Africa/Casablanca",  # around Ramadan: no yearly rule
        "Asia/Tokyo",  # never
        "UTC",
    ],
)
def test_a_zone_as_written_has_the_offsets_of_the_zone(key: str) -> None:
    zone = ZoneInfo(key)
    text = ics.calendar("REQUEST", [], zone=ics_zone.lines(key, 2026, 2027))
    calendar = Calendar.from_ical(text)
    assert isinstance(calendar, Calendar)
    (component,) = calendar.timezones
    read = component.to_tz()
    at, end = dt.datetime(2026, 1, 1), dt.datetime(2028, 1, 1)  # noqa: DTZ001 - the clock on the wall
    while at < end:
        there_and_back = at.replace(tzinfo=zone).astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) == at
        twice = at.replace(tzinfo=zone).utcoffset() != at.replace(tzinfo=zone, fold=1).utcoffset()
        if there_and_back and not twice:  # of the night the clocks change each reader makes its own
            assert at.replace(tzinfo=read).utcoffset() == at.replace(tzinfo=zone).utcoffset(), at
        at += dt.timedelta(hours=1)


def test_a_change_on_the_same_weekday_each_year_is_a_rule_and_any_other_is_written_out() -> None:
    assert "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU" in ics_zone.lines("Europe/Warsaw", 2026, 2027)
    assert "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU" in ics_zone.lines("America/New_York", 2026, 2027)
    assert not any(line.startswith("RRULE") for line in ics_zone.lines("Africa/Casablanca", 2026, 2027))
