"""From what was typed to what a meeting may be: every check of a plan, each with the field at fault."""

import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy.orm import selectinload

from callcenter.actor import Role
from callcenter.contacts import consents, numbers
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import blind, sees_all
from callcenter.db import UnitOfWork
from callcenter.errors import DoNotContact, Invalid, NotPermitted
from callcenter.meetings import rules, search, settings, sight
from callcenter.meetings.forms import MeetingInput
from callcenter.meetings.models import Meeting, MeetingSettings
from callcenter.projects.dialling import Rules, decide
from callcenter.projects.models import Membership, Project
from callcenter.tickets.models import Ticket
from callcenter.tickets.visibility import visible_to as tickets_visible_to
from callcenter.users.models import User

LONGEST_NAME = 200
_CALLABLE = "meetings_callable"  # in Session.info: customers and numbers that were asked about
_CONTACTS = "meetings_contacts"  # in Session.info: those the actor was found to see, for who plans many in one transaction


@dataclass(frozen=True, slots=True)
class Plan:
    """What a meeting will be: checked, with the project's rules filled in. Times are in UTC, `number` is E.164."""

    project: Project
    settings: MeetingSettings
    user: User | None
    contact: Contact | None
    contact_name: str
    ticket_id: int | None
    number: str
    name: str
    mode: str
    from_at: dt.datetime
    to_at: dt.datetime
    information: str

    def fill(self, meeting: Meeting) -> None:
        """Put the plan into a meeting."""
        meeting.project_id = self.project.id
        meeting.user_id = self.user.id if self.user else None
        meeting.contact_id = self.contact.id if self.contact else None
        for name in ("contact_name", "ticket_id", "number", "name", "mode", "from_at", "to_at", "information"):
            setattr(meeting, name, getattr(self, name))
        meeting.folded = search.folded(self.name, self.contact_name, self.number)


async def settle(uow: UnitOfWork, data: MeetingInput, before: Meeting | None = None, *, follows: Meeting | None = None) -> Plan:
    """Check a plan, or the change of a meeting from `before`, or what `follows` one; raises Invalid with the field at fault.

    A window that stays as it was is not checked again: who writes a note in its last minute may save it.
    """
    if before is not None:
        await sight.refuse(uow, before)  # also for whom it is: what they do not see would be lost
    project, stored = await project_with_rules(uow, data.project_id)
    start, end = await _window(uow, data, stored, before)
    before = before or follows
    user = await _user(uow, data.user_id, project, stored, before)
    contact = await _contact(uow, data.contact_id)
    if user is not None:
        await check_sees(uow, user, contact.id if contact else None)
    number = _number(data.number, project)
    asked = (contact.id if contact else None, number, project.id)
    if before is None or asked != (before.contact_id, before.number, before.project_id):
        await _may_be_called(uow, contact, number, project)
    contact_name = contact_label(contact) if contact else _kept_name(data, before)
    return Plan(
        project=project,
        settings=stored,
        user=user,
        contact=contact,
        contact_name=contact_name,
        ticket_id=await _ticket(uow, data.ticket_id, before),
        number=number,
        name=data.name or contact_name[:LONGEST_NAME] or numbers.show(number),
        mode=data.mode or (before.mode if before else stored.default_mode),
        from_at=start,
        to_at=end,
        information=data.information,
    )


def moved(uow: UnitOfWork, wanted: Plan, start: dt.datetime, end: dt.datetime) -> Plan:
    """Return the same plan for another window (UTC); raises Invalid with the field at fault as settle does."""
    _check_window(wanted.settings, start, end, uow.now)
    return replace(wanted, from_at=start, to_at=end)


async def project_with_rules(uow: UnitOfWork, project_id: int | None) -> tuple[Project, MeetingSettings]:
    """Return a project the actor may plan in, and its rules; raises Invalid on project_id."""
    project = None if project_id is None else await uow.session.get(Project, project_id)
    if project is None:
        raise Invalid("There is no such project.", field="project_id")
    if not uow.actor.may(Role.SUPERVISOR) and await uow.session.get(Membership, (project.id, uow.actor.id)) is None:
        raise Invalid("You do not serve this project.", field="project_id")
    if not project.enabled:
        raise Invalid("The project {project} is switched off.", field="project_id", project=project.name)
    stored = await settings.rules_of(uow, project.id)
    if stored is None:
        raise Invalid(
            "The project {project} has no settings for phone meetings yet. "
            "A supervisor can set them on the project's page under Phone meetings.",
            field="project_id",
            project=project.name,
        )
    return project, stored


async def check_user(uow: UnitOfWork, user_id: int, project: Project, stored: MeetingSettings) -> User:
    """Return a person who may serve meetings of the project; raises Invalid on user_id."""
    user = await uow.session.get(User, user_id)
    if user is None:
        raise Invalid("There is no such user.", field="user_id")
    if user.disabled_at is not None:
        raise Invalid("{name} was deactivated and takes no meetings.", field="user_id", name=user.name)
    if await uow.session.get(Membership, (project.id, user_id)) is None:
        raise Invalid("{name} does not serve the project {project}.", field="user_id", name=user.name, project=project.name)
    if stored.served_by and user_id not in stored.served_by:
        raise Invalid(
            "{name} does not serve phone meetings of the project {project}.",
            field="user_id",
            name=user.name,
            project=project.name,
        )
    return user


