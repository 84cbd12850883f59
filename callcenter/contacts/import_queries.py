"""What can be read of imports: how far they are, which rows were rejected and why, what was noticed."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from sqlalchemy import Row, select

from callcenter.actor import Actor, Role
from callcenter.contacts import import_rows
from callcenter.contacts.models import ACCOUNT_TYPES, Contact, Import, ImportRow
from callcenter.contacts.rights import Action, may, require
from callcenter.contacts.visibility import sees_all
from callcenter.db import Database, UnitOfWork
from callcenter.errors import NotFound, fill

Say = Callable[[str, Mapping[str, object]], str]  # a sentence and its values, in the reader's language

_AT_ONCE = 500


async def list_imports(uow: UnitOfWork, limit: int = 50) -> list[Import]:
    """Return the latest imports the actor may see, newest first (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    query = select(Import).order_by(Import.id.desc()).limit(max(1, min(limit, 200)))
    if not sees_all(uow.actor):
        query = query.where(Import.user_id == uow.actor.id)
    return list(await uow.session.scalars(query))


def may_see(actor: Actor, found: Import) -> bool:
    """Tell whether somebody may see an import: their own, or, since any account may be in it, who sees all of them. Pure."""
    return sees_all(actor) or found.user_id == actor.user_id


async def get_import(uow: UnitOfWork, import_id: int) -> Import:
    """Return an import the actor may see (supervisors); raises NotFound."""
    uow.actor.require(Role.SUPERVISOR)
    found = await uow.session.get(Import, import_id)
    if found is None or not may_see(uow.actor, found):
        raise NotFound("There is no such import.")
    return found


async def require_types(uow: UnitOfWork, import_id: int) -> None:
    """Raise NotPermitted when a good row, or a contact an import made, is of a type the actor may not import (any more)."""
    refused = [each for each in ACCOUNT_TYPES if not may(uow.actor, Action.IMPORT, each)]
    if not refused:
        return
    staged = select(ImportRow.line).where(
        ImportRow.import_id == import_id, ImportRow.error == "", ImportRow.data["type"].as_string().in_(refused)
    )
    made = select(Contact.id).where(Contact.import_id == import_id, Contact.type.in_(refused))
    if any([await uow.session.scalar(each.limit(1)) is not None for each in (staged, made)]):
        require(uow.actor, Action.IMPORT, refused[0])


async def notices(uow: UnitOfWork, import_id: int, say: Say = fill, limit: int = 200) -> list[tuple[int, str]]:
    """Return (line, sentence) of good rows that somebody may want to look at."""
    await get_import(uow, import_id)
    query = select(ImportRow.line, ImportRow.notice, ImportRow.notice_values)
    query = query.where(ImportRow.import_id == import_id, ImportRow.notice != "")
    found = await uow.session.execute(query.order_by(ImportRow.line).limit(limit))
    return [(line, said(notice, values, say)) for line, notice, values in found]


def said(notice: str, values: Mapping[str, Any], say: Say = fill) -> str:
    """Return all that was noticed about a row, the weightiest first."""
    own = {name: value for name, value in values.items() if name != "also"}
    return " ".join([say(notice, own), *(say(each["notice"], each["values"]) for each in values.get("also", ()))])


async def rejections(uow: UnitOfWork, import_id: int, say: Say = fill, limit: int = 200) -> list[tuple[int, str]]:
    """Return (line, reason) of the first rejected rows."""
    await get_import(uow, import_id)
    return [(row.line, say(row.error, row.error_values)) for row in await _rejected(uow, import_id, 0, limit)]


async def report(
    database: Database, actor: Actor, import_id: int, say: Say = fill, titles: tuple[str, str] = ("Line", "Reason")
) -> AsyncIterator[str]:
    """Yield the rejected rows as CSV text with their reasons, a piece at a time; corrected, it can be imported as it is.

    Raises, before the first piece, what `get_import` does.
    """
    async with database.reading(actor) as uow:
        header = list((await get_import(uow, import_id)).header)
    yield import_rows.csv_text([[*titles, *header]])
    line = 0
    while True:
        async with database.reading(actor) as uow:
            rejected = await _rejected(uow, import_id, line, _AT_ONCE)
        if not rejected:
            return
        line = rejected[-1].line
        yield import_rows.csv_text([str(row.line), say(row.error, row.error_values), *row.data["cells"]] for row in rejected)


async def _rejected(
    uow: UnitOfWork, import_id: int, after_line: int, limit: int
) -> list[Row[tuple[int, str, dict[str, Any], dict[str, Any]]]]:
    query = select(ImportRow.line, ImportRow.error, ImportRow.error_values, ImportRow.data).where(
        ImportRow.import_id == import_id, ImportRow.line > after_line, ImportRow.error != ""
    )
    return list(await uow.session.execute(query.order_by(ImportRow.line).limit(limit)))
