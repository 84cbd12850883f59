"""What contacts are described with: dictionaries of words to choose from, and fields of one's own."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from callcenter.actor import Role
from callcenter.contacts import custom_fields, dictionaries
from callcenter.contacts.custom_fields import CustomFieldInput
from callcenter.contacts.custom_values import Declared
from callcenter.contacts.field_models import CustomOption, DictionaryEntry
from callcenter.contacts.replacing import Values
from callcenter.contacts.words import MOST
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, NotFound
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Line

Kind = Literal["position", "stage", "source", "segment", "tag"]
Place = Annotated[int, Field(ge=1, le=MOST)]


class WordOut(BaseModel):
    """A word to choose from. A retired one stays where it is chosen and may not be newly chosen."""

    id: int
    name: str
    retired: bool


class WordList(BaseModel):
    """Words in their order, the retired ones last."""

    items: list[WordOut]


class WordsQuery(In):
    """Whether retired ones are wanted, too."""

    retired: bool = False


class WordIn(In):
    """A new word."""

    name: Line


class WordChange(In):
    """Another name, or another place in the order, counted from 1; what is left out stays."""

    name: Line | None = None
    place: Place | None = None


class Retirement(In):
    """What becomes of a retired word where it is chosen: it stays, `by` takes its place, or nothing does."""

    values: Values = "keep"
    by: Line = ""


class FieldOut(BaseModel):
    """A field of one's own; `key` names it in a contact's `custom`."""

    id: int
    key: str
    name: str
    kind: str
    required: bool
    retired: bool
    options: list[WordOut]


class FieldList(BaseModel):
    """Fields in their order, the retired ones last."""

    items: list[FieldOut]


class FieldChange(In):
    """Another name, required or not, another place counted from 1; what is left out stays."""

    name: Line | None = None
    required: bool | None = None
    place: Place | None = None


class FieldRetirement(In):
    """What becomes of what contacts have in the field: it stays for when the field comes back, or is cleared."""

    values: Literal["keep", "clear"] = "keep"


def _word(word: DictionaryEntry | CustomOption) -> WordOut:
    return WordOut(id=word.id, name=word.name, retired=word.retired_at is not None)


def _field(found: Declared) -> FieldOut:
    plain = {name: getattr(found.field, name) for name in ("id", "key", "name", "kind", "required")}
    return FieldOut(**plain, retired=found.field.retired_at is not None, options=[_word(each) for each in found.options])


@operation("GET", "/dictionaries/{kind}", "listWords")
async def list_words(uow: UnitOfWork, kind: Kind, query: WordsQuery) -> WordList:
    """The words of a dictionary."""
    found = await dictionaries.list_entries(uow, kind, retired=query.retired)
    return WordList(items=[_word(each) for each in found])


@operation("POST", "/dictionaries/{kind}", "addWord", role=Role.ADMINISTRATOR, errors=(Conflict,), status=201)
async def add_word(uow: UnitOfWork, kind: Kind, body: WordIn) -> WordOut:
    """Add a word at the end."""
    return _word(await dictionaries.add_entry(uow, kind, body.name))


@operation("PUT", "/dictionaries/{kind}/{word_id}", "changeWord", role=Role.ADMINISTRATOR, errors=(Conflict,))
async def change_word(uow: UnitOfWork, kind: Kind, word_id: Id, body: WordChange) -> WordOut:
    """Rename a word wherever it is chosen, or move it."""
    return _word(await dictionaries.update_entry(uow, kind, word_id, name=body.name, place=body.place))


@operation("POST", "/dictionaries/{kind}/{word_id}/retire", "retireWord", role=Role.ADMINISTRATOR)
async def retire_word(uow: UnitOfWork, kind: Kind, word_id: Id, body: Retirement) -> WordOut:
    """Offer a word no more; contacts that have it are changed in the background, if so wanted."""
    return _word(await dictionaries.retire_entry(uow, kind, word_id, body.values, body.by))


@operation("POST", "/dictionaries/{kind}/{word_id}/restore", "restoreWord", role=Role.ADMINISTRATOR)
async def restore_word(uow: UnitOfWork, kind: Kind, word_id: Id) -> WordOut:
    """Offer a retired word again."""
    return _word(await dictionaries.restore_entry(uow, kind, word_id))


@operation("GET", "/custom-fields", "listCustomFields")
async def list_fields(uow: UnitOfWork, query: WordsQuery) -> FieldList:
    """The fields of one's own."""
    return FieldList(items=[_field(each) for each in await custom_fields.list_fields(uow, retired=query.retired)])


@operation("POST", "/custom-fields", "addCustomField", role=Role.ADMINISTRATOR, errors=(Conflict,), status=201)
async def add_field(uow: UnitOfWork, body: CustomFieldInput) -> FieldOut:
    """Declare a field."""
    return _field(await custom_fields.add_field(uow, body))


@operation("PUT", "/custom-fields/{field_id}", "changeCustomField", role=Role.ADMINISTRATOR, errors=(Conflict,))
async def change_field(uow: UnitOfWork, field_id: Id, body: FieldChange) -> FieldOut:
    """Rename a field, ask for it or not, or move it; its kind and key stay."""
    return _field(await custom_fields.update_field(uow, field_id, name=body.name, required=body.required, place=body.place))


@operation("POST", "/custom-fields/{field_id}/retire", "retireCustomField", role=Role.ADMINISTRATOR)
async def retire_field(uow: UnitOfWork, field_id: Id, body: FieldRetirement) -> FieldOut:
    """Show a field no more."""
    return _field(await custom_fields.retire_field(uow, field_id, body.values))


@operation("POST", "/custom-fields/{field_id}/restore", "restoreCustomField", role=Role.ADMINISTRATOR)
async def restore_field(uow: UnitOfWork, field_id: Id) -> FieldOut:
    """Show a retired field again, with what contacts have in it."""
    return _field(await custom_fields.restore_field(uow, field_id))


@operation(
    "POST", "/custom-fields/{field_id}/options", "addOption", role=Role.ADMINISTRATOR, errors=(Conflict, NotFound), status=201
)
async def add_option(uow: UnitOfWork, field_id: Id, body: WordIn) -> WordOut:
    """Add an option to a choice, at the end."""
    return _word(await custom_fields.add_option(uow, field_id, body.name))


@operation("PUT", "/custom-fields/{field_id}/options/{option_id}", "changeOption", role=Role.ADMINISTRATOR, errors=(Conflict,))
async def change_option(uow: UnitOfWork, field_id: Id, option_id: Id, body: WordChange) -> WordOut:
    """Rename an option wherever it is chosen, or move it."""
    return _word(await custom_fields.update_option(uow, field_id, option_id, name=body.name, place=body.place))


@operation("POST", "/custom-fields/{field_id}/options/{option_id}/retire", "retireOption", role=Role.ADMINISTRATOR)
async def retire_option(uow: UnitOfWork, field_id: Id, option_id: Id, body: Retirement) -> WordOut:
    """Offer an option no more."""
    return _word(await custom_fields.retire_option(uow, field_id, option_id, body.values, body.by))


@operation("POST", "/custom-fields/{field_id}/options/{option_id}/restore", "restoreOption", role=Role.ADMINISTRATOR)
async def restore_option(uow: UnitOfWork, field_id: Id, option_id: Id) -> WordOut:
    """Offer a retired option again."""
    return _word(await custom_fields.restore_option(uow, field_id, option_id))


ROUTES = routes_of(__name__)
