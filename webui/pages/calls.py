"""Calls: one's own history, everybody's for supervisors, and one call with its match, note and audio."""

from urllib.parse import urlencode

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.calls import dropping
from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg
from callcenter.campaigns import confirmation_queries
from callcenter.contacts import organisations
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.meetings import talks
from callcenter.projects import service as projects
from webui import i18n, views
from webui.pages import fields

_PAGE = 50
_FOUND = 8
_NO_TALK = ("ended", "announcing", "playing")  # states of a call in which there is nobody to listen to


async def own(request: Request) -> Response:
    """Show the calls of whoever asks."""
    views.signed_in(request)
    return await _list(request, mine=True)


async def everybody(request: Request) -> Response:
    """Show all calls to a supervisor."""
    views.signed_in(request, Role.SUPERVISOR)
    return await _list(request, mine=False)


async def _list(request: Request, *, mine: bool) -> Response:
    actor, after = views.signed_in(request), fields.query_text(request, "after", 100)
    async with request.app.state.database.reading(actor) as uow:
        page = await calls.list_calls(uow, mine=mine, after=after or None, limit=_PAGE)
    more = f"{request.url.path}?{urlencode({'after': page.next})}" if page.next else ""
    template = "calls/rows.html" if after else "calls/list.html"
    return await views.render(request, template, calls=page.items, mine=mine, more=more)


async def show(request: Request) -> Response:
    """Show one call."""
    return await _show(request)


async def show_again(request: Request, refused: CallCenterError, step: dict[str, str]) -> Response:
    """Show one call with why a step after its spoken yes is not recorded, and what was typed."""
    return await _show(request, refused, step=step)


async def _show(
    request: Request,
    refused: CallCenterError | None = None,
    typed: str | None = None,
    step: dict[str, str] | None = None,
) -> Response:
    actor, call_id = views.signed_in(request), request.path_params["id"]
    async with request.app.state.database.reading(actor) as uow:
        call = await calls.get_call(uow, call_id)
        legs = list(await uow.session.scalars(select(Leg).where(Leg.call_id == call_id).order_by(Leg.started_at)))
        dispositions = await projects.dispositions(uow, call.project_id)
        about = await talks.of_call(uow, call_id)
        listenings = await calls.listenings(uow, call_id)
        yes = await confirmation_queries.of_call(uow, call_id)
        row = await uow.session.get_one(Call, call_id)
        told = dropping.told(row) if call.state == "ended" else None
        played = dropping.played(row)
    return await views.render(
        request,
        "calls/show.html",
        refused.status if refused else 200,
        call=call,
        legs=legs,
        dispositions=dispositions,
        typed=typed,
        dropped=i18n.say(told.text, told.values) if told else "",
        played=[i18n.say(each.text, each.values) for each in played],
        meeting=about.meeting if about else None,
        listenings=listenings,
        yes=yes,
        step=step or {},
        listenable=call.state not in ("ended", "announcing", "playing")
        and call.user_id is not None
        and actor.may(Role.SUPERVISOR),
        own=call.user_id == actor.user_id or actor.may(Role.SUPERVISOR),
        error=views.translate(request, refused) if refused else "",
    )


async def save(request: Request) -> Response:
    """Save note and disposition."""
    actor, call_id = views.signed_in(request), request.path_params["id"]
    form = await views.form(request)
    note = fields.text(form, "note")
    try:
        disposition, version = fields.whole(form, "disposition_id"), fields.whole(form, "version")
        async with request.app.state.database.unit_of_work(actor) as uow:
            await calls.set_disposition(uow, call_id, disposition, note, version)
    except (Invalid, Conflict) as error:
        return await _show(request, error, note)
    return views.redirect(f"/calls/{call_id}")


async def candidates(request: Request) -> Response:
    """Give contacts the call may belong to, as typed; before that the people of the organisation whose number it is."""
    actor, q = views.signed_in(request), fields.query_text(request, "q")
    async with request.app.state.database.reading(actor) as uow:
        if q:
            found = (await contacts.list_contacts(uow, q=q, limit=_FOUND)).items
        else:
            found = await _people(uow, request.path_params["id"])
    return await views.render(request, "calls/candidates.html", contacts=found, call_id=request.path_params["id"], q=q)


async def _people(uow: UnitOfWork, call_id: str) -> list[Contact]:
    """Return the first contacts of the organisation a call was found for, none when it has a contact."""
    call = await calls.get_call(uow, call_id)
    if call.organisation_id is None or call.contact_id is not None:
        return []
    return await organisations.members(uow, call.organisation_id, limit=_FOUND)


async def change_match(request: Request) -> Response:
    """Give the call to another contact, or to nobody; its note moves along."""
    actor, call_id = views.signed_in(request), request.path_params["id"]
    form = await views.form(request)
    try:
        contact_id = fields.whole(form, "contact_id")
        async with request.app.state.database.unit_of_work(actor) as uow:
            await calls.change_match(uow, call_id, contact_id)
    except (Invalid, Conflict) as error:
        return await _show(request, error)
    return views.redirect(f"/calls/{call_id}")


ROUTES = [
    Route("/calls", own, methods=["GET"]),
    Route("/calls/all", everybody, methods=["GET"]),
    Route("/calls/{id}", show, methods=["GET"]),
    Route("/calls/{id}", save, methods=["POST"]),
    Route("/calls/{id}/candidates", candidates, methods=["GET"]),
    Route("/calls/{id}/contact", change_match, methods=["POST"]),
]
