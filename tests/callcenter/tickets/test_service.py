"""Tickets: made, changed, moved, assigned, commented; who sees them; and what is refused."""

import asyncio
import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import select, update

from callcenter import clock
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact
from callcenter.contacts.timeline import newest
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, NotPermitted
from callcenter.files import service as files
from callcenter.files.models import File
from callcenter.inbox import StoredEvent
from callcenter.jobs import Job
from callcenter.privacy import erasure, export
from callcenter.scheduler import Scheduler
from callcenter.tickets import attachments, bulk, comments, service
from callcenter.tickets.changes import ChangedMeanwhile
from callcenter.tickets.forms import TicketAccountChange, TicketChange, TicketFilter, TicketInput, TicketOut
from callcenter.tickets.models import Ticket, TicketTerm
from callcenter.tickets.service import BelongsToAnother
from callcenter.users.models import AuditEntry, User
from tests.callcenter.tickets.conftest import Office

HOUR = dt.timedelta(hours=1)


def change_of(ticket: TicketOut, **fields: Any) -> TicketChange:
    kept = {name: getattr(ticket, name) for name in TicketChange.model_fields}
    return TicketChange.model_validate({**kept, **fields})


async def notices(office: Office, who: str) -> list[str]:
    async with office.database.reading() as uow:
        query = select(StoredEvent).where(StoredEvent.user_id == office.people[who].id, StoredEvent.type == "notice")
        return [each.data["sentence"] for each in await uow.session.scalars(query.order_by(StoredEvent.seq))]


async def timeline(office: Office, name: str) -> list[tuple[str, str]]:
    entries = await office.do("anna", newest, contact_id=office.contacts[name])
    return [(each.data["event"], each.data["title"]) for each in reversed(entries) if each.kind == "ticket"]


async def test_a_ticket_from_its_making_to_its_end(office: Office) -> None:
    due = clock.now() + HOUR
    made = await office.ticket(title="Broken kettle", contact_id=office.contacts["Jan"], priority="high", due_at=due)
    assert (made.state, made.open, made.priority, made.contact, made.author) == ("New", True, "high", "Jan", "Anna")
    await office.do("piotr", comments.add, made.id, "Asked for a photograph.")
    moved = await office.move("piotr", made.id, "In progress", "New")
    ended = await office.move("anna", made.id, "Settled")
    assert (moved.open, ended.open) == (True, False)
    assert ended.ended_at is not None
    whole = await office.do("anna", service.get, made.id)
    assert [each.kind for each in whole.history] == ["state", "state", "comment", "created"]
    assert whole.history[1].data["changes"] == {"state": ["New", "In progress"]}
    assert [each.name for each in whole.next_states] == ["In progress", "Closed"]
    assert await timeline(office, "Jan") == [(event, "Broken kettle") for event in ("created", "comment", "state", "closed")]
    again = await office.move("anna", made.id, "In progress")
    assert (again.open, again.ended_at) == (True, None)
    async with office.database.reading() as uow:
        actions = set(await uow.session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "ticket")))
    assert actions == {"ticket.created", "ticket.commented", "ticket.state"}


async def test_a_step_that_is_not_allowed_is_refused_and_says_so(office: Office) -> None:
    made = await office.ticket()
    await office.move("anna", made.id, "Closed")
    with pytest.raises(Conflict, match="From Closed a ticket of this kind cannot be put into New"):
        await office.move("anna", made.id, "New")
    with pytest.raises(Conflict, match="in the state Closed already"):
        await office.move("anna", made.id, "Closed")


async def test_of_two_who_change_the_state_at_once_the_second_is_told(office: Office) -> None:
    made = await office.ticket()

    async def move(who: str, state: str) -> str:
        try:
            return (await office.move(who, made.id, state, "New")).state
        except Conflict as error:
            return str(error)

    results = await asyncio.gather(move("anna", "In progress"), move("piotr", "Closed"))
    assert sum(each in ("In progress", "Closed") for each in results) == 1
    assert sum("meanwhile" in each for each in results) == 1


