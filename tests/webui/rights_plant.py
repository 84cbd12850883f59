"""Two accounts with unmistakable words, a customer and a partner, in everything the contact centre keeps of them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.calls import entries
from callcenter.calls.models import Call, CallBack
from callcenter.campaigns import service as campaigns
from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.campaigns.forms import CampaignInput
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadNumber
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput, NumberInput, OrganisationInput
from callcenter.contacts.models import Import, ImportRow
from callcenter.contacts.timeline import newest
from callcenter.db import UnitOfWork
from callcenter.events import Candidate
from callcenter.meetings import service as meetings
from callcenter.meetings import settings
from callcenter.meetings.forms import MeetingChange, MeetingInput, SettingsInput
from callcenter.meetings.models import MeetingImport, MeetingImportRow
from callcenter.messages.models import Mail
from callcenter.phone import TextReceived
from callcenter.projects.service import ProjectInput, add_project, set_members
from callcenter.switchboard import dispatch
from callcenter.trunks.service import TrunkInput, add_trunk
from tests.callcenter.meetings.office import ALWAYS
from tests.webui.conftest import Person, Site
from tests.webui.rights_letters import Letters, declare, letters
from tests.webui.rights_words import said

KINDS = ("customer", "partner")
OURS = "+48221234567"
CALLS_FROM = {"customer": "+48601111222", "partner": "+48602333444"}  # whoever gets the call sees this one
SECRET_NUMBER = {"customer": "603555777", "partner": "604666888"}  # stands in the contact only
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Account:
    """The ids of all that is kept of one planted account."""

    kind: str
    contact: int
    organisation: int
    call: str
    call_back: int
    text: str
    meeting: int  # the worker's
    free_meeting: int  # nobody's
    mail: int
    version: int
    firm: str
    more: Letters


@dataclass(frozen=True, slots=True)
class Planted:
    """All that is planted."""

    accounts: dict[str, Account]
    worker: Person
    project: int
    trunk: int
    imported: int
    meeting_import: int
    campaign: int
    leads: dict[str, int]


async def plant(site: Site) -> Planted:
    """Fill the database: everything is the worker's, who sees all."""
    worker = await site.person("worker", Role.SUPERVISOR)
    acting = Actor(worker.id, "Worker", Role.ADMINISTRATOR, accounts=EVERY_ACCOUNT)
    async with site.database.unit_of_work(acting) as uow:
        trunk = await add_trunk(uow, TrunkInput(name="Carrier", host="127.0.0.1", caller_ids=[OURS]))
        project = await add_project(uow, ProjectInput(name="Helpline", numbers=[OURS], trunk_id=trunk.id, caller_id=OURS))
        await set_members(uow, project.id, [worker.id])
        await settings.set_settings(uow, project.id, SettingsInput.model_validate({"hours": ALWAYS}))
        project_id, trunk_id = project.id, trunk.id
        await declare(uow)
    accounts = {kind: await _account(site, acting, kind, project_id, trunk_id) for kind in KINDS}
    async with site.database.unit_of_work(acting) as uow:
        imported, meeting_import = await _imports(uow)
        campaign, leads = await _campaign(uow, project_id, accounts)
    return Planted(accounts, worker, project_id, trunk_id, imported, meeting_import, campaign, leads)


async def _campaign(uow: UnitOfWork, project_id: int, accounts: dict[str, Account]) -> tuple[int, dict[str, int]]:
    """Make a campaign whose leads are the accounts, and whose script says all it can of them."""
    script = "{{ lead.name }} {{ lead.secret }} {{ contact.name }} {{ contact.city }} {{ organisation.name }} {{ lead.number }}"
    data = CampaignInput(project_id=project_id, name="Autumn", company="Acme", about="panels", script=script)
    made, leads = await campaigns.add_campaign(uow, data), dict[str, int]()
    for kind, account in accounts.items():
        lead = Lead(
            campaign_id=made.id,
            contact_id=account.contact,
            name=said(kind, "leadname"),
            fields={"secret": said(kind, "leadfield")},
            next_at=uow.now,
            created_at=uow.now,
            changed_at=uow.now,
        )
        uow.session.add(lead)
        await uow.session.flush()
        uow.session.add(LeadNumber(lead_id=lead.id, position=0, campaign_id=made.id, number=f"+48{SECRET_NUMBER[kind]}"))
        begun = {"campaign_id": made.id, "lead_id": lead.id}
        number = CALLS_FROM[kind]
        uow.session.add(
            LeadAttempt(
                id=account.call, number=number, mode="preview", state="over", outcome="talked", started_at=uow.now, **begun
            )
        )
        await uow.session.flush()
        terms = {"terms_on": uow.now.date(), "terms_how": "email", "terms_note": said(kind, "yesnote"), "terms_at": uow.now}
        uow.session.add(Confirmation(attempt_id=account.call, state="terms_sent", said_at=uow.now, **begun, **terms))
        leads[kind] = lead.id
    return made.id, leads


