"""Text messages through the API: sent, listed, dealt with; roles as for calls."""

import json
from typing import Any

import httpx
import pytest

from callcenter.events import all_types
from callcenter.phone import LinkUp, Snapshot, TextReceived, TextStatus
from callcenter.projects.service import ProjectInput, add_project, set_members
from callcenter.switchboard import dispatch
from callcenter.trunks.models import Trunk
from tests.webui.conftest import Person, Site

OURS, THEIRS, STRANGER = "+48221234567", "+48601234567", "+48602000000"


@pytest.fixture
async def trunk_id(site: Site, consultant: Person) -> int:
    """Write a trunk that sends, and the project the consultant serves; the switch is there."""
    async with site.database.unit_of_work() as uow:
        trunk = Trunk(name="Twilio", kind="twilio", host="", caller_ids=[OURS], state_at=None, created_at=uow.now)
        uow.session.add(trunk)
        await uow.session.flush()
        project = await add_project(uow, ProjectInput(name="Helpline", numbers=[OURS], trunk_id=trunk.id, caller_id=OURS))
        await set_members(uow, project.id, [consultant.id])
        return trunk.id


async def happen(site: Site, *events: Any) -> None:
    for event in events:
        async with site.database.unit_of_work() as uow:
            await dispatch(uow, event)


async def send(client: httpx.AsyncClient, **more: Any) -> httpx.Response:
    body = {"number": THEIRS, "text": "Dzień dobry", **more}
    return await client.post("/api/v1/texts", json=body)


async def test_a_message_is_sent_once_and_its_state_is_read(site: Site, trunk_id: int, consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        made = await send(client, key="one")
        again = await send(client, key="one")
        assert (made.status_code, made.json()) == (201, again.json())
        assert (made.json()["state"], made.json()["own_number"], made.json()["segments"]) == ("queued", OURS, 1)
        assert [each.text for each in site.phone.texts.values()] == ["Dzień dobry"]
        assert (await send(client, key="one", text="Other")).status_code == 409
        text_id = made.json()["id"]
        await happen(site, TextStatus(text_id, "undelivered", "SM1", 30003, "Unreachable destination handset"))
        found = (await client.get(f"/api/v1/texts/{text_id}")).json()
        assert (found["state"], found["code"], found["error"]) == ("undelivered", 30003, "Unreachable destination handset")
        assert [each["id"] for each in (await client.get("/api/v1/texts")).json()["items"]] == [text_id]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"number": "112"}, "number"), ({"text": " "}, "text"), ({"text": "x" * 1601}, "text"), ({"project_id": 999}, "project_id")],
)
async def test_refusals_name_their_field(site: Site, trunk_id: int, consultant: Person, body: dict[str, Any], field: str) -> None:
    async with site.client(consultant.bearer) as client:
        refused = await send(client, **body)
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, field)


async def test_the_ways_are_told_and_what_is_missing_in_ones_language(site: Site, trunk_id: int) -> None:
    jan = await site.person("jan", language="pl")
    async with site.client(jan.cookies) as client:
        (way,) = (await client.get("/api/v1/text-ways")).json()["items"]
        assert (way["project_id"], way["sender_shown"], way["problem"]) == (None, "+48 22 123 45 67", "")
        async with site.database.unit_of_work() as uow:
            (await uow.session.get_one(Trunk, trunk_id)).enabled = False
        (way,) = (await client.get("/api/v1/text-ways")).json()["items"]
        assert way["problem"] == "Żadne łącze nie wysyła tu SMS-ów. Administrator dodaje łącze Twilio wraz z jego numerami."


async def test_a_message_that_came_is_unread_until_somebody_deals_with_it(
    site: Site, trunk_id: int, consultant: Person, supervisor: Person
) -> None:
    stranger = await site.person("nobody")
    await happen(site, TextReceived(trunk_id, "SM1", THEIRS, OURS, "Proszę o telefon"))
    async with site.client(consultant.bearer) as client:
        assert (await client.get("/api/v1/me")).json()["unread_texts"] == 1
        (found,) = (await client.get("/api/v1/texts?unread=true&mine=true")).json()["items"]
        assert (found["outbound"], found["text"], found["answerable"], found["seen_at"]) == (
            False,
            "Proszę o telefon",
            True,
            None,
        )
        text_id = found["id"]
    async with site.client(stranger.bearer) as client:
        assert (await client.get("/api/v1/me")).json()["unread_texts"] == 0
        for method, path in (("GET", ""), ("POST", "/seen")):
            assert (await client.request(method, f"/api/v1/texts/{text_id}{path}")).status_code == 404
    async with site.client(supervisor.bearer) as client:
        assert (await client.post(f"/api/v1/texts/{text_id}/seen")).json()["seen_by"] == supervisor.id
        assert (await client.get("/api/v1/texts?unread=true")).json()["items"] == []


