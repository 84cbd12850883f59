"""Giving a phone meeting another time: a new one takes its place, the old one stays, linked."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.meetings import service as meetings
from callcenter.meetings.forms import MeetingOut, Reschedule
from webui import views
from webui.pages import fields, times
from webui.pages.meeting_form import Given, as_given, choices, typed, window_of


async def another_time(request: Request) -> Response:
    """Show the form that gives a meeting another time."""
    actor, meeting_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        meeting = await meetings.get(uow, meeting_id)
    given = as_given(meeting) | {"note": "", **times.parts("from", None), **times.parts("to", None)}
    return await _another_time(request, meeting, given)


async def _another_time(request: Request, meeting: MeetingOut, given: Given, refused: CallCenterError | None = None) -> Response:
    async with request.app.state.database.reading(views.signed_in(request)) as uow:
        context = await choices(uow, given)
    return await views.render(
        request,
        "meetings/another_time.html",
        refused.status if refused else 200,
        meeting=meeting,
        given=given,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "") if refused else "",
        **context,
    )


async def reschedule(request: Request) -> Response:
    """Plan the meeting anew for another time; the old one stays, linked."""
    actor, meeting_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    given = typed(form) | {"note": fields.text(form, "note")}
    try:
        values = window_of(form, given) | {"note": given["note"]}
        chosen = {"user_id": given["user_id"], "mode": given["mode"] or None}
        async with request.app.state.database.unit_of_work(actor) as uow:
            follow_up = await meetings.reschedule(uow, meeting_id, fields.validated(Reschedule, values | chosen))
    except (Invalid, Conflict) as error:
        async with request.app.state.database.reading(actor) as uow:
            meeting = await meetings.get(uow, meeting_id)
        return await _another_time(request, meeting, given, error)
    return views.redirect(f"/meetings/{follow_up.id}?planned=1")


ROUTES = [
    Route("/meetings/{id:int}/reschedule", another_time, methods=["GET"]),
    Route("/meetings/{id:int}/reschedule", reschedule, methods=["POST"]),
]
