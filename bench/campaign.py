"""A campaign live: fifty agents on real stations, customers over SIP, an hour of talks in minutes, beside what world.py predicts.

First a short campaign all of whose customers are busy: how many lines a second leave. Then a predictive one with the US cap
of 3 %: talks last 18 s for usual 180, wrap-up 2, ringing 2 and at most 4. Its occupancy and abandoned calls stand beside those
of the same day, with the same pacing, in callcenter/campaigns/world.py. No audio flows (see bridges).

"agent bridged" is taken twice: by the product, from the answer's transaction to the agent's (bridged_ms), and from outside,
from the 200 OK a customer sends to `call.answered` on the agent's WebSocket.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, update

from bench import campaign_day, cores
from bench.customers import Conduct, Customer, Customers
from bench.figures import Run, spread
from bench.house import commits, furnished, processor, serving, staffed
from bench.idle import IdleLoop
from callcenter import clock
from callcenter.campaigns import dialer, leads
from callcenter.campaigns.day import Day, Law, always
from callcenter.campaigns.lead_models import Lead, LeadAttempt, LeadNumber
from callcenter.campaigns.models import Campaign, CampaignPeriod, CampaignState
from callcenter.campaigns.periods import ends, first_day
from callcenter.projects.models import Project
from tests import postgres
from tests.peers.programs import free_udp_port
from tests.walks.whole import Product, until

AGENTS = 50
SECONDS = 360
CONTACTS = 20_000
LINES, TALKS = 1, 2  # the two campaigns
LINES_SECONDS = 20
LEADS = {LINES: 5_000, TALKS: 200_000}
AT_ONCE, TIMES = 20, 200
EARNED = 100_000
RING_SECONDS = 4
DAY = Day(
    agents=AGENTS,
    talk=Law(18.0, 0.6, 2.0),
    wrap=Law(2.0),
    answer=always(0.3),
    machines=always(0.0),
    busy=0.1,
    failed=0.0,
    ring=Law(2.0, 0.45),
    setup=0.0,
    ring_timeout=float(RING_SECONDS),
    detection=False,
    sign_in_spread=0.0,
    breaks_every=0.0,
)
_BUSY_AFTER = 2.0
_FIRST = {  # countries, zones and first numbers: somewhere it is day, and the rules let people be called
    "US": ("America/New_York", 12122000000),
    "GB": ("Europe/London", 442072000000),
    "AE": ("Asia/Dubai", 97142000000),
    "JP": ("Asia/Tokyo", 81332000000),
    "NZ": ("Pacific/Auckland", 6493000000),
}


async def run(seconds: int = SECONDS) -> Run:
    """Measure once on SQLite, and on PostgreSQL where there is one."""
    found = await _on(seconds)
    if postgres.find_binaries() is None:
        return found
    with postgres.cluster() as sockets:
        other = await _on(seconds, postgres.database_url(sockets, "postgres"))
    return found | {f"PostgreSQL: {name}": value for name, value in other.items()}


async def _on(seconds: int, url: str = "") -> Run:
    with tempfile.TemporaryDirectory() as name:
        port = free_udp_port()
        product, tokens = await furnished(Path(name) / "product", trunk_port=port, agents=AGENTS, contacts=CONTACTS, url=url)
        await _prepare(product)
        heard: dict[str, float] = {}

        def hears(message: dict[str, Any]) -> None:
            if message["type"] == "call.answered":
                heard.setdefault(message["data"]["call_id"], clock.monotonic())

        customers = Customers(port, lambda: Conduct("busy", _BUSY_AFTER))
        async with customers, serving(product):
            async with staffed(product, tokens, answers=lambda offered: False, hears=hears):
                found = await _lines(product, customers)
                found |= await _talks(product, customers, heard, seconds)
            found |= await _choosing(product)
        for each in customers.odd[:5] + product.errors()[:5]:
            print(each)  # noqa: T201 - a figure that is odd wants a reason
    return found | {"load": os.getloadavg()[0]}


async def _prepare(product: Product) -> None:
    """Make both campaigns and their leads, with numbers of a country where it is day."""
    now = clock.now()
    country, (_, first) = next(
        (each, place) for each, place in _FIRST.items() if 9 <= now.astimezone(ZoneInfo(place[0])).hour < 20
    )
    async with product.database() as database, database.unit_of_work() as uow:
        await uow.session.execute(update(Project).values(wrap_up_seconds=round(DAY.wrap.mean), foreign_countries=[country]))
        project_id = await uow.session.scalar(select(Project.id))
        about = {"project_id": project_id, "rule_pack": "US", "ring_seconds": RING_SECONDS, "created_at": uow.now}
        await uow.session.flush()
        for campaign_id, mode in ((LINES, "power"), (TALKS, "predictive")):
            campaign = Campaign(id=campaign_id, name=mode, mode=mode, lines_per_agent=10.0, updated_at=uow.now, **about)
            uow.session.add(campaign)
            await uow.session.flush()
            if campaign_id == LINES:  # a period with so many answers that it may dial without agents
                uow.session.add(
                    CampaignPeriod(campaign_id=LINES, period=first_day(campaign, uow.now), answered=EARNED, connected=EARNED)
                )
            rows = range(1 + campaign_id * 300_000, 1 + campaign_id * 300_000 + LEADS[campaign_id])
            times = {"next_at": uow.now, "created_at": uow.now, "changed_at": uow.now}
            given = [{"id": n, "campaign_id": campaign_id, "name": f"Lead {n}", **times} for n in rows]
            await uow.session.execute(insert(Lead), given)
            numbers = [{"lead_id": n, "position": 0, "campaign_id": campaign_id, "number": f"+{first + n}"} for n in rows]
            await uow.session.execute(insert(LeadNumber), numbers)


@asynccontextmanager
async def _dialling(product: Product, campaign_id: int) -> AsyncIterator[None]:
    """Let a campaign run, then finish it and wait until its last call is over."""
    await _put(product, campaign_id, CampaignState.RUNNING)
    yield
    await _put(product, campaign_id, CampaignState.FINISHED)

    async def over() -> bool:
        query = select(func.count()).where(LeadAttempt.campaign_id == campaign_id, LeadAttempt.state != "over")
        async with product.database() as database, database.reading() as uow:
            return not await uow.session.scalar(query)

    await until("the last call to end", over, 120)


async def _put(product: Product, campaign_id: int, state: CampaignState) -> None:
    async with product.database() as database, database.unit_of_work() as uow:
        values: dict[str, Any] = {"state": state.value}
        if state is CampaignState.RUNNING:
            values["started_at"] = uow.now
        await uow.session.execute(update(Campaign).where(Campaign.id == campaign_id).values(values))


async def _lines(product: Product, customers: Customers) -> Run:
    """Dial people who are all busy, ten lines for each of fifty ready agents: only the rate limits it."""
    async with _dialling(product, LINES):
        await asyncio.sleep(LINES_SECONDS)
    calls = list(customers.calls.values())
    times = sorted(each.came for each in calls)
    lasted = times[-1] - times[0] if len(times) > 1 else 0.0
    late = await _since_decided(product, LINES, calls)
    return {"lines a second originated": (len(times) - 1) / lasted if lasted else 0.0, **spread("decided to INVITE", late)}


async def _since_decided(product: Product, campaign_id: int, calls: list[Customer]) -> list[float]:
    """Return the milliseconds from an attempt's transaction to its INVITE at the carrier."""
    attempts = {each.number: each for each in await _attempts(product, campaign_id)}
    return [(each.came - attempts[each.number].started_at.timestamp()) * 1000 for each in calls if each.number in attempts]


