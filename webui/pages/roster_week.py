"""A week of the roster as it is drawn: for each person and day the shifts, what is off, and the hours that remain."""

import datetime as dt
from dataclasses import dataclass, field

from callcenter import clock
from callcenter.roster import hours
from callcenter.roster.service import AbsenceOut, PersonOut
from webui import i18n

_DAY = dt.timedelta(days=1)
_FIRST, _LAST = dt.date(2000, 1, 3), dt.date(2099, 12, 21)  # Mondays; the roster keeps nothing beyond


@dataclass(slots=True)
class Mark:
    """A line in a day: a shift, a time off or an extra shift (`kind`), its hours ("" is the whole day), its reason."""

    kind: str
    time: str
    reason: str = ""
    outdone: bool = False  # a shift nothing remains of, since the person is off


@dataclass(slots=True)
class Row:
    """A person's week. `hours` is what remains to work, None for somebody without a pattern."""

    person: PersonOut
    days: list[list[Mark]] = field(default_factory=list)
    hours: float | None = None


def today() -> dt.date:
    """Return the day it is for who looks."""
    return clock.now().astimezone(i18n.zone(i18n.current().time_zone)).date()


def monday(text: str) -> dt.date:
    """Return the Monday of the week of a day (YYYY-MM-DD), of the present week when it is no day."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        day = today()
    return min(max(day - day.weekday() * _DAY, _FIRST), _LAST)


def around(first: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return an interval that holds the week of this Monday in every time zone."""
    begin = dt.datetime.combine(first, dt.time(), dt.UTC)
    return begin - _DAY, begin + 8 * _DAY


def written(each: AbsenceOut, time_zone: str) -> str:
    """Write when an exception is, in the person's time zone; whole days without hours."""
    zone = i18n.zone(time_zone)
    begin, end = each.from_at.astimezone(zone), each.to_at.astimezone(zone)
    last = end - dt.timedelta(microseconds=1)
    if begin.time() == end.time() == dt.time():
        days = [i18n.date(begin.date()), i18n.date(last.date())]
        return " \N{EN DASH} ".join(dict.fromkeys(days))
    if begin.date() == last.date():
        return f"{i18n.date(begin.date())}, {begin:%H:%M}\N{EN DASH}{end:%H:%M}"
    return f"{i18n.date(begin.date())}, {begin:%H:%M} \N{EN DASH} {i18n.date(end.date())}, {end:%H:%M}"


def row(person: PersonOut, first: dt.date) -> Row:
    """Return a person's week, in days of their own time zone."""
    zone = i18n.zone(person.time_zone)
    bounds = [hours.instant(dt.datetime.combine(first + day * _DAY, dt.time()), zone) for day in range(8)]
    found = Row(person, [_marks(person, day, (bounds[day], bounds[day + 1])) for day in range(7)])
    if person.shifts:
        away = hours.clip(hours.merge((each.from_at, each.to_at) for each in person.off), bounds[0], bounds[7])
        worked = bounds[7] - bounds[0] - sum((end - begin for begin, end in away), dt.timedelta())
        found.hours = worked.total_seconds() / 3600
    return found


def _marks(person: PersonOut, day: int, span: hours.Span) -> list[Mark]:
    """Return a day's lines: shifts that begin on it, then exceptions that touch it."""
    zone = i18n.zone(person.time_zone)
    gone = [(each.from_at, each.to_at) for each in person.absences if not each.works]
    marks: list[Mark] = []
    for each in person.shifts:
        if each.weekday == day:
            begin = dt.datetime.combine(span[0].astimezone(zone).date(), dt.time.fromisoformat(each.from_time))
            shift = (hours.instant(begin, zone), hours.instant(begin + dt.timedelta(minutes=each.minutes), zone, last=True))
            outdone = shift[0] < shift[1] and not hours.without(shift, gone)
            marks.append(Mark("shift", f"{each.from_time}\N{EN DASH}{each.to_time}", outdone=outdone))
    return marks + [_exception(each, span, zone) for each in person.absences if each.from_at < span[1] and each.to_at > span[0]]


def _exception(each: AbsenceOut, span: hours.Span, zone: dt.tzinfo) -> Mark:
    begin, end = max(each.from_at, span[0]), min(each.to_at, span[1])
    whole = (begin, end) == span
    last = "24:00" if end == span[1] else f"{end.astimezone(zone):%H:%M}"
    time = "" if whole else f"{begin.astimezone(zone):%H:%M}\N{EN DASH}{last}"
    return Mark("extra" if each.works else "off", time, each.reason)
