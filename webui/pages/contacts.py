"""One contact with the timeline, and the form. The list: contact_list.py."""

from contextlib import suppress
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.calls import service as calls
from callcenter.contacts import changes, custom_values, numbers
from callcenter.contacts import service as contacts
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.meetings import service as meetings
from callcenter.meetings.forms import MeetingFilter
from callcenter.texts import service as texts
from callcenter.users.models import User
from webui import views
from webui.api.avatars import served
from webui.pages import contact_form, fields, meeting_filters
from webui.pages.contact_frame import frame
from webui.pages.texts import text_id

log = structlog.get_logger(__name__)

_MEETINGS = 10


async def show(request: Request) -> Response:
    """Show a contact: the form itself, or all there is to read for who may not change it, and what happened with them."""
    return await _show(request, saved=fields.query_text(request, "saved", 40))


async def _show(request: Request, status: int = 200, /, **more: Any) -> Response:
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, contact_id, "general", fields.query_text(request, "kind", 100)) | await _meetings(
            uow, contact_id
        )
        declared = await custom_values.declared(uow)
        contact = context["contact"]
        shown = {
            "given": contact_form.stored(contact, declared),
            "version": contact.version,
            "error": "",
            "fault": "",
            "saved": "",
        }
        lists = await contact_form.lists(uow, more.get("given", shown["given"]), declared)
        lists["base"] = contact_form.base_text(shown["given"])
    by_raw = {each.raw: each for each in contact.numbers}
    known = {"by_raw": by_raw, "known_fields": contact_form.SHOWN, "country": contact_form.country}
    return await views.render(request, "contacts/show.html", status, **context | lists | known | shown | more)


async def _meetings(uow: UnitOfWork, contact_id: int) -> dict[str, Any]:
    """Return the promises to call this contact that are still open."""
    wanted = MeetingFilter(contact_id=contact_id, state=meeting_filters.OPEN_STATES, limit=_MEETINGS)
    return {"meetings": (await meetings.list_meetings(uow, wanted)).items}


async def new(request: Request) -> Response:
    """Show the form of a new contact, the caller's number filled in."""
    views.signed_in(request)
    number, call = fields.query_text(request, "number", 40), fields.query_text(request, "call", 64)
    given = contact_form.empty() | ({"numbers": [{"type": "mobile", "number": numbers.show(number)}]} if number else {})
    given |= await _organisation_given(request)
    return await _form(request, given, call=call, text=fields.query_text(request, "text", 32))


async def _organisation_given(request: Request) -> dict[str, str]:
    """Return the organisation a new contact is to belong to, as its form takes it, when the address names one that is seen."""
    organisation_id = fields.query_id(request, "organisation")
    if organisation_id is None:
        return {}
    with suppress(NotFound):
        async with request.app.state.database.reading(views.signed_in(request)) as uow:
            return {"organisation": (await contacts.get_organisation(uow, organisation_id)).name}
    return {}


async def create(request: Request) -> Response:
    """Add the contact; made for a call or a text message, that becomes theirs."""
    actor = views.signed_in(request)
    form = await views.form(request)
    call, text = fields.text(form, "call"), fields.text(form, "text")
    async with request.app.state.database.reading(actor) as uow:
        declared = await custom_values.declared(uow)
    given = contact_form.typed(form, declared)
    try:
        data = contact_form.data(given, declared)
        async with request.app.state.database.unit_of_work(actor) as uow:
            contact = await contacts.create_contact(uow, data, request.app.state.settings.region)
            if call:
                await _match(uow, call, contact.id)
            if text:
                await texts.attach(uow, text_id(text), contact.id)
            contact_id = contact.id
    except (Invalid, Conflict) as error:
        return await _form(request, given, call=call, text=text, refused=error)
    return views.redirect(f"/contacts/{contact_id}?saved=contact-new")


async def _match(uow: UnitOfWork, call_id: str, contact_id: int) -> None:
    """Give the call to the new contact; a call that another person has answered meanwhile stays as it is."""
    try:
        await calls.change_match(uow, call_id, contact_id)
    except NotFound as error:
        log.info("contact.call_not_matched", call_id=call_id, reason=str(error))


async def edit(request: Request) -> Response:
    """Lead to the contact's page, which is its form: addresses from before it was."""
    views.signed_in(request)
    return views.redirect(f"/contacts/{fields.path_id(request)}")


