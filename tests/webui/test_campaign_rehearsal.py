"""Rehearsals from the page and the API: begun, followed, one at a time, with a limit; the web process goes on meanwhile."""

import asyncio
from typing import Any

import pytest

from callcenter.campaigns.lead_models import Lead
from callcenter.campaigns.models import Campaign
from tests.webui.conftest import Person, Site
from tests.webui.test_api import good
from tests.webui.test_campaigns import project, typed
from webui.rehearsals import Rehearsals

__all__ = ["project"]
SHORT = {"0": [["09:00", "09:20"]]}  # soon lived through, however busy the machine
SAME_SITE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def campaign(site: Site, project: int, supervisor: Person) -> int:
    site.app.state.rehearsals = Rehearsals(patience=600)
    async with site.client(supervisor.bearer) as client:
        made: dict[str, Any] = await good(client.post("/api/v1/campaigns", json=typed(project, mode="progressive", hours=SHORT)))
    async with site.database.unit_of_work() as uow:
        for n in range(5):
            uow.session.add(Lead(campaign_id=made["id"], name=f"L{n}", next_at=uow.now, created_at=uow.now, changed_at=uow.now))
    return int(made["id"])


async def ended(site: Site, campaign_id: int) -> None:
    while (found := site.app.state.rehearsals.of(campaign_id)) is None or found.state == "running":
        await asyncio.sleep(0.05)


async def test_a_day_is_rehearsed_from_the_page(site: Site, campaign: int, supervisor: Person, consultant: Person) -> None:
    path = f"/campaigns/{campaign}/rehearsal"
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        shown = (await client.get(path)).text
        assert "assumed" in shown
        assert "What came of it" not in shown
        assert (await client.post(path, data={"agents": "1"})).status_code == 303
        assert "It goes on" in (await client.get(f"{path}/result")).text
        again = await client.post(path, data={"agents": "1"})
        assert (again.status_code, "A rehearsal is going on" in again.text) == (409, True)
        await ended(site, campaign)
        came = (await client.get(path)).text
        assert "5 days were lived through" in came
        assert "The leads do not last the day." in came
        assert (await client.post(path, data={"agents": "201"})).status_code == 422
        assert (await client.post(path, data={"agents": "many"})).status_code == 422
    async with site.client(consultant.cookies | SAME_SITE) as client:
        assert [(await client.get(path)).status_code, (await client.get(f"{path}/result")).status_code] == [403, 403]
        assert (await client.post(path, data={"agents": "1"})).status_code == 403


async def test_a_day_is_rehearsed_over_the_api(site: Site, campaign: int, supervisor: Person, consultant: Person) -> None:
    path = f"/api/v1/campaigns/{campaign}/rehearsal"
    async with site.client(supervisor.bearer) as client:
        assert (await client.get(path)).status_code == 404
        begun = await client.post(path, json={"agents": 2, "days": 2})
        assert (begun.status_code, begun.json()["state"], begun.json()["plan"]["agents"]) == (202, "running", 2)
        await ended(site, campaign)
        found = await good(client.get(path))
        assert (found["state"], len(found["days"]), found["plan"]["sources"]["talk"]) == ("done", 2, "assumed")
        assert found["ranges"]["dialled"]["least"] <= found["ranges"]["dialled"]["most"]
        assert (await client.post(path, json={"agents": 0})).status_code == 422
    async with site.client(consultant.bearer) as client:
        assert (await client.post(path, json={})).status_code == 403


async def test_what_takes_too_long_is_stopped(site: Site, campaign: int, supervisor: Person) -> None:
    site.app.state.rehearsals = Rehearsals(patience=0.01)
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        await client.post(f"/campaigns/{campaign}/rehearsal", data={"agents": "200"})
        await ended(site, campaign)
        assert "It did not come to an end" in (await client.get(f"/campaigns/{campaign}/rehearsal")).text


async def test_one_that_cannot_be_rehearsed_says_why(site: Site, campaign: int, supervisor: Person) -> None:
    async with site.database.unit_of_work() as uow:
        (await uow.session.get_one(Campaign, campaign)).mode = "agentless"
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        shown = await client.get(f"/campaigns/{campaign}/rehearsal")
    assert (shown.status_code, "cannot be rehearsed" in shown.text) == (409, True)
