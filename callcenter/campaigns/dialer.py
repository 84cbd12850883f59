"""The dialler: holds the campaigns that run by a lease, looks at each once a second, and dials as many lines as pacing says.

One task in every process. Two processes on PostgreSQL never tick the same campaign: the lease says whose it is, its fence is
asked again, with the campaign's row locked, in every transaction that dials. Stopping a campaign is that row, too: from its
commit on nothing new is dialled. What rings may ring.
"""

import asyncio
import dataclasses
import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

import structlog

from callcenter import clock
from callcenter.agents import service as agents
from callcenter.calls import rows as calls
from callcenter.campaigns import agentless, detecting, leads, leasing, limits, periods, placing, previews, serving, watching
from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.models import Campaign, CampaignMode, CampaignState, Detection, PacingDecision
from callcenter.campaigns.observed import Decision, Mode, Settings
from callcenter.campaigns.pacing import Pacer
from callcenter.db import Committed, Database, UnitOfWork, away
from callcenter.facts import AgentChanged, CallOver
from callcenter.patience import patiently
from callcenter.projects.models import Project
from callcenter.trunks.models import Trunk

log = structlog.get_logger(__name__)

TICK = 1.0  # seconds
SOONEST = 0.1  # between two looks, however much happens
LINES_PER_SECOND = 20.0  # on a trunk that names no limit of its own
BATCH = 5  # lines dialled in one transaction: an answer on its way to an agent comes between two
MOST_BATCHES = 20  # of one campaign at a time
LOOKED_AT = 20  # leads asked for in one transaction: some may not be dialled now
REST = dt.timedelta(seconds=10)  # after it turned out that nothing can leave
AGAIN = dt.timedelta(minutes=1)  # a decision is kept once a minute, however much it stays the same
SET_UP = 1.5  # seconds until it rings

_ATTACHED = frozenset({"one_each", "budget_spent"})  # reasons with a line for each ready agent, who is on it


@dataclass(slots=True)
class Run:
    """A campaign this process dials, with all it remembers of it."""

    fence: int
    pacer: Pacer
    memory: watching.Memory
    period_ends: dt.datetime
    kept: tuple[int, str] | None = None  # of the last decision that was written
    kept_at: dt.datetime | None = None
    rests_until: dt.datetime | None = None


