"""Calls that leave without an agent: who answers is given to somebody, or told that nobody is free."""

from typing import Any

import pytest
from sqlalchemy import update

from callcenter.agents.models import Agent
from callcenter.calls import giving, outbound, rows, spending
from callcenter.calls import service as calls
from callcenter.calls.models import Call, Leg
from callcenter.db import UnitOfWork
from callcenter.events import AgentStateChanged, CallAnswered, ContactOpened
from callcenter.facts import CallOver, Disposed, Fact, LegPickedUp, MachineFound
from callcenter.jobs import Job
from callcenter.phone import (
    Announce,
    Announced,
    Bridge,
    EndReason,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegRinging,
    LegState,
    LinkUp,
    MachineDetected,
    Originate,
    Snapshot,
    StationState,
)
from callcenter.projects.models import Project
from callcenter.projects.service import set_dispositions
from callcenter.trunks.models import Trunk
from tests.callcenter.calls.floor import CALLER, Floor

FILE = "abandoned.wav"


@pytest.fixture
def heard(floor: Floor) -> list[Fact]:
    """Return the facts that are told, as they come."""
    told: list[Fact] = []

    async def hear(_uow: UnitOfWork, fact: Fact) -> None:
        told.append(fact)

    floor.database.reactions.append(hear)
    return told


async def place(floor: Floor, call_id: str = "call1", *, announcement: str = "", contact_id: int | None = None) -> str:
    """Dial without an agent; returns the leg."""
    async with floor.database.unit_of_work() as uow:
        await rows.lock(uow)
        way = await outbound.way_out(uow, CALLER, await uow.session.get_one(Project, floor.project_id), by_hand=False)
        await outbound.place_unattended(
            uow, way, call_id=call_id, contact_id=contact_id, ring_seconds=25, announcement=announcement
        )
    return str(floor.sent(Originate)[-1].leg_id)


async def with_call(floor: Floor, door: Any, *args: Any, call_id: str = "call1") -> Any:
    async with floor.database.unit_of_work() as uow:
        await rows.lock(uow)
        return await door(uow, await uow.session.get_one(Call, call_id), *args)


async def give(floor: Floor, who: str) -> bool:
    return bool(await with_call(floor, giving.give, floor.people[who].id))


def of(facts: list[Fact], kind: type[Fact]) -> list[Any]:
    return [each for each in facts if isinstance(each, kind)]


async def test_it_is_dialled_and_no_agent_is_on_it(floor: Floor, heard: list[Fact]) -> None:
    await floor.ready("anna")
    leg_id = await place(floor)
    assert (await floor.states())["anna"] == "ready"
    assert floor.sent(Bridge) == []
    originate = floor.sent(Originate)[0]
    assert (originate.call_id, originate.number, originate.ring_seconds) == ("call1", CALLER, 25)
    await floor.event(LegRinging(leg_id, early_media=False))
    assert (await floor.call("call1")).state == "ringing"
    await floor.event(LegAnswered(leg_id))
    await floor.event(LegAnswered(leg_id))
    call = await floor.call("call1")
    assert (call.state, call.user_id, call.answered_at) == ("answered", None, None)
    assert of(heard, LegPickedUp) == [LegPickedUp("call1")], "once"
    listed = await floor.do("sue", calls.list_calls)
    assert [(each.id, each.state, each.user) for each in listed.items] == [("call1", "answered", "")]
    assert (await floor.do("anna", calls.list_calls)).items == []


