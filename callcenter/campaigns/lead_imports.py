"""Adding leads to a campaign, from a file or from contacts, in the background: short batches, each with its progress.

A batch and the place it reached are one transaction, so that after a crash `resume_all` goes on behind it and adds none
twice; the file is kept in the database until then, for whichever process goes on.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import structlog
from sqlalchemy import delete, select

from callcenter.actor import Actor, Role
from callcenter.campaigns import lead_columns, lead_sources, lead_storing
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.campaigns.lead_models import LeadImport, LeadImportRow
from callcenter.campaigns.lead_rows import Reader
from callcenter.campaigns.lead_sources import ContactSource, FileSource, Look, Source
from callcenter.campaigns.models import Campaign, CampaignState
from callcenter.contacts import batches, csv_file
from callcenter.contacts.batches import ABANDONED, Pace, end_failed, in_thread
from callcenter.contacts.filters import ContactFilter
from callcenter.contacts.import_resuming import WAITS
from callcenter.contacts.visibility import sees_all
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted, Unavailable
from callcenter.files import service as files
from callcenter.users.models import User
from callcenter.users.service import actor_of, audit

log = structlog.get_logger(__name__)

MAPPING, ADDING, DONE, FAILED, STOPPED = "mapping", "adding", "done", "failed", "stopped"
_LARGEST_BATCH = 1000
_EXPIRED_AT_ONCE = 1000
ROWS_KEPT = dt.timedelta(days=30)
Progress = Callable[[LeadImport], None]


async def create(uow: UnitOfWork, campaign_id: int, file_id: int, digest: str) -> LeadImport:
    """Note a file of leads (files.store; its lead_sources.digest) that waits to be told what its columns mean (supervisors)."""
    file = await files.attach(uow, file_id)
    made = await _add(uow, campaign_id, MAPPING, LeadMapping())
    made.file_id, made.file_name, made.digest = file_id, file.name, digest
    return made


async def add_contacts(
    uow: UnitOfWork, campaign_id: int, wanted: ContactFilter, q: str, mapping: LeadMapping, ids: Sequence[int] | None = None
) -> LeadImport:
    """Note that all contacts that fit now, or those of them with `ids`, are to be added (supervisors); pass the id to `run`."""
    if ids is not None and not ids:
        raise Invalid("Choose at least one contact.", field="ids")
    made = await _add(uow, campaign_id, ADDING, mapping)
    made.filter = {**wanted.model_dump(mode="json", exclude_defaults=True), "q": q}
    if ids is not None:
        made.filter |= {"ids": sorted(set(ids))}
    audit(uow, "leads.import_started", "campaign", campaign_id, import_id=made.id)
    return made


async def _add(uow: UnitOfWork, campaign_id: int, state: str, mapping: LeadMapping) -> LeadImport:
    uow.actor.require(Role.SUPERVISOR)
    await _campaign(uow, campaign_id)
    made = LeadImport(
        campaign_id=campaign_id,
        user_id=uow.actor.user_id,
        state=state,
        mapping=mapping.model_dump(),
        created_at=uow.now,
        touched_at=uow.now,
        report={},
        header=[],
        cursor=0,
        total=0,
    )
    uow.session.add(made)
    await uow.session.flush()
    return made


async def _campaign(uow: UnitOfWork, campaign_id: int) -> Campaign:
    campaign = await uow.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    if campaign.state == CampaignState.FINISHED.value:
        raise Conflict("This campaign is finished; no leads can be added to it.")
    return campaign


async def list_imports(uow: UnitOfWork, campaign_id: int, limit: int = 50) -> list[LeadImport]:
    """Return what was added to a campaign, newest first (supervisors), as far as `get_import` would return it."""
    uow.actor.require(Role.SUPERVISOR)
    query = select(LeadImport).where(LeadImport.campaign_id == campaign_id).order_by(LeadImport.id.desc())
    if not sees_all(uow.actor):
        query = query.where(LeadImport.user_id == uow.actor.user_id)
    return list(await uow.session.scalars(query.limit(limit)))


async def get_import(uow: UnitOfWork, campaign_id: int, import_id: int) -> LeadImport:
    """Return one (supervisors): one's own, or any for who sees all accounts, since a file may hold any; raises NotFound."""
    uow.actor.require(Role.SUPERVISOR)
    found = await uow.session.get(LeadImport, import_id)
    if found is None or found.campaign_id != campaign_id:
        raise NotFound("There is no such import.")
    if found.user_id != uow.actor.user_id and not sees_all(uow.actor):
        raise NotFound("There is no such import.")
    return found


