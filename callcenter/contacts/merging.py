"""Merging two contacts that are one person: a choice per field, and all that was the loser's becomes the survivor's.

What refers to contacts is found in the tables' own description, so that no capability is forgotten: a plain reference is
moved; one that is part of a key needs a rule of its own here (RULES), and a test fails while it has none.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, Table, delete, select, update

from callcenter.contacts import merges, rows, search
from callcenter.contacts import service as contacts
from callcenter.contacts.field_models import CustomField, CustomValue
from callcenter.contacts.import_models import ContactMerge, DuplicatePair
from callcenter.contacts.models import Contact, ContactManager, ContactTag, Number
from callcenter.contacts.rights import Action, extent, require
from callcenter.db import Base, UnitOfWork
from callcenter.errors import Conflict, Invalid, NotPermitted
from callcenter.facts import ContactMerged, ContactRenamed
from callcenter.files import service as files
from callcenter.users.service import audit

FIELDS = ("first_name", "last_name", "organisation", "type", *rows.CHOSEN, "email", "note", "address1", "address2", "postcode",
          "city", "province", "country", "avatar")  # fmt: skip

Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Chosen = Annotated[str, Field(pattern=rf"^({'|'.join(FIELDS)}|custom:[a-z][a-z0-9_]{{0,39}})$")]


class MergeInput(BaseModel):
    """How two contacts become one: which fields are the other's, by name (custom:KEY for one of your own); the rest stays.

    `version` and `other_version` are those both were read at.
    """

    model_config = ConfigDict(extra="forbid")
    version: Version
    other_version: Version
    take: Annotated[list[Chosen], Field(max_length=200)] = []


async def merge(uow: UnitOfWork, contact_id: int, other_id: int, data: MergeInput) -> Contact:
    """Merge `other_id` into `contact_id`, and return that; both must be the actor's to change, and theirs to delete.

    Raises Invalid for one and the same, Conflict when one of them changed since, Merged when one was merged away before.
    """
    contact_id, other_id = int(contact_id), int(other_id)
    one, other = await merges.survivor_of(uow, contact_id), await merges.survivor_of(uow, other_id)
    if contact_id == other_id or one == other:
        await contacts.changeable(uow, one)  # who may not see whom they are now learns nothing
        raise Invalid("These two are one contact already.", field="other")
    both = select(Contact.id).where(Contact.id.in_([contact_id, other_id])).order_by(Contact.id)
    await uow.session.execute(both.with_for_update(key_share=True))
    kept, lost = await contacts.changeable(uow, contact_id), await contacts.changeable(uow, other_id)
    for each in (kept, lost):
        require(uow.actor, Action.DELETE, each.type)
    if (kept.version, lost.version) != (data.version, data.other_version):
        raise Conflict("Somebody changed one of them meanwhile. Look at both again before you merge them.")
    detail = await described(uow, lost)
    file_id = lost.avatar_id if "avatar" not in data.take else kept.avatar_id
    _take(kept, lost, data.take)
    if not extent(uow.actor, kept.type, change=True):
        raise NotPermitted("Your account roles do not allow this kind of account.")
    await _take_custom(uow, kept.id, lost.id, data.take)
    kept.version += 1
    kept.updated_at = uow.now
    await uow.session.flush()
    await _move(uow, lost.id, kept.id)
    await merges.note(uow, lost.id, kept.id)  # before it goes: with it go the merges that still lead to it
    await _remove(uow, lost)
    if file_id is not None and file_id != kept.avatar_id:
        await files.remove(uow, file_id)
    kept = await contacts.get_contact(uow, kept.id)
    organisation = kept.organisation.name if kept.organisation else ""
    await rows.index(uow, kept, organisation, [each.digits for each in kept.numbers])
    audit(uow, "contact.merged", "contact", kept.id, loser_id=other_id, taken=sorted(data.take), loser=detail)
    uow.note(ContactMerged(other_id, kept.id))
    uow.note(ContactRenamed(kept.id))
    return kept


async def described(uow: UnitOfWork, contact: Contact) -> dict[str, Any]:
    """Return all fields of a contact as words, as the audit trail keeps them."""
    plain = {name: getattr(contact, name) for name in (*rows.PLAIN, "type", "version")}
    chosen = {name: entry.name if (entry := getattr(contact, name)) else "" for name in rows.CHOSEN}
    managers = select(ContactManager.user_id).where(ContactManager.contact_id == contact.id)
    query = select(CustomField.key, CustomValue).join(CustomField, CustomField.id == CustomValue.field_id)
    custom: dict[str, list[Any]] = {}
    for key, value in await uow.session.execute(query.where(CustomValue.contact_id == contact.id)):
        said = value.text or value.option_id or (value.day.isoformat() if value.day else value.number)
        custom.setdefault(key, []).append(said)
    return plain | chosen | {
        "organisation": contact.organisation.name if contact.organisation else "",
        "tags": [each.name for each in contact.tags],
        "numbers": [[each.type, each.raw] for each in contact.numbers],
        "managers": list(await uow.session.scalars(managers)),
        "custom": custom,
        "created_at": contact.created_at.isoformat(),
    }  # fmt: skip


def _take(kept: Contact, lost: Contact, take: list[str]) -> None:
    for name in take:
        if name == "organisation":
            kept.organisation, kept.organisation_id = lost.organisation, lost.organisation_id
        elif name in rows.CHOSEN:
            setattr(kept, name, getattr(lost, name))
        elif name == "avatar":
            kept.avatar_id = lost.avatar_id
        elif not name.startswith("custom:"):
            setattr(kept, name, getattr(lost, name))
    if kept.organisation is not None:
        kept.type = kept.organisation.type
    if not kept.name and kept.organisation is None:
        raise Invalid("A contact needs a first name, a last name or an organisation.", field="last_name")


async def _take_custom(uow: UnitOfWork, kept_id: int, lost_id: int, take: list[str]) -> None:
    """Give the survivor the answers that were chosen, and those it has none for."""
    keys = [name.removeprefix("custom:") for name in take if name.startswith("custom:")]
    chosen = set(await uow.session.scalars(select(CustomField.id).where(CustomField.key.in_(keys)))) if keys else set()
    if chosen:
        await uow.session.execute(delete(CustomValue).where(CustomValue.contact_id == kept_id, CustomValue.field_id.in_(chosen)))
    had = select(CustomValue.field_id).where(CustomValue.contact_id == kept_id)
    theirs = update(CustomValue).where(CustomValue.contact_id == lost_id, CustomValue.field_id.not_in(had))
    await uow.session.execute(theirs.values(contact_id=kept_id), execution_options={"synchronize_session": False})


Rule = Callable[[UnitOfWork, int, int], Awaitable[None]]


async def _unite_numbers(uow: UnitOfWork, lost_id: int, kept_id: int) -> None:
    had = [(each.e164 or each.digits) for each in await uow.session.scalars(select(Number).where(Number.contact_id == kept_id))]
    for each in list(await uow.session.scalars(select(Number).where(Number.contact_id == lost_id))):
        if (each.e164 or each.digits) not in had:
            move = update(Number).where(Number.id == each.id).values(contact_id=kept_id)
            await uow.session.execute(move, execution_options={"synchronize_session": False})


def _unite(table: str, other: str) -> Rule:
    """Return the rule of a table of pairs: what the survivor has not becomes theirs, the rest goes with the loser."""

    async def rule(uow: UnitOfWork, lost_id: int, kept_id: int) -> None:
        pairs = Base.metadata.tables[table]
        had = select(pairs.c[other]).where(pairs.c.contact_id == kept_id)
        theirs = update(pairs).where(pairs.c.contact_id == lost_id, pairs.c[other].not_in(had))
        await uow.session.execute(theirs.values(contact_id=kept_id))

    return rule


async def _goes(_uow: UnitOfWork, _lost_id: int, _kept_id: int) -> None:
    """Let what is left of it go with the loser (ON DELETE CASCADE), or it was seen to above."""


RULES: dict[str, Rule] = {
    Number.__tablename__: _unite_numbers,
    ContactTag.__tablename__: _unite(ContactTag.__tablename__, "entry_id"),
    ContactManager.__tablename__: _unite(ContactManager.__tablename__, "user_id"),
    "email_candidates": _unite("email_candidates", "email_id"),
    "email_drafts": _unite("email_drafts", "user_id"),
    CustomValue.__tablename__: _goes,  # _take_custom
    ContactMerge.__tablename__: _goes,  # merges.note
    DuplicatePair.__tablename__: _goes,
}


def references() -> list[tuple[Table, Column[Any]]]:
    """Return every column of every table that refers to a contact, in order of the tables' names."""
    found = [
        (table, column)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if any(key.target_fullname == "contacts.id" for key in column.foreign_keys)
    ]
    return sorted(found, key=lambda each: (each[0].name, each[1].name))


