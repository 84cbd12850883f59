"""When a meeting repeats: from a rule and a first time to all of them, in wall-clock time of a zone. Pure.

The rule is applied to the local date and time as the clock on the wall shows it, and only then does each become a point in
time, so that 14:30 stays 14:30 in summer and in winter (RFC 5545, section 3.3.10). A local time the clocks skip that night
is read with the offset before the change and so moves forward by what was skipped; one that comes twice is its first. Each
lasts as long as the first, in minutes that pass (section 3.8.5.3).
"""

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil import rrule

from callcenter.errors import Invalid
from callcenter.meetings.series_forms import MOST, SeriesInput

LONGEST = dt.timedelta(days=731)  # two years, from the first day to the last
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WORKDAYS = [0, 1, 2, 3, 4]
_DAY_ENDS = dt.time(23, 59, 59)


class Window(NamedTuple):
    """When a meeting may be held, in UTC."""

    from_at: dt.datetime
    to_at: dt.datetime


def windows(first: Window, repeat: SeriesInput, zone: ZoneInfo) -> list[Window]:
    """Return every window of a series, in order; the first is the first day the rule falls on, from `first` on.

    Raises Invalid with the field at fault: no end or two, too many, over more than two years, or none at all.
    """
    begin, length = wall(first.from_at, zone), first.to_at - first.from_at
    _check(repeat, begin)
    dates = _dates(begin, repeat)
    if len(dates) > MOST:
        raise Invalid("These would be more than {most} meetings. Let them end sooner.", field=_end(repeat), most=MOST)
    if not dates:
        raise Invalid("The series ends before the first day it falls on.", field="until")
    return [first if each == begin else at(each, zone, length) for each in dates]


def at(begin: dt.datetime, zone: ZoneInfo, length: dt.timedelta) -> Window:
    """Return the window that begins when the clock on the wall shows `begin`."""
    from_at = point(begin, zone)
    return Window(from_at, from_at + length)


def wall(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return what the clock on the wall shows, without a zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def point(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return when the clock on the wall shows `local`, in UTC: the first time it does, or after what it skips."""
    return local.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)


def text_of(repeat: SeriesInput, begin: dt.datetime, zone: ZoneInfo) -> str:
    """Return the rule as RFC 5545 writes it (UNTIL in UTC, as section 3.3.10 wants it beside a zone)."""
    parts = [f"FREQ={'DAILY' if repeat.every == 'day' else 'WEEKLY'}", f"INTERVAL={repeat.interval}"]
    if repeat.every != "day":
        parts += ["WKST=MO", "BYDAY=" + ",".join(_DAYS[day] for day in _weekdays(repeat, begin))]
    if repeat.until is not None:
        until = point(dt.datetime.combine(repeat.until, _DAY_ENDS), zone)
        parts.append(f"UNTIL={until:%Y%m%dT%H%M%SZ}")
    else:
        parts.append(f"COUNT={repeat.count}")
    return ";".join(parts)


def _check(repeat: SeriesInput, begin: dt.datetime) -> None:
    if (repeat.until is None) == (repeat.count is None):
        raise Invalid("Say until when the meetings repeat, or how many they are; not both.", field=_end(repeat))
    if repeat.every == "weekdays" and repeat.interval != 1:
        raise Invalid("Weekdays repeat every week. Choose weekly to leave weeks out.", field="interval")
    if repeat.every != "week" and repeat.days:
        raise Invalid("Days are chosen for weekly meetings only.", field="days")
    if repeat.until is not None and repeat.until < begin.date():
        raise Invalid("The series ends before it begins.", field="until")
    if repeat.until is not None and repeat.until - begin.date() > LONGEST:
        raise _too_long("until")


def _end(repeat: SeriesInput) -> str:
    return "count" if repeat.count is not None else "until"


def _weekdays(repeat: SeriesInput, begin: dt.datetime) -> list[int]:
    return _WORKDAYS if repeat.every == "weekdays" else repeat.days or [begin.weekday()]


def _dates(begin: dt.datetime, repeat: SeriesInput) -> list[dt.datetime]:
    """Return the wall-clock beginnings, one more than there may be at most."""
    last = begin.date() + LONGEST if repeat.until is None else repeat.until
    found = rrule.rrule(
        rrule.DAILY if repeat.every == "day" else rrule.WEEKLY,
        dtstart=begin,
        interval=repeat.interval,
        wkst=rrule.MO,
        byweekday=None if repeat.every == "day" else _weekdays(repeat, begin),
        until=dt.datetime.combine(last, _DAY_ENDS),
    )
    dates = [each for each, _ in zip(found, range(min(repeat.count or MOST + 1, MOST + 1)), strict=False)]
    if repeat.count is not None and len(dates) < repeat.count:  # the two years were over before
        raise _too_long("count")
    return dates


def _too_long(field: str) -> Invalid:
    return Invalid("A series lasts two years at most. Let it end sooner.", field=field)
