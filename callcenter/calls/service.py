"""Calls: every door, for people (answer, dial, hang up ...) and for the switchboard and the scheduler.

The rules live in the files beside this one: inbound, offers, talking, outbound, wrap_up, ending, call_backs, reconcile.
"""

from typing import Any

from callcenter.agents import service as agents
from callcenter.agents import stations
from callcenter.agents.models import AgentState
from callcenter.agents.views import AgentOut
from callcenter.calls import announcing, listening, offers, outbound, queries, refusing, rows, talking, wrap_up
from callcenter.calls.announcing import overdue as announcement_overdue
from callcenter.calls.call_backs import call_backs, finish_call_back, take_call_back
from callcenter.calls.inbound import leg_offered, max_wait_over
from callcenter.calls.latency import latency, latency_values, pop_up_shown
from callcenter.calls.machines import machine_detected
from callcenter.calls.models import Call
from callcenter.calls.offers import offer_timeout
from callcenter.calls.outbound import emergency_warning
from callcenter.calls.queries import current, get_call, list_calls, listenings, talks
from callcenter.calls.reconcile import reconcile, sweep, unknown_leg
from callcenter.calls.talking import dtmf_received, leg_answered, leg_ended, leg_ringing, send_dtmf
from callcenter.calls.views import CallOut, ListeningOut
from callcenter.calls.wrap_up import wrap_up_over
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.events import SwitchState
from callcenter.phone import Snapshot, StationLive, StationLost, TrunkChanged
from callcenter.trunks import service as trunks

__all__ = [
    "announcement_overdue",
    "answer",
    "away_call_over",
    "call_backs",
    "change_match",
    "current",
    "decline",
    "dial",
    "do_not_call",
    "dtmf_received",
    "emergency_warning",
    "extend_wrap_up",
    "finish_call_back",
    "finish_wrap_up",
    "get_call",
    "hang_up",
    "hold",
    "latency",
    "latency_values",
    "leg_answered",
    "leg_ended",
    "leg_offered",
    "leg_ringing",
    "link_down",
    "link_up",
    "list_calls",
    "listen",
    "listenings",
    "machine_detected",
    "max_wait_over",
    "offer_timeout",
    "pop_up_shown",
    "reconcile",
    "save_draft",
    "send_dtmf",
    "set_agent_state",
    "set_disposition",
    "station_grace_over",
    "station_live",
    "station_lost",
    "stop_listening",
    "sweep",
    "take_call_back",
    "talks",
    "trunk_changed",
    "unknown_leg",
    "wrap_up_over",
]

# --- for people -----------------------------------------------------------------------------------------------------


async def set_agent_state(uow: UnitOfWork, state: str, reason: str = "", *, user_id: int | None = None) -> AgentOut:
    """Take a state (ready, break, offline), during a call for afterwards; who gets ready is offered what waits."""
    await rows.lock(uow)
    user_id = uow.actor.id if user_id is None else user_id
    agent = await agents.row(uow, user_id)
    was_in = agent.call_id if agent.state == AgentState.WRAP_UP else None
    await agents.set_state(uow, user_id, state, reason)
    if was_in is not None:
        call = await uow.session.get(Call, was_in)
        if call is not None and call.wrapped_at is None:
            call.wrapped_at = uow.now
    if agent.state == AgentState.READY:
        await offers.feed_from(uow, user_id)
    return await agents.get_agent(uow, user_id)


async def answer(uow: UnitOfWork, call_id: str) -> CallOut:
    """Answer the call one is offered; Conflict says who has taken it or that the caller left."""
    return await queries.shown(uow, await talking.answer(uow, call_id))


async def decline(uow: UnitOfWork, call_id: str) -> CallOut:
    """Refuse the call one is offered."""
    return await queries.shown(uow, await talking.decline(uow, call_id))


async def hang_up(uow: UnitOfWork, call_id: str) -> CallOut:
    """End a call at once; one that is over stays as it is."""
    return await queries.shown(uow, await talking.hang_up(uow, call_id))


async def do_not_call(uow: UnitOfWork, call_id: str, *, everywhere: bool = False) -> CallOut:
    """Keep the customer of one's call from being called again, by the call's project or by anybody."""
    return await queries.shown(uow, await refusing.do_not_call(uow, call_id, everywhere=everywhere))


async def dial(
    uow: UnitOfWork,
    number: str,
    *,
    contact_id: int | None = None,
    project_id: int | None = None,
    despite_objection: bool = False,
) -> CallOut:
    """Call a number by hand; a customer who asked not to be called only `despite_objection`."""
    call = await outbound.dial(uow, number, contact_id=contact_id, project_id=project_id, despite_objection=despite_objection)
    return await queries.shown(uow, call)


