"""Logs (S9): a call, an e-mail or an SMS that was made elsewhere, written down by hand."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from callcenter.contacts.models import TimelineEntry
from callcenter.contacts.timeline import MAXIMUM_TEXT, add_entry, checked_text
from callcenter.contacts.timeline_pages import Of, check_visible
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid

KIND = "log"
OLDEST = dt.timedelta(days=3653)
AHEAD = dt.timedelta(minutes=5)  # by which the clock of a person's machine may be fast

Outcome = Literal["answered", "no_answer", "busy", "voicemail"]


class LogInput(BaseModel):
    """What happened elsewhere: `at` when, `outcome` of a call; `text` the note about it."""

    model_config = ConfigDict(extra="forbid")
    of: Literal["call", "email", "sms"]
    direction: Literal["inbound", "outbound"]
    at: AwareDatetime
    outcome: Outcome | None = None
    text: Annotated[str, Field(max_length=MAXIMUM_TEXT)]


async def add_log(uow: UnitOfWork, contact_id: int, data: LogInput) -> TimelineEntry:
    """Write a log on a contact's timeline, at the time it happened; who may see the contact may write one.

    Raises Invalid for a time that is ahead or more than ten years ago, and for an outcome of what is no call.
    """
    await check_visible(uow, Of(contact_id=contact_id))
    said = checked_text(data.text)
    if data.at > uow.now + AHEAD:
        raise Invalid("A log is about what has happened: this time is still to come.", field="at")
    if data.at < uow.now - OLDEST:
        raise Invalid("A log is about the last ten years.", field="at")
    if data.outcome is not None and data.of != "call":
        raise Invalid("Only a call has an outcome.", field="outcome")
    at = min(data.at, uow.now)
    kept: dict[str, Any] = {"of": data.of, "direction": data.direction, "at": at.isoformat(), "written_at": uow.now.isoformat()}
    if data.outcome is not None:
        kept["outcome"] = data.outcome
    return await add_entry(uow, contact_id=contact_id, kind=KIND, text=said, at=at, user_id=uow.actor.user_id, data=kept)
