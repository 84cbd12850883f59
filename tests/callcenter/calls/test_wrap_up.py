"""After the call: countdown, note, draft, disposition, and whom it was really with."""

import pytest

from callcenter.calls import service as calls
from callcenter.contacts.models import TimelineEntry
from callcenter.errors import Conflict, Invalid, NotFound
from callcenter.events import AgentStateChanged, CallChanged, DraftTyped
from callcenter.phone import EndReason, LegEnded
from callcenter.projects.service import set_dispositions
from tests.callcenter.calls.floor import ADMIN, Floor


async def finished(floor: Floor, who: str = "anna", number: str = "+48601234567") -> str:
    """Let `who` take a call that has ended; returns the call."""
    await floor.ready(who)
    leg_id, call_id = await floor.talk(who, number=number)
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    return call_id


async def test_sixty_seconds_more_move_the_end_of_the_wrap_up(floor: Floor) -> None:
    await finished(floor)
    until = (await floor.agent("anna")).wrap_up_until
    agent = await floor.do("anna", calls.extend_wrap_up)
    assert (agent.wrap_up_until - until).total_seconds() == 60
    assert floor.said(AgentStateChanged, "anna")[-1].wrap_up_until == agent.wrap_up_until
    await floor.later(89)
    assert (await floor.states())["anna"] == "wrap_up"
    await floor.later(2)
    assert (await floor.states())["anna"] == "ready"
    with pytest.raises(Conflict):
        await floor.do("anna", calls.extend_wrap_up)
    assert (await floor.do("anna", calls.finish_wrap_up)).state == "ready", "finishing twice is no error"


async def test_a_draft_is_neither_lost_nor_made_a_note_of_when_the_time_runs_out(floor: Floor) -> None:
    call_id = await finished(floor)
    await floor.do("anna", calls.save_draft, call_id, "wants a new off")
    await floor.later(40)
    call = await floor.call(call_id)
    assert (call.note, call.draft) == ("", "wants a new off")
    now = await floor.do("anna", calls.current)
    assert now.wrap_up is None
    assert [(each.id, each.draft, each.draft_unsaved) for each in now.unsaved] == [(call_id, "wants a new off", True)]
    await floor.do("anna", calls.set_disposition, call_id, None, "wants a new offer")
    assert (await floor.do("anna", calls.current)).unsaved == []


async def test_a_text_typed_upon_an_older_note_is_refused_and_what_others_typed_is_told(floor: Floor) -> None:
    call_id = await finished(floor)
    first = await floor.do("anna", calls.save_draft, call_id, "wants", 0)
    assert (first.draft, first.note_version) == ("wants", 1)
    assert floor.said(DraftTyped, "anna")[-1] == DraftTyped(call_id=call_id, draft="wants", version=1)
    with pytest.raises(Conflict):
        await floor.do("anna", calls.save_draft, call_id, "something else", 0)
    with pytest.raises(Conflict):
        await floor.do("anna", calls.set_disposition, call_id, None, "", 0)
    assert (await floor.call(call_id)).draft == "wants"
    again = await floor.do("anna", calls.save_draft, call_id, "wants", 0)
    assert again.note_version == 1, "the same text is no conflict and no change"
    saved = await floor.do("anna", calls.set_disposition, call_id, None, "wants two", 1)
    assert (saved.note, saved.draft, saved.note_version) == ("wants two", "", 2)
    with pytest.raises(Conflict):
        await floor.do("anna", calls.save_draft, call_id, "wants t", 1)
    last = await floor.do("anna", calls.save_draft, call_id, "without a version the last one stands")
    assert last.note_version == 3


