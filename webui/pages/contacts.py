"""Contacts: the list with its search, one contact with the timeline, and the form."""

from typing import Any
from urllib.parse import urlencode

import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.calls import service as calls
from callcenter.contacts import numbers
from callcenter.contacts import service as contacts
from callcenter.contacts.models import NUMBER_TYPES
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.meetings import service as meetings
from callcenter.meetings.forms import MeetingFilter
from callcenter.texts import service as texts
from callcenter.users.models import User
from webui import views
from webui.pages import fields, meeting_filters
from webui.pages.texts import text_id

log = structlog.get_logger(__name__)

_PAGE = 50
_TIMELINE = 30
_MEETINGS = 10


async def listing(request: Request) -> Response:
    """Show contacts, or those who fit what was typed."""
    return await _list(request, "contacts/list.html")


async def rows(request: Request) -> Response:
    """Give more rows of the list, for search as you type and for `load more`."""
    return await _list(request, "contacts/rows.html")


async def _list(request: Request, template: str) -> Response:
    actor = views.signed_in(request)
    q, after = fields.query_text(request, "q"), fields.query_text(request, "after", 1000)
    async with request.app.state.database.reading(actor) as uow:
        page = await contacts.list_contacts(uow, q=q, after=after or None, limit=_PAGE)
    more = f"/contacts/rows?{urlencode({'q': q, 'after': page.next})}" if page.next else ""
    return await views.render(request, template, contacts=page.items, q=q, more=more, first=not after, show=numbers.show)


async def show(request: Request) -> Response:
    """Show a contact and what happened with them."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        contact = await contacts.get_contact(uow, contact_id)
        context = await _timeline(uow, contact_id) | await _meetings(uow, contact_id)
    return await views.render(request, "contacts/show.html", contact=contact, show=numbers.show, **context)


async def _meetings(uow: UnitOfWork, contact_id: int) -> dict[str, Any]:
    """Return the promises to call this contact that are still open."""
    wanted = MeetingFilter(contact_id=contact_id, state=meeting_filters.OPEN_STATES, limit=_MEETINGS)
    return {"meetings": (await meetings.list_meetings(uow, wanted)).items}


async def timeline(request: Request) -> Response:
    """Give older lines of a timeline."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        context = await _timeline(uow, contact_id, fields.query_id(request, "before"))
    return await views.render(request, "contacts/timeline.html", contact_id=contact_id, **context)


async def _timeline(uow: UnitOfWork, contact_id: int, before: int | None = None) -> dict[str, Any]:
    entries = await contacts.timeline(uow, contact_id, before=before, limit=_TIMELINE + 1)
    shown = entries[:_TIMELINE]
    people = {each.user_id for each in shown if each.user_id is not None}
    names = {person: found.name for person in people if (found := await uow.session.get(User, person))}
    older = f"/contacts/{contact_id}/timeline?before={shown[-1].id}" if len(entries) > _TIMELINE else ""
    return {"entries": shown, "names": names, "older": older, "newest": before is None}


async def add_note(request: Request) -> Response:
    """Write a note on the timeline and show it."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    error = ""
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await contacts.add_note(uow, contact_id, fields.text(form, "text"))
    except Invalid as refused:
        error = views.translate(request, refused)
    if not error:
        return views.redirect(f"/contacts/{contact_id}")
    async with request.app.state.database.reading(actor) as uow:
        contact = await contacts.get_contact(uow, contact_id)
        context = await _timeline(uow, contact_id) | await _meetings(uow, contact_id)
    return await views.render(request, "contacts/show.html", 422, contact=contact, show=numbers.show, note_error=error, **context)


async def new(request: Request) -> Response:
    """Show the form of a new contact, the caller's number filled in."""
    views.signed_in(request)
    number, call = fields.query_text(request, "number", 40), fields.query_text(request, "call", 64)
    given = {"numbers": [{"type": "mobile", "number": numbers.show(number)}]} if number else {}
    return await _form(request, given, call=call, text=fields.query_text(request, "text", 32))


