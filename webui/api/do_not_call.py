"""Do-not-call lists read from files: upload, and how far they are. One number: api/privacy.py; during a call: api/calls.py."""

import datetime as dt

from pydantic import BaseModel
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.contacts import number_lists as lists
from callcenter.contacts.consent_models import NumberList
from callcenter.db import UnitOfWork
from webui import imports as background
from webui import number_lists
from webui.i18n import say
from webui.openapi import operation, routes_of
from webui.validation import Id


class NumberListOut(BaseModel):
    """A file on its way onto a do-not-call list, everybody's when project_id is null. `state`: reading, done, failed, stopped
    (nobody reads on: send it again). Of `total` lines `seen` were read.
    """

    id: int
    project_id: int | None
    user_id: int | None
    file_name: str
    state: str
    total: int
    seen: int
    added: int
    known: int
    invalid: int
    first_invalid: list[str]
    error: str
    created_at: dt.datetime


class NumberListList(BaseModel):
    """Files, newest first."""

    items: list[NumberListOut]


def _show(found: NumberList, now: dt.datetime) -> NumberListOut:
    shown = NumberListOut.model_validate(found, from_attributes=True)
    return shown.model_copy(update={"error": say(found.error, found.error_values), "state": lists.state(found, now)})


@operation("GET", "/do-not-call/lists", "listNumberLists", role=Role.SUPERVISOR)
async def list_number_lists(uow: UnitOfWork) -> NumberListList:
    """The latest files of numbers not to be called."""
    return NumberListList(items=[_show(each, uow.now) for each in await lists.list_lists(uow)])


@operation("POST", "/do-not-call/lists", "createNumberList", role=Role.SUPERVISOR, upload=True, dry_run=False, status=202)
async def create_number_list(request: Request, actor: Actor) -> NumberListOut:
    """Upload a text or CSV file of numbers, one on each line; a form field `project_id` names the project's list.

    It is read in the background: follow it with getNumberList. The same file may be sent again.
    """
    made = await number_lists.upload(request, actor, await background.received(request))
    return _show(made, made.touched_at)


@operation("GET", "/do-not-call/lists/{list_id}", "getNumberList", role=Role.SUPERVISOR)
async def get_number_list(uow: UnitOfWork, list_id: Id) -> NumberListOut:
    """How far a file is."""
    return _show(await lists.get_list(uow, list_id), uow.now)


ROUTES = routes_of(__name__)
