"""Doing something to many contacts at once: tags, a stage, managers, phone meetings, deleting. Moving them: organisations.py."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import Request

from callcenter.actor import Actor
from callcenter.contacts import bulk, queries
from callcenter.contacts.bulk_models import ContactBulk
from callcenter.contacts.filters import ContactFilter
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from webui import contact_bulks, i18n
from webui.api.contacts import CountIn
from webui.openapi import operation, routes_of
from webui.validation import Id, In

Many = Annotated[list[Id], Field(min_length=1, max_length=1000)]


class ManyMeetings(In):
    """A phone meeting with each of them: the project that serves it, how, who (null: whoever is free) and from when to when."""

    project_id: Id
    from_at: AwareDatetime
    to_at: AwareDatetime | None = None
    mode: Literal["manual", "automatic"] | None = None
    user_id: Id | None = None
    information: Annotated[str, Field(max_length=10_000, pattern="^[^\\x00]*$")] = ""


class ContactBulkIn(In):
    """What is to be done, and to whom: `ids`, or all that fit `filter` (as countContacts takes it).

    `id`: the tag, the stage (null: none) or the user; `meeting`: for meetings. Deleting all that fit wants their `number`, as it
    was counted: when another number fits by then, nothing is deleted.
    """

    action: Literal["tag", "untag", "stage", "add_manager", "remove_manager", "set_manager", "meetings", "delete"]
    ids: Many | None = None
    filter: CountIn | None = None
    id: Id | None = None
    meeting: ManyMeetings | None = None
    number: Annotated[int, Field(ge=0, le=bulk.MOST)] | None = None


class ContactBulkRefusal(BaseModel):
    """Whom it could not be done to, and why."""

    contact_id: int
    name: str
    why: str


class ContactBulkOut(BaseModel):
    """How far it is. `state`: running, done, failed. `refusals`: the first 200 of those `refused`."""

    id: int
    action: str
    state: str
    total: int
    done: int
    refused: int
    error: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    refusals: list[ContactBulkRefusal]


async def _out(uow: UnitOfWork, bulk_id: int) -> ContactBulkOut:
    found: ContactBulk = await bulk.get(uow, bulk_id)
    rows = await bulk.refusals(uow, bulk_id) if found.refused else []
    said = [
        ContactBulkRefusal(contact_id=each.contact_id, name=each.name, why=i18n.say(each.sentence, each.values)) for each in rows
    ]
    plain = {name: getattr(found, name) for name in ContactBulkOut.model_fields if name not in ("error", "refusals")}
    return ContactBulkOut(**plain, error=i18n.say(found.error, found.error_values), refusals=said)


def _value(body: ContactBulkIn) -> dict[str, Any]:
    if body.action == "delete":
        return {}
    if body.action == "meetings":
        if body.meeting is None:
            raise Invalid("Choose a day and a time.", field="meeting")
        return body.meeting.model_dump(mode="json")
    return {"id": body.id}


@operation("POST", "/contacts/bulk", "changeManyContacts", status=201, errors=(Conflict,))
async def change_many_contacts(request: Request, actor: Actor, body: ContactBulkIn) -> ContactBulkOut:
    """Do something to many contacts; to fifty at once, to more in the background: follow it with getContactBulk."""
    if (body.ids is None) == (body.filter is None):
        raise Invalid("Choose at least one contact.", field="ids")
    database, value = request.app.state.database, _value(body)
    q = body.filter.q if body.filter else ""
    wanted = ContactFilter.model_validate(body.filter.model_dump(exclude={"q"})) if body.filter else None
    async with database.unit_of_work(actor) as uow:
        if body.action == "delete" and body.filter:
            fitting = len(await queries.matching(uow, q=q, wanted=wanted))
            if fitting != body.number:
                sentence = "There are {number} contacts that fit now. Look at them again before you delete them."
                raise Conflict(sentence, number=fitting)
        made = await bulk.start(uow, contact_bulks.ACTS, body.action, value, q=q, wanted=wanted, ids=body.ids)
    if made.state == "running":
        contact_bulks.start(request.app, actor, made.id)
    async with database.reading(actor) as uow:
        return await _out(uow, made.id)


@operation("GET", "/contacts/bulk/{bulk_id}", "getContactBulk")
async def get_contact_bulk(uow: UnitOfWork, bulk_id: Id) -> ContactBulkOut:
    """How far it is, and whom it could not be done to; one's own, any for supervisors."""
    return await _out(uow, bulk_id)


ROUTES = routes_of(__name__)
