"""Taking an import of meetings back: what was not begun is cancelled, what was dialled or is over stays and is named."""

from typing import NamedTuple

from sqlalchemy import func, select

from callcenter.calls import rows as calls
from callcenter.db import UnitOfWork
from callcenter.events import Notice
from callcenter.meetings import changing, quiet, rows
from callcenter.meetings.models import Meeting, MeetingImportRow, MeetingState
from callcenter.meetings.states import OPEN

REASON = "The import was undone."


class Line(NamedTuple):
    """A line of a file and the meeting it stands for; `name` and `state` are "" of one the reader may not see."""

    line: int
    meeting_id: int | None
    name: str
    state: str


async def cancel_rows(uow: UnitOfWork, import_id: int, size: int) -> tuple[int, int] | None:
    """Take back the meetings of the next planned rows; returns how many were cancelled and how many stay, None: none is left.

    What was cancelled before counts as neither. A countdown is taken back, a call that was dialled is not.
    """
    await calls.lock(uow)
    query = select(MeetingImportRow).where(MeetingImportRow.import_id == import_id, MeetingImportRow.state == "planned")
    taken = list(await uow.session.scalars(query.order_by(MeetingImportRow.line).limit(size)))
    if not taken:
        return None
    wanted = select(Meeting).where(Meeting.id.in_([row.meeting_id for row in taken if row.meeting_id is not None]))
    locked = wanted.order_by(Meeting.id).with_for_update().execution_options(populate_existing=True)
    meetings = {each.id: each for each in await uow.session.scalars(locked)}
    going = [each for each in meetings.values() if MeetingState(each.state) in OPEN and not each.attempts]
    staying = {each.id for each in meetings.values() if each not in going and each.state != MeetingState.CANCELLED}
    for row in taken:
        row.state = "kept" if row.meeting_id in staying else "undone"
    if going:
        await changing.cancel_all(uow, going, REASON)
    quiet.thin_out(uow, assigned=0)  # they hear of all of them at the end
    return len(going), len(staying)


async def tell_consultants(uow: UnitOfWork, import_id: int) -> None:
    """Tell those who had meetings of an import how many of them are cancelled, all at once."""
    count = func.count()
    query = select(Meeting.user_id, count).join(MeetingImportRow, MeetingImportRow.meeting_id == Meeting.id)
    query = query.where(MeetingImportRow.import_id == import_id, MeetingImportRow.state == "undone")
    query = query.where(Meeting.reason == REASON, Meeting.user_id.is_not(None)).group_by(Meeting.user_id)
    for user_id, number in await uow.session.execute(query):
        if user_id is not None and user_id != uow.actor.user_id:
            sentence = "Phone meetings planned for you from a file were cancelled: {count}."
            values = {"count": str(number)}
            uow.emit(Notice(level="info", sentence=sentence, values=values, link="/meetings?f=1&user=me"), [user_id])


async def lines(uow: UnitOfWork, import_id: int, state: str, *, after: int = 0, limit: int = 100) -> list[Line]:
    """Return the lines of an import in a state (already, planned, undone, kept) beyond line `after`, in order.

    Whoever calls has asked whether the actor may see the import.
    """
    query = select(MeetingImportRow.line, MeetingImportRow.meeting_id, Meeting.name, Meeting.state)
    query = query.outerjoin(Meeting, (Meeting.id == MeetingImportRow.meeting_id) & rows.visible(uow))
    query = query.where(MeetingImportRow.import_id == import_id, MeetingImportRow.state == state, MeetingImportRow.line > after)
    found = await uow.session.execute(query.order_by(MeetingImportRow.line).limit(limit))
    return [
        Line(line, None if name is None else meeting_id, name or "", stands or "") for line, meeting_id, name, stands in found
    ]
