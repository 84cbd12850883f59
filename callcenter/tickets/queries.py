"""Reading tickets: one with all of it, pages of those that fit a filter, what is due, and what the search box asks."""

import base64
import binascii
import datetime as dt
import json
import zoneinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, or_, select, tuple_

from callcenter.actor import Role
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork, UtcDateTime
from callcenter.errors import Invalid
from callcenter.tickets import rows, terms, views
from callcenter.tickets.forms import TicketFilter, TicketOut, TicketPage, TicketWhole
from callcenter.tickets.models import Priority, Ticket, TicketTerm
from callcenter.tickets.visibility import may_see_ticket

_LAST = "\U0010ffff"  # sorts after every text, in SQLite's order and in PostgreSQL's C
_WEEK = 7  # days, today the first
_MIDDLE = 5000  # a year in the middle of the calendar
_KEYS = {"due": Ticket.sort_at, "created": Ticket.created_at, "updated": Ticket.updated_at}
Conditions = list[ColumnElement[bool]]


async def get(uow: UnitOfWork, ticket_id: int) -> TicketWhole:
    """Return a ticket the actor may see with all of it; raises NotFound."""
    ticket = await rows.seen(uow, ticket_id)
    found = (await views.shown(uow, [ticket.id]))[0]
    return TicketWhole(
        **dict(found),
        comments=await views.comments(uow, ticket_id),
        files=await views.files(uow, ticket_id),
        history=await views.history(uow, ticket_id),
        next_states=await views.next_states(uow, ticket),
    )


async def list_tickets(uow: UnitOfWork, wanted: TicketFilter) -> TicketPage:
    """Return a page of the tickets the actor may see that fit everything given, by due time (the first first), or by when they
    were made or changed (the last first).
    """
    uow.actor.require(Role.CONSULTANT)
    key, last_first = _KEYS[wanted.sort], wanted.sort != "due"
    query = select(Ticket.id, key).where(may_see_ticket(uow.actor), *_conditions(uow, wanted))
    if wanted.after is not None:
        at, ticket_id = _decode(wanted.after, wanted.sort)
        here, place = tuple_(key, Ticket.id), tuple_(literal(at, UtcDateTime()), literal(ticket_id))
        query = query.where(here < place if last_first else here > place)
    order = (key.desc(), Ticket.id.desc()) if last_first else (key, Ticket.id)
    found = (await uow.session.execute(query.order_by(*order).limit(wanted.limit + 1))).all()
    items = await views.shown(uow, [ticket_id for ticket_id, _ in found[: wanted.limit]])
    following = None
    if len(found) > wanted.limit:
        ticket_id, at = found[wanted.limit - 1]
        following = _encode(wanted.sort, at, ticket_id)
    return TicketPage(items=items, next=following)


async def search(uow: UnitOfWork, q: str, limit: int = 8) -> list[TicketOut]:
    """Return tickets for what is typed: the one of that id first, then those with words that begin so, the newest first."""
    uow.actor.require(Role.CONSULTANT)
    number, ids = terms.number(q), list[int]()
    mine = may_see_ticket(uow.actor)
    if number is not None:
        ids = list(await uow.session.scalars(select(Ticket.id).where(mine, Ticket.id == number)))
    words = [] if q.strip().startswith("#") else _words(q)
    if words and len(ids) < limit:
        query = select(Ticket.id).where(mine, *words, Ticket.id.not_in(ids)).order_by(Ticket.id.desc())
        ids += await uow.session.scalars(query.limit(limit - len(ids)))
    return await views.shown(uow, ids)


async def of_contact(uow: UnitOfWork, contact_id: int, limit: int = 50) -> list[TicketOut]:
    """Return a contact's tickets, open ones first, the newest first."""
    return await _of(uow, Ticket.contact_id == contact_id, limit)


async def of_organisation(uow: UnitOfWork, organisation_id: int, limit: int = 50) -> list[TicketOut]:
    """Return the tickets of an organisation and of its contacts that the actor may see, open ones first, the newest first."""
    return await _of(uow, _of_firm(organisation_id), limit)


async def my_due(uow: UnitOfWork, until: dt.datetime, limit: int = 8) -> list[TicketOut]:
    """Return the actor's open tickets that are due before a time, the first first."""
    query = select(Ticket.id).where(
        may_see_ticket(uow.actor), Ticket.assignee_id == uow.actor.id, Ticket.ended_at.is_(None), Ticket.sort_at < until
    )
    return await views.shown(uow, list(await uow.session.scalars(query.order_by(Ticket.sort_at, Ticket.id).limit(limit))))


