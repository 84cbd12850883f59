"""E-mails on their way out, for administrators: what waits, what failed and why, trying again, a test."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.errors import CallCenterError, Conflict, Invalid
from callcenter.messages import addresses
from callcenter.messages import service as messages
from callcenter.users import service as users
from webui import i18n, views
from webui.pages import fields

_PAGE = 100
_STATES = ("queued", "failed", "sent", "")


async def show(request: Request) -> Response:
    """Show the page."""
    return await _show(request)


async def rows(request: Request) -> Response:
    """Give the list anew."""
    return await _show(request, template="messages/rows.html")


async def _show(
    request: Request, refused: CallCenterError | None = None, *, to: str = "", template: str = "messages/list.html"
) -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    settings = request.app.state.settings
    before, state = fields.query_id(request, "before"), fields.query_text(request, "state", 10)
    state = state if state in _STATES else ""
    async with request.app.state.database.reading(actor) as uow:
        mails = await messages.list_mails(uow, state, before=before, limit=_PAGE)
        counts = await messages.counts(uow)
        user = await users.get_user(uow, actor.id)
    older = f"/messages?{urlencode({'state': state, 'before': mails[-1].id})}" if len(mails) == _PAGE else ""
    configured = messages.configured(settings)
    return await views.render(
        request,
        template,
        refused.status if refused else 200,
        mails=mails,
        counts=counts,
        state=state,
        first=before is None,
        older=older,
        configured=configured,
        sender=str(messages.sender(settings)) if configured else "",
        to=to or (user.login if addresses.is_address(user.login) else ""),
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "") if refused else "",
        queued=request.query_params.get("queued", ""),
    )


async def test(request: Request) -> Response:
    """Queue a test mail; what the mail server says comes as a notice and stands in the list."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    form = await views.form(request)
    to = fields.text(form, "to")
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await messages.send_test(uow, to, *words())
    except (Invalid, Conflict) as error:
        return await _show(request, error, to=to)
    return views.redirect("/messages?queued=1")


def words() -> tuple[str, str]:
    """Return subject and text of a test mail, in the person's language."""
    body = i18n.gettext("This is a test. If you can read it, the contact centre can send e-mails.")
    return i18n.gettext("Test mail of the contact centre"), body + "\n"


async def again(request: Request) -> Response:
    """Send a mail that waits or failed at once."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await messages.try_again(uow, fields.path_id(request))
    except Conflict as error:
        return await _show(request, error)
    return views.redirect("/messages?queued=1")


ROUTES = [
    Route("/messages", show, methods=["GET"]),
    Route("/messages/rows", rows, methods=["GET"]),
    Route("/messages/test", test, methods=["POST"]),
    Route("/messages/{id:int}/again", again, methods=["POST"]),
]
