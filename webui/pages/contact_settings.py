"""CRM settings: the dictionaries contacts are described with, and fields of one's own, for administrators.

A page for each dictionary (/settings/contacts/stage), one for the fields, and one for each choice's options; all lists of
words look and work the same. What changes a word is one address, told apart by the form's `action`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import custom_fields, dictionaries, replacing, words
from callcenter.contacts.custom_fields import CHOICES, CustomFieldInput
from callcenter.contacts.field_models import CUSTOM_KINDS, DICTIONARIES, CustomOption, DictionaryEntry
from callcenter.contacts.replacing import Values, What
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from webui import views
from webui.pages import fields

_HOME = "/settings/contacts"


@dataclass(frozen=True, slots=True)
class _List:
    """A list of words as the page works on it: of a dictionary, or the options of a field."""

    what: What
    words: Sequence[DictionaryEntry | CustomOption]
    path: str
    title: str
    used: Callable[[int], Awaitable[int]]
    add: Callable[[str], Awaitable[Any]]
    change: Callable[..., Awaitable[Any]]
    retire: Callable[[int, Values, str], Awaitable[Any]]
    restore: Callable[[int], Awaitable[Any]]


async def _list_of(uow: UnitOfWork, request: Request) -> _List:
    kind = request.path_params.get("kind", "")
    if kind:
        if kind not in DICTIONARIES:
            raise NotFound("There is nothing at this address.")
        return _List(
            what=kind,
            words=await dictionaries.list_entries(uow, kind, retired=True),
            path=f"{_HOME}/{kind}",
            title="",
            used=lambda of_id: dictionaries.used(uow, kind, of_id),
            add=lambda name: dictionaries.add_entry(uow, kind, name),
            change=lambda of_id, **change: dictionaries.update_entry(uow, kind, of_id, **change),
            retire=lambda of_id, values, by: dictionaries.retire_entry(uow, kind, of_id, values, by),
            restore=lambda of_id: dictionaries.restore_entry(uow, kind, of_id),
        )
    field_id = fields.path_id(request, "field_id")
    found = await custom_fields.get_field(uow, field_id)
    if found.kind not in CHOICES:
        raise NotFound("There is nothing at this address.")
    return _List(
        what="option",
        words=found.options,
        path=f"{_HOME}/fields/{field_id}/options",
        title=found.field.name,
        used=lambda of_id: custom_fields.used(uow, "option", of_id),
        add=lambda name: custom_fields.add_option(uow, field_id, name),
        change=lambda of_id, **change: custom_fields.update_option(uow, field_id, of_id, **change),
        retire=lambda of_id, values, by: custom_fields.retire_option(uow, field_id, of_id, values, by),
        restore=lambda of_id: custom_fields.restore_option(uow, field_id, of_id),
    )


async def home(request: Request) -> Response:
    """Lead to the first dictionary."""
    views.signed_in(request, Role.ADMINISTRATOR)
    return views.redirect(f"{_HOME}/{DICTIONARIES[0]}")


async def show_words(request: Request) -> Response:
    """Show a list of words, how many contacts have each, and what is being replaced."""
    return await _words(request)


async def _words(request: Request, refused: CallCenterError | None = None, typed: str = "") -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    async with request.app.state.database.reading(actor) as uow:
        found = await _list_of(uow, request)
        used = {each.id: await found.used(each.id) for each in found.words}
        moving = await replacing.under_way(uow)
    busy = {each.id for each in found.words if replacing.key(found.what, each.id) in moving}
    return await views.render(
        request,
        "settings/words.html",
        refused.status if refused else 200,
        kind=found.what,
        path=found.path,
        field_name=found.title,
        words=[each for each in found.words if each.retired_at is None],
        retired=[each for each in found.words if each.retired_at is not None],
        used=used,
        counted=words.COUNTED,
        busy=busy,
        error=views.translate(request, refused) if refused else "",
        typed=typed,
        dictionaries=DICTIONARIES,
    )


async def add_word(request: Request) -> Response:
    """Add a word at the end."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    name = fields.text(await views.form(request), "name")
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            found = await _list_of(uow, request)
            await found.add(name)
    except (Invalid, Conflict) as error:
        return await _words(request, error, name)
    return views.redirect(found.path)


