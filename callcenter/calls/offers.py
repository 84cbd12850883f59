"""Offers: a waiting call and a ready agent are brought together, one offer per call and per agent at a time."""

import datetime as dt
from collections.abc import Collection
from typing import Any

import structlog
from sqlalchemy import func, select

from callcenter import clock, jobs
from callcenter.actor import Actor
from callcenter.agents import service as agents
from callcenter.calls import entries, queue, routing, rows, sight
from callcenter.calls.models import Call, CallState, Offer
from callcenter.contacts import numbers, timeline
from callcenter.contacts.visibility import viewer
from callcenter.db import UnitOfWork
from callcenter.events import CallOffered, CallWithdrawn
from callcenter.phone import AnswerLeg, Play, Sound
from callcenter.projects.models import Membership, Project

log = structlog.get_logger(__name__)

REST = dt.timedelta(seconds=5)  # who declined a call is not asked about it again sooner
_NOBODY: frozenset[int] = frozenset()


async def offer_first(uow: UnitOfWork, call: Call, project: Project, received: float) -> bool:
    """Offer a call that just came to the longest ready member; tells whether somebody was ready.

    The call's row is written once, as it stands after this: every statement here delays a pop-up.
    """
    with uow.session.no_autoflush:
        ready = await agents.ready_members(uow, [project.id])
    while ready:
        newcomer = routing.Waiting(call.id, project.id, call.queued_at or uow.now, {})
        candidates = [routing.Ready(each.user_id, each.since, frozenset({each.project_id})) for each in ready]
        chosen = routing.assign([newcomer], candidates)[0].user_id
        member = next(each for each in ready if each.user_id == chosen)
        if await _offer(uow, call, project, member, received=received):
            return True
        ready = [each for each in ready if each.user_id != chosen]
    return False


async def feed(uow: UnitOfWork, project_ids: Collection[int] | None = None) -> int:
    """Offer waiting calls of these projects (None: all) to whoever is ready; returns how many were offered."""
    waiting = select(Call).where(Call.state == CallState.WAITING.value, Call.project_id.is_not(None))
    if project_ids is not None:
        waiting = waiting.where(Call.project_id.in_(project_ids))
    calls = {call.id: call for call in await uow.session.scalars(waiting)}
    if not calls:
        return 0
    ready = await agents.ready_members(uow, {call.project_id for call in calls.values() if call.project_id is not None})
    if not ready:
        return 0
    tries, resting = await _tries(uow, calls), await _resting(uow, calls)
    queued = [
        routing.Waiting(
            call.id,
            call.project_id or 0,
            call.queued_at or call.started_at,
            tries.get(call.id, {}),
            resting.get(call.id, _NOBODY),
        )
        for call in calls.values()
    ]
    members = {each.user_id: each for each in ready}
    offered = 0
    for pair in routing.assign(queued, _agents(ready)):
        call = calls[pair.call_id]
        project = await rows.project_of(uow, call)
        if project is not None and await _offer(uow, call, project, members[pair.user_id]):
            offered += 1
            await queue.tell(uow, project.id)
    return offered


async def feed_from(uow: UnitOfWork, user_id: int | None) -> None:
    """Give work to an agent who may have become ready: what goes before the queue (B4), else what waits in their projects."""
    if user_id is None:
        return
    for other in uow.database.before_queue:
        if await other(uow, user_id):
            return
    await feed(uow, list(await uow.session.scalars(select(Membership.project_id).where(Membership.user_id == user_id))))


async def offered_event(uow: UnitOfWork, call: Call, offer: Offer, project: Project | None, person: Actor) -> CallOffered:
    """Return the pop-up of an offer, as `person` is first told and as their reloaded page draws it."""
    seen = await sight.of(uow, call, person)
    return CallOffered(
        call_id=call.id,
        offer_id=offer.id,
        number=call.number,
        number_shown="" if call.withheld else numbers.show(call.number),
        takes_texts=not call.withheld and numbers.takes_texts(call.number),
        caller_name=seen.caller_name,
        project_id=call.project_id,
        project=project.name if project else "",
        identification=seen.identification,
        candidates=seen.candidates,
        timeline=[] if seen.hidden else await entries.newest(uow, call),
        offered_at=offer.offered_at,
        expires_at=offer.offered_at + dt.timedelta(seconds=project.offer_seconds) if project else None,
    )


