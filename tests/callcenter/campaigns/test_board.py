"""The live page's figures, and the recorded decisions worked out again, on both databases."""

import datetime as dt

import pytest
from sqlalchemy import event

from callcenter.actor import Role
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import service as calls
from callcenter.campaigns import board, decisions, left, members, pacing_words, service
from callcenter.campaigns.board_views import Board
from callcenter.campaigns.models import PacingDecision
from callcenter.contacts.consent_models import Consent
from callcenter.db import Database
from callcenter.errors import NotFound, NotPermitted
from callcenter.phone import Announced, EndReason, HangUpLeg, LegEnded, MachineDetected
from tests.callcenter.campaigns.dialling import Room, invariants, open_room


@pytest.fixture
async def room(database: Database) -> Room:
    """Open a room with three consultants, nobody ready, and five leads."""
    found = await open_room(database)
    await found.add_leads(5)
    return found


async def seen(room: Room) -> Board:
    async with room.floor.database.reading(room.floor.people["sue"]) as uow:
        return await board.read(uow, room.campaign_id)


async def test_a_campaign_nobody_serves_yet_is_all_zeros(room: Room) -> None:
    found = await seen(room)
    assert (found.agents, found.pacing, found.today.hours, found.today.answer_rate, found.period.rate) == (
        [],
        None,
        [],
        None,
        None,
    )
    assert (found.today.left, found.today.hours_left, found.lines.ringing) == (5, None, 0)


async def test_a_call_goes_through_its_states(room: Room) -> None:
    floor = room.floor
    await floor.ready("anna", "bob")
    await floor.later(20)
    one, _ = await room.tick(0)
    found = await seen(room)
    assert [(each.name, each.state, each.doing, each.calls) for each in found.agents] == [
        ("Anna", "on_call", "ringing", 0),
        ("Bob", "on_call", "ringing", 0),
    ]
    assert (found.lines.ringing, found.lines.talking, found.by_state["on_call"]) == (2, 0, 2)
    assert found.pacing is not None
    assert (found.pacing.why, found.pacing.sentence) == ("one_each", "One line for each ready consultant.")
    await floor.later(5)
    await room.answers(one)
    who = next(each for each in (await seen(room)).agents if each.call_id == one.call_id)
    assert (who.doing, (await seen(room)).lines.talking) == ("talking", 1)
    await floor.later(60)
    await room.ends(one)
    await floor.later(10)
    async with floor.database.unit_of_work(next(p for p in floor.people.values() if p.id == who.user_id)) as uow:
        await calls.set_agent_state(uow, "ready")
    done = next(each for each in (await seen(room)).agents if each.user_id == who.user_id)
    assert (done.state, done.call_id, done.calls) == ("ready", None, 1)
    assert abs(done.talk_seconds - 60) <= 2
    assert abs(done.wait_seconds - 25) <= 3, "twenty until it was dialled, and five while it rang"
    assert abs(done.wrap_up_seconds - 10) <= 2
    found = await seen(room)
    assert (found.today.hours[-1].talked, found.today.hours[-1].going, found.today.answer_rate) == (1, 1, 100)
    assert (found.period.connected, found.period.abandoned, found.period.rate) == (1, 0, 0)


async def test_the_wait_of_an_agent_given_a_call_is_until_they_talk(database: Database) -> None:
    room = await open_room(database, mode="power", lines_per_agent=2.0)
    await room.add_leads(3)
    await room.floor.ready("anna")
    await room.floor.later(10)
    dialled = await room.tick(0)
    await room.floor.later(8)
    await room.answers(dialled[0])
    attempt = await room.attempt(dialled[0].call_id)
    assert attempt.waited_seconds == pytest.approx(18, abs=3)
    if len(dialled) > 1:
        await room.answers(dialled[1])
        await room.floor.later(3)
        found = await seen(room)
        assert (found.period.abandoned, found.period.may_still) == (1, 0)


async def test_a_line_nobody_answered_is_waiting_as_well(room: Room) -> None:
    await room.floor.ready("anna")
    (dialled,) = await room.tick()
    await room.floor.later(20)
    await room.ends(dialled, EndReason.NO_ANSWER)
    found = await seen(room)
    assert (found.agents[0].calls, found.today.hours[0].no_answer) == (0, 1)
    assert found.agents[0].wait_seconds >= 19


async def test_who_was_freed_from_a_machine_waited_until_then_and_wraps_up_no_time_meanwhile(database: Database) -> None:
    room = await open_room(database, detection="message", message="message.wav", rule_pack="US")
    floor = room.floor
    contact_id = await floor.add_contact("Ewa", "+48601000000")
    await room.add_leads(1, contact_id=contact_id)
    async with database.unit_of_work() as uow:
        said = {"channel": "call", "purpose": "service", "means": "automatic", "given": True, "source": "form"}
        uow.session.add(Consent(contact_id=contact_id, at=uow.now, recorded_at=uow.now, **said))
    await floor.ready("anna")
    await floor.later(20)
    (first,) = await room.tick(0)
    await floor.later(10)
    await room.answers(first)
    await floor.event(MachineDetected(first.leg_id, "machine"))
    await floor.later(5)
    if (await floor.states())["anna"] == "wrap_up":
        await floor.do("anna", calls.set_agent_state, "ready")
    await floor.later(30)
    await floor.event(LegEnded(first.leg_id, EndReason.COMPLETED, "near", announced=Announced(3000, 3000)))
    (anna,) = (await seen(room)).agents
    assert (anna.state, anna.calls, anna.talk_seconds) == ("ready", 0, 0)
    assert abs(anna.wait_seconds - 30) <= 3, "until the machine was left the message, which took half a minute more"
    assert 0 <= anna.wrap_up_seconds <= 6


