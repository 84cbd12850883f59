"""Rule packs and what holds for a campaign, through pages and the API."""

import pytest

from callcenter.actor import Role
from callcenter.campaigns.models import Campaign
from callcenter.projects.models import Project
from tests.webui.conftest import Person, Site

SAME_SITE = {"origin": "http://testserver"}
GROUND = "Opinion of our lawyer, 3 May 2026"
MISSING = "Calls that only ask for consent need an administrator who takes this campaign on in writing."


@pytest.fixture
async def campaign_id(site: Site) -> int:
    async with site.database.unit_of_work() as uow:
        project = Project(name="Asking", purpose="consent", created_at=uow.now)
        uow.session.add(project)
        await uow.session.flush()
        campaign = Campaign(project_id=project.id, name="Autumn", created_at=uow.now, updated_at=uow.now)
        uow.session.add(campaign)
        await uow.session.flush()
        return campaign.id


async def test_the_packs_say_what_is_law_and_what_is_ours(site: Site, supervisor: Person, consultant: Person) -> None:
    async with site.client(supervisor.cookies) as client:
        page = (await client.get("/rule-packs")).text
    for words in ("Law", "House rule", "art. 398", "16 CFR 310.4", "no legal advice", "Wigilia", "Thanksgiving Day"):
        assert words in page
    async with site.client(supervisor.bearer) as client:
        packs = {each["key"]: each for each in (await client.get("/api/v1/rule-packs")).json()["items"]}
    assert (packs["PL"]["abandon_cap"], packs["US"]["abandon_cap"]) == (0.0, 3.0)
    async with site.client(consultant.cookies) as client:
        assert (await client.get("/rule-packs")).status_code == 403


async def test_the_packs_are_read_in_polish(site: Site) -> None:
    reader = await site.person("ewa", Role.SUPERVISOR, "pl")
    async with site.client(reader.cookies) as client:
        page = (await client.get("/rule-packs")).text
    assert "Zasada własna" in page
    assert "Polska" in page


async def test_a_campaign_shows_its_rules_and_an_administrator_takes_it_on(
    site: Site, supervisor: Person, administrator: Person, campaign_id: int
) -> None:
    path = f"/campaigns/{campaign_id}/rules"
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        assert "Nobody is called by this campaign until" in (await client.get(path)).text
        assert (await client.post(f"{path}/asks-consent", data={"ground": GROUND})).status_code == 403
        assert (await client.get("/campaigns/999/rules")).status_code == 404
        overview = (await client.get(f"/campaigns/{campaign_id}")).text
        assert f'{MISSING} <a href="{path}">' in overview, "said before Start, not by refused leads after it"
    async with site.client(administrator.cookies | SAME_SITE) as client:
        short = await client.post(f"{path}/asks-consent", data={"ground": "because"})
        assert (short.status_code, "because" in short.text) == (422, True)
        assert (await client.post(f"{path}/asks-consent", data={"ground": GROUND})).status_code == 303
        shown = (await client.get(path)).text
        assert GROUND in shown
        assert "Nobody is called by this campaign until" not in shown
        assert MISSING not in (await client.get(f"/campaigns/{campaign_id}")).text


async def test_the_same_through_the_api(site: Site, supervisor: Person, administrator: Person, campaign_id: int) -> None:
    path = f"/api/v1/campaigns/{campaign_id}"
    async with site.client(administrator.bearer) as client:
        taken = await client.put(f"{path}/asks-consent", json={"ground": GROUND})
        assert (taken.status_code, taken.json()["asks_consent"], taken.json()["purpose"]) == (200, GROUND, "consent")
        assert (await client.put(f"{path}/asks-consent", json={"ground": "x"})).status_code == 422
    async with site.client(supervisor.bearer) as client:
        assert (await client.get(f"{path}/rules")).json()["key"] == "PL"
        assert (await client.put(f"{path}/asks-consent", json={"ground": ""})).status_code == 403


async def test_evidence_is_sent_by_page_and_api(site: Site, supervisor: Person, consultant: Person, campaign_id: int) -> None:
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        sent = await client.post(f"/campaigns/{campaign_id}/rules/evidence", data={"format": "csv"})
        assert (sent.status_code, sent.headers["content-type"]) == (200, "text/csv; charset=utf-8")
        assert "consent_wording" in sent.text
        assert (await client.post(f"/campaigns/{campaign_id}/rules/evidence", data={"format": "pdf"})).status_code == 404
    async with site.client(supervisor.bearer) as client:
        whole = await client.post(f"/api/v1/campaigns/{campaign_id}/evidence")
        assert whole.json()["campaign"]["name"] == "Autumn"
        table = await client.post(f"/api/v1/campaigns/{campaign_id}/evidence/table")
        assert table.headers["content-type"].startswith("text/csv")
        assert (await client.post("/api/v1/campaigns/999/evidence")).status_code == 404
    async with site.client(consultant.bearer) as client:
        assert (await client.post(f"/api/v1/campaigns/{campaign_id}/evidence")).status_code == 403
