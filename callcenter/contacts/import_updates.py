"""Rows of an import that mean somebody who is there: what is empty is filled in, and taken back when the import is undone."""

import datetime as dt
from typing import Any

from sqlalchemy import delete, insert, select

from callcenter.contacts import import_pictures, rows
from callcenter.contacts.field_models import CustomValue
from callcenter.contacts.models import Contact, ContactManager, ContactTag, ImportRow, Number, Organisation
from callcenter.contacts.queries import LOADED
from callcenter.db import UnitOfWork
from callcenter.facts import ContactRenamed
from callcenter.users.service import audit

_NAMES = {"first_name", "last_name"}


async def fill(uow: UnitOfWork, import_id: int, data: dict[str, Any]) -> dict[str, Any] | None:
    """Fill what is empty of the contact a row means; returns what was filled, to undo it, or None: there is no such contact."""
    contact_id = data.get("fill") or await _twin(uow, import_id, data["twin"])
    contact = await _locked(uow, contact_id) if contact_id else None
    if contact is None:
        return None
    kept: dict[str, Any] = {"updated": contact.id, "plain": {}, "chosen": {}}
    for name, value in data["plain"].items():
        if not getattr(contact, name):
            setattr(contact, name, value)
            kept["plain"][name] = value
    for kind, entry_id in data.get("chosen", {}).items():
        if getattr(contact, f"{kind}_id") is None:
            setattr(contact, f"{kind}_id", entry_id)
            kept["chosen"][kind] = entry_id
    await _join(uow, contact, data, kept)
    kept["numbers"] = await _add_numbers(uow, contact, data["numbers"])
    kept |= await _add_beside(uow, contact, data)
    if "picture" in data and contact.avatar_id is None:
        await import_pictures.store(uow, [(contact.id, data["picture"])])
        await uow.session.refresh(contact, ["avatar_id"])
        kept["avatar"] = contact.avatar_id
    if any(kept[name] for name in kept if name != "updated"):
        await _changed(uow, contact, sorted(name for name in kept if kept[name] and name != "updated"))
    kept["version"] = contact.version
    return kept


async def _twin(uow: UnitOfWork, import_id: int, twin: str) -> int | None:
    """Return the contact an earlier row of the same file made, by its number or its e-mail address."""
    query = select(Contact.id).where(Contact.import_id == import_id).order_by(Contact.id).limit(1)
    if "@" in twin:
        return await uow.session.scalar(query.where(Contact.email.in_({twin, twin.lower()})))
    return await uow.session.scalar(query.join(Number, Number.contact_id == Contact.id).where(Number.e164 == twin))


async def _locked(uow: UnitOfWork, contact_id: int) -> Contact | None:
    await uow.session.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update())
    query = select(Contact).where(Contact.id == contact_id).options(*LOADED)
    return await uow.session.scalar(query.execution_options(populate_existing=True))


async def _join(uow: UnitOfWork, contact: Contact, data: dict[str, Any], kept: dict[str, Any]) -> None:
    """Put a contact without an organisation into the one the row names, when that is there and of the same type."""
    if contact.organisation is None and data.get("organisation_folded"):
        same = (Organisation.folded == data["organisation_folded"], Organisation.type == contact.type)
        found = await uow.session.scalar(select(Organisation).where(*same).order_by(Organisation.id).limit(1))
        if found is not None:
            contact.organisation = found
            kept["organisation"] = found.id


async def _add_numbers(uow: UnitOfWork, contact: Contact, numbers: list[list[Any]]) -> list[int]:
    had = {(each.e164 or each.digits) for each in contact.numbers}
    new = [
        Number(type=kind, raw=raw, digits=digits, e164=e164, last_nine=last_nine)
        for kind, raw, digits, e164, last_nine in numbers
        if (e164 or digits) not in had
    ]
    contact.numbers.extend(new)
    await uow.session.flush()
    return [each.id for each in new]


