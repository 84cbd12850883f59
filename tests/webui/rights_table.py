"""What every door of the web has to do with accounts: a new one fails test_rights_walk.py until it stands here.

What is read needs no entry: every GET is asked for, and no answer may hold a word of an account that is not for the person.
Of what changes something, CHANGES says what is sent and which right it needs (`see` the account, or `change` it), ELSEWHERE
what has nothing to do with accounts.
"""

import re
from collections.abc import Callable
from typing import Any

from callcenter import clock
from tests.webui.rights_change import MORE_CHANGES, NOT_NOW, REPORTED, SAID, Change, as_form, as_json
from tests.webui.rights_plant import CALLS_FROM, HOUR, Account, Planted


def _meeting(planted: Planted, account: Account, **more: Any) -> dict[str, Any]:
    begin = clock.now() + 3 * HOUR
    return {
        "number": CALLS_FROM[account.kind],
        "from_at": begin.isoformat(),
        "to_at": (begin + HOUR).isoformat(),
        "project_id": planted.project,
        "contact_id": account.contact,
        "name": "Planned",
        **more,
    }


def _contact(account: Account) -> dict[str, Any]:
    return {"first_name": "Other", "last_name": "Name", "version": account.version}


def _again() -> dict[str, Any]:
    return {"from_at": (clock.now() + 5 * HOUR).isoformat()}


