"""A room for tests of the dialler: the floor of the calls' tests, a campaign with leads, and a dialler ticked by hand."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from callcenter import clock
from callcenter.agents.models import Agent, AgentState
from callcenter.calls.models import Call, CallState
from callcenter.campaigns import rule_packs
from callcenter.campaigns.dialer import Dialer
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadDecision, LeadNumber
from callcenter.campaigns.models import Campaign, CampaignPeriod, PacingDecision
from callcenter.db import Database
from callcenter.phone import EndReason, LegAnswered, LegEnded, LegRinging, Originate
from tests.callcenter.calls.floor import Floor, open_floor

FILE = "abandoned.wav"


@dataclass
class Room:
    """What the tests act on."""

    floor: Floor
    campaign_id: int
    dialer: Dialer

    async def tick(self, seconds: float = 1.0) -> list[Originate]:
        """Let time pass, run what is due and let the dialler look once; returns what it dialled."""
        before = len(self.floor.sent(Originate))
        await self.floor.later(seconds)
        await self.dialer.tick()
        return list(self.floor.sent(Originate)[before:])

    async def campaign(self) -> Campaign:
        async with self.floor.database.reading() as uow:
            return await uow.session.get_one(Campaign, self.campaign_id)

    async def change(self, **values: Any) -> None:
        """Change the campaign, as its page would."""
        async with self.floor.database.unit_of_work() as uow:
            campaign = await uow.session.get_one(Campaign, self.campaign_id)
            for name, value in values.items():
                setattr(campaign, name, value)

    async def add_leads(self, count: int, *, first: int = 0, per_lead: int = 1, **values: Any) -> list[int]:
        """Add leads with numbers +48601000001 and so on; returns their ids."""
        made = []
        async with self.floor.database.unit_of_work() as uow:
            for n in range(first, first + count):
                given = {"campaign_id": self.campaign_id, "name": f"Lead {n}", "fields": {"Town": "Łódź"}, **values}
                lead = Lead(**given, next_at=uow.now, created_at=uow.now, changed_at=uow.now)
                uow.session.add(lead)
                await uow.session.flush()
                for position in range(per_lead):
                    number = f"+48601{n * per_lead + position:06}"
                    uow.session.add(
                        LeadNumber(lead_id=lead.id, position=position, campaign_id=self.campaign_id, number=number, zones=[])
                    )
                made.append(lead.id)
        return made

    async def lead(self, lead_id: int = 1) -> Lead:
        async with self.floor.database.reading() as uow:
            return await uow.session.get_one(Lead, lead_id)

    async def attempt(self, call_id: str) -> LeadAttempt:
        async with self.floor.database.reading() as uow:
            return await uow.session.get_one(LeadAttempt, call_id)

    async def attempts(self) -> list[LeadAttempt]:
        return sorted(await self.floor.all(LeadAttempt), key=lambda each: (each.started_at, each.id))

    async def decisions(self, lead_id: int = 1) -> list[str]:
        """Return the codes of why a lead was or was not dialled, in order."""
        async with self.floor.database.reading() as uow:
            query = select(LeadDecision.code).where(LeadDecision.lead_id == lead_id).order_by(LeadDecision.id)
            return list(await uow.session.scalars(query))

    async def whys(self) -> list[str]:
        """Return why the dialler dialled or did not, decision by decision."""
        return [each.why for each in sorted(await self.floor.all(PacingDecision), key=lambda each: each.id)]

    async def counts(self) -> dict[str, int]:
        """Return what was counted and is not 0."""
        found: dict[str, int] = {}
        for row in await self.floor.all(CampaignPeriod):
            for name in ("dialled", "answered", "connected", "abandoned", "machines", "no_answers", "busies", "failures"):
                found[name] = found.get(name, 0) + getattr(row, name)
        return {name: count for name, count in found.items() if count}

    async def rings(self, dialled: Originate) -> None:
        await self.floor.event(LegRinging(dialled.leg_id, early_media=False))

    async def answers(self, dialled: Originate) -> None:
        await self.floor.event(LegAnswered(dialled.leg_id))

    async def ends(self, dialled: Originate, reason: EndReason = EndReason.COMPLETED, code: int | None = None) -> None:
        await self.floor.event(LegEnded(dialled.leg_id, reason, "far", code))


def working_noon(now: dt.datetime) -> dt.datetime:
    """Return the next noon in Poland of a Wednesday; on it and the day after every rule pack lets people be called."""
    day = now.date() + dt.timedelta(days=1)
    days = (dt.timedelta(0), dt.timedelta(days=1))
    while day.weekday() != 2 or any(pack.holiday(day + more) for pack in rule_packs.packs().values() for more in days):
        day += dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(12), ZoneInfo("Europe/Warsaw"))


async def open_room(database: Database, people: tuple[str, ...] = ("anna", "bob", "celia"), **campaign: Any) -> Room:
    """Open a floor with a running campaign without leads, in progressive mode unless told otherwise."""
    floor = await open_floor(database, people, purpose="service")
    floor.shift((working_noon(clock.now()) - clock.now()).total_seconds())
    async with database.unit_of_work() as uow:
        given = {
            "name": "Spring",
            "mode": "progressive",
            "state": "running",
            "ring_seconds": 25,
            "rule_pack": "US",
            **campaign,
        }
        made = Campaign(project_id=floor.project_id, created_at=uow.now, updated_at=uow.now, started_at=uow.now, **given)
        uow.session.add(made)
        await uow.session.flush()
        campaign_id = made.id
    dialer = Dialer(database)
    database.after_commit.append(dialer.committed)
    return Room(floor, campaign_id, dialer)


async def invariants(room: Room) -> None:
    """Check what holds whatever happened."""
    floor = room.floor
    attempts = await floor.all(LeadAttempt)
    going = [each for each in attempts if each.state != "over"]
    assert len({each.number for each in going}) == len(going), "one number on one line"
    assert len({each.lead_id for each in going}) == len(going), "one lead on one line"
    dialled = [each.number for each in floor.sent(Originate)]
    assert len({each.call_id for each in floor.sent(Originate)}) == len(dialled), "no attempt is dialled twice"
    calls = {call.id: call for call in await floor.all(Call)}
    leads = {lead.id: lead for lead in await floor.all(Lead)}
    for each in going:
        lead = leads[each.lead_id]
        assert lead.attempt_id == each.id
        assert lead.state in ("shown", "dialling", "talking")
        if each.state != "shown":
            assert calls[each.id].state != CallState.ENDED
    for lead in leads.values():
        own = [each for each in going if each.lead_id == lead.id]
        assert bool(own) == (lead.state in ("shown", "dialling", "talking")), (lead.state, [each.state for each in own])
    counts = await room.counts()
    assert counts.get("answered", 0) == counts.get("connected", 0) + counts.get("abandoned", 0)
    tried = [each for each in attempts if each.outcome != "skipped" and each.state != "shown"]
    assert counts.get("dialled", 0) == len(tried)
    assert counts.get("abandoned", 0) == len([each for each in attempts if each.outcome == "abandoned"])
    for agent in await floor.all(Agent):
        if agent.state == AgentState.ON_CALL:
            assert agent.call_id is not None
            assert calls[agent.call_id].state != CallState.ENDED, "nobody is stuck"
        elif agent.state == AgentState.OFFERED:
            assert agent.call_id in calls or agent.call_id in {each.id for each in going if each.state == "shown"}
