"""A series as one event of a calendar: what a customer's calendar holds of it by our mails, and how it is said anew. Pure.

The event repeats by a rule, and whatever the rule does not say is an exception of it: an occurrence of its own
(RECURRENCE-ID) where time or words are others, EXDATE where none takes place. The n-th occurrence of the rule is the n-th
meeting of the series, however far it was moved; it is called by its place, the time the rule gives it by the clock on the
wall. Never RDATE, which real calendars read badly (decision 0009).
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil import rrule

from callcenter.meetings import ics, recurrence

UID = "phone-meeting-series-"
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Seen(NamedTuple):
    """What a calendar shows of one meeting; times are in UTC, whole seconds."""

    start: dt.datetime
    end: dt.datetime
    summary: str
    description: str
    location: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rule without its end, and the place of its first occurrence, by the clock of a zone."""

    rule: str
    begin: dt.datetime
    zone: ZoneInfo

    def places(self, count: int) -> list[dt.datetime]:
        """Return the first places."""
        return list(rrule.rrulestr(f"{self.rule};COUNT={count}", dtstart=self.begin)) if count else []

    def shifted(self, by: dt.timedelta, count: int) -> "Pattern | None":
        """Return the pattern whose `count` places are all later by as much, None when no such rule can say that."""
        begin = self.begin + by
        days = (begin.date() - self.begin.date()).days
        found = Pattern(_turned(self.rule, days), begin, self.zone)
        return found if found.places(count) == [each + by for each in self.places(count)] else None


@dataclass(slots=True)
class Known:
    """An event as a customer's calendar has it: what is seen at each place."""

    uid: str
    pattern: Pattern
    seen: dict[dt.datetime, Seen]


def endless(rule: str) -> str:
    """Return a rule without its end."""
    return ";".join(each for each in rule.split(";") if not each.startswith(("COUNT=", "UNTIL=")))


def _turned(rule: str, days: int) -> str:
    """Return a rule whose weekdays are later by some days."""
    parts = dict(each.split("=") for each in rule.split(";"))
    if "BYDAY" in parts:
        turned = sorted((_DAYS.index(each) + days) % 7 for each in parts["BYDAY"].split(","))
        parts["BYDAY"] = ",".join(_DAYS[each] for each in turned)
    return ";".join(f"{name}={value}" for name, value in parts.items())


def read(mails: Iterable[str]) -> Known | None:
    """Return what a calendar holds of a series that got these iCalendar texts of ours, in order; None for nothing."""
    known: Known | None = None
    for text in mails:
        events = ics.events(text)
        if not events[0]["UID"][0].startswith(UID):
            continue
        if "RRULE" in events[0]:
            known = _whole(events[0], ZoneInfo(text.partition("\r\nTZID:")[2].partition("\r\n")[0]))
        elif known is not None and "RECURRENCE-ID" not in events[0]:  # only a CANCEL of everything
            known = None
        for each in events:
            if known is not None and "RECURRENCE-ID" in each:
                place = _local(each["RECURRENCE-ID"][0])
                if each["STATUS"] == ["CANCELLED"]:
                    known.seen.pop(place, None)
                else:
                    known.seen[place] = _seen(each, _utc(each["DTSTART"][0]), _utc(each["DTEND"][0]))
    return known


def _whole(event: Mapping[str, list[str]], zone: ZoneInfo) -> Known:
    begin, end = (_local(event[name][0]) for name in ("DTSTART", "DTEND"))
    rule = event["RRULE"][0]
    pattern = Pattern(endless(rule), begin, zone)
    gone = {_local(each) for each in event.get("EXDATE", [])}
    seen = {
        each: _seen(event, recurrence.point(each, zone), recurrence.point(each + (end - begin), zone))
        for each in pattern.places(int(rule.rpartition("COUNT=")[2]))
        if each not in gone
    }
    return Known(event["UID"][0], pattern, seen)


def _seen(event: Mapping[str, list[str]], start: dt.datetime, end: dt.datetime) -> Seen:
    words = (event.get(name, [""])[0] for name in ("SUMMARY", "DESCRIPTION", "LOCATION"))
    return Seen(start, end, *words)


def _local(value: str) -> dt.datetime:
    return dt.datetime.strptime(value, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - by the clock on the wall


def _utc(value: str) -> dt.datetime:
    return dt.datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)


class Said(NamedTuple):
    """A whole series as it is said: its `event`, and the exceptions with the places they stand for."""

    pattern: Pattern
    rule: str
    length: dt.timedelta
    usual: int
    without: tuple[dt.datetime, ...]
    others: tuple[tuple[dt.datetime, int], ...]


def say(pattern: Pattern, wanted: Sequence[Seen | None]) -> Said:
    """Return how to say what the n-th meetings are (None: does not take place), with as few exceptions as the rule allows.

    The rule keeps its places, unless most meetings moved by the same time and a rule can say so. `usual` is the number of
    a meeting whose words the event has, `others` are places with the numbers of the meetings that are exceptions.
    """
    count = max(number for number, each in enumerate(wanted) if each is not None) + 1
    places = pattern.places(count)
    kinds: dict[int, tuple[dt.timedelta, dt.timedelta, tuple[str, str, str]]] = {}
    for number, (place, each) in enumerate(zip(places, wanted, strict=False)):
        if each is not None:
            start = each.start
            moved = start != recurrence.point(place, pattern.zone)
            by = recurrence.wall(start, pattern.zone) - place if moved else dt.timedelta()
            kinds[number] = by, each.end - start, each[2:]
    by, length, _ = most = Counter(kinds.values()).most_common(1)[0][0]
    if by:
        pattern = pattern.shifted(by, count) or pattern
        places = pattern.places(count)
    usual = next(number for number, kind in kinds.items() if kind == most)
    others = []
    for number in kinds:
        each, start = wanted[number], places[number]
        says = (recurrence.point(start, pattern.zone), recurrence.point(start + length, pattern.zone), *most[2])
        if each != says:
            others.append((start, number))
    without = tuple(place for place, each in zip(places, wanted, strict=False) if each is None)
    return Said(pattern, f"{pattern.rule};COUNT={count}", length, usual, without, tuple(others))
