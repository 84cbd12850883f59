"""When people work: a weekly pattern in their own time zone, and exceptions from it. Supervisors set everybody's.

A person without any shift has no pattern, and so is never off by it.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.events import RosterChanged
from callcenter.roster import changes, hours
from callcenter.roster.changes import RosterChangedMeanwhile, mark_of_shifts
from callcenter.roster.forms import DAY, AbsenceInput, AbsenceOut, Off, PersonOut, ShiftInput, ShiftOut, near, time_of
from callcenter.roster.models import Absence, Shift
from callcenter.users import service as users
from callcenter.users.models import User

__all__ = [
    "AbsenceInput",
    "AbsenceOut",
    "Off",
    "PersonOut",
    "RosterChangedMeanwhile",
    "ShiftInput",
    "ShiftOut",
    "absences",
    "add_absence",
    "mark_of_absences",
    "mark_of_shifts",
    "off",
    "off_in",
    "people",
    "remove_absence",
    "set_shifts",
    "shifts",
]

LONGEST = dt.timedelta(days=400)  # of an exception, and of an interval that may be asked about
MOST_SHIFTS = 50
_WEEK = 7 * DAY


async def shifts(uow: UnitOfWork, user_id: int) -> list[ShiftOut]:
    """Return a person's weekly pattern in order (own, or anybody's for supervisors)."""
    await users.get_user(uow, user_id)
    return [_show_shift(each) for each in (await _patterns(uow, [user_id])).get(user_id, [])]


async def set_shifts(uow: UnitOfWork, user_id: int, pattern: Sequence[ShiftInput], seen: str | None = None) -> list[ShiftOut]:
    """Make this a person's whole weekly pattern, none: no pattern (supervisors). Raises Invalid for shifts that overlap.

    `seen` is the mark (changes.mark_of_shifts) of the pattern this one takes the place of: raises RosterChangedMeanwhile, a
    Conflict, when it is no longer that one. None: whatever is there.
    """
    uow.actor.require(Role.SUPERVISOR)
    await _locked(uow, user_id)
    if len(pattern) > MOST_SHIFTS:
        raise Invalid("A week has at most {most} shifts.", field="shifts", most=MOST_SHIFTS)
    _refuse_overlaps(pattern)
    before = (await _patterns(uow, [user_id])).get(user_id, [])
    if seen is not None:
        await changes.refuse_stale_shifts(uow, user_id, seen, [_show_shift(each) for each in before])
    await uow.session.execute(delete(Shift).where(Shift.user_id == user_id))
    wanted = sorted((each.weekday, each.from_minute, each.to_minute) for each in pattern)
    rows = [Shift(user_id=user_id, weekday=day, from_minute=begin, to_minute=end) for day, begin, end in wanted]
    uow.session.add_all(rows)
    await uow.session.flush()
    if [(each.weekday, each.from_minute, each.to_minute) for each in before] != wanted:
        said = {"before": [changes.say(_show_shift(each)) for each in before]}
        said["after"] = [changes.say(_show_shift(each)) for each in rows]
        users.audit(uow, "roster.shifts_set", "user", user_id, **said)
        await _tell(uow, user_id)
    return [_show_shift(each) for each in rows]


async def absences(
    uow: UnitOfWork, user_id: int, from_at: dt.datetime | None = None, to_at: dt.datetime | None = None
) -> list[AbsenceOut]:
    """Return a person's exceptions that touch [from_at, to_at), in order (own, or anybody's for supervisors)."""
    await users.get_user(uow, user_id)
    return [_show_absence(each) for each in (await _exceptions(uow, [user_id], from_at, to_at)).get(user_id, [])]


async def mark_of_absences(uow: UnitOfWork, user_id: int) -> str:
    """Return the mark of all exceptions of a person as they are stored, for add_absence."""
    return changes.mark_of_absences(await absences(uow, user_id))


async def add_absence(uow: UnitOfWork, user_id: int, data: AbsenceInput, seen: str | None = None) -> AbsenceOut:
    """Note that a person is off, or works although the pattern says no (supervisors).

    Raises Invalid for an end not after its beginning, Conflict when an exception of the other kind is there already. `seen`
    is the mark of the exceptions as they were read: raises RosterChangedMeanwhile when others stand there now.
    """
    uow.actor.require(Role.SUPERVISOR)
    await _locked(uow, user_id)
    if data.to_at <= data.from_at:
        raise Invalid("The end must be after the beginning.", field="to_at")
    if data.to_at - data.from_at > LONGEST:
        raise Invalid("This is longer than {days} days.", field="to_at", days=LONGEST.days)
    if seen is not None:
        await changes.refuse_stale_absences(uow, user_id, seen, await absences(uow, user_id))
    there = (await _exceptions(uow, [user_id], data.from_at, data.to_at)).get(user_id, [])
    if any(each.works != data.works for each in there):
        if data.works:
            raise Conflict("There is a time off in these hours. Remove it first, or shorten it.")
        raise Conflict("There is an extra shift in these hours. Remove it first.")
    row = Absence(user_id=user_id, from_at=data.from_at, to_at=data.to_at, works=data.works, reason=data.reason)
    uow.session.add(row)
    await uow.session.flush()
    users.audit(uow, "roster.absence_added", "user", user_id, absence_id=row.id, **data.model_dump())
    await _tell(uow, user_id)
    return _show_absence(row)


async def remove_absence(uow: UnitOfWork, user_id: int, absence_id: int) -> None:
    """Take an exception back (supervisors)."""
    uow.actor.require(Role.SUPERVISOR)
    await _locked(uow, user_id)
    row = await uow.session.get(Absence, absence_id)
    if row is None or row.user_id != user_id:
        raise NotFound("There is no such exception. Somebody may have removed it already.")
    shown = _show_absence(row).model_dump(exclude={"id", "user_id"})
    users.audit(uow, "roster.absence_removed", "user", user_id, absence_id=absence_id, **shown)
    await uow.session.delete(row)
    await _tell(uow, user_id)


async def off(uow: UnitOfWork, user_ids: Iterable[int], from_at: dt.datetime, to_at: dt.datetime) -> dict[int, list[Off]]:
    """Return for each person the parts of [from_at, to_at) in which they are off and why, in order; nobody is left out.

    Anybody may ask, since it is needed to plan; only supervisors read the reasons of others. Raises Invalid for an
    interval that is empty or longer than LONGEST.
    """
    _check_interval(from_at, to_at)
    wanted = sorted(set(user_ids))
    named = await uow.session.execute(select(User.id, User.time_zone).where(User.id.in_(wanted)))
    zones = {user_id: time_zone for user_id, time_zone in named}  # noqa: C416 - rows are no pairs to the type checker
    patterns = await _patterns(uow, wanted)
    exceptions = await _exceptions(uow, wanted, from_at, to_at)
    found: dict[int, list[Off]] = {}
    for user_id in wanted:
        zone = ZoneInfo(zones[user_id]) if user_id in zones else ZoneInfo("UTC")
        known = patterns.get(user_id, []), exceptions.get(user_id, [])
        found[user_id] = _off(*known, zone, (from_at, to_at), _readable(uow, user_id))
    return found


async def off_in(uow: UnitOfWork, user_id: int, spans: Sequence[hours.Span]) -> list[list[Off]]:
    """Return for each of these intervals what `off` says of a person, in order; the roster is read once for all of them."""
    if not spans:
        return []
    for span in spans:
        _check_interval(*span)
    zone = ZoneInfo(await uow.session.scalar(select(User.time_zone).where(User.id == user_id)) or "UTC")
    pattern = (await _patterns(uow, [user_id])).get(user_id, [])
    first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
    exceptions = (await _exceptions(uow, [user_id], first, last)).get(user_id, [])
    return [_off(pattern, _touching(exceptions, span), zone, span, _readable(uow, user_id)) for span in spans]


def _touching(exceptions: list[Absence], span: hours.Span) -> list[Absence]:
    return [each for each in exceptions if each.from_at < span[1] and each.to_at > span[0]]


def _readable(uow: UnitOfWork, user_id: int) -> bool:
    """Tell whether the actor may read why this person is off."""
    return user_id == uow.actor.user_id or uow.actor.may(Role.SUPERVISOR)


async def people(uow: UnitOfWork, from_at: dt.datetime, to_at: dt.datetime) -> list[PersonOut]:
    """Return how everybody who may sign in works in [from_at, to_at), by name; a consultant is told of themselves only."""
    _check_interval(from_at, to_at)
    query = select(User).where(User.disabled_at.is_(None)).order_by(User.name, User.id)
    if not uow.actor.may(Role.SUPERVISOR):
        query = query.where(User.id == uow.actor.id)
    found = list(await uow.session.scalars(query))
    ids = [each.id for each in found]
    patterns = await _patterns(uow, ids)
    exceptions = await _exceptions(uow, ids, from_at, to_at)
    return [
        PersonOut(
            user_id=each.id,
            name=each.name,
            role=each.role,
            time_zone=each.time_zone,
            shifts=[_show_shift(shift) for shift in patterns.get(each.id, [])],
            absences=[_show_absence(absence) for absence in exceptions.get(each.id, [])],
            off=_off(patterns.get(each.id, []), exceptions.get(each.id, []), ZoneInfo(each.time_zone), (from_at, to_at), True),
        )
        for each in found
    ]


def _off(pattern: list[Shift], exceptions: list[Absence], zone: ZoneInfo, span: hours.Span, readable: bool) -> list[Off]:
    """Return what of a span a person is off. A time off outweighs all; an extra shift outweighs the pattern."""
    parts: list[Off] = []
    away = [each for each in exceptions if not each.works]
    for each in away:
        for begin, end in hours.clip([(each.from_at, each.to_at)], *span):
            parts.append(Off(from_at=begin, to_at=end, why="absence", reason=each.reason if readable else ""))
    if pattern:
        taken = hours.worked([(each.weekday, each.from_minute, each.to_minute) for each in pattern], zone, *span)
        taken += [(each.from_at, each.to_at) for each in exceptions]
        parts += [Off(from_at=begin, to_at=end, why="outside_shifts") for begin, end in hours.without(span, taken)]
    return sorted(parts, key=lambda each: (each.from_at, each.to_at))


def _check_interval(from_at: dt.datetime, to_at: dt.datetime) -> None:
    for field, at in (("from_at", from_at), ("to_at", to_at)):
        if not near(at):
            raise Invalid("This date is too far away.", field=field)
    if to_at <= from_at:
        raise Invalid("The end must be after the beginning.", field="to_at")
    if to_at - from_at > LONGEST:
        raise Invalid("This is longer than {days} days.", field="to_at", days=LONGEST.days)


def _refuse_overlaps(pattern: Sequence[ShiftInput]) -> None:
    """Raise Invalid at the first shift that begins before an earlier one of the week ends; the week is a circle."""
    placed = sorted(
        (each.weekday * DAY + each.from_minute, each.to_minute - each.from_minute, at) for at, each in enumerate(pattern)
    )
    for this, following in zip(placed, [*placed[1:], *placed[:1]], strict=True):
        begins = following[0] + (_WEEK if following is placed[0] else 0)
        if begins < this[0] + this[1] and len(placed) > 1:
            at = max(this[2], following[2])
            raise Invalid("This shift overlaps with another one.", field=f"shifts.{at}.from_time")


async def _locked(uow: UnitOfWork, user_id: int) -> User:
    """Return a user whose roster nobody else changes until the commit."""
    user = await uow.session.scalar(select(User).where(User.id == user_id).with_for_update())
    if user is None:
        raise NotFound("There is no such user.")
    return user


async def _tell(uow: UnitOfWork, user_id: int) -> None:
    """Let the person's own pages and those of supervisors show the change."""
    uow.emit(RosterChanged(user_id=user_id), [user_id, *await users.supervisors(uow)])


