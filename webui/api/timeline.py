"""The timeline of a contact or an organisation: reading it by kind, notes and logs, their corrections."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, Field

from callcenter.contacts import corrections, logs, organisations, timeline_pages
from callcenter.contacts import service as contacts
from callcenter.contacts.logs import LogInput
from callcenter.contacts.models import TimelineEntry
from callcenter.contacts.timeline_pages import Line, Of
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from webui.openapi import operation, routes_of
from webui.validation import Id, In

_Words = Annotated[str, Field(min_length=1, max_length=20_000, pattern="^[^\\x00]*$")]
_Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class TimelineQuery(In):
    """Which part: `before` is the id of the last entry of the page before; `kind`: some of note, call, email, text, fax,
    meeting, ticket, log, change, consent and confirmation, with commas between, "" for all.
    """

    before: Id | None = None
    kind: Annotated[str, Field(max_length=100, pattern="^[a-z,]*$")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class TimelineEntryOut(BaseModel):
    """Something that happened with a customer. `version` goes back with a correction; `struck_at`: it is struck out."""

    id: int
    at: dt.datetime
    kind: str
    text: str
    contact_id: int | None
    call_id: str | None
    user_id: int | None
    data: dict[str, Any]
    version: int
    corrected_at: dt.datetime | None
    corrected_by: int | None
    struck_at: dt.datetime | None
    struck_by: int | None


class TimelineOut(TimelineEntryOut):
    """An entry with the names of who wrote, corrected and struck it; "" for the system and for nobody."""

    author: str
    corrector: str
    striker: str


class TimelinePage(BaseModel):
    """What happened, newest first. `next` goes into `before` for the page that follows; null: there is none."""

    items: list[TimelineOut]
    next: int | None


class OrganisationEntryOut(TimelineOut):
    """Something that happened with an organisation (`contact_id` null, `contact` "") or one of its contacts."""

    contact: str


class OrganisationTimelineOut(BaseModel):
    """What happened with an organisation and its contacts, newest first. `next` goes into `before` for the page that follows."""

    items: list[OrganisationEntryOut]
    next: int | None


class TimelineNoteIn(In):
    """A note for the timeline."""

    text: _Words


class CorrectionIn(In):
    """What a note or a log says from now on; `version` is the one that was read."""

    text: _Words
    version: _Version


class StrikeIn(In):
    """Whether a note or a log is struck out; `version` is the one that was read."""

    struck: bool
    version: _Version


class EarlierText(BaseModel):
    """What an entry said before, who had written that, and when."""

    version: int
    text: str
    at: dt.datetime
    user_id: int | None
    by: str


class EarlierTexts(BaseModel):
    """All earlier texts, the oldest first."""

    items: list[EarlierText]


def entry_out(entry: TimelineEntry) -> TimelineEntryOut:
    """Return an entry as the API tells it."""
    return TimelineEntryOut.model_validate(entry, from_attributes=True)


def _line(line: Line) -> dict[str, Any]:
    names = {"author": line.author, "corrector": line.corrected_by, "striker": line.struck_by}
    return entry_out(line.entry).model_dump() | names


async def _read(uow: UnitOfWork, of: Of, query: TimelineQuery) -> tuple[list[Line], int | None]:
    """Return a page of a timeline and where the next begins; raises Invalid for a kind or a place there is none of."""
    await timeline_pages.check_visible(uow, of)
    kinds = timeline_pages.wanted(query.kind.split(","))
    before = None if query.before is None else await timeline_pages.place_of(uow, of, query.before)
    found = await timeline_pages.page(uow, of, kinds=kinds, before=before, limit=query.limit)
    return found.items, found.items[-1].entry.id if found.older else None


@operation("GET", "/contacts/{contact_id}/timeline", "listTimeline")
async def list_timeline(uow: UnitOfWork, contact_id: Id, query: TimelineQuery) -> TimelinePage:
    """What happened with a contact, newest first."""
    found, next_ = await _read(uow, Of(contact_id=contact_id), query)
    return TimelinePage(items=[TimelineOut(**_line(each)) for each in found], next=next_)


@operation("GET", "/organisations/{organisation_id}/timeline", "listOrganisationTimeline")
async def list_organisation_timeline(uow: UnitOfWork, organisation_id: Id, query: TimelineQuery) -> OrganisationTimelineOut:
    """What happened with an organisation and with each of its contacts, newest first."""
    found, next_ = await _read(uow, Of(organisation_id=organisation_id), query)
    items = [OrganisationEntryOut(**_line(each), contact=each.contact) for each in found]
    return OrganisationTimelineOut(items=items, next=next_)


@operation("POST", "/contacts/{contact_id}/notes", "addNote", status=201)
async def add_note(uow: UnitOfWork, contact_id: Id, body: TimelineNoteIn) -> TimelineEntryOut:
    """Write a note on the timeline."""
    return entry_out(await contacts.add_note(uow, contact_id, body.text))


@operation("POST", "/organisations/{organisation_id}/notes", "addOrganisationNote", status=201)
async def add_organisation_note(uow: UnitOfWork, organisation_id: Id, body: TimelineNoteIn) -> TimelineEntryOut:
    """Write a note on the organisation's own timeline."""
    return entry_out(await organisations.add_note(uow, organisation_id, body.text))


@operation("POST", "/contacts/{contact_id}/logs", "addLog", status=201)
async def add_log(uow: UnitOfWork, contact_id: Id, body: LogInput) -> TimelineEntryOut:
    """Write down a call, an e-mail or an SMS that was made elsewhere."""
    return entry_out(await logs.add_log(uow, contact_id, body))


@operation("PUT", "/timeline/{entry_id}", "correctEntry", errors=(Conflict,))
async def correct_entry(uow: UnitOfWork, entry_id: Id, body: CorrectionIn) -> TimelineEntryOut:
    """Word one's own note or log anew; what it said is kept. 409 when somebody corrected it since it was read."""
    return entry_out(await corrections.correct(uow, entry_id, body.text, body.version))


@operation("PUT", "/timeline/{entry_id}/struck", "strikeEntry", errors=(Conflict,))
async def strike_entry(uow: UnitOfWork, entry_id: Id, body: StrikeIn) -> TimelineEntryOut:
    """Strike a note or a log out, or take that back: its author, and supervisors who may change the contact."""
    return entry_out(await corrections.strike(uow, entry_id, body.struck, body.version))


@operation("GET", "/timeline/{entry_id}/versions", "listEntryVersions")
async def list_entry_versions(uow: UnitOfWork, entry_id: Id) -> EarlierTexts:
    """What a note or a log said before it was corrected."""
    found = await corrections.versions(uow, entry_id)
    return EarlierTexts(
        items=[
            EarlierText(
                version=each.version.version, text=each.version.text, at=each.version.at, user_id=each.version.user_id, by=each.by
            )
            for each in found
        ]
    )


ROUTES = routes_of(__name__)
