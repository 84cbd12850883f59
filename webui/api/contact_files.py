"""Contacts that may be one person, merging them, and contacts out as files. Importing: imports.py."""

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.contacts import duplicate_scan, duplicates, exports, merging
from callcenter.contacts.duplicates import Wanted
from callcenter.contacts.exports import Format
from callcenter.contacts.import_models import Export
from callcenter.contacts.merging import MergeInput
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound
from webui import exports as background
from webui.api.contacts import ContactOut, contact_out
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Line


class SimilarQuery(In):
    """What is known of somebody who may be there already; `number`: as typed, several apart by commas."""

    first_name: Annotated[str, Field(max_length=100)] = ""
    last_name: Annotated[str, Field(max_length=100)] = ""
    organisation: Line = ""
    city: Annotated[str, Field(max_length=100)] = ""
    email: Line = ""
    number: Line = ""
    but: Id | None = None


class SimilarOut(BaseModel):
    """Somebody who is there: `reason` (number, email, name) says what is the same, `value` as it stands there."""

    contact_id: int
    name: str
    organisation: str
    reason: str
    value: str


class SimilarList(BaseModel):
    """Who may be the same person."""

    items: list[SimilarOut]


class PairOut(BaseModel):
    """Two contacts who may be one, and why (number, email, name)."""

    first_id: int
    first_name: str
    second_id: int
    second_name: str
    reason: str


class PairList(BaseModel):
    """Pairs by the first one's id; pass the last pair's ids for the page that follows."""

    items: list[PairOut]


class PairsQuery(In):
    """Which page: the ids of the last pair of the one before."""

    after_first: Id | None = None
    after_second: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 30


class PairIn(In):
    """A pair."""

    first_id: Id
    second_id: Id


class ScanOut(BaseModel):
    """A walk through all contacts for pairs. `state`: waiting, running, done."""

    id: int
    state: str
    looked_at: int
    found: int
    created_at: dt.datetime
    finished_at: dt.datetime | None


class ExportIn(In):
    """What to write: contacts by id (null: all one may see), and fields as an import's mapping names them (null: all).

    `format`: csv, csv-excel (UTF-8 with its mark, semicolons), xlsx, vcard (4.0), vcard3 (3.0).
    """

    ids: Annotated[list[Id], Field(max_length=1000)] | None = None
    columns: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=200)] | None = None
    format: Format = "csv"


class ExportOut(BaseModel):
    """A file of contacts, kept until `expires_at`. `state`: writing, done, failed."""

    id: int
    state: str
    format: str
    rows: int
    error: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    expires_at: dt.datetime


class ExportList(BaseModel):
    """One's own exports that are kept."""

    items: list[ExportOut]


def _export(found: Export) -> ExportOut:
    return ExportOut.model_validate(found, from_attributes=True)


@operation("GET", "/contacts/duplicates", "findDuplicates")
async def find_duplicates(uow: UnitOfWork, query: SimilarQuery) -> SimilarList:
    """Who may be there already: the same number, the same e-mail address, a similar name in the same organisation or city."""
    given = query.model_dump(exclude={"but", "number"})
    wanted = Wanted(**given, number=[each.strip()[:100] for each in query.number.split(",") if each.strip()])
    found = await duplicates.similar(uow, wanted, uow.database.settings.region, but=query.but)
    return SimilarList(items=[SimilarOut(**each._asdict()) for each in found])


@operation("GET", "/duplicate-pairs", "listDuplicatePairs")
async def list_duplicate_pairs(uow: UnitOfWork, query: PairsQuery) -> PairList:
    """Pairs found among all contacts that nobody dismissed, of those one may see."""
    after = (query.after_first or 0, query.after_second or 0)
    pairs = await duplicate_scan.list_pairs(uow, after=after, limit=query.limit)
    items = [
        PairOut(first_id=one.id, first_name=one.name, second_id=other.id, second_name=other.name, reason=reason)
        for reason, one, other in pairs
    ]
    return PairList(items=items)


@operation("POST", "/duplicate-pairs/dismiss", "dismissDuplicatePair", errors=(NotFound,))
async def dismiss_duplicate_pair(uow: UnitOfWork, body: PairIn) -> None:
    """Say that these are two people; they are not listed again."""
    await duplicate_scan.dismiss(uow, body.first_id, body.second_id)


@operation("POST", "/duplicate-pairs/scan", "findDuplicatePairs", role=Role.SUPERVISOR, status=202)
async def find_duplicate_pairs(uow: UnitOfWork) -> ScanOut:
    """Ask for a walk through all contacts; it begins within a minute."""
    return ScanOut.model_validate(await duplicate_scan.ask(uow), from_attributes=True)


@operation("POST", "/contacts/{contact_id}/merge/{other_id}", "mergeContacts", errors=(Conflict,))
async def merge_contacts(uow: UnitOfWork, contact_id: Id, other_id: Id, body: MergeInput) -> ContactOut:
    """Merge the other contact into this one; its address leads here from then on (301 for GET, else 410)."""
    await merging.merge(uow, contact_id, other_id, body)
    return await contact_out(uow, contact_id)


@operation("POST", "/exports", "createExport", status=202)
async def create_export(request: Request, actor: Actor, body: ExportIn) -> ExportOut:
    """Write contacts into a file, in the background; supervisors and account administrators. Follow it with getExport."""
    return _export(await background.start(request, actor, body.ids, body.format, body.columns))


@operation("GET", "/exports", "listExports")
async def list_exports(uow: UnitOfWork) -> ExportList:
    """One's own exports."""
    return ExportList(items=[_export(each) for each in await exports.list_exports(uow)])


@operation("GET", "/exports/{export_id}", "getExport")
async def get_export(uow: UnitOfWork, export_id: Id) -> ExportOut:
    """How far an export is."""
    return _export(await exports.get_export(uow, export_id))


@operation("GET", "/exports/{export_id}/file", "readExport", errors=(Conflict,), media_type="text/csv")
async def read_export(request: Request, actor: Actor, export_id: Id) -> str:
    """The file, of the format that was asked for."""
    return await background.download(request, actor, export_id)  # type: ignore[return-value]  # sent as it is


ROUTES = routes_of(__name__)
