"""A contact moves to another organisation, or out of any, with all of its history; its timeline says who moved it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from callcenter.contacts import rows
from callcenter.contacts.models import Contact, ContactManager, Organisation, TimelineEntry
from callcenter.contacts.rights import Extent, extent
from callcenter.contacts.visibility import changeable_by, may_change
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid, NotPermitted
from callcenter.facts import ContactRenamed
from callcenter.users.service import audit

KIND = "change"  # of timeline entries
MOST_AT_ONCE = 200
LONGEST_NAME = 100  # of a last name (forms.Name)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of contacts that were to be moved: ids that went, that were there already, that the actor may not change,
    and that would be left without any name."""

    moved: list[int]
    there: list[int]
    refused: list[int]
    nameless: list[int]


async def move_contacts(uow: UnitOfWork, contact_ids: Sequence[int], organisation_id: int | None) -> Moved:
    """Move contacts to an organisation, or out of theirs (None), each with its history; those that cannot stay and are told.

    Raises Invalid for none or too many, NotPermitted for an organisation the actor may not see or whose kind of account they
    may not change, Conflict for one that is going away.
    """
    wanted = sorted(set(contact_ids))
    if not wanted or len(wanted) > MOST_AT_ONCE:
        raise Invalid("Choose at least one and at most {most}.", field="contact_ids", most=MOST_AT_ONCE)
    # Held before the organisation, in order of id (following.py); the rights are asked of what is held.
    await uow.session.execute(select(Contact.id).where(Contact.id.in_(wanted)).order_by(Contact.id).with_for_update())
    target = await rows.joinable(uow, organisation_id) if organisation_id is not None else None
    if target is not None and not extent(uow.actor, target.type, change=True):
        raise NotPermitted("Your account roles do not allow this kind of account.")
    query = changeable_by(uow.actor).where(Contact.id.in_(wanted)).order_by(Contact.id)
    query = query.options(selectinload(Contact.numbers), selectinload(Contact.organisation))
    contacts = list(await uow.session.scalars(query.execution_options(populate_existing=True)))
    there = [each.id for each in contacts if each.organisation_id == organisation_id]
    nameless = [each.id for each in contacts if target is None and not each.name and each.id not in there]
    going = [each for each in contacts if each.id not in {*there, *nameless}]
    await place(uow, going, target, uow.actor.user_id)
    await keep_managed(uow, going)
    for each in going:
        audit(uow, "contact.moved", "contact", each.id, organisation_id=organisation_id)
    refused = sorted(set(wanted) - {each.id for each in contacts})
    return Moved([each.id for each in going], there, refused, nameless)


async def place(uow: UnitOfWork, contacts: Sequence[Contact], target: Organisation | None, user_id: int | None) -> None:
    """Put held contacts (numbers and organisation loaded) into an organisation or out of any, and write so on their timelines.

    One that had no name but its organisation's keeps that as its last name when it leaves for nowhere.
    """
    changed = []
    for contact in contacts:
        before = contact.organisation
        uow.session.add(entry(uow, contact.id, before, target, user_id))
        if not contact.name:
            uow.note(ContactRenamed(contact.id))
            if target is None and before is not None:
                contact.last_name = before.name[:LONGEST_NAME]
        contact.organisation = target
        contact.type = target.type if target else contact.type
        contact.version += 1
        contact.updated_at = uow.now
        digits = [each.digits for each in contact.numbers]
        changed.append((contact, *rows.reindexed(contact, target.name if target else "", digits)))
    await uow.session.flush()
    await rows.write_terms(uow, changed)


def entry(
    uow: UnitOfWork, contact_id: int, before: Organisation | None, after: Organisation | None, user_id: int | None
) -> TimelineEntry:
    """Return the line of a contact's timeline that says who moved it, from where and to where."""
    was, now = (each.name if each else "" for each in (before, after))
    data = {"fields": {"organisation": [was, now]}}
    return TimelineEntry(contact_id=contact_id, user_id=user_id, at=uow.now, kind=KIND, data=data)


async def keep_managed(uow: UnitOfWork, contacts: Sequence[Contact]) -> None:
    """Who may change a contact only as a manager, and was one by its old organisation, becomes its own."""
    ids = [each.id for each in contacts if extent(uow.actor, each.type, change=True) == Extent.MANAGED]
    if not ids:
        return
    kept = set(await uow.session.scalars(select(Contact.id).where(Contact.id.in_(ids), may_change(uow.actor))))
    uow.session.add_all(ContactManager(user_id=uow.actor.id, contact_id=each) for each in ids if each not in kept)
    await uow.session.flush()
