"""Files of leads that are uploaded by a page or the API: kept in the database, read in the background."""

import hashlib
from collections.abc import AsyncIterator, Sequence

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import StreamingResponse

from callcenter.actor import Actor, Role
from callcenter.campaigns import lead_imports, lead_queries, lead_reports
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.campaigns.lead_models import LeadImport
from callcenter.contacts import csv_file
from callcenter.contacts.filters import ContactFilter
from callcenter.db import Database
from callcenter.files import service as files
from webui import lead_words
from webui.imports import file_name, sent_file

_CHUNK = 256 << 10


async def upload(request: Request, actor: Actor, campaign_id: int, form: FormData) -> LeadImport:
    """Keep the form's `file`, which then waits to be told what its columns mean; raises Invalid when there is none."""
    try:
        return await _upload(request, actor, campaign_id, form)
    finally:
        await form.close()


async def _upload(request: Request, actor: Actor, campaign_id: int, form: FormData) -> LeadImport:
    actor.require(Role.SUPERVISOR)
    sent, _ = sent_file(form)
    database: Database = request.app.state.database
    async with database.reading(actor) as uow:
        await lead_queries.campaign_of(uow, campaign_id)
    digest = hashlib.sha256()

    async def octets(of: UploadFile) -> AsyncIterator[bytes]:
        await of.seek(0)
        while chunk := await of.read(_CHUNK):
            digest.update(chunk)
            yield chunk

    file = await files.store(database, actor, file_name(sent), octets(sent), csv_file.MAXIMUM_BYTES)
    async with database.unit_of_work(actor) as uow:
        return await lead_imports.create(uow, campaign_id, file.id, digest.hexdigest())


async def begin(request: Request, actor: Actor, campaign_id: int, import_id: int, mapping: LeadMapping) -> LeadImport:
    """Say what the columns of a file mean, and add its leads in the background."""
    database: Database = request.app.state.database
    begun = await lead_imports.begin(database, actor, campaign_id, import_id, mapping)
    request.app.state.imports.start(import_id, lead_imports.run(database, actor, import_id))
    return begun


async def add_contacts(
    request: Request,
    actor: Actor,
    campaign_id: int,
    wanted: ContactFilter,
    q: str,
    mapping: LeadMapping,
    ids: Sequence[int] | None = None,
) -> LeadImport:
    """Add the contacts that fit now, or those of them with these ids, in the background."""
    database: Database = request.app.state.database
    async with database.unit_of_work(actor) as uow:
        begun = await lead_imports.add_contacts(uow, campaign_id, wanted, q, mapping, ids)
    request.app.state.imports.start(begun.id, lead_imports.run(database, actor, begun.id))
    return begun


async def report(
    request: Request, actor: Actor, campaign_id: int, import_id: int, titles: tuple[str, str, str]
) -> StreamingResponse:
    """Send the rows that were not added as they were, with why."""
    database: Database = request.app.state.database
    async with database.reading(actor) as uow:
        await lead_imports.get_import(uow, campaign_id, import_id)
    pieces = lead_reports.written(database, actor, campaign_id, import_id, lead_words.code, titles)
    headers = {"content-disposition": f'attachment; filename="leads-{import_id}-report.csv"'}
    return StreamingResponse(pieces, media_type="text/csv", headers=headers)
