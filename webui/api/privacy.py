"""Personal data: consents and objections, everything known of a person, erasure, how long things are kept."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from callcenter.actor import Role
from callcenter.contacts import consents, suppressions
from callcenter.contacts.consents import ConsentInput
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.privacy import service as privacy
from callcenter.projects import service as projects
from webui.openapi import operation, routes_of
from webui.validation import Id, In

Number = Annotated[str, Field(min_length=1, max_length=40, pattern="^[^\\x00]*$")]


class ConsentOut(BaseModel):
    """What a customer said, as it was recorded. `stands`: nothing they said later replaces it."""

    id: int
    channel: str
    purpose: str
    means: str
    given: bool
    at: dt.datetime
    source: str
    wording: str
    user_id: int | None
    recorded_at: dt.datetime
    stands: bool


class ConsentList(BaseModel):
    """All a customer said, newest first; `objections`: the channels they do not want at all."""

    items: list[ConsentOut]
    objections: list[str]


class PersonalData(BaseModel):
    """Everything known of a person: rows by table, and where they came from."""

    made_at: dt.datetime
    contact_id: int
    came_from: dict[str, Any]
    data: dict[str, list[dict[str, Any]]]


class RetentionIn(In):
    """Months a kind of data is kept; null: for ever."""

    kind: Literal["contacts", "timeline", "calls", "texts", "leads"]
    months: Annotated[int, Field(ge=1, le=600)] | None


class RetentionOut(BaseModel):
    """For how many months each kind is kept; null: for ever."""

    contacts: int | None
    timeline: int | None
    calls: int | None
    texts: int | None


class ListedQuery(In):
    """A telephone number; `project_id`: on that project's list, null: on everybody's."""

    number: Number
    project_id: Id | None = None


class ListedIn(In):
    """A number that shall (not) be on the do-not-call list: of a project, or everybody's when project_id is null."""

    number: Number
    listed: bool
    project_id: Id | None = None


class ListedOut(BaseModel):
    """Whether a number is on the do-not-call list."""

    listed: bool


@operation("GET", "/contacts/{contact_id}/consents", "listConsents")
async def list_consents(uow: UnitOfWork, contact_id: Id) -> ConsentList:
    """What the customer agreed and objected to."""
    return await _consents(uow, contact_id)


async def _consents(uow: UnitOfWork, contact_id: int) -> ConsentList:
    said = await consents.history(uow, contact_id)
    stands = {each.id for each in consents.standing(said).values()}
    names = [name for name in ConsentOut.model_fields if name != "stands"]
    items = [ConsentOut(**{name: getattr(each, name) for name in names}, stands=each.id in stands) for each in said]
    return ConsentList(items=items, objections=sorted(consents.objections(said)))


@operation("POST", "/contacts/{contact_id}/consents", "recordConsent", status=201)
async def record_consent(uow: UnitOfWork, contact_id: Id, body: ConsentInput) -> ConsentList:
    """Write down what the customer said; nothing said before is changed."""
    await consents.record(uow, contact_id, body)
    return await _consents(uow, contact_id)


@operation("POST", "/contacts/{contact_id}/personal-data", "exportPersonalData", role=Role.SUPERVISOR)
async def export_personal_data(uow: UnitOfWork, contact_id: Id) -> PersonalData:
    """Everything known of the person. It is written to the audit trail, therefore no GET."""
    return PersonalData.model_validate(await privacy.export(uow, contact_id))


@operation("DELETE", "/contacts/{contact_id}/personal-data", "erasePersonalData", role=Role.SUPERVISOR, errors=(Conflict,))
async def erase_personal_data(uow: UnitOfWork, contact_id: Id) -> None:
    """Erase the person for good; calls go on counting, without number and name."""
    await privacy.erase(uow, contact_id)


@operation("GET", "/privacy/retention", "getRetention", role=Role.ADMINISTRATOR)
async def get_retention(uow: UnitOfWork) -> RetentionOut:
    """How long things are kept."""
    return RetentionOut.model_validate(await privacy.rules(uow))


@operation("PUT", "/privacy/retention", "setRetention", role=Role.ADMINISTRATOR)
async def set_retention(uow: UnitOfWork, body: RetentionIn) -> RetentionOut:
    """Say how long a kind of data is kept."""
    await privacy.set_rule(uow, body.kind, body.months)
    return RetentionOut.model_validate(await privacy.rules(uow))


@operation("GET", "/privacy/do-not-call", "isListed", role=Role.SUPERVISOR, errors=(Invalid,))
async def is_listed(uow: UnitOfWork, query: ListedQuery) -> ListedOut:
    """Whether a number is on the do-not-call list; the list itself holds no numbers that could be read."""
    region = uow.database.settings.region
    return ListedOut(listed=await suppressions.is_listed(uow, query.number, region, project_id=query.project_id))


@operation("PUT", "/privacy/do-not-call", "setListed", role=Role.SUPERVISOR, errors=(NotFound,))
async def set_listed(uow: UnitOfWork, body: ListedIn) -> ListedOut:
    """Put a number on the do-not-call list, or take it off."""
    if body.project_id is not None:
        await projects.get_project(uow, body.project_id)
    region = uow.database.settings.region
    await suppressions.do_not_call(uow, body.number, region, listed=body.listed, project_id=body.project_id)
    return ListedOut(listed=body.listed)


ROUTES = routes_of(__name__)
