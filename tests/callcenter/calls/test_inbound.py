"""A customer rings: pop-up, offers, answers, queues, missed calls."""

import asyncio

import pytest

from callcenter import clock
from callcenter.calls import service as calls
from callcenter.calls.models import Call, Offer
from callcenter.contacts.models import TimelineEntry
from callcenter.errors import Conflict, NotFound
from callcenter.events import (
    AgentStateChanged,
    CallAnswered,
    CallDigit,
    CallEnded,
    CallOffered,
    CallWithdrawn,
    ContactOpened,
    Notice,
    QueueState,
)
from callcenter.phone import (
    AnswerLeg,
    Bridge,
    DtmfReceived,
    EndReason,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    Play,
    Quality,
    RejectLeg,
    RingLeg,
    Sound,
)
from callcenter.projects.service import ProjectInput, update_project
from tests.callcenter.calls.floor import ADMIN, CALLER, DIALLED, Floor, open_floor


async def set_rules(floor: Floor, **rules: object) -> None:
    values = {"name": "Sales", "numbers": [DIALLED], "trunk_id": floor.trunk_id, "caller_id": DIALLED, **rules}
    async with floor.database.unit_of_work(ADMIN) as uow:
        await update_project(uow, floor.project_id, ProjectInput.model_validate(values))


