"""The one place where a call ends, however it ends: its agent is freed, the timeline and the call-back list are written."""

import datetime as dt

import structlog

from callcenter import jobs
from callcenter.agents import service as agents
from callcenter.calls import call_backs, entries, listening, offers, queue, rows
from callcenter.calls.entries import MACHINES
from callcenter.calls.models import Call, CallState
from callcenter.db import UnitOfWork
from callcenter.events import CallChanged, CallEnded, CallWithdrawn
from callcenter.facts import CallOver
from callcenter.phone import Bridge, EndReason, HangUpLeg

log = structlog.get_logger(__name__)

ANNOUNCEMENT = "announcement"  # kind of the job that looks whether one is over; its key before the call's id
PLAYED = EndReason.COMPLETED  # how an agent's part ends whose call turned out to be a machine
_OF_CALLS = (EndReason.DROPPED, EndReason.ABANDONED)  # no leg ends so


async def end(
    uow: UnitOfWork, call: Call, reason: EndReason, *, code: int | None = None, text: str = "", lost: bool = False
) -> None:
    """End a call for good; nothing happens to one that is over. Its legs are the caller's business, or `hang_up`'s.

    `lost`: it is gone and nobody knows what became of it; of one whose agent dropped enough is known.
    """
    if call.state == CallState.ENDED:
        return
    waited, announced = call.state == CallState.WAITING, call.state in (CallState.ANNOUNCING, CallState.PLAYING)
    if call.state == CallState.ANNOUNCING:
        reason, lost = EndReason.DROPPED if call.user_id is not None else EndReason.ABANDONED, False
    if call.state == CallState.ANSWERED and reason is EndReason.COMPLETED and call.machine not in MACHINES:
        reason = EndReason.ABANDONED  # they hung up before anybody spoke to them
    if call.direction == "inbound" and call.answered_at is None and reason is EndReason.COMPLETED:
        reason = EndReason.CANCELLED  # answered by the queue only: the caller left before a person spoke
    call.state, call.ended_at, call.held = CallState.ENDED.value, uow.now, False
    call.end_reason, call.end_code, call.end_text = reason.value, code, text[:500]
    call.talk_seconds = _talked(call, call.ended_at)
    log.info("call.ended", call_id=call.id, direction=call.direction, reason=reason.value, code=code)
    if call.direction == "inbound":
        await jobs.drop(uow, f"max_wait:{call.id}")
    await uow.session.flush()
    await free_listeners(uow, call)
    freed = await (_after_announcement(uow, call) if announced else free_agent(uow, call, reason))
    await entries.write(uow, call, fresh=True)
    if call.direction == "inbound" and call.answered_at is None and call.project_id is not None:
        await call_backs.add(uow, call)
    if waited:
        await queue.tell(uow, call.project_id)
    uow.note(CallOver(call.id, lost))
    await offers.feed_from(uow, freed)


async def hang_up(uow: UnitOfWork, call: Call, reason: EndReason) -> None:
    """End a call from our side, whatever its legs are doing.

    The rows change at once and the switch is told: were it away now, it would be told to when it is back.
    """
    if call.user_id is not None:
        uow.send(Bridge(call.id, ()))
    for leg in await rows.live_legs(uow, call.id):
        uow.send(HangUpLeg(leg.id, EndReason.COMPLETED if reason in _OF_CALLS else reason))
    await end(uow, call, reason)


async def free_listeners(uow: UnitOfWork, call: Call) -> None:
    """Let supervisors out of a call in which nobody talks any more; who was ready is offered what waits."""
    for user_id in await listening.over(uow, call):
        await offers.feed_from(uow, user_id)


async def _after_announcement(uow: UnitOfWork, call: Call) -> None:
    """Tell the agent who dropped, and has been free since then, that their call is over."""
    await jobs.drop(uow, f"{ANNOUNCEMENT}:{call.id}")
    if call.user_id is not None:
        uow.emit(CallChanged(call_id=call.id), [call.user_id])


async def free_agent(uow: UnitOfWork, call: Call, reason: EndReason) -> int | None:
    """Free whoever has the call or is offered it; returns the user."""
    offer = await rows.open_offer(uow, call.id) if call.direction == "inbound" else None
    if offer is not None:
        await offers.close(uow, offer, "failed" if reason is EndReason.FAILED else "caller_left")
        uow.emit(CallWithdrawn(call_id=call.id, reason="caller_left"), [offer.user_id])
        await agents.end_offer(uow, offer.user_id, call.id, missed=False)
        return offer.user_id
    if call.user_id is None:
        return None
    project = await rows.project_of(uow, call)
    seconds = rows.DEFAULT_WRAP_UP_SECONDS if project is None else project.wrap_up_seconds
    if call.direction == "inbound" and call.answered_at is None:
        seconds = 0  # answered by a click, but the caller was gone: nothing to wrap up
    until = await agents.end_call(uow, call.user_id, call.id, seconds)
    message = CallEnded(
        call_id=call.id, reason=reason.value, code=call.end_code, text=call.end_text, ended_at=uow.now, wrap_up_until=until
    )
    uow.emit(message, [call.user_id])
    return call.user_id


def _talked(call: Call, ended_at: dt.datetime) -> int | None:
    """Return how many seconds agent and customer talked, None when they did not. Pure."""
    if call.answered_at is None:
        return None
    return max(0, round(((call.dropped_at or ended_at) - call.answered_at).total_seconds()))
