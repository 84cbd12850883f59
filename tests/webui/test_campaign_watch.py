"""The live page of a campaign, its API, what `/live` tells of it, and the list of decisions."""

import asyncio
import datetime as dt
import json
import re

import pytest

from callcenter.agents.models import Agent
from callcenter.calls.models import Call
from callcenter.campaigns.board_views import BoardHour
from callcenter.campaigns.lead_models import Lead, LeadAttempt
from callcenter.campaigns.models import Campaign, CampaignPeriod, PacingDecision
from callcenter.projects.models import Membership, Project
from tests.webui.conftest import Person, Site
from tests.webui.test_api import good
from tests.webui.test_live import connected, hear, page
from webui import plots

SAME_SITE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def campaign(site: Site, consultant: Person) -> int:
    """Add a running campaign whose consultant talks, with a call that was talked before and an abandoned one."""
    async with site.database.unit_of_work() as uow:
        project = Project(name="Sales", created_at=uow.now)
        uow.session.add(project)
        await uow.session.flush()
        uow.session.add(Membership(project_id=project.id, user_id=consultant.id))
        given = {"name": "Spring", "project_id": project.id, "state": "running", "mode": "predictive", "rule_pack": "US"}
        made = Campaign(**given, created_at=uow.now, updated_at=uow.now, started_at=uow.now - dt.timedelta(minutes=30))
        uow.session.add(made)
        await uow.session.flush()
        lead = Lead(campaign_id=made.id, name="Secret Name", next_at=uow.now, created_at=uow.now, changed_at=uow.now)
        uow.session.add(lead)
        await uow.session.flush()
        for n, (state, outcome) in enumerate((("talking", ""), ("over", "talked"), ("over", "abandoned"), ("dialling", ""))):
            uow.session.add(
                LeadAttempt(
                    id=f"call{n}",
                    campaign_id=made.id,
                    lead_id=lead.id,
                    number=f"+4860100000{n}",
                    mode="predictive",
                    user_id=consultant.id if n < 2 else None,
                    state=state,
                    outcome=outcome,
                    started_at=uow.now,
                    bridged_at=uow.now if n < 2 else None,
                    waited_seconds=40.0 if n < 2 else None,
                )
            )
            uow.session.add(
                Call(id=f"call{n}", direction="outbound", state="ended", started_at=uow.now, talk_seconds=125 if n == 1 else None)
            )
        uow.session.add(
            Agent(user_id=consultant.id, state="on_call", since=uow.now, call_id="call0", station_live=True, ready_since=uow.now)
        )
        today = uow.now.astimezone(dt.timezone(dt.timedelta(hours=1))).date()
        uow.session.add(CampaignPeriod(campaign_id=made.id, period=today, answered=100, connected=98, abandoned=2, dialled=400))
        inputs = {"mode": "predictive", "signed_in": 1, "ready": 0, "pending": 1, "cap": 0.03, "room": 5, "trouble": False}
        inputs |= {"late": False, "left": 0, "waiting": 0}
        for n in range(60):
            why = "budget_spent" if n % 2 else "trunk_down"
            stored = inputs if n % 2 else {"stopped": "trunk_down"}
            uow.session.add(PacingDecision(campaign_id=made.id, at=uow.now, lines=0, why=why, inputs=stored))
        return made.id


async def test_the_api_gives_the_figures_of_the_page(site: Site, campaign: int, supervisor: Person, consultant: Person) -> None:
    async with site.client(supervisor.bearer) as client:
        found = await good(client.get(f"/api/v1/campaigns/{campaign}/watch"))
    (agent,) = found["agents"]
    assert (agent["user_id"], agent["doing"], agent["call_id"], agent["calls"]) == (consultant.id, "talking", "call0", 2)
    assert (agent["talk_seconds"], agent["wait_seconds"]) == (125, 80)
    assert (found["lines"]["ringing"], found["lines"]["talking"], found["pacing"]["why"]) == (1, 1, "budget_spent")
    assert found["period"]["may_still"] == 1, "of 101 answered three are under three per cent"
    assert (found["today"]["left"], found["today"]["answer_rate"]) == (1, 100)


