"""What must hold before a meeting may be dialled, whoever is free: the window, calling hours, attempts, who serves it."""

import datetime as dt

from sqlalchemy import select

from callcenter.db import UnitOfWork
from callcenter.meetings import reachable
from callcenter.meetings.models import Meeting, MeetingSettings, MeetingState
from callcenter.meetings.settings import rules_of, servers
from callcenter.projects.models import Membership, Project
from callcenter.users.models import User

_SERVERS = "meetings_servers"  # in Session.info


def ring_time(rules: MeetingSettings) -> dt.timedelta:
    """Return how long the customer's telephone rings at most."""
    return dt.timedelta(seconds=rules.ring_seconds)


def barred(meeting: Meeting, rules: MeetingSettings | None, now: dt.datetime, *, by_hand: bool = False) -> str:
    """Return the code of why no attempt may begin now whoever is free, "" when one may. Pure.

    An attempt begins inside the window and the calling hours, and only if it can ring to its end inside the window. The
    delay before a retry, and a snooze, bind the system only: `by_hand`, a person pressed Call.
    """
    if rules is None:
        return "no_settings"
    if meeting.contact_id is None and meeting.contact_name:
        return "contact_deleted"
    if now < meeting.from_at:
        return "not_before"
    if not by_hand and meeting.not_before is not None and now < meeting.not_before:
        return meeting.waiting if meeting.waiting == "not_now" else "not_before"
    if now + ring_time(rules) > meeting.to_at:
        return "too_late"
    return "" if reachable.within(rules, now) else "hours"


def finished(meeting: Meeting, rules: MeetingSettings | None, now: dt.datetime) -> str:
    """Return why nobody will be called any more: "window", "attempts", or "" while somebody may."""
    if meeting.state not in (MeetingState.PLANNED, MeetingState.DUE, MeetingState.RETRY_WAIT):
        return ""
    if now >= meeting.to_at:
        return "window"
    return "attempts" if rules is not None and meeting.attempts >= rules.attempts else ""


async def serves(uow: UnitOfWork, project_id: int | None, user_id: int) -> bool:
    """Tell whether somebody may serve a project's meetings: a member, chosen if any are, who may sign in."""
    query = select(Membership.user_id).join(User, User.id == Membership.user_id)
    query = query.where(Membership.project_id == project_id, Membership.user_id == user_id, User.disabled_at.is_(None))
    if await uow.session.scalar(query) is None:
        return False
    rules = await rules_of(uow, project_id)
    return rules is None or not rules.served_by or user_id in rules.served_by


async def all_servers(uow: UnitOfWork, project_id: int) -> frozenset[int]:
    """Return who serves a project's meetings, asked for once per unit of work."""
    known: dict[int, frozenset[int]] = uow.session.info.setdefault(_SERVERS, {})
    if project_id not in known:
        known[project_id] = frozenset(await servers(uow, project_id))
    return known[project_id]


async def served_by(uow: UnitOfWork, user_id: int) -> list[int]:
    """Return the projects with rules for phone meetings that somebody serves."""
    query = select(MeetingSettings).join(Project, Project.id == MeetingSettings.project_id).where(Project.enabled)
    query = query.join(Membership, Membership.project_id == MeetingSettings.project_id).where(Membership.user_id == user_id)
    found = await uow.session.scalars(query.order_by(MeetingSettings.project_id))
    return [rules.project_id for rules in found if not rules.served_by or user_id in rules.served_by]