async def test_a_message_is_given_to_a_contact_who_keeps_the_number(site: Site, trunk_id: int, consultant: Person) -> None:
    await happen(site, TextReceived(trunk_id, "SM1", STRANGER, OURS, "Kto to?"))
    async with site.client(consultant.bearer) as client:
        contact = (await client.post("/api/v1/contacts", json={"last_name": "Nowak"})).json()
        (found,) = (await client.get("/api/v1/texts")).json()["items"]
        body = {"contact_id": contact["id"], "keep_number": True}
        assert (await client.put(f"/api/v1/texts/{found['id']}/contact", json=body)).json()["contact"] == "Nowak"
        numbers = (await client.get(f"/api/v1/contacts/{contact['id']}")).json()["numbers"]
        assert [(each["e164"], each["type"], each["takes_texts"]) for each in numbers] == [(STRANGER, "mobile", True)]
        (line,) = (await client.get(f"/api/v1/contacts/{contact['id']}/timeline")).json()["items"]
        assert (line["kind"], line["text"], line["data"]["direction"]) == ("text", "Kto to?", "inbound")
        assert (await client.get(f"/api/v1/texts?contact_id={contact['id']}")).json()["items"][0]["id"] == found["id"]


async def test_messages_come_page_by_page(site: Site, trunk_id: int, supervisor: Person) -> None:
    await happen(site, *(TextReceived(trunk_id, f"SM{each}", STRANGER, OURS, str(each)) for each in range(5)))
    found: list[str] = []
    async with site.client(supervisor.bearer) as client:
        address = "/api/v1/texts?limit=2"
        while True:
            page = (await client.get(address)).json()
            found += [each["text"] for each in page["items"]]
            if page["next"] is None:
                break
            address = f"/api/v1/texts?limit=2&after={page['next']}"
    assert found == ["4", "3", "2", "1", "0"]


async def test_the_page_lists_hostile_messages_as_text(site: Site, trunk_id: int, consultant: Person) -> None:
    texts = ("<script>alert(1)</script>", "x" * 10_000, "", "\u202e<b>\u202c")
    await happen(site, *(TextReceived(trunk_id, f"SM{place}", "<i>ME</i>", OURS, text) for place, text in enumerate(texts)))
    async with site.client(consultant.cookies) as client:
        page = await client.get("/texts")
        rows = await client.get("/texts/rows?after=new-x%00&project=abc")
        refused = await client.post("/texts/%27%00/seen", headers={"origin": "http://testserver"})
    assert page.status_code == rows.status_code == 200
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text
    assert "<i>" not in page.text
    assert "(an empty message)" in page.text
    assert refused.status_code == 404


async def test_going_back_leads_nowhere_else(site: Site, trunk_id: int, consultant: Person) -> None:
    await happen(site, TextReceived(trunk_id, "SM1", STRANGER, OURS, "Kto to?"))
    async with site.client(consultant.cookies) as client:
        (found,) = (await client.get("/api/v1/texts")).json()["items"]
        for place, wanted in (("https://evil.example/texts", "/texts"), ("/texts?show=all", "/texts?show=all"), ("", "/texts")):
            answer = await client.post(
                f"/texts/{found['id']}/seen", data={"next": place}, headers={"origin": "http://testserver"}
            )
            assert (answer.status_code, answer.headers["location"]) == (303, wanted)


async def test_live_messages_are_described(site: Site) -> None:
    async with site.client() as client:
        described = json.loads((await client.get("/api/v1/live.json")).text)["messages"]
    assert {"text.received", "text.status", "text.seen"} <= set(described)
    assert all(
        described[name]["durable"] and described[name]["summary"] for name in ("text.received", "text.status", "text.seen")
    )
    assert {each.TYPE for each in all_types()} == set(described)


async def test_a_switch_that_is_away_is_503(site: Site, trunk_id: int, consultant: Person) -> None:
    site.phone.link_down()
    await happen(site, LinkUp(Snapshot("boot")))
    async with site.client(consultant.bearer) as client:
        made = await send(client)
        assert made.status_code == 201  # nobody has told the web yet; the link says it failed
    (event,) = [each for each in site.phone._queue if isinstance(each, TextStatus)]
    await happen(site, event)
    async with site.client(consultant.bearer) as client:
        assert (await client.get(f"/api/v1/texts/{made.json()['id']}")).json()["state"] == "failed"
