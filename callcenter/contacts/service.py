"""Contacts and organisations: who the customers are, how to reach them, and what happened with them.

Reading starts from visible_to(actor) everywhere. Numbers that are valid nowhere are kept as typed (Number.valid tells);
identification is in identify.py, the import in imports.py.
"""

from sqlalchemy import or_, select

from callcenter.actor import Role
from callcenter.contacts import changes, custom_values, merges, moving, rows
from callcenter.contacts.changes import ChangedMeanwhile
from callcenter.contacts.forms import ContactInput, NumberInput, NumberType, OrganisationInput, check
from callcenter.contacts.models import Contact, ContactManager, Number, TimelineEntry
from callcenter.contacts.organisations import (
    create_organisation,
    get_organisation,
    list_organisations,
    members,
    update_organisation,
)
from callcenter.contacts.queries import LOADED, Page, list_contacts
from callcenter.contacts.rights import Extent, creatable_type, extent
from callcenter.contacts.timeline import add_entry, checked_text, move_call_entries
from callcenter.contacts.visibility import may_change, may_see, visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound, NotPermitted
from callcenter.facts import ContactRenamed
from callcenter.users.service import audit

__all__ = [
    "ChangedMeanwhile",
    "ContactInput",
    "NumberInput",
    "OrganisationInput",
    "Page",
    "add_entry",
    "add_note",
    "add_number",
    "changeable",
    "create_contact",
    "create_organisation",
    "get_contact",
    "get_organisation",
    "is_changeable",
    "is_visible",
    "list_contacts",
    "list_organisations",
    "members",
    "move_call_entries",
    "update_contact",
    "update_organisation",
    "visible_to",
]


async def get_contact(uow: UnitOfWork, contact_id: int) -> Contact:
    """Return a contact with all of it loaded; raises NotFound for one the actor may not see, too.

    Raises Merged for one that was merged into a contact the actor may see.
    """
    query = visible_to(uow.actor).where(Contact.id == contact_id).options(*LOADED)
    contact = await uow.session.scalar(query.execution_options(populate_existing=True))
    if contact is None:
        await merges.tell(uow, contact_id)
        raise NotFound("There is no such contact.")
    return contact


async def changeable(uow: UnitOfWork, contact_id: int) -> Contact:
    """Return a contact as get_contact does; raises NotPermitted for one the actor may see but not change."""
    contact = await get_contact(uow, contact_id)
    if not await is_changeable(uow, contact_id):
        raise NotPermitted("You may see this contact but not change it.")
    return contact


async def is_visible(uow: UnitOfWork, contact_id: int) -> bool:
    """Tell whether the actor may see a contact."""
    return await uow.session.scalar(select(Contact.id).where(Contact.id == contact_id, may_see(uow.actor))) is not None


async def is_changeable(uow: UnitOfWork, contact_id: int) -> bool:
    """Tell whether the actor may change a contact."""
    allowed = select(Contact.id).where(Contact.id == contact_id, may_change(uow.actor))
    return await uow.session.scalar(allowed) is not None


async def create_contact(uow: UnitOfWork, data: ContactInput, region: str) -> Contact:
    """Add a contact; numbers without + belong to `region`. Raises Invalid with the field at fault.

    Who changes only the accounts they manage becomes its manager.
    """
    uow.actor.require(Role.CONSULTANT)
    check(data)
    contact = Contact(created_at=uow.now, updated_at=uow.now, sort_name="", folded="", version=1)
    contact.position = contact.stage = contact.source = contact.segment = None
    contact.tags, contact.custom = [], []
    rows.fill(contact, data)
    contact.numbers = rows.read_numbers(data.numbers, region)
    wanted = data.type or creatable_type(uow.actor)
    contact.organisation = await rows.organisation_named(uow, data.organisation, account_type=wanted)
    contact.type = contact.organisation.type if contact.organisation else wanted
    allowed = extent(uow.actor, contact.type, change=True)
    if not allowed:
        raise NotPermitted("Your account roles do not allow this kind of account.")
    await rows.choose(uow, contact, data)
    custom_values.fill(contact, data.custom, await custom_values.declared(uow))
    uow.session.add(contact)
    await uow.session.flush()
    if allowed == Extent.MANAGED:
        uow.session.add(ContactManager(user_id=uow.actor.id, contact_id=contact.id))
        await uow.session.flush()
    await rows.index(uow, contact, data.organisation, [each.digits for each in contact.numbers])
    audit(uow, "contact.created", "contact", contact.id)
    return contact


async def update_contact(uow: UnitOfWork, contact_id: int, data: ContactInput, version: int, region: str) -> Contact:
    """Change a contact that was read at `version`; raises ChangedMeanwhile when it has changed since.

    What changed is written on the timeline; without any change the contact and its version stay as they are.
    """
    check(data)
    # Locked first, so that of two people who save at once the second sees the first one's version.
    await uow.session.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update())
    contact = await changeable(uow, contact_id)
    declared = await custom_values.declared(uow)
    before = changes.fields_of(contact, declared)
    if contact.version != version:
        raise ChangedMeanwhile(changes.fields_typed(data, before), before, contact.version)
    rows.fill(contact, data)
    rows.merge_numbers(contact.numbers, rows.read_numbers(data.numbers, region))
    left = contact.organisation
    contact.organisation = await rows.organisation_named(
        uow, data.organisation, account_type=data.type or contact.type, current=left
    )
    contact.type = contact.organisation.type if contact.organisation else data.type or contact.type
    if not extent(uow.actor, contact.type, change=True):
        raise NotPermitted("Your account roles do not allow this kind of account.")
    await rows.choose(uow, contact, data)
    custom_values.fill(contact, data.custom, declared)
    changed = changes.difference(before, changes.fields_of(contact, declared))
    if not changed:
        return contact
    contact.version += 1
    contact.updated_at = uow.now
    await uow.session.flush()
    await moving.keep_managed(uow, [contact])
    await rows.index(uow, contact, data.organisation, [each.digits for each in contact.numbers])
    await changes.record(uow, contact_id, changed, declared)
    audit(uow, "contact.updated", "contact", contact_id, fields=sorted(changed))
    if {"first_name", "last_name", "organisation"}.intersection(changed):
        uow.note(ContactRenamed(contact_id))
    return contact


async def add_number(uow: UnitOfWork, contact: Contact, number: str, region: str, kind: NumberType = "other") -> bool:
    """Store a number on a loaded contact unless it, or its organisation, has it already; tells whether it was new."""
    if not await is_changeable(uow, contact.id):
        raise NotPermitted("You may see this contact but not change it.")
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
    """Write a note on a contact's timeline; who may see the contact may write one."""
    await get_contact(uow, contact_id)
    said = checked_text(note)
    return await add_entry(uow, contact_id=contact_id, kind="note", text=said, at=uow.now, user_id=uow.actor.user_id)
