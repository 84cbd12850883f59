"""The pop-ups of phone meetings at a desk, as a page that is loaded anew draws them."""

from collections.abc import Sequence

from sqlalchemy import select

from callcenter.agents.models import Agent, AgentState
from callcenter.db import UnitOfWork
from callcenter.events import MeetingDue
from callcenter.meetings import cards, conditions, sight
from callcenter.meetings.attempts import COUNTDOWN
from callcenter.meetings.models import Attempt, Meeting, MeetingState, Mode

_CARDS = 20  # due meetings a page is told of at once


async def current(uow: UnitOfWork) -> list[MeetingDue]:
    """Return the pop-ups of the actor's desk: the countdown that runs, then due manual meetings, the most urgent first."""
    me = uow.actor.id
    found: list[MeetingDue] = []
    agent = await uow.session.get(Agent, me)
    if agent is not None and agent.state == AgentState.OFFERED and agent.call_id is not None:
        attempt = await uow.session.get(Attempt, agent.call_id)
        if attempt is not None and attempt.state == COUNTDOWN:
            found += await _cards(uow, [await uow.session.get_one(Meeting, attempt.meeting_id)], attempt)
    due = select(Meeting).where(
        Meeting.state == MeetingState.DUE.value,
        Meeting.mode == Mode.MANUAL.value,
        Meeting.to_at > uow.now,
        Meeting.not_before.is_(None) | (Meeting.not_before <= uow.now),
    )
    due = due.order_by(Meeting.to_at, Meeting.id).limit(_CARDS)
    meetings = list(await uow.session.scalars(due.where(Meeting.user_id == me)))
    projects = await conditions.served_by(uow, me)
    meetings += await uow.session.scalars(due.where(Meeting.user_id.is_(None), Meeting.project_id.in_(projects)))
    return found + await _cards(uow, sorted(meetings, key=lambda each: each.to_at))


async def _cards(uow: UnitOfWork, meetings: Sequence[Meeting], attempt: Attempt | None = None) -> list[MeetingDue]:
    """Return the pop-ups of meetings as the actor may see them; nobody's with a hidden contact are left out."""
    concealed = await sight.concealed(uow, meetings)
    found: list[MeetingDue] = []
    for each in meetings:
        if each.id not in concealed:
            found.append(await cards.card(uow, each, attempt))
        elif each.user_id is not None:
            found.append(cards.masked(await cards.card(uow, each, attempt)))
    return found
