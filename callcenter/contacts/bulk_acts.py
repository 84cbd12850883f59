"""What can be done to many contacts at once, each a function on some that the actor may change."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update

from callcenter.contacts import rows, search
from callcenter.contacts.field_models import CHANGE, DictionaryEntry
from callcenter.contacts.models import Contact, ContactManager, ContactTag, TimelineEntry
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Invalid
from callcenter.facts import ContactDeleted
from callcenter.files import service as files
from callcenter.users.models import User

Refusals = dict[int, CallCenterError]
Act = Callable[[UnitOfWork, Sequence[int], dict[str, Any]], Awaitable[Refusals]]


async def check(uow: UnitOfWork, action: str, value: dict[str, Any]) -> None:
    """Raise Invalid when an action names a word or a user that may not be chosen (any more)."""
    if action in ("tag", "untag", "stage"):
        entry_id = value.get("id")
        if action == "stage" and entry_id is None:
            return
        entry = None if entry_id is None else await uow.session.get(DictionaryEntry, entry_id)
        if entry is None or entry.kind != ("stage" if action == "stage" else "tag"):
            raise Invalid("This word is no longer in the list to choose from.", field="value")
        if entry.retired_at is not None and action != "untag":
            raise Invalid("{name} is not in the list to choose from.", field="value", name=entry.name)
    if action in ("add_manager", "remove_manager", "set_manager"):
        user = await uow.session.get(User, value.get("id") or 0)
        if user is None:
            raise Invalid("There is no such user.", field="value")
        if user.disabled_at is not None and action != "remove_manager":
            raise Invalid("{name} was deactivated.", field="value", name=user.name)


async def _touch(uow: UnitOfWork, ids: Sequence[int], **values: Any) -> None:
    """Let who has one of them open to change see that it changed."""
    changed = {"version": Contact.version + 1, "updated_at": uow.now, **values}
    await uow.session.execute(
        update(Contact).where(Contact.id.in_(ids)).values(changed).execution_options(synchronize_session=False)
    )


async def tag(uow: UnitOfWork, ids: Sequence[int], value: dict[str, Any]) -> Refusals:
    """Put a tag on those who do not have it."""
    held = set(await uow.session.scalars(select(ContactTag.contact_id).where(_tagged(ids, value))))
    new = [each for each in ids if each not in held]
    if new:
        before = await _tags(uow, new)
        await uow.session.execute(insert(ContactTag), [{"entry_id": value["id"], "contact_id": each} for each in new])
        await _touch(uow, new)
        await _told(uow, "tags", before, await _tags(uow, new))
    return {}


async def untag(uow: UnitOfWork, ids: Sequence[int], value: dict[str, Any]) -> Refusals:
    """Take a tag off."""
    held = list(await uow.session.scalars(select(ContactTag.contact_id).where(_tagged(ids, value))))
    before = await _tags(uow, held)
    await uow.session.execute(delete(ContactTag).where(_tagged(ids, value)).execution_options(synchronize_session=False))
    await _touch(uow, held)
    await _told(uow, "tags", before, await _tags(uow, held))
    return {}


async def _tags(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, list[str]]:
    query = select(ContactTag.contact_id, DictionaryEntry.name).join(DictionaryEntry, DictionaryEntry.id == ContactTag.entry_id)
    found: dict[int, list[str]] = {each: [] for each in ids}
    for contact_id, name in await uow.session.execute(
        query.where(ContactTag.contact_id.in_(ids)).order_by(DictionaryEntry.place, DictionaryEntry.id)
    ):
        found[contact_id].append(name)
    return found


async def _told(uow: UnitOfWork, name: str, before: Mapping[int, Any], after: Mapping[int, Any]) -> None:
    """Write on each one's timeline who changed what, as one save of the form does (changes.record)."""
    if not before:
        return
    common = {"kind": CHANGE, "text": "", "at": uow.now, "user_id": uow.actor.user_id}
    told = [
        {"contact_id": each, "data": {"fields": {name: [was, after[each]]}, "names": {}}} | common for each, was in before.items()
    ]
    await uow.session.execute(insert(TimelineEntry), told)


def _tagged(ids: Sequence[int], value: dict[str, Any]) -> Any:
    return (ContactTag.entry_id == value["id"]) & ContactTag.contact_id.in_(ids)


async def stage(uow: UnitOfWork, ids: Sequence[int], value: dict[str, Any]) -> Refusals:
    """Set the stage, or none."""
    other = Contact.stage_id.is_distinct_from(value.get("id"))
    query = select(Contact.id, DictionaryEntry.name).outerjoin(DictionaryEntry, DictionaryEntry.id == Contact.stage_id)
    before = {row.id: row.name or "" for row in await uow.session.execute(query.where(Contact.id.in_(ids), other))}
    now = await uow.session.get(DictionaryEntry, value["id"]) if value.get("id") is not None else None
    await _touch(uow, list(before), stage_id=value.get("id"))
    await _told(uow, "stage", before, dict.fromkeys(before, now.name if now else ""))
    return {}


async def add_manager(uow: UnitOfWork, ids: Sequence[int], value: dict[str, Any]) -> Refusals:
    """Let somebody manage those they do not manage."""
    managed = ContactManager.user_id == value["id"]
    held = set(await uow.session.scalars(select(ContactManager.contact_id).where(managed, ContactManager.contact_id.in_(ids))))
    new = [{"user_id": value["id"], "contact_id": each} for each in ids if each not in held]
    if new:
        await uow.session.execute(insert(ContactManager), new)
    return {}


async def remove_manager(uow: UnitOfWork, ids: Sequence[int], value: dict[str, Any]) -> Refusals:
    """Let somebody manage them no more."""
    theirs = (ContactManager.user_id == value["id"], ContactManager.contact_id.in_(ids))
    await uow.session.execute(delete(ContactManager).where(*theirs).execution_options(synchronize_session=False))
    return {}


async def set_manager(uow: UnitOfWork, ids: Sequence[int], value: dict[str, Any]) -> Refusals:
    """Let somebody manage them, and nobody else."""
    others = (ContactManager.user_id != value["id"], ContactManager.contact_id.in_(ids))
    await uow.session.execute(delete(ContactManager).where(*others).execution_options(synchronize_session=False))
    return await add_manager(uow, ids, value)


async def remove(uow: UnitOfWork, ids: Sequence[int], _value: dict[str, Any]) -> Refusals:
    """Delete them: numbers, notes and timeline go; calls, texts and meetings stay, without the contact."""
    query = select(Contact.id, Contact.sort_name, Contact.folded, Contact.avatar_id).where(Contact.id.in_(ids))
    gone = (await uow.session.execute(query)).all()
    await rows.drop_terms(uow, [(term, row.id) for row in gone for term in search.terms(row.sort_name, row.folded)])
    for row in gone:
        uow.note(ContactDeleted(row.id))
    await uow.database.react(uow)  # while it is known yet what is theirs
    await uow.session.execute(delete(Contact).where(Contact.id.in_(ids)).execution_options(synchronize_session=False))
    for row in gone:
        if row.avatar_id is not None:
            await files.remove(uow, row.avatar_id)
    return {}


ACTS: dict[str, Act] = {
    "tag": tag,
    "untag": untag,
    "stage": stage,
    "add_manager": add_manager,
    "remove_manager": remove_manager,
    "set_manager": set_manager,
    "delete": remove,
}
