"""Tickets: find, make, change, move from state to state, comment, and assign to contacts (S2, S18-S21)."""

import datetime as dt
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from starlette.requests import Request

from callcenter.actor import Actor, Role
from callcenter.calls import ticketing
from callcenter.db import UnitOfWork
from callcenter.errors import BadValue, Conflict
from callcenter.tickets import bulk, comments
from callcenter.tickets import service as tickets
from callcenter.tickets.forms import (
    DueName,
    PriorityName,
    SortName,
    TicketAccountChange,
    TicketBulkReport,
    TicketChange,
    TicketCommentOut,
    TicketFilter,
    TicketInput,
    TicketOut,
    TicketPage,
    TicketStateChange,
    TicketWhole,
)
from webui.openapi import operation, routes_of
from webui.validation import Id, In

_PRIORITIES = get_args(PriorityName)


def _ids(value: str) -> str:
    parts = [each for each in value.split(",") if each]
    if len(parts) > 50 or not all(0 < int(each[:20]) < 2**31 for each in parts):
        raise BadValue("These are not ids.")
    return value


def _priorities(value: str) -> str:
    for each in value.split(","):
        if each and each not in _PRIORITIES:
            raise BadValue("This is none of the possible values: {expected}.", expected=", ".join(_PRIORITIES))
    return value


IdList = Annotated[str, Field(max_length=500, pattern="^[0-9,]*$"), AfterValidator(_ids)]
Many = Annotated[list[Id], Field(min_length=1, max_length=bulk.MOST)]
CommentText = Annotated[str, Field(max_length=20_000)]


class TicketsQuery(In):
    """Which tickets: everything given must fit. Lists have commas between. Days are those of your time zone.

    `q`: beginnings of words of the title, or an id (#1042). `due`: overdue (and open), today, week (seven days), none.
    """

    q: Annotated[str, Field(max_length=100, pattern="^[^\\x00]*$")] = ""
    kind_id: IdList = ""
    state_id: IdList = ""
    open: bool | None = None
    assignee_id: Id | None = None
    mine: bool = False
    unassigned: bool = False
    contact_id: Id | None = None
    organisation_id: Id | None = None
    without_contact: bool = False
    due: DueName | None = None
    priority: Annotated[str, Field(max_length=100, pattern="^[a-z,]*$"), AfterValidator(_priorities)] = ""
    created_from: dt.date | None = None
    created_to: dt.date | None = None
    sort: SortName = "due"
    after: Annotated[str, Field(max_length=100, pattern="^[A-Za-z0-9_=-]*$")] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50

    @property
    def filter(self) -> TicketFilter:
        """The same as the services take it."""
        given: dict[str, Any] = self.model_dump()
        for name in ("kind_id", "state_id", "priority"):
            given[name] = list(dict.fromkeys(each for each in given[name].split(",") if each))
        given["after"] = self.after or None
        return TicketFilter.model_validate(given)


class TicketManyStatesIn(In):
    """Which tickets, and the state they are put into."""

    ids: Many
    state_id: Id


class TicketManyAssigneesIn(In):
    """Which tickets, and whose they become; null: nobody's."""

    ids: Many
    assignee_id: Id | None


class TicketManyDueIn(In):
    """Which tickets, and when they are due; null: at no time."""

    ids: Many
    due_at: AwareDatetime | None


class TicketCommentIn(In):
    """What is said."""

    text: CommentText


class TicketList(BaseModel):
    """Tickets."""

    items: list[TicketOut]


@operation("GET", "/tickets", "listTickets")
async def list_tickets(uow: UnitOfWork, query: TicketsQuery) -> TicketPage:
    """Tickets by due time, or newest first by when they were made or changed: those of contacts you may see, and nobody's."""
    return await tickets.list_tickets(uow, query.filter)


@operation("POST", "/tickets", "createTicket", errors=(Conflict,), status=201)
async def create_ticket(uow: UnitOfWork, body: TicketInput) -> TicketOut:
    """Make a ticket; it begins in its kind's first state. One that names a call is its contact's, unless it says otherwise."""
    return await ticketing.create(uow, body)