async def test_of_two_who_save_the_second_is_told_what_the_first_changed(office: Office) -> None:
    made = await office.ticket()
    await office.do("anna", service.update, made.id, change_of(made, title="Broken lid"))
    with pytest.raises(ChangedMeanwhile) as refused:
        await office.do("piotr", service.update, made.id, change_of(made, description="Blue"))
    assert (refused.value.by, refused.value.changes) == ("Anna", {"title": ["Broken kettle", "Broken lid"]})
    read = await office.do("piotr", service.get, made.id)
    await office.move("anna", made.id, "In progress")  # nothing the form holds
    saved = await office.do("piotr", service.update, made.id, change_of(read, description="Blue"))
    assert (saved.title, saved.description, saved.state) == ("Broken lid", "Blue", "In progress")


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", "🔥🔥", "\u202eشكوى", 'O\'Brien & "Sons"', "ż" * 200, "'; DROP TABLE tickets; --"]
)
async def test_titles_of_all_sorts_are_kept_as_they_are(office: Office, title: str) -> None:
    made = await office.ticket(title=title)
    assert (await office.do("anna", service.get, made.id)).title == title
    assert [each.id for each in await office.do("anna", service.search, f"#{made.id}")] == [made.id]


@pytest.mark.parametrize("title", ["", "  ", "\u200f\u200b", "\x00\x01"])
async def test_a_title_nobody_can_read_is_refused(office: Office, title: str) -> None:
    with pytest.raises(Invalid) as refused:
        await office.ticket(title=title)
    assert refused.value.field == "title"


