"""Reading meetings: one with all its history, and pages of them by the beginning of their window."""

import base64
import binascii
import datetime as dt
import json

from sqlalchemy import ColumnElement, literal, or_, select, tuple_

from callcenter.actor import Role
from callcenter.contacts import numbers
from callcenter.db import UnitOfWork, UtcDateTime
from callcenter.errors import Invalid
from callcenter.meetings import rows, rules, views
from callcenter.meetings.forms import MeetingFilter, MeetingPage, MeetingWhole
from callcenter.meetings.models import Meeting


async def get(uow: UnitOfWork, meeting_id: int) -> MeetingWhole:
    """Return a meeting the actor may see, with its attempts and history; raises NotFound."""
    meeting = await rows.seen(uow, meeting_id)
    found = await views.one(uow, meeting)
    return MeetingWhole(
        **dict(found), attempts_made=await views.attempts(uow, meeting_id), history=await views.history(uow, meeting_id)
    )


async def list_meetings(uow: UnitOfWork, wanted: MeetingFilter) -> MeetingPage:
    """Return a page of the meetings the actor may see that fit everything given, by the beginning of their window."""
    uow.actor.require(Role.CONSULTANT)
    query = select(Meeting.id).where(rows.visible(uow), *_conditions(uow, wanted))
    ids = list(await uow.session.scalars(query.order_by(Meeting.from_at, Meeting.id).limit(wanted.limit + 1)))
    items = await views.shown(uow, ids[: wanted.limit])
    following = _encode(items[-1].from_at, items[-1].id) if len(ids) > wanted.limit else None
    return MeetingPage(items=items, next=following)


def _conditions(uow: UnitOfWork, wanted: MeetingFilter) -> list[ColumnElement[bool]]:
    """Return what everything given asks for."""
    same = {name: getattr(wanted, name) for name in ("project_id", "user_id", "mode", "contact_id", "series_id")}
    found = [getattr(Meeting, name) == value for name, value in same.items() if value is not None]
    if wanted.unassigned:
        found.append(Meeting.user_id.is_(None))
    if wanted.mine:
        found.append(Meeting.user_id == uow.actor.id)
    if wanted.state:
        found.append(Meeting.state.in_(sorted(set(wanted.state))))
    if wanted.q.strip():
        found.append(_named(wanted.q.strip()))
    return found + _times(wanted)


def _times(wanted: MeetingFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.from_at is not None:
        found.append(Meeting.from_at >= rules.utc(wanted.from_at, "from_at"))
    if wanted.to_at is not None:
        found.append(Meeting.from_at < rules.utc(wanted.to_at, "to_at"))
    if wanted.after is not None:
        at, last = _decode(wanted.after)
        found.append(tuple_(Meeting.from_at, Meeting.id) > tuple_(literal(at, UtcDateTime()), literal(last)))
    return found


def _named(q: str) -> ColumnElement[bool]:
    digits = numbers.search_digits(q)
    columns = [Meeting.name.icontains(q, autoescape=True), Meeting.contact_name.icontains(q, autoescape=True)]
    return or_(*columns, Meeting.number.contains(digits, autoescape=True)) if digits else or_(*columns)


def _encode(at: dt.datetime, meeting_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), meeting_id]).encode()).decode()


def _decode(cursor: str) -> tuple[dt.datetime, int]:
    """Return the place a cursor stands for; raises Invalid for what we did not write."""
    try:
        at, meeting_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        place = dt.datetime.fromisoformat(at).astimezone(dt.UTC), int(meeting_id)
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise Invalid("This page mark is not one of ours. Start from the beginning.", field="after") from error
    if not 0 <= place[1] < 2**31:
        raise Invalid("This page mark is not one of ours. Start from the beginning.", field="after")
    return place