async def test_a_call_pops_up_at_the_longest_ready_consultant_and_nobody_else(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    async with floor.database.unit_of_work() as uow:
        uow.session.add(TimelineEntry(contact_id=contact_id, at=uow.now, kind="note", text="likes tea"))
    await floor.ready("bob", "anna")
    leg_id = await floor.ring(name="Jan K.")
    offered = floor.said(CallOffered)
    assert len(offered) == 1
    assert floor.offers()[0][0] == "bob"
    pop_up = offered[0]
    assert (pop_up.identification, pop_up.number, pop_up.number_shown) == ("matched", CALLER, "+48 601 234 567")
    assert (pop_up.project, pop_up.caller_name) == ("Sales", "Jan K.")
    assert [(each.contact_id, each.name, each.rule) for each in pop_up.candidates] == [(contact_id, "Jan", "e164")]
    assert [line.text for line in pop_up.timeline] == ["likes tea"]
    assert floor.sent(RingLeg) == [RingLeg(leg_id)]
    assert (await floor.states())["bob"] == "offered"
    told = [event for event in floor.said(AgentStateChanged, "sue") if event.state == "offered"]
    assert [event.user_id for event in told] == [floor.people["bob"].id]
    offer = (await floor.all(Offer))[0]
    assert offer.first
    assert offer.offered_ms is not None
    assert 0 <= offer.offered_ms < 60_000


async def test_answer_bridges_and_the_end_leaves_one_line_on_the_timeline_and_a_wrap_up(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    await floor.ready("anna")
    leg_id, call_id = await floor.talk("anna")
    assert floor.sent(AnswerLeg) == [AnswerLeg(leg_id)]
    bridge = floor.sent(Bridge)[-1]
    assert {(member.port, member.id) for member in bridge.members} == {("station", str(floor.people["anna"].id)), ("leg", leg_id)}
    assert [event.contact_id for event in floor.said(ContactOpened, "anna")] == [contact_id]
    assert [event.call_id for event in floor.said(CallAnswered, "anna")] == [call_id]
    await floor.event(DtmfReceived(leg_id, "5", 80))
    assert [event.digit for event in floor.said(CallDigit, "anna")] == ["5"]
    floor.shift(92)
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far", 200, "", Quality(received=10, sent=9, law="pcma")))
    ended = floor.said(CallEnded, "anna")[0]
    assert (ended.reason, ended.wrap_up_until is not None) == ("completed", True)
    entries = await floor.timeline(contact_id)
    assert len(entries) == 1
    assert entries[0].data["outcome"] == "answered"
    assert entries[0].data["seconds"] == 92
    assert entries[0].text == "Inbound call, 1:32"
    assert (await floor.states())["anna"] == "wrap_up"
    await floor.later(31)
    assert (await floor.states())["anna"] == "ready"
    assert (await floor.call(call_id)).wrapped_at is not None
    assert await floor.call_backs() == []


async def test_the_offer_moves_to_the_next_and_two_unanswered_offers_put_an_agent_on_break(floor: Floor) -> None:
    await floor.ready("anna", "bob")
    leg_id = await floor.ring()
    await floor.later(21)
    assert [who for who, _ in floor.offers()] == ["anna", "bob"]
    assert [event.reason for event in floor.said(CallWithdrawn, "anna")] == ["missed"]
    assert (await floor.states())["anna"] == "ready"
    await floor.later(21)
    assert [who for who, _ in floor.offers()] == ["anna", "bob", "anna"], "everybody was tried, so the first is asked again"
    await floor.later(21)
    anna = await floor.agent("anna")
    assert (anna.state, anna.reason) == ("break", "missed_offers")
    await floor.later(21)
    assert await floor.states() == {"anna": "break", "bob": "break"}
    assert (await floor.call_of(leg_id)).state == "waiting"
    await floor.do("bob", calls.set_agent_state, "ready")
    assert [who for who, _ in floor.offers()][-1] == "bob"
    assert (await floor.agent("bob")).missed_offers == 0


async def test_callers_wait_in_order_and_are_offered_as_soon_as_somebody_is_ready(floor: Floor) -> None:
    legs = []
    for number in ("+48601000001", "+48601000002", "+48601000003"):
        legs.append(await floor.ring(number))
        floor.shift(1)
    assert [(await floor.call_of(leg)).state for leg in legs] == ["waiting"] * 3
    assert floor.said(QueueState, "anna")[-1].waiting == 3
    await floor.ready("anna", "bob")
    waiting = [(await floor.call_of(leg)).id for leg in legs]
    assert floor.offers() == [("anna", waiting[0]), ("bob", waiting[1])]
    assert floor.said(QueueState, "anna")[-1].waiting == 1


@pytest.mark.parametrize("early", [False, True])
async def test_a_waiting_caller_hears_music_only_when_the_project_answers_early(floor: Floor, early: bool) -> None:
    await set_rules(floor, answer_early=early)
    leg_id = await floor.ring()
    if early:
        assert floor.commands[-2:] == [AnswerLeg(leg_id), Play(leg_id, Sound.MUSIC)]
        await floor.event(LegAnswered(leg_id))
        assert (await floor.call_of(leg_id)).answered_at is None, "music is not a person"
        await floor.ready("anna")
        await floor.do("anna", calls.answer, (await floor.call_of(leg_id)).id)
        assert floor.sent(AnswerLeg) == [AnswerLeg(leg_id)], "not answered twice"
        assert (await floor.call_of(leg_id)).state == "talking"
        assert len(floor.said(CallAnswered, "anna")) == 1
    else:
        assert floor.commands[-1:] == [RingLeg(leg_id)]
        assert not floor.sent(Play)


async def test_an_early_answered_caller_who_leaves_is_missed_not_completed(floor: Floor) -> None:
    await set_rules(floor, answer_early=True)
    leg_id = await floor.ring()
    await floor.event(LegAnswered(leg_id))
    await floor.leaves(leg_id, EndReason.COMPLETED)
    call = await floor.call_of(leg_id)
    assert (call.state, call.end_reason, call.answered_at) == ("ended", "cancelled", None)
    assert len(await floor.call_backs()) == 1


async def test_a_caller_who_leaves_is_withdrawn_missed_and_somebodys_call_back(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    await floor.ready("anna", "bob")
    place = (await floor.agent("anna")).ready_since
    leg_id = await floor.ring()
    await floor.leaves(leg_id)
    call = await floor.call_of(leg_id)
    assert (call.state, call.end_reason) == ("ended", "cancelled")
    assert [event.reason for event in floor.said(CallWithdrawn, "anna")] == ["caller_left"]
    assert await floor.results() == ["caller_left"]
    anna = await floor.agent("anna")
    assert (anna.state, anna.ready_since, anna.missed_offers) == ("ready", place, 0), "no fault of hers, so she keeps her place"
    missed = (await floor.call_backs())[0]
    assert (missed.owner_id, missed.contact_id, missed.number) == (floor.people["anna"].id, contact_id, CALLER)
    assert [event.values for event in floor.said(Notice, "anna")] == [{"number": "+48 601 234 567"}]
    assert [entry.data["outcome"] for entry in await floor.timeline(contact_id)] == ["missed"]
    with pytest.raises(Conflict, match="caller has hung up"):
        await floor.do("anna", calls.answer, call.id)


async def test_who_is_freed_by_a_caller_who_leaves_is_offered_the_next_in_the_queue(floor: Floor) -> None:
    await floor.ready("anna")
    first, second = await floor.ring("+48601000001"), await floor.ring("+48601000002")
    await floor.leaves(first)
    assert floor.offers()[-1] == ("anna", (await floor.call_of(second)).id)
    assert (await floor.states())["anna"] == "offered"


async def test_a_call_back_always_has_an_owner(floor: Floor) -> None:
    first = await floor.ring("+48601000001")
    await floor.leaves(first)
    second = await floor.ring("+48601000002")
    await floor.leaves(second)
    again = await floor.ring("+48601000002")
    await floor.leaves(again)
    owners = [missed.owner_id for missed in await floor.call_backs()]
    people = floor.people
    assert owners == [people["anna"].id, people["bob"].id, people["bob"].id], "spread over members; the same caller stays"
    floor2 = await floor.do("anna", calls.call_backs)
    assert len(floor2) == 1
    taken = await floor.do("celia", calls.take_call_back, floor2[0].id)
    assert taken.owner == "Celia"
    done = await floor.do("celia", calls.finish_call_back, floor2[0].id, "reached")
    assert (done.state, done.note) == ("done", "reached")
    with pytest.raises(Conflict):
        await floor.do("anna", calls.take_call_back, floor2[0].id)


async def test_a_project_without_members_gives_its_missed_calls_to_a_supervisor(database: object) -> None:
    floor = await open_floor(database, names=())  # type: ignore[arg-type]
    await floor.leaves(await floor.ring())
    assert [missed.owner_id for missed in await floor.call_backs()] == [floor.people["sue"].id]


async def test_a_caller_waits_no_longer_than_the_project_says(floor: Floor) -> None:
    await set_rules(floor, max_wait_seconds=60)
    leg_id = await floor.ring()
    await floor.later(59)
    assert (await floor.call_of(leg_id)).state == "waiting"
    await floor.later(2)
    call = await floor.call_of(leg_id)
    assert (call.state, call.end_reason) == ("ended", "no_answer")
    assert floor.sent(HangUpLeg) == [HangUpLeg(leg_id, EndReason.NO_ANSWER)]
    assert len(await floor.call_backs()) == 1


async def test_only_the_offered_consultant_can_answer_and_only_once(floor: Floor) -> None:
    await floor.ready("anna", "bob")
    leg_id = await floor.ring()
    call_id = (await floor.call_of(leg_id)).id
    with pytest.raises(Conflict, match="not offered to you"):
        await floor.do("bob", calls.answer, call_id)
    await floor.do("anna", calls.answer, call_id)
    with pytest.raises(Conflict) as taken:
        await floor.do("bob", calls.answer, call_id)
    assert str(taken.value) == "Anna has taken this call."
    with pytest.raises(Conflict, match="already"):
        await floor.do("anna", calls.answer, call_id)
    with pytest.raises(NotFound):
        await floor.do("bob", calls.get_call, call_id)


async def test_of_two_consultants_answering_at_once_one_has_the_call_and_one_gets_a_sentence(floor: Floor) -> None:
    await floor.ready("anna", "bob")
    leg_id = await floor.ring()
    call_id = (await floor.call_of(leg_id)).id
    got = await asyncio.gather(
        *(floor.do(who, calls.answer, call_id) for who in ("bob", "anna", "anna", "bob")), return_exceptions=True
    )
    assert sum(not isinstance(each, BaseException) for each in got) == 1
    assert all(isinstance(each, Conflict) for each in got if isinstance(each, BaseException))
    assert (await floor.call(call_id)).user_id == floor.people["anna"].id
    assert len(floor.sent(AnswerLeg)) == 1


async def test_a_caller_who_leaves_while_it_is_answered_leaves_nobody_stuck(floor: Floor) -> None:
    for _ in range(6):
        await floor.ready("anna")
        leg_id = await floor.ring()
        call_id = (await floor.call_of(leg_id)).id
        await asyncio.gather(floor.do("anna", calls.answer, call_id), floor.leaves(leg_id), return_exceptions=True)
        call = await floor.call(call_id)
        assert (call.state, call.answered_at) == ("ended", None)
        assert (await floor.agent("anna")).state == "ready", "nothing to wrap up: nobody spoke"
    assert len(await floor.call_backs()) == 6


async def test_answered_by_a_click_but_gone_before_the_line_stood_is_told_as_ended(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id = await floor.ring()
    call_id = (await floor.call_of(leg_id)).id
    await floor.do("anna", calls.answer, call_id)
    await floor.leaves(leg_id)
    assert [(event.reason, event.wrap_up_until) for event in floor.said(CallEnded, "anna")] == [("cancelled", None)]
    assert len(await floor.call_backs()) == 1
    await floor.event(LegAnswered(leg_id))
    assert (await floor.call(call_id)).state == "ended", "late events change nothing"


async def test_declining_gives_the_call_to_the_next(floor: Floor) -> None:
    await floor.ready("anna", "bob")
    leg_id = await floor.ring()
    call_id = (await floor.call_of(leg_id)).id
    await floor.do("anna", calls.decline, call_id)
    assert floor.offers() == [("anna", call_id), ("bob", call_id)]
    assert [event.reason for event in floor.said(CallWithdrawn, "anna")] == ["declined"]


async def test_who_declines_alone_is_asked_again_after_a_moment_and_not_at_once(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id = await floor.ring()
    call_id = (await floor.call_of(leg_id)).id
    await floor.do("anna", calls.decline, call_id)
    assert floor.offers() == [("anna", call_id)]
    assert (await floor.agent("anna")).state == "ready"
    await floor.ready("bob")
    assert floor.offers() == [("anna", call_id), ("bob", call_id)], "somebody else is asked at once"
    await floor.do("bob", calls.decline, call_id)
    await floor.later(6)
    assert len(floor.offers()) == 3


async def test_a_number_of_no_project_is_refused_and_the_supervisors_hear_of_it_once(floor: Floor) -> None:
    for _ in range(3):
        leg_id = await floor.ring(dialled="+48225550000")
        assert floor.commands[-1] == RejectLeg(leg_id, EndReason.UNREACHABLE)
        await floor.event(LegEnded(leg_id, EndReason.UNREACHABLE, "near", 404))
    assert len(floor.said(Notice, "sue")) == 1
    assert await floor.call_backs() == []
    assert {call.state for call in await floor.all(Call)} == {"ended"}


@pytest.mark.parametrize("dialled", ["48221234567", "0048221234567", "221234567", "+48 22 123 45 67"])
async def test_the_dialled_number_finds_its_project_however_the_carrier_writes_it(floor: Floor, dialled: str) -> None:
    leg_id = await floor.ring(dialled=dialled)
    assert (await floor.call_of(leg_id)).project_id == floor.project_id


@pytest.mark.parametrize(
    ("number", "withheld", "identification"),
    [
        ("", False, "withheld"),
        ("anonymous", True, "withheld"),
        ("sales-desk", False, "invalid"),
        ("112", False, "short"),
        ("9" * 30, False, "invalid"),
        ("+48609999999", False, "unknown"),
    ],
)
async def test_odd_caller_numbers_are_cases_of_their_own(floor: Floor, number: str, withheld: bool, identification: str) -> None:
    await floor.ready("anna")
    await floor.ring(number, withheld=withheld)
    assert [event.identification for event in floor.said(CallOffered, "anna")] == [identification]


async def test_one_number_of_two_contacts_preselects_nobody(floor: Floor) -> None:
    ids = {await floor.add_contact("Jan"), await floor.add_contact("Ewa")}
    await floor.ready("anna")
    leg_id = await floor.ring()
    pop_up = floor.said(CallOffered, "anna")[0]
    assert pop_up.identification == "several"
    assert {each.contact_id for each in pop_up.candidates} == ids
    assert pop_up.timeline == []
    assert (await floor.call_of(leg_id)).contact_id is None


async def test_identification_can_be_off_per_project(floor: Floor) -> None:
    await floor.add_contact("Jan")
    await set_rules(floor, identify=False)
    await floor.ready("anna")
    await floor.ring()
    pop_up = floor.said(CallOffered, "anna")[0]
    assert (pop_up.identification, pop_up.candidates, pop_up.number) == ("off", [], CALLER)


async def test_the_same_leg_offered_twice_is_one_call(floor: Floor) -> None:
    await floor.ready("anna", "bob")
    leg_id = await floor.ring()
    await floor.ring(leg_id=leg_id)
    assert len(await floor.all(Call)) == 1
    assert len(floor.offers()) == 1


async def test_a_call_on_a_trunk_that_was_deleted_meanwhile_still_rings(floor: Floor) -> None:
    await floor.ready("anna")
    floor.trunk_id = 999
    await floor.ring()
    assert len(floor.offers()) == 1


async def test_the_browsers_acknowledgement_completes_the_latency(floor: Floor) -> None:
    await floor.ready("anna")
    await floor.ring()
    offer = (await floor.all(Offer))[0]
    shown = offer.received + 0.080
    await floor.do("bob", calls.pop_up_shown, offer.id, shown=shown, sent=shown - 0.05)
    assert (await floor.all(Offer))[0].shown_ms is None, "only whom it was offered to"
    await floor.do("anna", calls.pop_up_shown, offer.id, shown=shown, sent=shown - 0.05)
    await floor.do("anna", calls.pop_up_shown, offer.id, shown=shown + 5)
    await floor.do("anna", calls.pop_up_shown, "nonsense", shown=shown)
    found = await floor.do("sue", calls.latency, clock.now().replace(year=2020))
    assert found.count == 1
    assert found.shown_ms.p95 == pytest.approx(80)
    assert found.sent_ms.p50 == pytest.approx(30)
