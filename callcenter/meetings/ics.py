"""iCalendar (RFC 5545): events as text for invitations (RFC 5546) and for people's own calendars. Pure.

Written here and not by a library: a feed has thousands of events and is fetched every few minutes (decision 0009).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from callcenter.contacts import text

PRODUCT = "-//Callcenter//Phone meetings//EN"
Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
_LONGEST_LINE = 75  # octets, without the line end (section 3.1)
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})  # section 3.3.11


@dataclass(frozen=True, slots=True)
class Person:
    """A name and an e-mail address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An event: a phone meeting's window. Times are aware; `stamp` is when it last changed; `url` is a page about it.

    An event that repeats has a `rule` (RFC 5545's RRULE), its times are without a zone, as the clock of `zone` shows them,
    and `without` are those of its occurrences that do not take place. `place` is which occurrence of the event of this UID
    this one is instead of (RECURRENCE-ID), by that clock.
    """

    uid: str
    sequence: int
    start: dt.datetime
    end: dt.datetime
    stamp: dt.datetime
    summary: str
    description: str
    location: str = ""
    url: str = ""
    organizer: Person | None = None
    attendee: Person | None = None
    cancelled: bool = False
    zone: str = ""
    rule: str = ""
    without: tuple[dt.datetime, ...] = ()
    place: dt.datetime | None = None


def calendar(method: Method, entries: Iterable[Entry], *, name: str = "", zone: Iterable[str] = ()) -> str:
    """Return an iCalendar text (CRLF, folded): the events of an invitation, or of a feed called `name`.

    `zone` are the lines of the time zone that events name (ics_zone.py).
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", f"METHOD:{method}"]
    if name:
        lines.append(f"NAME:{_line(name)}")  # RFC 7986
        lines.append(f"X-WR-CALNAME:{_line(name)}")  # what Google, Outlook and Apple read
        lines.append("REFRESH-INTERVAL;VALUE=DURATION:PT15M")  # RFC 7986
        lines.append("X-PUBLISHED-TTL:PT15M")  # Outlook
    lines.extend(zone)
    for each in entries:
        lines.extend(_event(each))
    lines.append("END:VCALENDAR")
    return "".join(map(_folded, lines))


def uid(meeting_id: int, domain: str) -> str:
    """Return the UID of a meeting's event, the same in every message about it."""
    return f"phone-meeting-{meeting_id}@{domain}"


def told(ical: str) -> dict[str, str]:
    """Return of an iCalendar text of ours, with one event, its UID and what people see of it: what makes two differ."""
    seen = ("UID", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "LOCATION")
    return {name: value for name, values in events(ical)[0].items() for value in values if name in seen}


def events(ical: str) -> list[dict[str, list[str]]]:
    """Return the events of an iCalendar text of ours: by a line's name, without its parameters, the values it has there."""
    found: list[dict[str, list[str]]] = []
    inside = False
    for line in ical.replace("\r\n ", "").split("\r\n"):
        if line in ("BEGIN:VEVENT", "END:VEVENT"):
            inside = line.startswith("BEGIN")
            found += [{}] if inside else []
        elif inside:
            name, _, value = line.partition(":")
            found[-1].setdefault(name.partition(";")[0], []).append(value)
    return found


def _event(entry: Entry) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{entry.uid}",
        f"SEQUENCE:{entry.sequence}",
        f"DTSTAMP:{_utc(entry.stamp)}",
        f"LAST-MODIFIED:{_utc(entry.stamp)}",
        _at("DTSTART", entry.start, entry.zone),
        _at("DTEND", entry.end, entry.zone),
        f"SUMMARY:{_line(entry.summary)}",
        f"STATUS:{'CANCELLED' if entry.cancelled else 'CONFIRMED'}",
    ]
    if entry.place is not None:
        lines.append(_at("RECURRENCE-ID", entry.place, entry.zone))
    if entry.rule:
        lines.append(f"RRULE:{entry.rule}")
    lines += [_at("EXDATE", each, entry.zone) for each in entry.without]
    if entry.description:
        lines.append(f"DESCRIPTION:{text.clean_lines(entry.description).translate(_ESCAPED)}")
    if entry.location:
        lines.append(f"LOCATION:{_line(entry.location)}")
    if entry.url:
        lines.append(f"URL:{entry.url}")
    if entry.organizer:
        lines.append(f"ORGANIZER{_address(entry.organizer)}")
    if entry.attendee:  # RSVP is false: nobody reads answers that programs send to the organizer
        lines.append(f"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE{_address(entry.attendee)}")
    return [*lines, "END:VEVENT"]


def _address(person: Person) -> str:
    """Return the end of a line that names a person."""
    name = _clean(person.name).replace('"', "'")  # a quotation mark cannot stand in a parameter (section 3.1)
    return f';CN="{name}":mailto:{person.address}' if name else f":mailto:{person.address}"


def _at(name: str, at: dt.datetime, zone: str) -> str:
    """Return a line that says when: in UTC, or as the clock of the zone shows it."""
    return f"{name}:{_utc(at)}" if at.tzinfo else f"{name};TZID={zone}:{at:%Y%m%dT%H%M%S}"


def _utc(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")


def _line(value: str) -> str:
    return _clean(value).translate(_ESCAPED)


def _clean(value: str) -> str:
    return " ".join(text.clean(value).split())


def _folded(line: str) -> str:
    """Return a line with its end, broken where it is too long, never inside a character."""
    if len(line) <= _LONGEST_LINE and (line.isascii() or len(line.encode()) <= _LONGEST_LINE):
        return line + "\r\n"
    parts: list[str] = []
    rest = line.encode()
    while rest:
        end = _LONGEST_LINE - (1 if parts else 0)  # the space that goes before a part that follows
        while end < len(rest) and rest[end] & 0xC0 == 0x80:  # in the middle of a character
            end -= 1
        parts.append(rest[:end].decode())
        rest = rest[end:]
    return "\r\n ".join(parts) + "\r\n"
