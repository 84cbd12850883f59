"""Campaigns under agents, customers, carriers, time and trouble in any order: what must hold, holds after every step."""

import random
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from callcenter.calls import service as calls
from callcenter.calls.models import Call, CallState
from callcenter.campaigns import previews
from callcenter.campaigns.dialer import Dialer
from callcenter.campaigns.lead_models import LeadAttempt
from callcenter.campaigns.models import CampaignMode
from callcenter.contacts.consent_models import Consent
from callcenter.jobs import Job
from callcenter.phone import (
    DtmfReceived,
    EndReason,
    LegAnswered,
    LegEnded,
    LegRinging,
    LinkDown,
    LinkUp,
    MachineDetected,
    Originate,
    Snapshot,
    TrunkChanged,
    TrunkState,
)
from callcenter.projects.service import set_dispositions
from tests.callcenter.any_order import AnyOrder
from tests.callcenter.campaigns.dialling import FILE, Room, invariants, open_room

PEOPLE = ("anna", "bob")
people = st.sampled_from(PEOPLE)
picks = st.integers(0, 5)


class Lost(BaseException):
    """The process died before the commit."""


class Campaigns(AnyOrder):
    """Two consultants, a campaign in any mode, two diallers of which one may sleep, a trunk that comes and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.crashing = False
        self.room = self.runner.run(self._open())
        self.floor = self.room.floor
        self.other = Dialer(self.floor.database)
        self.paused_at: int | None = None

    async def _open(self) -> Room:
        database = self.new_database()
        database.before_commit.append(self._crash)
        delays = dict.fromkeys(("busy", "no_answer", "machine", "failed", "no_agent"), 1)
        room = await open_room(
            database, PEOPLE, mode="predictive", abandoned_message=FILE, lines_per_agent=2.0, delays=delays, attempts=20
        )
        await room.change(message=FILE, keys={"1": "confirm", "2": "agent", "9": "do_not_call"})
        for n in range(4):
            contact_id = await room.floor.add_contact(f"Person {n}", f"+4860100001{n}")
            await room.add_leads(1, first=n, per_lead=2, contact_id=contact_id)
            async with database.unit_of_work() as uow:
                said = {"channel": "call", "purpose": "service", "means": "automatic", "given": True, "source": "form"}
                uow.session.add(Consent(contact_id=contact_id, at=uow.now, recorded_at=uow.now, **said))
        async with database.unit_of_work(room.floor.people["sue"]) as uow:
            await set_dispositions(uow, room.floor.project_id, ["Sold"])
        await room.floor.event(LinkUp(Snapshot("boot")))
        await room.floor.ready(*PEOPLE)
        return room

    async def _crash(self, _uow: Any) -> None:
        if self.crashing:
            raise Lost

    def _event(self, event: Any, *, again: bool = False) -> None:
        for _ in range(2 if again else 1):
            self.runner.run(self.floor.event(event))

    # --- the campaign ---------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.2, 1.0, 1.0, 1.0, 31.0]), lines=st.sampled_from([None, None, 3]))
    def ticks(self, seconds: float, lines: int | None) -> None:
        """Look, and dial; `lines`: more than there are agents, whatever pacing says."""
        self.runner.run(self.floor.later(seconds))
        before = len(self.floor.sent(Originate))
        self.runner.run(self.room.dialer.tick())
        if lines is not None and (run := self.room.dialer._runs.get(self.room.campaign_id)) is not None:
            campaign = self.runner.run(self.room.campaign())
            if campaign.mode in ("power", "predictive"):
                self.runner.run(self.room.dialer._place(run, campaign.id, lines, attached=False))
        if self.paused_at is not None:
            assert len(self.floor.sent(Originate)) == before, "nothing new after the stop"

    @rule()
    def the_other_dialler_ticks(self) -> None:
        self.runner.run(self.other.tick())

    @rule()
    def a_dialler_dies(self) -> None:
        """It dies before the commit; another takes over when the lease is over."""
        self.crashing = True
        with suppress(Lost):
            self.runner.run(self.room.dialer.tick())
        self.crashing = False
        self.room.dialer = Dialer(self.floor.database)

    @rule(mode=st.sampled_from(list(CampaignMode)), detection=st.sampled_from(["off", "off", "hang_up", "message", "connect"]))
    def changes_mode(self, mode: CampaignMode, detection: str) -> None:
        self.runner.run(self.room.change(mode=mode.value, detection=detection))

    @rule(on=st.sampled_from([True, True, False]))
    def pauses(self, on: bool) -> None:
        self.runner.run(self.room.change(state="running" if on else "paused"))
        self.paused_at = None if on else len(self.floor.sent(Originate))

    # --- people ---------------------------------------------------------------------------------------------------------

    @rule(who=people, state=st.sampled_from(["ready", "ready", "ready", "break", "offline"]))
    def asks(self, who: str, state: str) -> None:
        self._try(who, calls.set_agent_state, state)

    @rule()
    def all_leave(self) -> None:
        for who in PEOPLE:
            self._try(who, calls.set_agent_state, "offline")

    @rule()
    def all_work(self) -> None:
        for who in PEOPLE:
            self._try(who, calls.finish_wrap_up)
            self.runner.run(self.floor.live(who))
            self._try(who, calls.set_agent_state, "ready")

    @rule(who=people, door=st.sampled_from(["call", "skip"]))
    def looks_at_a_lead(self, who: str, door: str) -> None:
        agent = self.runner.run(self.floor.agent(who))
        if agent.call_id is None or self.paused_at is not None:
            return
        if door == "call":
            self._try(who, previews.call_now, agent.call_id)
        else:
            self._try(who, previews.skip, agent.call_id, "why not")

    @rule(who=people)
    def hangs_up(self, who: str) -> None:
        agent = self.runner.run(self.floor.agent(who))
        if agent.call_id is not None:
            self._try(who, calls.hang_up, agent.call_id)

    @rule(who=people, note=st.booleans())
    def says_what_came_of_it(self, who: str, note: bool) -> None:
        agent = self.runner.run(self.floor.agent(who))
        if agent.call_id is not None:
            self._try(who, calls.set_disposition, agent.call_id, 1 if note else None, "note")

    @rule(who=people, comes=st.booleans())
    def page(self, who: str, comes: bool) -> None:
        self.runner.run(self.floor.live(who) if comes else self.floor.lost(who))

    # --- customers and the carrier ----------------------------------------------------------------------------------------

    @rule(pick=picks, again=st.booleans())
    def answers(self, pick: int, again: bool) -> None:
        self._event(LegAnswered(self._leg(pick)), again=again)

    @rule(pick=picks)
    def rings(self, pick: int) -> None:
        self._event(LegRinging(self._leg(pick), early_media=False))

    @rule(pick=picks, found=st.sampled_from(["human", "machine", "unknown"]))
    def is_found_out(self, pick: int, found: Any) -> None:
        self._event(MachineDetected(self._leg(pick), found))

    @rule(pick=picks, digit=st.sampled_from("1259"))
    def presses(self, pick: int, digit: str) -> None:
        self._event(DtmfReceived(self._leg(pick), digit, 100))

    @rule(pick=picks, reason=st.sampled_from(list(EndReason)), lost=st.sampled_from([False, False, True]), again=st.booleans())
    def ends(self, pick: int, reason: EndReason, lost: bool, again: bool) -> None:
        self._event(LegEnded(self._leg(pick), reason, "far", 486, lost=lost), again=again)

    @rule()
    def a_caller(self) -> None:
        self.runner.run(self.floor.ring("+48602000009"))

    @rule(down=st.booleans())
    def the_trunk(self, down: bool) -> None:
        self._event(TrunkChanged(TrunkState(self.floor.trunk_id, "failed" if down else "ready")))

    @rule(keep=st.randoms(use_true_random=False))
    def the_switch_goes_and_comes(self, keep: random.Random) -> None:
        self.runner.run(self._reconnect(keep))

    async def _reconnect(self, keep: random.Random) -> None:
        """Come back with some of the legs and stations that the rows believe in."""
        await self.floor.event(LinkDown())
        if keep.random() < 0.5:
            await self.floor.later(6)
        await self._come_back(keep, 0.7)
        await self.floor.run_due()

    @rule(seconds=st.sampled_from([1, 2, 2, 11, 61, 130]))
    def time_passes(self, seconds: int) -> None:
        self.runner.run(self.floor.later(seconds))

    # --- what must hold ---------------------------------------------------------------------------------------------------

    @invariant()
    def holds_together(self) -> None:
        self.runner.run(self._check())

    async def _check(self) -> None:
        await invariants(self.room)
        keys = {job.key for job in await self.floor.all(Job)}
        waiting = {call.id for call in await self.floor.all(Call) if call.state == CallState.ANSWERED}
        for attempt in await self.floor.all(LeadAttempt):
            if attempt.id in waiting:
                assert f"campaign_answer:{attempt.id}" in keys, "nobody is left in silence"


TestCampaigns = Campaigns.TestCase
TestCampaigns.settings = settings(
    max_examples=12, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