CHANGES: dict[str, Change] = MORE_CHANGES | {
    "POST /api/v1/call-backs/{call_back_id}/done": Change("see", as_json(note="Done")),
    "POST /api/v1/call-backs/{call_back_id}/take": Change("see", as_json()),
    "POST /api/v1/calls": Change("see", lambda _, a: {"json": {"number": CALLS_FROM[a.kind], "contact_id": a.contact}}),
    "PUT /api/v1/calls/{call_id}/contact": Change("see", as_json(contact_id=None)),
    "PUT /api/v1/calls/{call_id}/disposition": Change("see", as_json(note="Other")),
    "PUT /api/v1/calls/{call_id}/listening": Change("see", as_json(way="listen")),
    "PUT /api/v1/calls/{call_id}/do-not-call": Change("see", as_json()),
    "PUT /api/v1/calls/{call_id}/draft": Change("see", as_json(note="Other")),
    "POST /api/v1/contacts": Change(
        "change", lambda _, a: {"json": {"first_name": "New", "last_name": "One", "type": a.kind, "organisation": a.firm}}
    ),
    "PUT /api/v1/contacts/{contact_id}": Change("change", lambda _, a: {"json": _contact(a)}),
    "PUT /api/v1/contacts/{contact_id}/managers": Change("change", lambda p, _: {"json": {"user_ids": [p.worker.id]}}),
    "POST /api/v1/contacts/{contact_id}/notes": Change("see", as_json(text="A note")),
    "POST /api/v1/contacts/{contact_id}/consents": Change("see", as_json(channel="call", given=False, source="Letter")),
    "POST /api/v1/contacts/{contact_id}/personal-data": Change("change"),
    "DELETE /api/v1/contacts/{contact_id}/personal-data": Change("change"),
    "POST /contacts/{id:int}/personal-data/consents": Change("see", as_form(channel="call", source="Letter")),
    "POST /contacts/{id:int}/personal-data/export": Change("change"),
    "POST /contacts/{id:int}/personal-data/erase": Change("change", as_form(sure="1")),
    "POST /api/v1/messages/{message_id}/retry": Change("see", refused=NOT_NOW),
    "PUT /api/v1/organisations/{organisation_id}": Change(
        "change", lambda _, a: {"json": {"name": "Other name", "version": a.more.firm_version}}
    ),
    "PUT /api/v1/organisations/{organisation_id}/managers": Change("change", lambda p, _: {"json": {"user_ids": [p.worker.id]}}),
    "POST /api/v1/phone-meetings": Change("see", lambda p, a: {"json": _meeting(p, a)}, SAID),
    "POST /api/v1/phone-meetings/assign": Change("see", lambda p, a: {"json": {"ids": [a.meeting], "user_id": None}}, REPORTED),
    "POST /api/v1/phone-meetings/check": Change("see", lambda p, a: {"json": _meeting(p, a)}, SAID),
    "POST /api/v1/phone-meetings/series": Change(
        "see",
        lambda p, a: {"json": {"meeting": _meeting(p, a), "repeat": {"frequency": "daily", "count": 2}}},
        SAID,
    ),
    "POST /api/v1/phone-meetings/spread": Change(
        "see", lambda p, a: {"json": {"ids": [a.free_meeting], "user_ids": [p.worker.id]}}, REPORTED
    ),
    "PUT /api/v1/phone-meetings/{meeting_id}": Change("see", lambda p, a: {"json": _meeting(p, a, version=2)}),
    "POST /api/v1/phone-meetings/{meeting_id}/call": Change("see"),
    "POST /api/v1/phone-meetings/{meeting_id}/cancel": Change("see", as_json(reason="No")),
    "POST /api/v1/phone-meetings/{meeting_id}/outcome": Change("see", as_json(outcome="held")),
    "POST /api/v1/phone-meetings/{meeting_id}/reschedule": Change("see", lambda _p, _a: {"json": _again()}),
    "PUT /api/v1/phone-meetings/{meeting_id}/series": Change("see", lambda p, a: {"json": _meeting(p, a, version=2)}),
    "POST /api/v1/phone-meetings/{meeting_id}/series/cancel": Change("see", as_json(reason="No")),
    "POST /api/v1/phone-meetings/{meeting_id}/snooze": Change("see", as_json(minutes=5)),
    "POST /api/v1/texts": Change(
        "see", lambda _, a: {"json": {"number": CALLS_FROM[a.kind], "text": "Hello", "contact_id": a.contact}}, NOT_NOW
    ),
    "PUT /api/v1/texts/{text_id}/contact": Change("see", as_json(contact_id=None)),
    "POST /api/v1/texts/{text_id}/seen": Change("see"),
    "POST /api/v1/campaigns/{campaign_id}/leads/{lead_id}/next": Change("see"),
    "POST /api/v1/campaigns/{campaign_id}/leads/{lead_id}/put-off": Change("see", as_json(until="2030-01-01T10:00:00Z"), SAID),
    "POST /api/v1/campaigns/{campaign_id}/leads/{lead_id}/put-back": Change("see", refused=NOT_NOW),
    "POST /api/v1/campaigns/{campaign_id}/leads/{lead_id}/remove": Change("see"),
    "PUT /api/v1/campaigns/{campaign_id}/leads/{lead_id}/priority": Change("see", as_json(priority=1)),
    "POST /campaigns/{id:int}/leads/{lead:int}/next": Change("see"),
    "POST /campaigns/{id:int}/leads/{lead:int}/put-off": Change("see", as_form(until="2030-01-01T10:00"), SAID),
    "POST /campaigns/{id:int}/leads/{lead:int}/put-back": Change("see", refused=NOT_NOW),
    "POST /campaigns/{id:int}/leads/{lead:int}/remove": Change("see"),
    "POST /campaigns/{id:int}/leads/{lead:int}/priority": Change("see", as_form(priority="1"), SAID),
    "POST /call-backs/{id:int}/done": Change("see", as_form(note="Done")),
    "POST /call-backs/{id:int}/take": Change("see"),
    "POST /calls/{id}": Change("see", as_form(note="Other")),
    "POST /calls/{id}/contact": Change("see", as_form(contact_id="")),
    "POST /contacts": Change("change", lambda _, a: {"data": {"first_name": "New", "last_name": "One", "organisation": a.firm}}),
    "POST /contacts/{id:int}": Change("change", lambda _, a: {"data": _contact(a)}),
    "POST /contacts/{id:int}/managers": Change("change", lambda p, _: {"data": {"user_ids": [str(p.worker.id)]}}),
    "POST /meetings": Change("see", lambda p, a: {"data": _meeting(p, a)}, SAID),
    "POST /meetings/assign": Change("see", lambda _, a: {"data": {"ids": [str(a.meeting)], "user_id": ""}}, REPORTED | {422}),
    "POST /meetings/spread": Change(
        "see", lambda p, a: {"data": {"ids": [str(a.free_meeting)], "user_ids": [str(p.worker.id)]}}, REPORTED | {422}
    ),
    "POST /meetings/{id:int}/assign": Change("see", as_form(user_id=""), REPORTED | {409}),
    "POST /meetings/{id:int}/cancel": Change("see", as_form(reason="No")),
    "POST /meetings/{id:int}/edit": Change("see", lambda p, a: {"data": _meeting(p, a, version=2)}, SAID),
    "POST /meetings/{id:int}/outcome": Change("see", as_form(outcome="held"), SAID),
    "POST /meetings/{id:int}/reschedule": Change("see", lambda _p, _a: {"data": _again()}, SAID),
    "POST /meetings/{id:int}/snooze": Change("see", as_form(minutes="5")),
    "POST /messages/{id:int}/again": Change("see", refused=NOT_NOW),
    "POST /texts/{id:str}/contact": Change("see", as_form(contact_id=""), SAID),
    "POST /texts/{id:str}/seen": Change("see"),
}

