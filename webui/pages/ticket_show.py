"""One ticket on a page of its own (S21): its form, states, comments, attachments, whose it is, and what happened to it."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.calls import service as calls
from callcenter.calls.views import CallOut
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from callcenter.meetings import service as meetings
from callcenter.meetings.forms import MeetingFilter
from callcenter.tickets import attachments, comments, rows, settings
from callcenter.tickets import service as tickets
from callcenter.tickets.changes import ChangedMeanwhile
from callcenter.tickets.forms import TicketAccountChange, TicketChange, TicketStateChange, TicketWhole
from callcenter.tickets.service import BelongsToAnother
from webui import ticket_files, views
from webui.pages import fields, times
from webui.pages.tickets import typed, values

_MEETINGS = 20
Act = Callable[[UnitOfWork, int, FormData], Awaitable[object]]


async def show(request: Request) -> Response:
    """Show one ticket."""
    return await _show(request)


async def _show(
    request: Request, refused: CallCenterError | None = None, form: FormData | None = None, part: str = ""
) -> Response:
    """Show a ticket; refused, say why at the `part` of the page it is about (edit, comment, file ...), with what was typed."""
    actor, ticket_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        ticket = await tickets.get(uow, ticket_id)
        kinds, people = await settings.list_kinds(uow, retired=True), await rows.people(uow)
        call = await _call(uow, ticket)
        planned = (await meetings.list_meetings(uow, MeetingFilter(ticket_id=ticket_id, limit=_MEETINGS))).items
    given = _given(ticket)
    if form is not None and part == "edit":
        given = typed(form)
        if isinstance(refused, ChangedMeanwhile):
            given["version"] = str(ticket.version)  # saving again is upon what is shown now
    return await views.render(
        request,
        "tickets/show.html",
        refused.status if refused else 200,
        ticket=ticket,
        call=call,
        given=given,
        kinds=[each for each in kinds if each.retired_at is None or each.id == ticket.kind_id],
        people=_with(people, ticket),
        meetings=planned,
        error=views.translate(request, refused) if refused else "",
        fault=(getattr(refused, "field", None) or "") if refused else "",
        part=part if refused else "",
        stale=isinstance(refused, ChangedMeanwhile),
        by=refused.by if isinstance(refused, ChangedMeanwhile) else "",
        changes=refused.changes if isinstance(refused, ChangedMeanwhile) else {},
        asked=_asked(refused, form),
        comment=fields.text(form, "text") if form is not None and part == "comment" else "",
        said=request.query_params.get("said", ""),
        made=request.query_params.get("made") == "1",
    )


async def _call(uow: UnitOfWork, ticket: TicketWhole) -> CallOut | None:
    """Return the call a ticket came of, None for a call of others: their calls are shown to supervisors only."""
    if ticket.call_id is None:
        return None
    try:
        return await calls.get_call(uow, ticket.call_id)
    except NotFound:
        return None


def _given(ticket: TicketWhole) -> dict[str, str]:
    """Return a stored ticket as its form shows it."""
    plain = {name: str(getattr(ticket, name) or "") for name in ("title", "description", "kind_id", "priority", "assignee_id")}
    return plain | {"version": str(ticket.version)} | times.parts("due", ticket.due_at)


def _with(people: list[tuple[int, str]], ticket: TicketWhole) -> list[tuple[int, str]]:
    """Return whom the ticket may be given to, and whose it is although they take none any more."""
    missing = ticket.assignee_id is not None and ticket.assignee_id not in {each for each, _ in people}
    return [*people, (ticket.assignee_id or 0, ticket.assignee)] if missing else people


def _asked(refused: CallCenterError | None, form: FormData | None) -> dict[str, str]:
    """Return what is asked again when a ticket is to leave another contact: "move" it."""
    if form is None or not isinstance(refused, BelongsToAnother):
        return {}
    return {name: fields.text(form, name) for name in ("contact_id", "organisation_id")}


async def _act(request: Request, act: Act, part: str, said: str = "") -> Response:
    """Do something to a ticket and show it; refused, say why beside what was typed."""
    actor, ticket_id = views.signed_in(request), fields.path_id(request)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await act(uow, ticket_id, form)
    except (Invalid, Conflict) as error:
        return await _show(request, error, form, part)
    return views.redirect(f"/tickets/{ticket_id}" + (f"?said={said}" if said else ""))


async def update(request: Request) -> Response:
    """Change the ticket, unless somebody changed the same meanwhile: then show what, and keep what was typed."""
    return await _act(request, _update, "edit", "saved")


async def _update(uow: UnitOfWork, ticket_id: int, form: FormData) -> None:
    given: dict[str, Any] = values(form) | {"version": fields.whole(form, "version") or 0}
    before = await tickets.get(uow, ticket_id)
    if times.parts("due", before.due_at) == times.parts("due", given["due_at"]):
        given["due_at"] = before.due_at  # the form shows no seconds
    await tickets.update(uow, ticket_id, fields.validated(TicketChange, given))


async def set_state(request: Request) -> Response:
    """Put the ticket into a state that may follow."""
    return await _act(request, _set_state, "state")


async def _set_state(uow: UnitOfWork, ticket_id: int, form: FormData) -> None:
    wanted: dict[str, object] = {"state_id": fields.whole(form, "state_id") or 0, "from_id": fields.whole(form, "from_id")}
    await tickets.set_state(uow, ticket_id, fields.validated(TicketStateChange, wanted))


async def set_account(request: Request) -> Response:
    """Let the ticket be a contact's or an organisation's, or nobody's."""
    return await _act(request, _set_account, "account")


