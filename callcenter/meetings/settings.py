"""Each project's rules for phone meetings (S15), who serves them, and the announcement when a consultant drops."""

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.files import announcements
from callcenter.meetings import rules
from callcenter.meetings.forms import SettingsInput, SettingsOut
from callcenter.meetings.models import MeetingSettings
from callcenter.projects import service as projects
from callcenter.projects.models import Membership, Project
from callcenter.trunks.models import Trunk
from callcenter.users.models import User
from callcenter.users.preferences import is_time_zone
from callcenter.users.service import audit


async def get_settings(uow: UnitOfWork, project_id: int) -> SettingsOut | None:
    """Return a project's rules, None when it has none: to its members and to supervisors."""
    await projects.get_project(uow, project_id)
    stored = await rules_of(uow, project_id)
    return None if stored is None else _out(stored)


async def set_settings(uow: UnitOfWork, project_id: int, data: SettingsInput) -> SettingsOut:
    """Set a project's rules (supervisors). Meetings planned already keep their windows; all else counts at once."""
    uow.actor.require(Role.SUPERVISOR)
    project = await uow.session.get(Project, project_id)
    if project is None:
        raise NotFound("There is no such project.")
    await _check_people(uow, project_id, data.served_by)
    hours = _read_hours(data)
    caller_id = projects.normalised(data.caller_id, project.region) if data.caller_id else ""
    await check_trunk(uow, project, data.trunk_id, caller_id)
    stored = await rules_of(uow, project_id)
    before = {} if stored is None else _out(stored).model_dump(exclude={"project_id", "announcement"})
    if stored is None:
        stored = MeetingSettings(project_id=project_id)
        uow.session.add(stored)
    values = {**data.model_dump(), "hours": hours, "caller_id": caller_id, "served_by": sorted(set(data.served_by))}
    for name, value in values.items():
        setattr(stored, name, value)
    stored.updated_at = uow.now
    await uow.session.flush()
    changed = {name: [before.get(name), value] for name, value in values.items() if before.get(name) != value}
    audit(uow, "meeting_settings.set", "project", project_id, changed=changed)
    return _out(stored)


async def rules_of(uow: UnitOfWork, project_id: int | None) -> MeetingSettings | None:
    """Return the stored rules of a project, None when it has none; asks for no permission."""
    return None if project_id is None else await uow.session.get(MeetingSettings, project_id)


async def servers(uow: UnitOfWork, project_id: int) -> list[int]:
    """Return who serves a project's meetings: the members chosen in its rules, else all; nobody who may not sign in."""
    stored = await rules_of(uow, project_id)
    query = select(User.id).join(Membership, Membership.user_id == User.id).where(Membership.project_id == project_id)
    found = list(await uow.session.scalars(query.where(User.disabled_at.is_(None)).order_by(User.name, User.id)))
    chosen = set(stored.served_by) if stored else set()
    return [user_id for user_id in found if not chosen or user_id in chosen]


async def set_announcement(uow: UnitOfWork, project_id: int, sound: bytes | None) -> SettingsOut:
    """Keep what a customer hears when the consultant drops, a WAV file of 8 kHz, 16 bit, mono; None: nothing (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    stored = await rules_of(uow, project_id)
    if stored is None:
        raise Conflict("Save the project's settings for phone meetings first.")
    before = stored.announcement
    stored.announcement = "" if sound is None else await announcements.keep(uow, sound)
    stored.updated_at = uow.now
    await uow.session.flush()
    audit(uow, "meeting_settings.announcement_set", "project", project_id, before=before, after=stored.announcement)
    return _out(stored)


async def announcement_file(uow: UnitOfWork, project_id: int) -> Path:
    """Return the file of a project's announcement, to its members and to supervisors; raises NotFound when there is none."""
    await projects.get_project(uow, project_id)
    stored = await rules_of(uow, project_id)
    path = uow.database.settings.announcements / stored.announcement if stored and stored.announcement else None
    if path is None or not await asyncio.to_thread(path.is_file):
        raise NotFound("This project has no announcement.")
    return path


async def _check_people(uow: UnitOfWork, project_id: int, user_ids: list[int]) -> None:
    if not user_ids:
        return
    query = select(User.id, User.name, Membership.project_id, User.disabled_at).where(User.id.in_(user_ids))
    query = query.outerjoin(Membership, (Membership.user_id == User.id) & (Membership.project_id == project_id))
    known = {user_id: (name, member, disabled) for user_id, name, member, disabled in await uow.session.execute(query)}
    for user_id in user_ids:
        name, member, disabled = known.get(user_id, ("", None, None))
        if not name:
            raise Invalid("There is no user {user_id}.", field="served_by", user_id=user_id)
        if disabled is not None:
            raise Invalid("{name} was deactivated.", field="served_by", name=name)
        if member is None:
            raise Invalid("{name} does not serve this project.", field="served_by", name=name)


async def check_trunk(uow: UnitOfWork, project: Project, trunk_id: int | None, caller_id: str) -> None:
    """Raise Invalid unless the trunk exists and, if one is chosen here or in the project, may show the caller id."""
    if trunk_id is not None and await uow.session.get(Trunk, trunk_id) is None:
        raise Invalid("There is no such trunk.", field="trunk_id")
    used = trunk_id or project.trunk_id
    trunk = None if used is None else await uow.session.get(Trunk, used)
    if trunk is not None and caller_id and caller_id not in trunk.caller_ids:
        raise Invalid(
            "The caller id {caller_id} is not verified for trunk {trunk}. Add it to the trunk first.",
            field="caller_id",
            caller_id=caller_id,
            trunk=trunk.name,
        )


def _read_hours(data: SettingsInput) -> dict[str, Any]:
    """Return the calling hours in order, days without any left out; raises Invalid for what cannot be meant."""
    if not is_time_zone(data.time_zone):
        raise Invalid("There is no time zone {time_zone}.", field="time_zone", time_zone=data.time_zone)
    found = {day: rules.sorted_times(times) for day, times in sorted(data.hours.items()) if times}
    if not found:
        raise Invalid("Say on which days and at which hours customers may be called.", field="hours")
    return found


def _out(stored: MeetingSettings) -> SettingsOut:
    return SettingsOut.model_validate({name: getattr(stored, name) for name in SettingsOut.model_fields})