async def _account(site: Site, acting: Actor, kind: str, project_id: int, trunk_id: int) -> Account:
    number = CALLS_FROM[kind]
    async with site.database.unit_of_work(acting) as uow:
        firm = await contacts.create_organisation(uow, OrganisationInput(name=said(kind, "firm"), numbers=[]), "PL")
        firm.type, firm.note, firm.city = kind, said(kind, "firmnote"), said(kind, "firmcity")
        await uow.session.flush()
        numbers = [NumberInput(type="mobile", number=number), NumberInput(type="work", number=SECRET_NUMBER[kind])]
        data = ContactInput.model_validate(
            {
                "first_name": said(kind, "first"),
                "last_name": said(kind, "last"),
                "organisation": firm.name,
                "email": f"zv{kind}mail@example.com",
                "note": said(kind, "note"),
                "city": said(kind, "city"),
                "numbers": numbers,
            }
        )
        contact = await contacts.create_contact(uow, data, "PL")
        assert contact.type == kind
        await contacts.add_note(uow, contact.id, said(kind, "timeline"))
        found = Candidate(contact_id=contact.id, organisation_id=firm.id, name=contact.name, organisation=firm.name, rule="e164")
        call = Call(
            id=clock.new_id(),
            direction="inbound",
            state="ended",
            project_id=project_id,
            user_id=acting.id,
            contact_id=contact.id,
            organisation_id=firm.id,
            number=number,
            dialled=OURS,
            caller_name=said(kind, "sentname"),
            identification="matched",
            match=[found.model_dump()],
            note=said(kind, "callnote"),
            draft=said(kind, "calldraft"),
            started_at=uow.now,
            ended_at=uow.now,
            end_reason="completed",
        )
        uow.session.add(call)
        await uow.session.flush()
        await entries.write(uow, call)
        back = CallBack(
            call_id=call.id,
            project_id=project_id,
            contact_id=contact.id,
            number=number,
            owner_id=acting.id,
            missed_at=uow.now,
            note=said(kind, "backnote"),
        )
        mail = Mail(
            to_address=f"zv{kind}mail@example.com",
            subject=said(kind, "subject"),
            body=said(kind, "body"),
            about="phone_meeting",
            about_id="1",
            contact_id=contact.id,
            message_id=f"<{kind}@x>",
            state="failed",
            give_up_at=uow.now,
            error=said(kind, "mailerror"),
            created_at=uow.now,
        )
        uow.session.add_all([back, mail])
        await uow.session.flush()
        numbers_of = {"contact": contact.id, "organisation": firm.id, "call_back": back.id, "mail": mail.id}
        call_id = call.id
    async with site.database.unit_of_work() as uow:
        await dispatch(uow, TextReceived(trunk_id, f"SM{kind}", number, OURS, said(kind, "textbody")))
    async with site.database.unit_of_work(acting) as uow:
        theirs = await newest(uow, contact_id=numbers_of["contact"])
        text = next(each.data["text_id"] for each in theirs if each.kind == "text")
    async with site.database.unit_of_work(acting) as uow:
        meeting = await _meeting(uow, kind, project_id, numbers_of["contact"], acting.id)
        free = await _meeting(uow, kind, project_id, numbers_of["contact"], None)
    more = await letters(site, acting, kind, numbers_of["contact"], numbers_of["organisation"])
    async with site.database.reading(acting) as uow:
        version = (await contacts.get_contact(uow, numbers_of["contact"])).version
    return Account(
        kind=kind,
        contact=numbers_of["contact"],
        organisation=numbers_of["organisation"],
        call=call_id,
        call_back=numbers_of["call_back"],
        text=text,
        meeting=meeting,
        free_meeting=free,
        mail=numbers_of["mail"],
        version=version,
        firm=said(kind, "firm"),
        more=more,
    )


async def _meeting(uow: UnitOfWork, kind: str, project_id: int, contact_id: int, user_id: int | None) -> int:
    """Plan a meeting and change it, so that its history and the audit trail have words, too."""
    begin = clock.now() + HOUR
    given = {
        "number": CALLS_FROM[kind],
        "from_at": begin,
        "to_at": begin + HOUR,
        "project_id": project_id,
        "contact_id": contact_id,
        "user_id": user_id,
        "information": said(kind, "information"),
    }
    made = await meetings.plan(uow, MeetingInput.model_validate({**given, "name": said(kind, "before")}))
    change = MeetingChange.model_validate({**given, "name": said(kind, "meeting"), "version": made.version})
    return (await meetings.change(uow, made.id, change)).id


async def _imports(uow: UnitOfWork) -> tuple[int, int]:
    """Write a file of contacts and one of meetings that were read: any account may be in them."""
    words = " ".join(said(kind, "file") for kind in KINDS)
    both: dict[str, Any] = {
        "file_name": words,
        "state": "checked",
        "user_id": uow.actor.id,
        "header": ["Name"],
        "rejected": 1,
        "created_at": uow.now,
        "touched_at": uow.now,
    }
    made = Import(total=1, dry_run=True, **both)
    planned = MeetingImport(time_zone="Europe/Warsaw", **both)
    uow.session.add_all([made, planned])
    await uow.session.flush()
    error = "This row has too many cells."
    uow.session.add(ImportRow(import_id=made.id, line=2, data={"cells": [words]}, error=error, notice=words))
    uow.session.add(MeetingImportRow(import_id=planned.id, line=2, state="rejected", cells=[words], sentence=error))
    return made.id, planned.id
