"""Who serves a campaign, and what its dispositions mean."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Actor, Role
from callcenter.campaigns import dispositions, members, service
from callcenter.campaigns.forms import MeaningInput
from callcenter.errors import CallCenterError, Conflict, Invalid
from webui import views
from webui.pages import campaign_frame, fields
from webui.validation import LARGEST_ID


async def people(request: Request) -> Response:
    """Show the people of the project, and who of them serves the campaign."""
    return await _people(request, views.signed_in(request, Role.SUPERVISOR))


async def set_people(request: Request) -> Response:
    """Let exactly those chosen serve it."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await members.set_members(uow, campaign_id, fields.ids(form, "user_ids"))
    except (Invalid, Conflict) as error:
        return await _people(request, actor, error)
    return views.redirect(f"/campaigns/{campaign_id}/people?saved=1")


async def meanings(request: Request) -> Response:
    """Show what each disposition means."""
    return await _meanings(request, views.signed_in(request, Role.SUPERVISOR))


async def set_meanings(request: Request) -> Response:
    """Say what they mean from now on."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    form = await views.form(request)
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await dispositions.set_meanings(uow, campaign_id, _given(form))
    except (Invalid, Conflict) as error:
        return await _meanings(request, actor, error)
    return views.redirect(f"/campaigns/{campaign_id}/dispositions?saved=1")


def _given(form: FormData) -> list[MeaningInput]:
    found = []
    for name in form:
        number = name.removeprefix("meaning_")
        if number != name and number.isascii() and number.isdigit() and int(number[:20]) <= LARGEST_ID:
            minutes = fields.text(form, f"minutes_{number}") or "0"
            values: dict[str, object] = {"disposition_id": number, "meaning": fields.text(form, name), "minutes": minutes}
            found.append(fields.validated(MeaningInput, values))
    return found


async def _people(request: Request, actor: Actor, refused: CallCenterError | None = None) -> Response:
    campaign_id = fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        campaign = await service.get_campaign(uow, campaign_id)
        found = await members.list_members(uow, campaign_id)
    return await campaign_frame.page(request, "campaigns/people.html", "people", campaign, refused, people=found)


async def _meanings(request: Request, actor: Actor, refused: CallCenterError | None = None) -> Response:
    campaign_id = fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        campaign = await service.get_campaign(uow, campaign_id)
        found = await dispositions.list_meanings(uow, campaign_id)
    return await campaign_frame.page(request, "campaigns/dispositions.html", "dispositions", campaign, refused, meanings=found)


ROUTES = [
    Route("/campaigns/{id:int}/people", people, methods=["GET"]),
    Route("/campaigns/{id:int}/people", set_people, methods=["POST"]),
    Route("/campaigns/{id:int}/dispositions", meanings, methods=["GET"]),
    Route("/campaigns/{id:int}/dispositions", set_meanings, methods=["POST"]),
]