async def _set_account(uow: UnitOfWork, ticket_id: int, form: FormData) -> None:
    ids = {name: fields.whole(form, name) for name in ("contact_id", "organisation_id")}
    if fields.text(form, "nobody") != "1" and not any(ids.values()):
        raise Invalid("Choose a contact or an organisation.", field="contact_id")
    await tickets.set_account(uow, ticket_id, TicketAccountChange.model_validate({**ids, "move": fields.flag(form, "move")}))


async def comment(request: Request) -> Response:
    """Say something about the ticket."""
    return await _act(request, lambda uow, ticket_id, form: comments.add(uow, ticket_id, fields.text(form, "text")), "comment")


async def correct(request: Request) -> Response:
    """Put one's own comment right."""
    comment_id = fields.path_id(request, "comment")
    return await _act(
        request,
        lambda uow, ticket_id, form: comments.correct(uow, ticket_id, comment_id, fields.text(form, "text")),
        "correction",
    )


async def upload(request: Request) -> Response:
    """Attach a file."""
    actor, ticket_id = views.signed_in(request), fields.path_id(request)
    try:
        await ticket_files.upload(request, actor, ticket_id, await views.form(request))
    except (Invalid, Conflict) as error:
        return await _show(request, error, part="file")
    return views.redirect(f"/tickets/{ticket_id}")


async def download(request: Request) -> Response:
    """Save an attachment."""
    return await ticket_files.download(
        request, views.signed_in(request), fields.path_id(request), fields.path_id(request, "file")
    )


async def detach(request: Request) -> Response:
    """Take an attachment away."""
    file_id = fields.path_id(request, "file")
    return await _act(request, lambda uow, ticket_id, _form: attachments.detach(uow, ticket_id, file_id), "file")


async def remove(request: Request) -> Response:
    """Delete the ticket."""
    actor, ticket_id = views.signed_in(request), fields.path_id(request)
    async with request.app.state.database.unit_of_work(actor) as uow:
        await tickets.remove(uow, ticket_id)
    return views.redirect("/tickets")


async def back(request: Request) -> Response:
    """Lead from the address a form was sent to back to its ticket: somebody loaded the page again after a refusal."""
    views.signed_in(request)
    return views.redirect(f"/tickets/{fields.path_id(request)}")


ROUTES = [
    Route("/tickets/{id:int}", show, methods=["GET"]),
    Route("/tickets/{id:int}", update, methods=["POST"]),
    Route("/tickets/{id:int}/state", set_state, methods=["POST"]),
    Route("/tickets/{id:int}/account", set_account, methods=["POST"]),
    Route("/tickets/{id:int}/comments", comment, methods=["POST"]),
    Route("/tickets/{id:int}/comments/{comment:int}", correct, methods=["POST"]),
    Route("/tickets/{id:int}/files", upload, methods=["POST"]),
    Route("/tickets/{id:int}/files/{file:int}", download, methods=["GET"]),
    Route("/tickets/{id:int}/files/{file:int}/remove", detach, methods=["POST"]),
    Route("/tickets/{id:int}/remove", remove, methods=["POST"]),
    *(Route(f"/tickets/{{id:int}}/{part}", back, methods=["GET"]) for part in ("state", "account", "comments", "files")),
    Route("/tickets/{id:int}/comments/{comment:int}", back, methods=["GET"]),
]
