"""The report of an import of leads: the rows that were not added as they were, with why, on the page and as CSV."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from callcenter.actor import Actor
from callcenter.campaigns import lead_imports, lead_storing
from callcenter.campaigns.lead_models import LeadImport, LeadImportRow
from callcenter.contacts.import_rows import csv_text
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import visible_to
from callcenter.db import Database, UnitOfWork

_AT_ONCE = 500
Say = Callable[[str, Mapping[str, Any]], str]


async def reported(uow: UnitOfWork, import_id: int, after: int = 0, limit: int = 50) -> list[LeadImportRow]:
    """Return the next rows that were not added as they were; whoever calls has asked for the import."""
    query = select(LeadImportRow).where(LeadImportRow.import_id == import_id, LeadImportRow.line > after)
    return list(await uow.session.scalars(query.order_by(LeadImportRow.line).limit(limit)))


async def named(uow: UnitOfWork, found: LeadImport, rows: Sequence[LeadImportRow]) -> dict[int, str]:
    """Return the names of the contacts that rows of an import are about, by line, as far as the actor may see them now."""
    if found.filter is None or not rows:
        return {}
    ids = [row.line for row in rows if row.code not in lead_storing.UNSTORED]
    query = visible_to(uow.actor).where(Contact.id.in_(ids)).options(selectinload(Contact.organisation))
    return {
        each.id: each.name or (each.organisation.name if each.organisation else "") for each in await uow.session.scalars(query)
    }


async def written(
    database: Database, actor: Actor, campaign_id: int, import_id: int, say: Say, titles: tuple[str, str, str]
) -> AsyncIterator[str]:
    """Yield the rows that were not added as they were as CSV text, with why; put right, it can be uploaded.

    `say` says a code with its values in the reader's language. `titles`: of the line and the reason, and of contacts' names.
    """
    async with database.reading(actor) as uow:
        found = await lead_imports.get_import(uow, campaign_id, import_id)
        header = list(found.header) if found.filter is None else [titles[2]]
    yield "\ufeff" + csv_text([[*titles[:2], *header]])
    line = 0
    while True:
        async with database.reading(actor) as uow:
            rows = await reported(uow, import_id, line, _AT_ONCE)
            names = await named(uow, found, rows)
        if not rows:
            return
        line = rows[-1].line
        cells = {row.line: row.cells if found.filter is None else [names.get(row.line, "")] for row in rows}
        yield csv_text([str(row.line), say(row.code, row.values), *cells[row.line]] for row in rows)
