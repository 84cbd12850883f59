"""What agents do with a call they are offered or have, and what the switch says of its legs."""

import re
from collections.abc import Iterable, Sequence

import structlog
from sqlalchemy import bindparam, select

from callcenter.agents import service as agents
from callcenter.agents import stations
from callcenter.agents.models import Agent
from callcenter.calls import announcing, ending, entries, inbound, listening, offers, rows, sight
from callcenter.calls.models import Call, CallState, Leg, Offer
from callcenter.contacts import timeline
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.events import CallAnswered, CallChanged, CallDigit, CallRinging, ContactOpened
from callcenter.facts import CallTalking, KeyPressed, LegPickedUp
from callcenter.phone import (
    AnswerLeg,
    Bridge,
    DtmfReceived,
    EndReason,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegRinging,
    Member,
    Play,
    SendDtmf,
    Sound,
)
from callcenter.users.models import User

log = structlog.get_logger(__name__)

_LEG_AND_CALL = select(Leg, Call).join(Call, Call.id == Leg.call_id).where(Leg.id == bindparam("leg"))
_DIGITS = re.compile(r"[0-9*#A-D]{1,32}")


async def answer(uow: UnitOfWork, call_id: str) -> Call:
    """Answer the call one is offered: the caller's leg is answered and bridged with one's station."""
    await rows.lock(uow)
    call, offer = await _offered_to_me(uow, call_id)
    agent = await uow.session.get_one(Agent, uow.actor.id)
    if not agent.station_live:
        raise Conflict("Your microphone is not connected. Allow it, then answer again.")
    legs = await rows.live_legs(uow, call.id)
    if not legs:
        raise Conflict("The caller has hung up.")
    await offers.close(uow, offer, "answered")
    await inbound.identify_again(uow, call)
    call.user_id = agent.user_id
    await agents.begin_call(uow, agent, call.id)
    for leg in legs:
        if leg.state == rows.RINGING:
            uow.send(AnswerLeg(leg.id))
    uow.send(rows.bridge(call, legs))
    if call.contact_id is not None and not (await sight.of(uow, call)).hidden:
        uow.emit(ContactOpened(contact_id=call.contact_id, call_id=call.id), [agent.user_id])
    if legs[0].state == rows.ANSWERED:  # by the queue, early
        talk(uow, call)
    return call


async def decline(uow: UnitOfWork, call_id: str) -> Call:
    """Refuse the call one is offered; it goes to the next agent, and counts as not answered."""
    await rows.lock(uow)
    call, offer = await _offered_to_me(uow, call_id)
    await offers.not_taken(uow, offer, "declined", "declined")
    return call


async def hang_up(uow: UnitOfWork, call_id: str) -> Call:
    """End a call one has; a call one is only offered is declined. One that is over stays as it is."""
    await rows.lock(uow)
    call = await rows.seen(uow, call_id)
    if call.state == CallState.ENDED:
        return call
    offer = await rows.open_offer(uow, call.id)
    if offer is not None and offer.user_id == uow.actor.user_id:
        await offers.not_taken(uow, offer, "declined", "declined")
        return call
    await rows.own(uow, call_id)
    if call.state in (CallState.ANNOUNCING, CallState.PLAYING):  # the switch tells how much was heard, and that ends the call
        for leg in await rows.live_legs(uow, call.id):
            uow.send(HangUpLeg(leg.id))
        return call
    if call.state in (CallState.TALKING, CallState.ANSWERED):
        reason = EndReason.COMPLETED
    else:
        reason = EndReason.CANCELLED if call.direction == "outbound" else EndReason.REJECTED
    await ending.hang_up(uow, call, reason)
    return call


async def send_dtmf(uow: UnitOfWork, call_id: str, digits: str) -> None:
    """Press keys towards the customer."""
    digits = digits.strip().upper()
    if not _DIGITS.fullmatch(digits):
        raise Invalid("Keys are 0-9, *, # and A-D, at most 32 at once.", field="digits")
    call = await _talking(uow, call_id)
    for leg in await rows.live_legs(uow, call.id):
        uow.send(SendDtmf(leg.id, digits))


async def hold(uow: UnitOfWork, call_id: str, on: bool) -> Call:
    """Let the customer hear music instead of oneself, or come back."""
    await rows.lock(uow)
    call = await _talking(uow, call_id)
    if call.held == on:
        return call
    call.held = on
    legs, others = await rows.live_legs(uow, call.id), await listening.members(uow, call)
    if on:
        let_hear_music(uow, call, legs, others)
    else:
        uow.send(rows.bridge(call, legs, others))
    uow.emit(CallChanged(call_id=call.id), [uow.actor.id])
    await listening.held(uow, call)
    return call


def let_hear_music(uow: UnitOfWork, call: Call, legs: Iterable[Leg], others: Sequence[Member] = ()) -> None:
    """Take the customer out of the bridge and play music to them; consultant and supervisors (`others`) stay together."""
    uow.send(rows.bridge(call, [], others) if others else Bridge(call.id, ()))
    for leg in legs:
        uow.send(Play(leg.id, Sound.MUSIC))


