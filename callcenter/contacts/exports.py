"""Contacts out, as CSV, XLSX or vCard: what the actor may see of a list of ids or of a query, a page at a time.

Who may: supervisors, and who is an administrator of a type of account (docs/decisions/0019). `export` writes a file kept for
a day (callcenter.files), in the background where it is long; `pieces` is the same as octets, for what is sent at once.
"""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

import structlog
from sqlalchemy import Select, delete, select

from callcenter.actor import Actor, Role
from callcenter.contacts import export_rows, export_vcard, export_xlsx
from callcenter.contacts.batches import ABANDONED, in_thread
from callcenter.contacts.export_rows import Styles
from callcenter.contacts.import_models import Export
from callcenter.contacts.models import ACCOUNT_TYPES, Contact, ContactManager
from callcenter.contacts.queries import LOADED
from callcenter.contacts.rights import Extent, extent
from callcenter.contacts.service import get_contact
from callcenter.contacts.visibility import visible_to
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, NotFound, NotPermitted, Unavailable
from callcenter.files import service as files
from callcenter.users.models import User
from callcenter.users.service import audit

log = structlog.get_logger(__name__)

Format = Literal["csv", "csv-excel", "xlsx", "vcard", "vcard3"]
FORMATS: dict[str, tuple[str, str]] = {  # ending, media type
    "csv": ("csv", "text/csv; charset=utf-8"),
    "csv-excel": ("csv", "text/csv; charset=utf-8"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "vcard": ("vcf", "text/vcard; charset=utf-8"),
    "vcard3": ("vcf", "text/vcard; charset=utf-8"),
}
PAGE = 500
LARGEST = 500 << 20  # octets of a file
KEPT = dt.timedelta(days=1)
_ROLES = "accounts"  # in `wanted`: the account roles it was written with
_AT_ONCE = 1000  # contacts an export of chosen ones may name


def may_export(actor: Actor) -> bool:
    """Tell whether somebody may take contacts out: supervisors, and administrators of a type of account."""
    changes_all = any(extent(actor, each, change=True) == Extent.ALL for each in ACCOUNT_TYPES)
    return actor.may(Role.SUPERVISOR) or (actor.may(Role.CONSULTANT) and changes_all)


def require(actor: Actor) -> None:
    """Raise NotPermitted unless the actor may export."""
    if not may_export(actor):
        raise NotPermitted("Contacts are exported by supervisors and account administrators.")


Wanted = Sequence[int] | Select[Any] | None  # ids, a query of Contact (in which visible_to holds), or all


async def begin(uow: UnitOfWork, kind: Format, wanted: dict[str, Any]) -> Export:
    """Note that a file is being written; `wanted` says of what, for the audit trail."""
    require(uow.actor)
    made = Export(
        user_id=uow.actor.user_id,
        state="writing",
        format=kind,
        wanted=wanted | {_ROLES: sorted(uow.actor.accounts)},
        created_at=uow.now,
        touched_at=uow.now,
        expires_at=uow.now + KEPT,
    )
    uow.session.add(made)
    await uow.session.flush()
    audit(uow, "contacts.export", "export", made.id, format=kind, **wanted)
    return made


async def export(
    database: Database,
    actor: Actor,
    wanted: Wanted,
    columns: Sequence[str] | None = None,
    kind: Format = "csv",
    *,
    filter_said: str = "",
    export_id: int | None = None,
) -> Export:
    """Write contacts into a file kept for a day, and return what became of it (state done, or failed with the reason).

    `wanted`: contact ids, or a query of Contact without order and limit; of either only what the actor may see. `columns`:
    fields as import_mapping names them, None for all. `filter_said`: the filter as words, for the audit trail. `export_id`: of
    a row made with `begin` before.
    """
    if export_id is None:
        async with database.unit_of_work(actor) as uow:
            export_id = (await begin(uow, kind, said(wanted, columns, filter_said))).id
    count = [0]
    name = f"contacts-{export_id}.{FORMATS[kind][0]}"
    try:
        content = _counting(database, export_id, pieces(database, actor, wanted, columns, kind, count), count)
        file = await files.store(database, actor, name, content, LARGEST)
        async with database.unit_of_work(actor) as uow:
            done = await uow.session.get_one(Export, export_id)
            await files.attach(uow, file.id)
            done.file_id, done.rows, done.state, done.finished_at = file.id, count[0], "done", uow.now
            audit(uow, "contacts.exported", "export", export_id, rows=count[0])
    except CallCenterError as error:
        async with database.unit_of_work(actor) as uow:
            done = await uow.session.get_one(Export, export_id)
            done.state, done.error, done.finished_at = "failed", error.sentence, uow.now
    return done


def said(wanted: Wanted, columns: Sequence[str] | None, filter_said: str) -> dict[str, Any]:
    """Return what an export is of, as the audit trail keeps it."""
    chosen = {"ids": list(wanted)[:_AT_ONCE]} if wanted is not None and not isinstance(wanted, Select) else {}
    return chosen | {"filter": filter_said[:2000], "columns": list(columns or [])}


async def _counting(database: Database, export_id: int, content: AsyncIterator[bytes], count: list[int]) -> AsyncIterator[bytes]:
    """Pass pieces on; now and then say how far the file is."""
    last = 0
    async for piece in content:
        if count[0] - last >= PAGE * 4:
            last = count[0]
            async with database.unit_of_work() as uow:
                going = await uow.session.get_one(Export, export_id)
                going.rows, going.touched_at = last, uow.now
        yield piece


async def pieces(
    database: Database, actor: Actor, wanted: Wanted, columns: Sequence[str] | None, kind: Format, count: list[int] | None = None
) -> AsyncIterator[bytes]:
    """Yield a file of contacts, a page of them at a time, in order of their ids; `count`: how many so far, in its one item."""
    require(actor)
    count = [0] if count is None else count
    async with database.reading(actor) as uow:
        styles = await export_rows.styles(uow, columns)
    if kind == "xlsx":
        with export_xlsx.Book(styles.titles) as book:
            async for page in _pages(database, actor, wanted, styles, count):
                await in_thread(lambda page=page: book.add(page))  # type: ignore[misc]
            for part in await in_thread(book.finished):
                yield part
        return
    if kind.startswith("csv"):
        yield export_rows.csv_head(styles.titles, excel=kind == "csv-excel")
    async for page in _pages(database, actor, wanted, styles, count):
        if kind.startswith("csv"):
            yield export_rows.csv_lines(page, excel=kind == "csv-excel")
        else:
            yield export_vcard.cards(styles.fields, page, "3.0" if kind == "vcard3" else "4.0")


async def _pages(
    database: Database, actor: Actor, wanted: Wanted, styles: Styles, count: list[int]
) -> AsyncIterator[list[list[str]]]:
    after = 0
    while True:
        async with database.reading(actor) as uow:
            query = _query(actor, wanted).where(Contact.id > after).order_by(None).order_by(Contact.id).limit(PAGE)
            found = list(await uow.session.scalars(query.options(*LOADED)))
            managers = await _managers(uow, [each.id for each in found])
            page = [styles.row(each, managers.get(each.id, [])) for each in found]
        if not found:
            return
        after = found[-1].id
        count[0] += len(found)
        yield page


def _query(actor: Actor, wanted: Wanted) -> Select[Any]:
    if wanted is None:
        return visible_to(actor)
    if isinstance(wanted, Select):  # whatever it is, only what may be seen
        inner = wanted.order_by(None).with_only_columns(Contact.id)
        return visible_to(actor).where(Contact.id.in_(inner))
    return visible_to(actor).where(Contact.id.in_(list(wanted)))


async def _managers(uow: UnitOfWork, ids: list[int]) -> dict[int, list[str]]:
    query = select(ContactManager.contact_id, User.login).join(User, User.id == ContactManager.user_id)
    found: dict[int, list[str]] = {}
    for contact_id, login in await uow.session.execute(query.where(ContactManager.contact_id.in_(ids)).order_by(User.login)):
        found.setdefault(contact_id, []).append(login)
    return found


async def note_one(uow: UnitOfWork, contact_id: int, kind: Format) -> None:
    """Note that one contact is taken out; raises NotFound for one the actor may not see."""
    require(uow.actor)
    await get_contact(uow, contact_id)
    audit(uow, "contacts.exported", "contact", contact_id, format=kind, rows=1)


async def get_export(uow: UnitOfWork, export_id: int) -> Export:
    """Return one's own export; raises NotFound for anybody else's, and for one that is gone.

    One that was written with account roles one does not have any more is gone, too: accounts hidden since may be in it.
    """
    found = await uow.session.get(Export, export_id)
    if found is None or found.user_id != uow.actor.user_id or found.expires_at < uow.now or not _still(uow.actor, found):
        raise NotFound("There is no such export.")
    return found


def _still(actor: Actor, found: Export) -> bool:
    """Tell whether the actor has all account roles still that an export was written with."""
    return set(found.wanted.get(_ROLES, ())) <= actor.accounts


async def list_exports(uow: UnitOfWork, limit: int = 20) -> list[Export]:
    """Return one's own exports that are still kept, newest first."""
    own = Export.user_id == uow.actor.user_id, Export.expires_at > uow.now
    found = await uow.session.scalars(select(Export).where(*own).order_by(Export.id.desc()).limit(limit))
    return [each for each in found if _still(uow.actor, each)]


async def resume(database: Database) -> None:
    """Delete exports that are old, and end those whose process is gone; call it every minute."""
    async with database.reading() as uow:
        old = list(await uow.session.scalars(select(Export.id).where(Export.expires_at < uow.now).limit(20)))
        gone = Export.state == "writing", Export.touched_at < uow.now - ABANDONED
        left = list(await uow.session.scalars(select(Export.id).where(*gone).limit(20)))
    for export_id in old:
        async with database.unit_of_work() as uow:
            found = await uow.session.get_one(Export, export_id)
            file_id, found.file_id = found.file_id, None
            await uow.session.flush()
            if file_id is not None:
                await files.remove(uow, file_id)
            await uow.session.execute(delete(Export).where(Export.id == export_id))
    for export_id in left:
        async with database.unit_of_work() as uow:
            found = await uow.session.get_one(Export, export_id)
            why = Unavailable("Writing the file was interrupted. Export again.")
            found.state, found.error, found.finished_at = "failed", why.sentence, uow.now
