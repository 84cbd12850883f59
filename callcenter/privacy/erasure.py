"""Erasing a person (GDPR, article 17): what says who they are goes, what counts calls stays.

Each table that holds something of a person has its step in STEPS, in this order; what refers to the contact by a foreign key
that deletes with it needs none. Tokens of the numbers and addresses remain, so that no file brings the person back.
"""

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, String, cast, delete, or_, select, update

from callcenter.calls.models import Call, CallBack, CallState, Leg
from callcenter.campaigns import forgetting
from callcenter.contacts import rows, search, suppressions
from callcenter.contacts.bulk_models import ContactBulkRow
from callcenter.contacts.import_models import ContactMerge
from callcenter.contacts.models import Contact, ImportRow, TimelineEntry
from callcenter.correspondence.models import Email, EmailFile
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.files import service as files
from callcenter.meetings import changing
from callcenter.meetings.models import Meeting, MeetingEntry, MeetingImportRow, MeetingState
from callcenter.meetings.states import OPEN
from callcenter.messages.models import Mail
from callcenter.privacy.person import Person, note, person
from callcenter.texts.models import TextMessage
from callcenter.tickets import erasing
from callcenter.tickets.models import Ticket
from callcenter.users.models import AuditEntry

NAMELESS = "\u2014"  # what stands where a name stood
_REASON = "The customer's data was erased."
_CALLING = (MeetingState.DIALLING.value, MeetingState.IN_TALK.value)


async def erase(uow: UnitOfWork, contact_id: int) -> None:
    """Erase a person for good. Raises Conflict while a call with them is in progress, NotPermitted below supervisors."""
    found = await person(uow, contact_id)
    await _nothing_going_on(uow, found)
    ids = await _subjects(uow, found)
    for step in STEPS.values():
        await step(uow, found)
    await _trail(uow, ids)
    tokens = [suppressions.number_token(uow, each) for each in found.numbers]
    tokens += [suppressions.email_token(uow, each) for each in found.emails]
    await suppressions.suppress(uow, tokens, suppressions.ERASED)
    note(uow, "contact.erased", found)


async def _nothing_going_on(uow: UnitOfWork, found: Person) -> None:
    call = select(Call.id).where(_calls(found), Call.state != CallState.ENDED.value).limit(1)
    meeting = select(Meeting.id).where(Meeting.contact_id == found.contact_id, Meeting.state.in_(_CALLING)).limit(1)
    leads = await forgetting.is_called(uow, found.contact_id, found.numbers)
    if leads or await uow.session.scalar(call) is not None or await uow.session.scalar(meeting) is not None:
        raise Conflict("A call with this customer is in progress. Erase their data when it is over.")


def _calls(found: Person) -> ColumnElement[bool]:
    """Calls with the contact, and those with a number of theirs alone that nobody was matched to."""
    own = Call.contact_id == found.contact_id
    return or_(own, Call.contact_id.is_(None) & Call.number.in_(found.numbers)) if found.numbers else own


def _texts(found: Person) -> ColumnElement[bool]:
    own = TextMessage.contact_id == found.contact_id
    return or_(own, TextMessage.contact_id.is_(None) & TextMessage.number.in_(found.numbers)) if found.numbers else own


async def _subjects(uow: UnitOfWork, found: Person) -> list[tuple[str, list[str]]]:
    """Return what the audit trail says of the person: kinds of things, and their ids."""
    queries = (
        ("call", select(Call.id).where(_calls(found))),
        ("text", select(TextMessage.id).where(_texts(found))),
        ("meeting", select(Meeting.id).where(Meeting.contact_id == found.contact_id)),
        *((channel, select(Email.id).where(Email.contact_id == found.contact_id)) for channel in ("email", "fax")),
        ("ticket", select(Ticket.id).where(Ticket.contact_id == found.contact_id)),
    )
    gathered = [(subject, [str(each) for each in await uow.session.scalars(query)]) for subject, query in queries]
    merged = select(ContactMerge.loser_id).where(ContactMerge.survivor_id == found.contact_id)
    persons = [found.contact_id, *await uow.session.scalars(merged)]
    return [("contact", [str(each) for each in persons]), *gathered]


async def _trail(uow: UnitOfWork, subjects: list[tuple[str, list[str]]]) -> None:
    """Who did what and when stays on the audit trail; the details go."""
    for subject, ids in subjects:
        for at in range(0, len(ids), 500):
            entries = (AuditEntry.subject == subject, AuditEntry.subject_id.in_(ids[at : at + 500]))
            await uow.session.execute(update(AuditEntry).where(*entries).values(detail={}))


async def _erase_meetings(uow: UnitOfWork, found: Person) -> None:
    query = select(Meeting).where(Meeting.contact_id == found.contact_id).order_by(Meeting.id).with_for_update()
    meetings = list(await uow.session.scalars(query))
    for each in meetings:
        each.invited = ""  # no letter to somebody who is being forgotten
    await uow.session.flush()
    waiting = [each for each in meetings if MeetingState(each.state) in OPEN]
    if waiting:
        await changing.cancel_all(uow, waiting, _REASON)
    for each in meetings:
        each.name, each.contact_name, each.number = NAMELESS, "", ""
        each.information = each.outcome_note = each.folded = ""
        each.contact_id = None
        each.waiting_values = {}
    await uow.session.flush()
    ids = [each.id for each in meetings]
    await uow.session.execute(delete(MeetingEntry).where(MeetingEntry.meeting_id.in_(ids)))
    imported = update(MeetingImportRow).where(MeetingImportRow.meeting_id.in_(ids))
    await uow.session.execute(imported.values(cells=[], data={}, values={}, sentence=""))


