"""Campaigns through the API and on their pages: what supervisors send and get, and what they read when it is refused."""

import html
import re
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from callcenter.projects import service as projects
from callcenter.projects.service import ProjectInput
from callcenter.trunks.service import TrunkInput, add_trunk
from tests.callcenter.campaigns.drafts import OFFICE, sound
from tests.webui.conftest import Person, Site
from tests.webui.test_api import good

OURS = "+48221234567"
SAME_SITE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
async def project(site: Site, consultant: Person, supervisor: Person, administrator: Person) -> int:
    """Add a project that can call, served by the consultant."""
    async with site.database.unit_of_work() as uow:
        trunk = await add_trunk(uow, TrunkInput(name="Carrier", host="127.0.0.1", caller_ids=[OURS]))
        made = await projects.add_project(uow, ProjectInput(name="Sales", trunk_id=trunk.id, caller_id=OURS, purpose="marketing"))
        await projects.set_members(uow, made.id, [consultant.id])
        await projects.set_dispositions(uow, made.id, ["Sold", "Later"])
        return made.id


def typed(project_id: int, **fields: Any) -> dict[str, Any]:
    return {"project_id": project_id, "name": "Autumn", "company": "Acme", "about": "solar panels", "hours": OFFICE, **fields}


async def refused(sent: Awaitable[httpx.Response]) -> tuple[int, str | None]:
    answer = await sent
    return answer.status_code, answer.json()["error"].get("field")


async def test_a_campaign_from_draft_to_copy_over_the_api(site: Site, project: int, supervisor: Person) -> None:
    async with site.client(supervisor.bearer) as client:
        made = await good(client.post("/api/v1/campaigns", json=typed(project, mode="progressive")))
        one = f"/api/v1/campaigns/{made['id']}"
        assert (made["state"], made["obstacles"], [each["code"] for each in made["warnings"]]) == ("draft", [], ["no_leads"])
        assert (await good(client.post(f"{one}/start")))["state"] == "running"
        assert (await good(client.put(f"{one}/mode", json={"mode": "preview", "version": 2})))["mode"] == "preview"
        answer = await client.put(f"{one}/mode", json={"mode": "power", "version": 2})
        assert (answer.status_code, answer.json()["error"]["differs"]) == (409, {"mode": {"typed": "power", "stored": "preview"}})
        assert answer.json()["error"]["version"] == 3
        assert (await good(client.post(f"{one}/pause")))["state"] == "paused"
        assert (await good(client.post(f"{one}/resume")))["state"] == "running"
        assert (await client.delete(one)).status_code == 409
        assert (await good(client.post(f"{one}/finish")))["state"] == "finished"
        copy = await good(client.post(f"{one}/copy", json={"name": "Winter"}))
        assert [each["name"] for each in (await good(client.get("/api/v1/campaigns")))["items"]] == ["Winter", "Autumn"]
        assert len((await good(client.get("/api/v1/campaigns?state=finished")))["items"]) == 1
        assert (await good(client.get(f"{one}/figures")))["left"] == 0
        assert (await client.delete(f"/api/v1/campaigns/{copy['id']}")).status_code == 204
        assert (await client.get(f"/api/v1/campaigns/{copy['id']}")).status_code == 404


async def test_what_the_api_does_not_know_is_refused(site: Site, project: int, supervisor: Person) -> None:
    async with site.client(supervisor.bearer) as client:
        path = "/api/v1/campaigns"
        assert await refused(client.post(path, json=typed(project, speed=9))) == (422, "speed")
        assert await refused(client.post(path, json=typed(project, mode="fast"))) == (422, "mode")
        assert await refused(client.post(path, json=typed(project, delays={"noon": 3}))) == (422, "delays.noon")
        assert await refused(client.post(path, json=typed(project, keys={"x": "confirm"}))) == (422, "keys.x.[key]")
        assert await refused(client.post(path, json=typed(project, asks_consent="yes"))) == (422, "asks_consent")
        assert await refused(client.post(path, json=typed(project, abandon_cap=3))) == (422, "abandon_cap")
        assert await refused(client.get(f"{path}?state=slow")) == (422, "state")


async def test_people_dispositions_and_script_over_the_api(
    site: Site, project: int, supervisor: Person, consultant: Person
) -> None:
    async with site.client(supervisor.bearer) as client:
        one = f"/api/v1/campaigns/{(await good(client.post('/api/v1/campaigns', json=typed(project))))['id']}"
        found = (await good(client.put(f"{one}/members", json={"user_ids": [consultant.id]})))["items"]
        assert [(each["user_id"], each["chosen"]) for each in found] == [(consultant.id, True)]
        assert await refused(client.put(f"{one}/members", json={"user_ids": [supervisor.id]})) == (422, "user_ids")
        meanings = (await good(client.get(f"{one}/dispositions")))["items"]
        says = {"disposition_id": meanings[1]["disposition_id"], "meaning": "retry", "minutes": 30}
        after = (await good(client.put(f"{one}/dispositions", json={"items": [says]})))["items"]
        assert [(each["name"], each["meaning"]) for each in after] == [("Sold", "done"), ("Later", "retry")]
        shown = await good(client.post(f"{one}/script/preview", json={"company": "Acme", "script": "Hi **{{ lead.name }}**"}))
        assert (shown["company"], shown["html"], shown["problem"]) == ("Acme", "<p>Hi <strong>[name]</strong></p>", "")
    async with site.client(consultant.bearer) as client:
        assert {(await client.get(path)).status_code for path in (one, "/api/v1/campaigns", f"{one}/members")} == {403}