# A file may hold any account: whoever works on somebody else's file must see all, and importing contacts needs its own right.
FILES: dict[str, Change] = {
    "POST /imports/{id:int}/mapping": Change("see"),
    "POST /imports/{id:int}/mapping/preview": Change("see"),
    "POST /api/v1/imports/{import_id}/apply": Change("see"),
    "POST /api/v1/imports/{import_id}/undo": Change("see"),
    "POST /api/v1/phone-meetings/imports/{import_id}/plan": Change("see"),
    "POST /api/v1/phone-meetings/imports/{import_id}/undo": Change("see"),
    "POST /imports/{id:int}/apply": Change("see"),
    "POST /imports/{id:int}/undo": Change("see"),
    "POST /meetings/import/{id:int}/plan": Change("see"),
    "POST /meetings/import/{id:int}/undo": Change("see"),
}

ELSEWHERE = {
    r".* (/api/v1)?/(users|sessions|tokens|profile|language|sign-in|sign-out|trunks|projects|roster|team|agents|filters)(/.*)?": (
        "people, carriers, projects, rosters and saved filters hold no account"
    ),
    r".* (/api/v1)?/campaigns(/(?!.*leads).*)?": "settings, people and words of a campaign: its leads are told for themselves",
    r".* (/api/v1)?/privacy/.*": "how long things are kept, and numbers nobody calls, kept without whose they are",
    r"POST (/api/v1)?/do-not-call(/.*)?": "numbers nobody calls, kept without whose they are",
    r".* (/api/v1)?/campaigns/[^/]*/(lead-imports|leads/(imports|contacts))(/.*)?": (
        "a list is its sender's, and of contacts those one sees: tests of leads' imports"
    ),
    r"PUT /api/v1/campaigns/\{campaign_id\}/asks-consent|POST /campaigns/\{id:int\}/rules/asks-consent": "words about a campaign",
    r"POST /api/v1/campaigns/\{campaign_id\}/evidence(/table)?|POST /campaigns/\{id:int\}/rules/evidence": (
        "tells what one may see: tests of evidence"
    ),
    r"PUT /api/v1/dispositions": "words of the house",
    r".* /api/v1/me/.*": "one's own state, audio and wishes",
    r"POST /api/v1/offers/\{offer_id\}/shown": "that a pop-up is drawn",
    r"POST /api/v1/calls/\{call_id\}/(answer|decline|hang-up|hold|dtmf)": (
        "a call is taken and ended by whom it rings at, whoever the customer is: nothing of the account changes"
    ),
    r"DELETE /api/v1/calls/\{call_id\}/listening": "leaving a call one listens to",
    r"POST /api/v1/phone-meetings/\{meeting_id\}/not-now": "the countdown at one's own desk",
    r"POST /api/v1/leads/shown/\{attempt_id\}/(call|skip)": "the lead at one's own desk, which the campaign chose",
    r"POST (/api/v1)?/messages/test": "a mail to oneself",
    r"POST /api/v1/rehearsal/call": "the demo's customers are made up",
    r"POST (/api/v1/phone-meetings|/meetings)/import": "each row is planned with the rights of whoever sent it",
    r"POST (/api/v1)?/imports": "a right of its own: tests of imports",
    r".* (/api/v1)?/(email-templates|settings|ticket-settings|custom-fields|dictionaries)(/(?!preview).*)?": "words of the house",
    r"POST (/api/v1/mailbox/test|/messages/mailbox)": "the mailbox of the house",
    r".* /api/v1/files(/.*)?": "a file is its sender's until it is attached",
    r"POST (/api/v1/exports|/contacts/exports)": "a file of what one sees: tests of exports",
    r"POST (/api/v1/duplicate-pairs|/contacts/duplicates)/scan": "a walk that tells nobody of anybody",
    r"POST /tickets": "a new one of nobody",
    r"POST (/api/v1)?/organisations": "a new one, of a type one may make: tests of the service",
    r"POST /twilio/.*": "signed by the carrier",
}