def needs_a_rule(table: Table, column: Column[Any]) -> bool:
    """Tell whether moving a reference may meet one that is there already: it is part of a key."""
    unique = any(index.unique and column.name in index.columns for index in table.indexes)
    constraints = (each for each in table.constraints if hasattr(each, "columns") and type(each).__name__ == "UniqueConstraint")
    return column.primary_key or unique or any(column.name in each.columns for each in constraints)


async def _move(uow: UnitOfWork, lost_id: int, kept_id: int) -> None:
    for name, rule in RULES.items():
        if name in Base.metadata.tables:
            await rule(uow, lost_id, kept_id)
    for table, column in references():
        if table.name in RULES:
            continue
        if needs_a_rule(table, column):
            raise RuntimeError(f"merging contacts has no rule for {table.name}.{column.name}")
        await uow.session.execute(update(table).where(column == lost_id).values({column.name: kept_id}))


async def _remove(uow: UnitOfWork, lost: Contact) -> None:
    terms = [(term, lost.id) for term in search.terms(lost.sort_name, lost.folded)]
    await rows.drop_terms(uow, terms)
    uow.session.expunge_all()
    await uow.session.execute(select(Contact.id).where(Contact.id == lost.id).with_for_update())
    await _follow_late(uow, lost.id)
    await uow.session.execute(delete(Contact).where(Contact.id == lost.id))


async def _follow_late(uow: UnitOfWork, lost_id: int) -> None:
    """Refuse to lose what somebody attached to the loser while the rest was moved: it is tried again by whoever asked."""
    for table, column in references():
        if table.name not in RULES and await uow.session.scalar(select(column).where(column == lost_id).limit(1)) is not None:
            raise Conflict("Somebody works with one of them just now. Try again.")