async def test_a_message_that_is_no_audio_is_refused_and_one_that_is_is_heard(
    site: Site, project: int, supervisor: Person
) -> None:
    async with site.client(supervisor.bearer) as client:
        made = await good(client.post("/api/v1/campaigns", json=typed(project)))
        one = f"/api/v1/campaigns/{made['id']}/messages/abandoned"
        bad = await client.put(one, files={"file": ("sorry.wav", b"not a sound", "audio/wav")})
        assert (bad.status_code, bad.json()["error"]["sentence"]) == (422, "This is not a WAV file.")
        assert (await client.put(one, json={})).status_code == 415
        assert (await good(client.put(one, files={"file": ("sorry.wav", sound(), "audio/wav")})))["abandoned_message"]
        assert (await client.get(one)).content == sound()
        assert (await client.delete(one)).status_code == 204
        assert (await client.get(one)).status_code == 404
        assert (await client.get(one.replace("abandoned", "other"))).status_code == 404


def values(page: str) -> dict[str, Any]:
    """Return what a browser would send of a page's largest form, unchanged."""
    form = max(re.findall(r"<form .*?</form>", page, re.DOTALL), key=len)
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="([^"]*)"', tag)
        if name and not (kind and kind[1] in ("radio", "checkbox") and " checked" not in tag):
            found.setdefault(name[1], []).append(html.unescape(value[1]) if value else "")
    for name, body in re.findall(r'<select [^>]*name="([^"]*)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', body)
        found[name] = [html.unescape(chosen[1]) if chosen else ""]
    for name, body in re.findall(r'<textarea [^>]*name="([^"]*)".*?>\n?(.*?)</textarea>', form, re.DOTALL):
        found[name] = [html.unescape(body)]
    return found


async def test_a_supervisor_makes_sets_and_starts_a_campaign_on_its_pages(site: Site, project: int, supervisor: Person) -> None:
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        assert "No campaigns yet" in (await client.get("/campaigns")).text
        assert 'href="/campaigns"' in (await client.get("/campaigns")).text
        assert (await client.get("/campaigns/new")).status_code == 200
        wrong = await client.post("/campaigns", data={"name": "Autumn", "mode": "predictive", "project_id": "999"})
        assert (wrong.status_code, "Choose a project." in wrong.text) == (422, True)
        sent = {"name": "Autumn", "mode": "predictive", "project_id": str(project)}
        where = (await client.post("/campaigns", data=sent)).headers["location"]
        shown = (await client.get(where)).text
        assert "What is still missing" in shown
        assert "The opening is missing" in shown
        refused_start = await client.post(f"{where}/start")
        assert (refused_start.status_code, "The opening is missing" in refused_start.text) == (409, True)

        script = values((await client.get(f"{where}/script")).text)
        script |= {"company": "Acme", "about": "panels", "script": "Hello {{ lead.name"}
        bad = await client.post(f"{where}/script", data=script)
        assert (bad.status_code, "Line 1: " in bad.text, 'id="hint-script"' in bad.text) == (422, True, True)
        long = await client.post(f"{where}/script", data=script | {"company": "x" * 201})
        assert (long.status_code, "It cannot be shown as it is." in long.text) == (422, True)
        script["script"] = "# Hello\n\n{{ lead.name }}"
        tried = await client.post(f"{where}/script", data=script | {"try": "1"})
        assert "<h3>Hello</h3><p>[name]</p>" in tried.text
        assert "could not be filled in" not in tried.text
        assert (await client.post(f"{where}/script", data=script)).headers["location"] == f"{where}/script?saved=1"

        given = values((await client.get(f"{where}/settings")).text)
        assert (given["hours_0_from"], given["mode"], given["delay_busy"]) == (["09:00", ""], ["predictive"], ["10"])
        given |= {"attempts": "7", "rule_pack": "US", "abandon_cap": "2,5", "key_confirm": "1", "key_do_not_call": "9"}
        assert (await client.post(f"{where}/settings", data=given)).headers["location"] == f"{where}/settings?saved=1"
        again = values((await client.get(f"{where}/settings")).text)
        assert (again["attempts"], again["abandon_cap"], again["key_do_not_call"]) == (["7"], ["2.5"], ["9"])
        assert again["hours_4_to"] == ["17:00", ""]
        twice = await client.post(f"{where}/settings", data=again | {"key_confirm": "9"})
        assert (twice.status_code, "One key cannot mean two things." in twice.text) == (422, True)
        over = await client.post(f"{where}/settings", data=again | {"abandon_cap": "4"})
        assert "allow 3 % abandoned calls at most" in over.text

        needs = (await client.get(where)).text
        assert "upload the message they hear" in needs
        no_sound = await client.post(f"{where}/messages/abandoned", files={"file": ("x.wav", b"x", "audio/wav")})
        assert (no_sound.status_code, "This is not a WAV file." in no_sound.text) == (422, True)
        kept = await client.post(f"{where}/messages/abandoned", files={"file": ("x.wav", sound(), "audio/wav")})
        assert kept.status_code == 303
        assert "<audio" in (await client.get(f"{where}/settings")).text
        assert (await client.post(f"{where}/start")).status_code == 303
        running = (await client.get(where)).text
        assert "Pause" in running
        assert "Everything is there" not in running
        assert "Autumn" in (await client.get("/campaigns")).text


