"""What is sent to the doors that change tickets, letters, and many accounts at once; those of the rest: rights_table.py."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from callcenter import clock
from tests.webui.rights_letters import picture
from tests.webui.rights_plant import CALLS_FROM, HOUR, Account, Planted

REFUSED = frozenset({403, 404})
SAID = REFUSED | {422}  # or a sentence about the field: there is no such contact
REPORTED = REFUSED | {200, 303}  # or a report in which it is refused
NOT_NOW = REFUSED | {409, 422}  # or a state that bars it first; nothing may have changed


@dataclass(frozen=True, slots=True)
class Change:
    """What is sent to a door; `refused`: the statuses that are a refusal there, 200 where a report says what was refused."""

    needs: Literal["see", "change"]
    send: Callable[[Planted, Account], dict[str, Any]] = field(default=lambda _planted, _account: {})
    refused: frozenset[int] = REFUSED


Send = Callable[[Planted, Account], dict[str, Any]]


def as_json(**body: Any) -> Send:
    """Return a sender of the same JSON for every account."""
    return lambda _planted, _account: {"json": body}


def as_form(**body: Any) -> Send:
    """Return a sender of the same form for every account."""
    return lambda _planted, _account: {"data": body}


def _ticket(a: Account) -> dict[str, Any]:
    return {"title": "Other", "kind_id": a.more.kind_id, "version": a.more.ticket_version}


def _due() -> str:
    return (clock.now() + 50 * HOUR).isoformat()


def _day() -> dict[str, Any]:
    return {"due_date": (clock.now() + 50 * HOUR).date().isoformat()}


def _sent_today() -> dict[str, str]:
    return {"day": clock.now().date().isoformat(), "how": "letter"}


def _merged(a: Account) -> dict[str, Any]:
    return {"version": a.version, "other_version": a.more.other_version}


def _merged_firm(a: Account) -> dict[str, Any]:
    other = {"other_id": a.more.other_firm, "other_version": a.more.other_firm_version}
    return {"name": "One firm", "version": a.more.firm_version} | other


def _letter(a: Account) -> dict[str, Any]:
    return {"address": f"zv{a.kind}mail@example.com", "subject": "Hello", "text": "Hello"}


def _picture(_planted: Planted, _account: Account) -> dict[str, Any]:
    return {"files": {"file": ("x.png", picture(), "image/png")}}


def _file(_planted: Planted, _account: Account) -> dict[str, Any]:
    return {"files": {"file": ("x.txt", b"words", "text/plain")}}


MORE_CHANGES: dict[str, Change] = {
    "PUT /api/v1/calls/{call_id}/confirmation/terms": Change("see", lambda _p, _a: {"json": _sent_today()}),
    "PUT /api/v1/calls/{call_id}/confirmation/statement": Change("see", lambda _p, _a: {"json": _sent_today()}),
    "PUT /api/v1/calls/{call_id}/confirmation/refusal": Change("see", as_json(why="declined")),
    "POST /api/v1/calls/{call_id}/confirmation/reopen": Change("see"),
    "POST /calls/{id}/confirmation/{step}": Change("see", lambda _p, _a: {"data": _sent_today()}),
    "POST /campaigns/{id:int}/leads/{lead:int}/confirmations/{call}/{step}": Change(
        "see", lambda _p, _a: {"data": _sent_today()}
    ),
    "DELETE /api/v1/contacts/{contact_id}/avatar": Change("change"),
    "DELETE /api/v1/contacts/{contact_id}/email-draft": Change("see", refused=REFUSED | {204}),  # one's own, if there is one
    "DELETE /api/v1/organisations/{organisation_id}": Change(
        "change", lambda _, a: {"params": {"version": a.more.firm_version, "timeline": "true"}}
    ),
    "DELETE /api/v1/tickets/{ticket_id}": Change("see"),
    "DELETE /api/v1/tickets/{ticket_id}/files/{file_id}": Change("see"),
    "POST /api/v1/contacts/count": Change("see", lambda _, a: {"json": {"q": f"Qx{a.kind}"}}, REPORTED),
    "POST /api/v1/contacts/move": Change(
        "change", lambda _, a: {"json": {"contact_ids": [a.contact, a.more.other], "organisation_id": None}}, REPORTED
    ),
    "POST /api/v1/contacts/{contact_id}/emails": Change("see", lambda _, a: {"json": _letter(a)}),
    "POST /api/v1/contacts/{contact_id}/faxes": Change("see", as_json(number="+48226667788", files=[1])),
    "POST /api/v1/contacts/{contact_id}/logs": Change(
        "see", as_json(of="call", direction="inbound", at="2026-01-05T10:00:00Z", outcome="answered", text="They rang")
    ),
    "POST /api/v1/contacts/{contact_id}/merge/{other_id}": Change("change", lambda _, a: {"json": _merged(a)}),
    "POST /api/v1/contacts/{contact_id}/numbers": Change("change", as_json(number="+48605000111")),
    "POST /api/v1/duplicate-pairs/dismiss": Change(
        "see", lambda _, a: {"json": {"first_id": a.contact, "second_id": a.more.other}}
    ),
    "POST /api/v1/email-templates/preview": Change(
        "see", lambda _, a: {"json": {"contact_id": a.contact, "body": "{{ contact.name }} {{ contact.custom.planted }}"}}
    ),
    "POST /api/v1/emails/{email_id}/seen": Change("see"),
    "POST /api/v1/organisations/{organisation_id}/merge": Change("change", lambda _, a: {"json": _merged_firm(a)}),
    "POST /api/v1/organisations/{organisation_id}/notes": Change("see", as_json(text="A note")),
    "POST /api/v1/tickets": Change(
        "see", lambda _, a: {"json": {"title": "New", "kind_id": a.more.kind_id, "contact_id": a.contact}}, SAID
    ),
    "POST /api/v1/tickets/assignee": Change(
        "see", lambda p, a: {"json": {"ids": [a.more.ticket, a.more.firm_ticket], "assignee_id": None}}, REPORTED
    ),
    "POST /api/v1/tickets/due": Change("see", lambda _, a: {"json": {"ids": [a.more.ticket], "due_at": _due()}}, REPORTED),
    "POST /api/v1/tickets/state": Change(
        "see", lambda _, a: {"json": {"ids": [a.more.ticket], "state_id": a.more.state_id}}, REPORTED
    ),
    "POST /api/v1/tickets/{ticket_id}/comments": Change("see", as_json(text="A comment")),
    "POST /api/v1/tickets/{ticket_id}/files": Change("see", _file),
    "POST /api/v1/contacts/bulk": Change(
        "change", lambda _, a: {"json": {"action": "delete", "ids": [a.contact, a.more.other]}}, REPORTED | {201}
    ),
    "POST /contacts/bulk": Change(
        "change", lambda _, a: {"data": {"action": "delete", "sure": "1", "ids": f"{a.contact},{a.more.other}"}}, REPORTED
    ),
    "POST /contacts/duplicates/dismiss": Change("see", lambda _, a: {"data": {"first": a.contact, "second": a.more.other}}),
    "POST /contacts/similar": Change("see", lambda _, a: {"data": {"number": CALLS_FROM[a.kind]}}, REPORTED),
    "POST /contacts/{id:int}/merge/{other:int}": Change("change", lambda _, a: {"data": _merged(a)}),
    "POST /contacts/{id:int}/tickets": Change("see", lambda _, a: {"data": {"ticket_id": a.more.firm_ticket, "move": "1"}}),
    "POST /contacts/{id:int}/tickets/{ticket:int}/unassign": Change("see"),
    "POST /emails/{id:int}/contact": Change("see", as_form(contact_id="")),
    "POST /emails/{id:int}/new-contact": Change("see"),
    "POST /emails/{id:int}/seen": Change("see"),
    "POST /organisations/{id:int}": Change(
        "change", lambda _, a: {"data": {"name": "Other name", "type": a.kind, "version": a.more.firm_version}}
    ),
    "POST /organisations/{id:int}/contacts": Change("change", lambda _, a: {"data": {"ids": str(a.contact)}}, REPORTED),
    "POST /organisations/{id:int}/delete": Change(
        "change", lambda _, a: {"data": {"version": a.more.firm_version, "timeline": "1"}}
    ),
    "POST /organisations/{id:int}/managers": Change("change", lambda p, _: {"data": {"user_ids": [str(p.worker.id)]}}),
    "POST /organisations/{id:int}/merge": Change("change", lambda _, a: {"data": _merged_firm(a)}),
    "POST /organisations/{id:int}/move": Change("change", lambda _, a: {"data": {"ids": str(a.more.other)}}),
    "POST /tickets/assignee": Change("see", lambda _, a: {"data": {"ids": str(a.more.ticket), "assignee_id": ""}}, REPORTED),
    "POST /tickets/due": Change("see", lambda _, a: {"data": {"ids": str(a.more.ticket)} | _day()}, REPORTED),
    "POST /tickets/state": Change(
        "see", lambda _, a: {"data": {"ids": str(a.more.ticket), "state_id": a.more.state_id}}, REPORTED
    ),
    "POST /tickets/{id:int}": Change("see", lambda _, a: {"data": _ticket(a) | {"priority": "high"}}),
    "POST /tickets/{id:int}/account": Change("see", as_form(nobody="1")),
    "POST /tickets/{id:int}/comments": Change("see", as_form(text="A comment")),
    "POST /tickets/{id:int}/comments/{comment:int}": Change("see", as_form(text="Other")),
    "POST /tickets/{id:int}/files": Change("see", _file),
    "POST /tickets/{id:int}/files/{file:int}/remove": Change("see"),
    "POST /tickets/{id:int}/remove": Change("see"),
    "POST /tickets/{id:int}/state": Change("see", lambda _, a: {"data": {"state_id": a.more.state_id}}),
    "PUT /api/v1/contacts/{contact_id}/avatar": Change("change", _picture),
    "PUT /api/v1/contacts/{contact_id}/email": Change("change", as_json(email="other@example.com")),
    "PUT /api/v1/contacts/{contact_id}/email-draft": Change("see", as_json(text="Begun")),
    "PUT /api/v1/contacts/{contact_id}/tags": Change("change", as_json(tags=["Planted tag"])),
    "PUT /api/v1/emails/{email_id}/contact": Change("see", as_json(contact_id=None)),
    "PUT /api/v1/tickets/{ticket_id}": Change("see", lambda _, a: {"json": _ticket(a)}),
    "PUT /api/v1/tickets/{ticket_id}/comments/{comment_id}": Change("see", as_json(text="Other")),
    "PUT /api/v1/tickets/{ticket_id}/contact": Change("see", as_json()),
    "PUT /api/v1/tickets/{ticket_id}/state": Change("see", lambda _, a: {"json": {"state_id": a.more.state_id}}),
    "PUT /api/v1/timeline/{entry_id}": Change("see", as_json(text="Other", version=2)),
    "PUT /api/v1/timeline/{entry_id}/struck": Change("change", as_json(struck=True, version=2)),
}

# Doors at which something of an account one may change meets one that is hidden: the address is of the first (`mine`).
Across = Callable[[Account, Account], tuple[str, dict[str, Any]]]
ACROSS: list[tuple[str, Across]] = [
    (
        "PUT",
        lambda mine, hidden: (
            f"/api/v1/tickets/{mine.more.ticket}/contact",
            {"json": {"contact_id": hidden.contact, "move": True}},
        ),
    ),
    (
        "PUT",
        lambda mine, hidden: (
            f"/api/v1/tickets/{mine.more.ticket}/contact",
            {"json": {"organisation_id": hidden.organisation, "move": True}},
        ),
    ),
    (
        "POST",
        lambda mine, hidden: (f"/contacts/{mine.contact}/tickets", {"data": {"ticket_id": hidden.more.ticket, "move": "1"}}),
    ),
    (
        "POST",
        lambda mine, hidden: (
            f"/api/v1/contacts/{mine.contact}/merge/{hidden.contact}",
            {"json": {"version": mine.version, "other_version": hidden.version}},
        ),
    ),
    (
        "POST",
        lambda mine, hidden: (
            f"/api/v1/contacts/{mine.contact}/merge/{hidden.more.gone}",
            {"json": {"version": mine.version, "other_version": hidden.version}},
        ),
    ),
    (
        "POST",
        lambda mine, hidden: (
            f"/api/v1/contacts/{hidden.contact}/merge/{hidden.more.gone}",
            {"json": {"version": hidden.version, "other_version": hidden.version}},
        ),
    ),
    (
        "POST",
        lambda mine, hidden: (
            f"/api/v1/organisations/{mine.organisation}/merge",
            {"json": _merged_firm(hidden) | {"version": mine.more.firm_version}},
        ),
    ),
    (
        "POST",
        lambda mine, hidden: (
            "/api/v1/contacts/move",
            {"json": {"contact_ids": [mine.contact], "organisation_id": hidden.organisation}},
        ),
    ),
    (
        "POST",
        lambda mine, hidden: (
            "/api/v1/contacts/move",
            {"json": {"contact_ids": [hidden.contact], "organisation_id": mine.organisation}},
        ),
    ),
    ("POST", lambda mine, hidden: (f"/organisations/{mine.organisation}/move", {"data": {"ids": str(hidden.contact)}})),
    ("PUT", lambda mine, hidden: (f"/api/v1/emails/{mine.more.came}/contact", {"json": {"contact_id": hidden.contact}})),
    ("PUT", lambda _, hidden: (f"/api/v1/emails/{hidden.more.asking}/contact", {"json": {"contact_id": None}})),
    ("POST", lambda _, hidden: (f"/api/v1/emails/{hidden.more.asking}/seen", {})),
    ("POST", lambda _, hidden: (f"/api/v1/emails/{hidden.more.fax}/seen", {})),
    ("PUT", lambda _, hidden: (f"/api/v1/timeline/{hidden.more.firm_note}", {"json": {"text": "Other", "version": 1}})),
    (
        "POST",
        lambda mine, hidden: (
            f"/api/v1/contacts/{mine.contact}/emails",
            {"json": _letter(mine) | {"answers": hidden.more.came}},
        ),
    ),
    (
        "POST",
        lambda mine, hidden: (
            f"/api/v1/contacts/{mine.contact}/emails",
            {"json": _letter(mine) | {"files": [hidden.more.email_file]}},
        ),
    ),
]
