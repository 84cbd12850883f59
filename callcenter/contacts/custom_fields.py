"""Fields of one's own (S12), declared by administrators: their kind for good, their name, order, options and use as they like."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import select

from callcenter.actor import Role
from callcenter.contacts import replacing, text, words
from callcenter.contacts.custom_values import Declared, declared
from callcenter.contacts.field_models import CustomField, CustomOption
from callcenter.contacts.forms import CustomKey, Line
from callcenter.contacts.replacing import Values
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.users.service import audit

MOST = 50
CHOICES = ("choice", "choices")
LONGEST_KEY = 40

Kind = Literal["text", "number", "date", "choice", "choices", "yes_no"]


class CustomFieldInput(BaseModel):
    """A field to be declared. `key` is made of the name when it is left out; `options`, in order, are those of a choice."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    kind: Kind
    key: CustomKey | None = None
    required: bool = False
    options: Annotated[list[Annotated[str, Field(max_length=300), AfterValidator(text.clean)]], Field(max_length=words.MOST)] = []


async def list_fields(uow: UnitOfWork, *, retired: bool = False) -> list[Declared]:
    """Return the fields in their order with their options, retired fields too if wanted."""
    uow.actor.require(Role.CONSULTANT)
    found = await declared(uow)
    if retired:
        query = select(CustomField).where(CustomField.retired_at.is_not(None)).order_by(CustomField.place, CustomField.id)
        found += [Declared(each, tuple(await _options(uow, each.id))) for each in await uow.session.scalars(query)]
    return found


async def get_field(uow: UnitOfWork, field_id: int) -> Declared:
    """Return a field, a retired one too; raises NotFound."""
    uow.actor.require(Role.CONSULTANT)
    field = await uow.session.get(CustomField, field_id)
    if field is None:
        raise NotFound("There is no such field.")
    return Declared(field, tuple(await _options(uow, field_id)))


async def add_field(uow: UnitOfWork, data: CustomFieldInput) -> Declared:
    """Declare a field, last in order (administrators); raises Conflict when the key is taken, Invalid for one too many."""
    uow.actor.require(Role.ADMINISTRATOR)
    there = list(await uow.session.scalars(select(CustomField).order_by(CustomField.place, CustomField.id)))
    if sum(each.retired_at is None for each in there) >= MOST:
        raise Invalid("There are at most {most} fields of your own.", field="name", most=MOST)
    name = words.clean_name(data.name)
    if any(text.fold(each.name) == text.fold(name) and each.retired_at is None for each in there):
        raise Conflict("{name} is in the list already.", name=name)
    if data.kind not in CHOICES and data.options:
        raise Invalid("Only a choice has options.", field="options")
    if data.kind in CHOICES and not data.options:
        raise Invalid("A choice needs options.", field="options")
    field = CustomField(key=_key(data, name, {each.key for each in there}), name=name, kind=data.kind, required=data.required)
    uow.session.add(field)
    await uow.session.flush()
    words.move([*there, field], field, len(there) + 1)
    options: list[CustomOption] = []
    for each in data.options:
        said = words.check_new(each, options)
        options.append(CustomOption(field_id=field.id, name=said, folded=text.fold(said), place=len(options) + 1))
    uow.session.add_all(options)
    await uow.session.flush()
    audit(uow, "custom_field.added", "custom_field", field.id, key=field.key, name=name, kind=field.kind)
    return Declared(field, tuple(options))


