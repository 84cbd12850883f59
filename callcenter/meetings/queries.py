"""Reading meetings: one with all its history, and pages of them by the beginning of their window."""

import base64
import binascii
import datetime as dt
import json

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.meetings import finding, rows, rules, search, sight, views
from callcenter.meetings.finding import Conditions
from callcenter.meetings.forms import MeetingFilter, MeetingPage, MeetingWhole
from callcenter.meetings.models import Meeting
from callcenter.projects.models import Membership

_MOST_WALKS = 10  # of one consultant's projects, each along the index of its unassigned meetings


async def get(uow: UnitOfWork, meeting_id: int) -> MeetingWhole:
    """Return a meeting the actor may see, with its attempts and history; raises NotFound."""
    meeting = await rows.seen(uow, meeting_id)
    found = await views.one(uow, meeting)
    history = [] if found.hidden else await views.history(uow, meeting_id)  # it repeats what the meeting said
    return MeetingWhole(**dict(found), attempts_made=await views.attempts(uow, meeting_id), history=history)


async def list_meetings(uow: UnitOfWork, wanted: MeetingFilter) -> MeetingPage:
    """Return a page of the meetings the actor may see that fit everything given, by the beginning of their window."""
    uow.actor.require(Role.CONSULTANT)
    common = _conditions(uow, wanted)
    walks = [[*scope, *state, *common] for scope in await _scopes(uow, wanted) for state in _states(wanted)]
    asked = finding.Asked(
        walks=walks,
        whole=[rows.visible(uow), *_any_state(wanted), *common],
        starts=search.wanted(wanted.q),
        after=None if wanted.after is None else _decode(wanted.after),
        limit=wanted.limit + 1,
    )
    ids = await finding.first(uow, asked) if walks else []
    items = await views.shown(uow, ids[: wanted.limit])
    following = _encode(items[-1].from_at, items[-1].id) if len(ids) > wanted.limit else None
    return MeetingPage(items=items, next=following)


async def _scopes(uow: UnitOfWork, wanted: MeetingFilter) -> list[Conditions]:
    """Return what the actor may see (rows.visible) as conditions that an index answers each, those left out that add nothing."""
    if uow.actor.may(Role.SUPERVISOR):
        return [[]]
    if _few(wanted):
        return [[rows.visible(uow)]]
    me = uow.actor.id
    own: list[Conditions] = [[Meeting.user_id == me]]
    if wanted.mine or wanted.user_id == me:
        return own
    planned: Conditions = [Meeting.created_by == me]
    if wanted.user_id is not None:
        return [planned]
    served = await uow.session.scalars(
        select(Membership.project_id).where(Membership.user_id == me).order_by(Membership.project_id)
    )
    projects = [each for each in served if wanted.project_id in (None, each)]
    nobodys: list[Conditions] = [[Meeting.user_id.is_(None), Meeting.project_id == each] for each in projects]
    if len(projects) > _MOST_WALKS:
        nobodys = [[Meeting.user_id.is_(None), Meeting.project_id.in_(projects)]]
    return [*([] if wanted.unassigned else own), planned, *nobodys]


def _states(wanted: MeetingFilter) -> list[Conditions]:
    if not wanted.state or _few(wanted):
        return [_any_state(wanted)]
    return [[Meeting.state == each] for each in sorted(set(wanted.state))]


def _any_state(wanted: MeetingFilter) -> Conditions:
    return [Meeting.state.in_(sorted(set(wanted.state)))] if wanted.state else []


def _few(wanted: MeetingFilter) -> bool:
    """Tell whether a filter leaves so few meetings that all of them may be looked at."""
    return any(each is not None for each in (wanted.contact_id, wanted.organisation_id, wanted.ticket_id, wanted.series_id))


def _conditions(uow: UnitOfWork, wanted: MeetingFilter) -> Conditions:
    """Return what everything given asks for, but for states and typed text."""
    same = {name: getattr(wanted, name) for name in ("project_id", "user_id", "mode", "contact_id", "ticket_id", "series_id")}
    found = [getattr(Meeting, name) == value for name, value in same.items() if value is not None]
    if wanted.organisation_id is not None:
        found.append(Meeting.contact_id.in_(select(Contact.id).where(Contact.organisation_id == wanted.organisation_id)))
    if wanted.unassigned:
        found.append(Meeting.user_id.is_(None))
    if wanted.mine:
        found.append(Meeting.user_id == uow.actor.id)
    if wanted.q or wanted.contact_id is not None:
        found += sight.shown_to(uow.actor)
    return [*found, *_times(wanted)]


def _times(wanted: MeetingFilter) -> Conditions:
    found: Conditions = []
    if wanted.from_at is not None:
        found.append(Meeting.from_at >= rules.nearest(wanted.from_at))
    if wanted.to_at is not None:
        found.append(Meeting.from_at < rules.nearest(wanted.to_at))
    return found


def _encode(at: dt.datetime, meeting_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), meeting_id]).encode()).decode()


def _decode(cursor: str) -> finding.Place:
    """Return the place a cursor stands for; raises Invalid for what we did not write."""
    try:
        at, meeting_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        place = dt.datetime.fromisoformat(at).astimezone(dt.UTC), int(meeting_id)
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise Invalid("This page mark is not one of ours. Start from the beginning.", field="after") from error
    if not 0 <= place[1] < 2**31:
        raise Invalid("This page mark is not one of ours. Start from the beginning.", field="after")
    return place