async def hold(uow: UnitOfWork, call_id: str, on: bool) -> CallOut:
    """Put the customer on hold, or come back."""
    return await queries.shown(uow, await talking.hold(uow, call_id, on))


async def save_draft(uow: UnitOfWork, call_id: str, text: str, version: int | None = None) -> CallOut:
    """Keep the note as typed so far upon `version`; Conflict when it was changed elsewhere."""
    return await queries.shown(uow, await wrap_up.save_draft(uow, call_id, text, version))


async def set_disposition(
    uow: UnitOfWork, call_id: str, disposition_id: int | None, note: str, version: int | None = None
) -> CallOut:
    """Save disposition and note; the draft is done with. Conflict when the note is not the `version` seen."""
    return await queries.shown(uow, await wrap_up.set_disposition(uow, call_id, disposition_id, note, version))


async def change_match(uow: UnitOfWork, call_id: str, contact_id: int | None, organisation_id: int | None = None) -> CallOut:
    """Say whom the call was really with; its timeline line and note move there."""
    return await queries.shown(uow, await wrap_up.change_match(uow, call_id, contact_id, organisation_id))


async def finish_wrap_up(uow: UnitOfWork) -> AgentOut:
    """End one's wrap-up."""
    return await agents.get_agent(uow, (await wrap_up.finish_wrap_up(uow)).user_id)


async def extend_wrap_up(uow: UnitOfWork, seconds: int = 60) -> AgentOut:
    """Take more seconds for one's wrap-up."""
    return await agents.get_agent(uow, (await wrap_up.extend_wrap_up(uow, seconds)).user_id)


async def listen(uow: UnitOfWork, call_id: str, way: str) -> ListeningOut:
    """Listen to a consultant's running call, whisper to them, or barge in; from one way to another at any time."""
    await listening.listen(uow, call_id, way)
    now = await queries.listened(uow)
    if now is None:
        raise NotFound("There is no such call.")
    return now


async def stop_listening(uow: UnitOfWork, call_id: str) -> AgentOut:
    """Leave a call one listens to; nothing happens where one does not (any more)."""
    await offers.feed_from(uow, await listening.leave(uow, call_id))
    return await agents.get_agent(uow, uow.actor.id)


# --- for the switchboard --------------------------------------------------------------------------------------------


async def station_live(uow: UnitOfWork, event: StationLive) -> None:
    """A browser's audio path stands: its ready agent can be offered calls again."""
    await rows.lock(uow)
    agent = await stations.station_live(uow, event.station_id, event.session)
    if agent is not None and agent.state == AgentState.READY:
        await offers.feed_from(uow, agent.user_id)


async def station_lost(uow: UnitOfWork, event: StationLost) -> None:
    """A browser's audio path is gone; a time of grace begins."""
    await rows.lock(uow)
    await stations.station_lost(uow, event.station_id, event.session)


async def trunk_changed(uow: UnitOfWork, event: TrunkChanged) -> None:
    """A trunk's registration or reachability changed."""
    await trunks.set_state(uow, event.trunk)


async def link_up(uow: UnitOfWork, snapshot: Snapshot) -> None:
    """The switch is back: reconcile, tell it its trunks, tell everybody."""
    await reconcile(uow, snapshot)
    if snapshot.draining:
        await trunks.switch_draining(uow)
    uow.emit(SwitchState(up=True, draining=snapshot.draining), None)


async def switch_draining(uow: UnitOfWork, on: bool) -> None:
    """The switch is stopping, or not any more: calls in it may finish, nothing new can start."""
    await (trunks.switch_draining(uow) if on else trunks.switch_away(uow, False))
    uow.emit(SwitchState(up=True, draining=on), None)


async def link_down(uow: UnitOfWork) -> None:
    """The switch cannot be reached: calls in it go on, nothing new can start."""
    await trunks.switch_away(uow, True)
    uow.emit(SwitchState(up=False), None)


# --- for the scheduler ----------------------------------------------------------------------------------------------


async def station_grace_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """A page stayed away: its agent goes offline; the customer they talked to hears the announcement, if there is one."""
    await rows.lock(uow)
    await announcing.agent_gone(uow, payload)
    if not (await agents.row(uow, int(payload["user_id"]))).station_live:
        await listening.take_out(uow, int(payload["user_id"]), "page_away")
    await stations.station_grace_over(uow, payload)


async def away_call_over(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """A page stayed away in the middle of a call for so long that the customer is let go."""
    await rows.lock(uow)
    call = await uow.session.get(Call, str(payload["call_id"]))
    agent = await agents.row(uow, int(payload["user_id"]))
    if call is not None and agent.call_id == call.id and agent.state == AgentState.ON_CALL and not agent.station_live:
        await announcing.let_go(uow, call, announcing.lost_at(uow, payload))