async def update_field(
    uow: UnitOfWork, field_id: int, *, name: str | None = None, required: bool | None = None, place: int | None = None
) -> Declared:
    """Call a field otherwise, ask for it or not, or put it at a place counted from 1 (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    found = await get_field(uow, field_id)
    field = found.field
    there = list(await uow.session.scalars(select(CustomField).order_by(CustomField.place, CustomField.id)))
    if name is not None and name != field.name:
        name = words.clean_name(name)
        others = (each for each in there if each.id != field_id and each.retired_at is None)
        if any(text.fold(each.name) == text.fold(name) for each in others):
            raise Conflict("{name} is in the list already.", name=name)
        audit(uow, "custom_field.renamed", "custom_field", field_id, key=field.key, before=field.name, name=name)
        field.name = name
    if required is not None and required != field.required:
        audit(uow, "custom_field.required", "custom_field", field_id, key=field.key, required=required)
        field.required = required
    if place is not None and field.retired_at is None:
        words.move(there, field, place)
    await uow.session.flush()
    return found


async def retire_field(uow: UnitOfWork, field_id: int, values: Literal["keep", "clear"] = "keep") -> Declared:
    """Show a field no more (administrators). What contacts have in it stays for when it comes back, or is cleared."""
    uow.actor.require(Role.ADMINISTRATOR)
    found = await get_field(uow, field_id)
    found.field.retired_at = found.field.retired_at or uow.now
    if values == "clear":
        await replacing.begin(uow, "field", field_id, None)
    await uow.session.flush()
    audit(uow, "custom_field.retired", "custom_field", field_id, key=found.key, name=found.field.name, values=values)
    return found


async def restore_field(uow: UnitOfWork, field_id: int) -> Declared:
    """Show a retired field again, with what contacts have in it (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    found = await get_field(uow, field_id)
    if found.field.retired_at is not None:
        found.field.retired_at = None
        await uow.session.flush()
        await replacing.stop(uow, "field", field_id)
        audit(uow, "custom_field.restored", "custom_field", field_id, key=found.key, name=found.field.name)
    return found


async def add_option(uow: UnitOfWork, field_id: int, name: str) -> CustomOption:
    """Add an option at the end of a choice (administrators); raises Conflict when it is there already."""
    uow.actor.require(Role.ADMINISTRATOR)
    found = await get_field(uow, field_id)
    if found.kind not in CHOICES:
        raise Invalid("Only a choice has options.", field="name")
    name = words.check_new(name, found.options)
    option = CustomOption(field_id=field_id, name=name, folded=text.fold(name))
    uow.session.add(option)
    await uow.session.flush()
    words.move([*found.options, option], option, words.MOST + 1)
    audit(uow, "custom_option.added", "custom_field", field_id, key=found.key, name=name)
    return option


async def update_option(
    uow: UnitOfWork, field_id: int, option_id: int, *, name: str | None = None, place: int | None = None
) -> CustomOption:
    """Call an option otherwise, or put it at a place counted from 1 (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    found, option = await _option(uow, field_id, option_id)
    if name is not None and name != option.name:
        before = option.name
        words.rename(option, name, found.options)
        audit(uow, "custom_option.renamed", "custom_field", field_id, key=found.key, before=before, name=option.name)
    if place is not None and option.retired_at is None:
        words.move(found.options, option, place)
    await uow.session.flush()
    return option


async def retire_option(uow: UnitOfWork, field_id: int, option_id: int, values: Values = "keep", by: str = "") -> CustomOption:
    """Offer an option no more (administrators); what contacts have stays, becomes the option named `by`, or is cleared."""
    uow.actor.require(Role.ADMINISTRATOR)
    found, option = await _option(uow, field_id, option_id)
    other = next((each for each in found.offered if each.folded == text.fold(by) and each.id != option_id), None)
    if values == "replace" and other is None:
        raise Invalid("Choose another word to take its place.", field="by")
    option.retired_at = option.retired_at or uow.now
    words.move([each for each in found.options if each.id != option_id], option, words.MOST + 1)
    await uow.session.flush()
    if values != "keep":
        await replacing.begin(uow, "option", option_id, other.id if other and values == "replace" else None)
    audit(uow, "custom_option.retired", "custom_field", field_id, key=found.key, name=option.name, values=values)
    return option


async def restore_option(uow: UnitOfWork, field_id: int, option_id: int) -> CustomOption:
    """Offer a retired option again, at the end (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    found, option = await _option(uow, field_id, option_id)
    if option.retired_at is not None:
        option.retired_at = None
        words.move(found.options, option, words.MOST + 1)
        await uow.session.flush()
        await replacing.stop(uow, "option", option_id)
        audit(uow, "custom_option.restored", "custom_field", field_id, key=found.key, name=option.name)
    return option


async def used(uow: UnitOfWork, what: Literal["field", "option"], of_id: int) -> int:
    """Return how many contacts have an answer, or an option, of all there are (administrators); at most words.COUNTED + 1."""
    uow.actor.require(Role.ADMINISTRATOR)
    return await words.count(uow, replacing.users(what, of_id))


async def _option(uow: UnitOfWork, field_id: int, option_id: int) -> tuple[Declared, CustomOption]:
    found = await get_field(uow, field_id)
    for option in found.options:
        if option.id == option_id:
            return found, option
    raise NotFound("There is no such word.")


async def _options(uow: UnitOfWork, field_id: int) -> list[CustomOption]:
    query = select(CustomOption).where(CustomOption.field_id == field_id).order_by(CustomOption.place, CustomOption.id)
    return list(await uow.session.scalars(query))


def _key(data: CustomFieldInput, name: str, taken: set[str]) -> str:
    if data.key:
        if data.key in taken:
            raise Conflict("There is already a field {key}.", key=data.key)
        return data.key
    plain = re.sub(r"[^a-z0-9]+", "_", text.fold(name)).strip("_")
    made = (plain if plain[:1].isalpha() else f"field_{plain}").strip("_")[: LONGEST_KEY - 4]
    return next(key for n in range(1, MOST * 100) if (key := made if n == 1 else f"{made}_{n}") not in taken)
