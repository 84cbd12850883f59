"""Meetings that repeat: planned at once as ordinary meetings, changed or cancelled one by one or with the rest of their series.

Why so: docs/decisions/0010-recurrence.md. A meeting of a series is changed by the same service as any other; here is only
which others follow it, and how a new time carries over (recurrence.py).
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from callcenter.actor import Role
from callcenter.calls import rows as calls
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.meetings import (
    changing,
    invitations,
    log,
    planning,
    quiet,
    recurrence,
    rows,
    rules,
    service,
    storing,
    views,
    warnings,
)
from callcenter.meetings.changing import Change
from callcenter.meetings.forms import MeetingChange, MeetingInput, MeetingOut
from callcenter.meetings.models import Meeting, MeetingSeries, MeetingState
from callcenter.meetings.planning import Plan
from callcenter.meetings.recurrence import Window
from callcenter.meetings.series_forms import Scope, SeriesInput, SeriesOut, SeriesReport
from callcenter.users.service import audit

_CARRIED = ("name", "number", "mode", "information", "project_id", "user_id", "contact_id", "ticket_id")


async def plan_series(uow: UnitOfWork, data: MeetingInput, repeat: SeriesInput) -> SeriesOut:
    """Plan a meeting and those that repeat it, in the actor's time zone: all or none.

    Raises Invalid with the field at fault (`repeat.` before those of the rule); what is wrong with one day names the day.
    """
    uow.actor.require(Role.CONSULTANT)
    await calls.lock(uow)  # first of all locks, as in the engine
    zone = ZoneInfo(uow.actor.time_zone)
    found = await _windows(uow, data, repeat, zone)
    begin = recurrence.wall(found[0].from_at, zone)
    series = MeetingSeries(
        rule=recurrence.text_of(repeat, begin, zone), time_zone=zone.key, created_by=uow.actor.user_id, created_at=uow.now
    )
    uow.session.add(series)
    await uow.session.flush()
    planned = await _plan(uow, data, found, zone, series.id)
    quiet.thin_out(uow)
    await _on_timelines(uow, "planned", planned)
    audit(uow, "meeting.series_planned", "meeting", planned[0].id, series_id=series.id, rule=series.rule, count=len(planned))
    return SeriesOut(series_id=series.id, rule=series.rule, time_zone=series.time_zone, items=planned)


async def _windows(uow: UnitOfWork, data: MeetingInput, repeat: SeriesInput, zone: ZoneInfo) -> list[Window]:
    _, stored = await planning.project_with_rules(uow, data.project_id)
    start = rules.utc(data.from_at, "from_at")
    end = rules.utc(data.to_at, "to_at") if data.to_at else start + dt.timedelta(minutes=stored.window_minutes)
    try:
        return recurrence.windows(Window(start, end), repeat, zone)
    except Invalid as error:
        raise Invalid(error.sentence, field=f"repeat.{error.field}", **error.values) from error


async def _plan(uow: UnitOfWork, data: MeetingInput, found: Sequence[Window], zone: ZoneInfo, series_id: int) -> list[MeetingOut]:
    """Store one plan at all these times."""
    plans: list[Plan] = []
    for window in found:
        try:
            if plans:
                plans.append(planning.moved(uow, plans[0], *window))
            else:
                first = data.model_copy(update={"from_at": window.from_at, "to_at": window.to_at})
                plans.append(await planning.settle(uow, first))
        except Invalid as error:
            raise _on_day(error, window, zone) from error
    meetings = await storing.add_all(uow, plans, keep_number=data.keep_number, series_id=series_id)
    if data.invite:
        for each in meetings:
            await invitations.invite(uow, each)
    stored = [(wanted, each.id) for wanted, each in zip(plans, meetings, strict=True)]
    return await views.several(uow, meetings, await warnings.about_all(uow, stored))


def _on_day(error: Invalid, window: Window, zone: ZoneInfo) -> Invalid:
    """Return what is wrong with one meeting of many, with its day; faults that have nothing to do with time stay as they are."""
    if error.field not in ("from_at", "to_at"):
        return error
    day = f"{window.from_at.astimezone(zone):%Y-%m-%d}"
    return Invalid("{day}: {problem}", field=error.field, day=day, problem=error)


async def change_series(
    uow: UnitOfWork, meeting_id: int, data: MeetingChange, scope: Scope, *, changed_singly: bool = False
) -> SeriesReport:
    """Change one meeting of a series, or it and the rest: what is different carries over, a time by the clock on the wall.

    Of the rest stay as they are: what is past, due or over, what the actor may not change, and unless `changed_singly`
    what somebody changed on its own. Raises what service.change does; then nothing is changed.
    """
    await calls.lock(uow)
    meeting = await rows.own(uow, meeting_id)
    if scope == "one":
        return SeriesReport(changed=[await service.change(uow, meeting_id, data)], untouched=[])
    series = await _series(uow, meeting)
    others = await _rest(uow, series, meeting)
    zone = ZoneInfo(series.time_zone)
    [before] = await views.shown(uow, [meeting_id])
    was = {each.id: (each.from_at, each.to_at) for each in (meeting, *others)}
    after = await service.change(uow, meeting_id, data, alone=False)
    _left_at(meeting, moved=after.from_at != before.from_at)
    report = SeriesReport(changed=[after], untouched=[])
    following: list[Change] = []
    for each in others:
        if _untouchable(uow, each) or (each.version != each.series_version and not changed_singly):
            report.untouched.append(each.id)
            continue
        wanted = _carried(each, before, after, zone).model_copy(update={"keep_number": data.keep_number, "invite": data.invite})
        try:
            following.append(Change(each, wanted, await planning.settle(uow, wanted, each)))
        except Invalid as error:
            raise _on_day(error, Window(wanted.from_at, wanted.to_at or wanted.from_at), zone) from error
    report.changed += await changing.change_all(uow, following, alone=False)
    for change in following:
        _left_at(change.meeting, moved=after.from_at != before.from_at)
    quiet.thin_out(uow)
    moved = [each for each in report.changed if (each.from_at, each.to_at) != was[each.id]]
    await _on_timelines(uow, "moved", moved, before=before.from_at)
    return report


async def cancel_series(uow: UnitOfWork, meeting_id: int, reason: str, scope: Scope) -> SeriesReport:
    """Cancel one meeting of a series, or it and the rest, also what was changed singly; what is due or over stays."""
    await calls.lock(uow)
    meeting = await rows.own(uow, meeting_id)
    if scope == "one":
        return SeriesReport(changed=[await service.cancel(uow, meeting_id, reason)], untouched=[])
    others = await _rest(uow, await _series(uow, meeting), meeting)
    untouched = [each.id for each in others if _untouchable(uow, each)]
    going = [meeting, *(each for each in others if each.id not in untouched)]
    report = SeriesReport(changed=await changing.cancel_all(uow, going, reason, alone=False), untouched=untouched)
    quiet.thin_out(uow)
    await _on_timelines(uow, "cancelled", report.changed, note=report.changed[0].reason)
    return report


async def _on_timelines(uow: UnitOfWork, event: str, meetings: Sequence[MeetingOut], **data: Any) -> None:
    """Write one line on each customer's timeline about what was done to their meetings at once: how many, and the first."""
    theirs: dict[int | None, list[MeetingOut]] = {}
    for each in meetings:
        theirs.setdefault(each.contact_id, []).append(each)
    for several in theirs.values():
        first = await uow.session.get_one(Meeting, min(several, key=lambda each: each.from_at).id)
        count = {"count": len(several)} if len(several) > 1 else {}
        what = f"Phone meetings {event} ({len(several)})" if count else f"Phone meeting {event}"
        text = ". ".join(each for each in (f"{what}: {first.name}", data.get("note", "")) if each)
        await log.on_timeline(uow, first, event, text, **count, **data)


