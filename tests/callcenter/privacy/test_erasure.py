"""Erasing a person: nothing that says who they are is left in any table, and what counts calls stays."""

import pytest
from sqlalchemy import select

from callcenter import clock
from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg
from callcenter.campaigns import lead_imports, leads
from callcenter.campaigns.confirmation_models import Confirmation
from callcenter.campaigns.lead_columns import LeadMapping
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadDecision
from callcenter.contacts import consents, imports, index, merging, suppressions
from callcenter.contacts import service as contacts
from callcenter.contacts.bulk_models import ContactBulk, ContactBulkRow
from callcenter.contacts.consents import ConsentInput
from callcenter.contacts.filters import ContactFilter
from callcenter.contacts.forms import ContactInput
from callcenter.contacts.models import Contact
from callcenter.correspondence import service as correspondence
from callcenter.correspondence.service import Written
from callcenter.db import Base, Database
from callcenter.errors import Conflict, NotFound, NotPermitted
from callcenter.files import service as files
from callcenter.meetings.models import Meeting
from callcenter.phone import EndReason, LegEnded
from callcenter.privacy import erasure
from callcenter.privacy import service as privacy
from callcenter.texts import service as texts
from callcenter.tickets import comments, usual
from callcenter.tickets import service as tickets
from callcenter.tickets.forms import TicketAccountChange, TicketInput
from callcenter.tickets.models import TicketKind
from tests.callcenter.calls.floor import Floor
from tests.callcenter.campaigns import lists
from tests.callcenter.campaigns.test_lead_imports import added
from tests.callcenter.meetings.office import planned
from tests.callcenter.texts.conftest import add_sending_trunk

NUMBER = "+48601555001"
SECRETS = (
    "Zdzisława",
    "zdzislawa",
    "Wyjątkowska",
    "wyjatkowska",
    "601555001",
    "sekretna",
    "tajna",
    "wyjatkowy.example",
)
KEPT_ELSEWHERE = {"events", "alembic_version", "files", "file_parts"}  # live messages, gone within the hour; files: see below


async def everything(database: Database) -> dict[str, str]:
    """Return each table's rows as text."""
    async with database.reading() as uow:
        found = {}
        for table in Base.metadata.sorted_tables:
            found[table.name] = "\n".join(str(tuple(row)) for row in await uow.session.execute(select(table)))
        return found


async def live_through_all(office: Floor) -> int:
    """Let a customer be imported, call, be called, write, be written to, have a meeting; returns the contact's id."""
    content = f"Imię,Nazwisko,Telefon,E-mail,Notatka\nZdzisława,Wyjątkowska,{NUMBER},z@wyjatkowy.example,sekretna uwaga\n"
    await imports.run_import(office.database, office.people["sue"], content.encode(), "people.csv")
    async with office.database.reading() as uow:
        contact = (await uow.session.scalars(select(Contact).where(Contact.last_name == "Wyjątkowska"))).one()
    await office.do("sue", contacts.add_note, contact.id, "tajna notatka o Zdzisławie")
    await office.ready("anna")
    leg_id, call_id = await office.talk("anna", number=NUMBER, name="Zdzisława")
    await office.do("anna", calls.save_draft, call_id, "tajna rozmowa")
    await office.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    await office.do("anna", calls.set_disposition, call_id, None, "tajna rozmowa")
    await office.do("anna", calls.finish_wrap_up)
    await add_sending_trunk(office)
    await office.do("anna", texts.send_text, NUMBER, "tajna odpowiedź dla Zdzisławy", contact_id=contact.id)
    await planned(office, "sue", contact_id=contact.id, number=NUMBER, name="O Zdzisławie", information="sekretna sprawa")
    said = ConsentInput(
        channel="email", purpose="marketing", means="automatic", given=True, source="tajna ankieta", wording="sekretna"
    )
    await office.do("sue", consents.record, contact.id, said)
    await write_and_ask(office, contact.id)
    await be_a_lead(office)
    return contact.id