async def update(request: Request) -> Response:
    """Change the contact; when somebody did so meanwhile, show both versions to choose from."""
    actor, contact_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    async with request.app.state.database.reading(actor) as uow:
        declared = await custom_values.declared(uow)
        given = contact_form.typed(form, declared)
        stored = contact_form.stored(await contacts.get_contact(uow, contact_id), declared)
    chosen = {name.removeprefix("take."): value for name, value in form.items() if name.startswith("take.")}
    for name in (name for name, side in chosen.items() if side == "stored"):
        contact_form.take(given, name, contact_form.flat(stored).get(name, ""))
    try:
        data = contact_form.data(given, declared, tags=fields.flag(form, "shows_tags"))
        async with request.app.state.database.unit_of_work(actor) as uow:
            version = fields.whole(form, "version") or 0
            await contacts.update_contact(uow, contact_id, data, version, request.app.state.settings.region)
    except contacts.ChangedMeanwhile:
        return await _conflict(request, contact_id, given, contact_form.base(form))
    except (Invalid, Conflict) as error:
        fault, sentence = getattr(error, "field", None) or "", views.translate(request, error)
        typed = {"given": given, "error": sentence, "fault": fault, "version": fields.text(form, "version")}
        return await _show(request, error.status, **typed, base=fields.text(form, "base"))
    return views.redirect(f"/contacts/{contact_id}?saved=contact-{contact_id}")


async def _conflict(request: Request, contact_id: int, given: contact_form.Given, base: dict[str, Any]) -> Response:
    """Show what was typed beside what somebody else saved meanwhile, field by field."""
    async with request.app.state.database.reading(views.signed_in(request)) as uow:
        contact = await contacts.get_contact(uow, contact_id)
        declared = await custom_values.declared(uow)
        stored = contact_form.stored(contact, declared)
        by = await changes.last_by(uow, contact_id)
        by_name = found.name if by and (found := await uow.session.get(User, by)) else ""
    typed, theirs = contact_form.flat(given), contact_form.flat(stored)
    if contact.organisation:
        typed["type"] = theirs["type"]  # the organisation's
    differs = changes.difference(theirs | typed, theirs)
    if not differs:
        return views.redirect(f"/contacts/{contact_id}?saved=contact-{contact_id}")
    return await views.render(
        request,
        "contacts/conflict.html",
        Conflict.status,
        contact_id=contact_id,
        title_name=contact.name or (contact.organisation.name if contact.organisation else ""),
        version=contact.version,
        at=contact.updated_at,
        by=by_name,
        differs=[(name, mine, stored_now) for name, (mine, stored_now) in differs.items()],
        proposed=changes.proposed(theirs | typed, theirs, base),
        flat=typed,
        base=contact_form.base_text(stored),
        custom_names={f"custom.{each.key}": each.field.name for each in declared},
        yes_no={f"custom.{each.key}": each.kind == "yes_no" for each in declared},
        country=contact_form.country,
    )


async def _form(
    request: Request, given: contact_form.Given, *, call: str = "", text: str = "", refused: CallCenterError | None = None
) -> Response:
    async with request.app.state.database.reading(views.signed_in(request)) as uow:
        declared = await custom_values.declared(uow)
        lists = await contact_form.lists(uow, given, declared)
    fault = (getattr(refused, "field", None) or "") if refused else ""
    more = fault.startswith(contact_form.FOLDED) or any(given[name] for name in ("numbers", "organisation", "email"))
    return await views.render(
        request,
        "contacts/form.html",
        refused.status if refused else 200,
        contact=None,
        given=given,
        version=0,
        call=call,
        text=text,
        more=more,
        error=views.translate(request, refused) if refused else "",
        fault=fault,
        known_fields=contact_form.SHOWN,
        **lists,
    )


async def avatar(request: Request) -> Response:
    """Serve the contact's picture to who may see the contact."""
    return await served(request, views.signed_in(request), fields.path_id(request))


async def organisations(request: Request) -> Response:
    """Give names that begin as typed, for the form's suggestions."""
    actor = views.signed_in(request)
    async with request.app.state.database.reading(actor) as uow:
        found = await contacts.list_organisations(uow, fields.query_text(request, "organisation", 100), 10)
    return await views.render(request, "contacts/organisations.html", organisations=found)


ROUTES = [
    Route("/contacts", create, methods=["POST"]),
    Route("/contacts/organisations", organisations, methods=["GET"]),
    Route("/contacts/new", new, methods=["GET"]),
    Route("/contacts/{id:int}", show, methods=["GET"]),
    Route("/contacts/{id:int}", update, methods=["POST"]),
    Route("/contacts/{id:int}/avatar", avatar, methods=["GET"]),
    Route("/contacts/{id:int}/edit", edit, methods=["GET"]),
]
