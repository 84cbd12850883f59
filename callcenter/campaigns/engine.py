"""What the rest of the house asks of campaigns: facts to react to, and the sweep that mends what should not be."""

from typing import Any

import structlog
from sqlalchemy import or_, select

from callcenter.calls import rows as calls
from callcenter.calls.models import Call, CallState
from callcenter.campaigns import agentless, answering, going, meanings, outcomes, previews
from callcenter.campaigns.lead_models import LeadAttempt
from callcenter.db import UnitOfWork
from callcenter.facts import AgentChanged, CallOver, CallTalking, Disposed, Fact, KeyPressed, LegPickedUp, MachineFound

log = structlog.get_logger(__name__)

_AT_ONCE = 100  # attempts a sweep mends: those left come with the next one


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Hear of a fact (a reaction of Database)."""
    match fact:
        case LegPickedUp(call_id=call_id):
            await answering.picked_up(uow, call_id)
        case MachineFound(call_id=call_id, found=found):
            await answering.machine_found(uow, call_id, found)
        case KeyPressed(call_id=call_id, digit=digit):
            await agentless.key_pressed(uow, call_id, digit)
        case CallTalking(call_id=call_id):
            await answering.talking(uow, call_id)
        case CallOver(call_id=call_id, lost=lost):
            await outcomes.over(uow, call_id, lost=lost)
        case Disposed(call_id=call_id, disposition_id=disposition_id):
            await meanings.disposed(uow, call_id, disposition_id)
        case AgentChanged(user_id=user_id):
            await previews.agent_changed(uow, user_id)
            await answering.agent_changed(uow, user_id)


async def sweep(uow: UnitOfWork, _payload: dict[str, Any]) -> None:
    """End attempts whose call is over, or is not there: nobody was told of it."""
    await calls.lock(uow)
    gone = select(LeadAttempt.id).outerjoin(Call, Call.id == LeadAttempt.id)
    gone = gone.where(LeadAttempt.state.not_in([going.OVER, going.SHOWN]))
    gone = gone.where(or_(Call.id.is_(None), Call.state == CallState.ENDED.value)).limit(_AT_ONCE)
    for attempt_id in list(await uow.session.scalars(gone)):
        log.error("campaign.attempt_mended", attempt_id=attempt_id)
        await outcomes.over(uow, attempt_id)
