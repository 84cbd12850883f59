"""Leads at the page and at the API: the list, one lead with why, what supervisors do, adding from files and contacts."""

import asyncio
import datetime as dt
from typing import Any

import httpx
import pytest

from callcenter import clock
from callcenter.actor import Role
from callcenter.campaigns import leads
from callcenter.campaigns.lead_models import Lead, LeadImport, LeadNumber
from callcenter.campaigns.models import Campaign
from callcenter.contacts import service as contacts
from callcenter.contacts import text
from callcenter.contacts.service import ContactInput, NumberInput
from callcenter.projects.models import Project
from tests.webui.conftest import Site

SOON = clock.now() + dt.timedelta(days=30)
SAME = {"sec-fetch-site": "same-origin"}  # as a browser says of a form of ours
FILE = (
    "Imię i nazwisko;Telefon;Umowa\nŁucja Śnieg;601 000 001;A/1\n<script>alert(1)</script>;601 000 002;=cmd\nZła;soon;\n".encode(
        "cp1250"
    )
)


async def campaign(site: Site, **fields: Any) -> int:
    async with site.database.unit_of_work() as uow:
        project = Project(name="Sales", created_at=uow.now)
        uow.session.add(project)
        await uow.session.flush()
        given = {"name": "Spring", "state": "running", **fields}
        made = Campaign(project_id=project.id, created_at=uow.now, updated_at=uow.now, **given)
        uow.session.add(made)
        await uow.session.flush()
        return made.id


async def settled(site: Site, import_id: int) -> LeadImport:
    for _ in range(600):
        async with site.database.reading() as uow:
            found = await uow.session.get_one(LeadImport, import_id)
        if found.state in {"done", "failed", "stopped"}:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("the import did not end")


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_a_file_becomes_leads_on_the_pages(site: Site, language: str) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR, language), await campaign(site)
    at = f"/campaigns/{spring}/leads"
    async with site.client(boss.cookies | SAME) as browser:
        empty = await browser.get(at)
        assert empty.status_code == 200
        assert ("No leads yet" if language == "en" else "Nie ma jeszcze rekordów") in empty.text
        assert (await browser.get(f"{at}/imports")).status_code == 200
        sent = await browser.post(f"{at}/imports", files={"file": ("list.csv", FILE)})
        assert sent.status_code == 303
        where = sent.headers["location"]
        page = await browser.get(where)
        assert all(each in page.text for each in ("cp1250", "Łucja Śnieg", "umowa"))
        assert "<script>alert(1)" not in page.text
        form: dict[str, Any] = {"column": ["name", "number", "field"], "others": "skip", "priority": "2", "region": ""}
        preview = await browser.post(f"{where}/preview", data=form)
        assert "+48 601 000 001" in preview.text
        assert "soon" in preview.text
        wrong = await browser.post(where, data=form | {"column": ["name", "field", "field"]})
        assert wrong.status_code == 422
        begun = await browser.post(where, data=form)
        import_id = int(where.split("/")[5])
        done = await settled(site, import_id)
        assert (done.state, done.report["added"]) == ("done", 2)
        shown = await browser.get(begun.headers["location"])
        assert "soon" in shown.text
        assert (await browser.get(f"{begun.headers['location']}/progress")).status_code == 200
        report = await browser.get(f"{begun.headers['location']}/report.csv")
        assert "Zła,soon" in report.text
        listed = await browser.get(f"{at}?q=lucja")
        assert "Łucja Śnieg" in listed.text
        assert "alert(1)" not in listed.text
        assert "+48 601 000 002" in (await browser.get(f"{at}?q=601+000+002")).text
        again = await browser.post(f"{at}/imports", files={"file": ("list.csv", FILE)})
        warned = await browser.get(again.headers["location"])
        assert ("This very file" if language == "en" else "Ten sam plik") in warned.text
        assert (await browser.post(f"{again.headers['location'].removesuffix('/mapping')}/stop")).status_code == 303
        refused = await browser.post(f"{at}/imports", files={"file": ("list.csv", b"\x89PNG\r\n\x1a\nxxxx")})
        assert (await browser.get(refused.headers["location"])).status_code == 422
        assert (await browser.post(f"{at}/imports", files={"file": ("list.csv", b"")})).status_code == 422
    await site.app.state.imports.close()


async def one_lead(site: Site, campaign_id: int, **fields: Any) -> int:
    async with site.database.unit_of_work() as uow:
        given: dict[str, Any] = {"name": "Jan Kowalski", "next_at": uow.now, **fields}
        made = Lead(campaign_id=campaign_id, created_at=uow.now, changed_at=uow.now, **given)
        made.folded = text.fold(made.name)
        uow.session.add(made)
        await uow.session.flush()
        uow.session.add(LeadNumber(lead_id=made.id, position=0, campaign_id=campaign_id, number=f"+4860100{made.id:04}"))
        return made.id