class Dialer:
    """Dials for the campaigns that run. `counters`: ticks, dialled, shown, failed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.name = clock.new_id()
        self._woken = asyncio.Event()
        self._runs: dict[int, Run] = {}
        self._credit: dict[int, tuple[float, dt.datetime]] = {}
        self.counters: Counter[str] = Counter({"ticks": 0, "dialled": 0, "shown": 0, "failed": 0})

    def committed(self, committed: Committed) -> None:
        """Look at once when an agent changed or a call is over (an after-commit listener)."""
        if self._runs and any(isinstance(fact, AgentChanged | CallOver) for fact in committed.facts):
            self._woken.set()

    async def run(self) -> None:
        """Dial until cancelled."""
        while True:
            self._woken.clear()
            await patiently(self.tick, self._away)
            await asyncio.sleep(SOONEST)
            try:
                async with asyncio.timeout(TICK - SOONEST):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def tick(self) -> None:
        """Look once at every campaign that is ours, the most important first; one that fails stops no other."""
        held = await leasing.hold(self._database, self.name)
        self._runs = {each: run for each, run in self._runs.items() if each in held}
        for campaign_id, fence in held.items():
            try:
                await self._look(campaign_id, fence)
            except Exception as error:
                if away(error):
                    raise
                self.counters["failed"] += 1
                log.exception("dialer.campaign_failed", campaign_id=campaign_id)
        self.counters["ticks"] += 1

    async def _look(self, campaign_id: int, fence: int) -> None:
        async with self._database.reading() as uow:
            campaign = await uow.session.get(Campaign, campaign_id)
            if campaign is None or campaign.state != CampaignState.RUNNING:
                return
            run = self._run(campaign, fence, uow.now)
            stop = _closed(campaign, uow.now) or await placing.stopped(uow, campaign)
            trunk_id, credit = await self._credit_of(uow, campaign)
            look = await watching.look(uow, campaign, run.memory, trunk_up=stop is None, most=int(credit))
            now = uow.now
        decision = run.pacer.tick(look.seen)
        alone = campaign.mode == CampaignMode.AGENTLESS
        if alone:
            decision = agentless.decided(look.seen.channels_in_use, campaign.most_lines, int(credit), decision.inputs["carried"])
        if stop is not None:
            decision = Decision(0, str(stop), {"stopped": str(stop)})
        elif run.rests_until is not None and now < run.rests_until:
            return
        elif look.spare:
            decision = dataclasses.replace(decision, inputs={**decision.inputs, "spare": look.spare})
        await self._note(run, campaign_id, decision, now)
        if campaign.mode == CampaignMode.PREVIEW and stop is None:
            await self._show(run, campaign_id, look.free)
        if decision.lines <= 0 or campaign.mode == CampaignMode.PREVIEW:
            return
        one_each = campaign.mode == CampaignMode.PROGRESSIVE or run.pacer.settings.cap <= 0 or decision.why in _ATTACHED
        attached = one_each and not alone
        lines = min(decision.lines, len(look.free)) if attached else decision.lines
        placed = await self._place(run, campaign_id, lines, attached=attached)
        self._credit[trunk_id] = (credit - placed, now)

    def _run(self, campaign: Campaign, fence: int, now: dt.datetime) -> Run:
        """Return what is remembered of a campaign; nothing of a former holding, and a new pacer for a new period of the cap."""
        run = self._runs.get(campaign.id)
        settings = _settings(campaign, now)
        if run is None or run.fence != fence or now >= run.period_ends:
            ends = periods.ends(campaign, now)
            settings = dataclasses.replace(settings, period_s=(ends - now).total_seconds())
            run = Run(fence, Pacer(settings), watching.Memory(now), ends)
            self._runs[campaign.id] = run
        else:
            run.pacer.settings = dataclasses.replace(settings, period_s=run.pacer.settings.period_s)
        return run

    async def _credit_of(self, uow: UnitOfWork, campaign: Campaign) -> tuple[int, float]:
        """Return the trunk of a campaign (0: none) and how many lines may begin on it now."""
        project = await uow.session.get(Project, campaign.project_id)
        trunk_id = campaign.trunk_id or (project.trunk_id if project else None)
        trunk = None if trunk_id is None else await uow.session.get(Trunk, trunk_id)
        rate = LINES_PER_SECOND
        if trunk is not None and trunk.kind == "twilio":
            rate = min(rate, trunk.calls_per_second)
        before, at = self._credit.get(trunk_id or 0, (rate, uow.now))
        passed = min(TICK, max(0.0, (uow.now - at).total_seconds()))
        return trunk_id or 0, min(max(1.0, rate), before + rate * passed)

    async def _note(self, run: Run, campaign_id: int, decision: Decision, now: dt.datetime) -> None:
        """Keep a decision when the number or the reason is another than before, and once a minute."""
        said = (decision.lines, decision.why)
        if said == run.kept and run.kept_at is not None and now - run.kept_at < AGAIN:
            return
        async with self._database.unit_of_work() as uow:
            kept = PacingDecision(
                campaign_id=campaign_id, at=uow.now, lines=decision.lines, why=decision.why, inputs=decision.inputs
            )
            uow.session.add(kept)
        run.kept, run.kept_at = said, now

    async def _show(self, run: Run, campaign_id: int, people: tuple[int, ...]) -> None:
        """Show each of these consultants the next lead."""
        for user_id in people:
            async with self._database.unit_of_work() as uow:
                await calls.lock(uow)
                campaign = await leasing.ours(uow, self.name, campaign_id, run.fence)
                if campaign is None:
                    return
                try:
                    self.counters["shown"] += await previews.show(uow, campaign, user_id)
                except placing.Stopped as stopped:
                    await self._rest(uow, run, campaign_id, stopped)
                    return

    async def _place(self, run: Run, campaign_id: int, lines: int, *, attached: bool) -> int:
        """Dial so many lines, BATCH to a transaction; returns how many were.

        Leads that may not be called now take a turn each: after MOST_BATCHES the other campaigns have theirs.
        """
        placed = 0
        for _ in range(MOST_BATCHES):
            if placed >= lines:
                break
            done, more = await self._batch(run, campaign_id, min(BATCH, lines - placed), attached=attached)
            placed += done
            if not more:
                break
        self.counters["dialled"] += placed
        return placed

    async def _batch(self, run: Run, campaign_id: int, lines: int, *, attached: bool) -> tuple[int, bool]:
        """Dial up to so many lines in one transaction; returns how many, and whether there may be more."""
        async with self._database.unit_of_work() as uow:
            await calls.lock(uow)
            campaign = await leasing.ours(uow, self.name, campaign_id, run.fence)
            alone = campaign is not None and campaign.mode == CampaignMode.AGENTLESS
            if campaign is None or (alone and attached):  # or its mode is another one since it was looked at
                return 0, False
            free = await serving.longest_ready(uow, campaign)
            taken: list[Lead] = []
            if attached:
                lines = min(lines, len(free))
                taken = await leads.take(uow, campaign.id, lines) if lines else []
            elif alone:
                taken = await leads.take(uow, campaign.id, lines)
            else:
                if free:  # one that must not be abandoned again: with an agent
                    taken = await leads.take(uow, campaign.id, 1, needs_agent=True)
                taken += await leads.take(uow, campaign.id, lines - len(taken), needs_agent=False)
            placed = 0
            numbers = await leads.numbers(uow, taken) if taken else {}
            first = [(lead, number) for lead in taken if (number := leads.next_number(lead, numbers[lead.id])) is not None]
            known = await placing.look_up(uow, campaign, first)
            for index, lead in enumerate(taken):
                on_it = attached or (lead.needs_agent and not alone)
                try:
                    placed += await self._dial(uow, campaign, lead, numbers[lead.id], known, free if on_it else None)
                except placing.Stopped as stopped:
                    for each in taken[index:]:
                        leads.give_back(uow, each)
                    await self._rest(uow, run, campaign_id, stopped)
                    return placed, False
            return placed, len(taken) == lines and lines > 0

    async def _dial(
        self, uow: UnitOfWork, campaign: Campaign, lead: Lead, numbers: Any, known: Any, free: list[int] | None
    ) -> int:
        """Dial a claimed lead if it may be, with the first of `free` on it (None: with nobody); returns 1 when it was dialled."""
        permitted = await placing.permitted(uow, campaign, lead, numbers, known)
        if permitted is None:
            return 0
        agent = None
        if free is not None:
            if not free:
                leads.give_back(uow, lead)
                return 0
            agent = await agents.row(uow, free.pop(0))
        attempt = await placing.dial(uow, campaign, lead, permitted, agent=agent)
        self._runs[campaign.id].memory.tries[attempt.id] = frozenset()  # or one that fails at once would never be looked at
        return 1

    async def _rest(self, uow: UnitOfWork, run: Run, campaign_id: int, stopped: placing.Stopped) -> None:
        """Say that nothing can leave, and why, and look again in a while."""
        run.rests_until, run.kept, run.kept_at = uow.now + REST, (0, stopped.why.value), uow.now
        inputs = {"stopped": stopped.why.value, "sentence": stopped.error.sentence}
        uow.session.add(PacingDecision(campaign_id=campaign_id, at=uow.now, lines=0, why=stopped.why.value, inputs=inputs))

    def _away(self, error: Exception, failed: int) -> None:
        if not failed:
            log.error("dialer.database_away", error=str(error)[:500])


def _closed(campaign: Campaign, now: dt.datetime) -> str | None:
    """Return why a running campaign dials nobody by its own dates; None when it does. Pure."""
    today = limits.today(campaign, now)
    if campaign.starts_on is not None and today < campaign.starts_on:
        return "not_started"
    if campaign.ends_on is not None and today > campaign.ends_on:
        return "ended"
    return None


def _settings(campaign: Campaign, now: dt.datetime) -> Settings:
    """Return what pacing knows of a campaign. Pure."""
    found = limits.of(campaign, now)
    detects = campaign.detection != Detection.OFF
    return Settings(
        mode=Mode.PROGRESSIVE if campaign.mode == CampaignMode.AGENTLESS else Mode(campaign.mode),
        cap=found.cap / 100,
        ratio=max(1.0, campaign.lines_per_agent),
        channels=campaign.most_lines or None,
        ring_timeout_s=campaign.ring_seconds + SET_UP,
        patience_s=max(0.1, found.answer_seconds - (detecting.decide(campaign).total_seconds() if detects else 0.0)),
        machine_detection=detects,
    )
