"""The one line a call leaves on the customer's timeline, written when it ends and kept up to date after."""

from typing import Any

from sqlalchemy import delete, select

from callcenter.calls import dropping
from callcenter.calls.models import Call, CallState
from callcenter.contacts import timeline
from callcenter.contacts.models import TimelineEntry
from callcenter.db import UnitOfWork
from callcenter.events import TimelineLine
from callcenter.projects.models import Disposition, Project

POP_UP_LINES = 5
KIND = "call"
MACHINES = {"machine": "answering machine", "fax": "fax"}  # of Call.machine, what is worth a word


async def write(uow: UnitOfWork, call: Call, *, fresh: bool = False) -> None:
    """Make the call's line on the timeline say what is known now; none while the call goes on or nobody is matched.

    `fresh`: the call ends this moment, so that it has no line yet.
    """
    if call.state != CallState.ENDED or (fresh and call.contact_id is None and call.organisation_id is None):
        return
    stored = select(TimelineEntry).where(TimelineEntry.call_id == call.id, TimelineEntry.kind == KIND)
    entry = None if fresh else await uow.session.scalar(stored)
    if call.contact_id is None and call.organisation_id is None:
        await uow.session.execute(delete(TimelineEntry).where(TimelineEntry.call_id == call.id))
        return
    disposition = None if call.disposition_id is None else await uow.session.get(Disposition, call.disposition_id)
    project = None if call.project_id is None else await uow.session.get(Project, call.project_id)
    line = text(call, disposition.name if disposition else "")
    data: dict[str, Any] = {
        "direction": call.direction,
        "outcome": outcome(call),
        "seconds": call.talk_seconds,
        "number": call.number,
        "project": project.name if project else "",
        "disposition": disposition.name if disposition else "",
        "note": call.note,
    }
    if (told := dropping.told(call)) is not None:
        data["dropped"] = {"text": told.text, "values": told.values}
    if said := dropping.played(call):
        data["played"] = [{"text": each.text, "values": each.values} for each in said]
    if call.machine in MACHINES:
        data["machine"] = call.machine
    if call.joined:
        data["joined"] = call.joined
    if entry is None:
        await timeline.add_entry(
            uow,
            contact_id=call.contact_id,
            organisation_id=call.organisation_id,
            kind=KIND,
            text=line,
            at=call.started_at,
            call_id=call.id,
            user_id=call.user_id,
            data=data,
        )
        return
    entry.text, entry.data = line, data
    timeline.touched(uow, entry.contact_id, entry.organisation_id, entry.id)
    await timeline.move_call_entries(uow, call.id, call.contact_id, call.organisation_id)


async def newest(uow: UnitOfWork, call: Call) -> list[TimelineLine]:
    """Return the last lines of the customer's timeline for the pop-up; none unless exactly one candidate matched."""
    if call.contact_id is not None:
        found = await timeline.newest(uow, contact_id=call.contact_id, limit=POP_UP_LINES)
    elif call.organisation_id is not None:
        found = await timeline.newest(uow, organisation_id=call.organisation_id, limit=POP_UP_LINES)
    else:
        return []
    return [TimelineLine(at=entry.at, kind=entry.kind, text=entry.text, data=entry.data) for entry in found]


def outcome(call: Call) -> str:
    """Return answered, missed (inbound that nobody took), or why nobody talked in an outbound call."""
    if call.answered_at is not None:
        return "answered"
    return "missed" if call.direction == "inbound" else call.end_reason


def text(call: Call, disposition: str) -> str:
    """Return the line in English, for who cannot draw `data`: direction, duration or outcome, disposition, note."""
    seconds = call.talk_seconds or 0
    what = f"{seconds // 60}:{seconds % 60:02}" if call.answered_at is not None else outcome(call).replace("_", " ")
    head = f"{call.direction.capitalize()} call, {what}"
    told = dropping.told(call)
    dropped = told.text.format(**told.values).rstrip(".") if told is not None else ""
    machine = MACHINES.get(call.machine, "").capitalize()
    joined = f"With {call.joined}" if call.joined else ""
    played = [each.text.format(**each.values).rstrip(".") for each in dropping.played(call)]
    return ". ".join(part for part in (head, machine, joined, dropped, *played, disposition, call.note) if part)
