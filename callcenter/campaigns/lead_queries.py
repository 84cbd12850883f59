"""What can be read of leads: a page of a campaign's list, one lead with all that happened, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select

from callcenter.actor import Role
from callcenter.campaigns import confirmation_queries, explaining, leads
from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.campaigns.confirmation_queries import Wanted, Yes
from callcenter.campaigns.explaining import Said
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadDecision, LeadNumber, LeadState
from callcenter.campaigns.models import Campaign, PacingDecision
from callcenter.contacts import text
from callcenter.contacts.visibility import hidden
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.users.models import User

PAGE = 50
AHEAD = 1000  # more that come before are not counted
_FEWEST_DIGITS = 3
_MOST_TOLD = 500


class LeadsWanted(BaseModel):
    """Which leads of a campaign: in a `state`, with an `outcome` of the last attempt, with a `refusal` (a code: why refused, or
    put off), with a spoken yes that stands so (`confirmation`; open: awaiting durable confirmation, terms sent or not), whose
    name or number holds `q`. `after`: those beyond the lead with this id.
    """

    model_config = ConfigDict(extra="forbid")
    state: Literal["", "waiting", "shown", "dialling", "talking", "done", "exhausted", "refused", "uncertain", "removed"] = ""
    outcome: Annotated[str, Field(max_length=30, pattern="^[a-z_]*$")] = ""
    refusal: Annotated[str, Field(max_length=30, pattern="^[a-z_]*$")] = ""
    confirmation: Wanted = ""
    q: Annotated[str, Field(max_length=100, pattern="^[^\\x00]*$")] = ""
    after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = PAGE


@dataclass(frozen=True, slots=True)
class Shown:
    """A lead with its numbers. `hidden`: it is a contact the reader's account roles do not let them see: no name, no number.

    `yes`: its spoken yes that fits the filter, else the latest; `waits_days`: for how long that has been awaiting confirmation.
    """

    lead: Lead
    numbers: list[LeadNumber]
    hidden: bool = False
    yes: Confirmation | None = None
    waits_days: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Leads in the order they were added, or by a spoken yes the oldest first.

    `next` is what to pass as `after`, None: these are the last.
    """

    items: list[Shown]
    next: int | None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision and who made it, "" for the dialer."""

    decision: LeadDecision
    said: Said
    by: str


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of a lead. `people`: names of users its attempts mention; `next`: what happens with it next."""

    shown: Shown
    campaign: Campaign
    attempts: list[LeadAttempt]
    decisions: list[Decided]
    confirmations: list[Yes]
    next: list[Said]
    people: dict[int, str]


async def campaign_of(uow: UnitOfWork, campaign_id: int) -> Campaign:
    """Return a campaign (supervisors); raises NotFound."""
    uow.actor.require(Role.SUPERVISOR)
    campaign = await uow.session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    return campaign


async def list_leads(uow: UnitOfWork, campaign_id: int, wanted: LeadsWanted) -> Page:
    """Return a page of a campaign's leads (supervisors)."""
    campaign = await campaign_of(uow, campaign_id)
    query = _wanted(campaign_id, wanted)
    query = _by_yes(query, campaign_id, wanted) if wanted.confirmation else query.where(Lead.id > wanted.after).order_by(Lead.id)
    found = list(await uow.session.scalars(query.limit(wanted.limit + 1)))
    more = len(found) > wanted.limit
    items = found[: wanted.limit]
    return Page(await _shown(uow, campaign, items, wanted.confirmation), items[-1].id if more else None)


def _by_yes(query: Select[Lead], campaign_id: int, wanted: LeadsWanted) -> Select[Lead]:
    """Return those with a spoken yes that stands as wanted, the oldest first, beyond the lead `after`.

    One that got an end meanwhile keeps its place.
    """
    yes = confirmation_queries.leads_with(campaign_id, wanted.confirmation).subquery()
    query = query.join(yes, yes.c.lead_id == Lead.id).order_by(yes.c.said_at, Lead.id)
    if not wanted.after:
        return query
    before = select(func.min(Confirmation.said_at)).where(Confirmation.lead_id == wanted.after)
    so = before.where(Confirmation.state.in_(confirmation_queries.FILTERS[wanted.confirmation]))
    last = func.coalesce(so.scalar_subquery(), before.scalar_subquery())
    return query.where(or_(yes.c.said_at > last, and_(yes.c.said_at == last, Lead.id > wanted.after)))


def _wanted(campaign_id: int, wanted: LeadsWanted) -> Select[Lead]:
    query = select(Lead).where(Lead.campaign_id == campaign_id)
    if wanted.state:
        query = query.where(Lead.state == wanted.state)
    if wanted.outcome:
        query = query.where(Lead.outcome == wanted.outcome)
    if wanted.refusal:
        query = query.where(Lead.refusal == wanted.refusal)
    conditions = _typed(campaign_id, wanted.q)
    return query.where(*conditions)


