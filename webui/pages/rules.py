"""Rule packs to read, and the tab of a campaign's rules: what holds, calls that only ask for consent, the evidence."""

import datetime as dt
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callcenter.actor import Role
from callcenter.campaigns import hours, rule_packs, service, standing, taking_on
from callcenter.campaigns.rules import Rule, Standing
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound
from webui import evidence_files, views
from webui.pages import campaign_frame, fields


async def packs(request: Request) -> Response:
    """Show the packs: what is law, what is a house rule, since when."""
    actor = views.signed_in(request, Role.SUPERVISOR)
    async with request.app.state.database.reading(actor) as uow:
        today = uow.now.date()
    found = rule_packs.packs()
    shown = [(each, each.at(today), _holidays(each.key, today), _other(each.rules, today)) for each in found.values()]
    return await views.render(request, "rules/packs.html", packs=shown, spoken=_spoken)


def _other(rules: tuple[Rule, ...], today: dt.date) -> list[Rule]:
    """Return the rules that do not hold today: past ones and those to come."""
    return [each for each in rules if not each.holds(today)]


def _holidays(key: str, today: dt.date) -> list[tuple[dt.date, str]]:
    """Return the holidays of the next twelve months."""
    pack, end = rule_packs.find(key), today + dt.timedelta(days=365)
    both = {**pack.holidays(today.year), **pack.holidays(today.year + 1)}
    return sorted((day, name) for day, name in both.items() if today <= day < end)


def _spoken(found: Standing) -> list[tuple[int, str]]:
    """Return the hours of each weekday in words; "" for a day without."""
    shown = hours.shown(found.hours)
    return [(day, ", ".join(f"{start}\u2013{end}" for start, end in shown.get(str(day), []))) for day in range(7)]


async def campaign(request: Request) -> Response:
    """Show what holds for a campaign."""
    return await _campaign(request)


async def _campaign(request: Request, refused: CallCenterError | None = None, **given: Any) -> Response:
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    async with request.app.state.database.reading(actor) as uow:
        found = await standing.of_campaign(uow, campaign_id)
        shown = await service.get_campaign(uow, campaign_id)
    more = {"holds": found, "spoken": _spoken, "given": {"ground": shown.asks_consent} | given}
    return await campaign_frame.page(request, "rules/campaign.html", "rules", shown, refused, **more)


async def take_on(request: Request) -> Response:
    """Take on that the campaign only asks for consents."""
    actor, campaign_id = views.signed_in(request, Role.ADMINISTRATOR), fields.path_id(request)
    ground = fields.text(await views.form(request), "ground")
    try:
        async with request.app.state.database.unit_of_work(actor) as uow:
            await taking_on.take_on(uow, campaign_id, ground)
    except (Invalid, Conflict) as error:
        return await _campaign(request, error, ground=ground)
    return views.redirect(f"/campaigns/{campaign_id}/rules?saved=1")


async def evidence(request: Request) -> Response:
    """Send the evidence."""
    actor, campaign_id = views.signed_in(request, Role.SUPERVISOR), fields.path_id(request)
    kind = fields.text(await views.form(request), "format")
    if kind not in ("csv", "json"):
        raise NotFound("There is no such format.")
    return await evidence_files.send(request, actor, campaign_id, "csv" if kind == "csv" else "json")


ROUTES = [
    Route("/rule-packs", packs, methods=["GET"]),
    Route("/campaigns/{id:int}/rules", campaign, methods=["GET"]),
    Route("/campaigns/{id:int}/rules/asks-consent", take_on, methods=["POST"]),
    Route("/campaigns/{id:int}/rules/evidence", evidence, methods=["POST"]),
]
