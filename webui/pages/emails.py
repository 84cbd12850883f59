"""The inbox of e-mails, one e-mail, and whose it is."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput
from callcenter.correspondence import inbox
from callcenter.correspondence import service as correspondence
from callcenter.correspondence.models import Mailbox
from webui import views
from webui.pages import fields

_PAGE = 50
_MOST_FOUND = 6
_SHOWS = ("", "unmatched", "came", "all")
_LONGEST_NAME = 100


async def listing(request: Request) -> Response:
    """Show the e-mails that came and wait, or (`?show=`) those of nobody, all that came, or both ways."""
    return await _list(request, "emails/list.html")


async def rows(request: Request) -> Response:
    """Give more rows of the list."""
    return await _list(request, "emails/lines.html")


async def _list(request: Request, template: str) -> Response:
    actor = views.signed_in(request)
    database = request.app.state.database
    show = fields.query_text(request, "show", 20)
    show = show if show in _SHOWS else ""
    before = fields.query_id(request, "before")
    async with database.reading(actor) as uow:
        page = await correspondence.list_emails(
            uow, came=show == "came", unmatched=show == "unmatched", unread=show == "", before=before, limit=_PAGE
        )
        unread = await correspondence.unread_count(uow)
        box = await uow.session.get(Mailbox, inbox.name_of(database))
    chosen = {"show": show} if show else {}
    more = f"/emails/rows?{urlencode({**chosen, 'before': page.next})}" if page.next else ""
    return await views.render(
        request,
        template,
        emails=page.items,
        more=more,
        show=show,
        unread=unread,
        reading=bool(inbox.name_of(database)),
        fault=box.error if box is not None else "",
        here=f"/emails?{urlencode(chosen)}" if chosen else "/emails",
    )


async def show(request: Request) -> Response:
    """Show one e-mail."""
    actor, email_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        email = await correspondence.get_email(uow, email_id)
    return await views.render(request, "emails/show.html", each=email, here=f"/emails/{email_id}")


async def seen(request: Request) -> Response:
    """Note that an e-mail needs nothing more."""
    actor = views.signed_in(request)
    form = await views.form(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await correspondence.mark_seen(uow, fields.path_id(request))
    return _back(fields.text(form, "next"))


async def assign(request: Request) -> Response:
    """Give an e-mail to a contact, with the address if it is to be theirs; no contact: to nobody."""
    actor = views.signed_in(request)
    form = await views.form(request)
    contact_id, keep = fields.whole(form, "contact_id"), fields.flag(form, "keep_address")
    async with request.app.state.database.unit_of_work(actor) as uow:
        await correspondence.assign(uow, fields.path_id(request), contact_id, keep_address=keep)
    return _back(fields.text(form, "next"))


async def new_contact(request: Request) -> Response:
    """Make a contact of who wrote, give them the e-mail, and open the form to fill in the rest."""
    actor = views.signed_in(request)
    settings = request.app.state.settings
    async with request.app.state.database.unit_of_work(actor) as uow:
        email = await correspondence.get_email(uow, fields.path_id(request))
        first, _, last = (email.name or email.address.partition("@")[0] or "?").rpartition(" ")
        given = ContactInput(first_name=first[:_LONGEST_NAME], last_name=last[:_LONGEST_NAME], email=email.address)
        contact = await contacts.create_contact(uow, given, settings.region)
        await correspondence.assign(uow, email.id, contact.id)
    return views.redirect(f"/contacts/{contact.id}/edit")


async def candidates(request: Request) -> Response:
    """Give contacts that fit what was typed, to be picked as whose e-mail it was."""
    actor = views.signed_in(request)
    q = fields.query_text(request, "q", 100)
    async with request.app.state.database.reading(actor) as uow:
        email = await correspondence.get_email(uow, fields.path_id(request))
        found = (await contacts.list_contacts(uow, q=q, limit=_MOST_FOUND)).items if q else []
    here = views.local_path(fields.query_text(request, "next", 300)) or "/emails"
    return await views.render(request, "emails/candidates.html", email=email, contacts=found, q=q, here=here)


def _back(path: str) -> Response:
    """Send the browser back to the page it came from."""
    local = views.local_path(path)
    return views.redirect(local if local.startswith("/emails") else "/emails")


ROUTES = [
    Route("/emails", listing, methods=["GET"]),
    Route("/emails/rows", rows, methods=["GET"]),
    Route("/emails/{id:int}", show, methods=["GET"]),
    Route("/emails/{id:int}/seen", seen, methods=["POST"]),
    Route("/emails/{id:int}/contact", assign, methods=["POST"]),
    Route("/emails/{id:int}/new-contact", new_contact, methods=["POST"]),
    Route("/emails/{id:int}/candidates", candidates, methods=["GET"]),
]