@operation("POST", "/tickets/state", "setStateOfTickets")
async def set_state_of_tickets(request: Request, actor: Actor, body: TicketManyStatesIn) -> TicketBulkReport:
    """Put tickets into a state: those that can be, and say of each other one why not."""
    return await bulk.set_state(request.app.state.database, actor, body.ids, body.state_id)


@operation("POST", "/tickets/assignee", "setAssigneeOfTickets")
async def set_assignee_of_tickets(request: Request, actor: Actor, body: TicketManyAssigneesIn) -> TicketBulkReport:
    """Give tickets to a person, or to nobody, and say of each that stays as it was why."""
    return await bulk.assign(request.app.state.database, actor, body.ids, body.assignee_id)


@operation("POST", "/tickets/due", "setDueOfTickets")
async def set_due_of_tickets(request: Request, actor: Actor, body: TicketManyDueIn) -> TicketBulkReport:
    """Let tickets be due at a time, or at none."""
    return await bulk.set_due(request.app.state.database, actor, body.ids, body.due_at)


@operation("GET", "/tickets/{ticket_id}", "getTicket")
async def get_ticket(uow: UnitOfWork, ticket_id: Id) -> TicketWhole:
    """One ticket with comments, attachments, history and the states that may follow."""
    return await tickets.get(uow, ticket_id)


@operation("PUT", "/tickets/{ticket_id}", "updateTicket", errors=(Conflict,))
async def update_ticket(uow: UnitOfWork, ticket_id: Id, body: TicketChange) -> TicketOut:
    """Change a ticket upon the version that was read; 409 when somebody changed the same meanwhile."""
    return await tickets.update(uow, ticket_id, body)


@operation("DELETE", "/tickets/{ticket_id}", "deleteTicket", role=Role.SUPERVISOR)
async def delete_ticket(uow: UnitOfWork, ticket_id: Id) -> None:
    """Delete a ticket with its comments and attachments. Timelines keep that it was there."""
    await tickets.remove(uow, ticket_id)


@operation("PUT", "/tickets/{ticket_id}/state", "setTicketState", errors=(Conflict,))
async def set_ticket_state(uow: UnitOfWork, ticket_id: Id, body: TicketStateChange) -> TicketOut:
    """Put a ticket into a state that may follow; 409 when it may not, or is no longer in `from_id`."""
    return await tickets.set_state(uow, ticket_id, body)


@operation("PUT", "/tickets/{ticket_id}/contact", "assignTicket", errors=(Conflict,))
async def assign_ticket(uow: UnitOfWork, ticket_id: Id, body: TicketAccountChange) -> TicketOut:
    """Let a ticket be a contact's or an organisation's, nobody's when both are null; `move`: also when it is another's now."""
    return await tickets.set_account(uow, ticket_id, body)


@operation("POST", "/tickets/{ticket_id}/comments", "addTicketComment", status=201)
async def add_ticket_comment(uow: UnitOfWork, ticket_id: Id, body: TicketCommentIn) -> TicketCommentOut:
    """Say something about a ticket."""
    return await comments.add(uow, ticket_id, body.text)


@operation("PUT", "/tickets/{ticket_id}/comments/{comment_id}", "correctTicketComment")
async def correct_ticket_comment(uow: UnitOfWork, ticket_id: Id, comment_id: Id, body: TicketCommentIn) -> TicketCommentOut:
    """Put your own comment right; what it said before is kept."""
    return await comments.correct(uow, ticket_id, comment_id, body.text)


@operation("GET", "/contacts/{contact_id}/tickets", "listTicketsOfContact")
async def list_tickets_of_contact(uow: UnitOfWork, contact_id: Id) -> TicketList:
    """A contact's tickets (at most 50), open ones first, the newest first."""
    return TicketList(items=await tickets.of_contact(uow, contact_id))


@operation("GET", "/organisations/{organisation_id}/tickets", "listTicketsOfOrganisation")
async def list_tickets_of_organisation(uow: UnitOfWork, organisation_id: Id) -> TicketList:
    """The tickets of an organisation and its contacts (at most 50), open ones first, the newest first."""
    return TicketList(items=await tickets.of_organisation(uow, organisation_id))


ROUTES = routes_of(__name__)
