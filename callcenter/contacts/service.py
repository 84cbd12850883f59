"""Contacts and organisations: who the customers are, how to reach them, and what happened with them.

Reading starts from visible_to(actor) everywhere. Numbers that are valid nowhere are kept as typed (Number.valid tells);
identification is in identify.py, the import in imports.py.
"""

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from callcenter.actor import Role
from callcenter.contacts import rows, text
from callcenter.contacts import timeline as entries
from callcenter.contacts.forms import ContactInput, NumberInput, NumberType, OrganisationInput, check
from callcenter.contacts.models import Contact, Number, Organisation, TimelineEntry
from callcenter.contacts.queries import Page, list_contacts
from callcenter.contacts.timeline import add_entry, move_call_entries
from callcenter.contacts.visibility import visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.facts import ContactRenamed
from callcenter.users.service import audit

__all__ = [
    "ContactInput",
    "NumberInput",
    "OrganisationInput",
    "Page",
    "add_entry",
    "add_note",
    "add_number",
    "create_contact",
    "create_organisation",
    "get_contact",
    "get_organisation",
    "list_contacts",
    "list_organisations",
    "members",
    "move_call_entries",
    "organisation_timeline",
    "timeline",
    "update_contact",
    "update_organisation",
    "visible_to",
]

MAXIMUM_NOTE = 20_000


async def get_contact(uow: UnitOfWork, contact_id: int) -> Contact:
    """Return a contact with its numbers and organisation loaded."""
    query = visible_to(uow.actor).where(Contact.id == contact_id)
    query = query.options(selectinload(Contact.numbers), selectinload(Contact.organisation))
    contact = await uow.session.scalar(query.execution_options(populate_existing=True))
    if contact is None:
        raise NotFound("There is no such contact.")
    return contact


async def create_contact(uow: UnitOfWork, data: ContactInput, region: str) -> Contact:
    """Add a contact; numbers without + belong to `region`. Raises Invalid with the field at fault."""
    uow.actor.require(Role.CONSULTANT)
    check(data)
    contact = Contact(created_at=uow.now, updated_at=uow.now, sort_name="", folded="", version=1)
    rows.fill(contact, data)
    contact.numbers = rows.read_numbers(data.numbers, region)
    contact.organisation = await rows.organisation_named(uow, data.organisation)
    uow.session.add(contact)
    await uow.session.flush()
    await rows.index(uow, contact, data.organisation, [each.digits for each in contact.numbers])
    audit(uow, "contact.created", "contact", contact.id)
    return contact


async def update_contact(uow: UnitOfWork, contact_id: int, data: ContactInput, version: int, region: str) -> Contact:
    """Change a contact that was read at `version`; raises Conflict when it has changed since."""
    check(data)
    # Locked first, so that of two people who save at once the second sees the first one's version.
    await uow.session.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update())
    contact = await get_contact(uow, contact_id)
    if contact.version != version:
        raise Conflict(
            "Somebody changed this contact meanwhile. Load it again and repeat your change; what you typed is not saved."
        )
    before = _fields(contact)
    rows.fill(contact, data)
    rows.merge_numbers(contact.numbers, rows.read_numbers(data.numbers, region))
    contact.organisation = await rows.organisation_named(uow, data.organisation)
    after = _fields(contact)
    contact.version += 1
    contact.updated_at = uow.now
    await uow.session.flush()
    await rows.index(uow, contact, data.organisation, [each.digits for each in contact.numbers])
    changed = sorted(key for key in after if before[key] != after[key])
    audit(uow, "contact.updated", "contact", contact_id, fields=changed)
    if {"first_name", "last_name", "organisation"}.intersection(changed):
        uow.note(ContactRenamed(contact_id))
    return contact


async def add_number(uow: UnitOfWork, contact: Contact, number: str, region: str, kind: NumberType = "other") -> bool:
    """Store a number on a loaded contact unless it, or its organisation, has it already; tells whether it was new."""
    (wanted,) = rows.read_numbers([NumberInput(type=kind, number=number)], region)
    same = or_(Number.contact_id == contact.id, Number.organisation_id == contact.organisation_id)
    query = select(Number.id).where(same, Number.e164 == wanted.e164).limit(1)
    if wanted.e164 is None or await uow.session.scalar(query) is not None:
        return False
    contact.numbers.append(wanted)
    contact.version += 1
    contact.updated_at = uow.now
    await uow.session.flush()
    organisation = contact.organisation.name if contact.organisation else ""
    await rows.index(uow, contact, organisation, [each.digits for each in contact.numbers])
    audit(uow, "contact.updated", "contact", contact.id, fields=["numbers"])
    return True


async def add_note(uow: UnitOfWork, contact_id: int, note: str) -> TimelineEntry:
    """Write a note on a contact's timeline."""
    await get_contact(uow, contact_id)
    return await add_entry(uow, contact_id=contact_id, kind="note", text=_note(note), at=uow.now, user_id=uow.actor.user_id)


