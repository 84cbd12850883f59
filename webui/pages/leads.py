"""The leads of a campaign: the list, one lead with why it was or was not dialled, and what supervisors do with it."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.campaigns import confirmation_queries, explaining, lead_changes, lead_queries
from callcenter.campaigns.lead_models import LeadState
from callcenter.campaigns.lead_queries import LeadsWanted
from callcenter.campaigns.lead_states import GOING, PUT_BACK
from callcenter.campaigns.leads import PRIORITIES
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid
from webui import lead_words, views
from webui.pages import campaign_frame, fields, times
from webui.validation import invalid

OUTCOMES = (
    *("talked", "abandoned", "machine", "message_left", "busy", "no_answer", "rejected", "unreachable", "failed"),
    *("cancelled", "uncertain", "confirmed", "do_not_call", "hung_up", "heard", "wanted_agent"),
)
_NOT_STANDING = {
    *("dialled", "called_next", "put_back", "priority", "bad_priority", "unreadable", "no_number", "duplicate"),
    *("terms_sent", "yes_reopened", "yes_withdrawn", "yes_stays"),
}
REASONS = tuple(each for each in explaining.CODES if each not in _NOT_STANDING)  # a lead may stand with
_FILTERS = ("state", "outcome", "refusal", "confirmation", "q")
Act = Callable[[UnitOfWork, int, FormData], Awaitable[object]]


async def listing(request: Request) -> Response:
    """Show a campaign's leads that fit the address."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    wanted, campaign = _wanted(request), await campaign_frame.read(request, actor, campaign_id)
    async with request.app.state.database.reading(actor) as uow:
        page = await lead_queries.list_leads(uow, campaign_id, wanted)
        counts = await lead_queries.counts(uow, campaign_id)
        yeses = await confirmation_queries.counts(uow, campaign_id)
    return await campaign_frame.page(
        request,
        "campaigns/leads.html",
        "leads",
        campaign,
        **_page(campaign_id, wanted, page),
        counts=counts,
        yeses=yeses,
        yes_states=tuple(confirmation_queries.FILTERS),
        states=[each.value for each in LeadState],
        outcomes=OUTCOMES,
        reasons=sorted(((each, lead_words.title(each)) for each in REASONS), key=lambda each: each[1].casefold()),
        wanted=wanted,
        filtered=any(getattr(wanted, name) for name in _FILTERS),
    )


async def more(request: Request) -> Response:
    """Give more rows of the list."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    wanted = _wanted(request)
    async with request.app.state.database.reading(actor) as uow:
        page = await lead_queries.list_leads(uow, campaign_id, wanted)
    return await views.render(request, "campaigns/leads_rows.html", **_page(campaign_id, wanted, page))


def _wanted(request: Request) -> LeadsWanted:
    given: dict[str, Any] = {name: fields.query_text(request, name, 100) for name in _FILTERS}
    try:
        return LeadsWanted.model_validate(given | {"after": fields.query_id(request, "after") or 0})
    except ValidationError as error:
        raise invalid(error) from error


def _page(campaign_id: int, wanted: LeadsWanted, page: lead_queries.Page) -> dict[str, Any]:
    chosen = {name: getattr(wanted, name) for name in _FILTERS if getattr(wanted, name)}
    following = f"/campaigns/{campaign_id}/leads/rows?{urlencode(chosen | {'after': page.next})}" if page.next else ""
    return {"leads": page.items, "more": following, "why": lead_words.code, "path": f"/campaigns/{campaign_id}/leads"}


async def show(request: Request) -> Response:
    """Show one lead: its numbers and attempts, why it was or was not dialled, and what happens next."""
    return await _show(request)


async def show_again(request: Request, refused: CallCenterError, typed: dict[str, str]) -> Response:
    """Show one lead with why a step after its spoken yes is not recorded, and what was typed."""
    return await _show(request, refused, typed)


async def _show(request: Request, refused: CallCenterError | None = None, typed: dict[str, str] | None = None) -> Response:
    actor = views.signed_in(request, Role.SUPERVISOR)
    campaign_id, lead_id = fields.path_id(request), fields.path_id(request, "lead")
    campaign = await campaign_frame.read(request, actor, campaign_id)
    async with request.app.state.database.reading(actor) as uow:
        story = await lead_queries.story(uow, campaign_id, lead_id)
    state = LeadState(story.shown.lead.state)
    return await campaign_frame.page(
        request,
        "campaigns/lead.html",
        "leads",
        campaign,
        refused,
        story=story,
        lead=story.shown.lead,
        said=lead_words.said,
        code=lead_words.code,
        path=f"/campaigns/{campaign_id}/leads/{lead_id}",
        changeable=state not in GOING,
        can_put_back=state in PUT_BACK,
        can_remove=state in (LeadState.WAITING, LeadState.EXHAUSTED, LeadState.REFUSED, LeadState.UNCERTAIN),
        priorities=PRIORITIES,
        typed=typed or {},
    )


async def _call_next(uow: UnitOfWork, lead_id: int, _form: FormData) -> object:
    return await lead_changes.call_next(uow, lead_id)


async def _put_off(uow: UnitOfWork, lead_id: int, form: FormData) -> object:
    until = times.at(fields.text(form, "until_date"), fields.text(form, "until_time"), "until")
    return await lead_changes.put_off(uow, lead_id, until)


async def _remove(uow: UnitOfWork, lead_id: int, _form: FormData) -> object:
    return await lead_changes.remove(uow, lead_id)


async def _put_back(uow: UnitOfWork, lead_id: int, _form: FormData) -> object:
    return await lead_changes.put_back(uow, lead_id)


async def _priority(uow: UnitOfWork, lead_id: int, form: FormData) -> object:
    return await lead_changes.set_priority(uow, lead_id, fields.whole(form, "priority") or 0)


def _acting(act: Act) -> Callable[[Request], Awaitable[Response]]:
    """Return the route that does something to a lead and shows it again."""

    async def route(request: Request) -> Response:
        actor = views.signed_in(request, Role.SUPERVISOR)
        campaign_id, lead_id = fields.path_id(request), fields.path_id(request, "lead")
        form = await views.form(request)
        try:
            async with request.app.state.database.unit_of_work(actor) as uow:
                await lead_queries.get(uow, campaign_id, lead_id)
                await act(uow, lead_id, form)
        except (Invalid, Conflict) as error:
            return await _show(request, error)
        return views.redirect(f"/campaigns/{campaign_id}/leads/{lead_id}")

    return route


_ONE = "/campaigns/{id:int}/leads/{lead:int}"
ROUTES = [
    Route("/campaigns/{id:int}/leads", listing, methods=["GET"]),
    Route("/campaigns/{id:int}/leads/rows", more, methods=["GET"]),
    Route(_ONE, show, methods=["GET"]),
    Route(f"{_ONE}/next", _acting(_call_next), methods=["POST"]),
    Route(f"{_ONE}/put-off", _acting(_put_off), methods=["POST"]),
    Route(f"{_ONE}/remove", _acting(_remove), methods=["POST"]),
    Route(f"{_ONE}/put-back", _acting(_put_back), methods=["POST"]),
    Route(f"{_ONE}/priority", _acting(_priority), methods=["POST"]),
]
