"""Leads of campaigns: the list, one with why it was or was not dialled, what supervisors do with it. Adding: lead_imports.py."""

import datetime as dt
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field

from callcenter.actor import Role
from callcenter.campaigns import confirmation_queries, lead_changes, lead_queries
from callcenter.campaigns.lead_models import Lead, LeadAttempt
from callcenter.campaigns.lead_queries import LeadsWanted, Shown, Story
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from webui import lead_words
from webui.api import confirmations
from webui.api.confirmations import ConfirmationOut
from webui.openapi import operation, routes_of
from webui.validation import Id, In


class LeadNumberOut(BaseModel):
    """A number of a lead, in the order they are tried. `refusal`: a code, of one that may not be called."""

    number: str
    zones: list[str]
    refusal: str


class LeadOut(BaseModel):
    """A lead. `state`: waiting, shown, dialling, talking, done, exhausted, refused, uncertain, removed. `priority` 1 is first.

    `next_at`: from when it may be dialled. `outcome`: of the last attempt. `refusal`: a code, why it stands as it does, with its
    `sentence`. `hidden`: a contact you may not see, without name and numbers. `confirmation`: where its spoken yes stands
    (awaiting, terms_sent, confirmed, not_confirmed, withdrawn; empty: none was said), of several the latest, or the one that fits
    the filter. `waits_days`: for how long that awaits durable confirmation.
    """

    id: int
    campaign_id: int
    contact_id: int | None
    name: str
    fields: dict[str, Any]
    numbers: list[LeadNumberOut]
    priority: int
    state: str
    next_at: dt.datetime
    attempts: int
    needs_agent: bool
    outcome: str
    refusal: str
    sentence: str
    hidden: bool
    confirmation: str
    waits_days: int | None
    created_at: dt.datetime
    changed_at: dt.datetime


class LeadPage(BaseModel):
    """Leads in the order they were added, or by a spoken yes the oldest first; `next`: what to pass as `after`, null: no more.

    `states`: on the first page, how many of the campaign's leads are in each; `confirmations`: and how many have a spoken yes
    that stands so ("open": awaiting durable confirmation, terms sent or not).
    """

    items: list[LeadOut]
    next: int | None
    states: dict[str, int]
    confirmations: dict[str, int]


class LeadAttemptOut(BaseModel):
    """One try to reach a lead; `id` is its call's."""

    id: str
    number: str
    mode: str
    state: str
    outcome: str
    found: str
    key: str
    user_id: int | None
    started_at: dt.datetime
    answered_at: dt.datetime | None
    bridged_at: dt.datetime | None
    ended_at: dt.datetime | None
    bridged_ms: float | None
    end_code: int | None


class DecisionOut(BaseModel):
    """Why it was, or was not, dialled: a code with its values, and the sentence; `by`: whose doing, empty for the dialer's."""

    at: dt.datetime
    code: str
    values: dict[str, Any]
    sentence: str
    by: str


class LeadStory(BaseModel):
    """A lead with its attempts, the decisions about it in order, its spoken yeses (the latest first), and what happens next, in
    sentences.
    """

    lead: LeadOut
    attempts: list[LeadAttemptOut]
    decisions: list[DecisionOut]
    confirmations: list[ConfirmationOut]
    next: list[str]


class PutOffIn(In):
    """Until when a lead is to wait."""

    until: AwareDatetime


class PriorityIn(In):
    """1 is called first, 5 last."""

    priority: Annotated[int, Field(ge=1, le=5)]


def _lead(shown: Shown) -> LeadOut:
    lead, hidden = shown.lead, shown.hidden
    known = {name: getattr(lead, name) for name in LeadOut.model_fields if hasattr(Lead, name)}
    sentence = lead_words.code(lead.refusal, {} if hidden else lead.refusal_values) if lead.refusal else ""
    numbers = [LeadNumberOut(number=each.number, zones=each.zones, refusal=each.refusal) for each in shown.numbers]
    concealed: dict[str, Any] = {"name": "", "fields": {}, "contact_id": None} if hidden else {}
    told = {"numbers": [] if hidden else numbers, "sentence": sentence, "hidden": hidden, "waits_days": shown.waits_days}
    return LeadOut(**known | concealed | told | {"confirmation": shown.yes.state if shown.yes else ""})


def _attempt(attempt: LeadAttempt, hidden: bool) -> LeadAttemptOut:
    shown = LeadAttemptOut.model_validate(attempt, from_attributes=True)
    return shown.model_copy(update={"number": ""}) if hidden else shown


