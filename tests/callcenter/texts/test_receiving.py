"""A text message comes: whose it is, who is told, what is done with it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, update

from callcenter.contacts import service as contacts
from callcenter.errors import Conflict, NotFound
from callcenter.events import CallOffered
from callcenter.phone import SendText, TextReceived
from callcenter.projects.models import Membership, Project, ProjectNumber
from callcenter.projects.service import ProjectInput, add_project, set_members
from callcenter.texts import service as texts
from callcenter.texts.events import TextArrived, TextsSeen
from callcenter.texts.models import TextMessage
from callcenter.trunks.models import Trunk
from tests.callcenter.calls.floor import ADMIN, CALLER, DIALLED, Floor
from tests.callcenter.texts.conftest import MOBILE


class Post:
    """Text messages that come, each with a reference of its own."""

    def __init__(self, floor: Floor, trunk_id: int) -> None:
        self.floor, self.trunk_id, self.count = floor, trunk_id, 0

    async def comes(self, text: str = "Please call me", number: str = CALLER, dialled: str = DIALLED, ref: str = "") -> Any:
        self.count += 1
        await self.floor.event(TextReceived(self.trunk_id, ref or f"SM{self.count}", number, dialled, text))
        return max(await self.floor.all(TextMessage), key=lambda each: each.id)


@pytest.fixture
def post(floor: Floor, sender: int) -> Post:
    return Post(floor, sender)


async def test_it_is_on_the_timeline_and_the_projects_people_are_told(floor: Floor, post: Post) -> None:
    contact_id = await floor.add_contact("Jan")
    row = await post.comes("Zażółć 😀")
    assert (row.state, row.contact_id, row.project_id, row.own_number) == ("received", contact_id, floor.project_id, DIALLED)
    (line,) = await floor.timeline(contact_id)
    assert (line.kind, line.text, line.data["direction"]) == ("text", "Zażółć 😀", "inbound")
    for name in ("anna", "bob", "celia"):
        (told,) = floor.said(TextArrived, name)
        assert (told.contact, told.project, told.text, told.number_shown) == ("Jan", "Sales", "Zażółć 😀", "+48 601 234 567")
    assert floor.said(TextArrived, "sue") == []


async def test_a_number_of_no_project_is_told_to_supervisors(floor: Floor, post: Post) -> None:
    await post.comes(dialled="+48500600700")
    assert floor.said(TextArrived, "anna") == []
    assert len(floor.said(TextArrived, "sue")) == 1
    async with floor.database.unit_of_work(ADMIN) as uow:
        await uow.session.execute(delete(Membership))
    await post.comes()
    assert len(floor.said(TextArrived, "sue")) == 2
    async with floor.database.reading(floor.people["sue"]) as uow:
        assert await texts.unread_count(uow) == 2
    async with floor.database.reading(floor.people["anna"]) as uow:
        assert await texts.unread_count(uow) == 0


async def test_who_answers_to_the_number_shown_reaches_the_project(floor: Floor, post: Post) -> None:
    async with floor.database.unit_of_work(ADMIN) as uow:
        await uow.session.execute(delete(ProjectNumber))
        await uow.session.execute(update(Project).values(caller_id=MOBILE))
    assert (await post.comes(dialled=MOBILE)).project_id == floor.project_id


async def test_it_comes_twice_and_is_stored_once(floor: Floor, post: Post) -> None:
    contact_id = await floor.add_contact("Jan")
    for _ in range(3):
        await post.comes(ref="SM9")
    assert len(await floor.all(TextMessage)) == len(await floor.timeline(contact_id)) == len(floor.said(TextArrived, "anna")) == 1


async def test_it_comes_many_times_at_once_and_is_stored_once(floor: Floor, post: Post) -> None:
    contact_id = await floor.add_contact("Jan")
    await asyncio.gather(*(post.comes(ref="SM9") for _ in range(6)))
    assert len(await floor.all(TextMessage)) == len(await floor.timeline(contact_id)) == len(floor.said(TextArrived, "anna")) == 1


async def test_a_trunk_that_is_gone_neither_loses_nor_doubles_it(floor: Floor, post: Post) -> None:
    await post.comes(ref="SM9")
    async with floor.database.unit_of_work(ADMIN) as uow:
        await uow.session.execute(delete(Trunk).where(Trunk.id == post.trunk_id))
    await post.comes(ref="SM9")
    await post.comes(ref="SM10")
    assert sorted(each.provider_ref for each in await floor.all(TextMessage)) == ["SM10", "SM9"]


async def test_the_same_reference_on_another_trunk_is_another_message(floor: Floor, post: Post) -> None:
    await post.comes(ref="SM9")
    await Post(floor, floor.trunk_id).comes(ref="SM9")
    assert len(await floor.all(TextMessage)) == 2


async def test_several_who_have_the_number_are_candidates_and_none_is_chosen(floor: Floor, post: Post) -> None:
    ids = [await floor.add_contact(name) for name in ("Jan", "Ewa")]
    row = await post.comes()
    assert (row.contact_id, [each["name"] for each in row.match]) == (None, ["Jan", "Ewa"])
    assert [await floor.timeline(each) for each in ids] == [[], []]
    earlier = await post.comes("again")
    made = await floor.do("anna", texts.attach, row.id, ids[1])
    assert made.contact == "Ewa"
    assert sorted(each.text for each in await floor.timeline(ids[1])) == ["Please call me", "again"]
    assert (await floor.do("anna", texts.attach, earlier.id, ids[0])).contact == "Jan"  # one was somebody else's after all
    assert [each.text for each in await floor.timeline(ids[0])] == ["again"]
    assert (await floor.do("anna", texts.attach, earlier.id, None)).contact_id is None
    assert await floor.timeline(ids[0]) == []


async def test_an_unknown_number_is_attached_and_known_from_then_on(floor: Floor, post: Post) -> None:
    contact_id = await floor.add_contact("Jan", "+48602000000")
    row = await post.comes()
    assert (row.contact_id, row.match) == (None, [])
    await floor.do("anna", texts.attach, row.id, contact_id, keep_number=True)
    assert (await post.comes("more")).contact_id == contact_id
    async with floor.database.reading(floor.people["anna"]) as uow:
        assert [each.e164 for each in (await contacts.get_contact(uow, contact_id)).numbers] == ["+48602000000", CALLER]


TEXTS = (
    "x" * 10_000,
    "",
    "   ",
    "<script>alert(1)</script>",
    "\u202eevil\u202c שלום",
    "a\x00b",
    "\ud83d",
    "\r\n\u2028\x07{number}%s",
)
NUMBERS = ("ALLEGRO", "", DIALLED, "\u202e12345", "<b>", "9" * 300, "anonymous")


@pytest.mark.parametrize(("text", "number"), [*((text, CALLER) for text in TEXTS), *(("<script>", number) for number in NUMBERS)])
async def test_hostile_messages_are_kept_and_read_again(floor: Floor, post: Post, text: str, number: str) -> None:
    row = await post.comes(text, number)
    assert len(row.text) == len(text)
    assert len(row.number) <= 100
    async with floor.database.reading(floor.people["anna"]) as uow:
        shown = await texts.get_text(uow, row.id)
        assert [each.id for each in (await texts.inbox(uow)).items] == [row.id]
    assert shown.text.replace("\ufffd", "") == text.replace("\x00", "").replace("\ud83d", "")
    assert shown.answerable == (number in (CALLER, DIALLED))
    assert len(floor.said(TextArrived, "anna")[0].text) <= 300


# --- answering, marking, reading -----------------------------------------------------------------------------------------


async def test_an_answer_leaves_from_the_number_it_was_written_to(floor: Floor, post: Post) -> None:
    row = await post.comes(dialled=MOBILE)
    answer = await floor.do("sue", texts.send_text, CALLER, "Tomorrow", reply_to=row.id)
    assert floor.sent(SendText)[-1].sender == MOBILE
    async with floor.database.reading(floor.people["sue"]) as uow:
        shown = await texts.get_text(uow, row.id)
        assert [each.sender for each in await texts.choices(uow, row.id)] == [MOBILE]
    assert (shown.answer_id, shown.seen_by_name) == (answer.id, "Sue")


async def test_an_answer_is_for_the_project_that_was_written_to_if_one_may(floor: Floor, post: Post) -> None:
    async with floor.database.unit_of_work(ADMIN) as uow:
        aid = await add_project(uow, ProjectInput(name="Aid"))
        await set_members(uow, aid.id, [floor.people["anna"].id, floor.people["bob"].id])
        await set_members(uow, floor.project_id, [floor.people["anna"].id])
    await floor.add_contact("Jan")
    row = await post.comes()
    for who, project in (("anna", "Sales"), ("sue", "Sales"), ("bob", "Aid")):
        answer = await floor.do(who, texts.send_text, CALLER, "Yes", reply_to=row.id)
        assert (answer.project, answer.own_number) == (project, DIALLED), who
        async with floor.database.reading(floor.people[who]) as uow:
            first, *_ = await texts.choices(uow, row.id)
        assert (first.project.name if first.project else "", first.sender) == (project, DIALLED), who


async def test_an_answer_takes_the_customers_messages_off_everybodys_list(floor: Floor, post: Post) -> None:
    rows = [await post.comes(each) for each in ("one", "two")]
    other = await post.comes("three", number="+48602000000")
    elsewhere = await post.comes("four", dialled=MOBILE)  # to another of our numbers
    await floor.do("anna", texts.send_text, CALLER, "Yes", reply_to=rows[1].id)
    waiting = [each.id for each in await floor.all(TextMessage) if each.seen_at is None]
    assert sorted(waiting) == sorted([other.id, elsewhere.id])
    for name in ("anna", "bob"):
        assert {id_ for told in floor.said(TextsSeen, name) for id_ in told.text_ids} == {each.id for each in rows}


async def test_marked_as_seen_it_leaves_the_list_once(floor: Floor, post: Post) -> None:
    row = await post.comes()
    for _ in range(2):
        shown = await floor.do("bob", texts.mark_seen, row.id)
    assert (shown.seen_by_name, shown.answer_id) == ("Bob", None)
    assert len(floor.said(TextsSeen, "anna")) == 1
    sent = await floor.do("anna", texts.send_text, CALLER, "Yes")
    with pytest.raises(Conflict):
        await floor.do("anna", texts.mark_seen, sent.id)


async def test_the_list_shows_first_what_nobody_has_dealt_with_page_by_page(floor: Floor, post: Post) -> None:
    rows = [await post.comes(str(count)) for count in range(7)]
    for each in rows[2:5]:
        await floor.do("anna", texts.mark_seen, each.id)
    wanted = ["6", "5", "1", "0", "4", "3", "2"]
    for limit in (1, 2, 3, 4, 7, 50):
        found: list[str] = []
        after = None
        while True:
            async with floor.database.reading(floor.people["anna"]) as uow:
                page = await texts.inbox(uow, after=after, limit=limit)
            found += [each.text for each in page.items]
            after = page.next
            if after is None:
                break
        assert found == wanted, limit


async def test_messages_are_listed_by_contact_project_and_unread(floor: Floor, post: Post) -> None:
    contact_id = await floor.add_contact("Jan")
    known, stranger = await post.comes("known"), await post.comes("stranger", "+48602000000", "+48500600700")
    answer = await floor.do("anna", texts.send_text, CALLER, "Yes")

    async def listed(who: str, **more: Any) -> list[str]:
        async with floor.database.reading(floor.people[who]) as uow:
            return [each.id for each in (await texts.list_texts(uow, **more)).items]

    assert await listed("sue") == [answer.id, stranger.id, known.id]
    assert await listed("anna") == [answer.id, known.id]
    assert await listed("anna", contact_id=contact_id) == [answer.id, known.id]
    assert await listed("sue", unread=True) == [stranger.id]
    assert await listed("sue", mine=True) == [stranger.id]
    assert await listed("sue", project_id=floor.project_id) == [answer.id, known.id]
    async with floor.database.reading(floor.people["sue"]) as uow:
        first = await texts.list_texts(uow, limit=2)
        rest = await texts.list_texts(uow, after=first.next, limit=2)
    assert ([each.id for each in rest.items], rest.next) == ([known.id], None)


async def test_what_concerns_nobody_of_a_consultants_is_not_found(floor: Floor, post: Post) -> None:
    row = await post.comes(dialled="+48500600700")
    async with floor.database.reading(floor.people["anna"]) as uow:
        with pytest.raises(NotFound):
            await texts.get_text(uow, row.id)
    with pytest.raises(NotFound):
        await floor.do("anna", texts.mark_seen, row.id)
    with pytest.raises(NotFound):
        await floor.do("anna", texts.attach, row.id, None)
    with pytest.raises(NotFound):
        await floor.do("anna", texts.send_text, CALLER, "Yes", reply_to=row.id)
    assert (await floor.do("sue", texts.mark_seen, row.id)).seen_by_name == "Sue"


async def test_the_pop_up_of_a_call_shows_the_beginning_of_what_the_customer_wrote(floor: Floor, post: Post) -> None:
    await floor.add_contact("Jan")
    await post.comes("x" * 10_000)
    await floor.ready("anna")
    await floor.ring()
    (offered,) = floor.said(CallOffered, "anna")
    assert [(line.kind, line.text) for line in offered.timeline] == [("text", "x" * 300)]
    assert offered.takes_texts
