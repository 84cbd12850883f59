"""Adding leads to campaigns, from files and from contacts, with progress and a report; what is done with them: leads.py."""

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.campaigns import lead_columns, lead_imports
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.campaigns.lead_models import LeadImport
from callcenter.contacts.filters import ContactFilter
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from webui import lead_files
from webui.i18n import gettext, say
from webui.imports import received
from webui.openapi import operation, routes_of
from webui.validation import Id, Line

_IMPORTS = "/campaigns/{campaign_id}/lead-imports"


class ContactsIn(ContactFilter):
    """Contacts that fit a filter and a search, added as leads of a priority; `others` as in LeadMapping."""

    q: Line = ""
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    others: Annotated[str, Field(pattern="^(skip|add)$")] = "skip"


class LeadImportOut(BaseModel):
    """Leads on their way in. `state`: mapping (waits for its columns), adding, done, failed, stopped.

    `rows` of `total` are seen to: `added`, or `refused` by code; `noted`: codes of what was left out of those added.
    `same_as_id`: an earlier import of the same file into this campaign.
    """

    id: int
    campaign_id: int
    file_name: str
    from_contacts: bool
    state: str
    user_id: int | None
    created_at: dt.datetime
    finished_at: dt.datetime | None
    total: int
    rows: int
    added: int
    refused: dict[str, int]
    noted: dict[str, int]
    same_as_id: int | None
    error: str


class LeadImportList(BaseModel):
    """What was added, newest first."""

    items: list[LeadImportOut]


async def _import(uow: UnitOfWork, found: LeadImport) -> LeadImportOut:
    same = await lead_imports.same_file(uow, found)
    report = {"rows": 0, "added": 0, "refused": {}, "noted": {}} | found.report
    return LeadImportOut(
        **{name: getattr(found, name) for name in LeadImportOut.model_fields if hasattr(LeadImport, name) and name != "error"},
        **report,
        from_contacts=found.filter is not None,
        same_as_id=same.id if same else None,
        error=say(found.error, found.error_values),
    )


@operation(
    "POST",
    _IMPORTS,
    "importLeads",
    role=Role.SUPERVISOR,
    upload=True,
    dry_run=False,
    errors=(Conflict,),
    status=202,
)
async def import_leads(request: Request, actor: Actor, campaign_id: Id) -> LeadImportOut:
    """Upload a CSV or XLSX file of leads; they are added in the background. Follow it with getLeadImport.

    `mapping`, a form field with JSON (the model LeadMapping: columns, encoding, delimiter, sheet, region, priority, others), says
    what the columns mean; without it the headings do. What cannot be read leaves the import waiting for its columns.
    """
    form = await received(request)
    given = form.get("mapping", "")
    try:
        mapping = lead_columns.from_json(given) if isinstance(given, str) and given else LeadMapping()
    except Invalid:
        await form.close()
        raise
    made = await lead_files.upload(request, actor, campaign_id, form)
    database = request.app.state.database
    try:
        await lead_files.begin(request, actor, campaign_id, made.id, mapping)
    except Invalid:
        async with database.unit_of_work(actor) as uow:
            await lead_imports.stop(uow, campaign_id, made.id)
        raise
    async with database.reading(actor) as uow:
        return await _import(uow, await lead_imports.get_import(uow, campaign_id, made.id))


@operation("POST", _IMPORTS + "/contacts", "addContactsAsLeads", role=Role.SUPERVISOR, errors=(Conflict,), status=202)
async def add_contacts_as_leads(request: Request, actor: Actor, campaign_id: Id, body: ContactsIn) -> LeadImportOut:
    """Add the contacts that fit now, each with all of its numbers."""
    wanted = ContactFilter.model_validate(body.model_dump(exclude={"q", "priority", "others"}))
    mapping = LeadMapping.model_validate({"priority": body.priority, "others": body.others})
    made = await lead_files.add_contacts(request, actor, campaign_id, wanted, body.q, mapping)
    async with request.app.state.database.reading(actor) as uow:
        return await _import(uow, await lead_imports.get_import(uow, campaign_id, made.id))


@operation("GET", _IMPORTS, "listLeadImports", role=Role.SUPERVISOR)
async def list_lead_imports(uow: UnitOfWork, campaign_id: Id) -> LeadImportList:
    """What was added to a campaign."""
    found = await lead_imports.list_imports(uow, campaign_id)
    return LeadImportList(items=[await _import(uow, each) for each in found])


@operation("GET", _IMPORTS + "/{import_id}", "getLeadImport", role=Role.SUPERVISOR)
async def get_lead_import(uow: UnitOfWork, campaign_id: Id, import_id: Id) -> LeadImportOut:
    """How far it is."""
    return await _import(uow, await lead_imports.get_import(uow, campaign_id, import_id))


@operation("GET", _IMPORTS + "/{import_id}/report", "readLeadReport", role=Role.SUPERVISOR, media_type="text/csv")
async def read_lead_report(request: Request, actor: Actor, campaign_id: Id, import_id: Id) -> str:
    """The rows that were not added as they were, with why, as CSV; put right, it can be uploaded."""
    titles = (gettext("Line"), gettext("Reason"), gettext("Name"))
    return await lead_files.report(request, actor, campaign_id, import_id, titles)  # type: ignore[return-value]  # sent as it is


@operation("POST", _IMPORTS + "/{import_id}/stop", "stopLeadImport", role=Role.SUPERVISOR, errors=(Conflict,))
async def stop_lead_import(uow: UnitOfWork, campaign_id: Id, import_id: Id) -> LeadImportOut:
    """Add no more of them; those that were added stay."""
    return await _import(uow, await lead_imports.stop(uow, campaign_id, import_id))


ROUTES = routes_of(__name__)
