"""How a meeting stands: where the engine changes its state, and why it waits."""

from typing import Any

import structlog

from callcenter.db import UnitOfWork
from callcenter.meetings import log, waiting
from callcenter.meetings.models import Meeting, MeetingState
from callcenter.meetings.states import may_follow
from callcenter.plain import plain

logger = structlog.get_logger(__name__)

_ASKED = "meetings_asked"  # users who were found to have nothing due in this unit of work


async def enter(uow: UnitOfWork, meeting: Meeting, state: MeetingState, text: str, *also: int | None, **data: Any) -> None:
    """Change the state, keep why (`text` with its values), and tell those it concerns and `also`."""
    before = MeetingState(meeting.state)
    if not may_follow(before, state):
        logger.error("meeting.odd_change", meeting_id=meeting.id, before=before.value, state=state.value)
    meeting.state = state.value
    log.write(uow, meeting, "state", text, before=before.value, state=state.value, **data)
    logger.info("meeting.state", meeting_id=meeting.id, before=before.value, state=state.value)
    uow.session.info.pop(_ASKED, None)
    await log.tell(uow, meeting, *also)


async def hold(uow: UnitOfWork, meeting: Meeting, code: str, **values: Any) -> None:
    """Keep why the meeting is not dialled just now, and tell, when that is something new."""
    if meeting.waiting == code:
        return
    meeting.waiting, meeting.waiting_values = code, {name: plain(value) for name, value in values.items()}
    if code:
        log.write(uow, meeting, "decision", waiting.TEXTS[code], code=code, **values)
        await log.tell(uow, meeting)


def nothing_for(uow: UnitOfWork, user_id: int) -> bool:
    """Tell whether this unit of work knows already that the consultant has nothing due."""
    return user_id in uow.session.info.get(_ASKED, ())


def asked(uow: UnitOfWork, user_id: int) -> None:
    """Note that the consultant has nothing due, until a meeting changes."""
    uow.session.info.setdefault(_ASKED, set()).add(user_id)
