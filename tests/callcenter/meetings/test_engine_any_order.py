"""Meetings under people, customers, time and trouble in any order: what must hold, holds after every step."""

import datetime as dt
import random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from sqlalchemy import select

from callcenter import clock
from callcenter.agents.models import Agent, AgentState
from callcenter.calls import service as calls
from callcenter.calls.models import Call, CallState, Offer
from callcenter.jobs import Job
from callcenter.meetings import attempts, conditions, reachable, service
from callcenter.meetings import settings as rules_of_projects
from callcenter.meetings.forms import MeetingChange
from callcenter.meetings.models import Attempt, Meeting, MeetingSettings, MeetingState
from callcenter.phone import (
    Announced,
    EndReason,
    LegAnswered,
    LegEnded,
    LegRinging,
    LinkDown,
    LinkUp,
    Originate,
    Snapshot,
)
from tests.callcenter.any_order import AnyOrder
from tests.callcenter.calls.floor import Floor
from tests.callcenter.meetings import desk
from tests.callcenter.meetings.office import meeting as typed
from tests.callcenter.meetings.office import open_office
from tests.callcenter.meetings.test_settings import sound

PEOPLE = ("anna", "bob")
ATTEMPTS = 3
people = st.sampled_from(PEOPLE)
owners = st.sampled_from([*PEOPLE, None])
picks = st.integers(0, 9)


