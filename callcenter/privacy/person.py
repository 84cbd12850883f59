"""Who a person is to the database: their contact, and the numbers and addresses that are theirs alone."""

from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from callcenter.actor import Role
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact, Number
from callcenter.db import UnitOfWork
from callcenter.users.service import audit


@dataclass(frozen=True, slots=True)
class Person:
    """`numbers`: in E.164, those nobody else has; `every_number` with those others share. `emails` as typed."""

    contact: Contact
    numbers: tuple[str, ...]
    every_number: tuple[str, ...]
    emails: tuple[str, ...]

    @property
    def contact_id(self) -> int:
        """The contact's id."""
        return self.contact.id


async def person(uow: UnitOfWork, contact_id: int) -> Person:
    """Return a person whose data the actor may hand out or erase: a supervisor who may change the contact.

    Raises NotFound, or NotPermitted.
    """
    uow.actor.require(Role.SUPERVISOR)
    contact = await contacts.changeable(uow, contact_id)
    every = tuple(dict.fromkeys(each.e164 for each in contact.numbers if each.e164))
    other = aliased(Number)
    shared = exists().where(other.e164 == Number.e164, other.contact_id.is_distinct_from(contact_id))
    query = select(Number.e164).where(Number.contact_id == contact_id, Number.e164.is_not(None), ~shared)
    own = set(await uow.session.scalars(query))
    emails = (contact.email,) if contact.email else ()
    return Person(contact, tuple(each for each in every if each in own), every, emails)


def note(uow: UnitOfWork, action: str, found: Person, **detail: object) -> None:
    """Write to the audit trail, without anything of the person but the id."""
    audit(uow, action, "contact", found.contact_id, **detail)
