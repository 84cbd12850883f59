"""Who may be in a consultant's call, how they are in it, and who is told."""

import pytest

from callcenter.actor import AccountRole
from callcenter.calls import service as calls
from callcenter.calls.events import ListenersChanged
from callcenter.calls.models import Call, Listening
from callcenter.db import Database
from callcenter.errors import Conflict, Invalid, NotFound, NotPermitted
from callcenter.phone import (
    Bridge,
    EndReason,
    Member,
    Play,
    PortRole,
    Way,
)
from callcenter.projects import service as projects
from callcenter.projects.fields import ProjectInput
from tests.callcenter.calls.floor import Floor
from tests.callcenter.calls.listeners import bridge, open_listening, open_ones, refused, serve, there, trail

WAYS = ("listen", "whisper", "barge")


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await open_listening(database)


async def hide(floor: Floor, who: str = "rob") -> None:
    """Let consultants of the project not be told."""
    async with floor.database.unit_of_work(floor.people[who]) as uow:
        stored = await projects.get_project(uow, floor.project_id)
        changed = ProjectInput.model_validate(stored.model_dump(exclude={"id", "members"}) | {"tell_listening": False})
        await projects.update_project(uow, floor.project_id, changed)


# --- who may --------------------------------------------------------------------------------------------------------


async def test_supervisors_listen_to_their_projects_administrators_to_all_consultants_never(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    assert isinstance(await refused(floor, "bob", call_id), NotPermitted)
    assert isinstance(await refused(floor, "anna", call_id), NotPermitted)
    assert isinstance(await refused(floor, "tom", call_id), NotPermitted), "tom serves another project"
    assert isinstance(await refused(floor, "sue", "nowhere"), NotFound)
    assert not await floor.all(Listening)
    await floor.do("sue", calls.listen, call_id, "listen")
    await floor.do("rob", calls.listen, call_id, "listen")
    assert there(floor) == {"sue": Way.LISTEN, "rob": Way.LISTEN}
    with pytest.raises(NotPermitted):
        await floor.do("bob", calls.talks)
    assert [each.call_id for each in await floor.do("sue", calls.talks)] == [call_id]
    assert await floor.do("tom", calls.talks) == []


async def test_a_call_outside_any_project_is_for_administrators(floor: Floor) -> None:
    await serve(floor, "sue")
    await floor.do("anna", calls.dial, "+48601000009")
    [call] = [each for each in (await floor.do("anna", calls.list_calls)).items if each.state != "ended"]
    async with floor.database.unit_of_work() as uow:
        row = await uow.session.get_one(Call, call.id)
        row.state, row.answered_at, row.project_id = "talking", uow.now, None
    assert isinstance(await refused(floor, "sue", call.id), NotPermitted)
    await floor.do("rob", calls.listen, call.id, "listen")
    assert there(floor) == {"rob": Way.LISTEN}


async def test_a_call_with_an_account_one_may_not_see_is_not_for_ones_ears(floor: Floor) -> None:
    await floor.add_contact("Customer")
    _, call_id = await floor.talk("anna")
    await floor.give("sue", AccountRole.PARTNER_READER)
    assert isinstance(await refused(floor, "sue", call_id), NotPermitted)
    assert await floor.do("sue", calls.talks) == []


async def test_only_a_call_in_which_somebody_talks_and_not_ones_own_and_not_while_one_has_a_call(floor: Floor) -> None:
    leg_id = await floor.ring()
    call_id = (await floor.call_of(leg_id)).id
    assert isinstance(await refused(floor, "sue", call_id), Conflict)
    await floor.leaves(leg_id)
    assert isinstance(await refused(floor, "sue", call_id), Conflict)
    await floor.do("anna", calls.set_agent_state, "break")
    await floor.do("sue", calls.set_agent_state, "ready")
    leg_id, own = await floor.talk("sue")
    assert isinstance(await refused(floor, "sue", own), Conflict)
    await floor.ready("anna")
    _, call_id = await floor.talk("anna")
    assert "own" in str(await refused(floor, "sue", call_id))
    assert isinstance(await refused(floor, "rob", call_id, "shout"), Invalid)
    await floor.lost("rob")
    assert "microphone" in str(await refused(floor, "rob", call_id))
    assert not await floor.all(Listening)


# --- how ------------------------------------------------------------------------------------------------------------


async def test_from_one_way_to_another_and_away_each_is_told_to_the_switch_and_written_down(floor: Floor) -> None:
    leg_id, call_id = await floor.talk("anna")
    pair = (Member("station", str(floor.people["anna"].id), PortRole.AGENT), Member("leg", leg_id, PortRole.CUSTOMER))
    for way in (*WAYS, "listen"):
        now = await floor.do("sue", calls.listen, call_id, way)
        assert (now.way, now.user, now.call_id) == (way, "Anna", call_id)
        sue = Member("station", str(floor.people["sue"].id), PortRole.SUPERVISOR, Way(way))
        assert bridge(floor) == Bridge(call_id, (*pair, sue))
        floor.shift(60)
    sent = len(floor.commands)
    await floor.do("sue", calls.listen, call_id, "listen")
    assert len(floor.commands) == sent, "the same again changes nothing"
    await floor.do("sue", calls.stop_listening, call_id)
    await floor.do("sue", calls.stop_listening, call_id)
    assert bridge(floor) == Bridge(call_id, pair)
    assert await open_ones(floor) == []
    stretches = await floor.do("sue", calls.listenings, call_id)
    assert [(each.way, (each.ended_at - each.began_at).seconds) for each in stretches] == [(way, 60) for way in (*WAYS, "listen")]
    entries = await trail(floor)
    assert [each.action.rpartition("_")[2] for each in entries] == ["begun", "ended"] * 4
    for entry, stretch in zip(entries[1::2], stretches, strict=True):
        assert (entry.actor_name, entry.subject_id, entry.detail["way"]) == ("Sue", call_id, stretch.way)
        assert entry.detail["consultant_id"] == floor.people["anna"].id
        assert (entry.detail["began_at"], entry.detail["ended_at"]) == (
            stretch.began_at.isoformat(),
            stretch.ended_at.isoformat(),
        )
    assert not floor.sent(Play), "the customer hears nothing of it"


async def test_two_supervisors_at_once_each_in_their_own_way(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "whisper")
    await floor.do("rob", calls.listen, call_id, "listen")
    assert there(floor) == {"sue": Way.WHISPER, "rob": Way.LISTEN}
    await floor.do("rob", calls.listen, call_id, "barge")
    await floor.do("sue", calls.stop_listening, call_id)
    assert there(floor) == {"rob": Way.BARGE}


async def test_who_listens_to_another_call_leaves_the_first(floor: Floor) -> None:
    _, first = await floor.talk("anna")
    await floor.ready("bob")
    _, second = await floor.talk("bob", number="+48601000002")
    await floor.do("sue", calls.set_agent_state, "break", "Lunch")
    await floor.do("sue", calls.listen, first, "whisper")
    await floor.do("sue", calls.listen, second, "listen")
    by_call = {each.call_id: each for each in floor.sent(Bridge)}
    assert [each.role for each in by_call[first].members] == [PortRole.AGENT, PortRole.CUSTOMER]
    assert there(floor) == {"sue": Way.LISTEN}
    assert [each.call_id for each in await open_ones(floor)] == [second]
    await floor.do("sue", calls.stop_listening, first)
    assert [each.call_id for each in await open_ones(floor)] == [second], "an old page's button"
    await floor.do("sue", calls.stop_listening, second)
    agent = await floor.agent("sue")
    assert (agent.state, agent.reason) == ("break", "Lunch")


# --- who is told ----------------------------------------------------------------------------------------------------


async def test_the_consultant_is_told_who_listens_and_reads_it_afterwards(floor: Floor) -> None:
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "listen")
    await floor.do("sue", calls.listen, call_id, "whisper")
    told = floor.said(ListenersChanged, "anna")
    assert [[(each.name, each.way) for each in message.listeners] for message in told] == [
        [("Sue", "listen")],
        [("Sue", "whisper")],
    ]
    [shown] = (await floor.do("anna", calls.current)).listeners
    assert (shown.name, shown.way) == ("Sue", "whisper")
    await floor.do("sue", calls.stop_listening, call_id)
    assert floor.said(ListenersChanged, "anna")[-1].listeners == []
    assert (await floor.do("anna", calls.current)).listeners == []
    assert [each.way for each in await floor.do("anna", calls.listenings, call_id)] == ["listen", "whisper"]
    assert not floor.said(ListenersChanged, "bob")