def _typed(campaign_id: int, q: str) -> list[ColumnElement[bool]]:
    """Return what was typed as conditions: all its words in the name, or its digits in a number."""
    if not q.strip():
        return []
    digits = "".join(each for each in q if each.isdigit() and each.isascii())
    if len(digits) >= _FEWEST_DIGITS and not any(each.isalpha() for each in q):
        held = select(LeadNumber.lead_id).where(LeadNumber.campaign_id == campaign_id, LeadNumber.number.contains(digits))
        without_zero = digits.removeprefix("00")
        if without_zero != digits:
            other = LeadNumber.number.contains(without_zero)
            held = select(LeadNumber.lead_id).where(
                LeadNumber.campaign_id == campaign_id, or_(LeadNumber.number.contains(digits), other)
            )
        return [Lead.id.in_(held)]
    words = text.words(q)
    return [Lead.folded.contains(each, autoescape=True) for each in words] or [literal(False)]


async def _shown(uow: UnitOfWork, campaign: Campaign, found: Sequence[Lead], wanted: Wanted = "") -> list[Shown]:
    numbers = await leads.numbers(uow, found)
    unseen = (await hidden(uow, [each.contact_id for each in found if each.contact_id is not None])).contacts
    yeses = await confirmation_queries.of_leads(uow, [each.id for each in found], wanted)
    waits = {each: confirmation_queries.waits_days(yes, campaign, uow.now) for each, yes in yeses.items()}
    return [Shown(each, numbers[each.id], each.contact_id in unseen, yeses.get(each.id), waits.get(each.id)) for each in found]


async def counts(uow: UnitOfWork, campaign_id: int) -> dict[str, int]:
    """Return how many leads of a campaign are in each state (supervisors)."""
    await campaign_of(uow, campaign_id)
    query = select(Lead.state, func.count()).where(Lead.campaign_id == campaign_id).group_by(Lead.state)
    return {row[0]: row[1] for row in await uow.session.execute(query)}


async def get(uow: UnitOfWork, campaign_id: int, lead_id: int) -> Lead:
    """Return a lead of a campaign (supervisors); raises NotFound."""
    await campaign_of(uow, campaign_id)
    lead = await uow.session.get(Lead, lead_id)
    if lead is None or lead.campaign_id != campaign_id:
        raise NotFound("There is no such lead.")
    return lead


async def story(uow: UnitOfWork, campaign_id: int, lead_id: int) -> Story:
    """Return a lead with its attempts, decisions in order, and what happens next (supervisors)."""
    campaign = await campaign_of(uow, campaign_id)
    lead = await get(uow, campaign_id, lead_id)
    shown = (await _shown(uow, campaign, [lead]))[0]
    of_lead = select(LeadAttempt).where(LeadAttempt.lead_id == lead_id).order_by(LeadAttempt.started_at, LeadAttempt.id)
    attempts = list(await uow.session.scalars(of_lead.limit(_MOST_TOLD)))
    decisions = await _decisions(uow, lead_id)
    people = await _people(uow, {*(each.user_id for each in attempts), *(each.user_id for each in decisions), lead.user_id})
    decided = [Decided(each, _told(each, shown), people.get(each.user_id or 0, "")) for each in decisions]
    yeses = await confirmation_queries.of_lead(uow, campaign, lead_id, shown.hidden)
    return Story(shown, campaign, attempts, decided, yeses, await _next(uow, lead, campaign), people)


def _told(decision: LeadDecision, shown: Shown) -> Said:
    """Return the sentence of a decision; without the number where the reader may not see whose it is."""
    return explaining.say(decision.code, {} if shown.hidden else decision.values)


async def _decisions(uow: UnitOfWork, lead_id: int) -> list[LeadDecision]:
    """Return the latest decisions, in order."""
    query = select(LeadDecision).where(LeadDecision.lead_id == lead_id).order_by(LeadDecision.id.desc()).limit(_MOST_TOLD)
    return list(await uow.session.scalars(query))[::-1]


async def _people(uow: UnitOfWork, ids: set[int | None]) -> dict[int, str]:
    query = select(User.id, User.name).where(User.id.in_([each for each in ids if each is not None]))
    return {row[0]: row[1] for row in await uow.session.execute(query)}


async def _next(uow: UnitOfWork, lead: Lead, campaign: Campaign) -> list[Said]:
    due = lead.state == LeadState.WAITING and lead.next_at <= uow.now
    last = await uow.session.scalar(
        select(PacingDecision).where(PacingDecision.campaign_id == campaign.id).order_by(PacingDecision.id.desc()).limit(1)
    )
    pacing = (last.why, last.at) if last is not None and not last.lines else None
    ahead = await _ahead(uow, lead) if due else 0
    return explaining.next_steps(lead, campaign, uow.now, ahead, AHEAD, pacing)


async def _ahead(uow: UnitOfWork, lead: Lead) -> int:
    """Return how many that are due come before a lead, up to AHEAD."""
    before = 0
    for priority in range(leads.PRIORITIES[0], lead.priority + 1):
        query = select(Lead.id).where(Lead.campaign_id == lead.campaign_id, Lead.state == LeadState.WAITING.value)
        query = query.where(Lead.priority == priority, Lead.next_at <= uow.now)
        if priority == lead.priority:
            query = query.where((Lead.next_at < lead.next_at) | ((Lead.next_at == lead.next_at) & (Lead.id < lead.id)))
        before += await uow.session.scalar(select(func.count()).select_from(query.limit(AHEAD).subquery())) or 0
        if before >= AHEAD:
            return AHEAD
    return before
