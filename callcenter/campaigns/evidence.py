"""The evidence of a campaign, to be shown to an authority or a lawyer: each decision about each lead, the consent it rests on
with its time, source and wording, what followed a spoken yes, what was counted, and the rules with their version.

Written a piece at a time, leads in order of their ids; of people the actor may not see, neither name nor number is told.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Literal

from sqlalchemy import select

from callcenter.actor import Actor, Role
from callcenter.campaigns import hours, rule_packs
from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadDecision, LeadNumber
from callcenter.campaigns.models import Campaign, CampaignPeriod
from callcenter.campaigns.rules import Rule, Standing
from callcenter.contacts.consent_models import Consent
from callcenter.contacts.import_rows import quoted
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import may_see, sees_all
from callcenter.db import Database, UnitOfWork
from callcenter.errors import NotFound
from callcenter.projects.models import Project
from callcenter.users.service import audit

Format = Literal["csv", "json"]

_AT_ONCE = 500
_MARK = "\ufeff"  # tells spreadsheets that it is UTF-8
_COLUMNS = (
    *("at", "lead_id", "contact_id", "name", "code", "number", "purpose", "rule_pack", "rules_version", "user_id", "values"),
    *("consent_id", "consent_at", "consent_channel", "consent_purpose", "consent_means", "consent_source", "consent_wording"),
    *("consent_recorded_at", "confirmation"),
)
_ABOUT_YES = (
    *("attempt_id", "state", "said_at", "taken_by", "terms_on", "terms_how", "terms_note", "terms_by", "terms_at"),
    *("ended_on", "end_how", "end_note", "end_by", "end_at"),
)
_ABOUT_CALLS = ("number", "mode", "outcome", "found", "key", "started_at", "answered_at", "bridged_at", "ended_at", "bridged_ms")


async def begin(uow: UnitOfWork, campaign_id: int, kind: Format) -> Campaign:
    """Note that the evidence of a campaign is taken out (supervisors); raises NotFound."""
    found = await _campaign(uow, campaign_id)
    audit(uow, "campaign.evidence", "campaign", campaign_id, format=kind)
    return found


async def pieces(database: Database, actor: Actor, campaign_id: int, kind: Format) -> AsyncIterator[str]:
    """Yield the evidence as text: of `csv` a row for each decision, of `json` all there is; times in UTC."""
    async with database.reading(actor) as uow:
        head = await _head(uow, campaign_id)
    yield (_MARK + _rows([_COLUMNS])) if kind == "csv" else _dumped(head)[:-1] + ', "leads": ['
    last, first = 0, True
    while True:
        async with database.reading(actor) as uow:
            found = await _leads(uow, campaign_id, last)
        if not found:
            break
        last = found[-1]["lead_id"]
        if kind == "csv":
            yield _rows([_row(lead, each) for lead in found for each in lead["decisions"]])
        else:
            yield ("" if first else ", ") + ", ".join(_dumped(each) for each in found)
        first = False
    if kind == "json":
        yield "]}\n"


def told(standing: Standing) -> list[dict[str, Any]]:
    """Return the rules that hold, as data: what each says, whether it is law, and where that is written."""
    return [_rule(each) for each in standing.rules]


def _rule(rule: Rule) -> dict[str, Any]:
    value: Any = rule.value
    if rule.topic == "hours":
        value = hours.shown(rule.value)
    elif rule.topic == "consent":
        value = [list(pair) for pair in rule.value]
    elif rule.topic == "holidays":
        value = None
    return {
        "key": rule.key,
        "topic": rule.topic,
        "value": value,
        "says": rule.says,
        "law": rule.law is not None,
        "source": None if rule.law is None else asdict(rule.law),
        "days_source": None if rule.days is None else asdict(rule.days),
        "since": rule.since.isoformat(),
        "until": None if rule.until is None else rule.until.isoformat(),
    }


async def _campaign(uow: UnitOfWork, campaign_id: int) -> Campaign:
    uow.actor.require(Role.SUPERVISOR)
    found = await uow.session.get(Campaign, campaign_id)
    if found is None:
        raise NotFound("There is no such campaign.")
    return found


async def _head(uow: UnitOfWork, campaign_id: int) -> dict[str, Any]:
    campaign = await _campaign(uow, campaign_id)
    project = await uow.session.get_one(Project, campaign.project_id)
    pack = rule_packs.find(campaign.rule_pack).at(uow.now.date())
    standing = rule_packs.narrowed(pack, campaign.hours, campaign.abandon_cap)
    periods = await uow.session.scalars(
        select(CampaignPeriod).where(CampaignPeriod.campaign_id == campaign_id).order_by(CampaignPeriod.period)
    )
    counted = ("period", "dialled", "answered", "connected", "abandoned", "machines", "no_answers", "busies", "failures")
    return {
        "made_at": uow.now,
        "campaign": {"id": campaign.id, "name": campaign.name, "project": project.name, "purpose": project.purpose}
        | {name: getattr(campaign, name) for name in ("mode", "asks_consent", "company", "on_behalf_of", "about", "caller_id")},
        "rules": {"pack": standing.pack, "version": standing.version, "abandon_cap": standing.cap, "rules": told(standing)}
        | {"hours": hours.shown(standing.hours), "ring_seconds": campaign.ring_seconds},
        "periods": [{name: getattr(each, name) for name in counted} for each in periods],
    }


async def _leads(uow: UnitOfWork, campaign_id: int, after: int) -> list[dict[str, Any]]:
    query = select(Lead).where(Lead.campaign_id == campaign_id, Lead.id > after).order_by(Lead.id).limit(_AT_ONCE)
    leads = list(await uow.session.scalars(query))
    ids = [each.id for each in leads]
    hidden = await _hidden(uow, {each.contact_id for each in leads if each.contact_id is not None})
    numbers = await _by_lead(uow, LeadNumber, ids, LeadNumber.position)
    attempts = await _by_lead(uow, LeadAttempt, ids, LeadAttempt.id)
    decisions = await _by_lead(uow, LeadDecision, ids, LeadDecision.id)
    yeses = await _by_lead(uow, Confirmation, ids, Confirmation.said_at)
    consents = await _consents(uow, (each for some in decisions.values() for each in some))
    found = []
    for lead in leads:
        one: dict[str, Any] = {
            "lead_id": lead.id,
            "contact_id": lead.contact_id,
            "name": lead.name,
            "numbers": [each.number for each in numbers.get(lead.id, ())],
            "state": lead.state,
            "refusal": lead.refusal,
            "decisions": [_decision(each, consents) for each in decisions.get(lead.id, ())],
            "attempts": [{name: getattr(each, name) for name in _ABOUT_CALLS} for each in attempts.get(lead.id, ())],
            "confirmations": [{name: getattr(each, name) for name in _ABOUT_YES} for each in yeses.get(lead.id, ())],
        }
        found.append(_without(one) if lead.contact_id in hidden else one)
    return found


async def _by_lead(uow: UnitOfWork, table: Any, ids: Sequence[int], order: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for each in await uow.session.scalars(select(table).where(table.lead_id.in_(ids)).order_by(table.lead_id, order)):
        found.setdefault(each.lead_id, []).append(each)
    return found


async def _hidden(uow: UnitOfWork, contact_ids: set[int]) -> set[int]:
    """Return which of the contacts the actor may not see."""
    if sees_all(uow.actor) or not contact_ids:
        return set()
    query = select(Contact.id).where(Contact.id.in_(contact_ids), may_see(uow.actor))
    return contact_ids - set(await uow.session.scalars(query))


async def _consents(uow: UnitOfWork, decisions: Iterable[LeadDecision]) -> dict[int, Consent]:
    """Return the consents decisions rest on; what was erased with the person is gone."""
    ids = {each.values.get("consent_id") for each in decisions} - {None}
    if not ids:
        return {}
    return {each.id: each for each in await uow.session.scalars(select(Consent).where(Consent.id.in_(ids)))}


def _decision(each: LeadDecision, consents: dict[int, Consent]) -> dict[str, Any]:
    consent = consents.get(each.values.get("consent_id") or 0)
    names = ("id", "at", "channel", "purpose", "means", "source", "wording", "recorded_at")
    return {
        "at": each.at,
        "code": each.code,
        "values": each.values,
        "user_id": each.user_id,
        "consent": None if consent is None else {name: getattr(consent, name) for name in names},
    }


def _without(lead: dict[str, Any]) -> dict[str, Any]:
    """Return a lead without what says who it is."""
    decisions = [each | {"values": {}, "consent": None} for each in lead["decisions"]]
    attempts = [each | {"number": ""} for each in lead["attempts"]]
    yeses = [each | {"terms_note": "", "end_note": ""} for each in lead["confirmations"]]
    return lead | {"name": "", "numbers": [], "decisions": decisions, "attempts": attempts, "confirmations": yeses}


def _row(lead: dict[str, Any], decision: dict[str, Any]) -> list[str]:
    values, consent = decision["values"], decision["consent"] or {}
    rest = {name: each for name, each in values.items() if name not in ("number", "purpose", "pack", "version", "consent_id")}
    number = values.get("number") or next(iter(lead["numbers"]), "")
    plain = (decision["at"], lead["lead_id"], lead["contact_id"], lead["name"], decision["code"], number, values.get("purpose"))
    ruled = (values.get("pack"), values.get("version"), decision["user_id"], _dumped(rest) if rest else "")
    names = ("id", "at", "channel", "purpose", "means", "source", "wording", "recorded_at")
    yes = lead["confirmations"][-1]["state"] if lead["confirmations"] else ""  # the lead's latest
    return [_shown(each) for each in (*plain, *ruled, *(consent.get(name) for name in names), yes)]


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _rows(rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows([quoted(cell) for cell in row] for row in rows)
    return written.getvalue()


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_shown)