async def test_stopped_nothing_new_rings_and_what_rings_goes_on(room: Room) -> None:
    await room.floor.ready("anna", "bob")
    (one, _) = await room.tick()
    await room.ends(one, EndReason.NO_ANSWER)
    await room.floor.do("sue", service.pause, room.campaign_id)
    for _ in range(5):
        assert await room.tick() == []
    found = await seen(room)
    assert (found.state, found.lines.ringing) == ("paused", 1)
    assert room.floor.sent(HangUpLeg) == []
    await invariants(room)


async def test_who_listens_to_a_call_is_on_the_board_as_such(room: Room) -> None:
    await room.floor.ready("anna", "bob")
    async with room.floor.database.unit_of_work() as uow:
        agent = await uow.session.get_one(Agent, room.floor.people["bob"].id)
        agent.state = AgentState.LISTENING.value
    found = await seen(room)
    assert {each.state for each in found.agents} == {"ready", "listening"}


async def test_only_supervisors_watch(room: Room) -> None:
    async with room.floor.database.reading(room.floor.people["anna"]) as uow:
        assert uow.actor.role == Role.CONSULTANT
        for door in (board.read, decisions.list_decisions):
            with pytest.raises(NotPermitted):
                await door(uow, room.campaign_id)
    async with room.floor.database.reading(room.floor.people["sue"]) as uow:
        for door in (board.read, decisions.list_decisions):
            with pytest.raises(NotFound):
                await door(uow, 99_999)


async def test_who_does_not_serve_it_is_not_on_its_page(room: Room) -> None:
    await room.floor.ready("anna", "bob")
    await room.floor.do("sue", members.set_members, room.campaign_id, [room.floor.people["bob"].id])
    assert [each.name for each in (await seen(room)).agents] == ["Bob"]


async def test_a_look_costs_few_statements_however_many_serve(room: Room) -> None:
    await room.floor.ready("anna", "bob", "celia")
    await room.tick()
    async with room.floor.database.reading(room.floor.people["sue"]) as uow:
        counted, worked = await board.today(uow, room.campaign_id)
    said: list[str] = []
    database = room.floor.database
    engines = {database.engine, database.reader}
    for engine in engines:
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    async with database.reading(room.floor.people["sue"]) as uow:
        await board.now(uow, room.campaign_id, counted, worked)
    assert len([each for each in said if each.startswith("SELECT")]) <= 7


async def test_each_recorded_decision_comes_out_the_same_again(room: Room) -> None:
    floor = room.floor
    for who in ("anna", "bob", "celia"):
        await floor.ready(who)
        await room.tick()
        await room.tick()
    async with floor.database.unit_of_work() as uow:
        uow.session.add(
            PacingDecision(campaign_id=room.campaign_id, at=uow.now, lines=0, why="spent", inputs={"stopped": "spent"})
        )
    async with floor.database.reading(floor.people["sue"]) as uow:
        first = await decisions.list_decisions(uow, room.campaign_id, limit=2)
        assert first.next is not None
        rest = await decisions.list_decisions(uow, room.campaign_id, before=first.next)
        spent = await decisions.list_decisions(uow, room.campaign_id, why="spent")
    assert [each.id for each in first.items + rest.items] == sorted((e.id for e in first.items + rest.items), reverse=True)
    assert [each.same for each in first.items + rest.items] == [None] + [True] * (len(first.items + rest.items) - 1)
    assert (len(spent.items), rest.next) == (1, None)


async def test_a_decision_that_was_tampered_with_is_told(room: Room) -> None:
    await room.floor.ready("anna")
    await room.tick()
    async with room.floor.database.unit_of_work() as uow:
        row = await uow.session.get_one(PacingDecision, 1)
        row.lines += 3
        told = decisions.told(row)
    assert (told.same, told.again, told.lines) == (False, 1, 4)


@pytest.mark.parametrize(
    ("why", "lines", "inputs", "said"),
    [
        ("one_each", 0, {"ready": 0}, "No consultant is ready"),
        ("one_each", 0, {"ready": 2}, "rings already"),
        ("one_each", 2, {"ready": 2, "mode": "predictive", "cap": 0.0}, "nobody may be left"),
        ("one_each", 2, {"ready": 2, "mode": "predictive", "cap": 0.03}, "might meet nobody"),
        ("power", 4, {"ratio": 2.0}, "lines for each ready consultant"),
        ("trunk_down", 0, {"stopped": "trunk_down"}, "trunk does not take calls"),
        ("new_word", 0, {}, "{why}"),
        ("agentless", 3, {"most": 10, "in_use": 2}, "lines play the message"),
    ],
)
def test_why_is_said_in_words(why: str, lines: int, inputs: dict[str, object], said: str) -> None:
    assert said in pacing_words.say(why, lines, inputs)[0]


def test_how_long_leads_last() -> None:
    assert left.hours(0, 0, 0, 0, 5) == 0
    assert left.hours(100, 0, 50, 10, 5) is None, "nothing is dialled"
    assert left.hours(100, 60, 19, 10, 5) is None, "too few attempts"
    assert left.hours(120, 60, 100, 100, 5) == 2
    assert left.hours(60, 60, 100, 0, 5) == 5, "nobody answers: each is tried five times"
    assert left.expected(0.5, 2) == 1.5
    assert left.pace(10, 299) == 0
    assert left.pace(10, 600) == 60


async def test_hours_are_those_of_the_campaigns_clock(database: Database) -> None:
    room = await open_room(database, time_zone="Asia/Kolkata")
    await room.add_leads(1)
    await room.floor.ready("anna")
    await room.tick()
    (hour,) = (await seen(room)).today.hours
    assert (hour.begins + dt.timedelta(hours=5, minutes=30)).minute == 0
