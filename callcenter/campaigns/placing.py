"""A lead becomes a call: may its number be dialled at this moment, how does it leave; then attempt, call and leg are written.

All three are committed before the switch hears of it: a crash may lose a dial, it never repeats one.
"""

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Text, bindparam, literal_column, select

from callcenter import clock
from callcenter.agents.models import Agent
from callcenter.calls import outbound, sight
from callcenter.calls.models import Call
from callcenter.calls.outbound import Way
from callcenter.calls.spending import SpentForToday
from callcenter.campaigns import detecting, going, leads, periods, permission, scripts
from callcenter.campaigns.desk_events import LeadCalled
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadNumber, LeadState
from callcenter.campaigns.models import Campaign
from callcenter.campaigns.permission import Asked, Verdict
from callcenter.contacts.visibility import viewer
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotPermitted, Unavailable
from callcenter.events import ContactOpened
from callcenter.projects.models import Project
from callcenter.trunks.models import Trunk
from callcenter.trunks.service import AWAY, DRAINING
from callcenter.users.models import User

log = structlog.get_logger(__name__)

DEAD = frozenset({AWAY, DRAINING, "failed"})  # states of a trunk on which nothing is dialled
BUSY = dt.timedelta(minutes=1)  # until a number is asked about again that another campaign is calling

# The state stands in the text: a plan for all values of a parameter could not use the index of those that go on.
_GOES_ON = LeadAttempt.state != literal_column(f"'{going.OVER}'", Text)
_ON_A_LINE = select(LeadAttempt.number).where(LeadAttempt.number.in_(bindparam("numbers", expanding=True)), _GOES_ON)


class Permitted(NamedTuple):
    """A lead that may be called now: on which number, how the call leaves, and what the permission rests on."""

    number: LeadNumber
    way: Way
    verdict: Verdict


class Standing(NamedTuple):
    """What is known of a number at this moment: whether somebody is called on it, and whether it may be."""

    busy: bool
    verdict: Verdict


class Stop(enum.StrEnum):
    """Why nothing at all can be dialled for a campaign now."""

    TRUNK = "trunk_down"
    SPENT = "spent"
    PROJECT = "project_off"


class Stopped(Exception):
    """Nothing of this campaign can be dialled now."""

    def __init__(self, why: Stop, error: CallCenterError) -> None:
        super().__init__(why.value)
        self.why, self.error = why, error


async def stopped(uow: UnitOfWork, campaign: Campaign) -> Stop | None:
    """Return why nothing can leave for a campaign, by its project and its trunk; None when something can."""
    project = await uow.session.get(Project, campaign.project_id)
    if project is None or not project.enabled:
        return Stop.PROJECT
    trunk_id = campaign.trunk_id or project.trunk_id
    trunk = None if trunk_id is None else await uow.session.get(Trunk, trunk_id)
    if trunk is not None and (not trunk.enabled or trunk.state in DEAD):
        return Stop.TRUNK
    return None


async def look_up(uow: UnitOfWork, campaign: Campaign, numbers: Sequence[tuple[Lead, LeadNumber]]) -> dict[str, Standing]:
    """Return how numbers of claimed leads stand at this moment, by number: for all of them as many statements as for one."""
    if not numbers:
        return {}
    asked = [Asked(number.number, lead.contact_id) for lead, number in numbers]
    busy = set(await uow.session.scalars(_ON_A_LINE, {"numbers": [each.number for each in asked]}))
    verdicts = await permission.may_dial(uow, campaign, asked)
    return {each.number: Standing(each.number in busy, verdict) for each, verdict in zip(asked, verdicts, strict=True)}


async def permitted(
    uow: UnitOfWork, campaign: Campaign, lead: Lead, numbers: Sequence[LeadNumber], known: Mapping[str, Standing] | None = None
) -> Permitted | None:
    """Return how a claimed lead is dialled now; None when it may not be: the lead says why and since when.

    `known`: what `look_up` found in this transaction. Raises Stopped when nothing at all can leave; the lead is still claimed
    then.
    """
    while (number := leads.next_number(lead, numbers)) is not None:
        standing = (known or {}).get(number.number) or (await look_up(uow, campaign, [(lead, number)]))[number.number]
        if standing.busy:
            leads.put_off(uow, lead, uow.now + BUSY, "lead_busy", {"number": number.number})
            return None
        verdict = standing.verdict
        if verdict.code and verdict.until is not None:
            leads.put_off(uow, lead, verdict.until, verdict.code, dict(verdict.values))
            return None
        code, values = verdict.code, {"number": number.number, **verdict.values}
        if not code:
            way = await _way(uow, campaign, number)
            if way is not None:
                return Permitted(number, way, verdict)
            code, values = "invalid", {"number": number.number}
        if not [each for each in numbers if not each.refusal and each is not number]:
            number.refusal = code  # what is decided about the lead says it
            leads.refuse(uow, lead, code, values)
            return None
        leads.refuse_number(uow, number, code, values)
    leads.refuse(uow, lead, "no_number")
    return None


