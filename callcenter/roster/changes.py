"""Two people at one roster: a mark of what was read, and what somebody else saved since, told from the audit trail.

The mark is a digest of what is stored, so it needs no column: it is compared in the transaction that writes, with the person's
row locked. The trail says who undid which part of it.
"""

import calendar
import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import select

from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.roster.forms import AbsenceOut, ShiftOut
from callcenter.users.models import AuditEntry

_READ_BACK = 200  # entries of the trail: who read so long ago is told that much
_SHIFTS, _ADDED, _REMOVED = "roster.shifts_set", "roster.absence_added", "roster.absence_removed"

Line = tuple[bool, int | None, str]  # whether it came (else it went), its weekday if it has one, its hours


class RosterChangedMeanwhile(Conflict):
    """Somebody saved this part of a person's roster since it was read. `by`: their names; `lines`: what came and went."""

    def __init__(self, sentence: str, by: Iterable[str], lines: Sequence[Line]) -> None:
        super().__init__(sentence, name=", ".join(dict.fromkeys(by)) or "?", changes=written(lines, list(calendar.day_name)))
        self.lines = list(lines)


def written(lines: Iterable[Line], days: Sequence[str]) -> str:
    """Return what came and went as a sentence holds it, with these names of the days."""
    said = [
        " ".join(["+" if came else "\N{MINUS SIGN}", *([] if day is None else [days[day]]), hours]) for came, day, hours in lines
    ]
    return "; ".join(said) or "-"


def mark_of_shifts(shifts: Iterable[ShiftOut]) -> str:
    """Return the mark of a weekly pattern in order."""
    return _digest(say(each) for each in shifts)


def mark_of_absences(absences: Iterable[AbsenceOut]) -> str:
    """Return the mark of all exceptions of a person."""
    return _digest(sorted(_line_of(each.from_at, each.to_at, each.works, each.reason) for each in absences))


def say(shift: ShiftOut) -> str:
    """Return a shift as the trail keeps it: "0 08:00-16:00"."""
    return f"{shift.weekday} {shift.from_time}-{shift.to_time}"


async def refuse_stale_shifts(uow: UnitOfWork, user_id: int, seen: str, stored: Sequence[ShiftOut]) -> None:
    """Raise RosterChangedMeanwhile when a weekly pattern was saved since the one with the mark `seen` was read."""
    now = [say(each) for each in stored]
    if seen == _digest(now):
        return
    by: list[str] = []
    before = now
    for entry in await _trail(uow, user_id, (_SHIFTS,)):
        if _digest(before) == seen:
            break
        by.append(entry.actor_name)
        before = entry.detail["before"]
    gone, come = [each for each in before if each not in now], [each for each in now if each not in before]
    lines = [(False, *_split(each)) for each in gone] + [(True, *_split(each)) for each in come]
    raise RosterChangedMeanwhile("{name} changed the weekly hours meanwhile: {changes}.", by, lines)


async def refuse_stale_absences(uow: UnitOfWork, user_id: int, seen: str, stored: Sequence[AbsenceOut]) -> None:
    """Raise RosterChangedMeanwhile when an exception came or went since those with the mark `seen` were read."""
    if seen == mark_of_absences(stored):
        return
    lines = [_line_of(each.from_at, each.to_at, each.works, each.reason) for each in stored]
    by: list[str] = []
    told: list[Line] = []
    for entry in await _trail(uow, user_id, (_ADDED, _REMOVED)):
        if _digest(sorted(lines)) == seen:
            break
        by.append(entry.actor_name)
        detail = entry.detail
        times = [dt.datetime.fromisoformat(detail[name]) for name in ("from_at", "to_at")]
        line = _line_of(times[0], times[1], detail["works"], detail["reason"])
        came = entry.action == _ADDED
        told.insert(0, (came, None, _spoken(uow, times[0], times[1])))
        if came and line in lines:
            lines.remove(line)
        elif not came:
            lines.append(line)
    raise RosterChangedMeanwhile("{name} changed the exceptions meanwhile: {changes}.", by, told)


async def _trail(uow: UnitOfWork, user_id: int, actions: Iterable[str]) -> list[AuditEntry]:
    """Return what was done to a person's roster, the newest first."""
    query = select(AuditEntry).where(AuditEntry.subject == "user", AuditEntry.subject_id == str(user_id))
    query = query.where(AuditEntry.action.in_(list(actions))).order_by(AuditEntry.id.desc()).limit(_READ_BACK)
    return list(await uow.session.scalars(query))


def _line_of(from_at: dt.datetime, to_at: dt.datetime, works: bool, reason: str) -> str:
    begin, end = (each.astimezone(dt.UTC).isoformat() for each in (from_at, to_at))
    return f"{begin} {end} {works:d} {reason}"


def _spoken(uow: UnitOfWork, from_at: dt.datetime, to_at: dt.datetime) -> str:
    """Return when an exception is, for a sentence, in the reader's time zone."""
    zone = ZoneInfo(uow.actor.time_zone)
    return f"{from_at.astimezone(zone):%Y-%m-%d %H:%M} \N{EN DASH} {to_at.astimezone(zone):%Y-%m-%d %H:%M}"


def _split(said: str) -> tuple[int, str]:
    day, _, hours = said.partition(" ")
    return int(day), hours.replace("-", "\N{EN DASH}")


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