async def _add_beside(uow: UnitOfWork, contact: Contact, data: dict[str, Any]) -> dict[str, Any]:
    own = {each.id for each in contact.tags}
    tags = [each for each in data.get("tags", ()) if each not in own]
    managed = select(ContactManager.user_id).where(ContactManager.contact_id == contact.id)
    managing = set(await uow.session.scalars(managed))
    managers = [each for each in data.get("managers", ()) if each not in managing]
    answered = set(await uow.session.scalars(select(CustomValue.field_id).where(CustomValue.contact_id == contact.id)))
    custom = [each for each in data.get("custom", ()) if each[0] not in answered]
    if tags:
        await uow.session.execute(insert(ContactTag), [{"entry_id": each, "contact_id": contact.id} for each in tags])
    if managers:
        await uow.session.execute(insert(ContactManager), [{"user_id": each, "contact_id": contact.id} for each in managers])
    if custom:
        await uow.session.execute(insert(CustomValue), [_answer(contact.id, each) for each in custom])
    return {"tags": tags, "managers": managers, "custom": sorted({each[0] for each in custom})}


def _answer(contact_id: int, answer: list[Any]) -> dict[str, Any]:
    field_id, option_id, said, folded, number, day = answer
    plain = {"contact_id": contact_id, "field_id": field_id, "option_id": option_id, "text": said, "folded": folded}
    return plain | {"number": number, "day": dt.date.fromisoformat(day) if day else None}


async def _changed(uow: UnitOfWork, contact: Contact, fields: list[str]) -> None:
    contact.version += 1
    contact.updated_at = uow.now
    await uow.session.flush()
    organisation = contact.organisation.name if contact.organisation else ""
    await rows.index(uow, contact, organisation, [each.digits for each in contact.numbers])
    audit(uow, "contact.updated", "contact", contact.id, fields=fields)
    uow.note(ContactRenamed(contact.id))


async def revert(uow: UnitOfWork, import_id: int, size: int) -> int:
    """Take back what the next rows filled in, where it still stands; returns how many rows it saw."""
    wanted = ImportRow.import_id == import_id, ImportRow.applied.is_(True), ImportRow.data["updated"].as_integer() > 0
    query = select(ImportRow).where(*wanted).order_by(ImportRow.line.desc()).limit(size)
    found = list(await uow.session.scalars(query))
    for row in found:
        contact = await _locked(uow, row.data["updated"])
        if contact is not None:
            await _take_back(uow, contact, row.data)
        row.data = {}
    return len(found)


async def _take_back(uow: UnitOfWork, contact: Contact, kept: dict[str, Any]) -> None:
    for name, value in kept["plain"].items():
        if getattr(contact, name) == value:
            setattr(contact, name, "")
    for kind, entry_id in kept["chosen"].items():
        if getattr(contact, f"{kind}_id") == entry_id:
            setattr(contact, f"{kind}_id", None)
    if kept.get("organisation") and contact.organisation_id == kept["organisation"]:
        contact.organisation = None
    if kept.get("avatar") and contact.avatar_id == kept["avatar"]:
        contact.avatar_id = None
        await uow.session.flush()
        await import_pictures.remove(uow, [kept["avatar"]])
    contact.numbers[:] = [each for each in contact.numbers if each.id not in kept["numbers"]]
    await _take_away(uow, contact.id, kept)
    if not contact.name and contact.organisation is None:
        contact.last_name = kept["plain"].get("last_name", "") or contact.last_name
    await _changed(uow, contact, ["import undone"])


async def _take_away(uow: UnitOfWork, contact_id: int, kept: dict[str, Any]) -> None:
    for column, owner, ids in (
        (ContactTag.entry_id, ContactTag.contact_id, kept["tags"]),
        (ContactManager.user_id, ContactManager.contact_id, kept["managers"]),
        (CustomValue.field_id, CustomValue.contact_id, kept["custom"]),
    ):
        if ids:
            await uow.session.execute(delete(column.class_).where(owner == contact_id, column.in_(ids)))
