"""Whom a contact that is no more was merged into."""

from sqlalchemy import select, update

from callcenter.contacts.import_models import ContactMerge
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import Merged


async def survivor_of(uow: UnitOfWork, contact_id: int) -> int:
    """Return the contact that stands for `contact_id` now: itself, unless it was merged away."""
    found = await uow.session.scalar(select(ContactMerge.survivor_id).where(ContactMerge.loser_id == contact_id))
    return contact_id if found is None else found


async def tell(uow: UnitOfWork, contact_id: int) -> None:
    """Raise Merged when the contact was merged into one the actor may see."""
    survivor_id = await survivor_of(uow, contact_id)
    if survivor_id != contact_id:
        seen = visible_to(uow.actor).where(Contact.id == survivor_id).with_only_columns(Contact.id)
        if await uow.session.scalar(seen) is not None:
            raise Merged(survivor_id)


async def note(uow: UnitOfWork, loser_id: int, survivor_id: int) -> None:
    """Keep who was merged into whom; those who were merged into the loser before are the survivor's, too."""
    theirs = update(ContactMerge).where(ContactMerge.survivor_id == loser_id)
    await uow.session.execute(theirs.values(survivor_id=survivor_id))
    uow.session.add(ContactMerge(loser_id=loser_id, survivor_id=survivor_id, user_id=uow.actor.user_id, merged_at=uow.now))
    await uow.session.flush()