async def change_word(request: Request) -> Response:
    """Rename, move, retire or bring back a word."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form, word_id = await views.form(request), fields.path_id(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            found = await _list_of(uow, request)
            await _change(found, word_id, form)
    except (Invalid, Conflict) as error:
        return await _words(request, error)
    return views.redirect(found.path)


async def _change(found: _List, word_id: int, form: FormData) -> None:
    match fields.text(form, "action"):
        case "rename":
            await found.change(word_id, name=fields.text(form, "name"))
        case "move":
            await found.change(word_id, place=_place(form))
        case "retire":
            values = fields.text(form, "values")
            chosen: Values = "replace" if values == "replace" else "clear" if values == "clear" else "keep"
            await found.retire(word_id, chosen, fields.text(form, "by"))
        case "restore":
            await found.restore(word_id)
        case _:
            raise Invalid("The request could not be understood.")


def _place(form: FormData) -> int:
    return max(1, min(fields.whole(form, "place") or 1, words.MOST))


async def show_fields(request: Request) -> Response:
    """Show the fields of one's own."""
    return await _fields(request)


async def _fields(request: Request, refused: CallCenterError | None = None, given: dict[str, Any] | None = None) -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    async with request.app.state.database.reading(actor) as uow:
        found = await custom_fields.list_fields(uow, retired=True)
        used = {each.field.id: await custom_fields.used(uow, "field", each.field.id) for each in found}
        moving = await replacing.under_way(uow)
    return await views.render(
        request,
        "settings/fields.html",
        refused.status if refused else 200,
        kind="fields",
        path=f"{_HOME}/fields",
        declared=[each for each in found if each.field.retired_at is None],
        retired=[each for each in found if each.field.retired_at is not None],
        used=used,
        counted=words.COUNTED,
        busy={each.field.id for each in found if replacing.key("field", each.field.id) in moving},
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "") if refused else "",
        given=given or {"name": "", "kind": "text", "required": False, "options": []},
        kinds=CUSTOM_KINDS,
        choices=CHOICES,
        dictionaries=DICTIONARIES,
    )


async def add_field(request: Request) -> Response:
    """Declare a field."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form = await views.form(request)
    lines = [each.strip() for each in fields.text(form, "options").splitlines() if each.strip()]
    given: dict[str, Any] = {"name": fields.text(form, "name"), "kind": fields.text(form, "kind"), "options": lines}
    given["required"] = fields.flag(form, "required")
    try:
        wanted = given | ({} if given["kind"] in CHOICES else {"options": []})
        data = fields.validated(CustomFieldInput, wanted)
        async with request.app.state.database.unit_of_work(actor) as uow:
            await custom_fields.add_field(uow, data)
    except (Invalid, Conflict) as error:
        return await _fields(request, error, given)
    return views.redirect(f"{_HOME}/fields")


async def change_field(request: Request) -> Response:
    """Rename, move, retire or bring back a field, or ask for it or not."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form, field_id = await views.form(request), fields.path_id(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await _change_field(uow, field_id, form)
    except (Invalid, Conflict) as error:
        return await _fields(request, error)
    return views.redirect(f"{_HOME}/fields")


async def _change_field(uow: UnitOfWork, field_id: int, form: FormData) -> None:
    match fields.text(form, "action"):
        case "rename":
            name, required = fields.text(form, "name"), fields.flag(form, "required")
            await custom_fields.update_field(uow, field_id, name=name, required=required)
        case "move":
            await custom_fields.update_field(uow, field_id, place=_place(form))
        case "retire":
            clear = fields.text(form, "values") == "clear"
            await custom_fields.retire_field(uow, field_id, "clear" if clear else "keep")
        case "restore":
            await custom_fields.restore_field(uow, field_id)
        case _:
            raise Invalid("The request could not be understood.")


_OPTIONS = f"{_HOME}/fields/{{field_id:int}}/options"

ROUTES = [
    Route(_HOME, home, methods=["GET"]),
    Route(f"{_HOME}/fields", show_fields, methods=["GET"]),
    Route(f"{_HOME}/fields", add_field, methods=["POST"]),
    Route(f"{_HOME}/fields/{{id:int}}", change_field, methods=["POST"]),
    Route(_OPTIONS, show_words, methods=["GET"]),
    Route(_OPTIONS, add_word, methods=["POST"]),
    Route(f"{_OPTIONS}/{{id:int}}", change_word, methods=["POST"]),
    Route(f"{_HOME}/{{kind}}", show_words, methods=["GET"]),
    Route(f"{_HOME}/{{kind}}", add_word, methods=["POST"]),
    Route(f"{_HOME}/{{kind}}/{{id:int}}", change_word, methods=["POST"]),
]
