"""After any reconnect: our rows beside what really lives in the switch. And the sweep that mends what should not be."""

import datetime as dt
from typing import Any

import structlog
from sqlalchemy import literal, or_, select

from callcenter import jobs
from callcenter.agents import service as agents
from callcenter.agents import stations
from callcenter.agents.models import Agent, AgentState
from callcenter.agents.states import BUSY
from callcenter.calls import announcing, ending, listening, offers, playing, rows, spending, talking, wrap_up
from callcenter.calls.models import Call, CallState, Leg, Offer
from callcenter.db import UnitOfWork
from callcenter.phone import AnswerLeg, EndReason, HangUpLeg, LegAnswered, LegState, RingLeg, Snapshot
from callcenter.trunks import service as trunks

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 30
COUNTDOWN = "countdown"  # kind of the jobs before calls that are dialled when one has run out; then the call's id
_OLDEST_LEG = dt.timedelta(days=1)  # of those looked through for an end that was never told
_UNKNOWN_LEG_SECONDS = 15  # its LegOffered may still be on the way


async def reconcile(uow: UnitOfWork, snapshot: Snapshot) -> None:
    """Make the rows agree with what lives in the switch, and the switch with what the rows say is over."""
    await rows.lock(uow)
    await trunks.switch_away(uow, False)
    for trunk in snapshot.trunks:
        await trunks.set_state(uow, trunk)
    uow.send(await trunks.configs(uow))
    await _stations(uow, snapshot)
    alive = {leg.leg_id: leg for leg in snapshot.legs}
    known = {leg.id: leg for leg in await uow.session.scalars(select(Leg).where(Leg.id.in_(alive)))}
    for leg_id, state in alive.items():
        await _living_leg(uow, state, known.get(leg_id))
    for call in await rows.open_calls(uow):
        await _open_call(uow, call, alive)
    await _legs_of_ended_calls(uow, alive)
    await sweep(uow, {})
    await jobs.put(uow, "sweep", "sweep", uow.now)  # and the whole of it: others, too, waited for the switch


