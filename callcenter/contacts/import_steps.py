"""The statements of one batch of an import: rows to contacts, and back."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, exists, func, insert, or_, select, update

from callcenter.contacts import import_pictures, import_updates, inserting, organisation_terms, rows, search, text
from callcenter.contacts.field_models import DictionaryEntry
from callcenter.contacts.many import one_of
from callcenter.contacts.models import Contact, ImportRow, Number, Organisation, TimelineEntry
from callcenter.db import UnitOfWork

TWICE = "An earlier row of the file has the same number."
TWICE_EMAIL = "An earlier row of the file has the same e-mail address."
KNOWN = "Somebody else has this number already."
KNOWN_EMAIL = "Somebody else has this e-mail address already."
KNOWN_NAME = "Somebody of this name is in the same organisation or city."
LEFT_OUT = "Left out: {why}"
NOT_YOURS = "Left out: somebody is there already whom your account roles do not let you change."
NO_PICTURE = "The picture of this card was left out."
UPDATED = "What was empty of the contact who was there already is filled in."

# Run by the connection, not the session: a file has a million rows, and what the session does for each took most of the time.
# Lines from one to another, not so many after one: PostgreSQL, which knows nothing of rows written this minute, sorted them all.
_GOOD = (
    ImportRow.import_id == bindparam("of_import"),
    ImportRow.line > bindparam("after"),
    ImportRow.line <= bindparam("last"),
    ImportRow.error == "",
)
_NEXT_ROWS = (
    select(ImportRow.line, ImportRow.data, ImportRow.notice).where(*_GOOD, ImportRow.applied.is_(False)).order_by(ImportRow.line)
)
_LAST_LINE = select(func.max(ImportRow.line)).where(ImportRow.import_id == bindparam("of_import"))
_ROWS_DONE = delete(ImportRow).where(*_GOOD, ImportRow.notice == "")
_ROWS_NOTICED = update(ImportRow).where(*_GOOD).values(applied=True)
_ROW_UPDATED = (
    update(ImportRow)
    .where(ImportRow.import_id == bindparam("of_import"), ImportRow.line == bindparam("at"))
    .values(data=bindparam("what"), notice=UPDATED, notice_values=bindparam("beside"), applied=True)
)
_NAMED = select(Organisation.folded, Organisation.id, Organisation.type).order_by(Organisation.id.desc())
_ENTRIES = select(DictionaryEntry.folded, DictionaryEntry.id).where(
    DictionaryEntry.kind == bindparam("of_kind"), DictionaryEntry.folded.in_(bindparam("names", expanding=True))
)
_MAKE_ENTRIES = insert(DictionaryEntry).returning(DictionaryEntry.folded, DictionaryEntry.id)

_CONTACT = (
    "id", *rows.PLAIN, "sort_name", "folded", "type", *(f"{kind}_id" for kind in rows.CHOSEN), "organisation_id",
    "created_at", "updated_at", "version", "import_id",
)  # fmt: skip
_ORGANISATION = (
    "id", "name", "folded", "searchable", "type", "email", "website", "address1", "address2", "postcode", "city", "province",
    "country", "note", "version", "created_at", "import_id",
)  # fmt: skip
_NUMBER = ("contact_id", "type", "raw", "digits", "e164", "last_nine")
_ROW = ("import_id", "line", "data", "error", "error_values", "notice", "notice_values", "applied")
_SLOW = 5  # rows that change somebody, in one batch: each is loaded as a whole


async def store_rows(uow: UnitOfWork, import_id: int, batch: Sequence[dict[str, Any]]) -> None:
    """Store rows of the file as they were read."""
    await inserting.insert(uow, "import_rows", _ROW, [_stored(import_id, each) for each in batch])


def _stored(import_id: int, row: dict[str, Any]) -> tuple[Any, ...]:
    dumped = [orjson.dumps(row[name]).decode() for name in ("data", "error_values", "notice_values")]
    done = bool(row.get("skipped"))
    return (import_id, row["line"], dumped[0], row["error"], dumped[1], row["notice"], dumped[2], done)


async def apply_rows(uow: UnitOfWork, import_id: int, after_line: int, size: int) -> tuple[int, int, int] | None:
    """Make contacts of the next `size` lines; returns (last line, contacts made, contacts filled), None when no line is left.

    Their rows go with the same transaction, but for those with a notice, which people may look at.
    """
    connection = await uow.session.connection()
    left = {"of_import": import_id, "after": after_line}
    until = after_line + size
    staged = (await connection.execute(_NEXT_ROWS, left | {"last": until})).all()
    if not staged:
        end = await connection.scalar(_LAST_LINE, {"of_import": import_id}) or 0
        return (until, 0, 0) if until < end else None
    slow = [at for at, row in enumerate(staged) if "fill" in row.data or "twin" in row.data]
    staged = staged[: slow[_SLOW]] if len(slow) > _SLOW else staged
    new = [row for row in staged if "fill" not in row.data and "twin" not in row.data]
    await _make(uow, import_id, [row.data for row in new])
    last = staged[-1].line
    filled = 0
    for row in staged:
        if "fill" in row.data or "twin" in row.data:
            kept = await import_updates.fill(uow, import_id, row.data)
            if kept is None:  # who was there is gone: a new contact after all
                await _make(uow, import_id, [row.data])
                new.append(row)
            else:
                filled += 1
                beside = {"also": [{"notice": NO_PICTURE, "values": {}}, row.data["unfit"]]} if "unfit" in row.data else {}
                await connection.execute(_ROW_UPDATED, {"of_import": import_id, "at": row.line, "what": kept, "beside": beside})
    await connection.execute(_ROWS_DONE, left | {"last": last})
    if any(row.notice for row in staged):
        await connection.execute(_ROWS_NOTICED, left | {"last": last})
    return last, len(new), filled


async def _make(uow: UnitOfWork, import_id: int, data: list[dict[str, Any]]) -> None:
    """Store new contacts with all that is theirs, but for their search terms (import_terms.py)."""
    if not data:
        return
    organisations = await _organisations(uow, import_id, data)
    await _add_words(uow, data)
    ids = await inserting.new_ids(uow, "contacts", len(data))
    at = inserting.when(uow, uow.now)
    contacts = []
    for contact_id, each in zip(ids, data, strict=True):
        organisation_id, kind = organisations.get(each.get("organisation_folded", ""), (None, each["type"]))
        plain, chosen = each["plain"], each.get("chosen", {})
        own = [plain.get(name, "") for name in rows.PLAIN]
        words = [chosen.get(name) for name in rows.CHOSEN]
        name = (each["sort_name"], each["folded"], kind)
        contacts.append((contact_id, *own, *name, *words, organisation_id, at, at, 1, import_id))
    owned = list(zip(ids, data, strict=True))
    await inserting.insert(uow, "contacts", _CONTACT, contacts)
    await inserting.insert(uow, "numbers", _NUMBER, [(at, *number) for at, each in owned for number in each["numbers"]])
    await store_beside(uow, owned)


async def store_beside(uow: UnitOfWork, owned: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Store tags, managers and answers to fields of one's own of contacts that have none of them."""
    tags = [(entry, at) for at, each in owned for entry in each.get("tags", ())]
    managers = [(user, at) for at, each in owned for user in each.get("managers", ())]
    custom = [(at, *answer) for at, each in owned for answer in each.get("custom", ())]
    await inserting.insert(uow, "contact_tags", ("entry_id", "contact_id"), tags)
    await inserting.insert(uow, "contact_managers", ("user_id", "contact_id"), managers)
    answers = ("contact_id", "field_id", "option_id", "text", "folded", "number", "day")
    await inserting.insert(uow, "custom_values", answers, custom)
    await import_pictures.store(uow, [(at, each["picture"]) for at, each in owned if "picture" in each])


