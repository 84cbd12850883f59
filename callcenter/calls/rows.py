"""Calls, legs and offers as rows: the lock around routing, loading, and who may touch what."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import exists, or_, select, text
from sqlalchemy.sql import ColumnElement

from callcenter.actor import Role
from callcenter.calls.models import Call, CallState, Leg, Offer
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.phone import Bridge, Member, PortRole
from callcenter.projects.models import Project

_ROUTING_LOCK = 7201  # any number, the same in all processes
RINGING, ANSWERED, ENDED = "ringing", "answered", "ended"  # leg states
DEFAULT_WRAP_UP_SECONDS = 30  # for calls outside any project


async def lock(uow: UnitOfWork) -> None:
    """Let one transaction at a time move calls and agents; first statement of each that does.

    A caller who arrives and an agent who gets ready at the same moment would miss each other otherwise. SQLite has one
    writer anyway.
    """
    if not uow.database.sqlite:
        await uow.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ROUTING_LOCK})


def visible(uow: UnitOfWork) -> ColumnElement[bool]:
    """Return the condition for calls the actor may see: their own and those offered to them; supervisors see all."""
    if uow.actor.may(Role.SUPERVISOR):
        return Call.id.is_not(None)
    me = uow.actor.id
    return or_(Call.user_id == me, exists().where(Offer.call_id == Call.id, Offer.user_id == me))


async def seen(uow: UnitOfWork, call_id: str) -> Call:
    """Return a call the actor may see; raises NotFound."""
    call = await uow.session.scalar(select(Call).where(Call.id == call_id, visible(uow)))
    if call is None:
        raise NotFound("There is no such call.")
    return call


async def own(uow: UnitOfWork, call_id: str) -> Call:
    """Return a call the actor has, or any for supervisors; raises NotFound."""
    call = await seen(uow, call_id)
    if call.user_id != uow.actor.user_id and not uow.actor.may(Role.SUPERVISOR):
        raise NotFound("This call is not yours.")
    return call


async def live_legs(uow: UnitOfWork, call_id: str) -> list[Leg]:
    """Return the call's legs that are not over, the oldest first."""
    query = select(Leg).where(Leg.call_id == call_id, Leg.state != ENDED).order_by(Leg.started_at, Leg.id)
    return list(await uow.session.scalars(query))


async def open_offer(uow: UnitOfWork, call_id: str) -> Offer | None:
    """Return the offer of the call that rings now."""
    return await uow.session.scalar(select(Offer).where(Offer.call_id == call_id, Offer.result == "open"))


async def open_calls(uow: UnitOfWork) -> list[Call]:
    """Return all calls that are not over, the oldest first."""
    going = [state.value for state in CallState if state is not CallState.ENDED]
    return list(await uow.session.scalars(select(Call).where(Call.state.in_(going)).order_by(Call.id)))


async def project_of(uow: UnitOfWork, call: Call) -> Project | None:
    """Return the call's project, None outside any."""
    return None if call.project_id is None else await uow.session.get(Project, call.project_id)


def bridge(call: Call, legs: Iterable[Leg], others: Iterable[Member] = ()) -> Bridge:
    """Return the bridge of a call in which customer and consultant hear each other; `others`: supervisors who are there."""
    customers = [Member("leg", leg.id, PortRole.CUSTOMER) for leg in legs]
    return Bridge(call.id, (Member("station", str(call.user_id), PortRole.AGENT), *customers, *others))


def started_minutes(answered_at: dt.datetime | None, ended_at: dt.datetime) -> int | None:
    """Return how many minutes of a leg had begun at its end, one at least; None of one nobody answered."""
    if answered_at is None:
        return None
    return max(1, -((answered_at - ended_at) // dt.timedelta(minutes=1)))


def first_id(at: dt.datetime) -> str:
    """Return the lowest id a call or leg of that time can have: ids begin with the milliseconds (clock.new_id)."""
    return f"{int(at.timestamp() * 1000):012x}"
