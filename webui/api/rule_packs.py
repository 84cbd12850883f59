"""Rule packs, what holds for a campaign, calls that only ask for consent, and a campaign's evidence."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, Field
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.campaigns import evidence, hours, rule_packs, standing, taking_on
from callcenter.campaigns.rules import Standing
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from webui import evidence_files
from webui.i18n import say
from webui.openapi import operation, routes_of
from webui.validation import Id, In


class RuleSourceOut(BaseModel):
    """Where a rule is written."""

    act: str
    article: str
    url: str


class RuleOut(BaseModel):
    """A rule: law with its source, or a house rule. `days_source`: what makes holidays holidays. `value` depends on `topic`."""

    key: str
    topic: str
    value: Any
    says: str
    law: bool
    source: RuleSourceOut | None
    days_source: RuleSourceOut | None
    since: dt.date
    until: dt.date | None


class PackOut(BaseModel):
    """What a rule pack comes to today; hours by weekday, Monday is "0". No legal advice."""

    key: str
    version: str
    abandon_cap: float
    period_days: int
    answer_seconds: float
    ring_seconds: int
    hours: dict[str, list[list[str]]]
    rules: list[RuleOut]


class PackList(BaseModel):
    """All rule packs."""

    items: list[PackOut]


class CampaignRulesOut(PackOut):
    """What holds for a campaign: its pack, as far as it narrows it itself. `needs_consent`: the means that need one, or ""."""

    purpose: str
    needs_consent: str
    asks_consent: str


class GroundIn(In):
    """Why a campaign may call people only to ask for their consent; "" takes it back."""

    ground: Annotated[str, Field(max_length=4000)]


def _pack(found: Standing) -> dict[str, Any]:
    rules = [each | {"says": say(each["says"], {})} for each in evidence.told(found)]
    return {
        "key": found.pack,
        "version": found.version,
        "abandon_cap": found.cap,
        "period_days": found.period_days,
        "answer_seconds": found.answer_seconds,
        "ring_seconds": found.ring_seconds,
        "hours": hours.shown(found.hours),
        "rules": rules,
    }


@operation("GET", "/rule-packs", "listRulePacks", role=Role.SUPERVISOR)
async def list_rule_packs(uow: UnitOfWork) -> PackList:
    """The rule packs there are: what is law, what is a house rule, and since when."""
    return PackList.model_validate({"items": [_pack(each.at(uow.now.date())) for each in rule_packs.packs().values()]})


@operation("GET", "/campaigns/{campaign_id}/rules", "getCampaignRules", role=Role.SUPERVISOR)
async def get_campaign_rules(uow: UnitOfWork, campaign_id: Id) -> CampaignRulesOut:
    """What holds for a campaign today."""
    return _shown(await standing.of_campaign(uow, campaign_id))


@operation("PUT", "/campaigns/{campaign_id}/asks-consent", "takeOnAskingForConsent", role=Role.ADMINISTRATOR, errors=(Conflict,))
async def take_on(uow: UnitOfWork, campaign_id: Id, body: GroundIn) -> CampaignRulesOut:
    """Take on, in writing, that a campaign calls people only to ask for their consent."""
    await taking_on.take_on(uow, campaign_id, body.ground)
    return _shown(await standing.of_campaign(uow, campaign_id))


def _shown(found: standing.Holds) -> CampaignRulesOut:
    more = {"purpose": found.purpose, "needs_consent": found.means, "asks_consent": found.campaign.asks_consent}
    return CampaignRulesOut.model_validate(_pack(found.rules) | more)


@operation("POST", "/campaigns/{campaign_id}/evidence", "exportEvidence", role=Role.SUPERVISOR)
async def export_evidence(request: Request, actor: Actor, campaign_id: Id) -> dict[str, Any]:
    """Each lead of a campaign with its decisions, the consents they rest on and its attempts; what was counted; the rules.

    It is written to the audit trail, therefore no GET.
    """
    return await evidence_files.send(request, actor, campaign_id, "json")  # type: ignore[return-value]  # sent as it is


@operation("POST", "/campaigns/{campaign_id}/evidence/table", "exportEvidenceTable", role=Role.SUPERVISOR, media_type="text/csv")
async def export_evidence_table(request: Request, actor: Actor, campaign_id: Id) -> str:
    """Each decision of a campaign with the consent it rests on, as CSV. It is written to the audit trail, therefore no GET."""
    return await evidence_files.send(request, actor, campaign_id, "csv")  # type: ignore[return-value]  # sent as it is


ROUTES = routes_of(__name__)