async def test_the_page_says_it_all_without_a_customer(site: Site, campaign: int, supervisor: Person, consultant: Person) -> None:
    async with site.client(supervisor.cookies) as client:
        shown = await client.get(f"/campaigns/{campaign}/watch")
        part = await client.get(f"/campaigns/{campaign}/watch/live", headers={"hx-request": "true"})
    assert (shown.status_code, part.status_code) == (200, 200)
    row = re.search(rf'<tr[^>]*data-agent="{consultant.id}" data-call="call0">.*?</tr>', part.text, re.S)
    assert row is not None
    assert re.search(r'<td class="listen"[^>]*></td></tr>$', row.group())
    for text in ("2:05", "1:20", "No more calls may be abandoned now", "2 %", "1 more may be", "talks", "<svg", "</table>"):
        assert text in part.text
    assert 'style="' not in shown.text
    assert "Secret Name" not in shown.text


async def test_the_page_speaks_polish(site: Site, campaign: int, consultant: Person) -> None:
    polish = await site.person("ewa", consultant.role.SUPERVISOR, language="pl")
    async with site.client(polish.cookies) as client:
        text = (await client.get(f"/campaigns/{campaign}/watch")).text
    assert "Stop dialling" not in text
    assert "Konsultanci" in text


async def test_only_supervisors_may_watch(site: Site, campaign: int, supervisor: Person, consultant: Person) -> None:
    paths = ("/watch", "/watch/live", "/watch/decisions", "/watch/decisions/rows")
    async with site.client(consultant.cookies) as client:
        for path in paths:
            assert (await client.get(f"/campaigns/{campaign}{path}")).status_code == 403
        assert (await client.post(f"/campaigns/{campaign}/watch/stop", headers=SAME_SITE)).status_code == 403
        for path in ("watch", "decisions"):
            assert (await client.get(f"/api/v1/campaigns/{campaign}/{path}")).status_code == 403
    async with site.client(supervisor.cookies) as client:
        for path in paths:
            assert (await client.get(f"/campaigns/999{path}")).status_code == 404
        assert (await client.get("/api/v1/campaigns/999/watch")).status_code == 404


async def test_stop_pauses_at_once_and_says_what_still_rings(site: Site, campaign: int, supervisor: Person) -> None:
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        assert "Stop dialling" in (await client.get(f"/campaigns/{campaign}/watch")).text
        assert (await client.post(f"/campaigns/{campaign}/watch/stop")).status_code == 303
        shown = (await client.get(f"/campaigns/{campaign}/watch")).text
        assert "1 line still rings; it is not hung up on" in shown
        assert "board-stop-button" not in shown
        again = await client.post(f"/campaigns/{campaign}/watch/stop")
        assert (again.status_code, "This campaign is paused already." in again.text) == (409, True)
    async with site.database.reading() as uow:
        assert (await uow.session.get_one(Campaign, campaign)).state == "paused"


async def test_many_viewers_cost_one_reading(site: Site, campaign: int, supervisor: Person) -> None:
    async with site.client(supervisor.cookies) as client:
        await client.get(f"/campaigns/{campaign}/watch/live")
        boards = site.live.boards
        read, counted = boards.readings, boards.counts
        boards.forget(campaign)
        await asyncio.gather(*(client.get(f"/campaigns/{campaign}/watch/live") for _ in range(5)))
    assert boards.readings - read <= 2, "one, unless asking takes longer than a second"
    assert boards.counts - counted == 0, "the day is counted more seldom"


