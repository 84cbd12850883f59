"""Where leads come from: a file that is kept until it is read, or the contacts that fit a filter now."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, BinaryIO, Protocol

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from callcenter.actor import Actor
from callcenter.campaigns import lead_columns
from callcenter.campaigns.lead_columns import ColumnMeaning, LeadMapping
from callcenter.campaigns.lead_models import LeadImport
from callcenter.campaigns.lead_rows import Reader, Row
from callcenter.campaigns.models import Campaign
from callcenter.contacts import import_files, numbers, queries
from callcenter.contacts.batches import in_thread
from callcenter.contacts.filters import ContactFilter
from callcenter.contacts.import_files import Table
from callcenter.contacts.import_mapping import Mapping
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import visible_to
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Invalid, NotFound
from callcenter.files import service as files
from callcenter.projects.dialling import Rules
from callcenter.projects.models import Project, ProjectNumber
from callcenter.trunks.models import Trunk

SHOWN = 20
_SAMPLE = 50


class Source(Protocol):
    """Gives rows after a place, so many at a time; none: that was all."""

    async def rows(self, size: int) -> list[Row]:
        """Return the next rows."""
        ...

    async def count(self) -> int:
        """Return how many rows there are in all."""
        ...


async def reader(uow: UnitOfWork, campaign: Campaign, mapping: LeadMapping) -> Reader:
    """Return what checks the rows of a campaign: its project's rules, our own numbers."""
    project = await uow.session.get(Project, campaign.project_id)
    if project is None:
        raise NotFound("There is no such project.")
    rules = Rules(
        region=project.region,
        by_hand=False,
        allow_premium=project.allow_premium,
        foreign_countries=frozenset(project.foreign_countries),
    )
    own = set(await uow.session.scalars(select(ProjectNumber.number)))
    for caller_ids in await uow.session.scalars(select(Trunk.caller_ids)):
        own |= set(caller_ids)
    if campaign.caller_id:
        own.add(campaign.caller_id)
    parsed = {numbers.parse(each, project.region).e164 for each in own}
    return Reader(rules, mapping.region or project.region, {each for each in parsed if each}, mapping)


@asynccontextmanager
async def opened(database: Database, file_id: int | None) -> AsyncIterator[BinaryIO]:
    """Open a kept file; raises NotFound when it is kept no more."""
    with tempfile.TemporaryFile() as source:
        size = 0
        if file_id is not None:
            async for part in files.content(database, file_id):
                size += await asyncio.to_thread(source.write, part)
        if not size:
            raise NotFound("The file is not kept any more. Upload it again.")
        yield source


async def digest(database: Database, file_id: int) -> str:
    """Return the SHA-256 of a kept file."""
    found = hashlib.sha256()
    async for part in files.content(database, file_id):
        found.update(part)
    return found.hexdigest()


def open_table(source: BinaryIO, mapping: LeadMapping) -> Table:
    """Return a file as a table; raises Invalid for what is none, or a card of contacts. For a thread."""
    written = Mapping(encoding=mapping.encoding, delimiter=mapping.delimiter, sheet=mapping.sheet)
    table = import_files.open_table(source, written)
    if table.format == "vcard":
        raise Invalid("These are contact cards. Import them as contacts, then add the contacts by a filter.", field="file")
    return table


class FileSource:
    """The rows of a table after a line."""

    def __init__(self, table: Table, reader: Reader, after: int) -> None:
        self._table = table
        self._reader = reader
        self._read = table.rows()
        self._after = after

    async def rows(self, size: int) -> list[Row]:
        """Return the next rows, read and checked in a thread."""
        return await in_thread(partial(self._next, size))

    def _next(self, size: int) -> list[Row]:
        wanted: Iterator[tuple[int, list[str], str]] = (each for each in self._read if each[0] > self._after)
        return [self._reader.row(*each) for each in islice(wanted, size)]

    async def count(self) -> int:
        """Count the rows, in a thread."""
        return await in_thread(self._count)

    def _count(self) -> int:
        with closing(self._table.rows()) as rows:
            return sum(1 for _ in rows)

    def close(self) -> None:
        """Let go of the file."""
        self._read.close()


class ContactSource:
    """The contacts that fit a filter as it is opened, after one of them; only those the actor may see."""

    def __init__(self, database: Database, actor: Actor, reader: Reader, ids: list[int], after: int) -> None:
        self._database, self._actor, self._reader = database, actor, reader
        self._left = [each for each in ids if each > after]
        self._total = len(ids)

    @classmethod
    async def open(cls, database: Database, actor: Actor, reader: Reader, into: LeadImport) -> "ContactSource":
        """Find the contacts."""
        given = dict(into.filter or {})
        query, chosen = str(given.pop("q", "")), given.pop("ids", None)
        async with database.reading(actor) as uow:
            ids = await queries.matching(uow, q=query, wanted=ContactFilter.model_validate(given), among=chosen)
        return cls(database, actor, reader, ids, into.cursor)

    async def count(self) -> int:
        """Return how many fit."""
        return self._total

    async def rows(self, size: int) -> list[Row]:
        """Return the next contacts as rows."""
        while self._left:
            ids, self._left = self._left[:size], self._left[size:]
            query = visible_to(self._actor).where(Contact.id.in_(ids)).order_by(Contact.id)
            query = query.options(
                selectinload(Contact.numbers), selectinload(Contact.organisation), selectinload(Contact.position)
            )
            async with self._database.reading(self._actor) as uow:
                found = [self._row(each) for each in await uow.session.scalars(query)]
            if found:
                return found
        return []

    def _row(self, contact: Contact) -> Row:
        fields: dict[str, Any] = {
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            "organisation": contact.organisation.name if contact.organisation else "",
            "position": contact.position.name if contact.position else "",
            "email": contact.email,
            "city": contact.city,
        }
        name = contact.name or (contact.organisation.name if contact.organisation else "")
        voice = [each.e164 or each.raw for each in contact.numbers if "fax" not in each.type]
        return self._reader.contact(contact.id, name, {key: value for key, value in fields.items() if value}, voice)


@dataclass(frozen=True, slots=True)
class Look:
    """A file looked at: its first rows as they stand there (`sample`) and as they would be (`rows`); `problem`: of all."""

    table: Table
    columns: list[ColumnMeaning]
    keys: list[str]
    mapping: LeadMapping
    sample: list[tuple[int, list[str], str]]
    rows: list[Row] = field(default_factory=list)
    problem: Invalid | None = None


def look(source: BinaryIO, reader: Reader, mapping: LeadMapping) -> Look:
    """Look at the beginning of a file; what is wrong with the columns is the look's `problem`. Raises Invalid. For a thread."""
    table = open_table(source, mapping)
    sample = table.beginning(_SAMPLE)
    columns = mapping.columns or lead_columns.guess(table.header, [cells for _, cells, _ in sample], reader.region)
    keys = lead_columns.keys(table.header)
    chosen = mapping.model_copy(update={"columns": columns})
    try:
        lead_columns.check(columns, table.header)
    except Invalid as error:
        return Look(table, columns, keys, chosen, sample[:SHOWN], problem=error)
    able = replace(reader, mapping=chosen, columns=columns, keys=keys)
    return Look(table, columns, keys, chosen, sample[:SHOWN], [able.row(*each) for each in sample[:SHOWN]])