async def unknown_leg(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Hang up a leg in the switch of which nobody has told us."""
    if await uow.session.get(Leg, str(payload["leg_id"])) is None:
        log.warning("leg.nobodys", leg_id=payload["leg_id"])
        uow.send(HangUpLeg(str(payload["leg_id"]), EndReason.FAILED))


async def sweep(uow: UnitOfWork, _payload: dict[str, Any]) -> None:
    """Check what must always hold, mend and log what does not, and look for callers and agents who missed each other."""
    await rows.lock(uow)
    await _stuck_agents(uow)
    await _stale_offers(uow)
    for agent in await uow.session.scalars(
        select(Agent).where(Agent.state == AgentState.WRAP_UP.value, Agent.wrap_up_until < uow.now - _late())
    ):
        log.warning("sweep.wrap_up_overdue", user_id=agent.user_id)
        await wrap_up.finish(uow, agent)
    for user_id in await listening.mend(uow):
        await offers.feed_from(uow, user_id)
    fed = await offers.feed(uow)
    if fed:
        log.info("sweep.offered", calls=fed)
    await spending.tell(uow)
    await jobs.put(uow, "sweep", "sweep", uow.now + dt.timedelta(seconds=SWEEP_SECONDS))


async def _stations(uow: UnitOfWork, snapshot: Snapshot) -> None:
    live = {station.station_id: station.session for station in snapshot.stations if station.live}
    for agent in list(await uow.session.scalars(select(Agent).where(Agent.station_live))):
        if str(agent.user_id) not in live:
            await stations.station_lost(uow, str(agent.user_id), "")
    for station_id, session in live.items():
        await stations.station_live(uow, station_id, session)


async def _living_leg(uow: UnitOfWork, state: LegState, leg: Leg | None) -> None:
    """Bring one leg of the switch and its row together."""
    if leg is None:
        if state.direction == "outbound":  # dialled for a call of which no row was left
            uow.send(HangUpLeg(state.leg_id, EndReason.FAILED))
        else:
            at = uow.now + dt.timedelta(seconds=_UNKNOWN_LEG_SECONDS)
            await jobs.put(uow, f"unknown_leg:{state.leg_id}", "unknown_leg", at, leg_id=state.leg_id)
        return
    call = await uow.session.get_one(Call, leg.call_id)
    if call.state == CallState.ENDED or leg.state == rows.ENDED:
        uow.send(HangUpLeg(leg.id, EndReason.COMPLETED))
    elif state.state == "answered" and leg.state == rows.RINGING:
        await talking.leg_answered(uow, LegAnswered(leg.id))
    await uow.session.flush()


async def _open_call(uow: UnitOfWork, call: Call, alive: dict[str, LegState]) -> None:
    """End a call that is gone from the switch; tell the switch again what a call that goes on needs."""
    legs = await rows.live_legs(uow, call.id)
    living = [leg for leg in legs if leg.id in alive]
    if not living:
        log.warning("call.lost", call_id=call.id, state=call.state)
        for leg in legs:
            uow.send(HangUpLeg(leg.id, EndReason.FAILED))
            _gone(uow, leg)
        await ending.end(uow, call, EndReason.FAILED, text="The switch no longer has this call.", lost=True)
        return
    if call.state == CallState.ANNOUNCING:
        announcing.announce(uow, call, living)
        return
    if call.state == CallState.PLAYING:
        playing.tell(uow, call, living)
        return
    ringing = [leg for leg in living if leg.direction == "inbound" and leg.state == rows.RINGING]
    for leg in ringing:
        uow.send(RingLeg(leg.id) if call.user_id is None else AnswerLeg(leg.id))
    others = await listening.members(uow, call) if call.answered_at is not None else ()
    if call.held:  # the customer must not hear what is said meanwhile
        talking.let_hear_music(uow, call, living, others)
    elif call.user_id is not None:
        uow.send(rows.bridge(call, living, others))


async def _legs_of_ended_calls(uow: UnitOfWork, alive: dict[str, LegState]) -> None:
    """Note the end of legs that were told to hang up and of which the switch, killed meanwhile, could not tell."""
    recent = Leg.id > rows.first_id(uow.now - _OLDEST_LEG)
    left = select(Leg).join(Call, Call.id == Leg.call_id).where(recent, Leg.state != rows.ENDED)
    for leg in await uow.session.scalars(left.where(Call.state == CallState.ENDED.value)):
        if leg.id not in alive:
            _gone(uow, leg)


def _gone(uow: UnitOfWork, leg: Leg) -> None:
    leg.state, leg.ended_at, leg.ended_by, leg.end_reason = rows.ENDED, uow.now, "switch", EndReason.FAILED.value
    leg.minutes = rows.started_minutes(leg.answered_at, uow.now)


async def _stuck_agents(uow: UnitOfWork) -> None:
    """Free agents who are offered or on a call that is over, or that is no longer theirs.

    An agent who is offered a call that is none yet sees a countdown before it is dialled, as long as its job is there.
    """
    query = select(Agent, Call, jobs.Job.key).outerjoin(Call, Call.id == Agent.call_id)
    query = query.outerjoin(jobs.Job, jobs.Job.key == literal(f"{COUNTDOWN}:").concat(Agent.call_id))
    query = query.where(Agent.state.in_([state.value for state in BUSY]))
    for agent, call, countdown in (await uow.session.execute(query)).all():
        if call is None and countdown is not None and agent.state == AgentState.OFFERED:
            continue
        offer = None if call is None else await rows.open_offer(uow, call.id)
        offered = agent.state == AgentState.OFFERED and offer is not None and offer.user_id == agent.user_id
        talks = agent.state == AgentState.ON_CALL and call is not None and call.user_id == agent.user_id
        if call is not None and call.state != CallState.ENDED and (offered or talks):
            continue
        log.error("sweep.agent_freed", user_id=agent.user_id, state=agent.state, call_id=agent.call_id)
        await agents.settle(uow, agent, reason="reconciled")
        await uow.session.flush()


async def _stale_offers(uow: UnitOfWork) -> None:
    """End offers of ended calls, offers whose time ran out unnoticed, and give offered calls without one back."""
    query = select(Offer, Call).join(Call, Call.id == Offer.call_id).where(Offer.result == "open")
    old = uow.now - dt.timedelta(minutes=3)  # the longest an offer may ring is two
    query = query.where(or_(Call.state != CallState.OFFERED.value, Offer.offered_at < old))
    for offer, call in (await uow.session.execute(query)).all():
        log.error("sweep.offer_closed", offer_id=offer.id, call_id=call.id, state=call.state)
        if call.state == CallState.OFFERED:
            await offers.not_taken(uow, offer, "no_answer", "missed")
        else:
            await offers.close(uow, offer, "failed")
    has_offer = select(Offer.call_id).where(Offer.result == "open")
    lone = select(Call).where(Call.state == CallState.OFFERED.value, Call.user_id.is_(None), Call.id.not_in(has_offer))
    for call in await uow.session.scalars(lone):
        log.error("sweep.call_requeued", call_id=call.id)
        call.state = CallState.WAITING.value
    await uow.session.flush()


def _late() -> dt.timedelta:
    return dt.timedelta(seconds=10)
