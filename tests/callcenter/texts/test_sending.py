"""A consultant sends a text message, and hears what became of it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput
from callcenter.errors import CallCenterError, Conflict, Invalid, NotFound, Unavailable
from callcenter.jobs import Job
from callcenter.phone import LinkDown, LinkUp, SendText, Snapshot, SwitchDraining, TextStatus
from callcenter.projects.models import Project
from callcenter.projects.service import ProjectInput, add_project, set_members
from callcenter.texts import service as texts
from callcenter.texts.events import TextDelivery
from callcenter.texts.models import TextMessage
from callcenter.trunks.models import Trunk
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import ADMIN, CALLER, DIALLED, Floor
from tests.callcenter.texts.conftest import MOBILE, add_sending_trunk


async def send(floor: Floor, text: str = "Dzień dobry", number: str = CALLER, who: str = "anna", **more: Any) -> Any:
    return await floor.do(who, texts.send_text, number, text, **more)


async def test_a_message_is_written_down_sent_and_on_the_timeline(floor: Floor, sender: int) -> None:
    contact_id = await floor.add_contact("Jan")
    made = await send(floor, number="601 234 567")
    assert floor.sent(SendText) == [SendText(made.id, sender, DIALLED, CALLER, "Dzień dobry")]
    (line,) = await floor.timeline(contact_id)
    assert (line.kind, line.text, line.data["state"], line.data["direction"]) == ("text", "Dzień dobry", "queued", "outbound")
    assert (made.contact, made.project, made.own_number_shown, made.segments) == ("Jan", "Sales", "+48 22 123 45 67", 1)
    assert [each.action for each in await floor.all(AuditEntry)][-1] == "text.sent"
    assert "Dzień" not in str([each.detail for each in await floor.all(AuditEntry)])


async def test_its_state_changes_in_place_and_live(floor: Floor, sender: int) -> None:
    contact_id = await floor.add_contact("Jan")
    made = await send(floor)
    await floor.event(TextStatus(made.id, "delivered", "SM1"))
    await floor.event(TextStatus(made.id, "sent", "SM1"))
    await floor.event(TextStatus(made.id, "failed", "SM1", 30001, "late"))
    (line,) = await floor.timeline(contact_id)
    assert (line.data["state"], line.data["code"]) == ("delivered", None)
    (row,) = await floor.all(TextMessage)
    assert (row.state, row.provider_ref) == ("delivered", "SM1")
    assert [each.state for each in floor.said(TextDelivery, "anna")] == ["queued", "delivered"]
    assert floor.said(TextDelivery, "bob") == []


async def test_the_carriers_words_are_kept(floor: Floor, sender: int) -> None:
    contact_id = await floor.add_contact("Jan")
    made = await send(floor)
    await floor.event(TextStatus(made.id, "undelivered", "SM1", 30003, "Unreachable destination handset"))
    (line,) = await floor.timeline(contact_id)
    assert (line.data["state"], line.data["code"], line.data["error"]) == (
        "undelivered",
        30003,
        "Unreachable destination handset",
    )


async def test_news_of_a_message_nobody_knows_changes_nothing(floor: Floor, sender: int) -> None:
    await floor.event(TextStatus("0" * 32, "delivered", "SM1"))
    assert await floor.all(TextMessage) == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("112", "emergency"),
        ("+48 112", "emergency"),
        ("997", "emergency"),
        ("1234", "short"),
        ("+48 701 234 567", "premium"),
        ("+44 7400 123456", "is in GB"),
        ("+48 60", "not a telephone number"),
        ("", "Type a telephone number"),
        ("ALLEGRO", "not a telephone number"),
    ],
)
async def test_numbers_nobody_may_write_to_are_refused_on_their_field(floor: Floor, sender: int, number: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        await send(floor, number=number)
    assert refused.value.field == "number"
    assert (floor.sent(SendText), await floor.all(TextMessage)) == ([], [])


async def test_what_the_project_allows_goes_out(floor: Floor, sender: int) -> None:
    async with floor.database.unit_of_work(ADMIN) as uow:
        project = await uow.session.get_one(Project, floor.project_id)
        project.foreign_countries = ["GB"]
    made = await send(floor, number="+44 7400 123456")
    assert made.number == "+447400123456"


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Type the text"), (" \n\t ", "Type the text"), ("a" * 1601, "at most 1600"), ("😀" * 801, "at most 1600")],
)
async def test_empty_and_endless_texts_are_refused_on_their_field(floor: Floor, sender: int, text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        await send(floor, text)
    assert refused.value.field == "text"


async def test_the_longest_text_goes_out_whole(floor: Floor, sender: int) -> None:
    assert (await send(floor, "ą" * 1600)).segments == 24
    assert floor.sent(SendText)[0].text == "ą" * 1600


async def test_without_a_trunk_that_sends_a_sentence_says_what_is_needed(floor: Floor) -> None:
    with pytest.raises(Conflict, match="adds a Twilio trunk"):
        await send(floor)
    async with floor.database.unit_of_work() as uow:
        uow.session.add(
            Trunk(name="off", kind="twilio", host="", enabled=False, caller_ids=[MOBILE], state_at=None, created_at=uow.now)
        )
    with pytest.raises(Conflict, match="adds a Twilio trunk"):
        await send(floor)


async def test_a_trunk_without_numbers_cannot_send(floor: Floor) -> None:
    await add_sending_trunk(floor, numbers=())
    with pytest.raises(Conflict, match="Twilio has no number"):
        await send(floor)


async def test_of_several_trunks_the_projects_sends_and_without_one_nobody_guesses(floor: Floor, sender: int) -> None:
    other = await add_sending_trunk(floor, "Other", (MOBILE,))
    with pytest.raises(Conflict, match="Several trunks"):
        await send(floor)
    async with floor.database.unit_of_work(ADMIN) as uow:
        (await uow.session.get_one(Project, floor.project_id)).trunk_id = other
    await send(floor)
    assert (floor.sent(SendText)[-1].trunk_id, floor.sent(SendText)[-1].sender) == (other, MOBILE)


async def test_the_projects_caller_id_is_the_sender_if_the_trunk_has_it_else_the_first_number(floor: Floor) -> None:
    await add_sending_trunk(floor, numbers=(MOBILE,))
    await send(floor)
    assert floor.sent(SendText)[-1].sender == MOBILE


async def test_a_project_one_does_not_serve_is_refused(floor: Floor, sender: int) -> None:
    async with floor.database.unit_of_work(ADMIN) as uow:
        other = await add_project(uow, ProjectInput(name="Debts"))
    with pytest.raises(Invalid) as refused:
        await send(floor, project_id=other.id)
    assert refused.value.field == "project_id"
    assert (await send(floor, who="sue", project_id=other.id)).project == "Debts"


async def test_two_presses_send_once(floor: Floor, sender: int) -> None:
    first = await send(floor, key="k1")
    again = await send(floor, key="k1")
    assert first.id == again.id
    assert len(floor.sent(SendText)) == 1
    with pytest.raises(Conflict, match="sent already"):
        await send(floor, "Another text", key="k1")
    assert (await send(floor, key="k1", who="bob")).id != first.id  # somebody else's key
    assert len(floor.sent(SendText)) == 2


async def test_two_presses_at_the_same_moment_send_once_and_keep_the_number_once(floor: Floor, sender: int) -> None:
    contact_id = await floor.add_contact("Jan", "+48602000000")
    more: dict[str, Any] = {"key": "k1", "contact_id": contact_id, "keep_number": True}
    made = await asyncio.gather(*(send(floor, **more) for _ in range(5)))
    assert len({each.id for each in made}) == 1
    assert len(floor.sent(SendText)) == 1
    assert len(await floor.timeline(contact_id)) == 1
    async with floor.database.reading(floor.people["anna"]) as uow:
        contact = await contacts.get_contact(uow, contact_id)
    assert [each.e164 for each in contact.numbers] == ["+48602000000", CALLER]


async def test_a_number_that_was_asked_for_is_kept_on_the_contact_for_good(floor: Floor, sender: int) -> None:
    async with floor.database.unit_of_work(floor.people["anna"]) as uow:
        contact_id = (await contacts.create_contact(uow, ContactInput(last_name="Nowak"), "PL")).id
    await send(floor, number="601 234 567", contact_id=contact_id, keep_number=True)
    async with floor.database.reading(floor.people["anna"]) as uow:
        contact = await contacts.get_contact(uow, contact_id)
        found = await contacts.list_contacts(uow, q="601234567")
    assert [(each.type, each.e164) for each in contact.numbers] == [("mobile", CALLER)]
    assert [each.id for each in found.items] == [contact_id]


async def test_a_number_that_is_refused_is_not_kept(floor: Floor, sender: int) -> None:
    contact_id = await floor.add_contact("Jan")
    with pytest.raises(Invalid):
        await send(floor, number="112", contact_id=contact_id, keep_number=True)
    async with floor.database.reading(floor.people["anna"]) as uow:
        assert [each.e164 for each in (await contacts.get_contact(uow, contact_id)).numbers] == [CALLER]


async def test_of_several_who_have_the_number_none_is_guessed(floor: Floor, sender: int) -> None:
    ids = [await floor.add_contact(name) for name in ("Jan", "Ewa")]
    made = await send(floor)
    assert (made.contact_id, {each.name for each in made.candidates}) == (None, {"Jan", "Ewa"})
    assert (await send(floor, contact_id=ids[1])).contact == "Ewa"
    assert [len(await floor.timeline(each)) for each in ids] == [0, 1]


async def test_while_the_switch_is_away_or_stopping_nothing_is_written(floor: Floor, sender: int) -> None:
    for event in (LinkDown(), LinkUp(Snapshot("boot")), SwitchDraining(on=True)):
        await floor.event(event)
        if not isinstance(event, LinkUp):
            with pytest.raises(Unavailable):
                await send(floor)
    assert await floor.all(TextMessage) == []


async def test_a_contact_that_is_none_is_not_found(floor: Floor, sender: int) -> None:
    with pytest.raises(NotFound):
        await send(floor, contact_id=999)
    assert floor.sent(SendText) == []


# --- what nobody knows ---------------------------------------------------------------------------------------------------


async def test_after_a_restart_a_message_nobody_knows_of_is_uncertain_and_never_repeated(floor: Floor, sender: int) -> None:
    contact_id = await floor.add_contact("Jan")
    lost, told = await send(floor, "one"), await send(floor, "two")
    await floor.event(LinkUp(Snapshot("another boot")))
    later = await send(floor, "three")
    await floor.event(TextStatus(told.id, "sent", "SM2"))
    await floor.later(59)
    assert {each.id: each.state for each in await floor.all(TextMessage)}[lost.id] == "queued"
    await floor.later(2)
    states = {each.id: each.state for each in await floor.all(TextMessage)}
    assert states == {lost.id: "uncertain", told.id: "sent", later.id: "queued"}
    assert {each.text: each.data["state"] for each in await floor.timeline(contact_id)}["one"] == "uncertain"
    assert [each.text for each in floor.sent(SendText)] == ["one", "two", "three"]
    assert [each.state for each in floor.said(TextDelivery, "anna") if each.text_id == lost.id] == ["queued", "uncertain"]
    await floor.event(TextStatus(lost.id, "delivered", "SM1"))  # the carrier knows better
    row = next(each for each in await floor.all(TextMessage) if each.id == lost.id)
    assert (row.state, row.error) == ("delivered", "")


async def test_what_the_link_says_of_a_lost_switch_is_kept(floor: Floor, sender: int) -> None:
    made = await send(floor)
    await floor.event(TextStatus(made.id, "uncertain", words="The telephone switch could not be reached."))
    (row,) = await floor.all(TextMessage)
    assert (row.state, row.error) == ("uncertain", "The telephone switch could not be reached.")


async def test_a_reconnection_with_nothing_on_its_way_leaves_no_work(floor: Floor, sender: int) -> None:
    made = await send(floor)
    await floor.event(TextStatus(made.id, "sent", "SM1"))
    await floor.event(LinkUp(Snapshot("boot")))
    async with floor.database.reading() as uow:
        assert all(not each.key.startswith(texts.UNKNOWN) for each in await uow.session.scalars(select(Job)))


async def test_everybody_may_write_but_the_system_is_nobody(floor: Floor, sender: int) -> None:
    async with floor.database.unit_of_work() as uow:
        with pytest.raises(CallCenterError):
            await texts.send_text(uow, CALLER, "hello")


async def test_one_sees_how_messages_would_leave(floor: Floor, sender: int) -> None:
    async with floor.database.unit_of_work(ADMIN) as uow:
        other = await add_project(uow, ProjectInput(name="Aid"))
        await set_members(uow, other.id, [floor.people["anna"].id])
    async with floor.database.reading(floor.people["anna"]) as uow:
        found = await texts.choices(uow)
    assert [(each.project.name if each.project else "", each.sender) for each in found] == [("Aid", MOBILE), ("Sales", DIALLED)]
    async with floor.database.reading(floor.people["sue"]) as uow:
        assert [(each.project, each.sender) for each in await texts.choices(uow)] == [(None, MOBILE)]
