"""A supervisor's own state while they listen, and all that ends it: nothing is left behind."""

import pytest

from callcenter.calls import listening, playing
from callcenter.calls import service as calls
from callcenter.calls.events import ListeningChanged
from callcenter.calls.models import Call
from callcenter.db import Database
from callcenter.errors import Conflict
from callcenter.phone import (
    Bridge,
    EndReason,
    LegEnded,
    LegState,
    LinkUp,
    Play,
    PortRole,
    Snapshot,
    Sound,
    StationState,
    Way,
)
from callcenter.projects.models import Project
from callcenter.users import service as users
from tests.callcenter.calls.floor import Floor
from tests.callcenter.calls.listeners import bridge, open_listening, open_ones, refused, serve, sweep, there, trail

WAYS = ("listen", "whisper", "barge")


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await open_listening(database)


# --- states and calls of one's own ------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["ready", "break", "offline"])
async def test_nobody_is_offered_to_who_listens_and_their_state_comes_back(floor: Floor, before: str) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.set_agent_state, "ready")
    await floor.do("sue", calls.set_agent_state, before)
    await floor.do("sue", calls.listen, call_id, "listen")
    assert (await floor.agent("sue")).state == "listening"
    waiting = await floor.ring("+48601000002")
    assert floor.offers()[-1][0] == "anna", "the first call's offer; nobody is free for the second"
    assert (await floor.call_of(waiting)).state == "waiting"
    with pytest.raises(Conflict):
        await floor.do("sue", calls.dial, "+48601000003")
    await floor.do("sue", calls.stop_listening, call_id)
    if before == "ready":
        assert floor.offers()[-1] == ("sue", (await floor.call_of(waiting)).id), "who waited is offered at once"
    else:
        assert (await floor.agent("sue")).state == before


async def test_what_is_asked_for_while_one_listens_is_taken_afterwards(floor: Floor) -> None:
    leg_id, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "listen")
    await floor.do("sue", calls.set_agent_state, "break", "Lunch")
    assert (await floor.agent("sue")).state == "listening"
    await floor.leaves(leg_id, EndReason.COMPLETED)
    assert (await floor.agent("sue")).state == "break"


async def test_an_emergency_call_goes_before_listening(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "listen")
    await floor.do("sue", calls.dial, "112")
    assert await open_ones(floor) == []
    assert (await floor.agent("sue")).state == "on_call"
    assert [each.role for each in bridge(floor).members] == [PortRole.AGENT, PortRole.CUSTOMER]


async def test_a_talk_that_becomes_a_message_frees_who_listened_and_gives_the_agent_who_waits(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "listen")
    waiting = await floor.ring("+48601000002")
    async with floor.database.unit_of_work() as uow:
        (await uow.session.get_one(Project, floor.project_id)).wrap_up_seconds = 0
        assert await playing.play(uow, await uow.session.get_one(Call, call_id), "message.wav")
    assert await open_ones(floor) == []
    assert (await floor.agent("sue")).state == "offline"
    assert floor.offers()[-1] == ("anna", (await floor.call_of(waiting)).id)


# --- the call and the pages -------------------------------------------------------------------------------------------


async def test_the_calls_end_lets_everybody_go(floor: Floor) -> None:
    leg_id, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "whisper")
    await floor.do("rob", calls.listen, call_id, "listen")
    await floor.leaves(leg_id, EndReason.COMPLETED)
    assert await open_ones(floor) == []
    states = await floor.states()
    assert (states["sue"], states["rob"], states["anna"]) == ("offline", "offline", "wrap_up")
    assert bridge(floor) == Bridge(call_id, ())
    assert floor.said(ListeningChanged, "sue")[-1].call_id is None
    assert isinstance(await refused(floor, "sue", call_id), Conflict)
    [ended] = [each for each in await trail(floor) if each.detail["user_id"] == floor.people["sue"].id][1:]
    assert ended.detail["reason"] == "over"


async def test_on_hold_the_consultant_and_the_supervisor_stay_together_without_the_customer(floor: Floor) -> None:
    leg_id, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "whisper")
    await floor.do("anna", calls.hold, call_id, True)
    assert [each.role for each in bridge(floor).members] == [PortRole.AGENT, PortRole.SUPERVISOR]
    assert floor.sent(Play) == [Play(leg_id, Sound.MUSIC)]
    await floor.do("sue", calls.listen, call_id, "barge")
    assert [each.role for each in bridge(floor).members] == [PortRole.AGENT, PortRole.SUPERVISOR], "the music goes on"
    await floor.do("rob", calls.listen, call_id, "listen")
    await floor.do("anna", calls.hold, call_id, False)
    assert [each.role for each in bridge(floor).members] == [PortRole.AGENT, PortRole.CUSTOMER, *[PortRole.SUPERVISOR] * 2]
    await floor.do("anna", calls.hold, call_id, True)
    for who in ("sue", "rob"):
        await floor.do(who, calls.stop_listening, call_id)
    assert bridge(floor) == Bridge(call_id, ())
    assert len(floor.sent(Play)) == 2