async def same_file(uow: UnitOfWork, found: LeadImport) -> LeadImport | None:
    """Return an earlier import of the same file into the same campaign, if any: people are warned."""
    if not found.digest:
        return None
    query = select(LeadImport).where(LeadImport.campaign_id == found.campaign_id, LeadImport.digest == found.digest)
    query = query.where(LeadImport.id < found.id, LeadImport.state.in_([ADDING, DONE, STOPPED]))
    return await uow.session.scalar(query.order_by(LeadImport.id.desc()).limit(1))


async def look(database: Database, actor: Actor, campaign_id: int, import_id: int, mapping: LeadMapping) -> Look:
    """Look at the beginning of a file that waits. Raises NotFound when it is kept no more, Invalid when it cannot be read."""
    async with database.reading(actor) as uow:
        found = await get_import(uow, campaign_id, import_id)
        if found.state != MAPPING:
            raise Conflict("This import is {state} now; that cannot be done.", state=found.state)
        reader = await lead_sources.reader(uow, await _campaign(uow, campaign_id), mapping)
    async with lead_sources.opened(database, found.file_id) as source:
        looked = await in_thread(partial(lead_sources.look, source, reader, mapping))
    async with database.reading(actor) as uow:
        campaign = await _campaign(uow, campaign_id)
        await lead_storing.compare(uow, campaign, looked.rows, looked.mapping)
        await lead_storing.repeated(uow, campaign_id, import_id, looked.rows)
    return looked


async def begin(database: Database, actor: Actor, campaign_id: int, import_id: int, mapping: LeadMapping) -> LeadImport:
    """Say what the columns mean; then `run` adds the leads. Raises Invalid for columns that make none."""
    looked = await look(database, actor, campaign_id, import_id, mapping)
    if looked.problem is not None:
        raise looked.problem
    async with database.unit_of_work(actor) as uow:
        begun = await _moving(uow, import_id, MAPPING)
        begun.state, begun.mapping, begun.header = ADDING, looked.mapping.model_dump(), looked.table.header
        audit(uow, "leads.import_started", "campaign", campaign_id, import_id=import_id, file_name=begun.file_name)
    return begun


async def stop(uow: UnitOfWork, campaign_id: int, import_id: int) -> LeadImport:
    """Add no more of them; those that were added stay."""
    await get_import(uow, campaign_id, import_id)
    found = await _moving(uow, import_id, MAPPING, ADDING)
    found.state, found.finished_at = STOPPED, uow.now
    await _let_go(uow, found)
    audit(uow, "leads.import_stopped", "campaign", campaign_id, import_id=import_id)
    return found


async def run(database: Database, actor: Actor, import_id: int, progress: Progress | None = None) -> None:
    """Add the leads of an import that has begun, or go on where it stopped; returns when it is over, or somebody else's.

    What is wrong with the whole file ends in state `failed` with the sentence in `error`; nothing is raised for it.
    """
    try:
        async with AsyncExitStack() as held:
            async with database.reading(actor) as uow:
                into = await uow.session.get(LeadImport, import_id)
                if into is None or into.state != ADDING:
                    return
                mapping = LeadMapping.model_validate(into.mapping)
                reader = await lead_sources.reader(uow, await _campaign(uow, into.campaign_id), mapping)
            source = await _open(held, database, actor, into, reader)
            await _run(database, actor, into, source, mapping, progress)
    except CallCenterError as error:
        await _end(database, import_id, ADDING, error)


async def _open(held: AsyncExitStack, database: Database, actor: Actor, into: LeadImport, reader: Reader) -> Source:
    if into.filter is not None:
        return await ContactSource.open(database, actor, reader, into)
    file = await held.enter_async_context(lead_sources.opened(database, into.file_id))
    table = await in_thread(partial(lead_sources.open_table, file, reader.mapping))
    columns = reader.mapping.columns or []
    lead_columns.check(columns, table.header)
    able = replace(reader, columns=columns, keys=lead_columns.keys(table.header))
    found = FileSource(table, able, into.cursor)
    held.callback(found.close)
    return found