async def _attempts(product: Product, campaign_id: int) -> list[LeadAttempt]:
    async with product.database() as database, database.reading() as uow:
        return list(await uow.session.scalars(select(LeadAttempt).where(LeadAttempt.campaign_id == campaign_id)))


async def _talks(product: Product, customers: Customers, heard: dict[str, float], seconds: int) -> Run:
    """Let the predictive campaign run for so long, beside the prediction."""
    customers.conduct, before = _drawn(Random(1)), set(customers.calls)  # noqa: S311 - the same customers every time
    spent, written = processor(product), commits(product)
    with cores.starting(cores.PRODUCT):
        idle = IdleLoop()
    began = clock.now()
    async with _dialling(product, TALKS):
        await asyncio.sleep(seconds)
        ended = clock.now()
        used = {name: value - spent[name] for name, value in processor(product).items()}
        written = commits(product) - written
        late = idle.stop()
    calls = [each for call_id, each in customers.calls.items() if call_id not in before]
    attempts = await _attempts(product, TALKS)
    live = campaign_day.live(attempts, AGENTS, began, ended)
    theirs = {each.number: each for each in calls}
    free = campaign_day.at_once(attempts, AGENTS, DAY.wrap.mean)
    told = [(heard[each.id] - theirs[each.number].answered) * 1000 for each in free if each.id in heard]
    worlds = await asyncio.to_thread(campaign_day.predicted, DAY, await _settings(product), float(seconds))
    return {
        **campaign_day.beside(live, worlds),
        "answered while an agent was free": float(len(free)),
        "of them told to no agent": float(len(free) - len(told)),
        **spread("answer to agent bridged, by the product", [each.bridged_ms for each in free if each.bridged_ms is not None]),
        **spread("200 OK sent to call.answered at the agent", told),
        **spread("decided to INVITE, while they talk", await _since_decided(product, TALKS, calls)),
        "INVITEs sent again": float(sum(each.packets - 1 for each in calls)),
        "lines a second while they talk": live.dialled / seconds,
        **{f"CPU of a core, {name} [%]": 100 * value / seconds for name, value in used.items()},
        "commits a line": written / max(1, live.dialled),
        **spread("idle loop late", late),
    }


async def _settings(product: Product) -> Any:
    """Return what pacing knew of the campaign as it began."""
    async with product.database() as database, database.reading() as uow:
        campaign = await uow.session.get_one(Campaign, TALKS)
        at = campaign.started_at or uow.now
        return replace(dialer._settings(campaign, at), period_s=(ends(campaign, at) - at).total_seconds())


async def _choosing(product: Product) -> Run:
    """Time the next leads of the campaign of talks, beside the product that still serves, each with its commit."""
    found = []
    async with product.database() as database:
        for _ in range(TIMES):
            began = time.perf_counter()
            async with database.unit_of_work() as uow:
                await leads.take(uow, TALKS, AT_ONCE)
            found.append((time.perf_counter() - began) * 1000)
    return spread("choosing the next 20 of 200,000", found)


def _drawn(random: Random) -> Any:
    """Return how customers behave, drawn as the world draws it."""

    def conduct() -> Conduct:
        ring = DAY.ring.draw(random)
        while ring > DAY.ring_timeout - 0.1:
            ring = DAY.ring.draw(random)
        draw, answer = random.random(), DAY.answer.plain(0.0)
        if draw < answer:
            return Conduct("answers", ring, DAY.talk.draw(random))
        if draw < answer + (1.0 - answer) * DAY.busy:
            return Conduct("busy", 1.0 + 2.0 * random.random())
        return Conduct("silent")

    return conduct
