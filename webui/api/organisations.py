"""Organisations: their fields and contacts; moving contacts, merging, deleting; their timeline: timeline.py."""

import base64
import binascii
import datetime as dt
import json
from typing import Annotated

from pydantic import BaseModel, Field

from callcenter.contacts import leaving, moving, organisation_lists, organisations
from callcenter.contacts.forms import AccountType, OrganisationInput
from callcenter.contacts.models import Contact, Organisation
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from webui.api.contacts import NumberOut, number_out
from webui.openapi import operation, routes_of
from webui.validation import LARGEST_ID, Id, In, Line

After = Annotated[str, Field(max_length=2000, pattern="^[A-Za-z0-9_=-]*$")]
Version = Annotated[int, Field(ge=1, le=LARGEST_ID)]


class OrganisationOut(BaseModel):
    """A company as a list shows it."""

    id: int
    name: str
    type: str
    city: str
    numbers: list[NumberOut]


class OrganisationDetail(OrganisationOut):
    """A company. `version` goes back with a change; one with `leaving_at` is being deleted or merged."""

    email: str
    website: str
    address1: str
    address2: str
    postcode: str
    province: str
    country: str
    note: str
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime | None
    leaving_at: dt.datetime | None


class OrganisationPageOut(BaseModel):
    """Companies by name; `next` goes into `after` for the page that follows."""

    items: list[OrganisationOut]
    next: str | None


class OrganisationsQuery(In):
    """Beginnings of words of the name, the city or the e-mail, and any part of a number."""

    q: Line = ""
    type: AccountType | None = None
    after: After | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 20


class OrganisationChange(OrganisationInput):
    """An organisation as it shall be; `version` is the one it was read at."""

    version: Version


class OrganisationGone(In):
    """What is deleted: `version` as it was read; `timeline`: its own entries may go with it."""

    version: Version
    timeline: bool = False


class MergeIn(OrganisationChange):
    """Two that become one: how the one that stays shall be, the other and the version that was read at."""

    other_id: Id
    other_version: Version


class MembersQuery(In):
    """Which page of an organisation's contacts."""

    after: After | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class OrganisationMemberOut(BaseModel):
    """A contact of an organisation."""

    id: int
    name: str
    position: str
    email: str
    numbers: list[NumberOut]


class OrganisationMemberPage(BaseModel):
    """Contacts of an organisation by name; `next` goes into `after` for the page that follows."""

    items: list[OrganisationMemberOut]
    next: str | None


class MoveIn(In):
    """Contacts that shall move; null: out of any organisation."""

    contact_ids: Annotated[list[Id], Field(min_length=1, max_length=moving.MOST_AT_ONCE)]
    organisation_id: Id | None


class MovedOut(BaseModel):
    """Ids of contacts that moved, were there already, may not be changed (or are not there), or would be left without a name."""

    moved: list[int]
    there: list[int]
    refused: list[int]
    nameless: list[int]


@operation("GET", "/organisations", "listOrganisations")
async def list_organisations(uow: UnitOfWork, query: OrganisationsQuery) -> OrganisationPageOut:
    """Look for organisations."""
    page = await organisation_lists.page(uow, q=query.q, type_=query.type, after=query.after or None, limit=query.limit)
    return OrganisationPageOut(items=[_row(each) for each in page.items], next=page.next)


@operation("POST", "/organisations", "createOrganisation", errors=(Conflict,), status=201)
async def create_organisation(uow: UnitOfWork, body: OrganisationInput) -> OrganisationDetail:
    """Add an organisation."""
    made = await organisations.create_organisation(uow, body, uow.database.settings.region)
    return await _detail(uow, made.id)


@operation("GET", "/organisations/{organisation_id}", "getOrganisation")
async def get_organisation(uow: UnitOfWork, organisation_id: Id) -> OrganisationDetail:
    """One organisation with its numbers."""
    return await _detail(uow, organisation_id)