# How an address is filled in, by its beginning; then what its parameters are called.
ADDRESSES: list[tuple[str, Callable[[Planted, Account], Any]]] = [
    (r"/api/v1/contacts/\{contact_id\}/merge/|/contacts/\{id:int\}/merge/", lambda _, a: (a.contact, a.more.other)),
    (r"/contacts/\{id:int\}/timeline/", lambda _, a: (a.contact, a.more.note)),
    (r"/contacts/\{id:int\}/tickets/", lambda _, a: (a.contact, a.more.ticket)),
    (r"(/api/v1)?/contacts/bulk/", lambda _, a: a.more.bulk),
    (r"(/contacts|/api/v1)/exports/", lambda _, a: a.more.export),
    (r"(/api/v1)?/tickets/.*/comments/", lambda _, a: (a.more.ticket, a.more.comment)),
    (r"(/api/v1)?/tickets/.*/files/", lambda _, a: (a.more.ticket, a.more.ticket_file)),
    (r"(/api/v1)?/tickets/", lambda _, a: a.more.ticket),
    (r"(/api/v1)?/emails/.*/files/", lambda _, a: (a.more.came, a.more.email_file)),
    (r"(/api/v1)?/emails/", lambda _, a: a.more.came),
    (r"/api/v1/timeline/", lambda _, a: a.more.note),
    (r"/organisations/\{id:int\}/timeline/lines/", lambda _, a: (a.organisation, a.more.firm_note)),
    (r"/api/v1/dictionaries/|/settings/contacts/\{kind\}", lambda _p, _a: "tag"),
    (r"/email-templates/|/settings/contacts/", lambda _p, _a: 1),
    (r"(/api/v1)?/contacts/", lambda _, a: a.contact),
    (r"(/api/v1)?/organisations/", lambda _, a: a.organisation),
    (r"/calls/\{id\}/confirmation/", lambda _, a: (a.call, "statement")),
    (r"(/api/v1)?/calls/", lambda _, a: a.call),
    (r"(/api/v1)?/call-backs/", lambda _, a: a.call_back),
    (r"(/api/v1)?/texts/", lambda _, a: a.text),
    (r"(/api/v1)?/messages/", lambda _, a: a.mail),
    (r"(/api/v1/phone-meetings/imports|/meetings/import)/", lambda p, _: p.meeting_import),
    (r"(/api/v1/phone-meetings|/meetings)/", lambda _, a: a.meeting),
    (r"(/api/v1)?/imports/", lambda p, _: p.imported),
    (r"(/api/v1)?/projects/", lambda p, _: p.project),
    (r"/campaigns/[^/]*/leads/\{lead:int\}/confirmations/", lambda p, a: (p.campaign, p.leads[a.kind], a.call, "statement")),
    (r"(/api/v1)?/campaigns/[^/]*/leads/\{lead", lambda p, a: (p.campaign, p.leads[a.kind])),
    (r"(/api/v1)?/campaigns/[^/]*/(lead-imports|leads/imports)/\{", lambda p, _: (p.campaign, p.imported)),
    (r"/api/v1/campaigns/\{campaign_id\}/messages/", lambda p, _: (p.campaign, "message")),
    (r"(/api/v1)?/campaigns/", lambda p, _: p.campaign),
    (r"(/api/v1)?/trunks/", lambda p, _: p.trunk),
    (r"(/api/v1)?/(users|roster)/", lambda p, _: p.worker.id),
    (r"(/api/v1)?/do-not-call/", lambda p, _: p.imported),
    (r"/twilio/", lambda p, _: p.trunk),
    (r"/calendar/", lambda _p, _a: "x" * 43),
]


Query = dict[str, Any]


def _all(_account: Account) -> Query:
    return {}


def _word(account: Account) -> Query:
    return {"q": f"Qx{account.kind}"}


def _number(account: Account) -> Query:
    return {"q": CALLS_FROM[account.kind][3:]}


def _theirs(account: Account) -> Query:
    return {"contact_id": account.contact}


