"""Signing in and out, and the language of people who are not signed in."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.errors import CallCenterError
from callcenter.users import service as users
from webui import i18n, security, views
from webui.pages import fields

_YEAR_SECONDS = 365 * 24 * 3600


async def show(request: Request) -> Response:
    """Show the sign-in page; who is signed in already goes on."""
    target = views.local_path(request.query_params.get("next", "/"))
    if views.actor(request):
        return views.redirect(target)
    chosen = request.query_params.get("language", "")
    chosen = chosen if chosen in i18n.LANGUAGES else ""
    return await views.render(request, "sign_in.html", next=target, login="", error="", chosen=chosen)


async def sign_in(request: Request) -> Response:
    """Open a session, or show the page again with the reason. A language chosen on the page becomes the person's own."""
    form = await views.form(request)
    settings = request.app.state.settings
    target, chosen = views.local_path(fields.text(form, "next") or "/"), fields.text(form, "language")
    login, password = fields.text(form, "login"), form.get("password", "")
    try:
        opened = await users.sign_in(
            request.app.state.database,
            login,
            password if isinstance(password, str) else "",
            address=security.address(request),
            agent=request.headers.get("user-agent", ""),
            session_hours=settings.session_hours,
        )
    except CallCenterError as error:
        sentence = views.translate(request, error)
        shown = {"next": target, "login": login[:100], "error": sentence, "chosen": chosen}
        return await views.render(request, "sign_in.html", error.status, **shown)
    if chosen in i18n.LANGUAGES and chosen != opened.user.language:
        await _take_language(request, opened.cookie, chosen)
    response = views.redirect(target)
    security.start_session(response, opened.cookie, settings)
    return response


async def _take_language(request: Request, cookie: str, language: str) -> None:
    database, hours = request.app.state.database, request.app.state.settings.session_hours
    actor = await users.actor_for_session(database, cookie, address=security.address(request), session_hours=hours)
    if actor is not None:
        async with database.unit_of_work(actor) as uow:
            await users.set_preferences(uow, language=language)


async def sign_out(request: Request) -> Response:
    """End the session, here and in every tab."""
    actor = views.actor(request)
    response = views.redirect("/sign-in")
    if actor:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await users.sign_out(uow, request.cookies.get(security.SESSION_COOKIE, ""))
        if actor.session_id is not None:
            request.app.state.live.end_session(actor.session_id)
    security.end_session(response, request.app.state.settings)
    return response


async def choose_language(request: Request) -> Response:
    """Remember the language of somebody who is not signed in."""
    form = await views.form(request)
    language, target = fields.text(form, "language"), views.local_path(fields.text(form, "next") or "/")
    response = views.redirect(f"/sign-in?{urlencode({'next': target, 'language': language})}")
    if language in i18n.LANGUAGES:
        response.set_cookie(i18n.LANGUAGE_COOKIE, language, max_age=_YEAR_SECONDS, path="/", samesite="lax", httponly=True)
    return response


ROUTES = [
    Route("/sign-in", show, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
    Route("/language", choose_language, methods=["POST"]),
]