async def test_disposition_and_note_update_the_one_line_on_the_timeline(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    async with floor.database.unit_of_work(ADMIN) as uow:
        sold, _ = await set_dispositions(uow, floor.project_id, ["Sold", "Not interested"])
        other = (await set_dispositions(uow, None, ["Complaint"]))[0]
    call_id = await finished(floor)
    saved = await floor.do("anna", calls.set_disposition, call_id, sold.id, "  two boxes ")
    assert (saved.disposition, saved.note, saved.draft) == ("Sold", "two boxes", "")
    await floor.do("anna", calls.set_disposition, call_id, other.id, "two boxes, angry")
    entries = await floor.timeline(contact_id)
    assert len(entries) == 1
    assert (entries[0].data["disposition"], entries[0].data["note"]) == ("Complaint", "two boxes, angry")
    assert entries[0].text.endswith("Complaint. two boxes, angry")
    assert len(floor.said(CallChanged, "anna")) == 2
    with pytest.raises(Invalid):
        await floor.do("anna", calls.set_disposition, call_id, 999, "")
    with pytest.raises(Invalid):
        await floor.do("anna", calls.save_draft, call_id, "x" * 10_001)
    with pytest.raises(NotFound):
        await floor.do("bob", calls.save_draft, call_id, "not mine")


async def test_a_note_written_during_the_call_stands_on_the_line_when_it_ends(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    await floor.ready("anna")
    leg_id, call_id = await floor.talk("anna")
    await floor.do("anna", calls.set_disposition, call_id, None, "early note")
    assert await floor.timeline(contact_id) == []
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    assert [entry.data["note"] for entry in await floor.timeline(contact_id)] == ["early note"]


async def test_changing_the_match_moves_the_call_with_its_line_and_note(floor: Floor) -> None:
    jan, ewa = await floor.add_contact("Jan"), await floor.add_contact("Ewa", "+48601999999")
    call_id = await finished(floor)
    await floor.do("anna", calls.set_disposition, call_id, None, "it was Ewa")
    moved = await floor.do("anna", calls.change_match, call_id, ewa)
    assert (moved.contact_id, moved.contact) == (ewa, "Ewa")
    assert await floor.timeline(jan) == []
    assert [entry.data["note"] for entry in await floor.timeline(ewa)] == ["it was Ewa"]
    await floor.do("anna", calls.change_match, call_id, None)
    assert await floor.all(TimelineEntry) == []
    await floor.do("anna", calls.change_match, call_id, jan)
    assert [entry.data["note"] for entry in await floor.timeline(jan)] == ["it was Ewa"], "the note stayed with the call"
    with pytest.raises(NotFound):
        await floor.do("anna", calls.change_match, call_id, 999)


async def test_a_reloaded_page_finds_the_offer_the_call_and_the_wrap_up(floor: Floor) -> None:
    await floor.add_contact("Jan")
    await floor.ready("anna")
    leg_id = await floor.ring()
    now = await floor.do("anna", calls.current)
    assert [each.call_id for each in now.offers] == [(await floor.call_of(leg_id)).id]
    assert now.offers[0].candidates[0].name == "Jan"
    assert now.offers[0].expires_at is not None
    call_id = now.offers[0].call_id
    await floor.do("anna", calls.answer, call_id)
    await floor.do("anna", calls.save_draft, call_id, "half a th")
    now = await floor.do("anna", calls.current)
    assert now.offers == []
    assert (now.call.id, now.call.draft) == (call_id, "half a th")
    await floor.do("anna", calls.hang_up, call_id)
    assert (await floor.call(call_id)).end_reason == "rejected", "she hung up before the line stood"


async def test_people_see_their_calls_supervisors_see_all(floor: Floor) -> None:
    mine = await finished(floor)
    await floor.do("anna", calls.finish_wrap_up)
    await floor.do("anna", calls.set_agent_state, "break")
    theirs = await finished(floor, "bob", "+48601000009")
    assert [call.id for call in (await floor.do("anna", calls.list_calls)).items] == [mine]
    assert [call.id for call in (await floor.do("sue", calls.list_calls)).items] == [theirs, mine]
    assert (await floor.do("sue", calls.list_calls, mine=True)).items == []
    first = await floor.do("sue", calls.list_calls, limit=1)
    assert [call.id for call in (await floor.do("sue", calls.list_calls, limit=1, after=first.next)).items] == [mine]
    assert first.items[0].user == "Bob"
    with pytest.raises(NotFound):
        await floor.do("anna", calls.get_call, theirs)
