"""Agents' states: what may be asked for, what a page that goes away means, and the one claim."""

import asyncio

import pytest

from callcenter.agents import service as agents
from callcenter.agents import states
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import service as calls
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.events import AgentStateChanged, CallEnded, StationReplaced
from callcenter.phone import Bridge, HangUpLeg, LegAnswered, StationLive
from callcenter.users.models import AuditEntry
from tests.callcenter.calls.floor import Floor, open_floor


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await open_floor(database)


async def test_ready_needs_a_live_station(floor: Floor) -> None:
    with pytest.raises(Conflict, match="Allow the microphone first"):
        await floor.do("anna", calls.set_agent_state, "ready")
    await floor.live("anna")
    assert (await floor.do("anna", calls.set_agent_state, "ready")).state == "ready"


@pytest.mark.parametrize("state", ["on_call", "offered", "wrap_up", "", "READY"])
async def test_only_ready_break_and_offline_can_be_asked_for(floor: Floor, state: str) -> None:
    with pytest.raises(Invalid):
        await floor.do("anna", calls.set_agent_state, state)


async def test_pressing_ready_again_keeps_the_place_in_the_order(floor: Floor) -> None:
    await floor.ready("anna", "bob")
    before = (await floor.agent("anna")).ready_since
    await floor.do("anna", calls.set_agent_state, "ready")
    assert (await floor.agent("anna")).ready_since == before


async def test_a_state_asked_for_during_a_call_is_taken_after_it(floor: Floor) -> None:
    await floor.ready("anna")
    _, call_id = await floor.talk("anna")
    agent = await floor.do("anna", calls.set_agent_state, "break")
    assert (agent.state, agent.after_call) == ("on_call", "break")
    assert floor.said(AgentStateChanged, "anna")[-1].after_call == "break"
    await floor.do("anna", calls.hang_up, call_id)
    assert (await floor.states())["anna"] == "wrap_up"
    await floor.later(31)
    assert (await floor.states())["anna"] == "break"
    assert (await floor.agent("anna")).after_call is None


async def test_a_state_asked_for_in_the_wrap_up_ends_it(floor: Floor) -> None:
    await floor.ready("anna")
    _, call_id = await floor.talk("anna")
    await floor.do("anna", calls.hang_up, call_id)
    await floor.do("anna", calls.set_agent_state, "break")
    assert (await floor.states())["anna"] == "break"
    assert (await floor.call(call_id)).wrapped_at is not None
    assert await floor.later(31) == 0, "nothing is due any more"


async def test_supervisors_set_others_states_and_that_is_audited(floor: Floor) -> None:
    await floor.live("anna")
    with pytest.raises(NotPermitted):
        await floor.do("bob", calls.set_agent_state, "break", user_id=floor.people["anna"].id)
    await floor.do("sue", calls.set_agent_state, "break", "training", user_id=floor.people["anna"].id)
    assert (await floor.agent("anna")).reason == "training"
    assert "agent.state_set" in {entry.action for entry in await floor.all(AuditEntry)}
    with pytest.raises(NotFound):
        await floor.do("sue", calls.set_agent_state, "break", user_id=999)
    with pytest.raises(NotPermitted):
        await floor.do("anna", agents.list_agents)
    assert [agent.name for agent in await floor.do("sue", agents.list_agents)] == ["Anna", "Bob", "Celia", "Sue"]


async def test_one_agent_is_claimed_by_one_call_only(floor: Floor) -> None:
    await floor.ready("anna")
    fence = (await floor.agent("anna")).fence

    async def claim(call_id: str) -> bool:
        async with floor.database.unit_of_work() as uow:
            return await agents.claim(uow, floor.people["anna"].id, fence, call_id)

    assert sorted(await asyncio.gather(*(claim(f"call{n}") for n in range(5)))) == [False] * 4 + [True]


async def test_a_claim_made_from_an_old_look_at_the_agent_fails(floor: Floor) -> None:
    await floor.ready("anna")
    fence = (await floor.agent("anna")).fence
    await floor.do("anna", calls.set_agent_state, "break")
    await floor.do("anna", calls.set_agent_state, "ready")
    async with floor.database.unit_of_work() as uow:
        assert not await agents.claim(uow, floor.people["anna"].id, fence, "call")
        assert await agents.claim(uow, floor.people["anna"].id, fence + 2, "call")


