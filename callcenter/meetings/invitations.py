"""Invitations by e-mail: the contact's calendar has the phone meeting, and keeps it right (RFC 5546: REQUEST, CANCEL).

Whoever changes a meeting calls `update`, whoever cancels or moves it `withdraw`; both do nothing for a meeting nobody was
invited to, and never stand in the way of the change when e-mail is no longer set up: the person is told instead. Of a
meeting that repeats the series is noted only; at the end of the transaction its customer gets one mail (series_mails.py).
"""

import datetime as dt
from collections.abc import Sequence, Set

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased

from callcenter.contacts import numbers
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.events import Notice
from callcenter.facts import Fact, MailOver, SeriesTouched
from callcenter.meetings import ics, letters, log, quiet
from callcenter.meetings.models import Meeting, MeetingEntry, MeetingSettings, MeetingState
from callcenter.meetings.states import OPEN
from callcenter.messages import addresses
from callcenter.messages import service as messages
from callcenter.messages.models import Mail
from callcenter.projects.models import Project, ProjectNumber
from callcenter.users.models import User

ABOUT = "phone_meeting"  # Mail.about
WHOLE = "\r\nRRULE:"  # stands in an iCalendar text about a whole series only: in words a line end is written \\n
GONE = ("cancelled", "moved")  # kinds of letters
SAID = {  # in the history, by kind of letter
    "invited": "An invitation goes to {address}.",
    "changed": "The change goes to {address} by e-mail.",
    "cancelled": "A cancellation goes to {address}.",
    "moved": "A cancellation goes to {address}.",
}
_PHONES = "meetings_phones"  # in Session.info: numbers of projects, for who writes about many meetings in one transaction
SHORTEST = dt.timedelta(hours=1)  # a mail is tried at least this long, also when the meeting begins before


async def invite(uow: UnitOfWork, meeting: Meeting) -> None:
    """Invite the contact, at the address they have now, to an open meeting.

    Raises Conflict when no mail server is set or the meeting is over, Invalid (field invite) without a contact or an
    address. Somebody invited already gets an update, if there is anything new.
    """
    messages.sender(uow.database.settings)
    if meeting.state not in OPEN:
        raise Conflict("This meeting is over; nobody can be invited to it.")
    contact = await contact_of(uow, meeting)
    if contact is None:
        raise Invalid("Choose a contact first: the invitation goes to their e-mail address.", field="invite")
    if not contact.email:
        raise Invalid("{name} has no e-mail address. Add one to the contact first.", field="invite", name=contact.name)
    if meeting.invited:
        await update(uow, meeting)
        return
    try:
        if meeting.series_id is None:
            await send(uow, meeting, contact.email, "invited")
        else:
            meeting.invited = addresses.checked(contact.email)
            uow.note(SeriesTouched(meeting.series_id, meeting.id))
    except Invalid as error:  # an address nothing can be sent to
        raise Invalid(error.sentence, field="invite", **error.values) from error


async def update(uow: UnitOfWork, meeting: Meeting) -> None:
    """Tell who was invited what the meeting is like now."""
    if meeting.series_id is None:
        await update_alone(uow, meeting)
    elif meeting.invited:
        uow.note(SeriesTouched(meeting.series_id, meeting.id))


async def withdraw(uow: UnitOfWork, meeting: Meeting) -> None:
    """Take an invitation back, since the meeting is cancelled or (state rescheduled) another one follows it."""
    if meeting.series_id is None:
        await withdraw_alone(uow, meeting)
    elif meeting.invited:
        uow.note(SeriesTouched(meeting.series_id, meeting.id))


