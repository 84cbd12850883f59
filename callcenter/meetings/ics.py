"""iCalendar (RFC 5545): events as text for invitations (RFC 5546) and for people's own calendars. Pure."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from icalendar import Calendar, Event, vCalAddress, vText

from callcenter.contacts import text

PRODUCT = "-//Callcenter//Phone meetings//EN"
Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
_REFRESH = dt.timedelta(minutes=15)


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
    found = Calendar()
    found.add("prodid", PRODUCT)
    found.add("version", "2.0")
    found.add("calscale", "GREGORIAN")
    found.add("method", method)
    if name:
        found.add("name", _clean(name))  # RFC 7986
        found.add("x-wr-calname", _clean(name))  # what Google, Outlook and Apple read
        found.add("refresh-interval", _REFRESH, parameters={"value": "DURATION"})  # RFC 7986
        found.add("x-published-ttl", "PT15M")  # Outlook
    for each in entries:
        found.add_component(_event(each))
    return str(found.to_ical(), "utf-8")


def uid(meeting_id: int, domain: str) -> str:
    """Return the UID of a meeting's event, the same in every message about it."""
    return f"phone-meeting-{meeting_id}@{domain}"


def told(ical: str) -> tuple[str, ...]:
    """Return the UID of the only event of an iCalendar text, and what people see of it: what makes two of them differ."""
    event = next(iter(Calendar.from_ical(ical).walk("VEVENT")))
    names = ("UID", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "LOCATION")
    values: list[Any] = [event.get(each) for each in names]
    return tuple(str(each.to_ical(), "utf-8") if each is not None else "" for each in values)


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", _utc(entry.stamp))
    event.add("last-modified", _utc(entry.stamp))
    event.add("dtstart", _utc(entry.start))
    event.add("dtend", _utc(entry.end))
    event.add("summary", _clean(entry.summary))
    if entry.description:
        event.add("description", text.clean_lines(entry.description))
    if entry.location:
        event.add("location", _clean(entry.location))
    if entry.url:
        event.add("url", entry.url)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    if entry.organizer:
        event["organizer"] = _address(entry.organizer)
    if entry.attendee:
        attendee = _address(entry.attendee)
        attendee.params["role"] = vText("REQ-PARTICIPANT")
        attendee.params["partstat"] = vText("NEEDS-ACTION")
        attendee.params["rsvp"] = vText("FALSE")  # nobody reads answers sent to the organizer by programs
        event.add("attendee", attendee, encode=False)
    return event


def _address(person: Person) -> vCalAddress:
    found = vCalAddress(f"mailto:{person.address}")
    if person.name:
        found.params["cn"] = vText(_clean(person.name).replace('"', "'"))  # a quotation mark cannot stand in a parameter
    return found


def _utc(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(microsecond=0)


def _clean(line: str) -> str:
    return " ".join(text.clean(line).split())
