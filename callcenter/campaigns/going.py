"""An attempt that goes on: the words for where it stands, finding it by its call, and its lead following it."""

import datetime as dt

import structlog
from sqlalchemy import and_, bindparam, select

from callcenter.agents.models import Agent
from callcenter.campaigns import leads
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadState
from callcenter.campaigns.lead_states import GOING
from callcenter.campaigns.models import Campaign
from callcenter.db import UnitOfWork

log = structlog.get_logger(__name__)

SHOWN, DIALLING, ANSWERED, TALKING, OVER = "shown", "dialling", "answered", "talking", "over"  # of LeadAttempt.state
TALKED, ABANDONED, MACHINE, UNCERTAIN = "talked", "abandoned", "machine", "uncertain"  # of LeadAttempt.outcome
MESSAGE_LEFT, HEARD, HUNG_UP = "message_left", "heard", "hung_up"  # of a message that was played, and what a key meant in it:
CONFIRMED, REFUSED_BY_KEY, WANTED_AGENT = "confirmed", "do_not_call", "wanted_agent"
JOB = "campaign_answer"  # kind of the job that ends a customer's waiting, and its key before the attempt's id
HUMAN = "human"  # of LeadAttempt.found
MACHINES = ("machine", "fax")  # of the same
CALLED = and_(LeadAttempt.state != SHOWN, LeadAttempt.outcome != "skipped")  # a lead that is only looked at is called by nobody

_GOING = (
    select(LeadAttempt, Lead, Campaign)
    .join(Lead, Lead.id == LeadAttempt.lead_id)
    .join(Campaign, Campaign.id == LeadAttempt.campaign_id)
    .where(LeadAttempt.id == bindparam("call"), LeadAttempt.state != OVER)
)


async def find(uow: UnitOfWork, call_id: str) -> tuple[LeadAttempt, Lead, Campaign] | None:
    """Return the attempt of a call that goes on, with its lead and its campaign; None for any other call. One statement."""
    found = (await uow.session.execute(_GOING, {"call": call_id})).one_or_none()
    return None if found is None else (found[0], found[1], found[2])


def theirs(attempt: LeadAttempt, lead: Lead) -> bool:
    """Tell whether a lead is still in the hands of an attempt; it says so in the log when it is not. Pure."""
    ours = lead.attempt_id == attempt.id and LeadState(lead.state) in GOING
    if not ours:
        log.error("lead.odd_attempt", lead_id=lead.id, state=lead.state, attempt_id=attempt.id)
    return ours


def ready_for(agent: Agent | None, now: dt.datetime) -> float | None:
    """Return for how long an agent has been ready until now, in seconds; None where nobody knows. Pure."""
    if agent is None or agent.ready_since is None:
        return None
    return max(0.0, (now - agent.ready_since).total_seconds())


def rang(attempt: LeadAttempt, until: dt.datetime) -> None:
    """Count the time a line rang as its agent's waiting. Pure."""
    attempt.waited_seconds = (attempt.waited_seconds or 0.0) + max(0.0, (until - attempt.started_at).total_seconds())


def follow(uow: UnitOfWork, attempt: LeadAttempt, lead: Lead, state: LeadState) -> None:
    """Let the lead follow its attempt into a state, unless it went another way meanwhile."""
    if theirs(attempt, lead):
        leads.change(uow, lead, state)
