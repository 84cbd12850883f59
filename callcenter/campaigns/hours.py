"""When somebody may be called: by their own clock, wherever their number says they may be. Pure.

A number may be in several time zones (a mobile of a large country, an address abroad): then all their clocks must allow it.
"""

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers
from babel.core import get_global
from phonenumbers import timezone
from phonenumbers.tzdata import TIMEZONE_DATA

from callcenter.errors import Invalid

DAY = 24 * 60  # minutes
HORIZON = dt.timedelta(days=35)  # beyond it nobody plans: "never" is asked again another day

Windows = tuple[tuple[tuple[int, int], ...], ...]
"""For each weekday from Monday the times from (included) to (excluded), in minutes of the day, sorted and apart."""

Closed = Callable[[dt.date], str]
"""The name of the holiday a day is, "" for an ordinary day."""

NOWHERE = ("Etc/GMT", "Etc/GMT+12", "Etc/GMT+6", "Etc/GMT-12", "Etc/GMT-6")  # of a number that may be anywhere
_SECOND = dt.timedelta(seconds=1)


class When(NamedTuple):
    """Whether it may be now: `code` is "", else hours, weekday or holiday with `values` (zone, local, holiday).

    `until`: the next moment it may be, None: not within HORIZON.
    """

    code: str
    values: dict[str, str]
    until: dt.datetime | None


def zones_of(number: str, country: str = "") -> tuple[str, ...]:
    """Return the IANA zones a number (E.164) may be in, sorted; with an address in another `country` those of that one too.

    A number that says nothing (+800) and has no address is nowhere: no moment suits the whole world.
    """
    parsed = phonenumbers.parse(number)
    region = region_of(number)
    found = _of_region(frozenset(timezone.time_zones_for_number(parsed)), region)
    if country and country.upper() != region:
        found |= of_country(country.upper())
    return tuple(sorted(found)) or NOWHERE


def region_of(number: str) -> str:
    """Return the country of a number (E.164), "" for one of no country."""
    region = phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
    return "" if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else region


@functools.cache
def of_country(country: str) -> frozenset[str]:
    """Return the zones of a country (ISO 3166), none for an unknown one."""
    code = phonenumbers.country_code_for_region(country)
    return _of_region(frozenset(TIMEZONE_DATA.get(str(code), ())), country)


def _of_region(zones: frozenset[str], region: str) -> frozenset[str]:
    """Leave out zones of other countries, with which some share a code (+1, +7, +44)."""
    territories = get_global("zone_territories")
    known = zones - {timezone.UNKNOWN_TIMEZONE}
    return frozenset(each for each in known if territories.get(each, region) == region) or known


def parse(hours: Mapping[str, Sequence[Sequence[str]]]) -> Windows:
    """Return hours as they are stored ({"0": [["09:00", "17:00"]]}, Monday is 0) as windows; a day left out has none.

    Raises Invalid (hours).
    """
    if set(hours) - {str(day) for day in range(7)}:
        raise _bad()
    return tuple(_joined(_pair(each) for each in hours.get(str(day), ())) for day in range(7))


def shown(windows: Windows) -> dict[str, list[list[str]]]:
    """Return windows as hours are stored; the inverse of `parse`."""
    return {
        str(day): [[f"{start // 60:02}:{start % 60:02}", f"{end // 60:02}:{end % 60:02}"] for start, end in windows[day]]
        for day in range(7)
        if windows[day]
    }


def within(one: Windows, other: Windows) -> Windows:
    """Return the times that are in both."""
    return tuple(
        _joined((max(a, c), min(b, d)) for a, b in one[day] for c, d in other[day] if max(a, c) < min(b, d)) for day in range(7)
    )


def when(at: dt.datetime, zones: Iterable[str], windows: Windows, closed: Closed) -> When:
    """Tell whether somebody who may be in any of the zones may be called, and from when else."""
    clocks = [ZoneInfo(zone) for zone in zones]
    against = [found for clock in clocks if (found := _against(at, clock, windows, closed))[0]]
    if not against:
        return When("", {}, None)
    code, values = min(against, key=lambda each: ("holiday", "weekday", "hours").index(each[0]))
    return When(code, values, _next(at, clocks, windows, closed))


