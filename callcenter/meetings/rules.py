"""What a window may be, when may be dialled in it, and who gets a meeting of many. Pure."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from callcenter.errors import Invalid

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONGEST_WINDOW = dt.timedelta(days=7)
FARTHEST = dt.timedelta(days=5 * 366)  # ahead: beyond that it is a slip of the hand
_EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_LATEST = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)
_DAY_MINUTES = 1440

Hours = Mapping[str, Sequence[Sequence[str]]]
Window = tuple[dt.datetime, dt.datetime]


def utc(at: dt.datetime, name: str) -> dt.datetime:
    """Return a time in UTC; raises Invalid for field `name` when it lies outside what any clock of ours can show."""
    found = nearest(at)
    if found in (_EARLIEST, _LATEST):
        raise Invalid("There is no such time in our calendar.", field=name)
    return found


def nearest(at: dt.datetime) -> dt.datetime:
    """Return a time in UTC, one that no meeting can have as the first or last that one can: what a filter means by it."""
    try:
        return min(max(at.astimezone(dt.UTC), _EARLIEST), _LATEST)
    except OverflowError:
        return _EARLIEST if at.year == dt.MINYEAR else _LATEST


def check_window(start: dt.datetime, end: dt.datetime, now: dt.datetime, ring_seconds: int) -> None:
    """Raise Invalid with the field at fault unless a customer can still be called between these times (UTC)."""
    if end <= start:
        raise Invalid("The window ends before it begins.", field="to_at")
    if end <= now:
        raise Invalid("The window is in the past.", field="to_at")
    if start - now > FARTHEST:
        raise Invalid("This is more than five years ahead.", field="from_at")
    if end - start > LONGEST_WINDOW:
        raise Invalid("A window lasts at most {days} days.", field="to_at", days=LONGEST_WINDOW.days)
    if (end - max(start, now)).total_seconds() < ring_seconds:
        raise Invalid(
            "The window is too short: the customer's telephone alone rings up to {seconds} seconds.",
            field="to_at",
            seconds=ring_seconds,
        )


def check_hours(start: dt.datetime, end: dt.datetime, hours: Hours, zone: str, ring_seconds: int) -> None:
    """Raise Invalid for from_at when no attempt fits into the calling hours between these times."""
    longest = max(((last - first).total_seconds() for first, last in calling_times(hours, zone, start, end)), default=0.0)
    if longest >= max(1, ring_seconds):
        return
    raise Invalid(
        "Customers of this project are called only at these hours: {hours} ({zone}).",
        field="from_at",
        hours=spoken(hours),
        zone=zone,
    )


def calling_times(hours: Hours, zone: str, start: dt.datetime, end: dt.datetime) -> list[Window]:
    """Return when may be called between two times, in UTC and in order; right over changes of daylight-saving time.

    `hours` as in MeetingSettings: a day that is left out has none.
    """
    here = zoneinfo.ZoneInfo(zone)
    day, last = start.astimezone(here).date(), end.astimezone(here).date()
    found: list[Window] = []
    while day <= last:
        for opens, closes in sorted((minutes(each[0]), minutes(each[1])) for each in hours.get(str(day.weekday()), ())):
            first, until = max(start, _at(day, opens, here)), min(end, _at(day, closes, here))
            if first >= until:
                continue
            if found and first <= found[-1][1]:
                found[-1] = (found[-1][0], max(found[-1][1], until))
            else:
                found.append((first, until))
        day += dt.timedelta(days=1)
    return found


def minutes(text: str) -> int:
    """Return the minutes since midnight of "HH:MM"; "24:00" is the day's end. Raises ValueError."""
    hour, _, minute = text.partition(":")
    if not (len(hour) == len(minute) == 2 and text.replace(":", "").isdecimal() and text.isascii()):
        raise ValueError(text)
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > _DAY_MINUTES:
        raise ValueError(text)
    return found


def sorted_times(times: Iterable[Sequence[str]]) -> list[list[str]]:
    """Return a day's calling hours in order; raises Invalid for times that are none, turned round or over each other."""
    before = -1
    for first, last in sorted((each[0], each[1]) for each in times):
        try:
            opens, closes = minutes(first), minutes(last)
        except ValueError as error:
            raise Invalid("Write calling hours like 09:00 and 17:30; 24:00 is midnight.", field="hours") from error
        if closes <= opens:
            raise Invalid("Calling hours end before they begin.", field="hours")
        if opens < before:
            raise Invalid("Calling hours of a day lie over each other.", field="hours")
        before = closes
    return [[first, last] for first, last in sorted((each[0], each[1]) for each in times)]


def spoken(hours: Hours) -> str:
    """Return calling hours as people write them: "Mon-Fri 09:00-17:00, Sat 10:00-12:00"."""
    parts: list[tuple[int, int, str]] = []
    for day in range(7):
        times = " ".join(f"{first}-{last}" for first, last in sorted(tuple(each) for each in hours.get(str(day), ())))
        if times and parts and parts[-1][1] == day - 1 and parts[-1][2] == times:
            parts[-1] = (parts[-1][0], day, times)
        elif times:
            parts.append((day, day, times))
    named = [(DAYS[first][:3] + (f"-{DAYS[last][:3]}" if last > first else ""), times) for first, last, times in parts]
    return ", ".join(f"{days} {times}" for days, times in named) or "-"


def _at(day: dt.date, minute: int, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Return the moment a wall clock shows that minute of the day; one that is skipped in spring is the one after the gap."""
    midnight = dt.datetime.combine(day, dt.time(), zone)
    return (midnight + dt.timedelta(minutes=minute)).astimezone(dt.UTC)  # wall-clock arithmetic: PEP 495


@dataclass(slots=True)
class Load:
    """What a consultant has already: windows of open meetings, times off, minutes per day (of the project's time zone)."""

    user_id: int
    busy: list[Window] = field(default_factory=list)
    off: list[Window] = field(default_factory=list)
    minutes: dict[dt.date, float] = field(default_factory=dict)

    def take(self, window: Window, day: dt.date) -> None:
        """Add a meeting."""
        self.busy.append(window)
        self.minutes[day] = self.minutes.get(day, 0.0) + (window[1] - window[0]).total_seconds() / 60


def overlaps(window: Window, others: Iterable[Window]) -> bool:
    """Tell whether a window meets any of the others; one that begins as the other ends does not."""
    return any(window[0] < last and first < window[1] for first, last in others)


def fairest(window: Window, day: dt.date, loads: Sequence[Load]) -> Load | None:
    """Return who gets a meeting: nobody off or busy then if avoidable, of those who has the fewest minutes that day."""
    return min(
        loads,
        key=lambda each: (
            overlaps(window, each.off),
            overlaps(window, each.busy),
            each.minutes.get(day, 0.0),
            sum(each.minutes.values()),
        ),
        default=None,
    )
