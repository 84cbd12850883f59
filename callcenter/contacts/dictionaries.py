"""The words people choose from (S5, S10, S12): read by everybody who serves customers, kept by administrators."""

from collections.abc import Iterable

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.contacts import replacing, text, words
from callcenter.contacts.field_models import DICTIONARIES, DictionaryEntry
from callcenter.contacts.replacing import Values, What
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid, NotFound
from callcenter.users.service import audit


async def list_entries(uow: UnitOfWork, kind: str, *, retired: bool = False) -> list[DictionaryEntry]:
    """Return a dictionary's words in their order, retired ones too if wanted."""
    uow.actor.require(Role.CONSULTANT)
    if kind not in DICTIONARIES:
        raise Invalid("There is no such dictionary.", field="kind")
    query = select(DictionaryEntry).where(DictionaryEntry.kind == kind).order_by(DictionaryEntry.place, DictionaryEntry.id)
    if not retired:
        query = query.where(DictionaryEntry.retired_at.is_(None))
    return list(await uow.session.scalars(query))


async def add_entry(uow: UnitOfWork, kind: str, name: str) -> DictionaryEntry:
    """Add a word at the end of a dictionary (administrators); raises Conflict when it is there already."""
    uow.actor.require(Role.ADMINISTRATOR)
    there = await list_entries(uow, kind, retired=True)
    name = words.check_new(name, there)
    entry = DictionaryEntry(kind=kind, name=name, folded=text.fold(name))
    uow.session.add(entry)
    await uow.session.flush()
    words.move([*there, entry], entry, len(there) + 1)
    audit(uow, "dictionary.added", "dictionary", entry.id, kind=kind, name=name)
    return entry


async def get_entry(uow: UnitOfWork, kind: str, entry_id: int) -> DictionaryEntry:
    """Return a word of a dictionary, a retired one too; raises NotFound."""
    uow.actor.require(Role.CONSULTANT)
    entry = await uow.session.get(DictionaryEntry, entry_id)
    if entry is None or entry.kind != kind:
        raise NotFound("There is no such word.")
    return entry


async def update_entry(
    uow: UnitOfWork, kind: str, entry_id: int, *, name: str | None = None, place: int | None = None
) -> DictionaryEntry:
    """Call a word otherwise, or put it at a place counted from 1 (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    entry = await get_entry(uow, kind, entry_id)
    there = await list_entries(uow, kind, retired=True)
    if name is not None and name != entry.name:
        before = entry.name
        words.rename(entry, name, there)
        audit(uow, "dictionary.renamed", "dictionary", entry_id, kind=kind, before=before, name=entry.name)
    if place is not None and entry.retired_at is None:
        words.move(there, entry, place)
    await uow.session.flush()
    return entry


async def retire_entry(uow: UnitOfWork, kind: str, entry_id: int, values: Values = "keep", by: str = "") -> DictionaryEntry:
    """Offer a word no more (administrators); `values`: what contacts have stays, becomes the word named `by`, or is cleared."""
    uow.actor.require(Role.ADMINISTRATOR)
    entry = await get_entry(uow, kind, entry_id)
    other = None
    if values == "replace":
        other = next(iter(await chosen(uow, kind, [by])), None)
        if other is None or other.id == entry_id:
            raise Invalid("Choose another word to take its place.", field="by")
    entry.retired_at = entry.retired_at or uow.now
    words.move([each for each in await list_entries(uow, kind, retired=True) if each.id != entry_id], entry, words.MOST + 1)
    await uow.session.flush()
    if values != "keep":
        await replacing.begin(uow, _what(kind), entry_id, other.id if other else None)
    audit(
        uow,
        "dictionary.retired",
        "dictionary",
        entry_id,
        kind=kind,
        name=entry.name,
        values=values,
        by=other.name if other else "",
    )
    return entry


async def restore_entry(uow: UnitOfWork, kind: str, entry_id: int) -> DictionaryEntry:
    """Offer a retired word again, at the end (administrators); a replacing that still runs ends where it is."""
    uow.actor.require(Role.ADMINISTRATOR)
    entry = await get_entry(uow, kind, entry_id)
    if entry.retired_at is not None:
        entry.retired_at = None
        words.move(await list_entries(uow, kind, retired=True), entry, words.MOST + 1)
        await uow.session.flush()
        await replacing.stop(uow, _what(kind), entry_id)
        audit(uow, "dictionary.restored", "dictionary", entry_id, kind=kind, name=entry.name)
    return entry


async def used(uow: UnitOfWork, kind: str, entry_id: int) -> int:
    """Return how many contacts have a word, of all there are (administrators); words.COUNTED + 1 for more than that."""
    uow.actor.require(Role.ADMINISTRATOR)
    return await words.count(uow, replacing.users(_what(kind), entry_id))


async def chosen(uow: UnitOfWork, kind: str, names: Iterable[str], kept: Iterable[DictionaryEntry] = ()) -> list[DictionaryEntry]:
    """Return the words of those names, each once; raises Invalid (field = the dictionary) for one that may not be chosen.

    `kept`: words that are chosen now; they may stay although they are retired.
    """
    wanted = dict.fromkeys(folded for folded in map(text.fold, names) if folded)
    if not wanted:
        return []
    query = select(DictionaryEntry).where(DictionaryEntry.kind == kind, DictionaryEntry.folded.in_(wanted))
    found = {each.folded: each for each in await uow.session.scalars(query)}
    staying = {each.id for each in kept}
    said = {text.fold(name): name for name in names}
    for folded in wanted:
        entry = found.get(folded)
        if entry is None or (entry.retired_at is not None and entry.id not in staying):
            raise Invalid("{name} is not in the list to choose from.", field=kind, name=said[folded])
    return [found[folded] for folded in wanted]


def _what(kind: str) -> What:
    what: What = kind  # type: ignore[assignment]  # DICTIONARIES are some of them
    return what