async def check_sees(uow: UnitOfWork, user: User, contact_id: int | None) -> None:
    """Raise Invalid on user_id when the person may not see the contact they would call (S17)."""
    if contact_id is None or (user.id == uow.actor.user_id and sees_all(uow.actor)):
        return
    if user.id in await blind(uow, [user.id], contact_id):
        raise Invalid(
            "{name} may not see this contact: their account roles do not allow it. Choose somebody else, or let an "
            "administrator change the roles.",
            field="user_id",
            name=user.name,
        )


async def _window(
    uow: UnitOfWork, data: MeetingInput, stored: MeetingSettings, before: Meeting | None
) -> tuple[dt.datetime, dt.datetime]:
    start = rules.utc(data.from_at, "from_at")
    length = dt.timedelta(minutes=stored.window_minutes)
    end = rules.utc(data.to_at, "to_at") if data.to_at else start + length
    if before is not None and (start, end, data.project_id) == (before.from_at, before.to_at, before.project_id):
        return start, end
    _check_window(stored, start, end, uow.now)
    return start, end


def _check_window(stored: MeetingSettings, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> None:
    rules.check_window(start, end, now, stored.ring_seconds)
    rules.check_hours(max(start, now), end, stored.hours, stored.time_zone, stored.ring_seconds)


async def _user(
    uow: UnitOfWork, user_id: int | None, project: Project, stored: MeetingSettings, before: Meeting | None
) -> User | None:
    same = before is not None and user_id == before.user_id
    if user_id not in (None, uow.actor.user_id) and not same and not uow.actor.may(Role.SUPERVISOR):
        raise NotPermitted("Only supervisors give meetings to others. Leave the consultant open, or choose yourself.")
    return None if user_id is None else await check_user(uow, user_id, project, stored)


async def _contact(uow: UnitOfWork, contact_id: int | None) -> Contact | None:
    if contact_id is None:
        return None
    known: dict[int, Contact] = uow.session.info.setdefault(_CONTACTS, {})
    if contact_id not in known:
        query = contacts.visible_to(uow.actor).where(Contact.id == contact_id)
        found = await uow.session.scalar(query.options(selectinload(Contact.numbers), selectinload(Contact.organisation)))
        if found is None:
            raise Invalid("This contact is no longer there. Choose another one, or none.", field="contact_id")
        known[contact_id] = found
    return known[contact_id]


async def _ticket(uow: UnitOfWork, ticket_id: int | None, before: Meeting | None) -> int | None:
    """Check that the actor may see the ticket the meeting is about; one that stays is not looked at again."""
    if ticket_id is None or (before is not None and before.ticket_id == ticket_id):
        return ticket_id
    if await uow.session.scalar(tickets_visible_to(uow.actor).where(Ticket.id == ticket_id)) is None:
        raise Invalid("There is no such ticket.", field="ticket_id")
    return ticket_id


async def _may_be_called(uow: UnitOfWork, contact: Contact | None, number: str, project: Project) -> None:
    """Raise Invalid when the customer asked not to be called, or has not agreed to what the project is for.

    Asked once for a customer, number and project in a transaction.
    """
    known: set[tuple[int | None, str, int]] = uow.session.info.setdefault(_CALLABLE, set())
    key = (contact.id if contact else None, number, project.id)
    if key in known:
        return
    try:
        await consents.check(uow, "call", contact_id=key[0], number=number, purpose=project.purpose, project_id=project.id)
    except DoNotContact as refused:
        raise Invalid(refused.sentence, field="contact_id" if contact else "number", **refused.values) from refused
    known.add(key)


def _number(typed: str, project: Project) -> str:
    """Return the number in E.164; a machine may dial it, or a person with this meeting before them."""
    parsed = numbers.parse(typed, project.region)
    decision = decide(
        parsed.e164 or typed,
        Rules(
            region=project.region,
            by_hand=False,
            allow_premium=project.allow_premium,
            foreign_countries=frozenset(project.foreign_countries),
        ),
    )
    if decision.refusal is not None:
        raise Invalid(decision.refusal.sentence, field="number", **decision.refusal.values)
    return decision.e164


def contact_label(contact: Contact) -> str:
    """Return what a contact (organisation loaded) is called: its name, else its organisation's."""
    return contact.name or (contact.organisation.name if contact.organisation else "")


def _kept_name(data: MeetingInput, before: Meeting | None) -> str:
    """Return the name of a contact that was deleted since: it stays while nobody chooses another."""
    return before.contact_name if before is not None and before.contact_id is None and data.contact_id is None else ""
