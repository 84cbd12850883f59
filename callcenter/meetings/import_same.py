"""Which rows of a file of meetings are planned already, so that importing a file twice plans nothing twice."""

import datetime as dt

from sqlalchemy import exists, select

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
    same = [Meeting.project_id == project_id, Meeting.from_at == from_at, Meeting.state != MeetingState.CANCELLED.value]
    if number:
        same.append(Meeting.number == numbers.parse(number, region).e164)
    elif contact_id is not None:
        same.append(Meeting.contact_id == contact_id)
    else:
        return None
    if to_at is not None:
        same.append(Meeting.to_at == to_at)
    if name:
        same.append(Meeting.name == name)
    mine = exists().where(
        MeetingImportRow.meeting_id == Meeting.id,
        MeetingImportRow.import_id == import_id,
        MeetingImportRow.state == "planned",
    )
    return await uow.session.scalar(select(Meeting.id).where(*same, ~mine).order_by(Meeting.id).limit(1))
