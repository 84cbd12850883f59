"""What a change of a contact changed: for its timeline, and for the second of two people who save the same contact."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from callcenter.contacts import custom_values, numbers, rows, text
from callcenter.contacts.custom_values import Declared
from callcenter.contacts.field_models import CHANGE
from callcenter.contacts.forms import ContactInput
from callcenter.contacts.models import Contact, TimelineEntry
from callcenter.contacts.timeline import add_entry
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict

LONGEST_SHOWN = 200
_COMPARED_FOLDED = ("organisation", *rows.CHOSEN)

Fields = dict[str, Any]  # by the name of the input; fields of one's own as custom.KEY
Difference = dict[str, list[Any]]  # field: [one, other]


class ChangedMeanwhile(Conflict):
    """Somebody saved the contact between the reading and the saving of this person."""

    def __init__(self, typed: Fields, stored: Fields, version: int) -> None:
        super().__init__("Somebody changed this contact meanwhile. Compare both versions; what you typed is not saved yet.")
        self.typed, self.stored, self.version = typed, stored, version

    @property
    def details(self) -> dict[str, Any]:
        """What the API adds to its answer: the stored version, and both values of each field that differs."""
        differs = difference(self.typed, self.stored)
        return {"version": self.version, "differs": {name: {"typed": one, "stored": two} for name, (one, two) in differs.items()}}


def fields_of(contact: Contact, declared: Iterable[Declared]) -> Fields:
    """Return all of a loaded contact that people change, as they would say it."""
    chosen = {name: entry.name if (entry := getattr(contact, name)) else "" for name in rows.CHOSEN}
    return (
        {name: getattr(contact, name) for name in rows.PLAIN}
        | chosen
        | {
            "organisation": contact.organisation.name if contact.organisation else "",
            "type": contact.type,
            "tags": [each.name for each in contact.tags],
            "numbers": [{"type": each.type, "number": each.raw} for each in contact.numbers],
        }
        | {f"custom.{key}": answer for key, answer in custom_values.answers(contact, declared).items()}
    )


def fields_typed(data: ContactInput, stored: Fields) -> Fields:
    """Return a contact as it would be with `data`; what `data` leaves out is as stored."""
    given = data.model_dump()
    custom = {f"custom.{key}": answer for key, answer in (data.custom or {}).items()}
    left = {name: given[name] for name in ("tags", "type") if given[name] is not None}
    if data.organisation:
        left.pop("type", None)  # the organisation's counts
    typed = stored | {name: given[name] for name in (*rows.PLAIN, *rows.CHOSEN, "organisation", "numbers")} | left | custom
    for name in typed:
        if name in _COMPARED_FOLDED and text.fold(typed[name]) == text.fold(stored[name]):
            typed[name] = stored[name]
    return typed


def difference(before: Fields, after: Fields) -> Difference:
    """Return the fields that are not the same, with both values; no answer, "" and [] are the same."""
    names = [*before, *(name for name in after if name not in before)]
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if _said(pair[0]) != _said(pair[1])}


def _said(value: Any) -> Any:
    return None if value in ("", []) else value


async def record(uow: UnitOfWork, contact_id: int, differs: Difference, declared: Iterable[Declared] = ()) -> None:
    """Write on the timeline who changed what: data {"fields": {field: [old, new]}, "names": {"custom.KEY": its name}}.

    Long texts are cut; a field's name is kept as it is now, since it may be renamed or retired later.
    """
    if not differs:
        return
    names = {f"custom.{each.key}": each.field.name for each in declared}
    data: dict[str, Any] = {"fields": {name: [_shown(name, each) for each in pair] for name, pair in differs.items()}}
    data["names"] = {name: names[name] for name in differs if name in names}
    await add_entry(uow, contact_id=contact_id, kind=CHANGE, text="", at=uow.now, user_id=uow.actor.user_id, data=data)


def _shown(name: str, value: Any) -> Any:
    if name == "numbers":
        return [numbers.show(each["number"]) for each in value or []]
    if isinstance(value, str) and len(value) > LONGEST_SHOWN:
        return f"{value[: LONGEST_SHOWN - 1]}\u2026"
    return "" if value is None else value


async def last_by(uow: UnitOfWork, contact_id: int) -> int | None:
    """Return who changed a contact last, None when nobody is known. Checks no permission."""
    query = select(TimelineEntry.user_id).where(TimelineEntry.contact_id == contact_id, TimelineEntry.kind == CHANGE)
    return await uow.session.scalar(query.order_by(TimelineEntry.at.desc(), TimelineEntry.id.desc()).limit(1))


def proposed(typed: Fields, stored: Fields, base: Mapping[str, Any]) -> dict[str, str]:
    """Return, for each field that differs, whose value to propose: `stored` where only the other person changed it."""
    differs = difference(typed, stored)
    return {name: "stored" if name in base and typed.get(name) == base[name] else "typed" for name in differs}
