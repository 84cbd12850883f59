"""Imports of contacts whose process is gone, or that nobody goes on with: taken up, or ended."""

import datetime as dt

import structlog
from sqlalchemy import select

from callcenter.actor import SYSTEM
from callcenter.contacts.batches import ABANDONED, end_failed, moving
from callcenter.contacts.imports import apply, fail, undo
from callcenter.contacts.models import Import
from callcenter.db import Database
from callcenter.errors import Unavailable

log = structlog.get_logger(__name__)

WAITS = dt.timedelta(days=1)  # so long a file is kept for somebody to say what its columns mean


async def resume_all(database: Database) -> list[Import]:
    """Take up imports whose process is gone; call it at start and every minute. Half-read files end as failed."""
    async with database.reading() as uow:
        running = Import.state.in_(["staging", "checked", "applying", "indexing", "undoing"])
        left = list(await uow.session.scalars(select(Import).where(running, Import.touched_at < uow.now - ABANDONED)))
    ended: list[Import] = []
    for each in left:
        log.info("import.resumed", import_id=each.id, state=each.state)
        if each.state == "staging":
            ended.append(await fail(database, SYSTEM, each.id, Unavailable("Reading the file was interrupted. Import it again.")))
        elif each.state == "undoing":
            ended.append(await undo(database, SYSTEM, each.id))
        elif each.state in ("applying", "indexing") or not each.dry_run:
            ended.append(await apply(database, SYSTEM, each.id))
    return ended


async def expire(database: Database) -> None:
    """End imports whose columns nobody gave a meaning to within a day."""
    async with database.reading() as uow:
        waiting = Import.state == "mapping", Import.touched_at < uow.now - WAITS
        old = list(await uow.session.scalars(select(Import.id).where(*waiting).limit(100)))
    for import_id in old:
        async with database.unit_of_work() as uow:
            found = await moving(uow, Import, import_id, ["mapping"])
            end_failed(uow, found, Unavailable("Nobody said what the columns mean. Import the file again."))