async def test_who_answers_is_given_to_a_ready_agent(floor: Floor) -> None:
    contact_id = await floor.add_contact("Jan")
    await floor.ready("anna")
    leg_id = await place(floor, contact_id=contact_id)
    await floor.event(LegAnswered(leg_id))
    assert await give(floor, "anna")
    assert {each.id for each in floor.sent(Bridge)[-1].members} == {leg_id, str(floor.people["anna"].id)}
    call, agent = await floor.call("call1"), await floor.agent("anna")
    assert (call.state, call.user_id, call.answered_at) == ("talking", agent.user_id, call.answered_at)
    assert call.answered_at is not None
    assert (agent.state, agent.call_id, agent.missed_offers) == ("on_call", "call1", 0)
    assert [each.call_id for each in floor.said(CallAnswered, "anna")] == ["call1"]
    assert [each.contact_id for each in floor.said(ContactOpened, "anna")] == [contact_id]
    assert (floor.said(AgentStateChanged, "anna")[-1].state, floor.said(AgentStateChanged, "anna")[-1].call_id) == (
        "on_call",
        "call1",
    )
    drawn = (await floor.do("anna", calls.current)).call
    assert drawn is not None
    assert drawn.id == "call1"
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    assert (await floor.states())["anna"] == "wrap_up"
    assert [entry.data["outcome"] for entry in await floor.timeline(contact_id)] == ["answered"]


async def test_it_is_given_to_nobody_who_is_busy_and_to_one_agent_only(floor: Floor) -> None:
    await floor.ready("anna", "bob")
    leg_id = await place(floor)
    assert not await give(floor, "anna"), "it is not answered yet"
    await floor.event(LegAnswered(leg_id))
    await floor.do("anna", calls.set_agent_state, "break")
    assert not await give(floor, "anna")
    assert not await give(floor, "celia"), "who never came"
    assert await give(floor, "bob")
    await floor.do("anna", calls.set_agent_state, "ready")
    assert not await give(floor, "anna"), "it has an agent"
    assert (await floor.states())["anna"] == "ready"


async def test_no_agent_without_an_announcement_is_a_hang_up(floor: Floor, heard: list[Fact]) -> None:
    contact_id = await floor.add_contact("Jan")
    leg_id = await place(floor, contact_id=contact_id)
    await floor.event(LegAnswered(leg_id))
    assert await with_call(floor, giving.abandon)
    assert not await with_call(floor, giving.abandon)
    assert HangUpLeg(leg_id, EndReason.COMPLETED) in floor.commands
    call = await floor.call("call1")
    assert (call.state, call.end_reason, call.talk_seconds) == ("ended", "abandoned", None)
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "near"))
    assert of(heard, CallOver) == [CallOver("call1")]
    assert [entry.data["outcome"] for entry in await floor.timeline(contact_id)] == ["abandoned"]


async def test_no_agent_with_an_announcement_lets_them_hear_it(floor: Floor, heard: list[Fact]) -> None:
    leg_id = await place(floor, announcement=FILE)
    await floor.event(LegAnswered(leg_id))
    assert await with_call(floor, giving.abandon)
    assert floor.sent(Announce) == [Announce(leg_id, FILE)]
    assert (await floor.call("call1")).state == "announcing"
    assert of(heard, CallOver) == []
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "near", announced=Announced(3000, 3000)))
    call = await floor.call("call1")
    assert (call.end_reason, call.heard_ms, call.announcement_ms, call.dropped_at) == ("abandoned", 3000, 3000, None)
    assert of(heard, CallOver) == [CallOver("call1")]
    assert not [job for job in await floor.all(Job) if job.kind == "announcement"]


async def test_an_announcement_of_which_nothing_is_told_is_hung_up(floor: Floor) -> None:
    leg_id = await place(floor, announcement=FILE)
    await floor.event(LegAnswered(leg_id))
    await with_call(floor, giving.abandon)
    await floor.later(100)
    assert HangUpLeg(leg_id, EndReason.COMPLETED) in floor.commands
    assert (await floor.call("call1")).end_reason == "abandoned"


async def test_a_customer_who_hangs_up_before_anybody_came_was_abandoned(floor: Floor) -> None:
    leg_id = await place(floor)
    await floor.event(LegAnswered(leg_id))
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    assert (await floor.call("call1")).end_reason == "abandoned"


async def test_nobody_is_abandoned_by_a_machine(floor: Floor, heard: list[Fact]) -> None:
    leg_id = await place(floor)
    await floor.event(LegAnswered(leg_id))
    for _ in range(2):
        await floor.event(MachineDetected(leg_id, "machine"))
    assert of(heard, MachineFound) == [MachineFound("call1", "machine")]
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    assert (await floor.call("call1")).end_reason == "completed"


