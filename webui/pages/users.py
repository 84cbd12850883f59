"""Users: who may sign in, their roles, passwords, sessions and tokens, for administrators."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import EVERY_ACCOUNT, Role
from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.users import service as users
from webui import i18n, views
from webui.pages import fields

ROLES = (Role.CONSULTANT, Role.SUPERVISOR, Role.ADMINISTRATOR)


async def listing(request: Request) -> Response:
    """Show the users."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    async with request.app.state.database.reading(actor) as uow:
        found = await users.list_users(uow)
    return await views.render(request, "users/list.html", users=found)


async def new(request: Request) -> Response:
    """Show the form of a new user."""
    views.signed_in(request, Role.ADMINISTRATOR)
    given = {"login": "", "name": "", "role": Role.CONSULTANT.value, "language": i18n.current().language}
    return await _new(request, given, sorted(EVERY_ACCOUNT))


async def _new(request: Request, given: dict[str, str], accounts: list[str], refused: CallCenterError | None = None) -> Response:
    status = refused.status if refused else 200
    error = views.translate(request, refused) if refused else ""
    fault = (getattr(refused, "field", None) or "") if refused else ""
    context = {"given": given, "accounts": accounts, "roles": ROLES, "error": error, "fault": fault}
    return await views.render(request, "users/new.html", status, **context)


async def add(request: Request) -> Response:
    """Add a user."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form = await views.form(request)
    given = {name: fields.text(form, name) for name in ("login", "name", "role", "language")}
    accounts = fields.texts(form, "accounts")
    try:
        user = await users.add_user(
            request.app.state.database,
            actor,
            given["login"],
            given["name"],
            given["role"],
            str(form.get("password", "")),
            given["language"],
            accounts,
        )
    except (Invalid, Conflict) as error:
        return await _new(request, given, accounts, error)
    return views.redirect(f"/users/{user.id}")


async def show(request: Request) -> Response:
    """Show a user with their sessions and tokens."""
    return await _show(request)


async def _show(request: Request, refused: CallCenterError | None = None, token: str = "") -> Response:
    actor, user_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        user = await users.get_user(uow, user_id)
        sessions = await users.list_sessions(uow, user_id)
        tokens = [each for each in await users.list_tokens(uow, user_id) if each.revoked_at is None]
    return await views.render(
        request,
        "users/show.html",
        refused.status if refused else 200,
        user=user,
        sessions=sessions,
        tokens=tokens,
        roles=ROLES,
        token=token,
        error=views.translate(request, refused) if refused else "",
    )


async def update(request: Request) -> Response:
    """Change name, role, or whether the user may sign in."""
    actor, user_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await users.update_user(
                uow,
                user_id,
                name=fields.text(form, "name"),
                role=fields.text(form, "role"),
                disabled=fields.flag(form, "disabled"),
                accounts=fields.texts(form, "accounts"),
            )
    except (Invalid, Conflict) as error:
        return await _show(request, error)
    return views.redirect(f"/users/{user_id}")


async def set_password(request: Request) -> Response:
    """Give the user a new password; their sessions end."""
    actor, user_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    form = await views.form(request)
    old = fields.text(form, "old") if user_id == actor.user_id else None
    try:
        await users.set_password(request.app.state.database, actor, user_id, str(form.get("password", "")), old)
    except CallCenterError as error:
        return await _show(request, error)
    return views.redirect(f"/users/{user_id}")


async def end_session(request: Request) -> Response:
    """End one session of the user."""
    actor, session_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request, "session_id")
    async with request.app.state.database.unit_of_work(actor) as uow:
        await users.revoke_session(uow, session_id)
    request.app.state.live.end_session(session_id)
    return views.redirect(f"/users/{fields.path_id(request)}")


async def add_token(request: Request) -> Response:
    """Make a bearer token and show it, once."""
    actor, user_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    form = await views.form(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        user = await users.get_user(uow, user_id)
        token = await users.add_token(uow, user.login, fields.text(form, "name")[:100])
    return await _show(request, token=token)


async def revoke_token(request: Request) -> Response:
    """End a token."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await users.revoke_token(uow, fields.path_id(request, "token_id"))
    return views.redirect(f"/users/{fields.path_id(request)}")


ROUTES = [
    Route("/users", listing, methods=["GET"]),
    Route("/users", add, methods=["POST"]),
    Route("/users/new", new, methods=["GET"]),
    Route("/users/{id:int}", show, methods=["GET"]),
    Route("/users/{id:int}", update, methods=["POST"]),
    Route("/users/{id:int}/password", set_password, methods=["POST"]),
    Route("/users/{id:int}/sessions/{session_id:int}/end", end_session, methods=["POST"]),
    Route("/users/{id:int}/tokens", add_token, methods=["POST"]),
    Route("/users/{id:int}/tokens/{token_id:int}/end", revoke_token, methods=["POST"]),
]
