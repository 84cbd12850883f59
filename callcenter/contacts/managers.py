"""Who manages a contact or an organisation (S16): people of the company, chosen from a list.

A manager without a fitting account role has no access; who chooses managers is told so.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select

from callcenter.contacts import rights
from callcenter.contacts import service as contacts
from callcenter.contacts.models import ContactManager, Organisation, OrganisationManager
from callcenter.contacts.rights import Action, Extent
from callcenter.contacts.visibility import may_change_organisation, viewer
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid, NotPermitted
from callcenter.users.models import User
from callcenter.users.service import audit

MOST = 100  # managers of one account
NO_MANAGERS = "Managers are chosen by account administrators, and by supervisors for accounts they may change."


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the company as a manager of an account. `fits`: their account roles give them access to it."""

    user_id: int
    name: str
    disabled: bool
    manages: bool
    fits: bool


@dataclass(frozen=True, slots=True)
class Managers:
    """Who manages an account; `others` is who could, for who `may_set` them, else nobody."""

    chosen: list[Person]
    others: list[Person]
    may_set: bool


async def of_contact(uow: UnitOfWork, contact_id: int) -> Managers:
    """Return a contact's own managers; raises NotFound for a contact the actor may not see. Its organisation's come on top."""
    contact = await contacts.get_contact(uow, contact_id)
    chosen = await uow.session.scalars(select(ContactManager.user_id).where(ContactManager.contact_id == contact_id))
    return await _managers(uow, contact.type, set(chosen), await _may_set_contact(uow, contact_id, contact.type))


async def of_organisation(uow: UnitOfWork, organisation_id: int) -> Managers:
    """Return an organisation's managers, who manage its contacts too."""
    organisation = await contacts.get_organisation(uow, organisation_id)
    query = select(OrganisationManager.user_id).where(OrganisationManager.organisation_id == organisation_id)
    chosen = set(await uow.session.scalars(query))
    return await _managers(uow, organisation.type, chosen, await _may_set_organisation(uow, organisation))


async def set_of_contact(uow: UnitOfWork, contact_id: int, user_ids: Collection[int]) -> Managers:
    """Make these people the contact's managers. Raises NotPermitted, and Invalid for somebody who is not there."""
    contact = await contacts.get_contact(uow, contact_id)
    if not await _may_set_contact(uow, contact_id, contact.type):
        raise NotPermitted(NO_MANAGERS)
    table = ContactManager
    stored = set(await uow.session.scalars(select(table.user_id).where(table.contact_id == contact_id).with_for_update()))
    added, removed = await _difference(uow, stored, user_ids)
    await uow.session.execute(delete(table).where(table.contact_id == contact_id, table.user_id.in_(removed)))
    uow.session.add_all(table(contact_id=contact_id, user_id=each) for each in added)
    await _told(uow, "contact", contact_id, added, removed)
    return await _managers(uow, contact.type, set(user_ids), True)


async def set_of_organisation(uow: UnitOfWork, organisation_id: int, user_ids: Collection[int]) -> Managers:
    """Make these people the organisation's managers; raises as set_of_contact."""
    organisation = await contacts.get_organisation(uow, organisation_id)
    if not await _may_set_organisation(uow, organisation):
        raise NotPermitted(NO_MANAGERS)
    table = OrganisationManager
    query = select(table.user_id).where(table.organisation_id == organisation_id).with_for_update()
    added, removed = await _difference(uow, set(await uow.session.scalars(query)), user_ids)
    await uow.session.execute(delete(table).where(table.organisation_id == organisation_id, table.user_id.in_(removed)))
    uow.session.add_all(table(organisation_id=organisation_id, user_id=each) for each in added)
    await _told(uow, "organisation", organisation_id, added, removed)
    return await _managers(uow, organisation.type, set(user_ids), True)


async def _may_set_contact(uow: UnitOfWork, contact_id: int, account_type: str) -> bool:
    """Tell whether the actor may choose managers of a contact they see: the right to, and to change this very one."""
    return rights.may(uow.actor, Action.SET_MANAGERS, account_type) and await contacts.is_changeable(uow, contact_id)


async def _may_set_organisation(uow: UnitOfWork, organisation: Organisation) -> bool:
    if not rights.may(uow.actor, Action.SET_MANAGERS, organisation.type):
        return False
    own = select(Organisation.id).where(Organisation.id == organisation.id, may_change_organisation(uow.actor))
    return await uow.session.scalar(own) is not None


async def _difference(uow: UnitOfWork, stored: set[int], wanted: Collection[int]) -> tuple[list[int], list[int]]:
    """Return whom to add and whom to take away; who may not sign in any more may stay, but not be added."""
    if len(wanted) > MOST:
        raise Invalid("An account has at most {most} managers.", field="user_ids", most=MOST)
    added = sorted(set(wanted) - stored)
    usable = select(User.id).where(User.id.in_(added), User.disabled_at.is_(None))
    if set(await uow.session.scalars(usable)) != set(added):
        raise Invalid("There is no such user.", field="user_ids")
    return added, sorted(stored - set(wanted))


async def _told(uow: UnitOfWork, subject: str, subject_id: int, added: Sequence[int], removed: Sequence[int]) -> None:
    await uow.session.flush()
    if added or removed:
        audit(uow, f"{subject}.managers_set", subject, subject_id, added=list(added), removed=list(removed))


async def _managers(uow: UnitOfWork, account_type: str, chosen: set[int], may_set: bool) -> Managers:
    query = select(User.id, User.name, User.disabled_at, User.accounts).order_by(User.name, User.id)
    if not may_set:
        query = query.where(User.id.in_(sorted(chosen)))
    people = [
        Person(
            user_id=user_id,
            name=name,
            disabled=disabled_at is not None,
            manages=user_id in chosen,
            fits=rights.extent(viewer(user_id, accounts), account_type) != Extent.NONE,
        )
        for user_id, name, disabled_at, accounts in await uow.session.execute(query)
    ]
    others = [each for each in people if not each.manages and not each.disabled]
    return Managers([each for each in people if each.manages], others, may_set)