class Meetings(AnyOrder):
    """Two consultants, a supervisor, customers who do anything, a switch that comes and goes, a clock that jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.dialled: dict[str, dt.datetime] = {}
        self.windows: dict[str, tuple[dt.datetime, dt.datetime]] = {}
        self.floor = self.runner.run(self._open())

    async def _open(self) -> Floor:
        database = self.new_database()
        floor = await open_office(database)
        closed = clock.now() + dt.timedelta(hours=2)  # and an hour later they call again
        times = [("00:00", f"{closed:%H:00}"), (f"{closed + dt.timedelta(hours=1):%H:00}", "24:00")]
        hours = {str(day): [each for each in times if each[0] < each[1]] for day in range(7)}
        await desk.rules(floor, attempts=ATTEMPTS, retry_minutes=2, hours=hours, time_zone="UTC")
        await floor.do("sue", rules_of_projects.set_announcement, floor.project_id, sound())
        await floor.event(LinkUp(Snapshot("boot")))
        for name in PEOPLE:
            await floor.ready(name)
        for n, who in enumerate(("anna", None, "bob", "anna")):  # due now
            start, owner = clock.now(), floor.people[who].id if who else None
            data = typed(floor, mode="automatic", user_id=owner, from_at=start, to_at=start + dt.timedelta(minutes=4 + 20 * n))
            await floor.do("sue", service.plan, data)
        return floor

    def _all(self, kind: type[Any]) -> list[Any]:
        return self.runner.run(self.floor.all(kind))

    def _meeting(self, pick: int) -> Meeting | None:
        found = sorted(self._all(Meeting), key=lambda each: each.id)
        return found[pick % len(found)] if found else None

    # --- people -------------------------------------------------------------------------------------------------------

    @rule(
        who=owners,
        mode=st.sampled_from(["automatic", "automatic", "manual"]),
        after=st.sampled_from([0, 1, 30]),
        long=st.sampled_from([3, 30, 90]),
    )
    def plans(self, who: str | None, mode: str, after: int, long: int) -> None:
        start = clock.now() + dt.timedelta(minutes=after)
        owner = self.floor.people[who].id if who else None
        data = typed(self.floor, mode=mode, user_id=owner, from_at=start, to_at=start + dt.timedelta(minutes=long))
        self._try("sue", service.plan, data)
        self.runner.run(self.floor.run_due())

    @rule(pick=picks, who=owners, mode=st.sampled_from(["automatic", "manual"]), after=st.sampled_from([0, 10]))
    def changes(self, pick: int, who: str | None, mode: str, after: int) -> None:
        found = self._meeting(pick)
        if found is None:
            return
        start = clock.now() + dt.timedelta(minutes=after)
        owner = self.floor.people[who].id if who else None
        data = typed(self.floor, mode=mode, user_id=owner, from_at=start, to_at=start + dt.timedelta(minutes=20))
        self._try("sue", service.change, found.id, MeetingChange(**data.model_dump(), version=found.version))
        self.runner.run(self.floor.run_due())

    @rule(pick=picks)
    def cancels(self, pick: int) -> None:
        found = self._meeting(pick)
        if found is not None:
            self._try("sue", service.cancel, found.id, "why not")

    @rule(pick=picks, who=people)
    def presses_call(self, pick: int, who: str) -> None:
        found = self._meeting(pick)
        if found is not None:
            self._try(who, attempts.call_now, found.id)

    @rule(who=people)
    def says_not_now(self, who: str) -> None:
        agent = self.runner.run(self.floor.agent(who))
        if agent.call_id is not None:
            self._try(who, attempts.not_now, agent.call_id, "busy")

    @rule(pick=picks, minutes=st.sampled_from([1, 5]))
    def snoozes(self, pick: int, minutes: int) -> None:
        found = self._meeting(pick)
        if found is not None:
            self._try("sue", service.snooze, found.id, minutes)

    @rule(who=people, state=st.sampled_from(["ready", "ready", "ready", "break", "offline"]))
    def asks(self, who: str, state: str) -> None:
        self._try(who, calls.set_agent_state, state)

    @rule(who=people)
    def finishes(self, who: str) -> None:
        self._try(who, calls.finish_wrap_up)

    @rule(who=people)
    def hangs_up(self, who: str) -> None:
        agent = self.runner.run(self.floor.agent(who))
        if agent.call_id is not None:
            self._try(who, calls.hang_up, agent.call_id)

    @rule(who=people, comes=st.booleans())
    def page(self, who: str, comes: bool) -> None:
        self.runner.run(self.floor.live(who) if comes else self.floor.lost(who))

    # --- customers, the switch, time ------------------------------------------------------------------------------------

    @rule(pick=picks)
    def answers(self, pick: int) -> None:
        self.runner.run(self.floor.event(LegAnswered(self._leg(pick))))

    @rule(pick=picks)
    def rings(self, pick: int) -> None:
        self.runner.run(self.floor.event(LegRinging(self._leg(pick), early_media=False)))

    @rule(pick=picks, reason=st.sampled_from(list(EndReason)), lost=st.sampled_from([False, False, True]))
    def ends(self, pick: int, reason: EndReason, lost: bool) -> None:
        self.runner.run(self.floor.event(LegEnded(self._leg(pick), reason, "far", 486, lost=lost)))

    @rule(pick=picks, heard=st.sampled_from([0, 400, 1000]))
    def hears_the_announcement(self, pick: int, heard: int) -> None:
        over = LegEnded(self._leg(pick), EndReason.COMPLETED, "near", announced=Announced(heard, 1000))
        self.runner.run(self.floor.event(over))

    @rule(who=people, answers=st.booleans())
    def drops(self, who: str, answers: bool) -> None:
        """Somebody is called, and the page goes and stays away, before the customer answers or after."""
        self.the_work_goes_on()
        if answers:
            self.answers(0)
        self.runner.run(self.floor.lost(who))
        self.runner.run(self.floor.later(21))
        self.answers(0)

    @rule()
    def a_caller(self) -> None:
        self.runner.run(self.floor.ring("+48601000009"))

    @rule(keep=st.randoms(use_true_random=False))
    def the_switch_goes_and_comes(self, keep: random.Random) -> None:
        self.runner.run(self._reconnect(keep))

    async def _reconnect(self, keep: random.Random) -> None:
        """Come back with some of the legs and stations that the rows believe in."""
        await self.floor.event(LinkDown())
        if keep.random() < 0.5:
            await self.floor.later(6)
        await self._come_back(keep, 0.6)
        await self.floor.run_due()

    @rule()
    def the_work_goes_on(self) -> None:
        """Everybody is ready for more, and countdowns run out."""
        self.runner.run(self.floor.run_due())
        for who in PEOPLE:
            self._try(who, calls.finish_wrap_up)
            self.runner.run(self.floor.live(who))
            self._try(who, calls.set_agent_state, "ready")
        self.runner.run(self.floor.later(6))

    @rule(reasons=st.tuples(st.sampled_from(list(EndReason)), st.sampled_from(list(EndReason))))
    def customers_do_not_answer(self, reasons: tuple[EndReason, EndReason]) -> None:
        """They are called, end it, and the time of the next attempt comes."""
        self.the_work_goes_on()
        for pick, reason in enumerate(reasons):
            self.runner.run(self.floor.event(LegEnded(self._leg(pick), reason, "far", 486)))
        self.runner.run(self.floor.later(121))

    @rule(seconds=st.sampled_from([1, 6, 6, 6, 31, 61, 130, 1000, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.runner.run(self.floor.later(seconds))

    @rule(seconds=st.sampled_from([1, 6, 61, 1000]))
    def time_passes_and_nobody_works(self, seconds: int) -> None:
        self.floor.shift(seconds)

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def holds_together(self) -> None:
        self.runner.run(self._check())

    async def _check(self) -> None:
        floor = self.floor
        made = {each.id: each for each in await floor.all(Attempt)}
        meetings = {each.id: each for each in await floor.all(Meeting)}
        self._check_meetings(meetings, list(made.values()))
        async with floor.database.reading() as uow:
            rules = await uow.session.get_one(MeetingSettings, floor.project_id)
        dials = floor.sent(Originate)
        assert len({each.call_id for each in dials}) == len({each.leg_id for each in dials}) == len(dials), "none twice"
        for each in dials:
            if each.call_id in self.dialled:
                continue
            attempt = made[each.call_id]
            assert attempt.dialled_at is not None
            self.dialled[each.call_id] = attempt.dialled_at
            meeting = meetings[attempt.meeting_id]
            assert meeting.from_at <= attempt.dialled_at
            assert attempt.dialled_at + conditions.ring_time(rules) <= meeting.to_at, "it rings to its end in the window"
            assert reachable.within(rules, attempt.dialled_at), "never outside the calling hours"
        await self._check_agents(made)

    def _check_meetings(self, meetings: dict[int, Meeting], made: list[Attempt]) -> None:
        for meeting in meetings.values():
            own = [each for each in made if each.meeting_id == meeting.id]
            going = [each for each in own if each.state != "over"]
            assert len(going) <= 1, "never two attempts of one meeting at once"
            assert bool(going) == (meeting.state in (MeetingState.DIALLING, MeetingState.IN_TALK)), meeting.state
            dialled = [each for each in own if each.dialled_at is not None]
            assert sorted(each.number_in_meeting for each in dialled) == list(range(1, len(dialled) + 1))
            assert len(dialled) == meeting.attempts <= ATTEMPTS, "never more than allowed"
            assert (meeting.next_at is None) == (meeting.closed_at is not None), "no open meeting is forgotten"

    async def _check_agents(self, made: dict[str, Attempt]) -> None:
        floor = self.floor
        keys = {job.key for job in await floor.all(Job)}
        going = {call.id: call for call in await floor.all(Call) if call.state != CallState.ENDED}
        offers = {(offer.call_id, offer.user_id) for offer in await floor.all(Offer) if offer.result == "open"}
        announcing = {call.id for call in going.values() if call.state == CallState.ANNOUNCING}
        assert all(f"announcement:{call_id}" in keys for call_id in announcing), "nobody hears music for ever"
        for agent in await floor.all(Agent):
            assert agent.state != AgentState.ON_CALL or agent.call_id not in announcing, "who dropped is free"
            if agent.state == AgentState.OFFERED:
                attempt = made.get(agent.call_id or "")
                counts = attempt is not None and attempt.state == "countdown" and f"countdown:{agent.call_id}" in keys
                assert counts or (agent.call_id, agent.user_id) in offers, "nobody is stuck"
                assert not counts or agent.station_live, "never onto a missing microphone"
                assert not counts or agent.after_call is None, "never from a break"
            elif agent.state == AgentState.ON_CALL:
                assert agent.call_id in going, "nobody is stuck"
        async with floor.database.reading() as uow:
            ready = select(Agent.user_id).where(Agent.state == AgentState.READY.value, Agent.station_live)
            due = select(Meeting).where(Meeting.state == "due", Meeting.mode == "automatic", Meeting.user_id.in_(ready))
            for meeting in await uow.session.scalars(due):
                rules = await uow.session.get(MeetingSettings, meeting.project_id)
                free = (
                    not conditions.barred(meeting, rules, meeting.next_at or uow.now) and (meeting.next_at or uow.now) > uow.now
                )
                assert not free or meeting.waiting in ("hours", "not_now", "not_before", "switch_away"), (
                    "none waits for who is ready"
                )


TestMeetings = Meetings.TestCase
TestMeetings.settings = settings(
    max_examples=12, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