async def be_a_lead(office: Floor) -> None:
    """Let them be on two lists of a campaign, called from one, and left out of the other, with a note by a supervisor."""
    spring = await lists.campaign(office, "Wiosna")
    content = f"Imię;Nazwisko;Tel;Uwagi;Mail\nZdzisława;Wyjątkowska;{NUMBER};sekretna;z@wyjatkowy.example\n"
    await added(office, spring, content)
    again = await added(office, spring, content.replace(NUMBER, "601 555-001"))
    assert again.report["refused"] == {"duplicate": 1}
    async with office.database.unit_of_work(office.people["sue"]) as uow:
        (lead,) = await leads.take(uow, spring, 1)
        leads.decide(uow, lead.id, "dialled", number=NUMBER, attempt=1)
        attempt_id = clock.new_id()
        uow.session.add(
            LeadAttempt(
                id=attempt_id,
                campaign_id=spring,
                lead_id=lead.id,
                number=NUMBER,
                mode="preview",
                state="over",
                outcome="busy",
                started_at=uow.now,
                ended_at=uow.now,
            )
        )
        await uow.session.flush()
        yes = {"terms_note": "sekretna oferta", "end_note": "tajna teczka"}
        uow.session.add(Confirmation(attempt_id=attempt_id, lead_id=lead.id, campaign_id=spring, said_at=uow.now, **yes))
        lead.attempts, lead.outcome = 1, "busy"
        leads.put_off(uow, lead, uow.now, "delay", {"outcome": "busy"})
        made = await lead_imports.add_contacts(uow, spring, ContactFilter(), "Wyjątkowska", LeadMapping())
    await lead_imports.run(office.database, office.people["sue"], made.id)


async def write_and_ask(office: Floor, contact_id: int) -> None:
    """Let there be a ticket with a comment, a letter, an answer, a namesake merged into them, and a bulk action that refused."""
    office.database.settings = office.database.settings.model_copy(update={"smtp": "console", "smtp_from": "us@example.org"})
    async with office.database.unit_of_work() as uow:
        await usual.put(uow, "en")
        kind = (await uow.session.scalars(select(TicketKind))).first()
        assert kind is not None
    asked = TicketInput(title="tajna reklamacja Wyjątkowskiej", description="sekretna usterka", kind_id=kind.id)
    ticket = await office.do("anna", tickets.create, asked)
    await office.do("anna", tickets.set_account, ticket.id, TicketAccountChange(contact_id=contact_id))
    await office.do("anna", comments.add, ticket.id, "tajna uwaga: dzwoniła Zdzisława")
    letter = Written("email", "z@wyjatkowy.example", "tajna oferta", "Szanowna Pani Zdzisławo", key="k1")
    await office.do("anna", correspondence.send, contact_id, letter)
    same = ContactInput(first_name="Zdzisława", last_name="Wyjątkowska")
    namesake = await office.do("sue", contacts.create_contact, same, "PL")
    version = (await office.do("sue", contacts.get_contact, contact_id)).version
    wanted = merging.MergeInput(version=version, other_version=1)
    await office.do("sue", merging.merge, contact_id, namesake.id, wanted)
    async with office.database.unit_of_work() as uow:
        uow.session.add(ContactBulk(id=1, action="tag", created_at=uow.now, touched_at=uow.now, state="done"))
        await uow.session.flush()
        uow.session.add(ContactBulkRow(bulk_id=1, contact_id=contact_id, name="Zdzisława Wyjątkowska", sentence="No."))


async def test_nothing_that_says_who_it_was_is_left_in_any_table(office: Floor) -> None:
    contact_id = await live_through_all(office)
    before = await everything(office.database)
    assert sum(any(secret in rows for secret in SECRETS) for rows in before.values()) >= 10  # else this proves nothing
    await office.do("sue", privacy.erase, contact_id)
    await index.catch_up(office.database)  # the index of contacts follows a moment later
    after = await everything(office.database)
    left = {name: secret for name, rows in after.items() if name not in KEPT_ELSEWHERE for secret in SECRETS if secret in rows}
    assert left == {}
    with pytest.raises(NotFound):
        await office.do("sue", contacts.get_contact, contact_id)


async def test_calls_still_count_with_their_times_agent_and_project(office: Floor) -> None:
    contact_id = await live_through_all(office)
    (before,) = await office.all(Call)
    await office.do("sue", privacy.erase, contact_id)
    (after,) = await office.all(Call)
    for name in ("direction", "user_id", "project_id", "started_at", "answered_at", "ended_at", "talk_seconds", "end_reason"):
        assert getattr(after, name) == getattr(before, name)
    assert (after.number, after.contact_id, after.note, after.match) == ("", None, "", [])
    assert {leg.number for leg in await office.all(Leg)} == {""}
    (meeting,) = await office.all(Meeting)
    assert (meeting.state, meeting.number, meeting.information) == ("cancelled", "", "")


