"""The steps that follow a spoken yes, as forms send them: from the page of a lead (supervisors), or of the call."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.campaigns import confirmations, lead_queries
from callcenter.campaigns.confirmation_steps import RefusalInput, StatementInput, TermsInput
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from webui import views
from webui.pages import calls, fields, leads

_TYPED = ("day", "how", "why", "note")
Show = Callable[[Request, CallCenterError, dict[str, str]], Awaitable[Response]]


async def _terms(uow: UnitOfWork, call_id: str, form: FormData) -> None:
    await confirmations.terms_sent(uow, call_id, fields.validated(TermsInput, _given(form, "day", "how", "note")))


async def _statement(uow: UnitOfWork, call_id: str, form: FormData) -> None:
    await confirmations.confirmed(uow, call_id, fields.validated(StatementInput, _given(form, "day", "how", "note")))


async def _refusal(uow: UnitOfWork, call_id: str, form: FormData) -> None:
    await confirmations.not_confirmed(uow, call_id, fields.validated(RefusalInput, _given(form, "why", "note")))


async def _reopen(uow: UnitOfWork, call_id: str, _form: FormData) -> None:
    await confirmations.reopen(uow, call_id)


_STEPS = {"terms": _terms, "statement": _statement, "refusal": _refusal, "reopen": _reopen}


def _given(form: FormData, *names: str) -> dict[str, Any]:
    return {name: fields.text(form, name) for name in names}


async def of_call(request: Request) -> Response:
    """Record a step at the call's page, and show it again."""
    call_id = request.path_params["id"]
    return await _step(request, call_id, f"/calls/{call_id}", calls.show_again)


async def of_lead(request: Request) -> Response:
    """Record a step at the lead's page, and show it again."""
    actor, campaign_id, lead_id = views.signed_in(request), fields.path_id(request), fields.path_id(request, "lead")
    call_id = request.path_params["call"]
    async with request.app.state.database.reading(actor) as uow:
        story = await lead_queries.story(uow, campaign_id, lead_id)
    if call_id not in [each.record.attempt_id for each in story.confirmations]:
        raise NotFound("Nobody recorded a spoken yes in this call.")
    return await _step(request, call_id, f"/campaigns/{campaign_id}/leads/{lead_id}", leads.show_again)


async def _step(request: Request, call_id: str, back: str, show: Show) -> Response:
    actor, form = views.signed_in(request), await views.form(request)
    step = request.path_params["step"]
    if step not in _STEPS:
        raise NotFound("There is nothing at this address.")
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await _STEPS[step](uow, call_id, form)
    except (Invalid, Conflict) as error:
        return await show(request, error, {"step": step, "call": call_id, **_given(form, *_TYPED)})
    return views.redirect(back)


ROUTES = [
    Route("/calls/{id}/confirmation/{step}", of_call, methods=["POST"]),
    Route("/campaigns/{id:int}/leads/{lead:int}/confirmations/{call}/{step}", of_lead, methods=["POST"]),
]