async def test_where_the_project_does_not_tell_the_consultant_knows_only_of_whom_they_hear(floor: Floor) -> None:
    await hide(floor)
    _, call_id = await floor.talk("anna")
    await floor.do("sue", calls.listen, call_id, "listen")
    assert floor.said(ListenersChanged) == []
    assert (await floor.do("anna", calls.current)).listeners == []
    assert await floor.do("anna", calls.listenings, call_id) == []
    assert len(await floor.do("rob", calls.listenings, call_id)) == 1
    await floor.do("sue", calls.listen, call_id, "barge")
    assert [each.way for each in floor.said(ListenersChanged, "anna")[-1].listeners] == ["barge"]
    await floor.do("sue", calls.listen, call_id, "listen")
    assert floor.said(ListenersChanged, "anna")[-1].listeners == []
    assert [each.way for each in await floor.do("anna", calls.listenings, call_id)] == ["barge"]


async def test_only_an_administrator_lets_consultants_not_be_told(floor: Floor) -> None:
    with pytest.raises(NotPermitted):
        await hide(floor, "sue")
    await hide(floor)
    async with floor.database.unit_of_work(floor.people["sue"]) as uow:
        stored = await projects.get_project(uow, floor.project_id)
        again = ProjectInput.model_validate(stored.model_dump(exclude={"id", "members"}))
        await projects.update_project(uow, floor.project_id, again)  # what stands may be saved again
        with pytest.raises(NotPermitted):
            await projects.add_project(uow, ProjectInput(name="Other", tell_listening=False))


async def test_the_customers_timeline_says_who_took_part_and_nothing_of_who_listened(floor: Floor) -> None:
    contact = await floor.add_contact("Customer")
    leg_id, call_id = await floor.talk("anna")
    await floor.do("rob", calls.listen, call_id, "whisper")
    await floor.do("sue", calls.listen, call_id, "barge")
    await floor.do("sue", calls.listen, call_id, "listen")
    await floor.do("sue", calls.listen, call_id, "barge")
    await floor.leaves(leg_id, EndReason.COMPLETED)
    [line] = await floor.timeline(contact)
    assert line.data["joined"] == "Sue"
    assert "With Sue" in line.text
    assert "Rob" not in line.text
