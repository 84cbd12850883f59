"""Texts somebody has begun to write to a contact: kept on the server until they are sent or thrown away."""

from contextlib import suppress
from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from callcenter.contacts import service as contacts
from callcenter.correspondence.models import Draft
from callcenter.correspondence.permitted import Channel
from callcenter.db import UnitOfWork


async def get_draft(uow: UnitOfWork, contact_id: int, channel: Channel) -> dict[str, Any] | None:
    """Return what the actor has begun to write to a contact they may see, None for nothing."""
    await contacts.get_contact(uow, contact_id)
    found = await uow.session.get(Draft, (uow.actor.id, contact_id, channel))
    return found.data if found is not None else None


async def keep_draft(uow: UnitOfWork, contact_id: int, channel: Channel, data: dict[str, Any]) -> None:
    """Keep what the actor has written so far; it takes the place of what was kept."""
    await contacts.get_contact(uow, contact_id)
    draft = Draft(user_id=uow.actor.id, contact_id=contact_id, channel=channel, data=data, updated_at=uow.now)
    with suppress(IntegrityError):  # two tabs at the same moment: the other one's was kept
        async with uow.session.begin_nested():
            await uow.session.merge(draft)


async def drop_draft(uow: UnitOfWork, contact_id: int, channel: Channel) -> None:
    """Forget what the actor has begun to write."""
    own = delete(Draft).where(Draft.user_id == uow.actor.id, Draft.contact_id == contact_id, Draft.channel == channel)
    await uow.session.execute(own.execution_options(synchronize_session=False))
