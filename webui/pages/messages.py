"""E-mails on their way out, for administrators: what waits, what failed and why, trying again, a test."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts import mail as contact_mail
from callcenter.correspondence import inbox
from callcenter.correspondence.imap import Broken, Refused
from callcenter.correspondence.models import Mailbox
from callcenter.errors import CallCenterError, Conflict, Invalid, Unavailable
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
    request: Request,
    refused: CallCenterError | None = None,
    *,
    to: str = "",
    template: str = "messages/list.html",
    mailbox: dict[str, int] | None = None,
    mailbox_error: str = "",
) -> Response:
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    settings = request.app.state.settings
    before, state = fields.query_id(request, "before"), fields.query_text(request, "state", 10)
    state = state if state in _STATES else ""
    async with request.app.state.database.reading(actor) as uow:
        mails = await contact_mail.list_mails(uow, state, before=before, limit=_PAGE)
        counts = await messages.counts(uow)
        box = await uow.session.get(Mailbox, inbox.name_of(request.app.state.database))
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
        box=box,
        mailbox=mailbox,
        mailbox_error=mailbox_error,
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


async def mailbox(request: Request) -> Response:
    """Sign in to the mailbox and count what is in it."""
    views.signed_in(request, Role.ADMINISTRATOR)
    try:
        return await _show(request, mailbox=await try_mailbox(request))
    except (Conflict, Unavailable) as error:
        return await _show(request, mailbox_error=views.translate(request, error))


async def try_mailbox(request: Request) -> dict[str, int]:
    """Return how many messages the mailbox holds; raises Conflict when none is set, Unavailable with the server's words."""
    database = request.app.state.database
    if not inbox.name_of(database):
        raise Conflict("No mailbox is set up. Name it in CALLCENTER_IMAP and start the product again.")
    try:
        found, unseen = await inbox.test(database)
    except (Broken, Refused) as error:
        raise Unavailable("The mailbox cannot be read: {reason}", reason=str(error)) from error
    return {"messages": found, "unseen": unseen}


def words() -> tuple[str, str]:
    """Return subject and text of a test mail, in the person's language."""
    body = i18n.gettext("This is a test. If you can read it, the contact centre can send e-mails.")
    return i18n.gettext("Test mail of the contact centre"), body + "\n"


async def again(request: Request) -> Response:
    """Send a mail that waits or failed at once."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await contact_mail.try_again(uow, fields.path_id(request))
    except Conflict as error:
        return await _show(request, error)
    return views.redirect("/messages?queued=1")


ROUTES = [
    Route("/messages", show, methods=["GET"]),
    Route("/messages/rows", rows, methods=["GET"]),
    Route("/messages/test", test, methods=["POST"]),
    Route("/messages/mailbox", mailbox, methods=["POST"]),
    Route("/messages/{id:int}/again", again, methods=["POST"]),
]
