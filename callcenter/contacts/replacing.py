"""What happens to the values contacts have when a word or a field is retired: they stay, become another word, or go.

The work is a job that does a batch and puts itself again in the same transaction, so that a crash in the middle goes on
where it was; what is done is no longer found. Every contact's version grows, so that nobody saves an older one over it.
Timelines tell of it only where at most TOLD contacts are concerned: of a million lines that say the same nobody has any use.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, delete, insert, select, update
from sqlalchemy.orm import aliased

from callcenter import clock, jobs
from callcenter.contacts import batches, words
from callcenter.contacts.field_models import CHANGE, CHOSEN, CustomField, CustomOption, CustomValue, DictionaryEntry
from callcenter.contacts.models import Contact, ContactTag, TimelineEntry
from callcenter.db import UnitOfWork

KIND = "replace_word"  # of the job
TOLD = 1000
_FIRST_BATCH = 50

What = Literal["position", "stage", "source", "segment", "tag", "option", "field"]
Values = Literal["keep", "replace", "clear"]


def key(what: What, of_id: int) -> str:
    """Return the job's key: one replacing of a word at a time."""
    return f"{KIND}:{what}:{of_id}"


def users(what: What, of_id: int) -> Select[int]:
    """Return the query of the ids of all contacts that have a word, or an answer in a field."""
    if what in CHOSEN:
        return select(Contact.id).where(getattr(Contact, f"{what}_id") == of_id)
    if what == "tag":
        return select(ContactTag.contact_id).where(ContactTag.entry_id == of_id)
    if what == "option":
        field = select(CustomOption.field_id).where(CustomOption.id == of_id).scalar_subquery()
        return select(CustomValue.contact_id).where(CustomValue.field_id == field, CustomValue.option_id == of_id)
    return select(CustomValue.contact_id).where(CustomValue.field_id == of_id).distinct()


async def begin(uow: UnitOfWork, what: What, of_id: int, to_id: int | None) -> None:
    """Replace a word by another wherever it is chosen, or (None) clear it, in the background."""
    used = await words.count(uow, users(what, of_id))
    if used:
        told = {"by": uow.actor.user_id} if used <= TOLD else {}
        await jobs.put(uow, key(what, of_id), KIND, uow.now, what=what, of_id=of_id, to_id=to_id, size=_FIRST_BATCH, **told)


async def stop(uow: UnitOfWork, what: What, of_id: int) -> None:
    """Leave the rest as it is: the word is back."""
    await jobs.drop(uow, key(what, of_id))


async def under_way(uow: UnitOfWork) -> dict[str, dict[str, Any]]:
    """Return the payloads of what is being replaced now, by key."""
    found = await uow.session.scalars(select(jobs.Job).where(jobs.Job.kind == KIND))
    return {each.key: each.payload for each in found}


async def step(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Do the next batch of contacts, and come again while there are more (work of the scheduler)."""
    what, of_id, to_id, size = payload["what"], payload["of_id"], payload["to_id"], payload["size"]
    began = clock.monotonic()
    ids = list(await uow.session.scalars(users(what, of_id).limit(size)))
    if not ids:
        return
    if "by" in payload:
        await _tell(uow, ids, payload)
    await _replace(uow, what, of_id, to_id, ids)
    grown = {"version": Contact.version + 1, "updated_at": uow.now}
    await uow.session.execute(_plainly(update(Contact).where(Contact.id.in_(ids)).values(grown)))
    if len(ids) == size:
        aimed = batches.aim(size, clock.monotonic() - began)
        await jobs.put(uow, key(what, of_id), KIND, uow.now, **payload | {"size": aimed})


async def _replace(uow: UnitOfWork, what: What, of_id: int, to_id: int | None, ids: list[int]) -> None:
    if what in CHOSEN:
        column = f"{what}_id"
        chosen = update(Contact).where(Contact.id.in_(ids), getattr(Contact, column) == of_id)
        await uow.session.execute(_plainly(chosen.values({column: to_id})))
    elif what == "tag":
        mine: ColumnElement[bool] = ContactTag.entry_id == of_id
        if to_id is not None:
            other = aliased(ContactTag)
            has = select(other.entry_id).where(other.entry_id == to_id, other.contact_id == ContactTag.contact_id).exists()
            moved = update(ContactTag).where(mine, ContactTag.contact_id.in_(ids), ~has)
            await uow.session.execute(_plainly(moved.values(entry_id=to_id)))
        await uow.session.execute(_plainly(delete(ContactTag).where(mine, ContactTag.contact_id.in_(ids))))
    else:
        await _replace_custom(uow, what, of_id, to_id, ids)


async def _replace_custom(uow: UnitOfWork, what: What, of_id: int, to_id: int | None, ids: list[int]) -> None:
    mine: tuple[ColumnElement[bool], ...] = (CustomValue.field_id == of_id, CustomValue.contact_id.in_(ids))
    if what == "option":
        option = await uow.session.get_one(CustomOption, of_id)
        mine = (CustomValue.field_id == option.field_id, CustomValue.option_id == of_id, CustomValue.contact_id.in_(ids))
        if to_id is not None:
            other = aliased(CustomValue)
            same = (other.contact_id == CustomValue.contact_id, other.field_id == option.field_id, other.option_id == to_id)
            moved = update(CustomValue).where(*mine, ~select(other.option_id).where(*same).exists())
            await uow.session.execute(_plainly(moved.values(option_id=to_id)))
    await uow.session.execute(_plainly(delete(CustomValue).where(*mine)))


async def _tell(uow: UnitOfWork, ids: list[int], payload: dict[str, Any]) -> None:
    """Write the change on the contacts' timelines, by whom who retired the word. Of a whole field: only that it went."""
    name, names, old, new = await _said(uow, payload["what"], payload["of_id"], payload["to_id"])
    data = {"fields": {name: [old, new]}, "names": names, "retired": True}
    common = {"kind": CHANGE, "text": "", "at": uow.now, "user_id": payload["by"], "data": data}
    await uow.session.execute(insert(TimelineEntry), [{"contact_id": each} | common for each in ids])


async def _said(uow: UnitOfWork, what: What, of_id: int, to_id: int | None) -> tuple[str, dict[str, str], str, str]:
    if what == "field":
        field = await uow.session.get_one(CustomField, of_id)
        return f"custom.{field.key}", {f"custom.{field.key}": field.name}, "\u2026", ""
    if what == "option":
        option = await uow.session.get_one(CustomOption, of_id)
        other = await uow.session.get(CustomOption, to_id) if to_id is not None else None
        field = await uow.session.get_one(CustomField, option.field_id)
        return f"custom.{field.key}", {f"custom.{field.key}": field.name}, option.name, other.name if other else ""
    old = await uow.session.get_one(DictionaryEntry, of_id)
    new = await uow.session.get(DictionaryEntry, to_id) if to_id is not None else None
    return "tags" if what == "tag" else what, {}, old.name, new.name if new else ""


def _plainly(statement: Any) -> Any:
    return statement.execution_options(synchronize_session=False)