@operation("PUT", "/organisations/{organisation_id}", "updateOrganisation", errors=(Conflict,))
async def update_organisation(uow: UnitOfWork, organisation_id: Id, body: OrganisationChange) -> OrganisationDetail:
    """Change an organisation; its contacts follow its type. 409 when somebody else changed it since it was read."""
    data = OrganisationInput.model_validate(body.model_dump(exclude={"version"}))
    await organisations.update_organisation(uow, organisation_id, data, body.version, uow.database.settings.region)
    return await _detail(uow, organisation_id)


@operation("DELETE", "/organisations/{organisation_id}", "deleteOrganisation", errors=(Conflict,))
async def delete_organisation(uow: UnitOfWork, organisation_id: Id, query: OrganisationGone) -> None:
    """Delete an organisation; its contacts stay. 409 while it has a timeline of its own, unless that may go."""
    await leaving.delete_organisation(uow, organisation_id, query.version, entries_too=query.timeline)


@operation("POST", "/organisations/{organisation_id}/merge", "mergeOrganisation", errors=(Conflict,))
async def merge_organisation(uow: UnitOfWork, organisation_id: Id, body: MergeIn) -> OrganisationDetail:
    """Merge another organisation into this one, which takes its contacts, numbers, timeline and managers."""
    data = OrganisationInput.model_validate(body.model_dump(exclude={"version", "other_id", "other_version"}))
    versions = (body.version, body.other_version)
    await leaving.merge(uow, organisation_id, body.other_id, data, versions, uow.database.settings.region)
    return await _detail(uow, organisation_id)


@operation("GET", "/organisations/{organisation_id}/contacts", "listOrganisationContacts")
async def list_members(uow: UnitOfWork, organisation_id: Id, query: MembersQuery) -> OrganisationMemberPage:
    """An organisation's contacts by name."""
    await organisations.get_organisation(uow, organisation_id)
    place = decode(query.after) if query.after else None
    found = await organisations.members(uow, organisation_id, after=place, limit=query.limit + 1)
    shown = found[: query.limit]
    following = encode(shown[-1]) if len(found) > query.limit else None
    return OrganisationMemberPage(items=[_member(each) for each in shown], next=following)


@operation("POST", "/contacts/move", "moveContacts", errors=(Conflict,))
async def move_contacts(uow: UnitOfWork, body: MoveIn) -> MovedOut:
    """Move contacts with their history to an organisation, or out of theirs."""
    moved = await moving.move_contacts(uow, body.contact_ids, body.organisation_id)
    return MovedOut.model_validate(moved, from_attributes=True)


def encode(last: Contact) -> str:
    """Return the place of a contact in its organisation's list, to go on from."""
    return base64.urlsafe_b64encode(json.dumps([last.sort_name, last.id]).encode()).decode().rstrip("=")


def decode(after: str) -> tuple[str, int]:
    """Return a place as `encode` wrote it; raises Invalid."""
    try:
        name, contact_id = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid("This is not a place in the list.", field="after") from error
    if not isinstance(name, str) or not isinstance(contact_id, int) or abs(contact_id) > LARGEST_ID:
        raise Invalid("This is not a place in the list.", field="after")
    return name, contact_id


def _row(organisation: Organisation) -> OrganisationOut:
    plain = {name: getattr(organisation, name) for name in ("id", "name", "type", "city")}
    return OrganisationOut(**plain, numbers=[number_out(each) for each in organisation.numbers])


def _member(contact: Contact) -> OrganisationMemberOut:
    position = contact.position.name if contact.position else ""
    numbers = [number_out(each) for each in contact.numbers]
    return OrganisationMemberOut(id=contact.id, name=contact.name, position=position, email=contact.email, numbers=numbers)


async def _detail(uow: UnitOfWork, organisation_id: int) -> OrganisationDetail:
    found = await organisations.get_organisation(uow, organisation_id)
    plain = {name: getattr(found, name) for name in OrganisationDetail.model_fields if name != "numbers"}
    return OrganisationDetail(**plain, numbers=[number_out(each) for each in found.numbers])


ROUTES = routes_of(__name__)