async def _erase_calls(uow: UnitOfWork, found: Person) -> None:
    ids = select(Call.id).where(_calls(found)).scalar_subquery()
    await uow.session.execute(delete(TimelineEntry).where(TimelineEntry.call_id.in_(ids)))
    await uow.session.execute(update(Leg).where(Leg.call_id.in_(ids)).values(number="", provider_ref=""))
    back = update(CallBack).where(CallBack.call_id.in_(ids))
    await uow.session.execute(back.where(CallBack.state == "open").values(state="done", done_at=uow.now))
    await uow.session.execute(back.values(number="", note="", contact_id=None))
    await uow.session.execute(update(Call).where(_calls(found), Call.direction == "outbound").values(dialled=""))
    gone: dict[str, Any] = {"number": "", "caller_name": "", "match": [], "note": "", "draft": "", "contact_id": None}
    await uow.session.execute(update(Call).where(_calls(found)).values(**gone))


async def _erase_texts(uow: UnitOfWork, found: Person) -> None:
    gone: dict[str, Any] = {"number": "", "text": "", "match": [], "contact_id": None, "seen_at": uow.now, "provider_ref": ""}
    await uow.session.execute(update(TextMessage).where(_texts(found)).values(**gone))


async def _erase_tickets(uow: UnitOfWork, found: Person) -> None:
    await erasing.empty(uow, found.contact_id, NAMELESS)


async def _erase_leads(uow: UnitOfWork, found: Person) -> None:
    names = (found.contact.first_name, found.contact.last_name)
    await forgetting.forget(uow, found.contact_id, found.numbers, [*found.every_number, *found.emails, *names])


async def _erase_mails(uow: UnitOfWork, found: Person) -> None:
    theirs = Mail.contact_id == found.contact_id
    if found.emails:
        theirs = or_(theirs, Mail.to_address.in_(found.emails))
    await uow.session.execute(delete(Mail).where(theirs))


async def _erase_emails(uow: UnitOfWork, found: Person) -> None:
    """Delete e-mails and faxes with the person, those from their address that nobody was matched to, and their files."""
    theirs: ColumnElement[bool] = Email.contact_id == found.contact_id
    if found.emails:
        theirs = or_(theirs, Email.contact_id.is_(None) & Email.address.in_(found.emails))
    ids = list(await uow.session.scalars(select(Email.id).where(theirs)))
    for at in range(0, len(ids), 500):
        some = ids[at : at + 500]
        for file_id in list(await uow.session.scalars(select(EmailFile.file_id).where(EmailFile.email_id.in_(some)))):
            await uow.session.execute(delete(EmailFile).where(EmailFile.file_id == file_id))
            await files.remove(uow, file_id)
        queued = (Mail.about.in_(("email", "fax")), Mail.about_id.in_(list(map(str, some))))
        await uow.session.execute(delete(Mail).where(*queued))
        await uow.session.execute(delete(Email).where(Email.id.in_(some)))


async def _erase_imported(uow: UnitOfWork, found: Person) -> None:
    """Delete what an import's report keeps of the person's row: it holds one of their numbers, or their address."""
    if found.contact.import_id is None:
        return
    said = cast(ImportRow.data, String)
    marks = [said.contains(each, autoescape=True) for each in (*found.every_number, *found.emails)]
    if marks:
        await uow.session.execute(delete(ImportRow).where(ImportRow.import_id == found.contact.import_id, or_(*marks)))


async def _erase_contact(uow: UnitOfWork, found: Person) -> None:
    contact = found.contact
    await rows.drop_terms(uow, [(term, contact.id) for term in search.terms(contact.sort_name, contact.folded)])
    avatar = contact.avatar_id
    await uow.session.flush()
    uow.session.expunge_all()  # the rows go by statement, with what refers to them
    await uow.session.execute(delete(ContactBulkRow).where(ContactBulkRow.contact_id == contact.id))
    await uow.session.execute(delete(Contact).where(Contact.id == contact.id))
    if avatar is not None:
        await files.remove(uow, avatar)


Step = Callable[[UnitOfWork, Person], Awaitable[None]]
STEPS: MappingProxyType[str, Step] = MappingProxyType(
    {
        "phone_meetings": _erase_meetings,
        "calls": _erase_calls,
        "text_messages": _erase_texts,
        "emails": _erase_emails,
        "tickets": _erase_tickets,
        "leads": _erase_leads,
        "mails": _erase_mails,
        "import_rows": _erase_imported,
        "contacts": _erase_contact,
    }
)
COVERED = frozenset({*STEPS, "call_backs"})  # tables with a contact_id that a step looks after
