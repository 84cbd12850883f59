"""Importing phone meetings from CSV: every row read and checked, then the good ones planned in short batches.

As with contacts (contacts/imports.py) reading goes on in a thread and every batch is a unit of work of its own, so that calls
get their turn. A row and its meeting are written in one transaction, with the import locked: after a crash the rest is
planned by `resume_all`, none twice, whoever else is at it. Each row is planned by the rules of service.plan for the person
who imports. A file that was imported before (by its digest) is checked, and then waits until somebody wants it once more.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import structlog
from sqlalchemy import func, insert, or_, select

from callcenter.actor import SYSTEM, Actor, Role
from callcenter.contacts import csv_file
from callcenter.contacts.batches import ABANDONED, Pace, end_failed, in_thread, moving, open_source
from callcenter.contacts.csv_file import Layout
from callcenter.contacts.visibility import sees_all
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Invalid, NotFound, NotPermitted, Unavailable
from callcenter.meetings import import_cells, import_steps, import_undo
from callcenter.meetings.import_names import Names
from callcenter.meetings.models import MeetingImport, MeetingImportRow
from callcenter.users.models import User
from callcenter.users.service import actor_of, audit

log = structlog.get_logger(__name__)

Progress = Callable[[MeetingImport], None]
Read = Generator[tuple[int, list[str], str]]

MAXIMUM_ROWS = 100_000
_CHUNK = 1 << 20
_READ_AT_ONCE = 50


def digest_of(source: BinaryIO) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    found = hashlib.sha256()
    source.seek(0)
    while chunk := source.read(_CHUNK):
        found.update(chunk)
    return found.hexdigest()


async def create(uow: UnitOfWork, file_name: str, digest: str, dry_run: bool = False) -> MeetingImport:
    """Note that a file is on its way in; pass the id to run_import. `same_as_id` tells whether it came before."""
    uow.actor.require(Role.CONSULTANT)
    if not uow.database.sqlite:  # of one file sent twice at once the second must see the first
        await uow.session.execute(select(func.pg_advisory_xact_lock(int(digest[:15], 16))))
    made = MeetingImport(
        file_name=Path(file_name).name[:200],
        state="reading",
        dry_run=dry_run,
        user_id=uow.actor.user_id,
        created_at=uow.now,
        touched_at=uow.now,
        time_zone=uow.actor.time_zone,
        digest=digest,
        same_as_id=await _earlier(uow, digest),
    )
    uow.session.add(made)
    await uow.session.flush()
    audit(uow, "meetings.import_started", "meeting_import", made.id, file_name=made.file_name, dry_run=dry_run)
    return made


async def _earlier(uow: UnitOfWork, digest: str) -> int | None:
    """Return the latest import of the same file that planned, or is about to plan, meetings."""
    same = (MeetingImport.digest == digest, MeetingImport.dry_run.is_(False), MeetingImport.state.not_in(["failed", "undone"]))
    some = or_(MeetingImport.state != "done", MeetingImport.planned > 0)
    return await uow.session.scalar(select(MeetingImport.id).where(*same, some).order_by(MeetingImport.id.desc()).limit(1))


async def run_import(
    database: Database,
    actor: Actor,
    source: Path | bytes,
    file_name: str,
    dry_run: bool = False,
    progress: Progress | None = None,
    *,
    import_id: int | None = None,
) -> MeetingImport:
    """Read a file, check every row, and plan the good ones; returns the import as it ended.

    A dry run, and a file that was imported before whose meetings do not all stand, end in state `checked`: `plan` goes on with
    them. What is wrong with the whole file ends in `failed` with the sentence in `error`. `import_id`: of one made with `create`.
    """
    with closing(open_source(source)) as opened:
        if import_id is None:
            digest = await in_thread(lambda: digest_of(opened))
            async with database.unit_of_work(actor) as uow:
                import_id = (await create(uow, file_name, digest, dry_run)).id
        try:
            await _read(database, actor, import_id, opened, progress)
        except CallCenterError as error:
            return await _fail(database, actor, import_id, error)
    async with database.reading(actor) as uow:
        checked = await get_import(uow, import_id)
    return checked if waits(checked) else await plan(database, actor, import_id, progress)


def waits(checked: MeetingImport) -> bool:
    """Tell whether somebody must want a checked file first: a dry run, or meetings of a file that came before."""
    return checked.dry_run or bool(checked.same_as_id and checked.accepted)


async def _read(database: Database, actor: Actor, import_id: int, opened: BinaryIO, progress: Progress | None) -> None:
    layout = await in_thread(lambda: csv_file.read_layout(opened, import_cells.COLUMNS))
    async with database.unit_of_work(actor) as uow:
        (await _moving(uow, import_id, "reading")).header = layout.header
    with closing(csv_file.read_rows(opened, layout)) as read:
        await _read_rows(database, actor, import_id, layout, read, progress)
    async with database.unit_of_work(actor) as uow:
        checked = await _moving(uow, import_id, "reading")
        checked.state = "checked"
        checked.finished_at = uow.now if waits(checked) else None
        counts = {"accepted": checked.accepted, "already": checked.already, "rejected": checked.rejected}
        audit(uow, "meetings.import_checked", "meeting_import", import_id, **counts)


async def _read_rows(
    database: Database, actor: Actor, import_id: int, layout: Layout, read: Read, progress: Progress | None
) -> None:
    pace, names = Pace(database, at_most=_READ_AT_ONCE), Names()
    while True:
        batch = await in_thread(lambda: list(islice(read, pace.size)))
        if not batch:
            return
        async with database.reading(actor) as uow:
            rows = await import_steps.check_rows(uow, import_id, names, layout, batch)
        pace.begin()  # checking goes on in threads and holds nothing
        async with database.unit_of_work(actor) as uow:
            moved = await _moving(uow, import_id, "reading")
            states = Counter(row["state"] for row in rows)
            moved.total += len(rows)
            moved.accepted += states["good"]
            moved.already += states["already"]
            moved.rejected += states["rejected"]
            if moved.total > MAXIMUM_ROWS:
                raise Invalid("The file has more than {limit} rows. Split it.", field="file", limit=MAXIMUM_ROWS)
            await uow.session.execute(insert(MeetingImportRow), [{**row, "import_id": import_id} for row in rows])
        pace.end()
        await pace.breathe(progress, moved)


async def plan(database: Database, actor: Actor, import_id: int, progress: Progress | None = None) -> MeetingImport:
    """Plan the meetings of the good rows of a checked import (also of a dry run, and once more), or go on where it stopped.

    A row that was good when it was read and is no longer (the contact is gone, the time is over) is rejected then.
    """
    async with database.unit_of_work(actor) as uow:
        moved = await _moving(uow, import_id, "checked", "planning")
        moved.state, moved.dry_run, moved.finished_at = "planning", False, None
    pace = Pace(database)
    while True:
        pace.begin()
        async with database.unit_of_work(actor) as uow:
            moved = await _moving(uow, import_id, "planning")
            planned, already, rejected = await import_steps.plan_rows(uow, import_id, pace.size)
            moved.planned += planned
            moved.accepted -= already + rejected
            moved.already += already
            moved.rejected += rejected
            if not planned + already + rejected:
                moved.state, moved.finished_at = "done", uow.now
                counts = {"planned": moved.planned, "already": moved.already, "rejected": moved.rejected}
                audit(uow, "meetings.import_planned", "meeting_import", import_id, **counts)
                await import_steps.tell_consultants(uow, import_id)
        pace.end()
        await pace.breathe(progress, moved)
        if moved.state == "done":
            return moved


async def undo(database: Database, actor: Actor, import_id: int, progress: Progress | None = None) -> MeetingImport:
    """Take back what an import planned, also one that is still planning, in short batches; or go on where it stopped.

    Meetings that were not begun are cancelled; those that were dialled, or are over, stay and are counted in `kept`.
    """
    async with database.unit_of_work(actor) as uow:
        moved = await _moving(uow, import_id, "planning", "done", "undoing")
        moved.state, moved.finished_at = "undoing", None
    pace = Pace(database)
    while True:
        pace.begin()
        async with database.unit_of_work(actor) as uow:
            moved = await _moving(uow, import_id, "undoing")
            taken = await import_undo.cancel_rows(uow, import_id, pace.size)
            if taken is not None:
                moved.undone += taken[0]
                moved.kept += taken[1]
            else:
                moved.state, moved.finished_at = "undone", uow.now
                audit(uow, "meetings.import_undone", "meeting_import", import_id, undone=moved.undone, kept=moved.kept)
                await import_undo.tell_consultants(uow, import_id)
                await import_steps.forget(uow, import_id)
        pace.end()
        await pace.breathe(progress, moved)
        if moved.state == "undone":
            return moved


async def resume_all(database: Database) -> list[MeetingImport]:
    """Take up imports whose process is gone; call it at start and every minute. Half-read files end as failed."""
    async with database.reading() as uow:
        moving = MeetingImport.state.in_(["reading", "checked", "planning", "undoing"])
        query = select(MeetingImport, User).outerjoin(User, User.id == MeetingImport.user_id)
        left = (await uow.session.execute(query.where(moving, MeetingImport.touched_at < uow.now - ABANDONED))).all()
    ended: list[MeetingImport] = []
    for each, user in left:
        if each.state == "checked" and waits(each):
            continue
        log.info("meeting_import.resumed", import_id=each.id, state=each.state)
        if each.state == "reading":
            interrupted = Unavailable("Reading the file was interrupted. Import it again.")
            ended.append(await _fail(database, SYSTEM, each.id, interrupted))
        elif each.state == "undoing":
            ended.append(await undo(database, SYSTEM if user is None else _planner(user, each), each.id))
        elif user is not None and user.disabled_at is not None:
            gone = NotPermitted("{name} was deactivated; the rest of the file is not planned.", name=user.name)
            ended.append(await _fail(database, SYSTEM, each.id, gone))
        else:
            ended.append(await plan(database, SYSTEM if user is None else _planner(user, each), each.id))
    return ended


def _planner(user: User, moved: MeetingImport) -> Actor:
    """Return whoever imported the file, in the zone they did it in."""
    found = actor_of(user)
    return replace(found, time_zone=moved.time_zone)


def _sees_others(actor: Actor) -> bool:
    """Tell whether somebody sees files others planned from: supervisors who see all accounts, since any may be in one. Pure."""
    return actor.may(Role.SUPERVISOR) and sees_all(actor)


async def list_imports(uow: UnitOfWork, limit: int = 50) -> list[MeetingImport]:
    """Return the latest imports, newest first: one's own, of everybody for supervisors."""
    query = select(MeetingImport).order_by(MeetingImport.id.desc()).limit(max(1, min(limit, 200)))
    if not _sees_others(uow.actor):
        query = query.where(MeetingImport.user_id == uow.actor.id)
    return list(await uow.session.scalars(query))


