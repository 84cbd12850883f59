"""What people change of a meeting: when it may be changed, what changed, and what somebody else changed meanwhile."""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from callcenter.contacts import numbers
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.meetings import attempts, log
from callcenter.meetings.forms import MeetingOut
from callcenter.meetings.models import Attempt, Meeting, MeetingEntry, MeetingState
from callcenter.plain import plain
from callcenter.users.models import User

FIELDS = {  # of MeetingOut: what a person calls it
    "name": "name",
    "number": "number",
    "mode": "mode",
    "from_at": "from",
    "to_at": "to",
    "information": "information",
    "project": "project",
    "user": "consultant",
    "contact": "contact",
    "ticket_id": "ticket",
    "state": "state",
}
_SHOWN = 60  # characters of a value in a sentence


class ChangedMeanwhile(Conflict):
    """Somebody saved the meeting since it was read. `by`: their names; `changes`: {field: [before, after]} as in its history."""

    def __init__(self, by: str, changes: dict[str, list[Any]], zone: str) -> None:
        told = "; ".join(
            f"{FIELDS.get(name, name)}: {_said(name, old, zone)} → {_said(name, new, zone)}"
            for name, (old, new) in changes.items()
        )
        sentence = "{name} changed this meeting meanwhile: {fields}." if told else "{name} changed this meeting meanwhile."
        super().__init__(sentence, name=by or "?", fields=told)
        self.by = by
        self.changes = changes


def differences(before: MeetingOut, after: MeetingOut) -> dict[str, list[Any]]:
    """Return {field: [before, after]} of what people see of a meeting."""
    found: dict[str, list[Any]] = {}
    for name in FIELDS:
        old, new = getattr(before, name), getattr(after, name)
        id_name = f"{name}_id"
        renamed = id_name in MeetingOut.model_fields and getattr(before, id_name) != getattr(after, id_name)
        if old != new or renamed:
            found[name] = [plain(old), plain(new)]
    return found


def record(uow: UnitOfWork, meeting: Meeting, kind: str, text: str, changes: dict[str, list[Any]], **data: Any) -> None:
    """Write into the history that a person changed a meeting; its version grows."""
    meeting.version += 1
    meeting.updated_at = uow.now
    log.write(uow, meeting, kind, text, changes=changes, version=meeting.version, **data)


async def refuse_stale(uow: UnitOfWork, meeting: Meeting, version: int) -> None:
    """Raise ChangedMeanwhile, naming who and what, when a meeting was saved since `version` was read."""
    if meeting.version == version:
        return
    query = select(MeetingEntry, User.name).outerjoin(User, User.id == MeetingEntry.user_id)
    query = query.where(MeetingEntry.meeting_id == meeting.id).order_by(MeetingEntry.id)
    names: dict[str, None] = {}
    changes: dict[str, list[Any]] = {}
    for entry, name in await uow.session.execute(query):
        if entry.data.get("version", 0) <= version:
            continue
        names[name or "?"] = None
        for field, (old, new) in entry.data.get("changes", {}).items():
            changes[field] = [changes[field][0] if field in changes else old, new]
    changes = {field: pair for field, pair in changes.items() if pair[0] != pair[1]}
    raise ChangedMeanwhile(", ".join(names), changes, uow.actor.time_zone)


async def refuse_calling(uow: UnitOfWork, meeting: Meeting, known: Mapping[int, Attempt] | None = None) -> None:
    """Raise Conflict while the meeting is being dialled or talked in: then only the call decides. A countdown is taken back.

    `known`: what rows.running_of found in this transaction, for who changes many.
    """
    await attempts.withdraw_from(uow, meeting, known)
    if meeting.state in (MeetingState.DIALLING, MeetingState.IN_TALK):
        raise Conflict("This meeting is being called just now. Wait until the call is over.")


async def refuse_unchangeable(uow: UnitOfWork, meeting: Meeting, known: Mapping[int, Attempt] | None = None) -> None:
    """Raise Conflict unless what was planned may still be changed; `known` as above."""
    await refuse_calling(uow, meeting, known)
    match meeting.state:
        case MeetingState.UNCERTAIN:
            raise Conflict("Nobody knows what became of the last call. Say first what came of this meeting.")
        case MeetingState.MISSED:
            raise Conflict("This meeting was missed. Reschedule it to give it another time.")
        case MeetingState.HELD | MeetingState.NOT_HELD | MeetingState.RESCHEDULED | MeetingState.CANCELLED:
            raise Conflict("This meeting is over. Plan another one instead of changing it.")


def _said(name: str, value: Any, zone: str) -> str:
    """Return a value of a history as a sentence holds it; times in the reader's time zone."""
    text = str(value if value not in (None, "") else "-")
    if name in ("from_at", "to_at"):
        text = dt.datetime.fromisoformat(text).astimezone(zoneinfo.ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    if name == "number":
        text = numbers.show(text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