async def test_one_lead_with_why_and_what_supervisors_do(site: Site) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR, "pl"), await campaign(site)
    lead_id = await one_lead(site, spring)
    async with site.database.unit_of_work() as uow:
        (lead,) = await leads.take(uow, spring, 1)
        leads.decide(uow, lead_id, "dialled", number="+48601000001", attempt=1)
        leads.put_off(uow, lead, uow.now, "delay", {"outcome": "busy"})
    at = f"/campaigns/{spring}/leads/{lead_id}"
    async with site.client(boss.cookies | SAME) as browser:
        page = await browser.get(at)
        assert page.status_code == 200
        assert "Jan Kowalski" in page.text
        assert "+48 601 000 001" in page.text
        for do, form in (
            ("put-off", {"until_date": f"{SOON:%Y-%m-%d}", "until_time": "10:00"}),
            ("priority", {"priority": "1"}),
            ("next", {}),
            ("remove", {}),
            ("put-back", {}),
        ):
            assert (await browser.post(f"{at}/{do}", data=form)).status_code == 303, do
        assert (await browser.post(f"{at}/put-back")).status_code == 409
        assert (await browser.post(f"{at}/put-off", data={"until_date": "2001-01-02", "until_time": "10:00"})).status_code == 422
        assert (await browser.get(f"/campaigns/{spring}/leads/999")).status_code == 404
        assert (await browser.get("/campaigns/999/leads")).status_code == 404


async def test_pages_of_the_list_follow_one_another(site: Site) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR), await campaign(site)
    ids = [await one_lead(site, spring, name=f"Jan {n}") for n in range(7)]
    async with site.client(boss.bearer) as api:
        first = (await api.get(f"/api/v1/campaigns/{spring}/leads?limit=5")).json()
        assert [each["id"] for each in first["items"]] == ids[:5]
        assert first["states"] == {"waiting": 7}
        rest = (await api.get(f"/api/v1/campaigns/{spring}/leads?limit=5&after={first['next']}")).json()
        assert [each["id"] for each in rest["items"]] == ids[5:]
        assert rest["next"] is None
        assert (await api.get(f"/api/v1/campaigns/{spring}/leads?state=nothing")).status_code == 422
        assert [each["name"] for each in (await api.get(f"/api/v1/campaigns/{spring}/leads?q=JAN+3")).json()["items"]] == [
            "Jan 3"
        ]
        assert (await api.get(f"/api/v1/campaigns/{spring}/leads?q=%25")).json()["items"] == []
    async with site.client(boss.cookies) as browser:
        assert "Jan 6" in (await browser.get(f"/campaigns/{spring}/leads/rows?after={ids[4]}")).text


async def test_the_api_explains_and_changes(site: Site) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR), await campaign(site)
    lead_id = await one_lead(site, spring)
    at = f"/api/v1/campaigns/{spring}/leads/{lead_id}"
    async with site.client(boss.bearer) as api:
        story = (await api.get(at)).json()
        assert story["next"] == ["It is the next to be called."]
        changed = (await api.post(f"{at}/put-off", json={"until": SOON.isoformat()})).json()
        assert [each["code"] for each in changed["decisions"]] == ["by_hand"]
        assert changed["decisions"][0]["by"] == "Sofia"
        assert changed["next"][0].startswith("It waits until ")
        assert (await api.put(f"{at}/priority", json={"priority": 9})).status_code == 422
        assert (await api.put(f"{at}/priority", json={"priority": 1})).json()["lead"]["priority"] == 1
        assert (await api.post(f"{at}/remove")).json()["lead"]["state"] == "removed"
        assert (await api.post(f"{at}/remove")).json()["lead"]["state"] == "removed"
        assert (await api.post(f"{at}/put-back")).json()["lead"]["state"] == "waiting"
        assert (await api.post(f"{at}/put-back")).status_code == 409
        assert (await api.post(f"{at}/next")).json()["lead"]["priority"] == 1
    other = await campaign_named(site, "Other", spring)
    async with site.client(boss.bearer) as api:
        assert (await api.post(f"/api/v1/campaigns/{other}/leads/{lead_id}/remove")).status_code == 404


async def campaign_named(site: Site, name: str, like: int) -> int:
    async with site.database.unit_of_work() as uow:
        project_id = (await uow.session.get_one(Campaign, like)).project_id
        made = Campaign(name=name, project_id=project_id, created_at=uow.now, updated_at=uow.now)
        uow.session.add(made)
        await uow.session.flush()
        return made.id


