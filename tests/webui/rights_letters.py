"""More that is kept of a planted account: tickets, letters, files, pictures, pairs, reports of what was done to many."""

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from callcenter.actor import Actor
from callcenter.contacts import (
    avatars,
    consents,
    corrections,
    custom_fields,
    dictionaries,
    organisations,
)
from callcenter.contacts import service as contacts
from callcenter.contacts.bulk_models import ContactBulk, ContactBulkRow
from callcenter.contacts.exports import KEPT
from callcenter.contacts.forms import ContactInput, OrganisationInput
from callcenter.contacts.import_models import ContactMerge, DuplicatePair, Export
from callcenter.correspondence import entries
from callcenter.correspondence.models import Draft, Email, EmailCandidate, EmailFile
from callcenter.db import UnitOfWork
from callcenter.files import service as files
from callcenter.tickets import attachments, comments, settings, usual
from callcenter.tickets import service as tickets
from callcenter.tickets.forms import TicketChange, TicketInput, TicketStateChange
from tests.webui.conftest import Site
from tests.webui.rights_words import said

GONE = {"customer": 700_001, "partner": 700_002}  # ids of contacts merged away
_FIELD = "planted"


@dataclass(frozen=True, slots=True)
class Letters:
    """The ids of it."""

    ticket: int
    firm_ticket: int
    comment: int
    ticket_file: int
    ticket_version: int
    kind_id: int
    state_id: int  # one the ticket may be put into
    came: int
    sent: int
    fax: int
    asking: int  # an e-mail that may be this contact's or another's of the kind
    email_file: int
    note: int
    firm_note: int
    other: int  # another contact of the kind, who may be the same person
    other_version: int
    other_firm: int
    firm_version: int
    other_firm_version: int
    bulk: int
    export: int
    gone: int


def picture() -> bytes:
    """Return a picture as a browser sends it."""
    drawn = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(drawn, "PNG")
    return drawn.getvalue()


async def declare(uow: UnitOfWork) -> None:
    """Declare what the accounts need of the house: kinds and states of tickets, a field, a tag."""
    await usual.put(uow, "en")
    await custom_fields.add_field(uow, custom_fields.CustomFieldInput(name="Planted", kind="text", key=_FIELD))
    await dictionaries.add_entry(uow, "tag", "Planted tag")


async def letters(site: Site, acting: Actor, kind: str, contact_id: int, firm_id: int) -> Letters:
    """Write all of it for a contact and its organisation."""
    database = site.database
    await avatars.store(database, acting, contact_id, picture())
    stored = [
        await files.store(database, acting, said(kind, name), said(kind, "inside").encode())
        for name in ("ticketfile", "emailfile", "exportfile")
    ]
    async with database.unit_of_work(acting) as uow:
        found = await _tickets(uow, kind, contact_id, firm_id, stored[0].id)
        found |= await _emails(uow, kind, contact_id, stored[1].id)
        found |= await _timeline(uow, kind, contact_id, firm_id)
        found |= await _others(uow, kind, contact_id)
        found |= await _done(uow, kind, contact_id, stored[2].id)
    async with database.reading(acting) as uow:
        found["other_version"] = (await contacts.get_contact(uow, found["other"])).version
        found["firm_version"] = (await organisations.get_organisation(uow, firm_id)).version
        found["other_firm_version"] = (await organisations.get_organisation(uow, found["other_firm"])).version
        found["ticket_version"] = (await tickets.get(uow, found["ticket"])).version
    return Letters(gone=GONE[kind], **found)


async def _tickets(uow: UnitOfWork, kind: str, contact_id: int, firm_id: int, file_id: int) -> dict[str, int]:
    kinds = await settings.list_kinds(uow)
    given: dict[str, Any] = {"kind_id": kinds[0].id, "description": said(kind, "ticketwords"), "assignee_id": uow.actor.id}
    made = await tickets.create(uow, TicketInput(title=said(kind, "ticketbefore"), contact_id=contact_id, **given))
    change = TicketChange(title=said(kind, "ticket"), version=made.version, **given)
    await tickets.update(uow, made.id, change)
    comment = await comments.add(uow, made.id, said(kind, "comment"))
    await attachments.attach(uow, made.id, file_id)
    states = (await tickets.get(uow, made.id)).next_states
    await tickets.set_state(uow, made.id, TicketStateChange(state_id=states[0].id))
    then = (await tickets.get(uow, made.id)).next_states
    of_firm = await tickets.create(uow, TicketInput(title=said(kind, "firmticket"), organisation_id=firm_id, kind_id=kinds[0].id))
    return {
        "ticket": made.id,
        "firm_ticket": of_firm.id,
        "comment": comment.id,
        "ticket_file": file_id,
        "kind_id": kinds[0].id,
        "state_id": then[0].id,
    }