async def get_import(uow: UnitOfWork, import_id: int) -> MeetingImport:
    """Return an import: one's own, any for supervisors."""
    found = await uow.session.get(MeetingImport, import_id)
    if found is None or not (_sees_others(uow.actor) or found.user_id == uow.actor.id):
        raise NotFound("There is no such import.")
    return found


async def same_as(uow: UnitOfWork, found: MeetingImport) -> MeetingImport | None:
    """Return the import of the same file before, None when there was none; whoever may see `found` may know of it."""
    return None if found.same_as_id is None else await uow.session.get(MeetingImport, found.same_as_id)


def column_of(found: MeetingImport, field: str) -> str:
    """Return what the file's first line calls a field, "" when it has none."""
    return next((name for name in found.header if field and import_cells.COLUMNS.field(name) == field), "")


async def report(uow: UnitOfWork, import_id: int, say: import_steps.Say = import_steps.in_english) -> str:
    """Return the rejected rows as CSV text with column and reason; corrected, it can be imported as it is."""
    found = await get_import(uow, import_id)
    rows = [(column_of(found, row.field), row) for row in await import_steps.rejected_rows(uow, import_id)]
    return import_steps.report(found.header, rows, say)


async def _moving(uow: UnitOfWork, import_id: int, *states: str) -> MeetingImport:
    """Return the import for a change, as batches.moving does: one's own, any for supervisors."""
    actor = uow.actor
    return await moving(
        uow, MeetingImport, import_id, states, lambda found: _sees_others(actor) or found.user_id == actor.user_id
    )


async def _fail(database: Database, actor: Actor, import_id: int, why: CallCenterError) -> MeetingImport:
    """End an import with a sentence; meetings it planned before stay, and its good rows are no longer good for anything."""
    async with database.unit_of_work(actor) as uow:
        failed = await _moving(uow, import_id, "reading", "checked", "planning")
        end_failed(uow, failed, why)
        audit(uow, "meetings.import_failed", "meeting_import", import_id, reason=str(why))
        await import_steps.forget(uow, import_id)
    return failed