async def test_of_two_who_save_settings_the_second_sees_both_and_may_save_again(
    site: Site, project: int, supervisor: Person, administrator: Person
) -> None:
    async with site.client(supervisor.bearer) as client:
        where = f"/campaigns/{(await good(client.post('/api/v1/campaigns', json=typed(project))))['id']}"
    async with site.client(supervisor.cookies | SAME_SITE) as client, site.client(administrator.cookies | SAME_SITE) as other:
        seen = values((await client.get(f"{where}/settings")).text)
        theirs = values((await other.get(f"{where}/settings")).text)
        await other.post(
            f"{where}/settings", data=theirs | {"attempts": "9", "hours_5_from": ["10:00", ""], "hours_5_to": ["12:00", ""]}
        )
        conflict = await client.post(f"{where}/settings", data=seen | {"ring_seconds": "20"})
        assert conflict.status_code == 409
        assert "Adam changed this campaign meanwhile" in conflict.text
        assert "Saved by the other" in conflict.text
        assert "Sat 10:00-12:00" in conflict.text
        typed_again = values(conflict.text)
        assert (typed_again["ring_seconds"], typed_again["attempts"], typed_again["version"]) == (["20"], ["5"], ["2"])
        assert (await client.post(f"{where}/settings", data=typed_again)).status_code == 303

        mode = await client.post(f"{where}/mode", data={"mode": "power", "version": "1"})
        assert mode.status_code == 303  # nobody else touched the mode
        lost = await other.post(f"{where}/mode", data={"mode": "predictive", "version": "3"})
        assert (lost.status_code, "Sofia changed this campaign meanwhile" in lost.text) == (409, True)


async def test_people_dispositions_and_rules_have_their_pages(
    site: Site, project: int, supervisor: Person, consultant: Person
) -> None:
    async with site.client(supervisor.bearer) as client:
        where = f"/campaigns/{(await good(client.post('/api/v1/campaigns', json=typed(project))))['id']}"
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        assert (await client.post(f"{where}/people", data={"user_ids": str(consultant.id)})).status_code == 303
        assert "checked" in (await client.get(f"{where}/people")).text
        given = values((await client.get(f"{where}/dispositions")).text)
        first = next(name for name in given if name.startswith("meaning_"))
        bad = await client.post(f"{where}/dispositions", data=given | {first: "retry"})
        assert (bad.status_code, "after how many minutes" in bad.text) == (422, True)
        minutes = first.replace("meaning", "minutes")
        assert (await client.post(f"{where}/dispositions", data=given | {first: "retry", minutes: "45"})).status_code == 303
        assert 'value="45"' in (await client.get(f"{where}/dispositions")).text
        assert f'href="{where}/rules"' in (await client.get(where)).text
        assert (await client.get(f"{where}/rules")).status_code == 200
        assert (await client.post(f"{where}/copy")).status_code == 303
        assert (await client.post(f"{where}/delete")).headers["location"] == "/campaigns"
        assert (await client.get(where)).status_code == 404
        assert (await client.get("/campaigns/99999999999")).status_code == 404
    async with site.client(consultant.cookies) as client:
        assert {(await client.get(path)).status_code for path in ("/campaigns", "/campaigns/new", where)} == {403}
        assert 'href="/campaigns' not in (await client.get("/")).text


async def test_a_finished_campaign_can_only_be_read_and_copied(site: Site, project: int, supervisor: Person) -> None:
    async with site.client(supervisor.bearer) as client:
        made = await good(client.post("/api/v1/campaigns", json=typed(project)))
        for action in ("start", "finish"):
            await good(client.post(f"/api/v1/campaigns/{made['id']}/{action}"))
    where = f"/campaigns/{made['id']}"
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        for path in ("", "/settings", "/script", "/dispositions", "/people"):
            assert (await client.get(where + path)).status_code == 200
        assert "Save</button>" not in (await client.get(f"{where}/settings")).text
        assert (await client.post(f"{where}/people", data={})).status_code == 409
        assert "No campaign is going on" in (await client.get("/campaigns")).text
        assert "Autumn" in (await client.get("/campaigns?finished=1")).text