@pytest.mark.parametrize("reason", [EndReason.BUSY, EndReason.NO_ANSWER, EndReason.FAILED])
async def test_one_that_is_not_answered_ends_as_any_other(floor: Floor, heard: list[Fact], reason: EndReason) -> None:
    leg_id = await place(floor)
    await floor.event(LegEnded(leg_id, reason, "far", 486))
    call = await floor.call("call1")
    assert (call.end_reason, call.end_code, call.user_id) == (reason.value, 486, None)
    assert of(heard, CallOver) == [CallOver("call1")]


async def test_given_up_before_the_answer_is_no_pick_up(floor: Floor, heard: list[Fact]) -> None:
    leg_id = await place(floor)
    await floor.do("sue", calls.hang_up, "call1")
    assert (await floor.call("call1")).end_reason == "cancelled"
    await floor.event(LegAnswered(leg_id))
    assert of(heard, LegPickedUp) == []
    assert floor.commands[-1] == HangUpLeg(leg_id, EndReason.COMPLETED)


async def test_after_a_reconnect_an_answer_that_was_missed_is_told(floor: Floor, heard: list[Fact]) -> None:
    await floor.ready("anna")
    leg_id = await place(floor)
    stations = (StationState(str(floor.people["anna"].id), "tab1", True, None),)
    alive = LegState(leg_id, "call1", floor.trunk_id, "outbound", "answered", CALLER)
    floor.commands.clear()
    await floor.event(LinkUp(Snapshot("boot", (alive,), stations)))
    assert of(heard, LegPickedUp) == [LegPickedUp("call1")]
    assert floor.sent(Bridge) == floor.sent(HangUpLeg) == []
    await floor.event(LinkUp(Snapshot("boot", (alive,), stations)))
    assert (await floor.call("call1")).state == "answered"
    await floor.later(31)  # the sweep leaves it alone
    assert (await floor.call("call1")).state == "answered"
    assert await give(floor, "anna")


async def test_one_the_switch_no_longer_has_is_lost(floor: Floor, heard: list[Fact]) -> None:
    leg_id = await place(floor)
    await floor.event(LegAnswered(leg_id))
    await floor.event(LinkUp(Snapshot("boot")))
    assert of(heard, CallOver) == [CallOver("call1", lost=True)]
    assert (await floor.call("call1")).end_reason == "failed"


async def test_its_minutes_are_paid_for(floor: Floor) -> None:
    async with floor.database.unit_of_work() as uow:
        await uow.session.execute(update(Trunk).values(minute_price=1000, daily_spend=100000))
    leg_id = await place(floor)
    await floor.event(LegAnswered(leg_id))
    floor.shift(61)
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))
    assert [each.minutes for each in await floor.all(Leg)] == [2]
    async with floor.database.reading(floor.people["sue"]) as uow:
        assert [each.spent for each in await spending.today(uow)] == ["0.20"]


async def test_what_came_of_a_call_is_told_once(floor: Floor, heard: list[Fact]) -> None:
    await floor.ready("anna")
    leg_id = await place(floor)
    await floor.event(LegAnswered(leg_id))
    await give(floor, "anna")
    async with floor.database.unit_of_work(floor.people["sue"]) as uow:
        made = await set_dispositions(uow, floor.project_id, ["Sold", "Later"])
    sold = made[0].id
    await floor.do("anna", calls.set_disposition, "call1", sold, "")
    await floor.do("anna", calls.set_disposition, "call1", sold, "a note")
    assert of(heard, Disposed) == [Disposed("call1", sold)]
    await floor.do("anna", calls.set_disposition, "call1", None, "a note")
    assert of(heard, Disposed) == [Disposed("call1", sold)]


async def test_an_agent_on_a_given_call_is_not_freed_by_the_sweep(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id = await place(floor)
    await floor.event(LegAnswered(leg_id))
    await give(floor, "anna")
    await floor.later(31)
    async with floor.database.reading() as uow:
        agent = await uow.session.get_one(Agent, floor.people["anna"].id)
    assert (agent.state, agent.call_id) == ("on_call", "call1")
