"""What every page of one campaign has: heading, state, its buttons, and the tabs (templates/campaigns/frame.html).

A page of a tab renders a template that extends campaigns/frame.html and fills its block `tab`, by `page(...)`.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from callcenter.actor import Actor
from callcenter.campaigns import service
from callcenter.campaigns.changes import ChangedMeanwhile
from callcenter.campaigns.forms import CampaignInput
from callcenter.campaigns.views import CampaignOut
from callcenter.errors import CallCenterError
from callcenter.meetings.rules import spoken
from webui import views
from webui.i18n import gettext

# key, what follows the campaign's own address; the labels are in frame.html
TABS = (
    *(("overview", ""), ("watch", "/watch"), ("leads", "/leads"), ("settings", "/settings"), ("script", "/script")),
    *(("dispositions", "/dispositions"), ("people", "/people"), ("rules", "/rules"), ("rehearsal", "/rehearsal")),
)
_ELSEWHERE = {"leads": "/leads", "people": "/people", "company": "/script", "about": "/script", "asks_consent": "/rules"}
_LONGEST_SHOWN = 300


async def page(
    request: Request, template: str, tab: str, campaign: CampaignOut, refused: CallCenterError | None = None, /, **context: Any
) -> Response:
    """Render a tab of a campaign; `refused`: why what was sent is not saved, and what somebody else changed meanwhile."""
    differs = refused.differs if isinstance(refused, ChangedMeanwhile) else {}
    fault = (getattr(refused, "field", None) or "").split(".")[0] if refused else ""
    shown = [(name, told(name, pair["stored"]), told(name, pair["typed"])) for name, pair in differs.items()]
    known = {
        "campaign": campaign,
        "tab": tab,
        "tabs": TABS,
        "error": views.translate(request, refused) if refused else "",
        "fault": fault,
        "differs": shown,
        "saved": request.query_params.get("saved") == "1",
        "where": where,
    }
    return await views.render(request, template, refused.status if refused else 200, **known | context)


async def read(request: Request, actor: Actor, campaign_id: int) -> CampaignOut:
    """Return a campaign as it is stored."""
    async with request.app.state.database.reading(actor) as uow:
        return await service.get_campaign(uow, campaign_id)


def typed(campaign: CampaignOut) -> dict[str, Any]:
    """Return a campaign as a form that changes nothing would send it."""
    return {name: campaign.model_dump()[name] for name in CampaignInput.model_fields}


def where(campaign: CampaignOut, field: str) -> str:
    """Return the address of the tab that has a field."""
    anchor = "#messages" if field in ("message", "abandoned") else ""
    return f"/campaigns/{campaign.id}{_ELSEWHERE.get(field, '/settings')}{anchor}"


def told(field: str, value: Any) -> str:
    """Return a field's value as it is shown beside another one."""
    if value in (None, "", {}, []):
        return "-"
    if field == "hours" and isinstance(value, dict):
        return spoken(value)
    if isinstance(value, dict):
        return ", ".join(f"{gettext(name)}: {each}" for name, each in value.items())
    return gettext(str(value))[:_LONGEST_SHOWN]
