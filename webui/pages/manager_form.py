"""Managers ticked in a list: what the tabs of a contact and of an organisation share (S16)."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from callcenter.contacts.managers import Managers
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from webui import views
from webui.pages import fields

Choose = Callable[[UnitOfWork, int, list[int]], Awaitable[object]]
Sees = Callable[[UnitOfWork, int], Awaitable[bool]]


async def draw(request: Request, template: str, managers: Managers, refused: Invalid | None, **context: Any) -> Response:
    """Return the tab; `refused`: why what was ticked was not saved."""
    status, error = (refused.status, views.translate(request, refused)) if refused else (200, "")
    return await views.render(request, template, status, managers=managers, action=request.url.path, error=error, **context)


async def save(request: Request, section: str, choose: Choose, sees: Sees) -> Response:
    """Make those who are ticked the managers; who lost their own access by it goes back to the list. Raises Invalid."""
    actor, account_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await choose(uow, account_id, fields.ids(form, "user_ids"))
        await uow.session.flush()
        seen = await sees(uow, account_id)
    return views.redirect(request.url.path if seen else section)
