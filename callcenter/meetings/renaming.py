"""A contact is called otherwise: its meetings are found by the new name too, and still by the one they were planned with.

A job does it, straight after the commit: whoever changes a contact holds it, and whoever changes a meeting holds that and
may then ask for its contact, so the two in one transaction would wait for each other.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from callcenter import jobs
from callcenter.calls import rows as calls
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.facts import ContactRenamed, Fact
from callcenter.meetings import search
from callcenter.meetings.models import Meeting
from callcenter.meetings.planning import contact_label

JOB = "meeting_names"
BATCH = 500  # meetings in one transaction


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Hear of a fact (a reaction of Database): a contact with meetings that was renamed."""
    if isinstance(fact, ContactRenamed):
        theirs = select(Meeting.id).where(Meeting.contact_id == fact.contact_id).limit(1)
        if await uow.session.scalar(theirs) is not None:
            await jobs.put(uow, f"{JOB}:{fact.contact_id}", JOB, uow.now, contact_id=fact.contact_id, after=0)


async def find_by_new_name(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Let the next meetings of a contact be found by what it is called now (a job); what is left goes on in another one."""
    contact_id = payload["contact_id"]
    await calls.lock(uow)  # before the meetings, as everywhere
    query = select(Contact).where(Contact.id == contact_id).options(selectinload(Contact.organisation))
    contact = await uow.session.scalar(query)
    if contact is None:
        return
    theirs = select(Meeting).where(Meeting.contact_id == contact_id, Meeting.id > payload["after"]).order_by(Meeting.id)
    found = list(await uow.session.scalars(theirs.limit(BATCH).with_for_update()))
    for meeting in found:
        meeting.folded = search.folded(meeting.name, f"{meeting.contact_name} {contact_label(contact)}", meeting.number)
    if len(found) == BATCH:
        await jobs.put(uow, f"{JOB}:{contact_id}", JOB, uow.now, contact_id=contact_id, after=found[-1].id)