def _story(story: Story) -> LeadStory:
    hidden = story.shown.hidden
    decisions = [
        DecisionOut(
            at=each.decision.at,
            code=each.decision.code,
            values={} if hidden else each.decision.values,
            sentence=lead_words.said(each.said),
            by=each.by,
        )
        for each in story.decisions
    ]
    return LeadStory(
        lead=_lead(story.shown),
        attempts=[_attempt(each, hidden) for each in story.attempts],
        decisions=decisions,
        confirmations=[confirmations.shown(each) for each in story.confirmations],
        next=[lead_words.said(each) for each in story.next],
    )


@operation("GET", "/campaigns/{campaign_id}/leads", "listLeads", role=Role.SUPERVISOR)
async def list_leads(uow: UnitOfWork, campaign_id: Id, query: LeadsWanted) -> LeadPage:
    """The leads of a campaign."""
    page = await lead_queries.list_leads(uow, campaign_id, query)
    items = [_lead(each) for each in page.items]
    if query.after:
        return LeadPage(items=items, next=page.next, states={}, confirmations={})
    states, yeses = await lead_queries.counts(uow, campaign_id), await confirmation_queries.counts(uow, campaign_id)
    return LeadPage(items=items, next=page.next, states=states, confirmations=yeses)


@operation("GET", "/campaigns/{campaign_id}/leads/{lead_id}", "getLead", role=Role.SUPERVISOR)
async def get_lead(uow: UnitOfWork, campaign_id: Id, lead_id: Id) -> LeadStory:
    """A lead, and why it was, or was not, dialled."""
    return _story(await lead_queries.story(uow, campaign_id, lead_id))


@operation("POST", "/campaigns/{campaign_id}/leads/{lead_id}/next", "callLeadNext", role=Role.SUPERVISOR, errors=(Conflict,))
async def call_lead_next(uow: UnitOfWork, campaign_id: Id, lead_id: Id) -> LeadStory:
    """Let it be the next of its campaign, within its hours."""
    await lead_queries.get(uow, campaign_id, lead_id)
    return await _after(uow, campaign_id, await lead_changes.call_next(uow, lead_id))


@operation("POST", "/campaigns/{campaign_id}/leads/{lead_id}/put-off", "putOffLead", role=Role.SUPERVISOR, errors=(Conflict,))
async def put_off_lead(uow: UnitOfWork, campaign_id: Id, lead_id: Id, body: PutOffIn) -> LeadStory:
    """Let it wait until a time."""
    await lead_queries.get(uow, campaign_id, lead_id)
    return await _after(uow, campaign_id, await lead_changes.put_off(uow, lead_id, body.until))


@operation("POST", "/campaigns/{campaign_id}/leads/{lead_id}/remove", "removeLead", role=Role.SUPERVISOR, errors=(Conflict,))
async def remove_lead(uow: UnitOfWork, campaign_id: Id, lead_id: Id) -> LeadStory:
    """Take it off the list."""
    await lead_queries.get(uow, campaign_id, lead_id)
    return await _after(uow, campaign_id, await lead_changes.remove(uow, lead_id))


@operation("POST", "/campaigns/{campaign_id}/leads/{lead_id}/put-back", "putBackLead", role=Role.SUPERVISOR, errors=(Conflict,))
async def put_back_lead(uow: UnitOfWork, campaign_id: Id, lead_id: Id) -> LeadStory:
    """Let it be called again, its attempts counted anew; whether it may be called is asked again before it is dialled."""
    await lead_queries.get(uow, campaign_id, lead_id)
    return await _after(uow, campaign_id, await lead_changes.put_back(uow, lead_id))


@operation(
    "PUT", "/campaigns/{campaign_id}/leads/{lead_id}/priority", "setLeadPriority", role=Role.SUPERVISOR, errors=(Conflict,)
)
async def set_lead_priority(uow: UnitOfWork, campaign_id: Id, lead_id: Id, body: PriorityIn) -> LeadStory:
    """Let it be called before or after others."""
    await lead_queries.get(uow, campaign_id, lead_id)
    return await _after(uow, campaign_id, await lead_changes.set_priority(uow, lead_id, body.priority))


async def _after(uow: UnitOfWork, campaign_id: int, lead: Lead) -> LeadStory:
    await uow.session.flush()
    await uow.flush_lines()  # the decision is part of the answer
    return _story(await lead_queries.story(uow, campaign_id, lead.id))


ROUTES = routes_of(__name__)
