"""VTIMEZONE (RFC 5545, section 3.6.5): a zone's clock changes written out; a calendar needs no zone data of its own. Pure."""

import calendar
import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

_DAY = dt.timedelta(days=1)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class _Change(NamedTuple):
    """What the clock does: `kind` begins, from one offset to the other; `name` is the zone's abbreviation after it."""

    kind: str
    before: dt.timedelta
    after: dt.timedelta
    name: str


@functools.lru_cache(maxsize=32)
def lines(key: str, first_year: int, last_year: int) -> tuple[str, ...]:
    """Return the component of a zone (IANA name) as lines, right from the first of these years to the end of the last.

    A change that comes on the same weekday of its month each year is written as a rule, which is what Outlook reads; any
    other as it comes.
    """
    zone = ZoneInfo(key)
    found: defaultdict[_Change, list[dt.datetime]] = defaultdict(list)
    begin, end = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (first_year - 1, last_year + 2))
    at = begin
    while at < end:
        if at.astimezone(zone).utcoffset() != (at + _DAY).astimezone(zone).utcoffset():
            change, onset = _between(zone, at)
            found[change].append(onset)
        at += _DAY
    written = ["BEGIN:VTIMEZONE", f"TZID:{key}"]
    if not any(onset.year < first_year for onsets in found.values() for onset in onsets):
        same = _offset(begin, zone)
        written += _component(_Change("STANDARD", same, same, begin.astimezone(zone).tzname() or key), dt.datetime(1970, 1, 1))  # noqa: DTZ001 - the clock on the wall
    for change, onsets in found.items():
        rule = _rule(onsets)
        for onset in onsets[:1] if rule else onsets:
            written += _component(change, onset, rule)
    return (*written, "END:VTIMEZONE")


def _between(zone: ZoneInfo, at: dt.datetime) -> tuple[_Change, dt.datetime]:
    """Return the change within a day of `at`, and the time on the wall at which the clock is changed."""
    before, late = _offset(at, zone), at + _DAY
    while late - at > dt.timedelta(seconds=1):
        middle = at + (late - at) // 2
        at, late = (middle, late) if _offset(middle, zone) == before else (at, middle)
    onset = late.replace(microsecond=0)
    local = onset.astimezone(zone)
    kind = "DAYLIGHT" if local.dst() else "STANDARD"
    return _Change(kind, before, _offset(onset, zone), local.tzname() or zone.key), (onset + before).replace(tzinfo=None)


def _offset(at: dt.datetime, zone: ZoneInfo) -> dt.timedelta:
    return at.astimezone(zone).utcoffset() or dt.timedelta()


def _rule(onsets: Sequence[dt.datetime]) -> str:
    """Return the yearly rule all of these follow, "" for none: the last or the n-th such weekday of the month."""
    first = onsets[0]
    years = [each.year for each in onsets] == list(range(first.year, first.year + len(onsets)))
    same = {(each.month, each.weekday(), each.time()) for each in onsets}
    if len(onsets) < 2 or not years or len(same) > 1:
        return ""
    day = _WEEKDAYS[first.weekday()]
    if all(each.day + 7 > calendar.monthrange(each.year, each.month)[1] for each in onsets):
        return f"RRULE:FREQ=YEARLY;BYMONTH={first.month};BYDAY=-1{day}"
    numbers = {(each.day - 1) // 7 + 1 for each in onsets}
    return f"RRULE:FREQ=YEARLY;BYMONTH={first.month};BYDAY={numbers.pop()}{day}" if len(numbers) == 1 else ""


def _component(change: _Change, onset: dt.datetime, rule: str = "") -> list[str]:
    found = [f"BEGIN:{change.kind}", f"DTSTART:{onset:%Y%m%dT%H%M%S}", f"TZOFFSETFROM:{_written(change.before)}"]
    found += [f"TZOFFSETTO:{_written(change.after)}", f"TZNAME:{change.name}", *([rule] if rule else [])]
    return [*found, f"END:{change.kind}"]


def _written(offset: dt.timedelta) -> str:
    sign, seconds = ("-" if offset < dt.timedelta() else "+"), int(abs(offset).total_seconds())
    text = f"{sign}{seconds // 3600:02}{seconds // 60 % 60:02}"
    return f"{text}{seconds % 60:02}" if seconds % 60 else text
