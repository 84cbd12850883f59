"""How long things are kept: rules an administrator sets, and the nightly work that follows them, a few rows at a time."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import delete, exists, select, update

from callcenter import jobs
from callcenter.actor import Role
from callcenter.calls.models import Call, CallState, Leg
from callcenter.campaigns import forgetting
from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.lead_states import OPEN as OPEN_LEADS
from callcenter.campaigns.models import Campaign, CampaignState
from callcenter.contacts.models import Contact, TimelineEntry
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Invalid
from callcenter.meetings.models import Meeting
from callcenter.meetings.states import OPEN
from callcenter.privacy.erasure import erase
from callcenter.privacy.models import RETAINED, RetentionRule
from callcenter.texts.models import TextMessage
from callcenter.users.service import audit

KIND = "retention"  # of the job
FIRST = dt.timedelta(minutes=10)  # after the start
EVERY = dt.timedelta(days=1)
PAUSE = dt.timedelta(seconds=1)
LONGEST = 600  # months
_ROWS, _CONTACTS = 200, 10  # looked at in one transaction


async def rules(uow: UnitOfWork) -> dict[str, int | None]:
    """Return for how many months each kind is kept, None: for ever (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    found = {each.kind: each.months for each in await uow.session.scalars(select(RetentionRule))}
    return {kind: found.get(kind) for kind in RETAINED}


async def set_rule(uow: UnitOfWork, kind: str, months: int | None) -> None:
    """Keep a kind for so many months, None: for ever (administrators). The work begins within a day."""
    uow.actor.require(Role.ADMINISTRATOR)
    if kind not in RETAINED:
        raise Invalid("There is no such rule.", field="kind")
    if months is not None and not 1 <= months <= LONGEST:
        raise Invalid("Say a number of months from 1 to {most}, or leave it empty.", field=kind, most=LONGEST)
    rule = await uow.session.get(RetentionRule, kind, with_for_update=True)
    before = rule.months if rule else None
    if months is None:
        if rule is not None:
            await uow.session.delete(rule)
    elif rule is None:
        uow.session.add(RetentionRule(kind=kind, months=months, updated_at=uow.now, updated_by=uow.actor.user_id))
    else:
        rule.months, rule.updated_at, rule.updated_by = months, uow.now, uow.actor.user_id
    await uow.session.flush()
    if months != before:
        audit(uow, "retention.set", "retention", kind, months=months, before=before)


async def work(uow: UnitOfWork, payload: dict[str, Any]) -> None:
    """Look at the next few rows of one kind; the next kind follows when there are no more, and tomorrow all again.

    `payload`: which kind is at work, and the place in it.
    """
    kinds = list(RETAINED)
    kind = payload.get("what", kinds[0])
    rule = await uow.session.get(RetentionRule, kind)
    place: str | None = None
    if rule is not None:
        before = uow.now - relativedelta(months=rule.months)
        place = await _WORK[kind](uow, before, payload.get("place", ""))
    if place is not None:
        await jobs.put(uow, KIND, KIND, uow.now + PAUSE, what=kind, place=place)
    elif kind != kinds[-1]:
        await jobs.put(uow, KIND, KIND, uow.now + PAUSE, what=kinds[kinds.index(kind) + 1])
    else:
        await jobs.put(uow, KIND, KIND, uow.now + EVERY)


async def _contacts(uow: UnitOfWork, before: dt.datetime, place: str) -> str | None:
    """Erase contacts with whom nothing happened since, and nothing is planned; returns the place to go on at."""
    since = exists().where(TimelineEntry.contact_id == Contact.id, TimelineEntry.at >= before)
    planned = exists().where(Meeting.contact_id == Contact.id, Meeting.state.in_([each.value for each in OPEN]))
    listed = exists().where(Lead.contact_id == Contact.id, Lead.state.in_([each.value for each in OPEN_LEADS]))
    query = select(Contact.id, (since | planned | listed | (Contact.updated_at >= before)).label("wanted"))
    query = query.where(Contact.id > int(place or 0)).order_by(Contact.id).limit(_ROWS)
    looked_at = (await uow.session.execute(query)).all()
    erased = 0
    for row in looked_at:
        if row.wanted:
            continue
        if erased == _CONTACTS:
            return str(row.id - 1)
        try:
            async with uow.apart():
                await erase(uow, row.id)
            erased += 1
        except CallCenterError:  # a call in progress: tomorrow
            continue
    return str(looked_at[-1].id) if len(looked_at) == _ROWS else None


async def _timeline(uow: UnitOfWork, before: dt.datetime, place: str) -> str | None:
    """Delete lines older than that."""
    query = select(TimelineEntry.id, TimelineEntry.at).where(TimelineEntry.id > int(place or 0))
    looked_at = (await uow.session.execute(query.order_by(TimelineEntry.id).limit(_ROWS))).all()
    old = [row.id for row in looked_at if row.at < before]
    if old:
        await uow.session.execute(delete(TimelineEntry).where(TimelineEntry.id.in_(old)))
    return str(looked_at[-1].id) if len(looked_at) == _ROWS and old else None


async def _calls(uow: UnitOfWork, before: dt.datetime, place: str) -> str | None:
    """Take number, name and notes from calls older than that; when, how long and with which agent stays."""
    query = select(Call.id, Call.started_at, Call.state).where(Call.id > place).order_by(Call.id).limit(_ROWS)
    looked_at = (await uow.session.execute(query)).all()
    old = [row.id for row in looked_at if row.started_at < before and row.state == CallState.ENDED.value]
    if old:
        outward = update(Call).where(Call.id.in_(old), Call.direction == "outbound")
        await uow.session.execute(outward.values(dialled=""))
        gone: dict[str, Any] = {"number": "", "caller_name": "", "match": [], "note": "", "draft": ""}
        await uow.session.execute(update(Call).where(Call.id.in_(old)).values(**gone))
        await uow.session.execute(update(Leg).where(Leg.call_id.in_(old)).values(number="", provider_ref=""))
    return looked_at[-1].id if len(looked_at) == _ROWS and old else None


async def _texts(uow: UnitOfWork, before: dt.datetime, place: str) -> str | None:
    """Take number and words from text messages older than that."""
    after = dt.datetime.fromisoformat(place) if place else dt.datetime.min.replace(tzinfo=dt.UTC)
    query = select(TextMessage.id, TextMessage.created_at).where(TextMessage.created_at >= after, TextMessage.created_at < before)
    found = (await uow.session.execute(query.order_by(TextMessage.created_at).limit(_ROWS))).all()
    if found:
        gone = update(TextMessage).where(TextMessage.id.in_([row.id for row in found]))
        await uow.session.execute(gone.values(number="", text="", match=[], provider_ref=""))
    whole = len(found) == _ROWS and found[-1].created_at > after
    return found[-1].created_at.isoformat() if whole else None


async def _leads(uow: UnitOfWork, before: dt.datetime, place: str) -> str | None:
    """Take names, numbers and fields from leads older than that whose campaign is finished, or who are called no more."""
    over = (Campaign.state == CampaignState.FINISHED.value) | Lead.state.not_in([each.value for each in OPEN_LEADS])
    query = select(Lead.id, ((Lead.changed_at < before) & over).label("old"), Lead.created_at).join(Campaign)
    query = query.where(Lead.id > int(place or 0)).order_by(Lead.id).limit(_ROWS)
    looked_at = (await uow.session.execute(query)).all()
    await forgetting.empty(uow, [row.id for row in looked_at if row.old])
    going_on = len(looked_at) == _ROWS and looked_at[-1].created_at < before
    return str(looked_at[-1].id) if going_on else None


_WORK: dict[str, Callable[[UnitOfWork, dt.datetime, str], Awaitable[str | None]]] = {
    "contacts": _contacts,
    "timeline": _timeline,
    "calls": _calls,
    "texts": _texts,
    "leads": _leads,
}
