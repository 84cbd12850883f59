"""How a meeting's customer is called: on which trunk, with which caller id; by no means an emergency number."""

from typing import NamedTuple

from callcenter.agents.models import Agent
from callcenter.calls import outbound
from callcenter.calls.models import Call
from callcenter.calls.outbound import Way
from callcenter.calls.spending import SpentForToday
from callcenter.contacts import consents
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, Conflict, DoNotContact, Invalid, NoConsent, NotPermitted, Unavailable
from callcenter.events import ContactOpened, MeetingDialling
from callcenter.meetings import sight
from callcenter.meetings.models import Attempt, Meeting, MeetingSettings
from callcenter.projects.models import Project
from callcenter.trunks.service import AWAY, DRAINING


class Barred(NamedTuple):
    """A meeting that cannot be dialled now: a code of waiting.py, and what to tell the person who pressed Call."""

    code: str
    error: CallCenterError


async def way_out(uow: UnitOfWork, meeting: Meeting, rules: MeetingSettings) -> Way | Barred:
    """Return how the meeting's call leaves, or why it cannot; the same for a click and for the system."""
    project = None if meeting.project_id is None else await uow.session.get(Project, meeting.project_id)
    if barred := await _unwanted(uow, meeting, project):
        return barred
    if project is None or not project.enabled:
        return Barred("no_settings", Conflict("The project is switched off."))
    try:
        way = await outbound.way_out(
            uow, meeting.number, project, trunk_id=rules.trunk_id, caller_id=rules.caller_id, by_hand=False
        )
    except (Invalid, NotPermitted) as error:
        return Barred("number", error)
    except SpentForToday as error:
        return Barred("spent", error)
    except Conflict as error:
        return Barred("trunk_off" if "trunk" in error.values else "no_trunk", error)
    if way.trunk.state == AWAY:
        return Barred("switch_away", Unavailable("The telephone switch cannot be reached. Try again in a moment."))
    if way.trunk.state == DRAINING:
        sentence = "The system is stopping: no new calls can be made. Calls in progress may finish."
        return Barred("draining", Unavailable(sentence))
    return way


async def _unwanted(uow: UnitOfWork, meeting: Meeting, project: Project | None) -> Barred | None:
    """Return why the customer may not be called: they objected, or never agreed to what the project is for."""
    try:
        await consents.check(
            uow,
            "call",
            contact_id=meeting.contact_id,
            number=meeting.number,
            purpose=project.purpose if project else "service",
            project_id=meeting.project_id,
        )
    except NoConsent as error:
        return Barred("no_consent", error)
    except DoNotContact as error:
        return Barred("objected", error)
    return None


async def place(uow: UnitOfWork, meeting: Meeting, attempt: Attempt, agent: Agent, way: Way, rules: MeetingSettings) -> Call:
    """Write the call with its leg of an attempt that is written; the switch is asked once all that is committed."""
    call = await outbound.place(
        uow,
        agent,
        way,
        call_id=attempt.id,
        contact_id=meeting.contact_id,
        ring_seconds=rules.ring_seconds,
        announcement=rules.announcement,
    )
    uow.emit(MeetingDialling(meeting_id=meeting.id, call_id=call.id, mode=attempt.mode), [agent.user_id])
    if meeting.contact_id is not None and not await sight.blind(uow, [agent.user_id], meeting):
        uow.emit(ContactOpened(contact_id=meeting.contact_id, call_id=call.id), [agent.user_id])
    return call
