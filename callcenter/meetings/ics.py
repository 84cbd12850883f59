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
    """An event: a phone meeting's window. Times are aware; `stamp` is when it last changed; `url` is a page about it."""

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


def calendar(method: Method, entries: Iterable[Entry], *, name: str = "") -> str:
    """Return an iCalendar text (CRLF, folded): one event for an invitation, any number for a feed called `name`."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", f"METHOD:{method}"]
    if name:
        lines.append(f"NAME:{_line(name)}")  # RFC 7986
        lines.append(f"X-WR-CALNAME:{_line(name)}")  # what Google, Outlook and Apple read
        lines.append("REFRESH-INTERVAL;VALUE=DURATION:PT15M")  # RFC 7986
        lines.append("X-PUBLISHED-TTL:PT15M")  # Outlook
    for each in entries:
        lines.extend(_event(each))
    lines.append("END:VCALENDAR")
    return "".join(map(_folded, lines))


def uid(meeting_id: int, domain: str) -> str:
    """Return the UID of a meeting's event, the same in every message about it."""
    return f"phone-meeting-{meeting_id}@{domain}"


def told(ical: str) -> dict[str, str]:
    """Return of an iCalendar text of ours, with one event, its UID and what people see of it: what makes two differ."""
    lines = (each.partition(":") for each in ical.replace("\r\n ", "").split("\r\n"))
    seen = ("UID", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "LOCATION")
    return {name: value for name, _, value in lines if name in seen}


def _event(entry: Entry) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{entry.uid}",
        f"SEQUENCE:{entry.sequence}",
        f"DTSTAMP:{_utc(entry.stamp)}",
        f"LAST-MODIFIED:{_utc(entry.stamp)}",
        f"DTSTART:{_utc(entry.start)}",
        f"DTEND:{_utc(entry.end)}",
        f"SUMMARY:{_line(entry.summary)}",
        f"STATUS:{'CANCELLED' if entry.cancelled else 'CONFIRMED'}",
    ]
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
