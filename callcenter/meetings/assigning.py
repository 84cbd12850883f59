"""Giving meetings to people: one or many to one, or many evenly over a team. What cannot be given is reported, not dropped."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.calls import rows as calls
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted
from callcenter.meetings import changes, due, invitations, log, planning, rows, sight, warnings
from callcenter.meetings.forms import AssignReport, Refused
from callcenter.meetings.models import Attempt, Meeting, MeetingSettings, MeetingState
from callcenter.meetings.rules import Load, fairest
from callcenter.meetings.settings import rules_of
from callcenter.roster import service as roster
from callcenter.users.models import User
from callcenter.users.service import audit

MOST = 1000  # meetings at once
_MOST_DAYS = 366  # a roster is asked about

Found = tuple[int, Meeting | None]  # an id and the meeting, None for one the actor does not see


async def assign(uow: UnitOfWork, ids: Sequence[int], user_id: int | None) -> AssignReport:
    """Give meetings to a person, or with None to whoever of their project is free.

    Supervisors: any. Others take what is nobody's in their projects, and give back what is theirs. What cannot be given
    stays as it is, and the report says why.
    """
    _may(uow, user_id)
    if user_id is not None:
        await _usable(uow, [user_id])
    giving = await _Giving.of(uow, await _held(uow, ids))
    for meeting_id, meeting in giving.held:
        try:
            await giving.give(await _there(uow, meeting), user_id)
        except CallCenterError as error:
            giving.refuse(meeting_id, error)
    return await giving.finish()


async def spread(uow: UnitOfWork, ids: Sequence[int], user_ids: Sequence[int]) -> AssignReport:
    """Share meetings out to people (supervisors): each to who serves its project and has the fewest minutes that day.

    Nobody gets one while they are off or have another, as long as there is somebody else.
    """
    uow.actor.require(Role.SUPERVISOR)
    if not user_ids:
        raise Invalid("Choose whom the meetings are spread over.", field="user_ids")
    await _usable(uow, user_ids, field="user_ids")
    held = await _held(uow, ids)
    loads = await _loads(uow, [meeting for _, meeting in held if meeting is not None], list(dict.fromkeys(user_ids)))
    giving = await _Giving.of(uow, sorted(held, key=lambda each: (each[1].from_at, each[0]) if each[1] else (uow.now, each[0])))
    for meeting_id, meeting in giving.held:
        try:
            await _give_fairly(giving, await _there(uow, meeting), loads)
        except CallCenterError as error:
            giving.refuse(meeting_id, error)
    return await giving.finish()


async def _give_fairly(giving: "_Giving", meeting: Meeting, loads: Sequence[Load]) -> None:
    """Give a meeting to the one of these people it suits best."""
    uow = giving.uow
    project, stored = await planning.project_with_rules(uow, meeting.project_id)
    able: list[Load] = []
    for load in loads:
        try:
            await planning.check_sees(uow, await planning.check_user(uow, load.user_id, project, stored), meeting.contact_id)
        except Invalid:
            continue
        able.append(load)
    day = _day(meeting.from_at, stored)
    best = fairest((meeting.from_at, meeting.to_at), day, able)
    if best is None:
        raise Conflict("None of them serves phone meetings of the project {project}.", project=project.name)
    await giving.give(meeting, best.user_id)
    best.take((meeting.from_at, meeting.to_at), day)


class _Giving:
    """Meetings while they are given to people: one after the other, and at the end the engine and people hear of all of them."""

    def __init__(self, uow: UnitOfWork, held: Sequence[Found], running: Mapping[int, Attempt]) -> None:
        self.uow = uow
        self.held = held
        self._running = running
        self._report = AssignReport()
        self._given: list[tuple[Meeting, int | None]] = []

    @classmethod
    async def of(cls, uow: UnitOfWork, held: Sequence[Found]) -> Self:
        """Begin with these meetings."""
        return cls(uow, held, await rows.running_of(uow, [each for _, each in held if each is not None]))

    async def give(self, meeting: Meeting, user_id: int | None) -> None:
        """Make a meeting somebody's, or nobody's; raises what speaks against it."""
        uow = self.uow
        await changes.refuse_unchangeable(uow, meeting, self._running)
        if user_id != meeting.user_id:
            project, stored = await planning.project_with_rules(uow, meeting.project_id)
            user = None if user_id is None else await planning.check_user(uow, user_id, project, stored)
            if user is not None:
                await planning.check_sees(uow, user, meeting.contact_id)
            before = None if meeting.user_id is None else await uow.session.get(User, meeting.user_id)
            meeting.user_id = user_id
            if meeting.state == MeetingState.DUE:
                meeting.state = MeetingState.PLANNED.value  # the engine looks at it anew, and tells whose it is now
            meeting.escalated_at = None
            meeting.waiting, meeting.waiting_values = "", {}
            names = {"user": [before.name if before else "", user.name if user else ""]}
            text = "Given to {to}." if user else "Taken from {from}: whoever of the project is free may call."
            changes.record(uow, meeting, "assigned", text, names, **{"to": names["user"][1], "from": names["user"][0]})
            audit(uow, "meeting.assigned", "meeting", meeting.id, before=before.id if before else None, after=user_id)
            self._given.append((meeting, before.id if before else None))
        self._report.assigned.append(meeting.id)

    def refuse(self, meeting_id: int, error: CallCenterError) -> None:
        """Note what spoke against giving a meeting away."""
        values = {name: str(each) for name, each in error.values.items()}
        self._report.refused.append(Refused(id=meeting_id, sentence=error.sentence, values=values))

    async def finish(self) -> AssignReport:
        """Let the engine look at what was given, and everybody know of it."""
        uow = self.uow
        if self._given:
            await due.schedule(uow, *(meeting for meeting, _ in self._given))
        for meeting, before in self._given:
            await invitations.update(uow, meeting)
            await log.tell_assigned(uow, meeting, before, taken=True)
            await log.tell_assigned(uow, meeting, meeting.user_id)
            await log.tell(uow, meeting, before)
        return self._report


async def _held(uow: UnitOfWork, ids: Sequence[int]) -> list[Found]:
    """Return the meetings of these ids that the actor may see, locked, None for the others; in the order given."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        raise Invalid("Choose at least one meeting.", field="ids")
    if len(wanted) > MOST:
        raise Invalid("These are too many at once: at most {most}.", field="ids", most=MOST)
    await calls.lock(uow)
    query = select(Meeting).where(Meeting.id.in_(wanted), rows.visible(uow)).order_by(Meeting.id).with_for_update()
    found = {meeting.id: meeting for meeting in await uow.session.scalars(query)}
    return [(meeting_id, found.get(meeting_id)) for meeting_id in wanted]