async def test_leads_still_count_and_are_called_no_more(office: Floor) -> None:
    contact_id = await live_through_all(office)
    await office.do("sue", privacy.erase, contact_id)
    (lead,) = await office.all(Lead)
    (attempt,) = await office.all(LeadAttempt)
    assert (lead.state, lead.refusal, lead.name, lead.fields, lead.attempts, lead.outcome) == (
        "refused",
        "erased",
        "",
        {},
        1,
        "busy",
    )
    assert (attempt.number, attempt.outcome, attempt.mode) == ("", "busy", "preview")
    assert [each.code for each in await office.all(LeadDecision)] == ["dialled", "delay", "erased"]


async def test_a_lead_without_a_contact_goes_with_the_number_that_is_theirs_alone(office: Floor) -> None:
    spring = await lists.campaign(office, "Wiosna")
    theirs, other = await lists.lead(office, spring, NUMBER), await lists.lead(office, spring, "+48601555002")
    contact_id = await office.add_contact("Jan", NUMBER)
    await office.do("sue", privacy.erase, contact_id)
    assert [(await lists.row(office, each)).state for each in (theirs, other)] == ["refused", "waiting"]


async def test_nobody_is_erased_while_a_campaign_calls_them(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    await lists.lead(office, await lists.campaign(office, "Wiosna"), NUMBER, contact_id=contact_id, state="dialling")
    with pytest.raises(Conflict, match="in progress"):
        await office.do("sue", privacy.erase, contact_id)


async def test_a_number_somebody_else_has_too_keeps_their_calls(office: Floor) -> None:
    first, second = await office.add_contact("Jan", NUMBER), await office.add_contact("Ewa", NUMBER)
    await office.ready("anna")
    leg_id, call_id = await office.talk("anna", number=NUMBER)
    await office.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    await office.do("anna", calls.change_match, call_id, second)
    await office.do("sue", privacy.erase, first)
    (call,) = await office.all(Call)
    assert (call.number, call.contact_id) == (NUMBER, second)
    async with office.database.reading() as uow:
        assert await suppressions.suppressed(uow, [suppressions.number_token(uow, NUMBER)], suppressions.ERASED) == set()


async def test_nobody_is_erased_during_a_call_or_by_who_may_not(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    with pytest.raises(NotPermitted):
        await office.do("anna", privacy.erase, contact_id)
    await office.ready("anna")
    leg_id, _ = await office.talk("anna", number=NUMBER)
    with pytest.raises(Conflict, match="in progress"):
        await office.do("sue", privacy.erase, contact_id)
    await office.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    await office.do("sue", privacy.erase, contact_id)


async def test_the_avatar_goes_too(office: Floor) -> None:
    contact_id = await office.add_contact("Jan", NUMBER)
    picture = await files.store(office.database, office.people["anna"], "jan.png", b"\x89PNG\r\n\x1a\n")
    async with office.database.unit_of_work(office.people["anna"]) as uow:
        await files.attach(uow, picture.id)
        (await uow.session.get_one(Contact, contact_id)).avatar_id = picture.id
    await office.do("sue", privacy.erase, contact_id)
    assert await files.whole(office.database, picture.id) == b""


def test_every_table_that_refers_to_contacts_is_looked_after() -> None:
    referring = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "contacts" and key.ondelete != "CASCADE"
    }
    assert referring <= erasure.COVERED, "erasure.py has no step for these"


async def test_an_erased_person_is_remembered_only_as_tokens(office: Floor) -> None:
    contact_id = await live_through_all(office)
    await office.do("sue", privacy.erase, contact_id)
    async with office.database.reading() as uow:
        tokens = [suppressions.number_token(uow, NUMBER), suppressions.email_token(uow, "Z@Wyjatkowy.example")]
        assert await suppressions.suppressed(uow, tokens, suppressions.ERASED) == set(tokens)


async def test_nobody_can_dial_erased_rows(office: Floor) -> None:
    contact_id = await live_through_all(office)
    await office.do("sue", privacy.erase, contact_id)
    (call,) = await office.all(Call)
    shown = await office.do("sue", calls.get_call, call.id)
    assert (shown.number, shown.contact_id) == ("", None)
