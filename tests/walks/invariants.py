"""What must hold of a product at rest, whatever happened to it: read from its database and asked of its switch."""

from collections import Counter

from sqlalchemy import func, select

from callcenter.agents.models import Agent, AgentState
from callcenter.calls.models import Call, CallBack, CallState, Leg, Offer
from callcenter.contacts.models import TimelineEntry
from callcenter.db import Database, UnitOfWork
from callcenter.inbox import EventCounter, StoredEvent
from tests.walks.whole import Product, until


async def at_rest(product: Product, seconds: float = 60) -> None:
    """Wait until no call goes on and nobody is busy, then check all that must hold. Customers must have hung up."""
    async with product.database() as database:

        async def quiet() -> bool:
            async with database.reading() as uow:
                return not await _unrest(uow)

        try:
            await until("no call and nobody busy", quiet, seconds)
        except AssertionError:
            async with database.reading() as uow:
                raise AssertionError(f"it does not come to rest: {await _unrest(uow)}") from None
        await check(database)


async def check(database: Database) -> None:
    """Check what must hold of all calls that are over, and of everybody's messages."""
    async with database.reading() as uow:
        faults = [*await _calls(uow), *await _timeline(uow), *await _missed(uow), *await _messages(uow)]
    assert not faults, "\n".join(faults)


async def _unrest(uow: UnitOfWork) -> list[str]:
    calls = await uow.session.scalars(select(Call).where(Call.state != CallState.ENDED.value))
    busy = (AgentState.OFFERED.value, AgentState.ON_CALL.value)
    agents = await uow.session.scalars(select(Agent).where(Agent.state.in_(busy)))
    legs = await uow.session.scalars(select(Leg).where(Leg.state != "ended"))
    return [
        *(f"call {each.id} is {each.state}, user {each.user_id}" for each in calls),
        *(f"agent {each.user_id} is {each.state} with {each.call_id}" for each in agents),
        *(f"leg {each.id} of call {each.call_id} is {each.state}" for each in legs),
    ]


async def _calls(uow: UnitOfWork) -> list[str]:
    """Every call has its leg and its end; no offer is left open; nobody wraps up for ever."""
    faults: list[str] = []
    legs = Counter(await uow.session.scalars(select(Leg.call_id)))
    for call in await uow.session.scalars(select(Call)):
        if legs[call.id] != 1:
            faults.append(f"call {call.id} has {legs[call.id]} legs")
        if call.ended_at is None or not call.end_reason:
            faults.append(f"call {call.id} ended without time or reason")
        if call.answered_at is not None and (call.user_id is None or call.talk_seconds is None):
            faults.append(f"call {call.id} was answered by nobody or for no time")
    faults += [f"offer {each} is open" for each in await uow.session.scalars(select(Offer.id).where(Offer.result == "open"))]
    wrapping = select(Agent).where(Agent.state == AgentState.WRAP_UP.value, Agent.wrap_up_until.is_(None))
    return faults + [f"agent {each.user_id} wraps up without end" for each in await uow.session.scalars(wrapping)]


async def _timeline(uow: UnitOfWork) -> list[str]:
    """One line for each call with a customer we know, none for the others."""
    lines = Counter(await uow.session.scalars(select(TimelineEntry.call_id).where(TimelineEntry.kind == "call")))
    known = select(Call.id, (Call.contact_id.is_not(None) | Call.organisation_id.is_not(None)).label("known"))
    wanted = {call_id: int(found) for call_id, found in (await uow.session.execute(known)).all()}
    return [f"call {each} has {lines[each]} lines on the timeline" for each in wanted if lines[each] != wanted[each]]


async def _missed(uow: UnitOfWork) -> list[str]:
    """Who called and spoke with nobody is on the list, and somebody's; nobody else is on it."""
    missed = select(Call.id).where(Call.direction == "inbound", Call.answered_at.is_(None), Call.project_id.is_not(None))
    wanted = set(await uow.session.scalars(missed))
    listed = {row.call_id: row.owner_id for row in await uow.session.scalars(select(CallBack))}
    return [
        *(f"missed call {each} is on no list" for each in wanted - set(listed)),
        *(f"call {each} is to be called back, but was not missed" for each in set(listed) - wanted),
        *(f"missed call {each} is nobody's" for each, owner in listed.items() if owner is None),
    ]


async def _messages(uow: UnitOfWork) -> list[str]:
    """Everybody's messages are numbered without a gap."""
    counted = select(StoredEvent.user_id, func.min(StoredEvent.seq), func.max(StoredEvent.seq), func.count())
    last = {row.user_id: row.last_seq for row in await uow.session.scalars(select(EventCounter))}
    return [
        f"messages of user {user_id}: {count} from {first} to {newest}, the counter says {last.get(user_id)}"
        for user_id, first, newest, count in await uow.session.execute(counted.group_by(StoredEvent.user_id))
        if count != newest - first + 1 or last.get(user_id) != newest
    ]