async def test_a_reload_in_time_changes_nothing(floor: Floor) -> None:
    await floor.ready("anna")
    await floor.lost("anna")
    await floor.ring()
    assert floor.offers() == [], "nobody is offered a call they cannot hear"
    await floor.live("anna", "tab2")
    assert len(floor.offers()) == 1, "and is as soon as the page is back"
    await floor.later(19)
    assert (await floor.states())["anna"] == "offered"
    assert floor.said(StationReplaced) == []


async def test_a_page_that_stays_away_takes_its_agent_offline(floor: Floor) -> None:
    await floor.ready("anna")
    await floor.lost("anna")
    await floor.later(19)
    assert (await floor.states())["anna"] == "ready"
    await floor.later(2)
    anna = await floor.agent("anna")
    assert (anna.state, anna.reason) == ("offline", "station_lost")
    await floor.live("anna")
    assert (await floor.states())["anna"] == "offline", "who comes back presses Ready"


async def test_another_tab_takes_over_and_the_old_ones_end_does_not_count(floor: Floor) -> None:
    await floor.ready("anna")
    await floor.live("anna", "tab2")
    assert [event.session for event in floor.said(StationReplaced, "anna")] == ["tab2"]
    await floor.lost("anna", "tab1")
    assert (await floor.agent("anna")).station_live


async def test_a_page_that_stays_away_in_a_call_lets_the_customer_go_in_the_end(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id, call_id = await floor.talk("anna")
    await floor.lost("anna")
    await floor.later(179)
    assert (await floor.call(call_id)).state == "talking"
    await floor.later(2)
    call = await floor.call(call_id)
    assert (call.end_reason, call.talk_seconds) == ("dropped", 0), "the talk ended with the agent's audio"
    assert [command.leg_id for command in floor.sent(HangUpLeg)] == [leg_id]
    assert floor.sent(Bridge)[-1].members == ()
    assert len(floor.said(CallEnded, "anna")) == 1
    await floor.later(31)
    assert (await floor.states())["anna"] == "offline"


async def test_a_page_that_comes_back_in_a_call_keeps_it(floor: Floor) -> None:
    await floor.ready("anna")
    _, call_id = await floor.talk("anna")
    await floor.lost("anna")
    await floor.later(100)
    await floor.live("anna", "tab2")
    await floor.later(200)
    assert (await floor.call(call_id)).state == "talking"
    await floor.do("anna", calls.hang_up, call_id)
    await floor.later(31)
    assert (await floor.states())["anna"] == "ready"


async def test_a_reload_while_the_wrap_up_ends_does_not_send_offline(floor: Floor) -> None:
    await floor.ready("anna")
    _, call_id = await floor.talk("anna")
    await floor.do("anna", calls.hang_up, call_id)
    floor.shift(25)
    await floor.lost("anna")
    await floor.later(7)
    assert (await floor.states())["anna"] == "ready"
    await floor.later(20)
    assert (await floor.states())["anna"] == "offline"


async def test_a_station_of_nobody_is_ignored(floor: Floor) -> None:
    for station_id in ("999", "x", "", "-1", "²"):
        await floor.event(StationLive(station_id, "tab"))
    assert await floor.all(Agent) == []


async def test_a_call_answered_by_the_click_needs_a_microphone(floor: Floor) -> None:
    await floor.ready("anna")
    leg_id = await floor.ring()
    await floor.lost("anna")
    call_id = (await floor.call_of(leg_id)).id
    with pytest.raises(Conflict, match="microphone"):
        await floor.do("anna", calls.answer, call_id)
    await floor.live("anna", "tab2")
    await floor.do("anna", calls.answer, call_id)
    await floor.event(LegAnswered(leg_id))
    assert (await floor.call(call_id)).state == "talking"


def test_every_state_can_be_left_and_reached() -> None:
    reached = {state for following in states.FOLLOWING.values() for state in following}
    assert reached == set(AgentState) == set(states.FOLLOWING)