async def timeline(uow: UnitOfWork, contact_id: int, *, before: int | None = None, limit: int = 50) -> list[TimelineEntry]:
    """Return what happened with a contact, newest first; `before` is the id of the last entry of the page before."""
    await get_contact(uow, contact_id)
    return await entries.newest(uow, contact_id=contact_id, before=before, limit=limit)


async def list_organisations(uow: UnitOfWork, q: str = "", limit: int = 20) -> list[Organisation]:
    """Return organisations by name: those that begin with `q` first, then those with a word that does."""
    uow.actor.require(Role.CONSULTANT)
    limit = max(1, min(limit, 200))
    start = text.fold(q)
    ordered = select(Organisation).order_by(Organisation.folded, Organisation.id).limit(limit)
    begins = (Organisation.folded >= start, Organisation.folded < start + "\U0010ffff")
    found = list(await uow.session.scalars(ordered.where(*begins)))
    if start and len(found) < limit:
        inside = Organisation.folded.contains(f" {start}", autoescape=True)
        found += [each for each in await uow.session.scalars(ordered.where(inside)) if each not in found]
    return found[:limit]


async def get_organisation(uow: UnitOfWork, organisation_id: int) -> Organisation:
    """Return an organisation with its numbers loaded."""
    uow.actor.require(Role.CONSULTANT)
    query = select(Organisation).where(Organisation.id == organisation_id).options(selectinload(Organisation.numbers))
    organisation = await uow.session.scalar(query.execution_options(populate_existing=True))
    if organisation is None:
        raise NotFound("There is no such organisation.")
    return organisation


async def create_organisation(uow: UnitOfWork, data: OrganisationInput, region: str) -> Organisation:
    """Add an organisation; raises Conflict when there is one of that name."""
    uow.actor.require(Role.CONSULTANT)
    await _name_is_free(uow, data.name)
    organisation = Organisation(name=data.name, folded=text.fold(data.name), created_at=uow.now)
    organisation.numbers = rows.read_numbers(data.numbers, region)
    uow.session.add(organisation)
    await uow.session.flush()
    audit(uow, "organisation.created", "organisation", organisation.id)
    return organisation


async def update_organisation(uow: UnitOfWork, organisation_id: int, data: OrganisationInput, region: str) -> Organisation:
    """Change an organisation's name and numbers; its contacts are then found under the new name."""
    organisation = await get_organisation(uow, organisation_id)
    rows.merge_numbers(organisation.numbers, rows.read_numbers(data.numbers, region))
    if data.name != organisation.name:
        await _name_is_free(uow, data.name, organisation_id)
        organisation.name, organisation.folded = data.name, text.fold(data.name)
        query = select(Contact).where(Contact.organisation_id == organisation_id).options(selectinload(Contact.numbers))
        for contact in await uow.session.scalars(query):
            await rows.index(uow, contact, data.name, [each.digits for each in contact.numbers])
            if not contact.name:
                uow.note(ContactRenamed(contact.id))
    await uow.session.flush()
    audit(uow, "organisation.updated", "organisation", organisation_id)
    return organisation


async def members(uow: UnitOfWork, organisation_id: int, limit: int = 200) -> list[Contact]:
    """Return an organisation's contacts by name."""
    query = visible_to(uow.actor).where(Contact.organisation_id == organisation_id)
    query = query.order_by(Contact.sort_name, Contact.id).limit(limit).options(selectinload(Contact.numbers))
    return list(await uow.session.scalars(query))


async def organisation_timeline(
    uow: UnitOfWork, organisation_id: int, *, before: int | None = None, limit: int = 50
) -> list[TimelineEntry]:
    """Return what happened with an organisation itself (calls from its own numbers), newest first."""
    await get_organisation(uow, organisation_id)
    return await entries.newest(uow, organisation_id=organisation_id, before=before, limit=limit)


async def _name_is_free(uow: UnitOfWork, name: str, own_id: int | None = None) -> None:
    if not text.words(name):
        raise Invalid("An organisation needs a name.", field="name")
    same = select(Organisation.id).where(Organisation.folded == text.fold(name), Organisation.id != (own_id or 0))
    if await uow.session.scalar(same.limit(1)) is not None:
        raise Conflict("There is already an organisation {name}.", name=name)


def _note(note: str) -> str:
    note = text.clean_lines(note)
    if not note:
        raise Invalid("A note needs a text.", field="text")
    if len(note) > MAXIMUM_NOTE:
        raise Invalid("A note has at most {maximum} characters.", field="text", maximum=MAXIMUM_NOTE)
    return note


def _fields(contact: Contact) -> dict[str, Any]:
    plain = {name: getattr(contact, name) for name in ("first_name", "last_name", "position", "email", "note")}
    numbers: list[Number] = contact.numbers
    return plain | {
        "organisation": contact.organisation.name if contact.organisation else "",
        "numbers": [(each.type, each.raw) for each in numbers],
    }
