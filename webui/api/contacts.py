"""Contacts, their timeline, and organisations."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, Field

from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact, Number, TimelineEntry
from callcenter.contacts.service import ContactInput, OrganisationInput
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Line


class NumberOut(BaseModel):
    """A number as typed, and in E.164 where it is valid. `shown`: as a person reads it.

    `takes_texts`: text messages can reach it, as far as one can tell.
    """

    id: int
    type: str
    number: str
    e164: str | None
    shown: str
    takes_texts: bool


class ContactOut(BaseModel):
    """A contact. `version` goes back with a change."""

    id: int
    name: str
    first_name: str
    last_name: str
    organisation_id: int | None
    organisation: str
    position: str
    email: str
    note: str
    numbers: list[NumberOut]
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class ContactPage(BaseModel):
    """Contacts by name; `next` goes into `after` for the page that follows."""

    items: list[ContactOut]
    next: str | None


class ContactsQuery(In):
    """Whom to look for: part of a name, an organisation, or any part of a number as typed."""

    q: Line = ""
    after: Annotated[str, Field(max_length=2000, pattern="^[A-Za-z0-9_=-]*$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ContactChange(ContactInput):
    """A contact as it shall be; `version` is the one it was read at."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class TimelineQuery(In):
    """Which part: `before` is the id of the last entry of the page before."""

    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class TimelineOut(BaseModel):
    """Something that happened with a customer."""

    id: int
    at: dt.datetime
    kind: str
    text: str
    call_id: str | None
    user_id: int | None
    data: dict[str, Any]


class TimelinePage(BaseModel):
    """What happened, newest first."""

    items: list[TimelineOut]


class TimelineNoteIn(In):
    """A note for the timeline."""

    text: Annotated[str, Field(min_length=1, max_length=20_000, pattern="^[^\\x00]*$")]


class OrganisationOut(BaseModel):
    """A company."""

    id: int
    name: str


class OrganisationDetail(OrganisationOut):
    """A company and its own numbers."""

    numbers: list[NumberOut]


class OrganisationList(BaseModel):
    """Companies by name."""

    items: list[OrganisationOut]


class OrganisationsQuery(In):
    """The beginning of the name, or of a word in it."""

    q: Line = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 20


def _number(number: Number) -> NumberOut:
    fields = {name: getattr(number, name) for name in ("id", "type", "e164", "shown", "takes_texts")}
    return NumberOut(number=number.raw, **fields)


def _contact(contact: Contact) -> ContactOut:
    plain = {name: getattr(contact, name) for name in ContactOut.model_fields if name not in ("organisation", "numbers")}
    organisation = contact.organisation.name if contact.organisation else ""
    return ContactOut(**plain, organisation=organisation, numbers=[_number(each) for each in contact.numbers])


def _entry(entry: TimelineEntry) -> TimelineOut:
    return TimelineOut.model_validate(entry, from_attributes=True)


@operation("GET", "/contacts", "listContacts")
async def list_contacts(uow: UnitOfWork, query: ContactsQuery) -> ContactPage:
    """Look for contacts."""
    page = await contacts.list_contacts(uow, q=query.q, after=query.after or None, limit=query.limit)
    return ContactPage(items=[_contact(each) for each in page.items], next=page.next)


@operation("POST", "/contacts", "createContact", status=201)
async def create_contact(uow: UnitOfWork, body: ContactInput) -> ContactOut:
    """Add a contact; an organisation that is not there yet is created."""
    made = await contacts.create_contact(uow, body, uow.database.settings.region)
    return _contact(await contacts.get_contact(uow, made.id))


@operation("GET", "/contacts/{contact_id}", "getContact")
async def get_contact(uow: UnitOfWork, contact_id: Id) -> ContactOut:
    """One contact."""
    return _contact(await contacts.get_contact(uow, contact_id))


@operation("PUT", "/contacts/{contact_id}", "updateContact", errors=(Conflict,))
async def update_contact(uow: UnitOfWork, contact_id: Id, body: ContactChange) -> ContactOut:
    """Change a contact; 409 when somebody else changed it since it was read."""
    data = ContactInput.model_validate(body.model_dump(exclude={"version"}))
    await contacts.update_contact(uow, contact_id, data, body.version, uow.database.settings.region)
    return _contact(await contacts.get_contact(uow, contact_id))


@operation("GET", "/contacts/{contact_id}/timeline", "listTimeline")
async def list_timeline(uow: UnitOfWork, contact_id: Id, query: TimelineQuery) -> TimelinePage:
    """What happened with a contact, newest first."""
    found = await contacts.timeline(uow, contact_id, before=query.before, limit=query.limit)
    return TimelinePage(items=[_entry(each) for each in found])


@operation("POST", "/contacts/{contact_id}/notes", "addNote", status=201)
async def add_note(uow: UnitOfWork, contact_id: Id, body: TimelineNoteIn) -> TimelineOut:
    """Write a note on the timeline."""
    return _entry(await contacts.add_note(uow, contact_id, body.text))


@operation("GET", "/organisations", "listOrganisations")
async def list_organisations(uow: UnitOfWork, query: OrganisationsQuery) -> OrganisationList:
    """Look for organisations."""
    found = await contacts.list_organisations(uow, query.q, query.limit)
    return OrganisationList(items=[OrganisationOut(id=each.id, name=each.name) for each in found])


@operation("POST", "/organisations", "createOrganisation", errors=(Conflict,), status=201)
async def create_organisation(uow: UnitOfWork, body: OrganisationInput) -> OrganisationDetail:
    """Add an organisation."""
    made = await contacts.create_organisation(uow, body, uow.database.settings.region)
    return await _organisation(uow, made.id)


@operation("GET", "/organisations/{organisation_id}", "getOrganisation")
async def get_organisation(uow: UnitOfWork, organisation_id: Id) -> OrganisationDetail:
    """One organisation with its numbers."""
    return await _organisation(uow, organisation_id)


@operation("PUT", "/organisations/{organisation_id}", "updateOrganisation", errors=(Conflict,))
async def update_organisation(uow: UnitOfWork, organisation_id: Id, body: OrganisationInput) -> OrganisationDetail:
    """Change an organisation's name and numbers."""
    await contacts.update_organisation(uow, organisation_id, body, uow.database.settings.region)
    return await _organisation(uow, organisation_id)


async def _organisation(uow: UnitOfWork, organisation_id: int) -> OrganisationDetail:
    found = await contacts.get_organisation(uow, organisation_id)
    return OrganisationDetail(id=found.id, name=found.name, numbers=[_number(each) for each in found.numbers])


ROUTES = routes_of(__name__)