def _against(at: dt.datetime, clock: ZoneInfo, windows: Windows, closed: Closed) -> tuple[str, dict[str, str]]:
    local = at.astimezone(clock)
    values = {"zone": clock.key, "local": f"{local:%Y-%m-%d %H:%M}"}
    if holiday := closed(local.date()):
        return "holiday", values | {"holiday": holiday}
    if not windows[local.weekday()]:
        return "weekday", values
    return ("" if _open(at, clock, windows, closed) else "hours"), values


def _open(at: dt.datetime, clock: ZoneInfo, windows: Windows, closed: Closed) -> bool:
    local = at.astimezone(clock)
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in windows[local.weekday()]) and not closed(local.date())


def _next(at: dt.datetime, clocks: Sequence[ZoneInfo], windows: Windows, closed: Closed) -> dt.datetime | None:
    """Return the first moment from `at` on that suits all clocks: each in turn moves it to its own next one."""
    moment, last = at, at + HORIZON
    while moment <= last:
        before = moment
        for clock in clocks:
            found = _opens(moment, clock, windows, closed, last)
            if found is None:
                return None
            moment = found
        if moment == before:
            return moment
    return None


def _opens(at: dt.datetime, clock: ZoneInfo, windows: Windows, closed: Closed, last: dt.datetime) -> dt.datetime | None:
    """Return the first moment from `at` on that suits one clock, None when there is none until `last`.

    A day opens where a window starts (twice when the clock is put back over it), or where the clock jumps into one.
    """
    if _open(at, clock, windows, closed):
        return at
    first = at.astimezone(clock).date()
    for ahead in range(-1, (last - at).days + 2):  # yesterday: a clock put back at midnight has it twice
        day = first + dt.timedelta(days=ahead)
        starts = [start for start, _ in windows[day.weekday()]]
        if not starts or closed(day):
            continue
        begin = dt.datetime.combine(day, dt.time(), clock)
        moments = {
            (begin + dt.timedelta(minutes=start)).replace(fold=fold).astimezone(dt.UTC) for start in starts for fold in (0, 1)
        }
        moments |= _jump(begin.astimezone(dt.UTC), (begin + dt.timedelta(days=1)).replace(fold=1).astimezone(dt.UTC), clock)
        found = min((each for each in moments if each >= at and _open(each, clock, windows, closed)), default=None)
        if found is not None:
            return found
    return None


def _jump(start: dt.datetime, end: dt.datetime, clock: ZoneInfo) -> set[dt.datetime]:
    """Return the moment between two (UTC) at which the clock is put forward or back, if it is."""
    before = start.astimezone(clock).utcoffset()
    if end.astimezone(clock).utcoffset() == before:
        return set()
    while end - start > _SECOND:
        middle = start + ((end - start) / 2 // _SECOND) * _SECOND
        if middle.astimezone(clock).utcoffset() == before:
            start = middle
        else:
            end = middle
    return {end}


def _pair(given: Sequence[Any]) -> tuple[int, int]:
    if isinstance(given, str) or len(given) != 2:
        raise _bad()
    start, end = (_minutes(each) for each in given)
    if start >= end:
        raise Invalid("These hours end before they begin. Write them like 09:00 to 17:00.", field="hours")
    return start, end


def _minutes(given: object) -> int:
    hour, colon, minute = str(given).partition(":")
    if not (colon and hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit() and len(minute) == 2):
        raise _bad()
    minutes = int(hour[:3]) * 60 + int(minute)
    if int(minute) >= 60 or minutes > DAY:
        raise _bad()
    return minutes


def _joined(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return times sorted, with those that touch made one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(pairs):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def _bad() -> Invalid:
    return Invalid("Write the hours of a day like 09:00 to 17:00.", field="hours")
