"""What a consultant's desk draws of a campaign: the lead they are shown, call or wrap up, with opening, script and tries."""

import datetime as dt
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from callcenter.agents import service as agents
from callcenter.agents.models import AgentState
from callcenter.calls.reconcile import COUNTDOWN
from callcenter.campaigns import going, scripts
from callcenter.campaigns.lead_models import Lead, LeadAttempt
from callcenter.campaigns.models import Campaign, CampaignDisposition, Meaning
from callcenter.contacts import numbers, visibility
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.jobs import Job
from callcenter.projects.models import Project
from callcenter.users.models import User

_TRIES = 10


class LeadTry(BaseModel):
    """An earlier attempt to reach a lead."""

    at: dt.datetime
    number_shown: str
    outcome: str
    user: str = ""


class LeadCard(BaseModel):
    """The lead at a consultant's desk. `state`: shown (until Call or Skip is pressed), dialling, answered, talking,
    over (wrap-up).

    `until`: when a shown one is dialled by itself, null: when Call is pressed. The opening (`company`, `on_behalf_of`, `about`)
    is said first. `script` is HTML made safe; `problem` with its values says why it stands there without the lead's fields.
    `fields` as the list gave them, `tries` the attempts so far, the newest first. `meeting`: where a phone meeting with the lead
    is planned, which the dispositions `meetings` ask for. `hidden`: the contact is one this person may not see.
    """

    attempt_id: str
    state: str
    lead_id: int
    campaign_id: int
    campaign: str
    mode: str
    project_id: int
    project: str
    name: str
    number: str
    number_shown: str
    contact_id: int | None
    contact: str
    hidden: bool
    fields: dict[str, Any]
    company: str
    on_behalf_of: str
    about: str
    script: str
    problem: str
    problem_values: dict[str, Any]
    tries: list[LeadTry]
    until: dt.datetime | None
    meeting: str
    meetings: list[int]


async def current(uow: UnitOfWork) -> LeadCard | None:
    """Return the lead at the actor's desk: shown, being called, or wrapped up; None outside a campaign. Any tab draws it so."""
    agent = await agents.get_agent(uow, uow.actor.id)
    busy = agent.state in (AgentState.OFFERED, AgentState.ON_CALL, AgentState.WRAP_UP)
    attempt = await uow.session.get(LeadAttempt, agent.call_id) if busy and agent.call_id else None
    if attempt is None or attempt.user_id != agent.user_id:
        return None
    lead = await uow.session.get_one(Lead, attempt.lead_id)
    return await card(uow, await uow.session.get_one(Campaign, attempt.campaign_id), lead, attempt)


async def card(uow: UnitOfWork, campaign: Campaign, lead: Lead, attempt: LeadAttempt) -> LeadCard:
    """Return a lead as the actor sees it; of one whose contact they may not see only the number, the opening and the tries."""
    project = await uow.session.get(Project, campaign.project_id)
    contact = None if lead.contact_id is None else await uow.session.get(Contact, lead.contact_id)
    hidden = contact is not None and await _hidden(uow, contact)
    script = await scripts.render(uow, campaign, lead)
    shown = numbers.show(attempt.number)
    name = lead.name or (contact.name if contact else "") or shown
    return LeadCard(
        attempt_id=attempt.id,
        state=attempt.state,
        lead_id=lead.id,
        campaign_id=campaign.id,
        campaign=campaign.name,
        mode=campaign.mode,
        project_id=campaign.project_id,
        project=project.name if project else "",
        name=shown if hidden else name,
        number=attempt.number,
        number_shown=shown,
        contact_id=None if contact is None or hidden else contact.id,
        contact="" if contact is None or hidden else contact.name,
        hidden=hidden,
        fields={} if hidden else lead.fields,
        **script.opening._asdict(),
        script="" if hidden else script.html,
        problem=script.problem,
        problem_values=script.values,
        tries=await _tries(uow, lead, attempt),
        until=await _until(uow, campaign, attempt),
        meeting=f"/meetings/new?call={attempt.id}",
        meetings=await _meetings(uow, campaign),
    )


async def _tries(uow: UnitOfWork, lead: Lead, but: LeadAttempt) -> list[LeadTry]:
    """Return what came of earlier attempts, the newest first; leads that were only shown were not tried."""
    query = select(LeadAttempt, User.name).outerjoin(User, User.id == LeadAttempt.user_id)
    query = query.where(LeadAttempt.lead_id == lead.id, LeadAttempt.id != but.id)
    query = query.where(LeadAttempt.state == going.OVER, LeadAttempt.outcome != "skipped")
    rows = await uow.session.execute(query.order_by(LeadAttempt.started_at.desc(), LeadAttempt.id.desc()).limit(_TRIES))
    return [
        LeadTry(at=each.started_at, number_shown=numbers.show(each.number), outcome=each.outcome, user=name or "")
        for each, name in rows
    ]


async def _meetings(uow: UnitOfWork, campaign: Campaign) -> list[int]:
    """Return the dispositions after which a phone meeting is planned."""
    query = select(CampaignDisposition.disposition_id).where(CampaignDisposition.campaign_id == campaign.id)
    return sorted(await uow.session.scalars(query.where(CampaignDisposition.meaning == Meaning.MEETING.value)))


async def _until(uow: UnitOfWork, campaign: Campaign, attempt: LeadAttempt) -> dt.datetime | None:
    """Return when a shown lead is dialled by itself, None: never."""
    if attempt.state != going.SHOWN or not campaign.preview_seconds:
        return None
    job = await uow.session.get(Job, f"{COUNTDOWN}:{attempt.id}")
    return job.due_at if job else None


async def _hidden(uow: UnitOfWork, contact: Contact) -> bool:
    if visibility.sees_all(uow.actor):
        return False
    concealed = await visibility.hidden(uow, [contact.id], [contact.organisation_id], actor=uow.actor)
    return concealed.covers(contact.id, contact.organisation_id)
