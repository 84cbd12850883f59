"""Importing contacts from CSV: staged, checked, applied in short batches, undone as a whole.

Reading goes on in a thread; every batch is a unit of work of its own (batches.py). A row and its contact are written in
one transaction: after a crash the rest is applied by `resume_all`, none twice. A number that another contact has, or an
earlier row, is a notice and not an error: families and companies share numbers, and identification asks then (B1).
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from sqlalchemy import delete, func, select

from callcenter.actor import SYSTEM, Actor, Role
from callcenter.contacts import csv_file, import_rows, import_steps, text
from callcenter.contacts.batches import ABANDONED, LARGEST_BATCH, PAUSE_SECONDS, Pace, end_failed, in_thread, moving, open_source
from callcenter.contacts.csv_file import Layout
from callcenter.contacts.import_queries import get_import
from callcenter.contacts.models import Import, ImportRow, Number
from callcenter.contacts.seen_numbers import SeenNumbers
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Invalid, Unavailable
from callcenter.users.service import audit

log = structlog.get_logger(__name__)

Progress = Callable[[Import], None]

_WORTH_A_TRANSACTION = 20  # contacts: a transaction by itself costs about as much


async def create(uow: UnitOfWork, file_name: str, dry_run: bool = False) -> Import:
    """Note that a file is on its way in (supervisors); pass the id to run_import."""
    uow.actor.require(Role.SUPERVISOR)
    made = Import(
        file_name=Path(file_name).name[:200],
        state="staging",
        dry_run=dry_run,
        user_id=uow.actor.user_id,
        created_at=uow.now,
        touched_at=uow.now,
        header=[],
    )
    uow.session.add(made)
    await uow.session.flush()
    audit(uow, "import.started", "import", made.id, file_name=made.file_name, dry_run=dry_run)
    return made


async def run_import(
    database: Database,
    actor: Actor,
    source: Path | bytes,
    file_name: str,
    dry_run: bool = False,
    progress: Progress | None = None,
    *,
    region: str = "PL",
    import_id: int | None = None,
) -> Import:
    """Read a file, check every row, and unless it is a dry run apply the good ones; returns the import as it ended.

    What is wrong with the whole file ends in state `failed` with the sentence in `error`; nothing is raised for it.
    `import_id`: of a row made with `create` before. `progress` is called after every batch.
    """
    if import_id is None:
        async with database.unit_of_work(actor) as uow:
            import_id = (await create(uow, file_name, dry_run)).id
    try:
        with closing(open_source(source)) as opened:
            await _stage(database, actor, import_id, opened, region, progress)
    except CallCenterError as error:
        return await _fail(database, actor, import_id, error)
    async with database.reading(actor) as uow:
        staged = await get_import(uow, import_id)
    return staged if staged.dry_run else await apply(database, actor, import_id, progress)


async def _stage(
    database: Database, actor: Actor, import_id: int, opened: BinaryIO, region: str, progress: Progress | None
) -> None:
    """Read and check every row of the file."""
    layout = await in_thread(partial(csv_file.read_layout, opened))
    async with database.unit_of_work(actor) as uow:
        (await _moving(uow, import_id, "staging")).header = layout.header
    with closing(csv_file.read_rows(opened, layout)) as read, SeenNumbers() as seen:
        await _stage_rows(database, actor, import_id, partial(_read_batch, read, layout, region, seen), progress)
    async with database.unit_of_work(actor) as uow:
        staged = await _moving(uow, import_id, "staging")
        staged.state = "checked"
        staged.finished_at = uow.now if staged.dry_run else None
        audit(uow, "import.checked", "import", import_id, accepted=staged.accepted, rejected=staged.rejected)


async def _stage_rows(
    database: Database,
    actor: Actor,
    import_id: int,
    read_batch: Callable[[int], list[dict[str, Any]]],
    progress: Progress | None,
) -> None:
    """Store the rows that `read_batch` reads, so many at a time as it is told."""
    pace = Pace(database, _WORTH_A_TRANSACTION)
    while True:
        pace.begin()
        batch = await in_thread(partial(read_batch, pace.size))
        if not batch:
            return
        async with database.reading(actor) as uow:
            await _note_known_numbers(uow, batch)
        async with database.unit_of_work(actor) as uow:
            staged = await _moving(uow, import_id, "staging")
            staged.total += len(batch)
            staged.rejected += sum(bool(each["error"]) for each in batch)
            staged.accepted += sum(not each["error"] for each in batch)
            staged.notices += sum(bool(each["notice"]) for each in batch)
            if staged.total > csv_file.MAXIMUM_ROWS:
                raise Invalid("The file has more than {limit} rows. Split it.", field="file", limit=csv_file.MAXIMUM_ROWS)
            await import_steps.store_rows(uow, import_id, batch)
        pace.end()
        await pace.breathe(progress, staged)


def _read_batch(
    read: Iterator[tuple[int, list[str], str]], layout: Layout, region: str, seen: SeenNumbers, size: int
) -> list[dict[str, Any]]:
    """Read up to `size` rows; `seen` holds each E.164 number of the file with its first line."""
    batch: list[dict[str, Any]] = []
    for line, cells, unreadable in islice(read, size):
        row: dict[str, Any] = {"line": line, "data": {"cells": cells}, "error": unreadable, "error_values": {}, "notice": ""}
        if not unreadable:
            try:
                row["data"] = import_rows.read_row(layout, cells, region)
            except Invalid as error:
                row["error"] = error.sentence
                row["error_values"] = {name: text.clean(str(value)) for name, value in error.values.items()}
                row["data"] = {"cells": [text.clean_lines(cell) for cell in cells]}
        for number in row["data"].get("numbers", ()):
            if number["e164"] and seen.first_line(int(number["e164"]), line) != line:
                row["notice"] = import_steps.TWICE
        batch.append(row)
    return batch


async def _note_known_numbers(uow: UnitOfWork, batch: list[dict[str, Any]]) -> None:
    """Note on rows whose number a contact or organisation has already."""
    wanted = {number["e164"] for row in batch for number in row["data"].get("numbers", ()) if number["e164"]}
    known = set(await uow.session.scalars(select(Number.e164).where(Number.e164.in_(wanted)))) if wanted else set()
    for row in batch:
        if any(number["e164"] in known for number in row["data"].get("numbers", ())):
            row["notice"] = import_steps.KNOWN


async def apply(database: Database, actor: Actor, import_id: int, progress: Progress | None = None) -> Import:
    """Make contacts of the good rows of a checked import (also of a dry run), or go on where it stopped."""
    async with database.unit_of_work(actor) as uow:
        applied = await _moving(uow, import_id, "checked", "applying")
        applied.state, applied.dry_run, applied.finished_at = "applying", False, None
    pace, line = Pace(database, _WORTH_A_TRANSACTION), 0
    while True:
        pace.begin()
        async with database.unit_of_work(actor) as uow:
            applied = await _moving(uow, import_id, "applying")
            last = await import_steps.apply_rows(uow, import_id, line, pace.size)
            if last is None:
                applied.state, applied.finished_at = "done", uow.now
                audit(uow, "import.applied", "import", import_id, applied=applied.applied)
            else:
                line = last[0]
                applied.applied += last[1]
        pace.end()
        await pace.breathe(progress, applied)
        if last is None:
            return applied


async def undo(database: Database, actor: Actor, import_id: int, progress: Progress | None = None) -> Import:
    """Take away all that an import made, also one that is still applying.

    Contacts somebody changed since, or that have something on their timeline, stay and are counted in `kept`.
    """
    async with database.unit_of_work(actor) as uow:
        undone = await _moving(uow, import_id, "applying", "done", "undoing")
        undone.state = "undoing"
    pace = Pace(database, _WORTH_A_TRANSACTION)
    while True:
        pace.begin()
        async with database.unit_of_work(actor) as uow:
            undone = await _moving(uow, import_id, "undoing")
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


async def resume_all(database: Database) -> list[Import]:
    """Take up imports whose process is gone; call it at start and every minute. Half-read files end as failed."""
    async with database.reading() as uow:
        moving = Import.state.in_(["staging", "checked", "applying", "undoing"])
        left = list(await uow.session.scalars(select(Import).where(moving, Import.touched_at < uow.now - ABANDONED)))
    ended: list[Import] = []
    for each in left:
        log.info("import.resumed", import_id=each.id, state=each.state)
        if each.state == "staging":
            ended.append(
                await _fail(database, SYSTEM, each.id, Unavailable("Reading the file was interrupted. Import it again."))
            )
        elif each.state == "undoing":
            ended.append(await undo(database, SYSTEM, each.id))
        elif each.state == "applying" or not each.dry_run:
            ended.append(await apply(database, SYSTEM, each.id))
    return ended


async def _moving(uow: UnitOfWork, import_id: int, *states: str) -> Import:
    """Return the import for a change, as batches.moving does (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    return await moving(uow, Import, import_id, states)


async def _fail(database: Database, actor: Actor, import_id: int, why: CallCenterError) -> Import:
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