async def update_alone(uow: UnitOfWork, meeting: Meeting) -> None:
    """Tell who was invited what the meeting is like now; nothing leaves when nothing they see has changed.

    A contact whose address changed, or another contact, gets an invitation; the address invited before, a cancellation.
    """
    if not meeting.invited or not await possible(uow, [meeting], meeting.invited):
        return
    contact = await contact_of(uow, meeting)
    address = contact.email if contact else meeting.invited
    if address.casefold() != meeting.invited.casefold():
        await send(uow, meeting, meeting.invited, "cancelled")
        await _send_if_possible(uow, meeting, address)
    elif await _differs(uow, meeting):
        await send(uow, meeting, address, "changed")


async def withdraw_alone(uow: UnitOfWork, meeting: Meeting) -> None:
    """Take back the invitation to a meeting that is an event of its own."""
    if not meeting.invited or not await possible(uow, [meeting], meeting.invited):
        return
    await send(uow, meeting, meeting.invited, "moved" if meeting.state == MeetingState.RESCHEDULED else "cancelled")


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Write into a meeting's history that an invitation could not be delivered (a reaction of Database)."""
    if not isinstance(fact, MailOver) or not fact.failed:
        return
    mail = await uow.session.get_one(Mail, fact.mail_id)
    meeting = await uow.session.get(Meeting, int(mail.about_id)) if mail.about == ABOUT else None
    if meeting is None:
        return
    concerned = [meeting]
    if meeting.series_id is not None and WHOLE in mail.calendar:
        together = select(Meeting).where(Meeting.series_id == meeting.series_id, Meeting.invited == mail.to_address)
        concerned = list(await uow.session.scalars(together.order_by(Meeting.id))) or concerned
    text = "The e-mail to {address} could not be delivered ({reason})."
    for each in concerned:
        entry = MeetingEntry(meeting_id=each.id, at=uow.now, user_id=None, kind="told", text=text)
        entry.data = {"address": mail.to_address, "reason": mail.error}
        uow.session.add(entry)
        await log.tell(uow, each)
    quiet.thin_out(uow)


async def needed(uow: UnitOfWork, about: str, ids: Set[str]) -> Set[str]:
    """Return of meetings (`about` phone_meeting, ids as text) those whose mails say what a calendar holds: any that is
    open, or one of whose series is.
    """
    if about != ABOUT:
        return set()
    other = aliased(Meeting)
    alive = exists().where(other.series_id == Meeting.series_id, other.state.in_(OPEN))
    query = select(Meeting.id).where(Meeting.id.in_([int(each) for each in ids]), or_(Meeting.state.in_(OPEN), alive))
    return {str(each) for each in await uow.session.scalars(query)}


async def possible(uow: UnitOfWork, meetings: Sequence[Meeting], address: str) -> bool:
    """Tell whether mail can be sent; if not, the person hears that the customer was not told."""
    if messages.configured(uow.database.settings):
        return True
    for each in meetings:
        log.write(uow, each, "told", "{address} could not be told: e-mail is not set up.", address=address)
    if uow.actor.user_id is not None:
        sentence = "{address} was invited and could not be told of the change: e-mail is not set up."
        notice = Notice(level="warning", sentence=sentence, values={"address": address}, link=f"/meetings/{meetings[0].id}")
        uow.emit(notice, [uow.actor.user_id])
    return False


async def _send_if_possible(uow: UnitOfWork, meeting: Meeting, address: str) -> None:
    """Invite at another address; one that is none must not stand in the way of the change of the meeting."""
    try:
        if address:
            await send(uow, meeting, address, "invited")
    except Invalid as error:
        log.write(uow, meeting, "told", "Nobody was invited again ({reason}).", reason=str(error))


async def send(uow: UnitOfWork, meeting: Meeting, address: str, kind: letters.Kind) -> None:
    """Queue the mail with its event, and keep on the meeting who is invited and how often they were written to."""
    await uow.session.flush()
    cancelled = kind in GONE
    entry, letter = await _describe(uow, meeting, address, kind)
    method: ics.Method = "CANCEL" if cancelled else "REQUEST"
    await messages.queue_mail(
        uow,
        address,
        letter.subject,
        letter.body,
        calendar=ics.calendar(method, [entry]),
        method=method,
        about=ABOUT,
        about_id=meeting.id,
        contact_id=meeting.contact_id,
        give_up_at=max(meeting.to_at, uow.now + SHORTEST),
    )
    meeting.sequence += 1  # RFC 5546, section 2.1.4: the first has 0, whatever follows has more
    meeting.invited = "" if cancelled else address
    log.write(uow, meeting, "told", SAID[kind], address=address)