async def create(request: Request) -> Response:
    """Add the contact; made for a call or a text message, that becomes theirs."""
    actor = views.signed_in(request)
    form = await views.form(request)
    given, call, text = _given(form), fields.text(form, "call"), fields.text(form, "text")
    try:
        data = fields.validated(contacts.ContactInput, given)
        async with request.app.state.database.unit_of_work(actor) as uow:
            contact = await contacts.create_contact(uow, data, request.app.state.settings.region)
            if call:
                await _match(uow, call, contact.id)
            if text:
                await texts.attach(uow, text_id(text), contact.id)
            contact_id = contact.id
    except (Invalid, Conflict) as error:
        return await _form(request, given, call=call, text=text, refused=error)
    return views.redirect(f"/contacts/{contact_id}")


async def _match(uow: UnitOfWork, call_id: str, contact_id: int) -> None:
    """Give the call to the new contact; a call that another person has answered meanwhile stays as it is."""
    try:
        await calls.change_match(uow, call_id, contact_id)
    except NotFound as error:
        log.info("contact.call_not_matched", call_id=call_id, reason=str(error))


async def edit(request: Request) -> Response:
    """Show the form of a contact, its timeline beside it."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        contact = await contacts.get_contact(uow, contact_id)
    given = {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "organisation": contact.organisation.name if contact.organisation else "",
        "position": contact.position,
        "email": contact.email,
        "note": contact.note,
        "numbers": [{"type": each.type, "number": each.raw} for each in contact.numbers],
    }
    return await _form(request, given, contact_id=contact_id, version=contact.version)


async def update(request: Request) -> Response:
    """Change the contact, unless somebody did so meanwhile."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    given, version = _given(form), fields.whole(form, "version") or 0
    try:
        data = fields.validated(contacts.ContactInput, given)
        async with request.app.state.database.unit_of_work(actor) as uow:
            await contacts.update_contact(uow, contact_id, data, version, request.app.state.settings.region)
    except (Invalid, Conflict) as error:
        return await _form(request, given, contact_id=contact_id, version=version, refused=error)
    return views.redirect(f"/contacts/{contact_id}")


def _given(form: FormData) -> dict[str, Any]:
    """Return the form as ContactInput takes it; number rows left empty are no numbers."""
    plain = {name: fields.text(form, name) for name in ("first_name", "last_name", "organisation", "position", "email", "note")}
    pairs = zip(fields.texts(form, "number_type"), fields.texts(form, "number"), strict=False)
    return plain | {"numbers": [{"type": kind, "number": number} for kind, number in pairs if number]}


async def _form(
    request: Request,
    given: dict[str, Any],
    *,
    contact_id: int | None = None,
    version: int = 0,
    call: str = "",
    text: str = "",
    refused: CallCenterError | None = None,
) -> Response:
    beside: dict[str, Any] = {}
    if contact_id is not None:
        async with request.app.state.database.reading(views.signed_in(request)) as uow:
            beside = await _timeline(uow, contact_id)
    return await views.render(
        request,
        "contacts/form.html",
        refused.status if refused else 200,
        given=given,
        contact_id=contact_id,
        version=version,
        call=call,
        text=text,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "") if refused else "",
        number_types=NUMBER_TYPES,
        **beside,
    )


async def organisations(request: Request) -> Response:
    """Give names that begin as typed, for the form's suggestions."""
    actor = views.signed_in(request)
    async with request.app.state.database.reading(actor) as uow:
        found = await contacts.list_organisations(uow, fields.query_text(request, "organisation", 100), 10)
    return await views.render(request, "contacts/organisations.html", organisations=found)


ROUTES = [
    Route("/contacts", listing, methods=["GET"]),
    Route("/contacts", create, methods=["POST"]),
    Route("/contacts/rows", rows, methods=["GET"]),
    Route("/contacts/organisations", organisations, methods=["GET"]),
    Route("/contacts/new", new, methods=["GET"]),
    Route("/contacts/{id:int}", show, methods=["GET"]),
    Route("/contacts/{id:int}/timeline", timeline, methods=["GET"]),
    Route("/contacts/{id:int}/notes", add_note, methods=["POST"]),
    Route("/contacts/{id:int}/edit", edit, methods=["GET"]),
    Route("/contacts/{id:int}/edit", update, methods=["POST"]),
]
