"""Calls under events in any order, repeated, late and unknown: what must hold, holds after every step."""

import random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, precondition, rule
from sqlalchemy import func, select

from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import service as calls
from callcenter.calls.models import Call, CallBack, CallState, Leg, Listening, Offer
from callcenter.contacts.models import TimelineEntry
from callcenter.jobs import Job
from callcenter.phone import (
    Bridge,
    EndReason,
    LegAnswered,
    LegEnded,
    LegRinging,
    PortRole,
    Way,
)
from callcenter.projects.service import set_members
from callcenter.users.models import User
from tests.callcenter.any_order import AnyOrder
from tests.callcenter.calls.floor import ADMIN, Floor, open_floor

PEOPLE = ("anna", "bob", "celia")
NUMBERS = ("+48601000001", "+48601000002", "")
BOSSES = ("sue", "rob")  # a supervisor of the project and an administrator
people = st.sampled_from((*PEOPLE, "sue"))


class Calls(AnyOrder):
    """Three consultants, two who may listen in, two known customers and a switch that says anything at any time."""

    legs = Bundle("legs")

    def __init__(self) -> None:
        super().__init__()
        self.ended: dict[str, tuple[Any, ...]] = {}
        self.floor = self.runner.run(self._open())

    async def _open(self) -> Floor:
        database = self.new_database()
        floor = await open_floor(database, PEOPLE)
        async with database.unit_of_work(ADMIN) as uow:
            rob = User(login="rob", name="Rob", role=Role.ADMINISTRATOR.value, password_hash="", created_at=uow.now)
            uow.session.add(rob)
            await uow.session.flush()
            floor.people["rob"] = Actor(rob.id, rob.name, Role.ADMINISTRATOR, accounts=EVERY_ACCOUNT)
            await set_members(uow, floor.project_id, [floor.people[name].id for name in (*PEOPLE, "sue")])
        for name in BOSSES:
            await floor.live(name)
        for number in NUMBERS[:2]:
            await floor.add_contact("Customer", number)
        await floor.ready("anna")  # one only, so that callers often wait
        return floor

    def _call(self, leg: str) -> str:
        return self.runner.run(self.floor.call_of(leg)).id

    # --- the switch ---------------------------------------------------------------------------------------------------

    @rule(target=legs, number=st.sampled_from(NUMBERS))
    def rings(self, number: str) -> str:
        return self.runner.run(self.floor.ring(number))

    @rule(leg=legs)
    def offered_again(self, leg: str) -> None:
        self.runner.run(self.floor.ring(leg_id=leg))

    @rule(leg=legs)
    def ringing(self, leg: str) -> None:
        self.runner.run(self.floor.event(LegRinging(leg, early_media=False)))

    @rule(leg=legs)
    def answered(self, leg: str) -> None:
        self.runner.run(self.floor.event(LegAnswered(leg)))

    @rule(leg=legs, reason=st.sampled_from(list(EndReason)))
    def ends(self, leg: str, reason: EndReason) -> None:
        self.runner.run(self.floor.event(LegEnded(leg, reason, "far", 200)))

    @rule(reason=st.sampled_from(list(EndReason)))
    def a_strange_leg(self, reason: EndReason) -> None:
        self.runner.run(self.floor.event(LegAnswered("strange")))
        self.runner.run(self.floor.event(LegEnded("strange", reason, "far")))

    @rule(who=people, session=st.sampled_from(["tab1", "tab2"]))
    def page_comes(self, who: str, session: str) -> None:
        self.runner.run(self.floor.live(who, session))

    @rule(who=people, session=st.sampled_from(["tab1", "tab2"]))
    def page_goes(self, who: str, session: str) -> None:
        self.runner.run(self.floor.lost(who, session))

    @rule(keep=st.randoms(use_true_random=False))
    def reconnects(self, keep: random.Random) -> None:
        self.runner.run(self._come_back(keep, 0.7))

    # --- people and time ----------------------------------------------------------------------------------------------

    @rule(who=people, state=st.sampled_from(["ready", "ready", "break", "offline"]))
    def asks(self, who: str, state: str) -> None:
        self._try(who, calls.set_agent_state, state)

    @rule(who=people, leg=legs)
    def answers(self, who: str, leg: str) -> None:
        self._try(who, calls.answer, self._call(leg))

    @rule(who=people, leg=legs)
    def declines(self, who: str, leg: str) -> None:
        self._try(who, calls.decline, self._call(leg))

    @rule(who=people, leg=legs)
    def hangs_up(self, who: str, leg: str) -> None:
        self._try(who, calls.hang_up, self._call(leg))

    @rule(who=people, leg=legs, on=st.booleans())
    def holds(self, who: str, leg: str, on: bool) -> None:
        self._try(who, calls.hold, self._call(leg), on)

    @rule(who=st.sampled_from(BOSSES), leg=legs, way=st.sampled_from(list(Way)))
    def listens(self, who: str, leg: str, way: Way) -> None:
        self._try(who, calls.listen, self._call(leg), way.value)

    @rule(who=st.sampled_from(BOSSES), leg=legs)
    def stops_listening(self, who: str, leg: str) -> None:
        self._try(who, calls.stop_listening, self._call(leg))

    @rule(session=st.sampled_from(["tab1", "tab2"]), here=st.booleans())
    def page_of_the_administrator(self, session: str, here: bool) -> None:
        self.runner.run(self.floor.live("rob", session) if here else self.floor.lost("rob", session))

    @rule(who=people, leg=legs, contact=st.sampled_from([1, 2, None]))
    def rematches(self, who: str, leg: str, contact: int | None) -> None:
        self._try(who, calls.change_match, self._call(leg), contact)

    @rule(who=people, leg=legs)
    def notes(self, who: str, leg: str) -> None:
        self._try(who, calls.set_disposition, self._call(leg), None, "a note")

    @rule(who=people)
    def finishes(self, who: str) -> None:
        self._try(who, calls.finish_wrap_up)

    @rule(target=legs, who=people, number=st.sampled_from(["601000001", "112"]))
    def dials(self, who: str, number: str) -> str:
        before = {leg.id for leg in self.runner.run(self.floor.all(Leg))}
        self._try(who, calls.dial, number)
        made = [leg.id for leg in self.runner.run(self.floor.all(Leg)) if leg.id not in before]
        return made[0] if made else self.runner.run(self.floor.ring(""))

    @rule(seconds=st.sampled_from([1, 21, 31, 200, 700]))
    def time_passes(self, seconds: int) -> None:
        self.runner.run(self.floor.later(seconds))

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def holds_together(self) -> None:
        self.runner.run(self._check())

    async def _check(self) -> None:
        calls_now = {call.id: call for call in await self.floor.all(Call)}
        offers = [offer for offer in await self.floor.all(Offer) if offer.result == "open"]
        agents = await self.floor.all(Agent)
        self._check_offers(calls_now, offers, agents)
        declined = {job.key.partition(":")[2] for job in await self.floor.all(Job) if job.kind == "ask_again"}
        self._check_agents(calls_now, agents, declined)
        self._check_listening(calls_now, agents, [each for each in await self.floor.all(Listening) if each.ended_at is None])
        await self._check_ended(calls_now)

    def _check_listening(self, calls_now: dict[str, Call], agents: list[Agent], there: list[Listening]) -> None:
        assert {each.user_id for each in there} == {each.user_id for each in agents if each.state == AgentState.LISTENING}
        assert len({each.user_id for each in there}) == len(there), "a supervisor is in one call"
        assert all(calls_now[each.call_id].state == CallState.TALKING for each in there)
        last = {command.call_id: command for command in self.floor.sent(Bridge)}
        for call_id, command in last.items():
            bridged = {(each.id, each.way) for each in command.members if each.role is PortRole.SUPERVISOR}
            assert bridged == {(str(each.user_id), each.way) for each in there if each.call_id == call_id}
            held = calls_now[call_id].state == CallState.TALKING and calls_now[call_id].held
            assert not (held and any(each.port == "leg" for each in command.members)), "music is not talked over"

    def _check_offers(self, calls_now: dict[str, Call], offers: list[Offer], agents: list[Agent]) -> None:
        assert len({offer.call_id for offer in offers}) == len({offer.user_id for offer in offers}) == len(offers)
        states = {agent.user_id: agent for agent in agents}
        for offer in offers:
            assert calls_now[offer.call_id].state == CallState.OFFERED
            agent = states[offer.user_id]
            assert (agent.state, agent.call_id) == (AgentState.OFFERED, offer.call_id)
        ringing = {call.id for call in calls_now.values() if call.state == CallState.OFFERED and call.user_id is None}
        assert ringing == {offer.call_id for offer in offers}

    def _check_agents(self, calls_now: dict[str, Call], agents: list[Agent], declined: set[str]) -> None:
        free = False
        for agent in agents:
            call = calls_now.get(agent.call_id or "")
            if agent.state in (AgentState.OFFERED, AgentState.ON_CALL):
                assert call is not None
                assert call.state != CallState.ENDED, "nobody is stuck with a call that is over"
            elif agent.state != AgentState.WRAP_UP:
                assert agent.call_id is None
            free = free or (agent.state == AgentState.READY and agent.station_live)
        waiting = [call for call in calls_now.values() if call.state == CallState.WAITING and call.id not in declined]
        assert not (free and waiting), "no caller waits while somebody is ready"
        for call in calls_now.values():
            if call.user_id is not None and call.state != CallState.ENDED:
                assert [agent.user_id for agent in agents if agent.call_id == call.id] == [call.user_id]

    async def _check_ended(self, calls_now: dict[str, Call]) -> None:
        for call in calls_now.values():
            if call.state == CallState.ENDED:
                final = (call.end_reason, call.end_code, call.ended_at, call.answered_at, call.talk_seconds, call.user_id)
                assert self.ended.setdefault(call.id, final) == final, "a terminal state is final"
                assert call.ended_at is not None
            else:
                assert call.id not in self.ended
        async with self.floor.database.reading() as uow:
            lines = (await uow.session.execute(select(TimelineEntry.call_id, func.count()).group_by(TimelineEntry.call_id))).all()
            missed = set(await uow.session.scalars(select(CallBack.call_id)))
            unowned = await uow.session.scalar(select(func.count()).where(CallBack.owner_id.is_(None)))
        assert all(count == 1 for _, count in lines), "one line per call"
        matched = {call.id for call in calls_now.values() if call.state == CallState.ENDED and call.contact_id is not None}
        assert {call_id for call_id, _ in lines} >= matched
        abandoned = {call.id for call in calls_now.values() if call.direction == "inbound" and call.state == CallState.ENDED}
        assert missed == {call_id for call_id in abandoned if calls_now[call_id].answered_at is None}
        assert unowned == 0

    @precondition(lambda self: len(self.ended) > 0)
    @rule(leg=legs)
    def late_answer_to_anything(self, leg: str) -> None:
        self.runner.run(self.floor.event(LegAnswered(leg)))


TestCalls = Calls.TestCase
TestCalls.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
