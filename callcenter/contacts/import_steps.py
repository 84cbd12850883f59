"""The statements of one batch of an import: rows to contacts, and back."""

from typing import Any

from sqlalchemy import bindparam, delete, exists, insert, or_, select, update

from callcenter.contacts import rows, search
from callcenter.contacts.models import Contact, ContactTerm, ImportRow, Number, Organisation, TimelineEntry
from callcenter.db import UnitOfWork

TWICE = "An earlier row of the file has the same number."
KNOWN = "Somebody else has this number already."

# Run by the connection, not the session: a file has a million rows, and what the session does for each took most of the time.
_GOOD = (ImportRow.import_id == bindparam("of_import"), ImportRow.line > bindparam("after"), ImportRow.error == "")
_NEXT_ROWS = (
    select(ImportRow.line, ImportRow.data, ImportRow.notice)
    .where(*_GOOD, ImportRow.applied.is_(False))
    .order_by(ImportRow.line)
    .limit(bindparam("at_most"))
)
_STORE_ROWS = insert(ImportRow)
_ROWS_DONE = delete(ImportRow).where(*_GOOD, ImportRow.line <= bindparam("last"), ImportRow.notice == "")
_ROWS_NOTICED = update(ImportRow).where(*_GOOD, ImportRow.line <= bindparam("last")).values(applied=True)
_NAMED = (
    select(Organisation.folded, Organisation.id)
    .where(Organisation.folded.in_(bindparam("names", expanding=True)))
    .order_by(Organisation.id.desc())
)
_MAKE_ORGANISATIONS = insert(Organisation).returning(Organisation.folded, Organisation.id)
_MAKE_CONTACTS = insert(Contact).returning(Contact.id, sort_by_parameter_order=True)
_MAKE_NUMBERS = insert(Number)
_MAKE_TERMS = insert(ContactTerm)

_PLAIN = ("first_name", "last_name", "position", "email", "note", "sort_name", "folded")


async def store_rows(uow: UnitOfWork, import_id: int, batch: list[dict[str, Any]]) -> None:
    """Store rows of the file as they were read."""
    connection = await uow.session.connection()
    await connection.execute(_STORE_ROWS, [{**each, "import_id": import_id, "applied": False} for each in batch])


async def apply_rows(uow: UnitOfWork, import_id: int, after_line: int, size: int) -> tuple[int, int] | None:
    """Make contacts of the next rows; returns (last line, how many), None when there is no row left.

    Their rows go with the same transaction, but for those with a notice, which people may look at.
    """
    connection = await uow.session.connection()
    left = {"of_import": import_id, "after": after_line}
    staged = (await connection.execute(_NEXT_ROWS, left | {"at_most": size})).all()
    if not staged:
        return None
    data = [row.data for row in staged]
    organisations = await _organisations(uow, import_id, data)
    same = {"created_at": uow.now, "updated_at": uow.now, "version": 1, "import_id": import_id}
    stored = [
        {name: each[name] for name in _PLAIN} | {"organisation_id": organisations.get(each["organisation_folded"])} | same
        for each in data
    ]
    ids = (await connection.execute(_MAKE_CONTACTS, stored)).scalars().all()
    owned = list(zip(ids, data, strict=True))
    numbers = [{**number, "contact_id": contact_id} for contact_id, each in owned for number in each["numbers"]]
    terms = sorted((term, at) for at, each in owned for term in search.terms(each["sort_name"], each["folded"]))
    if numbers:
        await connection.execute(_MAKE_NUMBERS, numbers)
    await connection.execute(_MAKE_TERMS, [{"term": term, "contact_id": contact_id} for term, contact_id in terms])
    last = staged[-1].line
    await connection.execute(_ROWS_DONE, left | {"last": last})
    if any(row.notice for row in staged):
        await connection.execute(_ROWS_NOTICED, left | {"last": last})
    return last, len(staged)


async def _organisations(uow: UnitOfWork, import_id: int, data: list[dict[str, Any]]) -> dict[str, int]:
    """Return the ids of the organisations the rows name, made where there are none."""
    names = {each["organisation_folded"]: each["organisation"] for each in reversed(data) if each["organisation_folded"]}
    if not names:
        return {}
    connection = await uow.session.connection()
    found: dict[str, int] = {row.folded: row.id for row in await connection.execute(_NAMED, {"names": list(names)})}
    missing = [
        {"name": name, "folded": folded, "created_at": uow.now, "import_id": import_id}
        for folded, name in names.items()
        if folded not in found
    ]
    if missing:
        found |= {row.folded: row.id for row in await connection.execute(_MAKE_ORGANISATIONS, missing)}
    return found


async def remove_contacts(uow: UnitOfWork, import_id: int, size: int) -> tuple[int, int]:
    """Delete the next contacts of an import; returns (deleted, kept because people had worked with them)."""
    lived = or_(Contact.version > 1, exists().where(TimelineEntry.contact_id == Contact.id))
    query = select(Contact.id, Contact.sort_name, Contact.folded, lived.label("lived")).where(Contact.import_id == import_id)
    if not uow.database.sqlite:
        query = query.with_for_update(of=Contact)
    found = (await uow.session.execute(query.order_by(Contact.id).limit(size))).all()
    kept = [row.id for row in found if row.lived]
    gone = [row for row in found if not row.lived]
    if kept:
        await uow.session.execute(update(Contact).where(Contact.id.in_(kept)).values(import_id=None))
    await rows.drop_terms(uow, [(term, row.id) for row in gone for term in search.terms(row.sort_name, row.folded)])
    if gone:
        await uow.session.execute(delete(Contact).where(Contact.id.in_([row.id for row in gone])))
    return len(gone), len(kept)


async def remove_organisations(uow: UnitOfWork, import_id: int, size: int) -> int:
    """Delete organisations the import made that nobody uses; the others become ordinary ones. Returns how many it saw."""
    used = or_(
        exists().where(Contact.organisation_id == Organisation.id),
        exists().where(Number.organisation_id == Organisation.id),
        exists().where(TimelineEntry.organisation_id == Organisation.id),
    )
    query = select(Organisation.id, used.label("used")).where(Organisation.import_id == import_id).limit(size)
    found = (await uow.session.execute(query)).all()
    kept = [row.id for row in found if row.used]
    gone = [row.id for row in found if not row.used]
    if kept:
        await uow.session.execute(update(Organisation).where(Organisation.id.in_(kept)).values(import_id=None))
    if gone:
        await uow.session.execute(delete(Organisation).where(Organisation.id.in_(gone)))
    return len(found)