async def leg_ringing(uow: UnitOfWork, event: LegRinging) -> None:
    """Note that an outbound call rings at the customer's."""
    await rows.lock(uow)
    leg, call = await _leg(uow, event.leg_id)
    if leg is None or call is None or leg.state != rows.RINGING or call.state != CallState.DIALLING:
        return
    call.state = CallState.RINGING.value
    if call.user_id is not None:
        uow.emit(CallRinging(call_id=call.id), [call.user_id])


async def leg_answered(uow: UnitOfWork, event: LegAnswered) -> None:
    """Note that a leg is answered; the call talks once a customer and an agent are both there.

    A customer who answers when the agent has dropped hears the announcement, if there is one. That somebody answered a call
    which was dialled without an agent is told to those who placed it.
    """
    await rows.lock(uow)
    leg, call = await _leg(uow, event.leg_id)
    if leg is None or call is None or leg.state != rows.RINGING:
        return
    leg.state, leg.answered_at = rows.ANSWERED, uow.now
    if call.state == CallState.ENDED:  # it was given up while the answer was on its way
        uow.send(HangUpLeg(leg.id, EndReason.COMPLETED))
    elif call.user_id is not None and call.state not in (CallState.TALKING, CallState.ANNOUNCING, CallState.PLAYING):
        if call.direction == "outbound" and await inbound.identify_again(uow, call) and call.contact_id is not None:
            uow.emit(ContactOpened(contact_id=call.contact_id, call_id=call.id), [call.user_id])
        nobody = bool(call.announcement) and await stations.is_gone(uow, call.user_id)
        if not (nobody and await announcing.begin(uow, call, uow.now)):
            talk(uow, call)
    elif call.user_id is None and call.state in (CallState.DIALLING, CallState.RINGING):
        call.state = CallState.ANSWERED.value
        uow.note(LegPickedUp(call.id))


async def leg_ended(uow: UnitOfWork, event: LegEnded) -> None:
    """Note that a leg is over, and its call with it. Late and repeated events change nothing."""
    await rows.lock(uow)
    leg, call = await _leg(uow, event.leg_id)
    if leg is None or call is None or leg.state == rows.ENDED:
        return
    leg.state, leg.ended_at, leg.ended_by = rows.ENDED, uow.now, event.by
    leg.end_reason, leg.end_code, leg.end_text = event.reason.value, event.code, event.text[:500]
    leg.minutes = rows.started_minutes(leg.answered_at, uow.now)
    if event.quality is not None:
        quality = event.quality
        leg.quality = {name: getattr(quality, name) for name in quality.__dataclass_fields__}
    if event.announced is not None:
        call.heard_ms, call.announcement_ms = event.announced.played_ms, event.announced.of_ms
    if call.state == CallState.ENDED:
        if event.announced is not None:
            await entries.write(uow, call)
        return
    if call.user_id is not None:
        uow.send(Bridge(call.id, ()))
    await ending.end(uow, call, event.reason, code=event.code, text=event.text, lost=event.lost)


async def dtmf_received(uow: UnitOfWork, event: DtmfReceived) -> None:
    """Show the agent which key the customer pressed; in a message, tell those who have it played."""
    leg, call = await _leg(uow, event.leg_id)
    if call is not None and call.state == CallState.PLAYING:
        uow.note(KeyPressed(call.id, event.digit))
    if leg is not None and call is not None and call.state == CallState.TALKING and call.user_id is not None:
        uow.emit(CallDigit(call_id=call.id, digit=event.digit), [call.user_id])


def talk(uow: UnitOfWork, call: Call) -> None:
    """Let customer and agent talk from now on."""
    call.state, call.answered_at = CallState.TALKING.value, uow.now
    uow.note(CallTalking(call.id))
    timeline.touched(uow, call.contact_id, call.organisation_id)
    if call.user_id is not None:
        uow.emit(CallAnswered(call_id=call.id, answered_at=uow.now), [call.user_id])


async def _leg(uow: UnitOfWork, leg_id: str) -> tuple[Leg | None, Call | None]:
    found = (await uow.session.execute(_LEG_AND_CALL, {"leg": leg_id})).one_or_none()
    if found is None:
        log.info("leg.unknown", leg_id=leg_id)
        return None, None
    return found[0], found[1]


async def _offered_to_me(uow: UnitOfWork, call_id: str) -> tuple[Call, Offer]:
    """Return the call and the open offer to the actor; raises Conflict with what happened to it instead."""
    call = await uow.session.get(Call, call_id)
    if call is None:
        raise NotFound("There is no such call.")
    offer = await rows.open_offer(uow, call_id)
    if offer is not None and offer.user_id == uow.actor.id and call.state == CallState.OFFERED:
        return call, offer
    if call.user_id == uow.actor.id and call.state != CallState.ENDED:
        raise Conflict("You have answered this call already.")
    if call.user_id is not None:
        taker = await uow.session.get_one(User, call.user_id)
        raise Conflict("{name} has taken this call.", name=taker.name)
    if call.state == CallState.ENDED:
        raise Conflict("The caller has hung up.")
    raise Conflict("This call is not offered to you any more.")


async def _talking(uow: UnitOfWork, call_id: str) -> Call:
    """Return the actor's own call in which customer and agent talk."""
    call = await rows.seen(uow, call_id)
    if call.user_id != uow.actor.id:
        raise NotFound("This call is not yours.")
    if call.state != CallState.TALKING:
        raise Conflict("Nobody talks in this call now.")
    return call
