"""One mail for a series (RFC 5546): whatever became of its meetings in a transaction, the customer gets a letter about it.

invitations.py notes that a series was touched; here, before the commit, what the rows say is compared with what the
customer's calendar holds by the mails that went there, and the difference leaves: an invitation or a change of the whole
series as one event that repeats (series_event.py), one occurrence of it (RECURRENCE-ID) when one alone is other, and one
CANCEL for those that are no more. A meeting of a series that is an event of its own (someone was invited to it alone, or
before series had events) stays one.
"""

import datetime as dt
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import select

from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.facts import Fact, SeriesTouched
from callcenter.meetings import ics, ics_zone, invitations, letters, log, recurrence, series_event
from callcenter.meetings.models import Meeting, MeetingSeries, MeetingState
from callcenter.meetings.series_event import Known, Pattern, Seen
from callcenter.messages import addresses
from callcenter.messages import service as messages
from callcenter.messages.models import Mail

_GONE = (MeetingState.CANCELLED, MeetingState.RESCHEDULED)


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Write to whoever was invited to a series that was touched, once for all of it (a reaction of Database)."""
    if not isinstance(fact, SeriesTouched):
        return
    together = [each for each in uow.facts if isinstance(each, SeriesTouched) and each.series_id == fact.series_id]
    for each in together:
        uow.facts.remove(each)
    await uow.session.flush()
    query = select(Meeting).where(Meeting.series_id == fact.series_id).order_by(Meeting.id)
    series = await uow.session.get_one(MeetingSeries, fact.series_id)
    meetings = list(await uow.session.scalars(query))
    await _Series(uow, series, meetings, {each.meeting_id for each in (fact, *together)}).settle()


@dataclass(slots=True)
class _Mine:
    """One address: the meetings of the series it is invited to, and its calendar's event (None: none yet)."""

    address: str
    meetings: list[Meeting]
    known: Known | None


