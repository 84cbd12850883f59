"""When a weekly pattern means work, in instants: right where the clocks change. Pure."""

import datetime as dt
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

Span = tuple[dt.datetime, dt.datetime]
Hours = tuple[int, int, int]  # weekday, from_minute, to_minute, as models.Shift has them
_ONE_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)


def instant(local: dt.datetime, zone: ZoneInfo, *, last: bool = False) -> dt.datetime:
    """Return when the clocks of a zone show a (naive) time, in UTC.

    A time they show twice is its first, or with `last` its last showing. For a time they skip it is the moment they skip it.
    """
    found = local.replace(tzinfo=zone, fold=int(last)).astimezone(dt.UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local:
        return found
    edges = [local.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1)]
    low, high = min(edges) - _SECOND, max(edges)
    before = low.astimezone(zone).utcoffset()
    while high - low > _SECOND:  # the change lies between them; it falls on a whole second
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle == low:
            break
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def worked(pattern: Iterable[Hours], zone: ZoneInfo, from_at: dt.datetime, to_at: dt.datetime) -> list[Span]:
    """Return the spans of [from_at, to_at) in which the pattern means work, in order, touching ones joined."""
    by_weekday: dict[int, list[tuple[int, int]]] = {}
    for weekday, begin, end in pattern:
        by_weekday.setdefault(weekday, []).append((begin, end))
    return clip(merge(_shifts(by_weekday, zone, from_at, to_at)), from_at, to_at)


def _shifts(
    by_weekday: dict[int, list[tuple[int, int]]], zone: ZoneInfo, from_at: dt.datetime, to_at: dt.datetime
) -> Iterator[Span]:
    """Yield each shift that may touch the interval; one that began on the day before may reach into its first day."""
    day = from_at.astimezone(zone).date() - _ONE_DAY
    last = to_at.astimezone(zone).date()
    while day <= last:
        midnight = dt.datetime.combine(day, dt.time())
        for begin, end in by_weekday.get(day.weekday(), ()):
            first = instant(midnight + dt.timedelta(minutes=begin), zone)
            final = instant(midnight + dt.timedelta(minutes=end), zone, last=True)
            if first < final:
                yield first, final
        day += _ONE_DAY


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, overlapping and touching ones joined."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def clip(spans: Iterable[Span], from_at: dt.datetime, to_at: dt.datetime) -> list[Span]:
    """Return what of the spans lies in [from_at, to_at)."""
    return [(max(begin, from_at), min(end, to_at)) for begin, end in spans if begin < to_at and end > from_at]


def without(span: Span, taken: Iterable[Span]) -> list[Span]:
    """Return what is left of a span when others are cut out of it."""
    left: list[Span] = []
    begin, end = span
    for first, final in clip(merge(taken), begin, end):
        if begin < first:
            left.append((begin, first))
        begin = final
    if begin < end:
        left.append((begin, end))
    return left
