"""What a file would become: its first rows, what its columns may mean, and the contacts that makes, before anything is stored."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from callcenter.actor import Actor, Role
from callcenter.contacts import import_files, import_known, import_mapping, import_staging
from callcenter.contacts.batches import in_thread, open_source
from callcenter.contacts.import_files import Table
from callcenter.contacts.import_known import Known
from callcenter.contacts.import_mapping import Mapping
from callcenter.contacts.import_models import ImportMapping
from callcenter.contacts.seen_numbers import SeenNumbers
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Invalid

SHOWN = 20
_SAMPLE = 50


@dataclass(frozen=True, slots=True)
class Look:
    """A file looked at: `rows` as they stand there, `results` as they would be (import_staging's rows); `problem`: of all."""

    table: Table
    fields: list[str]
    mapping: Mapping
    rows: list[tuple[int, list[str], str]]
    custom: dict[str, str]
    remembered: bool = False
    results: list[dict[str, Any]] = field(default_factory=list)
    problem: Invalid | None = None


async def look(database: Database, actor: Actor, source: Path | bytes, mapping: Mapping) -> Look:
    """Look at the beginning of a file (supervisors). Without columns in the mapping they are remembered, or guessed.

    Raises Invalid when the file cannot be read at all; what is wrong with the columns is the look's `problem`.
    """
    actor.require(Role.SUPERVISOR)
    with closing(open_source(source)) as opened:
        table = await in_thread(partial(import_files.open_table, opened, mapping))
        rows = await in_thread(partial(table.beginning, _SAMPLE))
    async with database.reading(actor) as uow:
        known = await import_known.read(uow, mapping)
        kept = await remembered(uow, table.header) if mapping.columns is None else None
    custom = {key: each.name for key, each in known.custom.items()}
    chosen = mapping
    if kept is not None:
        chosen = kept.model_copy(update={"encoding": mapping.encoding, "delimiter": mapping.delimiter, "sheet": mapping.sheet})
        if chosen.words == "add" and not actor.may(Role.ADMINISTRATOR):
            chosen = chosen.model_copy(update={"words": "empty"})
    fields = chosen.columns or _guessed(table, rows, known, mapping.region or database.settings.region)
    chosen = chosen.model_copy(update={"columns": fields})
    found = Look(table, fields, chosen, rows[:SHOWN], custom, remembered=kept is not None)
    return await _tried(database, actor, found, known)


def _guessed(table: Table, rows: list[tuple[int, list[str], str]], known: Known, region: str) -> list[str]:
    return table.fields or import_mapping.guess(table.header, [cells for _, cells, _ in rows], known.headings, region)


async def _tried(database: Database, actor: Actor, found: Look, known: Known) -> Look:
    """Try the mapping on the rows that are shown."""
    region = found.mapping.region or database.settings.region
    try:
        import_mapping.check_columns(found.fields, found.table.header)
    except Invalid as error:
        return Look(found.table, found.fields, found.mapping, found.rows, found.custom, found.remembered, [], error)
    plan = import_staging.Plan(found.table, found.fields, found.mapping, known, region)
    with SeenNumbers() as seen:
        read: Callable[[], list[dict[str, Any]]] = partial(
            import_staging.read_batch, iter(found.rows), plan.reader, seen, len(found.rows)
        )
        results = await in_thread(read)
    async with database.reading(actor) as uow:
        await import_staging.compare(uow, results, found.mapping, known.types)
    return Look(found.table, found.fields, found.mapping, found.rows, found.custom, found.remembered, results)


async def remembered(uow: UnitOfWork, header: list[str]) -> Mapping | None:
    """Return what columns of these names meant last time, None when nobody said."""
    found = await uow.session.scalar(select(ImportMapping).where(ImportMapping.headings == import_mapping.mark(header)))
    mapping = Mapping.model_validate(found.mapping) if found else None
    return mapping if mapping and mapping.columns and len(mapping.columns) == len(header) else None


async def remember(uow: UnitOfWork, header: list[str], mapping: Mapping) -> None:
    """Keep what columns of these names mean, for the next file (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    key, kept = import_mapping.mark(header), mapping.model_dump(exclude={"sheet", "encoding"})
    found = await uow.session.get(ImportMapping, key)
    if found is None:
        uow.session.add(ImportMapping(headings=key, mapping=kept, updated_at=uow.now))
    else:
        found.mapping, found.updated_at = kept, uow.now
