"""What a person chooses for themselves: language, time zone, answer shortcut, devices, password, calendar."""

import datetime as dt
import zoneinfo
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter import clock
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.roster import service as roster
from callcenter.users import feeds
from callcenter.users import service as users
from callcenter.users.preferences import Preferences
from webui import i18n, security, views
from webui.pages import fields, roster_week


async def show(request: Request) -> Response:
    """Show the profile."""
    return await _show(request)


async def _show(request: Request, refused: CallCenterError | None = None, *, part: str = "", calendar_url: str = "") -> Response:
    actor = views.signed_in(request)
    async with request.app.state.database.reading(actor) as uow:
        user = await users.get_user(uow, actor.id)
        sessions = await users.list_sessions(uow, actor.id)
        feed = await feeds.own_feed(uow)
        monday = roster_week.monday("")
        [person] = [each for each in await roster.people(uow, *roster_week.around(monday)) if each.user_id == actor.id]
        coming = await roster.absences(uow, actor.id, clock.now())
    return await views.render(
        request,
        "profile.html",
        refused.status if refused else 200,
        user=user,
        preferences=Preferences(**user.preferences),
        sessions=sessions,
        feed=feed,
        calendar_url=calendar_url,
        week=roster_week.row(person, monday),
        week_days=[i18n.day_name(monday + dt.timedelta(days=day)) for day in range(7)],
        coming=[(each, roster_week.written(each, user.time_zone)) for each in coming],
        zones=sorted(zoneinfo.available_timezones()),
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "") if refused else "",
        part=part,
        saved=request.query_params.get("saved", ""),
    )


async def save(request: Request) -> Response:
    """Save language, zone, shortcut and ring; a new language needs the whole document, so htmx is told to load it."""
    actor = views.signed_in(request)
    form = await views.form(request)
    language = fields.text(form, "language")
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await users.set_preferences(
                uow,
                language=language,
                time_zone=fields.text(form, "time_zone"),
                answer_shortcut=fields.text(form, "answer_shortcut"),
                ring_volume=fields.whole(form, "ring_volume"),
                notifications=fields.flag(form, "notifications"),
            )
    except (Invalid, Conflict) as error:
        return await _show(request, error, part="choices")
    if views.is_fragment(request) and language != actor.language:
        return Response(headers={"hx-redirect": "/profile?saved=choices"})
    return views.redirect("/profile?saved=choices")


async def save_signature(request: Request) -> Response:
    """Save what stands below one's e-mails."""
    actor = views.signed_in(request)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await users.set_preferences(uow, signature=str(form.get("signature", "")))
    except (Invalid, Conflict) as error:
        return await _show(request, error, part="signature")
    return views.redirect("/profile?saved=signature")


async def set_password(request: Request) -> Response:
    """Change one's own password; other sessions end."""
    actor = views.signed_in(request)
    form = await views.form(request)
    try:
        old, new = str(form.get("old", "")), str(form.get("password", ""))
        await users.set_password(request.app.state.database, actor, actor.id, new, old)
    except CallCenterError as error:
        return await _show(request, error, part="password")
    return views.redirect("/profile?saved=password")


async def end_session(request: Request) -> Response:
    """End another session of one's own."""
    actor, session_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await users.revoke_session(uow, session_id)
    request.app.state.live.end_session(session_id)
    return views.redirect("/profile")


async def make_calendar(request: Request) -> Response:
    """Make the secret address of one's calendar, or another one, and show it, once."""
    actor = views.signed_in(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        secret = await feeds.create_feed(uow)
    return await _show(request, part="calendar", calendar_url=security.calendar_url(request, secret))


async def revoke_calendar(request: Request) -> Response:
    """Make the calendar address open nothing any more; one that was revoked meanwhile is what was wanted."""
    actor = views.signed_in(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        with suppress(NotFound):
            await feeds.revoke_feed(uow)
    return views.redirect("/profile?saved=calendar")


ROUTES = [
    Route("/profile", show, methods=["GET"]),
    Route("/profile", save, methods=["POST"]),
    Route("/profile/signature", save_signature, methods=["POST"]),
    Route("/profile/password", set_password, methods=["POST"]),
    Route("/profile/calendar", make_calendar, methods=["POST"]),
    Route("/profile/calendar/revoke", revoke_calendar, methods=["POST"]),
    Route("/profile/sessions/{id:int}/end", end_session, methods=["POST"]),
]