async def test_files_and_contacts_over_the_api(site: Site) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR), await campaign(site)
    async with site.database.unit_of_work() as uow:
        given = ContactInput(first_name="Jan", last_name="Kowal", numbers=[NumberInput(number="601000009")])
        await contacts.create_contact(uow, given, "PL")
    at = f"/api/v1/campaigns/{spring}/lead-imports"
    async with site.client(boss.bearer) as api:
        sent = await api.post(at, files={"file": ("list.csv", FILE)}, data={"mapping": '{"priority": 1}'})
        assert sent.status_code == 202, sent.text
        await settled(site, sent.json()["id"])
        found = (await api.get(f"{at}/{sent.json()['id']}")).json()
        assert (found["state"], found["added"], found["refused"]) == ("done", 2, {"invalid": 1})
        assert "soon" in (await api.get(f"{at}/{found['id']}/report")).text
        assert (await api.post(at, files={"file": ("list.csv", b"Name;City\nJan;Lodz\n")})).status_code == 422
        assert (await api.post(at, files={"file": ("list.csv", FILE)}, data={"mapping": "{"})).status_code == 422
        assert (await api.post(f"{at}/{found['id']}/stop")).status_code == 409
        people = await api.post(f"{at}/contacts", json={"q": "kowal", "priority": 2})
        assert people.status_code == 202, people.text
        assert (await settled(site, people.json()["id"])).report["added"] == 1
        listed = (await api.get(at)).json()["items"]
        assert [each["from_contacts"] for each in listed] == [True, False, False]
    await site.app.state.imports.close()


async def test_contacts_are_chosen_on_a_page(site: Site) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR), await campaign(site)
    async with site.database.unit_of_work() as uow:
        given = ContactInput(first_name="Jan", last_name="Kowal", numbers=[NumberInput(number="601000009")])
        await contacts.create_contact(uow, given, "PL")
    at = f"/campaigns/{spring}/leads/contacts"
    async with site.client(boss.cookies | SAME) as browser:
        assert (await browser.get(at)).status_code == 200
        assert "1 contact fits now" in (await browser.get(f"{at}?q=kowal")).text
        added = await browser.post(f"{at}?q=kowal", data={"priority": "1", "others": "skip"})
        assert added.status_code == 303
        found = await settled(site, int(added.headers["location"].rpartition("/")[2]))
        assert found.report["added"] == 1
        assert (await browser.get(added.headers["location"])).status_code == 200
    await site.app.state.imports.close()


async def test_consultants_see_no_lists(site: Site, consultant: Any) -> None:
    spring = await campaign(site)
    lead_id = await one_lead(site, spring)
    async with site.client(consultant.cookies | SAME) as browser:
        answers: list[httpx.Response] = [
            await browser.get(f"/campaigns/{spring}/leads"),
            await browser.get(f"/campaigns/{spring}/leads/{lead_id}"),
            await browser.post(f"/campaigns/{spring}/leads/{lead_id}/remove"),
            await browser.get(f"/campaigns/{spring}/leads/imports"),
            await browser.post(f"/campaigns/{spring}/leads/imports", files={"file": ("list.csv", FILE)}),
        ]
    assert [each.status_code for each in answers] == [403] * len(answers)


async def test_ticked_contacts_go_to_a_campaign_from_the_list_of_contacts(site: Site, consultant: Any) -> None:
    boss, spring = await site.person("sofia", Role.SUPERVISOR), await campaign(site, name="Wiosna")
    ids = []
    async with site.database.unit_of_work() as uow:
        past = {"name": "Past", "state": "finished", "created_at": uow.now, "updated_at": uow.now}
        uow.session.add(Campaign(project_id=1, **past))
        for n in range(3):
            given = ContactInput(first_name=f"Jan{n}", last_name="Kowal", numbers=[NumberInput(number=f"60100000{n}")])
            ids.append((await contacts.create_contact(uow, given, "PL")).id)
    chosen = {"action": "campaign", "campaign_id": str(spring), "query": ""}
    async with site.client(boss.cookies | SAME) as browser:
        shown = (await browser.get("/contacts")).text
        assert "Add to campaign" in shown
        assert "Wiosna" in shown
        assert "Past" not in shown
        begun = await browser.post("/contacts/bulk", data={**chosen, "ids": f"{ids[0]},{ids[2]}"})
        assert begun.headers["location"].startswith(f"/campaigns/{spring}/leads/imports/")
        assert (await settled(site, int(begun.headers["location"].rpartition("/")[2]))).report["added"] == 2
        begun = await browser.post("/contacts/bulk", data={**chosen, "all": "1", "query": "q=kowal"})
        done = await settled(site, int(begun.headers["location"].rpartition("/")[2]))
        assert (done.total, done.report["added"], done.report["refused"]) == (3, 1, {"duplicate": 2})
        for wrong in ({"ids": ""}, {"ids": "1", "campaign_id": ""}):
            assert (await browser.post("/contacts/bulk", data={**chosen, **wrong})).status_code == 422, wrong
    async with site.client(consultant.cookies | SAME) as browser:
        assert "Add to campaign" not in (await browser.get("/contacts")).text
        assert (await browser.post("/contacts/bulk", data={**chosen, "all": "1"})).status_code == 403
