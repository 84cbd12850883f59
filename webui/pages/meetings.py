"""Phone meetings: the list with its filters, one meeting with all that happened to it, and what a person may do with them."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.contacts import service as contacts
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.meetings import series
from callcenter.meetings import service as meetings
from callcenter.meetings import settings as rules
from callcenter.meetings.forms import AssignReport, MeetingFilter, MeetingWhole, Outcome
from callcenter.meetings.states import OPEN
from callcenter.projects import service as projects
from callcenter.users import filters
from callcenter.users import service as users
from webui import i18n, views
from webui.pages import fields, meeting_filters, meeting_series, times

_PAGE = 50
_FOUND = 8
_MOST_SELECTED = 1000
_OPEN = {each.value for each in OPEN}
Act = Callable[[UnitOfWork, int, FormData], Awaitable[object]]


async def listing(request: Request) -> Response:
    """Show the meetings that fit the address."""
    return await _list(request, "meetings/list.html")


async def rows(request: Request) -> Response:
    """Give more rows of the list."""
    return await _list(request, "meetings/lines.html")


async def _list(request: Request, template: str) -> Response:
    actor = views.signed_in(request)
    chosen = meeting_filters.read(request, limit=_PAGE)
    async with request.app.state.database.reading(actor) as uow:
        page = await meetings.list_meetings(uow, chosen.filter)
        context = await _around(uow, chosen) if template == "meetings/list.html" else {}
    more = f"/meetings/rows?{chosen.query}&after={page.next}" if page.next else ""
    return await views.render(request, template, meetings=page.items, more=more, **context)


async def _around(uow: UnitOfWork, chosen: meeting_filters.Chosen) -> dict[str, Any]:
    """Return what the filters and the bar of a supervisor offer."""
    supervisor = uow.actor.may(Role.SUPERVISOR)
    known = await (projects.list_projects(uow) if supervisor else projects.projects_of(uow))
    people = [(each.id, each.name) for each in await users.list_users(uow) if each.disabled_at is None] if supervisor else []
    contact = ""
    if chosen.filter.contact_id is not None:
        try:
            found = await contacts.get_contact(uow, chosen.filter.contact_id)
            contact = found.name or (found.organisation.name if found.organisation else "")
        except NotFound:
            contact = "?"
    return {
        "given": chosen.given,
        "chosen": chosen.count,
        "query": chosen.query,
        "projects": [(each.id, each.name) for each in known],
        "people": people,
        "contact": contact,
        "tabs": meeting_filters.tabs(),
        "tab": meeting_filters.tab_of(chosen),
        "saved_filters": await filters.list_filters(uow, "phone_meetings"),
    }


async def find_contacts(request: Request) -> Response:
    """Give contacts to choose from, as typed."""
    actor, q = views.signed_in(request), fields.query_text(request, "contact_q")
    async with request.app.state.database.reading(actor) as uow:
        found = (await contacts.list_contacts(uow, q=q, limit=_FOUND)).items if q else []
    return await views.render(request, "meetings/found.html", contacts=found, q=q)


async def show(request: Request) -> Response:
    """Show one meeting."""
    return await _show(request)


async def _show(request: Request, refused: CallCenterError | None = None, typed: FormData | None = None) -> Response:
    actor, meeting_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        meeting = await meetings.get(uow, meeting_id)
        people = await people_of(uow, meeting.project_id)
        allowed = await rules.get_settings(uow, meeting.project_id) if meeting.project_id else None
    return await views.render(
        request,
        "meetings/show.html",
        refused.status if refused else 200,
        meeting=meeting,
        open=meeting.state in _OPEN,
        own=_may_change(actor, meeting),
        people=people,
        rules=allowed,
        error=views.translate(request, refused) if refused else "",
        typed=typed or {},
        planned=request.query_params.get("planned") == "1",
        saved=request.query_params.get("saved") == "1",
    )


def _may_change(actor: Actor, meeting: MeetingWhole) -> bool:
    """Tell whether to offer the buttons; the services decide."""
    if meeting.hidden:
        return actor.user_id == meeting.user_id
    return actor.may(Role.SUPERVISOR) or actor.user_id in (meeting.user_id, meeting.created_by)


async def people_of(uow: UnitOfWork, project_id: int | None) -> list[tuple[int, str]]:
    """Return who serves a project's meetings, by name: for supervisors, who choose among them."""
    if project_id is None or not uow.actor.may(Role.SUPERVISOR):
        return []
    serving = set(await rules.servers(uow, project_id))
    return [(each.id, each.name) for each in await users.list_users(uow) if each.id in serving and each.disabled_at is None]


async def _act(request: Request, act: Act) -> Response:
    """Do something to a meeting and show it; refused, say why beside what was typed."""
    actor, meeting_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await act(uow, meeting_id, form)
    except (Invalid, Conflict) as error:
        return await _show(request, error, form)
    return views.redirect(f"/meetings/{meeting_id}")