async def _series(uow: UnitOfWork, meeting: Meeting) -> MeetingSeries:
    series = None if meeting.series_id is None else await uow.session.get(MeetingSeries, meeting.series_id)
    if series is None:
        raise Conflict("This meeting does not repeat.")
    return series


async def _rest(uow: UnitOfWork, series: MeetingSeries, meeting: Meeting) -> list[Meeting]:
    """Return the meetings of the series after this one that the actor sees, locked, in order."""
    query = select(Meeting).where(
        Meeting.series_id == series.id, Meeting.series_at > meeting.series_at, Meeting.id != meeting.id, rows.visible(uow)
    )
    query = query.order_by(Meeting.series_at, Meeting.id).with_for_update(of=Meeting)
    return list(await uow.session.scalars(query.execution_options(populate_existing=True)))


def _untouchable(uow: UnitOfWork, meeting: Meeting) -> bool:
    waits = meeting.state == MeetingState.PLANNED and meeting.from_at > uow.now
    return not waits or meeting.project_id is None or not rows.may_change(uow, meeting)


def _left_at(meeting: Meeting, *, moved: bool) -> None:
    """Note what the series left a meeting at; one that moved has its place in the series where it is now."""
    meeting.series_version = meeting.version
    if moved:
        meeting.series_at = meeting.from_at


def _carried(meeting: Meeting, before: MeetingOut, after: MeetingOut, zone: ZoneInfo) -> MeetingChange:
    """Return a meeting with what became different between `before` and `after` of another one of its series."""
    fields = {name: getattr(meeting, name) for name in _CARRIED}
    fields |= dict(_different(before, after, _CARRIED))
    length = meeting.to_at - meeting.from_at
    if after.to_at - after.from_at != before.to_at - before.from_at:
        length = after.to_at - after.from_at
    begin = recurrence.wall(meeting.from_at, zone)
    shift = recurrence.wall(after.from_at, zone) - recurrence.wall(before.from_at, zone)
    window = recurrence.at(begin + shift, zone, length) if shift else Window(meeting.from_at, meeting.from_at + length)
    return MeetingChange(**fields, from_at=window.from_at, to_at=window.to_at, version=meeting.version)


def _different(before: MeetingOut, after: MeetingOut, names: Iterable[str]) -> Iterable[tuple[str, Any]]:
    return ((name, getattr(after, name)) for name in names if getattr(after, name) != getattr(before, name))
