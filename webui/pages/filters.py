"""Saved filters of any list: its page includes filters.html, these take what the forms there send and lead back."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.users import filters
from webui import views
from webui.pages import fields


async def save(request: Request) -> Response:
    """Keep the filter the list shows."""
    actor = views.signed_in(request)
    form = await views.form(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await filters.save_filter(uow, fields.text(form, "page"), fields.text(form, "name"), fields.text(form, "query"))
    return views.redirect(views.local_path(fields.text(form, "back")))


async def rename(request: Request) -> Response:
    """Give a filter another name."""
    actor, filter_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await filters.rename_filter(uow, filter_id, fields.text(form, "name"))
    return views.redirect(views.local_path(fields.text(form, "back")))


async def delete(request: Request) -> Response:
    """Forget a filter."""
    actor, filter_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await filters.delete_filter(uow, filter_id)
    return views.redirect(views.local_path(fields.text(form, "back")))


ROUTES = [
    Route("/filters", save, methods=["POST"]),
    Route("/filters/{id:int}/rename", rename, methods=["POST"]),
    Route("/filters/{id:int}/delete", delete, methods=["POST"]),
]