async def _of(uow: UnitOfWork, whose: ColumnElement[bool], limit: int) -> list[TicketOut]:
    uow.actor.require(Role.CONSULTANT)
    query: Select[int] = select(Ticket.id).where(may_see_ticket(uow.actor), whose)
    query = query.order_by(Ticket.ended_at.is_not(None), Ticket.id.desc()).limit(limit)
    return await views.shown(uow, list(await uow.session.scalars(query)))


def _of_firm(organisation_id: int) -> ColumnElement[bool]:
    members = select(Contact.id).where(Contact.organisation_id == organisation_id)
    return or_(Ticket.organisation_id == organisation_id, Ticket.contact_id.in_(members))


def _conditions(uow: UnitOfWork, wanted: TicketFilter) -> Conditions:
    """Return what everything given asks for."""
    found: Conditions = [*_typed(wanted.q), *_whose(uow, wanted), *_times(uow, wanted)]
    if wanted.kind_id:
        found.append(Ticket.kind_id.in_(sorted(set(wanted.kind_id))))
    if wanted.state_id:
        found.append(Ticket.state_id.in_(sorted(set(wanted.state_id))))
    if wanted.open is not None:
        found.append(Ticket.ended_at.is_(None) if wanted.open else Ticket.ended_at.is_not(None))
    if wanted.priority:
        found.append(Ticket.priority.in_(sorted(Priority[each.upper()].value for each in set(wanted.priority))))
    return found


def _typed(q: str) -> Conditions:
    if not q.strip():
        return []
    if q.strip().startswith("#"):
        return [Ticket.id == (terms.number(q) or 0)]
    return _words(q) or [Ticket.id == 0]  # nothing but signs finds nothing


def _words(q: str) -> Conditions:
    return [
        Ticket.id.in_(select(TicketTerm.ticket_id).where(TicketTerm.term >= start, TicketTerm.term < start + _LAST))
        for start in terms.wanted(q)
    ]


def _whose(uow: UnitOfWork, wanted: TicketFilter) -> Conditions:
    found: Conditions = []
    if wanted.mine:
        found.append(Ticket.assignee_id == uow.actor.id)
    if wanted.unassigned:
        found.append(Ticket.assignee_id.is_(None))
    if wanted.assignee_id is not None:
        found.append(Ticket.assignee_id == wanted.assignee_id)
    if wanted.contact_id is not None:
        found.append(Ticket.contact_id == wanted.contact_id)
    if wanted.without_contact:
        found.append(Ticket.contact_id.is_(None))
    if wanted.organisation_id is not None:
        found.append(_of_firm(wanted.organisation_id))
    return found


def _times(uow: UnitOfWork, wanted: TicketFilter) -> Conditions:
    """Return the conditions on times; days begin where the actor is."""
    found: Conditions = []
    zone = zoneinfo.ZoneInfo(uow.actor.time_zone)
    today = uow.now.astimezone(zone).date()
    match wanted.due:
        case "overdue":
            found += [Ticket.ended_at.is_(None), Ticket.sort_at < uow.now]
        case "today":
            found += [Ticket.sort_at >= _midnight(today, zone), Ticket.sort_at < _midnight(today, zone, 1)]
        case "week":
            found += [Ticket.sort_at >= _midnight(today, zone), Ticket.sort_at < _midnight(today, zone, _WEEK)]
        case "none":
            found.append(Ticket.due_at.is_(None))
    if wanted.created_from is not None:
        found.append(Ticket.created_at >= _midnight(wanted.created_from, zone))
    if wanted.created_to is not None:
        found.append(Ticket.created_at < _midnight(wanted.created_to, zone, 1))
    return found


def _midnight(day: dt.date, zone: dt.tzinfo, later: int = 0) -> dt.datetime:
    """Return when a day, some days later, begins; the first or last moment there is for one beyond all calendars."""
    try:
        return dt.datetime.combine(day + dt.timedelta(days=later), dt.time(), zone).astimezone(dt.UTC)
    except OverflowError:
        return dt.datetime(1 if day.year < _MIDDLE else 9999, 1, 1, tzinfo=dt.UTC)


def _encode(sort: str, at: dt.datetime, ticket_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, at.isoformat(), ticket_id]).encode()).decode()


def _decode(cursor: str, sort: str) -> tuple[dt.datetime, int]:
    """Return the place a cursor stands for; raises Invalid for what we did not write, or wrote for another order."""
    try:
        written: Any = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        kind, at, ticket_id = written
        place = dt.datetime.fromisoformat(at).astimezone(dt.UTC), int(ticket_id)
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise Invalid("This page mark is not one of ours. Start from the beginning.", field="after") from error
    if kind != sort or not 0 <= place[1] < 2**31:
        raise Invalid("This page mark is not one of ours. Start from the beginning.", field="after")
    return place