_SEARCHED = [_all, _word, _number]
QUERIES: dict[str, list[Callable[[Account], Query]]] = {
    "/contacts": _SEARCHED,
    "/contacts/count": _SEARCHED,
    "/api/v1/search": [_word, _number, lambda account: {"q": f"#{account.more.ticket}"}],
    "/api/v1/tickets": [*_SEARCHED, _theirs, lambda account: {"organisation_id": account.organisation}],
    "/tickets": [lambda _: {"f": "1"}, lambda account: {"f": "1", "q": f"Qx{account.kind}"}],
    "/tickets/rows": [lambda _: {"f": "1"}, lambda account: {"f": "1", "q": f"Qx{account.kind}"}],
    "/tickets/new": [_all, lambda account: {"from_contact": account.contact}, lambda account: {"call": account.call}],
    "/tickets/organisations": [lambda account: {"organisation_q": f"Qx{account.kind}"}],
    "/tickets/find": [lambda account: {"ticket_q": f"Qx{account.kind}"}, _theirs],
    "/api/v1/emails": [_all, _theirs, lambda _: {"unmatched": "true"}],
    "/emails": [_all, lambda _: {"show": "unmatched"}, lambda _: {"show": "came"}, lambda _: {"show": "all"}],
    "/emails/rows": [_all, lambda _: {"show": "all"}],
    "/emails/{id:int}/candidates": _SEARCHED,
    "/api/v1/contacts/duplicates": [
        lambda account: {"number": CALLS_FROM[account.kind]},
        lambda account: {"email": f"zv{account.kind}mail@example.com"},
    ],
    "/contacts/{id:int}/merge": _SEARCHED,
    "/contacts/{id:int}/export": [lambda _: {"format": "csv"}, lambda _: {"format": "vcard"}],
    "/organisations": _SEARCHED,
    "/organisations/rows": _SEARCHED,
    "/organisations/{id:int}/move": [*_SEARCHED, lambda account: {"ids": account.contact}],
    "/organisations/{id:int}/merge": [*_SEARCHED, lambda account: {"other": account.more.other_firm}],
    "/contacts/{id:int}/tickets": [_all, lambda account: {"assign": "1", "f": "1", "q": f"Qx{account.kind}"}],
    "/contacts/rows": _SEARCHED,
    "/api/v1/contacts": _SEARCHED,
    "/api/v1/organisations": _SEARCHED,
    "/meetings/contacts": [_all, lambda account: {"contact_q": f"Qx{account.kind}"}],
    "/calls/{id}/candidates": _SEARCHED,
    "/texts/{id:str}/candidates": _SEARCHED,
    "/api/v1/phone-meetings": [*_SEARCHED, _theirs],
    "/api/v1/phone-meetings/export": [*_SEARCHED, _theirs],
    "/meetings": [*_SEARCHED, _theirs],
    "/meetings/rows": [*_SEARCHED, _theirs],
    "/meetings/export.csv": [*_SEARCHED, _theirs],
    "/api/v1/calls": [_all, _theirs],
    "/api/v1/texts": [_all, _theirs],
    "/contacts/organisations": [lambda account: {"organisation": f"Qx{account.kind}"}],
    "/api/v1/call-backs": [lambda _: {"mine": "false"}, lambda _: {"mine": "false", "state": "done"}],
    "/call-backs": [_all, lambda _: {"all": "1"}],
    "/meetings/new": [_all, lambda account: {"contact": account.contact}, lambda account: {"call": account.call}],
    "/meetings/who": [_all, _theirs, lambda account: {"contact": account.contact}],
    "/contacts/new": [
        _all,
        lambda account: {"organisation": account.organisation},
        lambda account: {"call": account.call},
        lambda account: {"text": account.text},
    ],
    "/api/v1/audit": [lambda _: {"limit": 200}],
}


def queries(path: str, account: Account) -> list[Query]:
    """Return the query strings an address is asked with: as it is, and with what is looked for."""
    filtered = {"f": "1"} if path in ("/meetings", "/meetings/rows", "/meetings/export.csv") else {}
    return [filtered | each(account) for each in QUERIES.get(path, [_all])]


def address(path: str, planted: Planted, account: Account) -> str:
    """Return an address with its parameters filled in; fails for one nobody said how to fill in."""
    if "{" not in path:
        return path
    for beginning, value in ADDRESSES:
        if re.match(beginning, path):
            given = value(planted, account)
            for each in given if isinstance(given, tuple) else (given,):
                path = re.sub(r"\{[^}]*\}", str(each), path, count=1)
            return re.sub(r"\{[^}]*\}", "999999", path)
    raise AssertionError(f"say in ADDRESSES how {path} is filled in")