async def test_a_title_of_300_characters_is_too_long() -> None:
    with pytest.raises(ValidationError):
        TicketInput(title="x" * 300, kind_id=1)


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("due_at", {"due_at": "2020-01-01T10:00:00Z"}),
        ("due_at", {"due_at": "9999-12-31T23:59:59-12:00"}),
        ("kind_id", {"kind_id": 999}),
        ("contact_id", {"contact_id": 999}),
        ("organisation_id", {"organisation_id": 999}),
        ("assignee_id", {"assignee_id": 999}),
    ],
)
async def test_what_cannot_be_is_refused_with_the_field(office: Office, field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        await office.ticket(**fields)
    assert refused.value.field == field


async def test_a_due_time_that_passed_may_stay_but_no_new_one_be_set(office: Office) -> None:
    made = await office.ticket(due_at=clock.now() + HOUR)
    clock.shift(7200)
    saved = await office.do("anna", service.update, made.id, change_of(made, title="Lid"))
    assert (saved.title, saved.overdue) == ("Lid", True)
    with pytest.raises(Invalid):
        await office.do("anna", service.update, made.id, change_of(saved, due_at=clock.now() - HOUR))


async def test_only_who_may_see_the_contact_sees_the_ticket(office: Office) -> None:
    of_customer = await office.ticket(contact_id=office.contacts["Jan"], title="Kettle one")
    of_partner = await office.ticket(contact_id=office.contacts["Olga"], title="Kettle two")
    nobodys = await office.ticket(title="Kettle three")

    async def seen(who: str) -> set[int]:
        listed = {each.id for each in (await office.do(who, service.list_tickets, TicketFilter())).items}
        found = {each.id for each in await office.do(who, service.search, "kettle")}
        opened = set()
        for each in (of_customer, of_partner, nobodys):
            try:
                opened.add((await office.do(who, service.get, each.id)).id)
            except NotFound:
                continue
        assert listed == found == opened
        return listed

    assert await seen("anna") == await seen("sofia") == {of_customer.id, of_partner.id, nobodys.id}
    assert await seen("paula") == {of_partner.id, nobodys.id}
    assert await seen("noor") == {nobodys.id}
    with pytest.raises(NotFound):
        await office.do("paula", comments.add, of_customer.id, "Let me in")
    with pytest.raises(NotFound):
        await office.move("paula", of_customer.id, "Closed")
    assert await office.do("paula", service.of_contact, office.contacts["Jan"]) == []


async def test_a_ticket_whose_contact_was_deleted_is_for_who_sees_all_accounts_and_has_to_do_with_it(office: Office) -> None:
    """S17 without the contact's type: a role in the house opens no account, and no more does having been given the ticket."""
    jans = await office.ticket("anna", contact_id=office.contacts["Jan"])
    olgas = await office.ticket("anna", contact_id=office.contacts["Olga"], assignee_id=office.people["paula"].id)
    async with office.database.unit_of_work() as uow:
        for name in ("Jan", "Olga"):
            await uow.session.delete(await uow.session.get_one(Contact, office.contacts[name], options=[]))
    all_of_both = {"anna": True, "sofia": True, "piotr": False, "paula": False, "pola": False, "noor": False}
    for who, allowed in all_of_both.items():
        page = await office.do(who, service.list_tickets, TicketFilter())
        assert sorted(each.id for each in page.items) == [jans.id, olgas.id] * allowed, who
        if not allowed:
            with pytest.raises(NotFound):
                await office.do(who, service.get, olgas.id)
    await office.do("anna", comments.add, olgas.id, "Monday")
    assert await notices(office, "paula") == ["{name} gave you the ticket {ticket}."], "not of the comment"


async def test_whose_contact_the_assignee_may_not_see_cannot_be_theirs(office: Office) -> None:
    paula = office.people["paula"].id
    with pytest.raises(Invalid, match="Paula may not see") as refused:
        await office.ticket(contact_id=office.contacts["Jan"], assignee_id=paula)
    assert refused.value.field == "assignee_id"
    hers = await office.ticket(contact_id=office.contacts["Olga"], assignee_id=paula)
    with pytest.raises(Invalid, match="Paula may not see"):
        await office.do("anna", service.set_account, hers.id, TicketAccountChange(contact_id=office.contacts["Jan"], move=True))
    assert (await office.do("anna", service.get, hers.id)).contact == "Olga"


async def test_nobody_gives_a_ticket_to_who_is_deactivated(office: Office) -> None:
    async with office.database.unit_of_work() as uow:
        await uow.session.execute(update(User).where(User.login == "piotr").values(disabled_at=uow.now))
    with pytest.raises(Invalid, match="deactivated") as refused:
        await office.ticket(assignee_id=office.people["piotr"].id)
    assert refused.value.field == "assignee_id"


async def test_a_ticket_moves_to_another_contact_only_when_that_is_said_and_leaves_its_past(office: Office) -> None:
    made = await office.ticket(title="Kettle")
    jan, ewa = office.contacts["Jan"], office.contacts["Ewa"]
    await office.do("anna", service.set_account, made.id, TicketAccountChange(contact_id=jan))
    await office.do("anna", comments.add, made.id, "Called him")
    with pytest.raises(BelongsToAnother, match="belongs to Jan"):
        await office.do("anna", service.set_account, made.id, TicketAccountChange(contact_id=ewa))
    moved = await office.do("anna", service.set_account, made.id, TicketAccountChange(contact_id=ewa, move=True))
    assert moved.contact == "Ewa"
    assert [event for event, _ in await timeline(office, "Jan")] == ["assigned", "comment", "unassigned"]
    assert [event for event, _ in await timeline(office, "Ewa")] == ["assigned"]
    free = await office.do("anna", service.set_account, made.id, TicketAccountChange())
    assert (free.contact_id, free.organisation_id) == (None, None)
    assert len((await office.do("noor", service.list_tickets, TicketFilter())).items) == 1


async def test_the_history_does_not_name_a_contact_one_may_not_see(office: Office) -> None:
    made = await office.ticket(contact_id=office.contacts["Jan"])
    wanted = TicketAccountChange(contact_id=office.contacts["Olga"], move=True)
    await office.do("anna", service.set_account, made.id, wanted)
    for who, said in (("anna", ["Jan", "Olga"]), ("paula", ["?", "Olga"])):
        whole = await office.do(who, service.get, made.id)
        assert whole.history[0].data["changes"] == {"contact": said}, who


async def test_an_organisations_tickets_are_its_own_and_its_contacts(office: Office) -> None:
    async with office.database.reading(office.people["anna"]) as uow:
        firm = (await contacts.get_contact(uow, office.contacts["Zofia"])).organisation_id
    assert firm is not None
    own = await office.ticket(organisation_id=firm)
    of_contact = await office.ticket(contact_id=office.contacts["Zofia"], organisation_id=firm)
    await office.ticket(contact_id=office.contacts["Jan"])
    assert own.organisation == of_contact.organisation == "Mill"
    found = await office.do("anna", service.of_organisation, firm)
    assert [each.id for each in found] == [of_contact.id, own.id]
    assert await office.do("noor", service.of_organisation, firm) == []
    with pytest.raises(Invalid, match="is its contact's"):
        await office.ticket(contact_id=office.contacts["Jan"], organisation_id=firm)


async def test_a_comment_is_put_right_by_who_wrote_it_and_keeps_the_old_text(office: Office) -> None:
    made = await office.ticket(assignee_id=office.people["piotr"].id)
    said = await office.do("anna", comments.add, made.id, "Monday")
    with pytest.raises(NotPermitted):
        await office.do("sofia", comments.correct, made.id, said.id, "Friday")
    fixed = await office.do("anna", comments.correct, made.id, said.id, "Tuesday")
    assert (fixed.text, [each["text"] for each in fixed.before]) == ("Tuesday", ["Monday"])
    for text in ("", " \n ", "x" * 20_001):
        with pytest.raises(Invalid):
            await office.do("anna", comments.add, made.id, text)
    other = await office.ticket()
    with pytest.raises(NotFound):
        await office.do("anna", comments.correct, other.id, said.id, "Elsewhere")
    assert await notices(office, "piotr") == ["{name} gave you the ticket {ticket}.", "{name} commented on your ticket {ticket}."]
    assert await notices(office, "anna") == []


async def test_whose_ticket_is_due_is_reminded_once(office: Office) -> None:
    made = await office.ticket(due_at=clock.now() + HOUR, assignee_id=office.people["anna"].id)
    ended = await office.ticket(due_at=clock.now() + HOUR, assignee_id=office.people["anna"].id)
    await office.move("anna", ended.id, "Settled")
    scheduler = Scheduler(office.database)
    await scheduler.run_due()
    assert await notices(office, "anna") == []
    clock.shift(3700)
    await scheduler.run_due()
    await scheduler.run_due()
    assert await notices(office, "anna") == ["Your ticket {ticket} is due."]
    read = await office.do("anna", service.get, made.id)
    assert (read.overdue, read.history[0].kind) == (True, "reminder")
    await office.do("anna", service.update, made.id, change_of(read, due_at=clock.now() + HOUR))
    clock.shift(9000)
    await scheduler.run_due()
    assert len(await notices(office, "anna")) == 2
    assert [each.id for each in await office.do("anna", service.my_due, clock.now())] == [made.id]


async def test_a_deleted_ticket_takes_everything_with_it(office: Office) -> None:
    made = await office.ticket(contact_id=office.contacts["Jan"], due_at=clock.now() + HOUR)
    file = await files.store(office.database, office.people["anna"], "../../etc/pass wd.txt", b"text")
    attached = await office.do("anna", attachments.attach, made.id, file.id)
    assert (attached.name, attached.media_type, attached.size) == ("pass wd.txt", "text/plain", 4)
    with pytest.raises(NotFound):
        await office.do("noor", attachments.file_of, made.id, file.id)
    with pytest.raises(NotPermitted):
        await office.do("piotr", attachments.detach, made.id, file.id)
    with pytest.raises(NotPermitted):
        await office.do("anna", service.remove, made.id)
    await office.do("sofia", service.remove, made.id)
    async with office.database.reading() as uow:
        for table in (Ticket, TicketTerm, File):
            assert await uow.session.scalar(select(table).limit(1)) is None, table
        assert await uow.session.scalar(select(Job).where(Job.kind == "ticket_due")) is None
    assert [event for event, _ in await timeline(office, "Jan")] == ["created"]


async def test_of_many_those_that_can_change_do_and_each_other_one_says_why(office: Office) -> None:
    fresh, closed = await office.ticket(title="Fresh"), await office.ticket(title="Closed one")
    hidden = await office.ticket(contact_id=office.contacts["Jan"])
    await office.move("anna", closed.id, "Closed")
    ids = [closed.id, fresh.id, fresh.id, 999_999, hidden.id]
    report = await bulk.set_state(office.database, office.people["paula"], ids, office.states["In progress"])
    assert report.changed == [fresh.id]
    assert [(each.id, each.title) for each in report.refused] == [(closed.id, "Closed one"), (999_999, ""), (hidden.id, "")]
    assert report.refused[0].values == {"before": "Closed", "state": "In progress"}
    assert report.refused[1].sentence == report.refused[2].sentence == "There is no such ticket."
    with pytest.raises(Invalid, match="At most 1000"):
        await bulk.set_state(office.database, office.people["anna"], list(range(1, 10_001)), office.states["Closed"])
    with pytest.raises(Invalid, match="at least one"):
        await bulk.set_state(office.database, office.people["anna"], [], office.states["Closed"])
    with pytest.raises(Invalid, match="no such state"):
        await bulk.set_state(office.database, office.people["anna"], [fresh.id], 999)


async def test_more_than_one_step_of_many_are_all_changed(office: Office) -> None:
    ids = [(await office.ticket(title=f"Ticket {n}")).id for n in range(bulk.STEP + 3)]
    report = await bulk.set_state(office.database, office.people["anna"], ids, office.states["Settled"])
    assert (report.changed, report.refused) == (ids, [])


async def test_many_are_given_away_and_put_off_at_once(office: Office) -> None:
    jans, free = await office.ticket(contact_id=office.contacts["Jan"]), await office.ticket()
    anna, paula = office.people["anna"], office.people["paula"]
    report = await bulk.assign(office.database, anna, [jans.id, free.id], paula.id)
    assert (report.changed, [each.id for each in report.refused]) == ([free.id], [jans.id])
    assert "may not see" in report.refused[0].sentence
    assert await notices(office, "paula") == ["{name} gave you the ticket {ticket}."]
    due = clock.now() + HOUR
    report = await bulk.set_due(office.database, anna, [jans.id, free.id], due)
    assert report.changed == [jans.id, free.id]
    assert (await office.do("anna", service.get, jans.id)).due_at == due
    report = await bulk.set_due(office.database, anna, [jans.id], None)
    assert (await office.do("anna", service.get, jans.id)).due_at is None
    with pytest.raises(Invalid, match="over already"):
        await bulk.set_due(office.database, anna, [jans.id], clock.now() - HOUR)


async def test_every_error_of_a_service_is_one_a_person_can_read(office: Office) -> None:
    with pytest.raises(CallCenterError, match="no such ticket"):
        await office.do("anna", service.get, 12345)


async def test_the_tickets_of_a_person_who_is_erased_say_nothing_any_more(office: Office) -> None:
    jan = office.contacts["Jan"]
    made = await office.ticket(title="Wyjatkowy kettle", contact_id=jan, description="Of Jan", due_at=clock.now() + HOUR)
    file = await files.store(office.database, office.people["anna"], "jan.txt", b"about Jan")
    await office.do("anna", attachments.attach, made.id, file.id)
    await office.do("anna", comments.add, made.id, "Jan called")
    known = await office.do("sofia", export.export, jan)
    assert {"tickets", "ticket_comments", "ticket_log", "ticket_files", "files"} <= set(known["data"])
    await office.do("sofia", erasure.erase, jan)
    left = await office.do("sofia", service.get, made.id)
    assert (left.title, left.description, left.contact, left.kind) == (erasure.NAMELESS, "", "", "Complaint")
    assert (left.comments, left.files, left.history, left.due_at) == ([], [], [], None)
    assert await office.do("sofia", service.search, "wyjatkowy") == []
    with pytest.raises(NotFound):
        await office.do("pola", service.get, made.id)
    assert (await office.do("piotr", service.list_tickets, TicketFilter())).items == []


async def test_an_assignee_who_may_no_longer_see_whose_it_is_hears_no_word_of_it(office: Office) -> None:
    made = await office.ticket(contact_id=office.contacts["Jan"], assignee_id=office.people["piotr"].id)
    async with office.database.unit_of_work() as uow:
        (await uow.session.get_one(User, office.people["piotr"].id)).accounts = []
    await office.do("anna", comments.add, made.id, "Monday")
    assert await notices(office, "piotr") == ["{name} gave you the ticket {ticket}."]
