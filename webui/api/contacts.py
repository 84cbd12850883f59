"""Contacts and organisations; their timeline: timeline.py."""

import datetime as dt
import json
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from callcenter.contacts import custom_values, queries
from callcenter.contacts import service as contacts
from callcenter.contacts.filters import ContactFilter
from callcenter.contacts.forms import CustomAnswer
from callcenter.contacts.models import Contact, Number
from callcenter.contacts.service import ContactInput
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from webui.openapi import operation, routes_of
from webui.validation import Id, In, Line, invalid, refuse_nul


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


class ContactRow(BaseModel):
    """A contact as a list shows it."""

    id: int
    name: str
    organisation_id: int | None
    organisation: str
    type: str
    position: str
    email: str
    numbers: list[NumberOut]


class ContactOut(BaseModel):
    """A contact. `version` goes back with a change. `custom`: fields of one's own that have an answer, by key.

    `avatar`: where its picture is, null without one.
    """

    id: int
    name: str
    first_name: str
    last_name: str
    organisation_id: int | None
    organisation: str
    type: str
    position: str
    stage: str
    source: str
    segment: str
    tags: list[str]
    email: str
    address1: str
    address2: str
    postcode: str
    city: str
    province: str
    country: str
    note: str
    numbers: list[NumberOut]
    custom: dict[str, CustomAnswer]
    avatar: str | None
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class ContactPage(BaseModel):
    """Contacts by name; `next` goes into `after` for the page that follows."""

    items: list[ContactRow]
    next: str | None


Some = Annotated[str, Field(max_length=600, pattern="^([0-9]{1,10}(,[0-9]{1,10})*)?$")]  # ids, a comma between two
_SEVERAL = ("position", "stage", "source", "segment", "tags", "managers", "country", "numbers")


class ContactsQuery(In):
    """Whom to look for. `q`: part of a name, an organisation, or any part of a number as typed; all else given must fit.

    Texts: each word begins one of the field's. `position`, `stage`, `source`, `segment`, `tags`: ids of words, `managers`: of
    users, any of which fits (`all_tags`: of tags all); `mine`: the user who manages the contact or its organisation; `numbers`:
    parts of numbers; `country`: codes; a comma between two. `custom`: JSON, a list of CustomFilter (see countContacts).
    """

    q: Line = ""
    first_name: Line = ""
    last_name: Line = ""
    address: Line = ""
    postcode: Line = ""
    city: Line = ""
    province: Line = ""
    country: Annotated[str, Field(max_length=200, pattern="^([A-Z]{2}(,[A-Z]{2})*)?$")] = ""
    email: Line = ""
    position: Some = ""
    stage: Some = ""
    source: Some = ""
    segment: Some = ""
    tags: Some = ""
    all_tags: bool = False
    numbers: Line = ""
    organisation: Line = ""
    organisation_id: Id | None = None
    managers: Some = ""
    mine: Id | None = None
    type: Literal["customer", "partner"] | None = None
    custom: Annotated[str, Field(max_length=4000, pattern="^[^\\x00]*$")] = ""
    after: Annotated[str, Field(max_length=2000, pattern="^[A-Za-z0-9_=-]*$")] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    def wanted(self) -> ContactFilter:
        """Return the filter this means; raises Invalid with the parameter at fault."""
        given = self.model_dump(exclude={"q", "after", "limit", "custom"})
        given |= {name: [each for each in given[name].split(",") if each.strip()] for name in _SEVERAL}
        if self.custom:
            try:
                given["custom"] = json.loads(self.custom)
            except ValueError as error:
                raise Invalid("This is not JSON.", field="custom") from error
            refuse_nul(given["custom"], "custom")
        try:
            return ContactFilter.model_validate(given)
        except ValidationError as error:
            raise invalid(error) from error


class CountIn(ContactFilter):
    """Which contacts to count: as the list is asked for."""

    q: Line = ""


class CountOut(BaseModel):
    """How many fit; `more`: more than `number`, which is then 10,000."""

    number: int
    more: bool


class ContactChange(ContactInput):
    """A contact as it shall be; `version` is the one it was read at."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


def number_out(number: Number) -> NumberOut:
    """Return a number as the API tells it."""
    fields = {name: getattr(number, name) for name in ("id", "type", "e164", "shown", "takes_texts")}
    return NumberOut(number=number.raw, **fields)


_RELATED = ("organisation", "position", "stage", "source", "segment")


def row_out(contact: Contact) -> ContactRow:
    """Return a contact as a list of the API tells it; numbers, organisation and position are loaded."""
    plain = {name: getattr(contact, name) for name in ContactRow.model_fields if name not in (*_RELATED, "numbers")}
    related = {name: _named(contact, name) for name in ("organisation", "position")}
    return ContactRow(**plain, **related, numbers=[number_out(each) for each in contact.numbers])


async def contact_out(uow: UnitOfWork, contact_id: int) -> ContactOut:
    """Return a contact as the API shows it; raises NotFound for one the actor may not see."""
    contact = await contacts.get_contact(uow, contact_id)
    made_here = (*_RELATED, "numbers", "tags", "custom", "avatar")
    plain = {name: getattr(contact, name) for name in ContactOut.model_fields if name not in made_here}
    related = {name: _named(contact, name) for name in _RELATED}
    return ContactOut(
        **plain,
        **related,
        tags=[each.name for each in contact.tags],
        numbers=[number_out(each) for each in contact.numbers],
        custom=custom_values.answers(contact, await custom_values.declared(uow)),
        avatar=f"/api/v1/contacts/{contact.id}/avatar?v={contact.avatar_id}" if contact.avatar_id else None,
    )


def _named(contact: Contact, what: str) -> str:
    found = getattr(contact, what)
    return found.name if found else ""


@operation("GET", "/contacts", "listContacts")
async def list_contacts(uow: UnitOfWork, query: ContactsQuery) -> ContactPage:
    """Look for contacts."""
    page = await contacts.list_contacts(uow, q=query.q, wanted=query.wanted(), after=query.after or None, limit=query.limit)
    return ContactPage(items=[row_out(each) for each in page.items], next=page.next)


@operation("POST", "/contacts/count", "countContacts")
async def count_contacts(uow: UnitOfWork, body: CountIn) -> CountOut:
    """Say how many contacts fit, exactly up to 10,000."""
    wanted = ContactFilter.model_validate(body.model_dump(exclude={"q"}))
    found = await queries.count_contacts(uow, q=body.q, wanted=wanted)
    return CountOut(number=found.number, more=found.more)


@operation("POST", "/contacts", "createContact", status=201)
async def create_contact(uow: UnitOfWork, body: ContactInput) -> ContactOut:
    """Add a contact; an organisation that is not there yet is created."""
    made = await contacts.create_contact(uow, body, uow.database.settings.region)
    return await contact_out(uow, made.id)


@operation("GET", "/contacts/{contact_id}", "getContact")
async def get_contact(uow: UnitOfWork, contact_id: Id) -> ContactOut:
    """One contact."""
    return await contact_out(uow, contact_id)


@operation("PUT", "/contacts/{contact_id}", "updateContact", errors=(Conflict,))
async def update_contact(uow: UnitOfWork, contact_id: Id, body: ContactChange) -> ContactOut:
    """Change a contact; 409 when somebody else changed it since it was read: `differs` has both values of each field."""
    data = ContactInput.model_validate(body.model_dump(exclude={"version"}))
    await contacts.update_contact(uow, contact_id, data, body.version, uow.database.settings.region)
    return await contact_out(uow, contact_id)


ROUTES = routes_of(__name__)