async def _add_words(uow: UnitOfWork, data: list[dict[str, Any]]) -> None:
    """Turn words that rows add to dictionaries into entries."""
    new = [(kind, name) for each in data for kind, name in each.get("new", ())]
    for kind in dict.fromkeys(kind for kind, _ in new):
        ids = await _entries(uow, kind, [name for of, name in new if of == kind])
        for each in data:
            for of, name in each.get("new", ()):
                if of == kind == "tag":
                    each["tags"] = list(dict.fromkeys([*each.get("tags", ()), ids[text.fold(name)]]))
                elif of == kind:
                    each.setdefault("chosen", {})[kind] = ids[text.fold(name)]


async def _entries(uow: UnitOfWork, kind: str, said: list[str]) -> dict[str, int]:
    """Return the ids of words of a dictionary, made where there are none."""
    names = {text.fold(name): name for name in reversed(said)}
    connection = await uow.session.connection()
    wanted = {"of_kind": kind, "names": list(names)}
    found: dict[str, int] = {row.folded: row.id for row in await connection.execute(_ENTRIES, wanted)}
    missing = [{"kind": kind, "name": name, "folded": folded} for folded, name in names.items() if folded not in found]
    if missing:
        found |= {row.folded: row.id for row in await connection.execute(_MAKE_ENTRIES, missing)}
    return found


async def _organisations(uow: UnitOfWork, import_id: int, data: list[dict[str, Any]]) -> dict[str, tuple[int, str]]:
    """Return id and type of the organisations the rows name, made where there are none."""
    names = {each["organisation_folded"]: each for each in reversed(data) if each.get("organisation_folded")}
    if not names:
        return {}
    connection = await uow.session.connection()
    named = _NAMED.where(one_of(uow, Organisation.folded, names))
    found = {row.folded: (row.id, row.type) for row in await connection.execute(named)}
    missing = [(folded, each) for folded, each in names.items() if folded not in found]
    if missing:
        ids, at, beside = await inserting.new_ids(uow, "organisations", len(missing)), inserting.when(uow, uow.now), [""] * 9
        made, terms = [], []
        for own_id, (folded, each) in zip(ids, missing, strict=True):
            name = each["organisation"]
            searchable = organisation_terms.searchable(name)
            made.append((own_id, name, folded, searchable, each["type"], *beside, 1, at, import_id))
            terms += [(term, own_id) for term in organisation_terms.terms(name, searchable)]
            found[folded] = (own_id, each["type"])
        await inserting.insert(uow, "organisations", _ORGANISATION, made)
        await inserting.insert(uow, "organisation_terms", ("term", "organisation_id"), sorted(terms))
    return found


async def remove_contacts(uow: UnitOfWork, import_id: int, size: int) -> tuple[int, int]:
    """Delete the next contacts of an import; returns (deleted, kept because people had worked with them)."""
    lived = or_(Contact.version > 1, exists().where(TimelineEntry.contact_id == Contact.id))
    query = select(Contact.id, Contact.sort_name, Contact.folded, Contact.avatar_id, lived.label("lived"))
    query = query.where(Contact.import_id == import_id)
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
        await import_pictures.remove(uow, [row.avatar_id for row in gone if row.avatar_id is not None])
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
