"""Which rows of a file of meetings are planned already, so that importing a file twice plans nothing twice."""

import datetime as dt
import functools

from sqlalchemy import Select, bindparam, exists, select

from callcenter.contacts import numbers
from callcenter.db import UnitOfWork
from callcenter.meetings.models import Meeting, MeetingImportRow, MeetingState


async def planned_already(
    uow: UnitOfWork,
    import_id: int,
    *,
    project_id: int,
    region: str,
    number: str,
    contact_id: int | None,
    from_at: dt.datetime,
    to_at: dt.datetime | None,
    name: str,
) -> int | None:
    """Return the meeting that stands for such a row, None when there is none: the same customer at the same time.

    It is of the same project and window (`to_at` None: any end) and has the same number, or where the row says none (""), the
    same contact, and the same name if the row says one. Whoever serves it now and however it ended, it is there; only a cancelled
    one is not, nor one that another row of the same file made: rows that are alike in one file are meant.
    """
    if not number and contact_id is None:
        return None
    given = {
        "project": project_id,
        "from_at": from_at,
        "to_at": to_at,
        "number": numbers.parse(number, region).e164 if number else None,
        "contact": contact_id,
        "name": name,
        "import": import_id,
    }
    return await uow.session.scalar(_query(bool(number), to_at is not None, bool(name)), given)


@functools.cache
def _query(by_number: bool, ends: bool, named: bool) -> Select[int]:
    """Return the statement for rows that say so much, built once: building it costs more than running it."""
    mine = exists().where(
        MeetingImportRow.meeting_id == Meeting.id,
        MeetingImportRow.import_id == bindparam("import"),
        MeetingImportRow.state == "planned",
    )
    query = select(Meeting.id).where(
        Meeting.project_id == bindparam("project"),
        Meeting.from_at == bindparam("from_at"),
        Meeting.state != MeetingState.CANCELLED.value,
        Meeting.number == bindparam("number") if by_number else Meeting.contact_id == bindparam("contact"),
        ~mine,
    )
    if ends:
        query = query.where(Meeting.to_at == bindparam("to_at"))
    if named:
        query = query.where(Meeting.name == bindparam("name"))
    return query.order_by(Meeting.id).limit(1)