async def back(request: Request) -> Response:
    """Lead from the address a form was sent to back to its meeting: somebody loaded the page again after a refusal."""
    views.signed_in(request)
    return views.redirect(f"/meetings/{fields.path_id(request)}")


async def cancel(request: Request) -> Response:
    """Cancel a meeting, or it and the rest of its series, with a reason."""
    return await _act(request, _cancel)


async def _cancel(uow: UnitOfWork, meeting_id: int, form: FormData) -> None:
    await series.cancel_series(uow, meeting_id, fields.text(form, "reason"), meeting_series.scope(form))


async def snooze(request: Request) -> Response:
    """Put a meeting off for some minutes of its window."""
    return await _act(request, lambda uow, meeting_id, form: meetings.snooze(uow, meeting_id, fields.whole(form, "minutes") or 0))


async def give(request: Request) -> Response:
    """Give a meeting to somebody, or to anybody of its project."""
    return await _act(request, _give)


async def _give(uow: UnitOfWork, meeting_id: int, form: FormData) -> None:
    report = await meetings.assign(uow, [meeting_id], fields.whole(form, "user_id"))
    for each in report.refused:
        raise Conflict(each.sentence, **each.values)


async def set_outcome(request: Request) -> Response:
    """Write what came of a meeting."""
    return await _act(request, _set_outcome)


async def _set_outcome(uow: UnitOfWork, meeting_id: int, form: FormData) -> None:
    wanted = fields.validated(Outcome, {"outcome": fields.text(form, "outcome"), "note": fields.text(form, "note")})
    await meetings.set_outcome(uow, meeting_id, wanted)


async def assign(request: Request) -> Response:
    """Give the selected meetings to one person, or to anybody, and say which could not be."""
    return await _bulk(request, lambda uow, ids, form: meetings.assign(uow, ids, fields.whole(form, "user_id")))


async def spread(request: Request) -> Response:
    """Spread the selected meetings evenly over the people named."""
    return await _bulk(request, _spread)


async def _spread(uow: UnitOfWork, ids: list[int], form: FormData) -> AssignReport:
    people = _numbers(form, "user_ids")
    if not people:
        raise Invalid("Choose at least one person to spread the meetings over.", field="user_ids")
    return await meetings.spread(uow, ids, people)


async def _bulk(request: Request, act: Callable[[UnitOfWork, list[int], FormData], Awaitable[AssignReport]]) -> Response:
    actor = views.signed_in(request, Role.SUPERVISOR)
    form = await request.form(max_files=0, max_fields=_MOST_SELECTED + 100)
    ids, error, report = _numbers(form, "ids"), "", None
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            report = await act(uow, ids[:_MOST_SELECTED], form)
    except (Invalid, Conflict) as refused:
        error = views.translate(request, refused)
    told = [(each.id, i18n.say(each.sentence, each.values)) for each in report.refused] if report else []
    return await views.render(request, "meetings/report.html", report=report, refused=told, error=error)


def _numbers(form: FormData, name: str) -> list[int]:
    return [int(each) for each in fields.texts(form, name) if each.isascii() and each.isdigit() and len(each) < 10]


async def todays(uow: UnitOfWork) -> list[Any]:
    """Return the meetings of today this person has to see: their own and free ones of their projects, open or just missed."""
    day = times.today().isoformat()
    wanted = MeetingFilter(
        mine=True,
        state=[*meeting_filters.OPEN_STATES, "missed"],
        from_at=times.midnight(day),
        to_at=times.midnight(day, after=True),
    )
    mine = (await meetings.list_meetings(uow, wanted)).items
    free = (await meetings.list_meetings(uow, wanted.model_copy(update={"mine": False, "unassigned": True}))).items
    unique = {each.id: each for each in [*mine, *free]}
    return sorted(unique.values(), key=lambda each: (each.from_at, each.id))


ROUTES = [
    Route("/meetings", listing, methods=["GET"]),
    Route("/meetings/rows", rows, methods=["GET"]),
    Route("/meetings/contacts", find_contacts, methods=["GET"]),
    Route("/meetings/assign", assign, methods=["POST"]),
    Route("/meetings/spread", spread, methods=["POST"]),
    Route("/meetings/{id:int}", show, methods=["GET"]),
    Route("/meetings/{id:int}/cancel", cancel, methods=["POST"]),
    Route("/meetings/{id:int}/snooze", snooze, methods=["POST"]),
    Route("/meetings/{id:int}/assign", give, methods=["POST"]),
    Route("/meetings/{id:int}/outcome", set_outcome, methods=["POST"]),
    *(Route(f"/meetings/{{id:int}}/{act}", back, methods=["GET"]) for act in ("cancel", "snooze", "assign", "outcome")),
]
