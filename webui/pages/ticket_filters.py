"""What a list of tickets is narrowed to: read from its address, so that it can be kept, shared, and taken back.

The list and the picker of a contact's tab (S19) have the same fields: tickets/filter_fields.html.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlencode

from starlette.requests import Request

from callcenter.db import UnitOfWork
from callcenter.tickets import rows, settings
from callcenter.tickets.forms import DueName, PriorityName, SortName, TicketFilter
from webui.pages import fields

_TEXTS = ("q", "open", "assignee", "contact_id", "organisation_id", "due", "from", "to", "sort")
_MANY = ("kind", "state", "priority")
_CLEAR = "f"  # in the address: somebody chose, so that nothing about being open means open ones and closed ones
_MOST = 50  # values of one field


@dataclass(slots=True)
class Chosen:
    """A filter, and the same as the address and the form write it. `count`: how many fields were chosen by hand."""

    given: dict[str, Any]
    count: int
    filter: TicketFilter

    @property
    def query(self) -> str:
        """Return what stands after ? in the address."""
        return urlencode({name: value for name, value in self.given.items() if value}, doseq=True)


def read(request: Request, *, limit: int, usual: str = "yes") -> Chosen:
    """Read the address; what makes no sense in it is left out. Untouched, it means tickets that are open (`usual`: of "open")."""
    text = {name: fields.query_text(request, name, 100) for name in _TEXTS}
    many = {name: list(dict.fromkeys(request.query_params.getlist(name)))[:_MOST] for name in _MANY}
    if fields.query_text(request, _CLEAR, 1) != "1" and not text["open"]:
        text["open"] = usual
    text["open"] = text["open"] if text["open"] in ("yes", "no") else ""
    text["due"] = text["due"] if text["due"] in get_args(DueName) else ""
    text["sort"] = text["sort"] if text["sort"] in get_args(SortName) else ""
    many["priority"] = [each for each in many["priority"] if each in get_args(PriorityName)]
    assignee = text["assignee"]
    wanted = TicketFilter(
        q=text["q"],
        kind_id=_numbers(many["kind"]),
        state_id=_numbers(many["state"]),
        open={"yes": True, "no": False}.get(text["open"]),
        assignee_id=fields.query_id(request, "assignee") or None,
        mine=assignee == "me",
        unassigned=assignee == "none",
        contact_id=fields.query_id(request, "contact_id") or None,
        organisation_id=fields.query_id(request, "organisation_id") or None,
        due=text["due"] or None,
        priority=many["priority"],
        created_from=_day(text["from"]),
        created_to=_day(text["to"]),
        sort=text["sort"] or "due",
        after=fields.query_text(request, "after", 100) or None,
        limit=limit,
    )
    narrowed = sum(bool(text[name]) for name in _TEXTS if name not in ("open", "sort")) + sum(
        bool(each) for each in many.values()
    )
    return Chosen(text | many | {_CLEAR: "1"}, narrowed + int(text["open"] != usual), wanted)


async def choices(uow: UnitOfWork, chosen: Chosen) -> dict[str, Any]:
    """Return what filter_fields.html offers: kinds, states, people, the names of contact and organisation."""
    return {
        "given": chosen.given,
        "chosen": chosen.count,
        "kinds": await settings.list_kinds(uow, retired=True),
        "states": await settings.list_states(uow, retired=True),
        "people": await rows.people(uow),
        "contact_name": await _contact(uow, chosen.filter.contact_id),
        "organisation_name": await _organisation(uow, chosen.filter.organisation_id),
    }


async def _contact(uow: UnitOfWork, contact_id: int | None) -> str:
    if contact_id is None:
        return ""
    contact = await rows.contact_of(uow, contact_id)
    return (contact.name or f"#{contact.id}") if contact else "?"


async def _organisation(uow: UnitOfWork, organisation_id: int | None) -> str:
    if organisation_id is None:
        return ""
    firm = await rows.organisation_of(uow, organisation_id)
    return firm.name if firm else "?"


def _numbers(values: list[str]) -> list[int]:
    return [int(each) for each in values if each.isascii() and each.isdigit() and len(each) < 10 and int(each)]


def _day(value: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if value else None
    except ValueError:
        return None