async def test_pages_that_look_are_told_once_of_each_change(
    site: Site, served: str, campaign: int, supervisor: Person, consultant: Person
) -> None:
    look = json.dumps({"type": "look", "campaign_id": campaign})
    async with page(served, supervisor, after=0) as watching, page(served, consultant, after=0) as other:
        await connected(site, 2)
        for socket in (watching, other):
            await socket.send(look)
            heard = await hear(socket)
            assert (heard["type"], heard["data"]["campaign_id"]) == ("looking", campaign)
        await site.live.tell_boards()
        heard = await hear(watching)
        assert (heard["type"], heard["data"]) == ("campaign.board", {"campaign_id": campaign})
        site.live.boards.forget(campaign)
        await site.live.tell_boards()  # nothing is another than before
        async with site.database.unit_of_work() as uow:
            (await uow.session.get_one(Agent, consultant.id)).state = "wrap_up"
        site.live.boards.forget(campaign)
        await site.live.tell_boards()
        assert (await hear(watching))["type"] == "campaign.board"
        for socket in (watching, other):
            await socket.send('{"type":"ping"}')
            assert (await hear(socket))["type"] == "pong", "told once, and who is no supervisor never"
        await watching.send('{"type":"look"}')
        assert (await hear(watching))["type"] == "looking"
        site.live.boards.forget(campaign)
        async with site.database.unit_of_work() as uow:
            await uow.session.delete(await uow.session.get_one(Campaign, campaign))
        await watching.send(look)
        assert (await hear(watching))["type"] == "looking"
        await site.live.tell_boards()


async def test_decisions_are_listed_and_replayed(site: Site, campaign: int, supervisor: Person) -> None:
    async with site.client(supervisor.cookies) as client:
        path = f"/campaigns/{campaign}/watch/decisions"
        first = (await client.get(path)).text
        assert first.count("0, the same") == 25
        assert first.count("A stop: nothing was calculated") == 25
        more = re.search(r'hx-get="([^"]*rows\?before=\d+)"', first)
        assert more is not None
        rest = (await client.get(more.group(1))).text
        assert (rest.count("<tr>"), "Load more" in rest) == (10, False)
        assert (await client.get(f"{path}?why=trunk_down")).text.count("0, the same") == 0
        listed = await good(client.get(f"/api/v1/campaigns/{campaign}/decisions?limit=2"))
        assert [each["same"] for each in listed["items"]] == [True, None]
        rest = await good(client.get(f"/api/v1/campaigns/{campaign}/decisions?before={listed['next']}&limit=200"))
        assert (len(rest["items"]), rest["next"]) == (58, None)


@pytest.mark.parametrize(
    ("most", "step"), [(0, 1), (1, 1), (4, 1), (5, 2), (8, 2), (9, 5), (20, 5), (21, 10), (40, 10), (41, 20), (999, 500)]
)
def test_lines_across_are_few_and_round(most: int, step: int) -> None:
    assert plots.scale(most) == step


def test_a_bar_is_as_high_as_its_attempts() -> None:
    begins = dt.datetime(2026, 7, 1, 7, tzinfo=dt.UTC)
    hours = [BoardHour(begins=begins, talked=3, busy=1), BoardHour(begins=begins + dt.timedelta(hours=1))]
    plot = plots.outcomes(hours, "Europe/Warsaw")
    assert [(bar.label, [(p.kind, p.count) for p in bar.pieces]) for bar in plot.bars] == [
        ("09:00", [("talked", 3), ("busy", 1)]),
        ("10:00", []),
    ]
    talked, busy = plot.bars[0].pieces
    assert (talked.y + talked.height, busy.y + busy.height) == (plot.foot, talked.y)
    assert plot.lines[-1] == (4, busy.y)
    assert plot.kinds == ["talked", "busy"]
    assert plots.outcomes([], "UTC").bars == []


async def test_who_is_kept_for_something_else_or_has_no_audio_is_not_told_as_ready(
    site: Site, campaign: int, supervisor: Person, consultant: Person
) -> None:
    async with site.database.unit_of_work() as uow:
        agent = await uow.session.get_one(Agent, consultant.id)
        agent.state, agent.call_id, agent.station_live = "ready", None, False
    async with site.client(supervisor.cookies) as browser:
        assert 'id="board-ready">0<' in (await browser.get(f"/campaigns/{campaign}/watch")).text
        async with site.database.unit_of_work() as uow:
            (await uow.session.get_one(Agent, consultant.id)).station_live = True
        site.app.state.live.boards.forget(campaign)
        assert 'id="board-ready">1<' in (await browser.get(f"/campaigns/{campaign}/watch/live")).text
