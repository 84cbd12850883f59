"""The audit trail, for administrators."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.contacts.trail import list_audit
from webui import views
from webui.pages import fields

_PAGE = 100


async def trail(request: Request) -> Response:
    """Show who did what, newest first."""
    actor = views.signed_in(request, Role.ADMINISTRATOR)
    before, action = fields.query_id(request, "before"), fields.query_text(request, "action", 60)
    async with request.app.state.database.reading(actor) as uow:
        entries = await list_audit(uow, before=before, limit=_PAGE, action=action)
    more = f"/audit?{urlencode({'before': entries[-1].id, 'action': action})}" if len(entries) == _PAGE else ""
    template = "audit_rows.html" if before else "audit.html"
    return await views.render(request, template, entries=entries, more=more, action=action)


ROUTES = [Route("/audit", trail, methods=["GET"])]
