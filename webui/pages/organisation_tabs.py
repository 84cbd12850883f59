"""Tabs of an organisation: its contacts, which come and go here, the timeline of all of them, their phone meetings."""

from urllib.parse import urlencode

from sqlalchemy.orm import selectinload
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.contacts import moving, organisations, text, timeline_pages
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact, Organisation
from callcenter.contacts.timeline_pages import KINDS, Of
from callcenter.contacts.visibility import organisations_visible_to, visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotPermitted
from callcenter.meetings import service as meetings
from callcenter.meetings.forms import MeetingFilter
from webui import timeline_view, views
from webui.api.organisations import decode, encode
from webui.pages import fields, meeting_filters
from webui.pages.organisation_frame import frame
from webui.pages.timeline import line_of, lines_of

_PAGE = 50
_FOUND = 20
_MEETINGS = 100


async def members(request: Request) -> Response:
    """Show an organisation's contacts by name."""
    return await _members(request, "organisations/contacts.html")


async def member_rows(request: Request) -> Response:
    """Give more of its contacts."""
    return await _members(request, "organisations/contact_lines.html")


async def _members(request: Request, template: str, refused: CallCenterError | None = None) -> Response:
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    after = fields.query_text(request, "after", 2000)
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, organisation_id, "contacts")
        place = decode(after) if after else None
        found = await organisations.members(uow, organisation_id, after=place, limit=_PAGE + 1)
    shown = found[:_PAGE]
    path = f"/organisations/{organisation_id}/contacts/rows?"
    context |= {
        "contacts": shown,
        "more": path + urlencode({"after": encode(shown[-1])}) if len(found) > _PAGE else "",
        "error": views.translate(request, refused) if refused else "",
        "told": {name: fields.query_id(request, name) or 0 for name in ("moved", "refused", "nameless")},
    }
    return await views.render(request, template, refused.status if refused else 200, **context)


async def move_away(request: Request) -> Response:
    """Move chosen contacts to another organisation, or out of this one when none is named."""
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            target = await _named(uow, fields.text(form, "organisation"))
            moved = await moving.move_contacts(uow, _ids(form), target)
    except (Invalid, Conflict, NotPermitted) as error:
        return await _members(request, "organisations/contacts.html", error)
    return views.redirect(f"/organisations/{organisation_id}/contacts?{_told(moved)}")


async def _named(uow: UnitOfWork, name: str) -> int | None:
    """Return the organisation of that name, None for no name; raises Invalid when there is none the actor may see."""
    folded = text.fold(name)
    if not folded:
        return None
    query = organisations_visible_to(uow.actor).where(Organisation.folded == folded).with_only_columns(Organisation.id)
    found: int | None = await uow.session.scalar(query.order_by(Organisation.id).limit(1))
    if found is None:
        raise Invalid("There is no organisation {name}.", field="organisation", name=name)
    return found


async def move_here(request: Request) -> Response:
    """Show contacts to be found and chosen, so that they move here."""
    return await _move_here(request)


async def _move_here(request: Request, refused: CallCenterError | None = None) -> Response:
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    q = fields.query_text(request, "q")
    kept = [int(each) for each in request.query_params.getlist("ids")[: moving.MOST_AT_ONCE] if each.isdigit() and len(each) < 10]
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, organisation_id, "contacts")
        loaded = (selectinload(Contact.organisation), selectinload(Contact.numbers))
        query = visible_to(actor).where(Contact.id.in_(kept)).options(*loaded).order_by(Contact.sort_name, Contact.id)
        chosen = list(await uow.session.scalars(query)) if kept else []
        found = (await contacts.list_contacts(uow, q=q, limit=_FOUND)).items if q else []
    context |= {
        "chosen": chosen,
        "found": [each for each in found if each.id not in kept],
        "q": q,
        "error": views.translate(request, refused) if refused else "",
    }
    return await views.render(request, "organisations/move.html", refused.status if refused else 200, **context)


async def moved_here(request: Request) -> Response:
    """Move the chosen contacts here, with their history."""
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await organisations.changeable(uow, organisation_id)
            moved = await moving.move_contacts(uow, _ids(form), organisation_id)
    except (Invalid, Conflict, NotPermitted) as error:
        return await _move_here(request, error)
    return views.redirect(f"/organisations/{organisation_id}/contacts?{_told(moved)}")


def _ids(form: FormData) -> list[int]:
    return [int(each) for each in fields.texts(form, "ids") if each.isascii() and each.isdigit() and len(each) < 10]


def _told(moved: moving.Moved) -> str:
    return urlencode({"moved": len(moved.moved), "refused": len(moved.refused), "nameless": len(moved.nameless)})


async def timeline(request: Request) -> Response:
    """Show what happened with the organisation and all its contacts."""
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    chosen = timeline_pages.wanted(each for each in fields.query_text(request, "kind", 100).split(",") if each in KINDS)
    notes = f"/organisations/{organisation_id}/notes"
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, organisation_id, "timeline")
        of, path = Of(organisation_id=organisation_id), _lines_path(organisation_id)
        found = await timeline_view.view(uow, of, path, kinds=chosen, notes=notes)
    return await views.render(request, "organisations/timeline.html", timeline=found, **context)


async def timeline_lines(request: Request) -> Response:
    """Give lines of that timeline, as its script asks for them."""
    organisation_id = fields.path_id(request)
    return await lines_of(request, Of(organisation_id=organisation_id), _lines_path(organisation_id))


async def timeline_line(request: Request) -> Response:
    """Give one line of it anew."""
    organisation_id = fields.path_id(request)
    return await line_of(request, Of(organisation_id=organisation_id), _lines_path(organisation_id))


def _lines_path(organisation_id: int) -> str:
    return f"/organisations/{organisation_id}/timeline/lines"


async def planned(request: Request) -> Response:
    """Show the promises to call its contacts that are still open."""
    actor, organisation_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        context = await frame(uow, organisation_id, "meetings")
        wanted = MeetingFilter(organisation_id=organisation_id, state=meeting_filters.OPEN_STATES, limit=_MEETINGS)
        page = await meetings.list_meetings(uow, wanted)
    return await views.render(request, "organisations/meetings.html", meetings=page.items, many=page.next is not None, **context)


ROUTES = [
    Route("/organisations/{id:int}/contacts", members, methods=["GET"]),
    Route("/organisations/{id:int}/contacts", move_away, methods=["POST"]),
    Route("/organisations/{id:int}/contacts/rows", member_rows, methods=["GET"]),
    Route("/organisations/{id:int}/move", move_here, methods=["GET"]),
    Route("/organisations/{id:int}/move", moved_here, methods=["POST"]),
    Route("/organisations/{id:int}/timeline", timeline, methods=["GET"]),
    Route("/organisations/{id:int}/timeline/lines", timeline_lines, methods=["GET"]),
    Route("/organisations/{id:int}/timeline/lines/{entry:int}", timeline_line, methods=["GET"]),
    Route("/organisations/{id:int}/meetings", planned, methods=["GET"]),
]
