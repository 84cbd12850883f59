"""The desk: today's calls, call-backs, and the dial pad."""

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter import clock
from callcenter.calls import service as calls
from callcenter.projects import service as projects
from callcenter.tickets import service as tickets
from webui import i18n, views
from webui.pages import fields, meetings, times

_SHOWN = 30


async def desk(request: Request) -> Response:
    """Show what this person did today and what waits for them."""
    actor = views.signed_in(request)
    async with request.app.state.database.reading(actor) as uow:
        page = await calls.list_calls(uow, mine=True, limit=_SHOWN)
        call_backs = await calls.call_backs(uow, mine=True)
        own_projects = await projects.projects_of(uow)
        todays_meetings = await meetings.todays(uow)
        my_tickets = await tickets.my_due(uow, times.tomorrow())
    zone = i18n.zone(actor.time_zone)
    today = clock.now().astimezone(zone).date()
    todays = [call for call in page.items if _day(call.started_at, zone) == today]
    talked = sum(call.talk_seconds or 0 for call in todays)
    missed = sum(1 for call in todays if call.direction == "inbound" and call.state == "ended" and not call.answered_at)
    return await views.render(
        request,
        "desk.html",
        calls=todays,
        call_backs=call_backs,
        meetings=todays_meetings,
        my_tickets=my_tickets,
        day=today.isoformat(),
        projects=own_projects,
        answered=sum(1 for call in todays if call.answered_at),
        talked=talked,
        missed=missed,
    )


def _day(at: dt.datetime, zone: dt.tzinfo) -> dt.date:
    return at.astimezone(zone).date()


async def dial(request: Request) -> Response:
    """Show the dial pad."""
    views.signed_in(request)
    return await views.render(request, "dial.html", number=fields.query_text(request, "number", 40))


ROUTES = [Route("/", desk, methods=["GET"]), Route("/dial", dial, methods=["GET"])]
