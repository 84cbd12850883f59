"""Pictures that came with cards (S6), drawn anew when their row was read: kept as the contact's, and taken away again."""

import base64
from collections.abc import Sequence

from sqlalchemy import delete, update

from callcenter.contacts.avatars import MEDIA_TYPE
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.files.models import File, FilePart


async def store(uow: UnitOfWork, pictures: Sequence[tuple[int, str]]) -> None:
    """Give contacts (by id) that have none a picture each, as it was staged: WebP in base64."""
    for contact_id, staged in pictures:
        content = base64.b64decode(staged)
        file = File(
            name=f"contact-{contact_id}.webp",
            media_type=MEDIA_TYPE,
            size=len(content),
            user_id=uow.actor.user_id,
            created_at=uow.now,
            complete_at=uow.now,
            attached=True,
        )
        uow.session.add(file)
        await uow.session.flush()
        uow.session.add(FilePart(file_id=file.id, n=0, content=content))
        await uow.session.execute(update(Contact).where(Contact.id == contact_id).values(avatar_id=file.id))


async def remove(uow: UnitOfWork, file_ids: Sequence[int]) -> None:
    """Delete pictures no contact has any more."""
    if file_ids:
        await uow.session.execute(delete(FilePart).where(FilePart.file_id.in_(file_ids)))
        await uow.session.execute(delete(File).where(File.id.in_(file_ids)))