async def dial(
    uow: UnitOfWork,
    campaign: Campaign,
    lead: Lead,
    permitted: Permitted,
    *,
    agent: Agent | None,
    attempt: LeadAttempt | None = None,
) -> LeadAttempt:
    """Write the attempt, the call and the leg of a claimed lead; the switch is asked once all that is committed.

    `agent` is on the call from its first ring; None: whoever answers is given to an agent then. `attempt`: one that showed the
    lead until now.
    """
    number, way, verdict = permitted
    if attempt is None:
        attempt = LeadAttempt(id=clock.new_id(), campaign_id=campaign.id, lead_id=lead.id)
        uow.session.add(attempt)
    attempt.number, attempt.mode, attempt.state = number.number, campaign.mode, going.DIALLING
    attempt.started_at, attempt.user_id = uow.now, agent.user_id if agent else None
    attempt.waited_seconds = going.ready_for(agent, uow.now)
    lead.attempts += 1
    lead.attempt_id, lead.position, lead.user_id = attempt.id, number.position, agent.user_id if agent else lead.user_id
    if lead.state != LeadState.DIALLING:
        leads.change(uow, lead, LeadState.DIALLING)
    values = {"number": number.number, "mode": campaign.mode, "attempt": lead.attempts, "attempt_id": attempt.id}
    leads.decide(uow, lead.id, "dialled", **{**verdict.values, **values})
    await periods.count(uow, campaign, attempt.started_at, dialled=1)
    announcement = campaign.abandoned_message if verdict.may_hear else ""
    given: dict[str, Any] = {"call_id": attempt.id, "contact_id": lead.contact_id, "ring_seconds": campaign.ring_seconds}
    given["listening"] = detecting.listening(campaign)
    if agent is None:
        await outbound.place_unattended(uow, way, announcement=announcement, **given)
        return attempt
    call = await outbound.place(uow, agent, way, announcement=announcement, **given)
    await _tell(uow, campaign, lead, call, agent.user_id)
    return attempt


async def _tell(uow: UnitOfWork, campaign: Campaign, lead: Lead, call: Call, user_id: int) -> None:
    """Show the agent the lead and, where they may see it, the contact."""
    await scripts.shown(uow, campaign, lead)  # that it fails is told to the supervisors
    uow.emit(LeadCalled(lead_id=lead.id, call_id=call.id, campaign=campaign.name), [user_id])
    if call.contact_id is not None:
        user = await uow.session.get_one(User, user_id)
        if not (await sight.of(uow, call, viewer(user_id, user.accounts))).hidden:
            uow.emit(ContactOpened(contact_id=call.contact_id, call_id=call.id), [user_id])


async def _way(uow: UnitOfWork, campaign: Campaign, number: LeadNumber) -> Way | None:
    """Return how a call leaves, None when the number may not be dialled; raises Stopped when nothing can leave."""
    project = await uow.session.get(Project, campaign.project_id)
    if project is None or not project.enabled:
        raise Stopped(Stop.PROJECT, Conflict("The project is switched off."))
    try:
        way = await outbound.way_out(
            uow, number.number, project, trunk_id=campaign.trunk_id, caller_id=campaign.caller_id, by_hand=False
        )
    except (Invalid, NotPermitted) as error:
        log.warning("campaign.number_refused", campaign_id=campaign.id, lead_id=number.lead_id, error=error.sentence)
        return None
    except SpentForToday as error:
        raise Stopped(Stop.SPENT, error) from error
    except Conflict as error:
        raise Stopped(Stop.TRUNK, error) from error
    if way.trunk.state in DEAD:
        raise Stopped(Stop.TRUNK, Unavailable("The telephone switch cannot be reached. Try again in a moment."))
    return way
