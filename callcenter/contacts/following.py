"""Contacts follow their organisation: they have its type (S17), and are found by its name.

The first fifty follow in the transaction that changes the organisation; a job brings the rest into step, a batch in each
transaction, and starts again when the organisation changes meanwhile. Whoever holds contacts and their organisation takes
the contacts first, in order of id.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from callcenter import jobs
from callcenter.contacts import rows
from callcenter.contacts.models import Contact, Organisation
from callcenter.db import UnitOfWork
from callcenter.facts import ContactRenamed

JOB = "organisation_members"
AT_ONCE = 50  # contacts that follow in the transaction that changes the organisation
BATCH = 25  # contacts in one transaction of the job


async def held(uow: UnitOfWork, organisation_id: int, limit: int, after: int = 0) -> list[Contact]:
    """Return an organisation's next contacts in order of id, numbers and organisation loaded, held until the commit."""
    query = select(Contact).where(Contact.organisation_id == organisation_id, Contact.id > after).order_by(Contact.id)
    query = query.options(selectinload(Contact.numbers), selectinload(Contact.organisation)).limit(limit)
    return list(await uow.session.scalars(query.with_for_update(of=Contact).execution_options(populate_existing=True)))


async def follow(uow: UnitOfWork, organisation: Organisation, contacts: Iterable[Contact]) -> None:
    """Bring contacts into step with their organisation now, and all others soon after the commit."""
    await bring(uow, organisation, contacts)
    await jobs.put(uow, f"{JOB}:{organisation.id}", JOB, uow.now, organisation_id=organisation.id, after=0)


async def bring(uow: UnitOfWork, organisation: Organisation, contacts: Iterable[Contact]) -> None:
    """Give contacts the type of their organisation, and let them be found by its name."""
    changed = []
    for contact in contacts:
        contact.type, before = organisation.type, contact.sort_name
        terms = rows.reindexed(contact, organisation.name, [each.digits for each in contact.numbers])
        changed.append((contact, *terms))
        if not contact.name and contact.sort_name != before:
            uow.note(ContactRenamed(contact.id))
    await uow.session.flush()
    await rows.write_terms(uow, changed)


async def go_on(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Bring the next contacts into step (a job); what is left goes on in another one."""
    organisation_id = payload["organisation_id"]
    contacts = await held(uow, organisation_id, BATCH, payload["after"])
    organisation = await uow.session.get(Organisation, organisation_id, populate_existing=True)
    if organisation is None or not contacts:
        return
    await bring(uow, organisation, contacts)
    if len(contacts) == BATCH:
        await jobs.put(uow, f"{JOB}:{organisation_id}", JOB, uow.now, organisation_id=organisation_id, after=contacts[-1].id)