async def _emails(uow: UnitOfWork, kind: str, contact_id: int, file_id: int) -> dict[str, int]:
    plain: dict[str, Any] = {
        "address": f"zv{kind}mail@example.com",
        "name": said(kind, "sender"),
        "subject": said(kind, "mailsubject"),
        "text": said(kind, "mailtext"),
        "created_at": uow.now,
    }
    came = Email(outbound=False, contact_id=contact_id, state="received", digest=f"{kind}1", **plain)
    sent = Email(outbound=True, contact_id=contact_id, state="failed", error=said(kind, "why"), user_id=uow.actor.id, **plain)
    faxed = plain | {"address": "+48226667788"}
    fax = Email(channel="fax", outbound=True, contact_id=contact_id, state="sent", user_id=uow.actor.id, **faxed)
    asking = Email(outbound=False, contact_id=None, state="received", digest=f"{kind}2", **plain)
    uow.session.add_all([came, sent, fax, asking])
    await uow.session.flush()
    await files.attach(uow, file_id)
    uow.session.add(EmailFile(email_id=came.id, file_id=file_id))
    uow.session.add(EmailCandidate(email_id=asking.id, contact_id=contact_id))
    words = {"subject": said(kind, "draftsubject"), "text": said(kind, "drafttext")}
    uow.session.add(Draft(user_id=uow.actor.id, contact_id=contact_id, channel="email", data=words, updated_at=uow.now))
    for each in (came, sent, fax):
        await entries.write(uow, each, 1 if each is came else 0)
    return {"came": came.id, "sent": sent.id, "fax": fax.id, "asking": asking.id, "email_file": file_id}


async def _timeline(uow: UnitOfWork, kind: str, contact_id: int, firm_id: int) -> dict[str, int]:
    note = await contacts.add_note(uow, contact_id, said(kind, "notebefore"))
    await corrections.correct(uow, note.id, said(kind, "noteafter"), note.version)
    firm_note = await organisations.add_note(uow, firm_id, said(kind, "firmtimeline"))
    given = consents.ConsentInput(
        channel="email",
        purpose="marketing",
        means="person",
        given=True,
        source=said(kind, "source"),
        wording=said(kind, "wording"),
    )
    await consents.record(uow, contact_id, given)
    return {"note": note.id, "firm_note": firm_note.id}


async def _others(uow: UnitOfWork, kind: str, contact_id: int) -> dict[str, int]:
    firm = OrganisationInput.model_validate({"name": said(kind, "otherfirm"), "type": kind})
    other_firm = await organisations.create_organisation(uow, firm, "PL")
    given: dict[str, Any] = {
        "first_name": said(kind, "otherfirst"),
        "last_name": said(kind, "otherlast"),
        "type": kind,
        "tags": ["Planted tag"],
    }
    given |= {"custom": {_FIELD: said(kind, "custom")}}
    other = await contacts.create_contact(uow, ContactInput.model_validate(given), "PL")
    uow.session.add(DuplicatePair(first_id=contact_id, second_id=other.id, reason="name", scan=1))
    uow.session.add(ContactMerge(loser_id=GONE[kind], survivor_id=contact_id, user_id=uow.actor.id, merged_at=uow.now))
    return {"other": other.id, "other_firm": other_firm.id}


async def _done(uow: UnitOfWork, kind: str, contact_id: int, file_id: int) -> dict[str, int]:
    """Write the report of something done to many, and an export."""
    bulk = ContactBulk(
        user_id=uow.actor.id,
        action="tag",
        value={},
        query=said(kind, "bulkquery"),
        state="done",
        created_at=uow.now,
        touched_at=uow.now,
        total=1,
        refused=1,
    )
    export = Export(
        user_id=uow.actor.id,
        state="done",
        format="csv",
        wanted={"filter": said(kind, "exportfilter")},
        rows=1,
        file_id=file_id,
        created_at=uow.now,
        touched_at=uow.now,
        finished_at=uow.now,
        expires_at=uow.now + KEPT,
    )
    uow.session.add_all([bulk, export])
    await files.attach(uow, file_id)
    await uow.session.flush()
    why = "There is already an organisation {name}."
    row = {"name": said(kind, "bulkname"), "sentence": why, "values": {"name": said(kind, "bulkwhy")}}
    uow.session.add(ContactBulkRow(bulk_id=bulk.id, contact_id=contact_id, **row))
    return {"bulk": bulk.id, "export": export.id}