async def _run(
    database: Database, actor: Actor, into: LeadImport, source: Source, mapping: LeadMapping, progress: Progress | None
) -> None:
    if not into.total:
        total = await source.count()
        async with database.unit_of_work(actor) as uow:
            (await _moving(uow, into.id, ADDING)).total = total  # raises Conflict when somebody stopped it
        if total > csv_file.MAXIMUM_ROWS:
            raise Invalid("The file has more than {limit} rows. Split it.", field="file", limit=csv_file.MAXIMUM_ROWS)
    pace, cursor = Pace(database, at_most=_LARGEST_BATCH), into.cursor
    while True:
        rows = await source.rows(pace.size)
        async with database.reading(actor) as uow:
            campaign = await _campaign(uow, into.campaign_id)
            await lead_storing.compare(uow, campaign, rows, mapping)
        pace.begin()
        async with database.unit_of_work(actor) as uow:
            moved = await uow.session.get(LeadImport, into.id, with_for_update=True)
            if moved is None or moved.state != ADDING or moved.cursor != cursor:
                return  # somebody stopped it, or goes on with it elsewhere
            moved.touched_at = uow.now
            if rows:
                await lead_storing.store(uow, campaign, moved, rows)
                cursor = moved.cursor
            else:
                moved.state, moved.finished_at = DONE, uow.now
                await _let_go(uow, moved)
                await lead_storing.learn(uow, moved.report.get("added", 0))
                audit(uow, "leads.imported", "campaign", moved.campaign_id, import_id=moved.id, report=moved.report)
        pace.end()
        await pace.breathe(progress, moved)
        if not rows:
            return


async def _let_go(uow: UnitOfWork, found: LeadImport) -> None:
    """Delete the file: it is needed no more."""
    file_id, found.file_id = found.file_id, None
    await uow.session.flush()
    if file_id is not None:
        await files.remove(uow, file_id)


async def _moving(uow: UnitOfWork, import_id: int, *states: str) -> LeadImport:
    uow.actor.require(Role.SUPERVISOR)
    return await batches.moving(uow, LeadImport, import_id, states)


async def resume_all(database: Database) -> None:
    """Go on with what lost its process, and end what nobody said the columns of; call it at start and every minute."""
    async with database.reading() as uow:
        late = select(LeadImport, User).outerjoin(User, User.id == LeadImport.user_id)
        late = late.where(LeadImport.state == ADDING, LeadImport.touched_at < uow.now - ABANDONED)
        left = (await uow.session.execute(late)).all()
        old = select(LeadImport.id).where(LeadImport.state == MAPPING, LeadImport.touched_at < uow.now - WAITS)
        forgotten = list(await uow.session.scalars(old))
    for each, user in left:
        log.info("lead_import.resumed", import_id=each.id)
        if user is not None and user.disabled_at is None:
            await run(database, actor_of(user), each.id)
        else:
            await _end(database, each.id, ADDING, NotPermitted("{name} was deactivated.", name=user.name if user else ""))
    for import_id in forgotten:
        await _end(database, import_id, MAPPING, Unavailable("Nobody said what the columns mean. Import the file again."))


async def expire(database: Database) -> None:
    """Delete rows that were not added and their cells a month after the file was read; call it every minute."""
    async with database.reading() as uow:
        over = select(LeadImport.id).where(LeadImport.finished_at < uow.now - ROWS_KEPT)
        rows = select(LeadImportRow.import_id, LeadImportRow.line).where(LeadImportRow.import_id.in_(over))
        some = (await uow.session.execute(rows.limit(_EXPIRED_AT_ONCE))).all()
    for import_id in {row.import_id for row in some}:
        lines = [row.line for row in some if row.import_id == import_id]
        async with database.unit_of_work() as uow:
            gone = delete(LeadImportRow).where(LeadImportRow.import_id == import_id, LeadImportRow.line.in_(lines))
            await uow.session.execute(gone)


async def _end(database: Database, import_id: int, state: str, why: CallCenterError) -> None:
    """End an import with a sentence, unless somebody ended it meanwhile."""
    async with database.unit_of_work() as uow:
        found = await uow.session.get(LeadImport, import_id, with_for_update=True)
        if found is None or found.state != state:
            return
        end_failed(uow, found, why)
        await _let_go(uow, found)
        audit(uow, "leads.import_failed", "campaign", found.campaign_id, import_id=import_id, reason=str(why))