async def _patterns(uow: UnitOfWork, user_ids: Sequence[int]) -> dict[int, list[Shift]]:
    query = select(Shift).where(Shift.user_id.in_(user_ids)).order_by(Shift.weekday, Shift.from_minute)
    found: dict[int, list[Shift]] = {}
    for each in await uow.session.scalars(query):
        found.setdefault(each.user_id, []).append(each)
    return found


async def _exceptions(
    uow: UnitOfWork, user_ids: Sequence[int], from_at: dt.datetime | None, to_at: dt.datetime | None
) -> dict[int, list[Absence]]:
    query = select(Absence).where(Absence.user_id.in_(user_ids)).order_by(Absence.from_at, Absence.id)
    if from_at is not None:
        query = query.where(Absence.to_at > from_at)
    if to_at is not None:
        query = query.where(Absence.from_at < to_at)
    found: dict[int, list[Absence]] = {}
    for each in await uow.session.scalars(query):
        found.setdefault(each.user_id, []).append(each)
    return found


def _show_shift(row: Shift) -> ShiftOut:
    return ShiftOut(
        weekday=row.weekday,
        from_time=time_of(row.from_minute),
        to_time=time_of(row.to_minute),
        overnight=row.to_minute > DAY,
        minutes=row.to_minute - row.from_minute,
    )


def _show_absence(row: Absence) -> AbsenceOut:
    return AbsenceOut(id=row.id, user_id=row.user_id, from_at=row.from_at, to_at=row.to_at, works=row.works, reason=row.reason)
