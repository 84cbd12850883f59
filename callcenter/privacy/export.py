"""Everything known of a person, in one structure (GDPR, articles 15 and 20).

The tables are found by their foreign keys: whatever refers to the contact, and whatever refers to that. A table a later
capability adds comes by itself; LEFT_OUT says which are no data about the person, and why.
"""

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Table, Text, or_, select

from callcenter.campaigns import forgetting
from callcenter.contacts.models import Contact
from callcenter.db import Base, UnitOfWork
from callcenter.privacy.person import Person, note, person

LEFT_OUT = {
    "contact_terms": "what search needs, made of the contact's own words",
    "phone_meeting_terms": "what search needs, made of the meeting's own words",
    "ticket_terms": "what search needs, made of the ticket's own words",
    "jobs": "work that is due",
    "events": "messages to browsers, gone within the hour",
    "files": "those that belong to the person are named at the end",
    "file_parts": "files come as files",
    "import_rows": "a file somebody imported, kept until it is undone or gone",
    "lead_import_rows": "rows of files that were not added, gone after a month",
    "users": "our own people",
}
_COLUMNS_LEFT_OUT = {"folded", "sort_name", "key", "token_hash", "fence", "leased_until", "message_id", "provider_ref"}
_ROOTS = ("users", "projects", "trunks", "organisations", "dictionary_entries", "custom_fields", "imports", "dispositions")
_OTHERS = {
    ("phone_meetings", "ticket_id"),  # a meeting about their ticket may be with somebody else
    ("tickets", "call_id"),  # so may a ticket that came of their call be somebody else's
}
_MOST = 100_000  # rows of a table


async def export(uow: UnitOfWork, contact_id: int) -> dict[str, Any]:
    """Return {table: rows} of a person, times in ISO 8601; audited. `files` names the files that belong to it."""
    found = await person(uow, contact_id)
    gathered = await gather(uow, found)
    note(uow, "contact.data_exported", found, rows=sum(len(rows) for rows in gathered.values()))
    return {
        "made_at": uow.now.isoformat(),
        "contact_id": contact_id,
        "came_from": await _origin(uow, found.contact),
        "data": gathered,
    }


async def gather(uow: UnitOfWork, found: Person) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table that are about the person."""
    tables: dict[str, Table] = dict(Base.metadata.tables)
    keys: dict[str, set[Any]] = {"contacts": {found.contact_id}}
    gathered: dict[str, list[dict[str, Any]]] = {}
    waiting = [tables["contacts"]]
    while waiting:
        table = waiting.pop(0)
        rows = await _rows(uow, table, found, keys)
        if not rows or table.name in gathered:
            continue
        gathered[table.name] = [_shown(row) for row in rows]
        if (key := _single_key(table)) is not None:
            keys.setdefault(table.name, set()).update(row[key] for row in rows)
        waiting += [each for each in tables.values() if _refers(each, table) and each.name not in (*gathered, *LEFT_OUT, *_ROOTS)]
    if files := await _files(uow, tables, gathered):
        gathered["files"] = files
    return gathered


async def _files(uow: UnitOfWork, tables: dict[str, Table], gathered: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the files the gathered rows refer to: picture, attachments."""
    file = tables["files"]
    columns = {name: [key.parent.name for key in tables[name].foreign_keys if key.column.table is file] for name in gathered}
    wanted = {row[column] for name, rows in gathered.items() for column in columns[name] for row in rows if row.get(column)}
    query = select(file.c.id, file.c.name, file.c.media_type, file.c.size).where(file.c.id.in_(wanted)).order_by(file.c.id)
    return [dict(row) for row in (await uow.session.execute(query)).mappings()] if wanted else []


def _refers(table: Table, to: Table) -> bool:
    return any(key.column.table is to for key in table.foreign_keys)


def _single_key(table: Table) -> str | None:
    columns = list(table.primary_key.columns)
    return columns[0].name if len(columns) == 1 else None


async def _rows(uow: UnitOfWork, table: Table, found: Person, keys: dict[str, set[Any]]) -> list[dict[str, Any]]:
    """Return the rows that refer to what is gathered already, and those that only have a number or address of the person."""
    if table.name == "contacts":
        wanted: list[ColumnElement[bool]] = [table.c.id == found.contact_id]
    else:
        wanted = [
            key.parent.in_(keys[key.column.table.name])
            for key in sorted(table.foreign_keys, key=lambda each: each.parent.name)
            if key.column.table.name in keys and key.column.table is not table and (table.name, key.parent.name) not in _OTHERS
        ]
        if {"number", "contact_id"} <= set(table.c.keys()) and isinstance(table.c.number.type, Text) and found.numbers:
            wanted.append(table.c.contact_id.is_(None) & table.c.number.in_(found.numbers))
        if table.name == "leads":
            wanted.append(forgetting.theirs(found.contact_id, found.numbers))
        if "to_address" in table.c and found.emails:
            wanted.append(table.c.to_address.in_(found.emails))
    columns = [each for each in table.c if not isinstance(each.type, LargeBinary) and each.name not in _COLUMNS_LEFT_OUT]
    columns += [each for each in table.primary_key.columns if each.name in _COLUMNS_LEFT_OUT]
    result = await uow.session.execute(select(*columns).where(or_(*wanted)).limit(_MOST))
    return [dict(row) for row in result.mappings()]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, dt.datetime | dt.date) else value
        for name, value in row.items()
        if value not in (None, "", [], {})
    }


async def _origin(uow: UnitOfWork, contact: Contact) -> dict[str, Any]:
    """Return where the contact came from: a file, or a person, and when."""
    tables = Base.metadata.tables
    if contact.import_id is not None:
        imports = tables["imports"]
        query = select(imports.c.file_name, imports.c.created_at, imports.c.user_id).where(imports.c.id == contact.import_id)
        row = (await uow.session.execute(query)).one_or_none()
        if row is not None:
            return {"how": "file", "file": row.file_name, "at": row.created_at.isoformat(), "user_id": row.user_id}
    trail = tables["audit"]
    query = select(trail.c.at, trail.c.actor_name).where(
        trail.c.subject == "contact", trail.c.subject_id == str(contact.id), trail.c.action == "contact.created"
    )
    made = (await uow.session.execute(query.order_by(trail.c.id).limit(1))).one_or_none()
    by = {"by": made.actor_name} if made else {}
    return {"how": "person" if made else "unknown", "at": contact.created_at.isoformat(), **by}


async def origin(uow: UnitOfWork, contact: Contact) -> dict[str, Any]:
    """Return where a contact (one the actor may see) came from: {"how": file|person|unknown, "at", "file"|"by"}."""
    return await _origin(uow, contact)
