"""When people work: weekly patterns, exceptions from them, and who is off in an interval."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from callcenter.actor import Role
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.roster import service as roster
from callcenter.roster.service import AbsenceInput, AbsenceOut, PersonOut, ShiftInput, ShiftOut
from webui.openapi import operation, routes_of
from webui.validation import Id, In

Mark = Annotated[str, Field(max_length=64)]


class ShiftList(BaseModel):
    """A weekly pattern in order; empty: the person has none. `version` is its mark, for setShifts."""

    items: list[ShiftOut]
    version: str


class ShiftsIn(In):
    """Exactly these shifts are the week; none: no pattern. `version` is that of the pattern they take the place of."""

    shifts: Annotated[list[ShiftInput], Field(max_length=roster.MOST_SHIFTS)]
    version: Mark


class NewAbsence(AbsenceInput):
    """An exception; with `version` (of listAbsences) it is only added while the others are still those that were read."""

    version: Mark | None = None


class AbsenceList(BaseModel):
    """Exceptions in order. `version` is the mark of all of the person's, also of those outside the interval."""

    items: list[AbsenceOut]
    version: str


class AbsenceQuery(In):
    """Exceptions that touch this interval; an end left out is open."""

    from_at: AwareDatetime | None = None
    to_at: AwareDatetime | None = None


class RosterQuery(In):
    """The interval, at most 400 days."""

    from_at: AwareDatetime
    to_at: AwareDatetime


class RosterOut(BaseModel):
    """People by name."""

    items: list[PersonOut]


@operation("GET", "/roster", "listRoster")
async def list_roster(uow: UnitOfWork, query: RosterQuery) -> RosterOut:
    """How everybody works in an interval, for supervisors; a consultant is told of themselves only."""
    return RosterOut(items=await roster.people(uow, query.from_at, query.to_at))


@operation("GET", "/users/{user_id}/shifts", "listShifts")
async def list_shifts(uow: UnitOfWork, user_id: Id) -> ShiftList:
    """A person's weekly pattern: one's own, or anybody's for supervisors."""
    found = await roster.shifts(uow, user_id)
    return ShiftList(items=found, version=roster.mark_of_shifts(found))


@operation("PUT", "/users/{user_id}/shifts", "setShifts", role=Role.SUPERVISOR, errors=(Conflict,))
async def set_shifts(uow: UnitOfWork, user_id: Id, body: ShiftsIn) -> ShiftList:
    """Make this a person's whole weekly pattern; 409 says who changed what since it was read."""
    found = await roster.set_shifts(uow, user_id, body.shifts, body.version)
    return ShiftList(items=found, version=roster.mark_of_shifts(found))


@operation("GET", "/users/{user_id}/absences", "listAbsences")
async def list_absences(uow: UnitOfWork, user_id: Id, query: AbsenceQuery) -> AbsenceList:
    """A person's exceptions from the pattern: one's own, or anybody's for supervisors."""
    found = await roster.absences(uow, user_id, query.from_at, query.to_at)
    return AbsenceList(items=found, version=await roster.mark_of_absences(uow, user_id))


@operation("POST", "/users/{user_id}/absences", "addAbsence", role=Role.SUPERVISOR, errors=(Conflict,), status=201)
async def add_absence(uow: UnitOfWork, user_id: Id, body: NewAbsence) -> AbsenceOut:
    """Note that a person is off, or works an extra shift."""
    given = AbsenceInput(from_at=body.from_at, to_at=body.to_at, works=body.works, reason=body.reason)
    return await roster.add_absence(uow, user_id, given, body.version)


@operation("DELETE", "/users/{user_id}/absences/{absence_id}", "removeAbsence", role=Role.SUPERVISOR)
async def remove_absence(uow: UnitOfWork, user_id: Id, absence_id: Id) -> None:
    """Take an exception back."""
    await roster.remove_absence(uow, user_id, absence_id)


ROUTES = routes_of(__name__)
