"""Importing contacts from files (CSV, XLSX, vCard): staged, checked, applied in short batches, undone as a whole.

Reading goes on in a thread; every batch is a unit of work of its own (batches.py). A row and its contact are written in
one transaction: after a crash the rest is applied (import_resuming.py), none twice. A number that another contact has, or an
earlier row, is a notice and not an error: families and companies share numbers, and identification asks then (B1).
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, closing
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import delete, func, select

from callcenter.actor import Actor, Role
from callcenter.contacts import (
    csv_file,
    import_files,
    import_known,
    import_queries,
    import_staging,
    import_steps,
    import_terms,
    import_updates,
    inserting,
    rights,
)
from callcenter.contacts.batches import (
    LARGEST_BATCH,
    PAUSE_SECONDS,
    Pace,
    end_failed,
    in_thread,
    moving,
    open_source,
    taken,
)
from callcenter.contacts.import_mapping import Mapping
from callcenter.contacts.import_queries import get_import
from callcenter.contacts.import_staging import Plan
from callcenter.contacts.models import Import, ImportRow
from callcenter.contacts.rights import Action
from callcenter.contacts.seen_numbers import SeenNumbers
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.users.service import audit

Progress = Callable[[Import], None]

_WORTH_A_TRANSACTION = 20  # contacts taken away: a transaction by itself costs about as much
_AT_LEAST = 100  # rows read or contacts made, without their search terms
_TERMS_AT_LEAST, _TERMS_AT_MOST = 1000, 20_000
_WITHOUT_WRITER = 10  # times as many where nobody waits for a writer: ten statements for a hundred rows cost more than the rows
_REVERTED = 5  # contacts that are mended in one transaction: each is loaded as a whole


async def create(
    uow: UnitOfWork, file_name: str, dry_run: bool = False, mapping: Mapping | None = None, *, wait: bool = False
) -> Import:
    """Note that a file is on its way in (supervisors who may import one type of account); pass the id to run_import.

    Without a mapping its headings say all.

    `wait`: somebody will say what its columns mean (`begin`).
    """
    uow.actor.require(Role.SUPERVISOR)
    rights.require_any(uow.actor, Action.IMPORT)
    made = Import(
        file_name=Path(file_name).name[:200],
        state="mapping" if wait else "staging",
        dry_run=dry_run,
        user_id=uow.actor.user_id,
        created_at=uow.now,
        touched_at=uow.now,
        header=[],
        mapping=(mapping or Mapping()).model_dump(),
    )
    uow.session.add(made)
    await uow.session.flush()
    audit(uow, "import.started", "import", made.id, file_name=made.file_name, dry_run=dry_run)
    return made


async def begin(database: Database, actor: Actor, import_id: int, mapping: Mapping, dry_run: bool) -> Import:
    """Say what the columns of a file mean; it can be read now, or once more when it was only checked. See run_import."""
    async with database.unit_of_work(actor) as uow:
        begun = await _moving(uow, import_id, "mapping", "checked", "failed")
        if begun.applied or begun.updated:
            raise Conflict("This import is {state} now; that cannot be done.", state=begun.state)
        begun.state = "mapping"
    await _forget(database, actor, import_id, everything=True)
    async with database.unit_of_work(actor) as uow:
        begun = await _moving(uow, import_id, "mapping")
        begun.state, begun.dry_run, begun.mapping, begun.finished_at = "staging", dry_run, mapping.model_dump(), None
        begun.total = begun.accepted = begun.rejected = begun.skipped = begun.notices = 0
        begun.error, begun.error_values = "", {}
    return begun


async def run_import(
    database: Database,
    actor: Actor,
    source: Path | bytes,
    file_name: str,
    dry_run: bool = False,
    progress: Progress | None = None,
    *,
    mapping: Mapping | None = None,
    import_id: int | None = None,
) -> Import:
    """Read a file, check every row, and unless it is a dry run apply the good ones; returns the import as it ended.

    `mapping`: what its columns mean and what else was chosen; without one its headings must be ones we know.

    What is wrong with the whole file ends in state `failed` with the sentence in `error`; nothing is raised for it.
    `import_id`: of a row made with `create` before. `progress` is called after every batch.
    """
    if import_id is None:
        async with database.unit_of_work(actor) as uow:
            import_id = (await create(uow, file_name, dry_run, mapping)).id
    async with database.reading(actor) as uow:
        chosen = Mapping.model_validate((await get_import(uow, import_id)).mapping)
    try:
        with closing(open_source(source)) as opened:
            await _stage(database, actor, import_id, opened, chosen, progress)
    except CallCenterError as error:
        return await fail(database, actor, import_id, error)
    async with database.reading(actor) as uow:
        staged = await get_import(uow, import_id)
    return staged if staged.dry_run else await apply(database, actor, import_id, progress)


async def _stage(
    database: Database, actor: Actor, import_id: int, opened: BinaryIO, mapping: Mapping, progress: Progress | None
) -> None:
    """Read and check every row of the file."""
    table = await in_thread(partial(import_files.open_table, opened, mapping))
    async with database.reading(actor) as uow:
        known = await import_known.read(uow, mapping)
    plan = import_staging.plan(table, mapping, known, database.settings.region)
    async with database.unit_of_work(actor) as uow:
        (await _moving(uow, import_id, "staging")).header = table.header
    with closing(table.rows()) as read, SeenNumbers() as seen:
        await _stage_rows(database, actor, import_id, plan, partial(import_staging.read_batch, read, plan.reader, seen), progress)
    async with database.unit_of_work(actor) as uow:
        staged = await _moving(uow, import_id, "staging")
        staged.state = "checked"
        staged.finished_at = uow.now if staged.dry_run else None
        audit(uow, "import.checked", "import", import_id, accepted=staged.accepted, rejected=staged.rejected)


async def _stage_rows(
    database: Database,
    actor: Actor,
    import_id: int,
    plan: Plan,
    read_batch: Callable[[int], list[dict[str, Any]]],
    progress: Progress | None,
) -> None:
    """Store the rows that `read_batch` reads, so many at a time as it is told."""
    pace = _pace(database)
    async with aclosing(taken(database, read_batch, pace)) as batches:
        async for batch in batches:
            async with database.reading(actor) as uow:
                await inserting.plan_anew(uow)
                await import_staging.compare(uow, batch, plan.mapping, plan.known.types)
            pace.begin()
            async with database.unit_of_work(actor) as uow:
                staged = await _moving(uow, import_id, "staging")
                for name, count in import_staging.counts(batch).items():
                    setattr(staged, name, getattr(staged, name) + count)
                if staged.total > csv_file.MAXIMUM_ROWS:
                    raise Invalid("The file has more than {limit} rows. Split it.", field="file", limit=csv_file.MAXIMUM_ROWS)
                await import_steps.store_rows(uow, import_id, batch)
            pace.end()
            await pace.breathe(progress, staged)


def _pace(database: Database, at_least: int = _AT_LEAST, at_most: int = LARGEST_BATCH) -> Pace:
    return Pace(database, at_least if database.sqlite else at_least * _WITHOUT_WRITER, at_most)


async def apply(database: Database, actor: Actor, import_id: int, progress: Progress | None = None) -> Import:
    """Make contacts of the good rows of a checked import (also of a dry run), or go on where it stopped."""
    async with database.unit_of_work(actor) as uow:
        applied = await _moving(uow, import_id, "checked", "applying", "indexing")
        await import_queries.require_types(uow, import_id)
        if applied.state != "indexing":
            applied.state = "applying"
        applied.dry_run, applied.finished_at = False, None
    if applied.state == "applying":
        await _make_contacts(database, actor, import_id, progress)
    return await _index(database, actor, import_id, progress)


async def _make_contacts(database: Database, actor: Actor, import_id: int, progress: Progress | None) -> None:
    pace, line = _pace(database), 0
    while True:
        pace.begin()
        async with database.unit_of_work(actor) as uow:
            applied = await _moving(uow, import_id, "applying")
            last = await import_steps.apply_rows(uow, import_id, line, pace.size)
            if last is None:
                applied.state = "indexing"
            else:
                line = last[0]
                applied.applied += last[1]
                applied.updated += last[2]
        pace.end()
        await pace.breathe(progress, applied)
        if last is None:
            return


async def _index(database: Database, actor: Actor, import_id: int, progress: Progress | None) -> Import:
    """Let search find the new contacts."""
    with import_terms.SortedTerms() as terms:
        after = 0
        while True:
            async with database.reading(actor) as uow:
                contacts = await import_terms.contacts_after(uow, import_id, after)
            if not contacts:
                break
            after = contacts[-1][0]
            await in_thread(partial(terms.add, contacts))
        pace = _pace(database, _TERMS_AT_LEAST, _TERMS_AT_MOST)
        async with aclosing(taken(database, terms.take, pace)) as batches:
            async for some in batches:
                pace.begin()
                async with database.unit_of_work(actor) as uow:
                    indexed = await _moving(uow, import_id, "indexing")
                    await import_terms.store(uow, some)
                pace.end()
                await pace.breathe(progress, indexed)
    async with database.unit_of_work(actor) as uow:
        indexed = await _moving(uow, import_id, "indexing")
        indexed.state, indexed.finished_at = "done", uow.now
        audit(uow, "import.applied", "import", import_id, applied=indexed.applied, updated=indexed.updated)
    if progress is not None:
        progress(indexed)
    return indexed


async def undo(database: Database, actor: Actor, import_id: int, progress: Progress | None = None) -> Import:
    """Take away all that an import made, also one that is still applying.

    Contacts somebody changed since, or that have something on their timeline, stay and are counted in `kept`.
    """
    async with database.unit_of_work(actor) as uow:
        undone = await _moving(uow, import_id, "applying", "indexing", "done", "undoing")
        await import_queries.require_types(uow, import_id)
        undone.state = "undoing"
    pace = Pace(database, _WORTH_A_TRANSACTION)
    while True:
        pace.begin()
        async with database.unit_of_work(actor) as uow:
            undone = await _moving(uow, import_id, "undoing")
            gone, kept = await import_updates.revert(uow, import_id, _REVERTED), 0
            if not gone:
                gone, kept = await import_steps.remove_contacts(uow, import_id, pace.size)
            if not gone + kept:
                gone = await import_steps.remove_organisations(uow, import_id, pace.size)
            undone.kept += kept
            finished = not gone + kept
            if finished:
                undone.state, undone.finished_at = "undone", uow.now
                audit(uow, "import.undone", "import", import_id, kept=undone.kept)
        pace.end()
        await pace.breathe(progress, undone)
        if finished:
            await _forget(database, actor, import_id)
            return undone


async def _moving(uow: UnitOfWork, import_id: int, *states: str) -> Import:
    """Return an import the actor may see for a change, as batches.moving does; raises NotPermitted as create does."""
    uow.actor.require(Role.SUPERVISOR)
    rights.require_any(uow.actor, Action.IMPORT)
    await inserting.plan_anew(uow)
    return await moving(uow, Import, import_id, states, lambda found: import_queries.may_see(uow.actor, found))


async def fail(database: Database, actor: Actor, import_id: int, why: CallCenterError) -> Import:
    """End an import whose file is no good with a sentence; what was read of it is forgotten."""
    async with database.unit_of_work(actor) as uow:
        failed = await _moving(uow, import_id, "staging")
        end_failed(uow, failed, why)
        audit(uow, "import.failed", "import", import_id, reason=str(why))
    await _forget(database, actor, import_id, everything=True)
    return failed


async def _forget(database: Database, actor: Actor, import_id: int, *, everything: bool = False) -> None:
    """Delete staged rows that nobody needs any more, in batches; rejected ones and notices stay unless `everything`."""
    async with database.reading(actor) as uow:
        last = await uow.session.scalar(select(func.max(ImportRow.line)).where(ImportRow.import_id == import_id)) or 0
    for line in range(0, last + 1, LARGEST_BATCH):
        some = delete(ImportRow).where(ImportRow.import_id == import_id, ImportRow.line.between(line, line + LARGEST_BATCH - 1))
        if not everything:
            some = some.where(ImportRow.error == "", ImportRow.notice == "")
        async with database.unit_of_work(actor) as uow:
            await uow.session.execute(some)
        await asyncio.sleep(PAUSE_SECONDS)
