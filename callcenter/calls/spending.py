"""What calls that leave cost on a trunk today, the limit at every door they leave by, and who is told that it nears.

A day is one of UTC, as Twilio's own daily usage is; a call belongs to the day it was answered on. A started minute counts
whole, also of a call that goes on, at the price the trunk has now. Emergency calls are never refused, but they count.
"""

import datetime as dt
from zoneinfo import ZoneInfo

import structlog
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Float, Integer, cast, func, literal, select

from callcenter.actor import Role
from callcenter.calls.models import Leg
from callcenter.db import UnitOfWork, UtcDateTime
from callcenter.errors import Conflict
from callcenter.events import Notice
from callcenter.trunks import money
from callcenter.trunks.models import Trunk
from callcenter.users.service import administrators

log = structlog.get_logger(__name__)

WARN_PERCENT = 80
_ALL = 100


class SpentForToday(Conflict):
    """The trunk's limit for the day is reached."""


class SpendingOut(BaseModel):
    """What a trunk's calls cost today, in the carrier's currency; `limit` "0": there is none."""

    trunk_id: int
    trunk: str
    spent: str
    limit: str
    percent: int
    since: dt.datetime


async def check(uow: UnitOfWork, trunk: Trunk) -> None:
    """Raise SpentForToday when no more calls may leave on the trunk today."""
    if not trunk.daily_spend:
        return
    spent = (await _spent(uow, [trunk]))[trunk.id]
    if spent >= trunk.daily_spend:
        opens = (_midnight(uow.now) + dt.timedelta(days=1)).astimezone(ZoneInfo(uow.actor.time_zone))
        raise SpentForToday(
            "Calls on the trunk {trunk} have cost {spent} today; the limit of a day is {limit}. From {time} calls leave again.",
            trunk=trunk.name,
            spent=money.written(spent),
            limit=money.written(trunk.daily_spend),
            time=f"{opens:%H:%M}",
        )


async def today(uow: UnitOfWork) -> list[SpendingOut]:
    """Return what the calls of each trunk with a price cost today, by name (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    trunks = list(await uow.session.scalars(select(Trunk).where(Trunk.minute_price > 0).order_by(Trunk.name)))
    spent = await _spent(uow, trunks)
    return [
        SpendingOut(
            trunk_id=trunk.id,
            trunk=trunk.name,
            spent=money.written(spent[trunk.id]),
            limit=money.written(trunk.daily_spend),
            percent=_percent(spent[trunk.id], trunk),
            since=_midnight(uow.now),
        )
        for trunk in trunks
    ]


async def tell(uow: UnitOfWork) -> None:
    """Tell the administrators, each once a day, of trunks that have spent most of what they may, and of those that have all."""
    trunks = list(await uow.session.scalars(select(Trunk).where(Trunk.daily_spend > 0, Trunk.enabled).order_by(Trunk.id)))
    if not trunks:
        return
    spent, day = await _spent(uow, trunks), f"{uow.now:%Y-%m-%d}"
    for trunk in trunks:
        percent = _percent(spent[trunk.id], trunk)
        reached = _ALL if percent >= _ALL else WARN_PERCENT if percent >= WARN_PERCENT else 0
        if reached <= (trunk.spend_told if trunk.spend_told_on == day else 0):
            continue
        trunk.spend_told_on, trunk.spend_told = day, reached
        log.warning("trunk.spending", trunk_id=trunk.id, spent=spent[trunk.id], limit=trunk.daily_spend, percent=percent)
        values = {"trunk": trunk.name, "spent": money.written(spent[trunk.id]), "limit": money.written(trunk.daily_spend)}
        sentence = "Calls on the trunk {trunk} have cost {spent} of the {limit} they may cost today."
        if reached == _ALL:
            sentence = "Calls on the trunk {trunk} have cost {spent} today, the limit of a day is {limit}: no more calls leave."
        level = "danger" if reached == _ALL else "warning"
        uow.emit(Notice(level=level, sentence=sentence, values=values, link=f"/trunks/{trunk.id}"), await administrators(uow))


async def _spent(uow: UnitOfWork, trunks: list[Trunk]) -> dict[int, int]:
    """Return what the calls of each trunk cost today, in ten-thousandths: one look into ix_legs_trunk_id_answered_at."""
    ids = [trunk.id for trunk in trunks]
    query = select(Leg.trunk_id, func.sum(_minutes(uow))).where(Leg.trunk_id.in_(ids), Leg.answered_at >= _midnight(uow.now))
    query = query.where(Leg.direction == "outbound").group_by(Leg.trunk_id)
    minutes = {trunk_id: int(count) for trunk_id, count in await uow.session.execute(query)} if ids else {}
    return {trunk.id: minutes.get(trunk.id, 0) * trunk.minute_price for trunk in trunks}


def _minutes(uow: UnitOfWork) -> ColumnElement[int]:
    """Return the started minutes of a leg: those kept at its end; else those until now (or until an end nothing was kept of).

    Neither database counts them to the microsecond.
    """
    end = func.coalesce(Leg.ended_at, literal(uow.now, UtcDateTime()))
    if uow.database.sqlite:
        days = func.julianday(end, type_=Float()) - func.julianday(Leg.answered_at, type_=Float())
        return func.coalesce(Leg.minutes, func.max(1, cast(days * 1440.0 + 0.9999, Integer)), type_=Integer())
    seconds = func.date_part("epoch", end - Leg.answered_at, type_=Float())
    return func.coalesce(Leg.minutes, cast(func.greatest(1, func.floor(seconds / 60.0 + 0.9999)), Integer))


def _percent(spent: int, trunk: Trunk) -> int:
    return spent * 100 // trunk.daily_spend if trunk.daily_spend else 0


def _midnight(now: dt.datetime) -> dt.datetime:
    return now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