async def ask_again(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Offer what still waits in a project, now that who declined may be asked again."""
    await rows.lock(uow)
    await feed(uow, [int(payload["project_id"])])


async def offer_timeout(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Take a call from an agent who did not answer in time and give it to the next."""
    await rows.lock(uow)
    offer = await uow.session.get(Offer, str(payload["offer_id"]))
    if offer is None or offer.result != "open":
        return
    await not_taken(uow, offer, "no_answer", "missed")


async def not_taken(uow: UnitOfWork, offer: Offer, result: str, told: str, *, missed: bool = True) -> None:
    """End an offer its agent did not take; the call goes back to its place in the queue and to the next agent."""
    call = await uow.session.get_one(Call, offer.call_id)
    await close(uow, offer, result)
    uow.emit(CallWithdrawn(call_id=call.id, reason=told), [offer.user_id])
    call.state = CallState.WAITING.value
    await uow.session.flush()
    await agents.end_offer(uow, offer.user_id, call.id, missed=missed)
    await uow.session.flush()
    project_ids = set(await uow.session.scalars(select(Membership.project_id).where(Membership.user_id == offer.user_id)))
    await feed(uow, project_ids | ({call.project_id} if call.project_id else set()))
    if call.state == CallState.WAITING:
        await wait(uow, call, await rows.project_of(uow, call))
        if result == "declined":
            await jobs.put(uow, f"ask_again:{call.id}", "ask_again", uow.now + REST, project_id=call.project_id or 0)


async def close(uow: UnitOfWork, offer: Offer, result: str) -> None:
    """Give an open offer its final result."""
    offer.result, offer.ended_at = result, uow.now
    await jobs.drop(uow, f"offer:{offer.call_id}")


async def wait(uow: UnitOfWork, call: Call, project: Project | None) -> None:
    """Let a caller wait whom nobody takes now: with music if the project answers early, and not for ever."""
    if project is None:
        return
    for leg in await rows.live_legs(uow, call.id):
        if leg.state == rows.RINGING and project.answer_early:
            uow.send(AnswerLeg(leg.id))
            uow.send(Play(leg.id, Sound.MUSIC))
    latest = (call.queued_at or call.started_at) + dt.timedelta(seconds=project.max_wait_seconds)
    await jobs.put(uow, f"max_wait:{call.id}", "max_wait", latest, call_id=call.id)
    await queue.tell(uow, project.id)


async def _offer(
    uow: UnitOfWork, call: Call, project: Project, member: agents.ReadyMember, *, received: float | None = None
) -> bool:
    """Claim the agent and, in the same transaction, write the offer and the pop-up; False when the agent is gone."""
    call.state = CallState.OFFERED.value
    user_id = member.user_id
    if not await agents.claim(uow, user_id, member.fence, call.id):
        call.state = CallState.WAITING.value
        return False
    offer = Offer(id=clock.new_id(), call_id=call.id, user_id=user_id, offered_at=uow.now, first=received is not None)
    uow.emit(await offered_event(uow, call, offer, project, viewer(user_id, member.accounts)), [user_id])
    timeline.touched(uow, call.contact_id, call.organisation_id)
    timeout = uow.now + dt.timedelta(seconds=project.offer_seconds)
    await jobs.put(uow, f"offer:{call.id}", "offer_timeout", timeout, offer_id=offer.id)
    if received is not None:
        offer.received, offer.offered_ms = received, max(0.0, (clock.monotonic() - received) * 1000)
    uow.session.add(offer)
    return True


async def _tries(uow: UnitOfWork, call_ids: Collection[str]) -> dict[str, dict[int, int]]:
    """Return, per call and agent, how many offers ended without an answer."""
    query = select(Offer.call_id, Offer.user_id, func.count()).where(Offer.call_id.in_(call_ids), Offer.result != "open")
    found: dict[str, dict[int, int]] = {}
    for call_id, user_id, count in await uow.session.execute(query.group_by(Offer.call_id, Offer.user_id)):
        found.setdefault(call_id, {})[user_id] = count
    return found


async def _resting(uow: UnitOfWork, call_ids: Collection[str]) -> dict[str, frozenset[int]]:
    """Return, per call, the agents who declined it less than REST ago."""
    query = select(Offer.call_id, Offer.user_id).where(
        Offer.call_id.in_(call_ids), Offer.result == "declined", Offer.ended_at > uow.now - REST
    )
    found: dict[str, frozenset[int]] = {}
    for call_id, user_id in await uow.session.execute(query):
        found[call_id] = found.get(call_id, _NOBODY) | {user_id}
    return found


def _agents(ready: Collection[agents.ReadyMember]) -> list[routing.Ready]:
    """Return one entry per agent with all projects they are ready for."""
    projects: dict[int, set[int]] = {}
    since: dict[int, dt.datetime] = {}
    for each in ready:
        projects.setdefault(each.user_id, set()).add(each.project_id)
        since[each.user_id] = each.since
    return [routing.Ready(user_id, since[user_id], frozenset(served)) for user_id, served in projects.items()]