async def test_a_supervisors_reload_changes_nothing_a_page_that_stays_away_ends_it(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "whisper")
    await floor.lost("sue")
    await floor.live("sue", "tab2")
    await floor.later(300)
    assert len(await open_ones(floor)) == 1
    assert (await floor.do("sue", calls.current)).listening.way == "whisper"
    await floor.lost("sue", "tab2")
    await floor.later(floor.database.settings.station_grace_seconds + 1)
    assert await open_ones(floor) == []
    assert there(floor) == {}
    assert (await floor.agent("sue")).state == "offline"
    assert (await floor.call(call_id)).state == "talking", "the customer and the consultant notice nothing"


async def test_a_consultant_who_is_gone_for_good_ends_the_listening_too(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "listen")
    await floor.lost("anna")
    await floor.live("anna", "tab2")
    await floor.later(300)
    assert len(await open_ones(floor)) == 1, "a reload of the consultant's is no end"
    await floor.lost("anna", "tab2")
    await floor.later(floor.database.settings.away_call_seconds + 1)
    assert (await floor.call(call_id)).state == "ended"
    assert await open_ones(floor) == []


async def test_who_is_shut_out_or_serves_the_project_no_more_listens_no_more(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "listen")
    await floor.do("rob", calls.listen, call_id, "listen")
    await floor.do("rob", users.update_user, floor.people["sue"].id, disabled=True)
    assert there(floor) == {"rob": Way.LISTEN}
    await floor.do("rob", calls.stop_listening, call_id)
    await serve(floor, "tom")
    await floor.do("tom", calls.listen, call_id, "listen")
    await serve(floor, "anna")
    await sweep(floor)
    assert there(floor) == {}
    assert await open_ones(floor) == []


async def snapshot(floor: Floor, leg_id: str | None, call_id: str, *names: str) -> None:
    """Let the switch come back with this leg (none: it was killed) and these stations."""
    legs = () if leg_id is None else (LegState(leg_id, call_id, floor.trunk_id, "inbound", "answered", ""),)
    stations = tuple(StationState(str(floor.people[name].id), "tab1", True, None) for name in names)
    await floor.event(LinkUp(Snapshot("boot", legs, stations)))


@pytest.mark.parametrize("held", [False, True])
async def test_after_a_reconnect_the_switch_is_told_again_who_is_in_the_call(floor: Floor, held: bool) -> None:
    leg_id, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "barge")
    if held:
        await floor.do("anna", calls.hold, call_id, True)
    floor.commands.clear()
    await snapshot(floor, leg_id, call_id, "anna", "sue", "rob", "tom")
    assert there(floor) == {"sue": Way.BARGE}
    customer = [each for each in bridge(floor).members if each.role is PortRole.CUSTOMER]
    assert bool(customer) is not held
    assert [each.leg_id for each in floor.sent(Play)] == ([leg_id] if held else [])
    assert len(await open_ones(floor)) == 1


async def test_a_switch_that_was_killed_leaves_nobody_listening(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.set_agent_state, "ready")
    await floor.do("sue", calls.listen, call_id, "listen")
    await snapshot(floor, None, call_id)
    assert await open_ones(floor) == []
    assert (await floor.agent("sue")).state != "listening"
    await floor.later(300)
    assert (await floor.agent("sue")).state == "offline"


async def test_the_sweep_mends_what_should_not_be(floor: Floor) -> None:
    leg_id, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "listen")
    async with floor.database.unit_of_work() as uow:  # a fault of ours: the row is gone, the state is not
        row = await listening.of_user(uow, floor.people["sue"].id)
        assert row is not None
        row.ended_at = uow.now
    await sweep(floor)
    assert (await floor.agent("sue")).state == "offline"
    await floor.do("sue", calls.listen, call_id, "listen")
    async with floor.database.unit_of_work() as uow:  # and the other way round
        agent = await uow.session.get_one(type(await floor.agent("sue")), floor.people["sue"].id)
        agent.state = "break"
    await sweep(floor)
    assert await open_ones(floor) == []
    assert there(floor) == {}
    await floor.event(LegEnded(leg_id, EndReason.COMPLETED, "far"))


async def test_the_running_calls_say_who_is_in_them(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("rob", calls.listen, call_id, "barge")
    [talk] = await floor.do("sue", calls.talks)
    assert (talk.user, talk.call_id, talk.held) == ("Anna", call_id, False)
    assert [(each.name, each.way) for each in talk.listeners] == [("Rob", "barge")]