async def _there(uow: UnitOfWork, meeting: Meeting | None) -> Meeting:
    """Return a meeting the actor may give away or take."""
    if meeting is None:
        raise NotFound("There is no such meeting.")
    if meeting.user_id is not None and not rows.may_change(uow, meeting):
        raise NotPermitted("This meeting is somebody else's. Ask a supervisor.")
    await sight.refuse(uow, meeting, own=True)
    return meeting


def _may(uow: UnitOfWork, user_id: int | None) -> None:
    uow.actor.require(Role.CONSULTANT)
    if user_id not in (None, uow.actor.user_id):
        uow.actor.require(Role.SUPERVISOR)


async def _usable(uow: UnitOfWork, user_ids: Iterable[int], field: str = "user_id") -> None:
    """Raise Invalid unless all these people may sign in."""
    wanted = list(dict.fromkeys(user_ids))
    found = {user.id: user for user in await uow.session.scalars(select(User).where(User.id.in_(wanted)))}
    for user_id in wanted:
        if user_id not in found:
            raise Invalid("There is no such user.", field=field)
        if found[user_id].disabled_at is not None:
            raise Invalid("{name} was deactivated and takes no meetings.", field=field, name=found[user_id].name)


async def _loads(uow: UnitOfWork, meetings: Sequence[Meeting], user_ids: Sequence[int]) -> list[Load]:
    """Return what these people have in the days of these meetings, the meetings themselves left out."""
    loads = {user_id: Load(user_id) for user_id in user_ids}
    if not meetings:
        return list(loads.values())
    start = min(each.from_at for each in meetings) - dt.timedelta(days=1)  # whole days, in any time zone
    end = max(each.to_at for each in meetings) + dt.timedelta(days=1)
    rules_by_project: dict[int | None, MeetingSettings | None] = {}
    for other in await warnings.open_meetings(uow, user_ids, start, end, [each.id for each in meetings]):
        if other.project_id not in rules_by_project:
            rules_by_project[other.project_id] = await rules_of(uow, other.project_id)
        load = loads[other.user_id or 0]
        load.take((other.from_at, other.to_at), _day(other.from_at, rules_by_project[other.project_id]))
    away = await roster.off(uow, user_ids, start, min(end, start + dt.timedelta(days=_MOST_DAYS)))
    for user_id, parts in away.items():
        loads[user_id].off.extend((part.from_at, part.to_at) for part in parts)
    return list(loads.values())


def _day(at: dt.datetime, stored: MeetingSettings | None) -> dt.date:
    return at.astimezone(zoneinfo.ZoneInfo(stored.time_zone) if stored else dt.UTC).date()