class _Series:
    """A series while its mails are written. The place of a meeting in the event is its number among `meetings`."""

    def __init__(self, uow: UnitOfWork, series: MeetingSeries, meetings: list[Meeting], touched: Set[int]) -> None:
        self._uow = uow
        self._series = series
        self._zone = ZoneInfo(series.time_zone)
        self._meetings = meetings
        self._touched = touched
        self._number = {each.id: number for number, each in enumerate(meetings)}
        self._mails: list[Mail] = []
        self._sequence = 0  # the highest of any of them, as entries are made
        self._told: dict[int, tuple[str, letters.Facts]] = {}
        settings = uow.database.settings
        sender = messages.sender(settings) if messages.configured(settings) else None
        self._organizer = ics.Person(sender.display_name, sender.addr_spec) if sender else None

    async def settle(self) -> None:
        """Send what has to be sent."""
        ids = [str(each.id) for each in self._meetings]
        query = select(Mail).where(Mail.about == invitations.ABOUT, Mail.about_id.in_(ids), Mail.calendar != "")
        self._mails = list(await self._uow.session.scalars(query.order_by(Mail.id)))
        last = {mail.about_id: mail.calendar for mail in self._mails}
        own = [each for each in self._meetings if each.invited and _is_alone(last.get(str(each.id), ""))]
        for each in own:
            if each.id in self._touched:
                await (invitations.withdraw_alone if each.state in _GONE else invitations.update_alone)(self._uow, each)
        together = [each for each in self._meetings if each not in own]
        for mine in self._addresses(together):
            await self._withdraw(mine)
        for mine in self._addresses(together):
            await self._tell(mine)

    def _addresses(self, meetings: Sequence[Meeting]) -> list[_Mine]:
        found: dict[str, list[Meeting]] = {}
        for each in meetings:
            if each.invited:
                found.setdefault(each.invited.casefold(), []).append(each)
        return [
            _Mine(some[0].invited, some, series_event.read(m.calendar for m in self._mails if m.to_address.casefold() == folded))
            for folded, some in found.items()
        ]

    async def _withdraw(self, mine: _Mine) -> None:
        """Cancel what is no more, and what is no longer this address's, which the new one is invited to then."""
        uow, moved, gone = self._uow, {}, []
        for each in (each for each in mine.meetings if each.id in self._touched):
            contact = await invitations.contact_of(uow, each)
            if each.state in _GONE:
                gone.append(each)
            elif contact is not None and contact.email.casefold() != mine.address.casefold():
                moved[each.id] = contact.email
                gone.append(each)
        places = self._places(mine)
        known = [each for each in gone if mine.known is not None and places[each.id] in mine.known.seen]
        if gone and not await invitations.possible(uow, gone, mine.address):
            return
        if known:
            await self._cancel(mine, known, places)
        for each in gone:
            each.invited = self._checked(each, moved.get(each.id, ""))

    def _checked(self, meeting: Meeting, address: str) -> str:
        """Return an address that can be invited; one that is none must not stand in the way of the change of the meeting."""
        try:
            return addresses.checked(address) if address else ""
        except Invalid as error:
            log.write(self._uow, meeting, "told", "Nobody was invited again ({reason}).", reason=str(error))
            return ""

    async def _cancel(self, mine: _Mine, gone: list[Meeting], places: dict[int, dt.datetime]) -> None:
        if mine.known is None:
            return
        self._sequence = max(each.sequence for each in self._meetings)
        entries = [
            await self._entry(each, mine, cancelled=True, place=places[each.id], zone=self._zone.key, uid=mine.known.uid)
            for each in gone
        ]
        if mine.known.seen.keys() <= {places[each.id] for each in gone}:  # of the whole event
            begin = mine.known.pattern.begin
            length = entries[0].end - entries[0].start
            entries = [replace(entries[0], place=None, start=begin, end=begin + length)]
        await self._send(mine, "moved" if gone[0].state == MeetingState.RESCHEDULED else "cancelled", entries, gone)

    async def _tell(self, mine: _Mine) -> None:
        """Invite to what is new, and tell what is other than the calendar shows."""
        self._sequence = max(each.sequence for each in self._meetings)
        uow, places, seen = self._uow, self._places(mine), mine.known.seen if mine.known else {}
        entries = {each.id: await self._entry(each, mine) for each in mine.meetings}
        wanted = {id_: _seen(entry) for id_, entry in entries.items()}
        touched = [each for each in mine.meetings if each.id in self._touched]
        new = [each for each in touched if places[each.id] not in seen]
        changed = [each for each in touched if each not in new and seen[places[each.id]] != wanted[each.id]]
        if not new + changed:
            return
        if not await invitations.possible(uow, new + changed, mine.address):
            return
        if mine.known is None and len(new) == 1:
            await invitations.send(uow, new[0], mine.address, "invited")
        elif mine.known is not None and len(new + changed) == 1:
            (one,) = new + changed
            entry = replace(entries[one.id], uid=mine.known.uid, place=places[one.id], zone=self._zone.key)
            await self._send(mine, "changed" if changed else "invited", [entry], [one])
        else:
            await self._send(mine, "changed" if mine.known else "invited", self._whole(mine, entries, wanted), new + changed)

    def _whole(self, mine: _Mine, entries: dict[int, ics.Entry], wanted: dict[int, Seen]) -> list[ics.Entry]:
        """Return the event of the series and its exceptions."""
        said = series_event.say(self._pattern(mine), [wanted.get(each.id) for each in self._meetings])
        by_number = {self._number[id_]: entry for id_, entry in entries.items()}
        uid, zone, begin = mine.known.uid if mine.known else self._uid(), self._zone.key, said.pattern.begin
        event = replace(
            by_number[said.usual],
            uid=uid,
            zone=zone,
            start=begin,
            end=begin + said.length,
            rule=said.rule,
            without=said.without,
        )
        others = [replace(by_number[number], uid=uid, zone=zone, place=place) for place, number in said.others]
        return [event, *others]

    def _pattern(self, mine: _Mine) -> Pattern:
        """Return the event's rule, or the one it begins with."""
        if mine.known is not None:
            return mine.known.pattern
        begin = recurrence.wall(self._meetings[0].from_at, self._zone).replace(microsecond=0)
        rule = series_event.endless(self._series.rule)
        return Pattern(rule, Pattern(rule, begin, self._zone).places(1)[0], self._zone)

    def _places(self, mine: _Mine) -> dict[int, dt.datetime]:
        places = self._pattern(mine).places(len(self._meetings))
        return {each.id: places[self._number[each.id]] for each in self._meetings}

    def _uid(self) -> str:
        return f"{series_event.UID}{self._series.id}@{messages.sender(self._uow.database.settings).domain}"

    async def _entry(
        self,
        meeting: Meeting,
        mine: _Mine,
        *,
        cancelled: bool = False,
        place: dt.datetime | None = None,
        zone: str = "",
        uid: str = "",
    ) -> ics.Entry:
        language, facts = await self._facts(meeting)
        summary, location = letters.named(language, facts)
        return ics.Entry(
            uid=uid,
            sequence=self._sequence,
            start=meeting.from_at.replace(microsecond=0),
            end=meeting.to_at.replace(microsecond=0),
            stamp=self._uow.now,
            summary=summary,
            description=letters.describe(language, facts),
            location=location,
            organizer=self._organizer,
            attendee=ics.Person(meeting.contact_name, mine.address),
            cancelled=cancelled,
            place=place,
            zone=zone,
        )

    async def _facts(self, meeting: Meeting) -> tuple[str, letters.Facts]:
        """Return what invitations.facts_of says of a meeting: its language, and what a letter tells."""
        if meeting.id not in self._told:
            self._told[meeting.id] = await invitations.facts_of(self._uow, meeting)
        return self._told[meeting.id]

    async def _send(self, mine: _Mine, kind: letters.Kind, entries: list[ics.Entry], meetings: list[Meeting]) -> None:
        """Queue one mail with these events, and keep on the meetings it is about that it left."""
        uow = self._uow
        listed = meetings
        if entries[0].rule:  # the whole series: what is still to come
            listed = [each for each in mine.meetings if each.to_at > uow.now] or meetings
        written = [await self._facts(each) for each in sorted(listed, key=lambda each: each.from_at)]
        language, several = written[0][0], [facts for _, facts in written]
        one = len(several) == 1
        letter = letters.write(language, kind, several[0]) if one else letters.write_several(language, kind, several)
        years = [each.from_at.year for each in self._meetings]
        zone = ics_zone.lines(self._zone.key, min(years), max(years))
        method: ics.Method = "CANCEL" if kind in invitations.GONE else "REQUEST"
        mail = await messages.queue_mail(
            uow,
            mine.address,
            letter.subject,
            letter.body,
            calendar=ics.calendar(method, entries, zone=zone),
            method=method,
            about=invitations.ABOUT,
            about_id=meetings[0].id,
            contact_id=meetings[0].contact_id,
            give_up_at=max(*(each.to_at for each in meetings), uow.now + invitations.SHORTEST),
        )
        self._mails.append(mail)
        sequence = max(each.sequence for each in self._meetings) + 1
        for each in meetings:
            each.sequence = sequence
            log.write(uow, each, "told", invitations.SAID[kind], address=mine.address)


def _seen(entry: ics.Entry) -> Seen:
    """Return what a calendar will show of an event, its words as they are written there."""
    (event,) = ics.events(ics.calendar("REQUEST", [entry]))
    words = (event.get(name, [""])[0] for name in ("SUMMARY", "DESCRIPTION", "LOCATION"))
    return Seen(entry.start, entry.end, *words)


def _is_alone(calendar: str) -> bool:
    """Tell whether the last mail about a meeting says that it is an event of its own, and one that takes place."""
    if not calendar:
        return False
    event = ics.events(calendar)[0]
    return not event["UID"][0].startswith(series_event.UID) and event["STATUS"] != ["CANCELLED"]