async def _describe(uow: UnitOfWork, meeting: Meeting, address: str, kind: letters.Kind) -> tuple[ics.Entry, letters.Letter]:
    """Return the event and the letter as they would leave now."""
    sender = messages.sender(uow.database.settings)
    language, facts = await facts_of(uow, meeting)
    letter = letters.write(language, kind, facts)
    last = await _last_calendar(uow, meeting)
    entry = ics.Entry(
        uid=ics.told(last)["UID"] if last else ics.uid(meeting.id, sender.domain),  # stays, should the sender's domain change
        sequence=meeting.sequence,
        start=meeting.from_at,
        end=meeting.to_at,
        stamp=uow.now,
        summary=letter.title,
        description=letters.write(language, "invited", facts).body,
        location=letter.location,
        organizer=ics.Person(sender.display_name, sender.addr_spec),
        attendee=ics.Person(meeting.contact_name, address),
        cancelled=kind in GONE,
    )
    return entry, letter


async def _differs(uow: UnitOfWork, meeting: Meeting) -> bool:
    """Tell whether the invited person would see anything else than in the last mail."""
    last = await _last_calendar(uow, meeting)
    entry, _ = await _describe(uow, meeting, meeting.invited, "changed")
    return not last or ics.told(last) != ics.told(ics.calendar("REQUEST", [entry]))


async def _last_calendar(uow: UnitOfWork, meeting: Meeting) -> str:
    """Return the iCalendar text of the newest mail about a meeting, "" for none."""
    query = select(Mail.calendar).where(Mail.about == ABOUT, Mail.about_id == str(meeting.id), Mail.calendar != "")
    return await uow.session.scalar(query.order_by(Mail.id.desc()).limit(1)) or ""


async def facts_of(uow: UnitOfWork, meeting: Meeting) -> tuple[str, letters.Facts]:
    """Return the planner's language and what a letter tells; times are in the project's zone, else in the actor's."""
    planner = await uow.session.get(User, meeting.created_by) if meeting.created_by else None
    user = await uow.session.get(User, meeting.user_id) if meeting.user_id else None
    project = await uow.session.get(Project, meeting.project_id) if meeting.project_id else None
    rules = await uow.session.get(MeetingSettings, meeting.project_id) if meeting.project_id else None
    facts = letters.Facts(
        name=meeting.name,
        number=numbers.show(meeting.number),
        start=meeting.from_at,
        end=meeting.to_at,
        zone=rules.time_zone if rules else uow.actor.time_zone,
        user=user.name if user else "",
        project=project.name if project else "",
        phone=await _phone(uow, project),
    )
    return planner.language if planner else uow.actor.language, facts


async def _phone(uow: UnitOfWork, project: Project | None) -> str:
    """Return a number at which the project is reached, as people read it."""
    if project is None:
        return ""
    known: dict[int, str] = uow.session.info.setdefault(_PHONES, {})
    if project.id not in known:
        known[project.id] = await _read_phone(uow, project)
    return known[project.id]


async def _read_phone(uow: UnitOfWork, project: Project) -> str:
    own = list(await uow.session.scalars(select(ProjectNumber.number).where(ProjectNumber.project_id == project.id)))
    best = project.caller_id if project.caller_id in own or not own else min(own)
    return numbers.show(best) if best else ""


async def contact_of(uow: UnitOfWork, meeting: Meeting) -> Contact | None:
    """Return whom a meeting is with, None for nobody."""
    return await uow.session.get(Contact, meeting.contact_id) if meeting.contact_id else None
