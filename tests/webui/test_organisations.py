"""Organisations on their pages and in the API: what is refused, what is asked before it happens, what two savers see."""

from typing import Any

import httpx
import pytest
from sqlalchemy import update

from callcenter.users.models import User
from tests.webui.conftest import Person, Site

API = "/api/v1/organisations"
SAME = {"sec-fetch-site": "same-origin"}


async def good(answer: Any) -> Any:
    answer = await answer
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def page(client: httpx.AsyncClient, path: str, status: int = 200, **query: Any) -> str:
    answer = await client.get(path, params=query or None)
    assert answer.status_code == status, answer.text
    return answer.text


async def only_customers(site: Site, person: Person) -> None:
    async with site.database.unit_of_work() as uow:
        await uow.session.execute(update(User).where(User.id == person.id).values(accounts=["customer_admin"]))


async def test_an_organisation_lives_its_life_in_the_api(site: Site, consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        body = {"name": "O'Neill <script>", "type": "partner", "city": "Łódź", "numbers": [{"number": "22 123 45 67"}]}
        made = await good(client.post(API, json=body))
        assert (made["name"], made["type"], made["version"]) == ("O'Neill <script>", "partner", 1)
        path = f"{API}/{made['id']}"
        changed = await good(client.put(path, json=body | {"name": "Zażółć", "website": "zazolc.pl", "version": 1}))
        assert (changed["website"], changed["version"]) == ("https://zazolc.pl", 2)
        assert (await client.put(path, json=body | {"version": 1})).status_code == 409
        assert [each["name"] for each in (await good(client.get(API, params={"q": "lodz 123"})))["items"]] == ["Zażółć"]
        assert (await good(client.get(API, params={"type": "customer"})))["items"] == []
        person = await good(client.post("/api/v1/contacts", json={"last_name": "Lis", "organisation": "zazolc"}))
        assert person["type"] == "partner"
        members = await good(client.get(f"{path}/contacts", params={"limit": 1}))
        assert ([each["name"] for each in members["items"]], members["next"]) == (["Lis"], None)
        other = await good(client.post(API, json={"name": "Bocian"}))
        moved = await good(
            client.post("/api/v1/contacts/move", json={"contact_ids": [person["id"], 999], "organisation_id": other["id"]})
        )
        assert (moved["moved"], moved["refused"]) == ([person["id"]], [999])
        await good(client.post(f"{API}/{other['id']}/notes", json={"text": "Pays late"}))
        lines = (await good(client.get(f"{API}/{other['id']}/timeline", params={"kind": "note"})))["items"]
        assert [(each["text"], each["contact_id"]) for each in lines] == [("Pays late", None)]
        whole = f"{API}/{other['id']}/timeline"
        first = await good(client.get(whole, params={"limit": 1}))
        rest = await good(client.get(whole, params={"before": first["next"]}))
        kinds = [(each["kind"], each["contact"], each["author"] != "") for each in (*first["items"], *rest["items"])]
        assert kinds == [("note", "", True), ("change", "Lis", True)]
        assert rest["next"] is None
        for wrong in ({"kind": "pigeon"}, {"before": 999_999}, {"limit": 1000}):
            assert (await client.get(whole, params=wrong)).status_code == 422
        assert (await client.delete(f"{API}/{other['id']}", params={"version": 1})).status_code == 409
        merged = {"name": "Zażółć", "version": 2, "other_id": other["id"], "other_version": 1}
        assert (await good(client.post(f"{path}/merge", json=merged)))["version"] == 3
        circular = merged | {"other_id": made["id"], "version": 3, "other_version": 3}
        assert (await client.post(f"{path}/merge", json=circular)).status_code == 422
        assert (await client.delete(path, params={"version": 3, "timeline": "true"})).status_code in (204, 409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x" * 300}, "name"),
        ({"name": 5}, "name"),
        ({"name": "A", "colour": "red"}, "colour"),
        ({"name": "A", "type": "friend"}, "type"),
        ({"name": "A", "country": "Poland"}, "country"),
        ({"name": "A", "website": "javascript:alert(1)"}, "website"),
        ({"name": "A", "numbers": [{"number": "CALL ME"}]}, "numbers"),
        ({"name": "A", "numbers": "22"}, "numbers"),
        ({"name": "A\x00"}, "name"),
    ],
)
async def test_refused_input_names_its_field(site: Site, consultant: Person, body: dict[str, Any], field: str) -> None:
    async with site.client(consultant.bearer) as client:
        answer = await client.post(API, json=body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.text
        for path, wrong in (
            ("/api/v1/contacts/move", {"contact_ids": [], "organisation_id": None}),
            ("/api/v1/contacts/move", {"contact_ids": ["x"], "organisation_id": None}),
            ("/api/v1/contacts/move", {"contact_ids": [1]}),
        ):
            assert (await client.post(path, json=wrong)).status_code == 422
        assert (await client.get(API, params={"after": "bm9uc2Vuc2U"})).status_code == 422


async def test_what_one_may_not_see_is_not_there(site: Site, consultant: Person, supervisor: Person) -> None:
    async with site.client(supervisor.bearer) as client:
        partner = await good(client.post(API, json={"name": "Tajna", "type": "partner", "numbers": [{"number": "601 222 333"}]}))
        person = await good(client.post("/api/v1/contacts", json={"last_name": "Lis"}))
    await only_customers(site, consultant)
    async with site.client(consultant.bearer) as client:
        for path in ("", "/contacts", "/timeline"):
            assert (await client.get(f"{API}/{partner['id']}{path}")).status_code == 404
        assert (await good(client.get(API)))["items"] == []
        found = await good(client.get("/api/v1/search", params={"q": "tajna"}))
        assert found["groups"] == []
        assert (await good(client.get("/api/v1/search", params={"q": "601 222 333"})))["groups"] == []
        move = {"contact_ids": [person["id"]], "organisation_id": partner["id"]}
        assert (await client.post("/api/v1/contacts/move", json=move)).status_code == 403
        merge = {"name": "Mine", "version": 1, "other_id": partner["id"], "other_version": 1}
        mine = await good(client.post(API, json={"name": "Mine"}))
        assert (await client.post(f"{API}/{mine['id']}/merge", json=merge)).status_code == 404
    async with site.client(consultant.cookies | SAME) as client:
        for path in ("", "/contacts", "/timeline", "/meetings", "/delete", "/merge", "/move"):
            await page(client, f"/organisations/{partner['id']}{path}", 404)
        assert "Tajna" not in await page(client, "/organisations")
        assert "Tajna" not in await page(client, "/contacts/new", organisation=partner["id"])


async def test_the_pages_say_what_there_is_and_ask_before_it_goes(site: Site, consultant: Person) -> None:
    async with site.client(consultant.cookies | SAME) as client:
        assert "No organisations yet" in await page(client, "/organisations")
        form = {"name": "<script>alert(1)</script>", "type": "customer", "number_type": "main", "number": "22 123 45 67"}
        made = await client.post("/organisations", data=form)
        assert made.status_code == 303
        path = made.headers["location"]
        assert "<script>alert(1)" not in await page(client, path)
        assert (await client.post("/organisations", data=form)).status_code == 409
        assert (await client.post("/organisations", data=form | {"name": "x" * 300})).status_code == 422
        saved = await client.post(path, data=form | {"name": "Alfa", "version": "1", "note": "one\r\ntwo"})
        assert saved.status_code == 303
        stale = await client.post(path, data=form | {"name": "Gamma", "version": "1"})
        assert stale.status_code == 409
        assert "Somebody saved this organisation while you were typing" in stale.text
        assert 'name="version" value="2"' in stale.text
        again = await client.post(path, data=form | {"name": "Gamma", "version": "2"})
        assert again.status_code == 303
        assert 'value="Gamma"' in await page(client, "/contacts/new", organisation=path.rsplit("/", 1)[1])
        assert (await client.post("/contacts", data={"last_name": "Lis", "organisation": "Gamma"})).status_code == 303
        assert (await client.post("/contacts", data={"last_name": "Sowa"})).status_code == 303
        contacts = await page(client, f"{path}/contacts")
        assert "Lis" in contacts
        assert "Sowa" not in contacts
        here = await page(client, f"{path}/move", q="sowa", ids="1")
        assert "Sowa" in here
        moved = await client.post(f"{path}/move", data={"ids": ["2"]})
        assert moved.headers["location"].endswith("moved=1&refused=0&nameless=0")
        assert "Contacts moved: 1." in await page(client, moved.headers["location"])
        assert (await client.post(f"{path}/contacts", data={"ids": ["2"], "organisation": "Nowhere"})).status_code == 422
        assert (await client.post(f"{path}/contacts", data={"organisation": ""})).status_code == 422
        assert (await client.post(f"{path}/contacts", data={"ids": ["2"], "organisation": ""})).status_code == 303
        notes = f"/api/v1{path}/notes"
        assert (await client.post(notes, json={"text": " "})).status_code == 422
        assert (await client.post(notes, json={"text": "Pays late"})).status_code == 201
        lines = await page(client, f"{path}/timeline")
        assert "Pays late" in lines
        assert "Lis" in await page(client, f"{path}/contacts")
        assert "Pays late" not in await page(client, f"{path}/timeline", kind="call")
        assert "Pays late" in await page(client, f"{path}/timeline/lines", kind="note")
        assert "No open phone meetings" in await page(client, f"{path}/meetings")
        other = (await client.post("/organisations", data=form | {"name": "Beta", "city": "Sopot"})).headers["location"]
        assert "Beta" in await page(client, f"{path}/merge", q="bet")
        other_id = other.rsplit("/", 1)[1]
        assert "Sopot" in await page(client, f"{path}/merge", other=other_id)
        merge = {"other_id": other_id, "version": "3", "other_version": "1", "pick_address": "other", "pick_name": "this"}
        assert (await client.post(f"{path}/merge", data=merge)).status_code == 303
        assert 'value="Sopot"' in await page(client, path)
        assert "Delete its own timeline" in await page(client, f"{path}/delete")
        assert (await client.post(f"{path}/delete", data={"version": "4"})).status_code == 409


async def test_an_organisation_of_a_reader_has_no_form(site: Site, consultant: Person, supervisor: Person) -> None:
    async with site.client(supervisor.bearer) as client:
        made = await good(client.post(API, json={"name": "Alfa", "website": "alfa.pl"}))
    async with site.database.unit_of_work() as uow:
        await uow.session.execute(update(User).where(User.id == consultant.id).values(accounts=["customer_reader"]))
    async with site.client(consultant.cookies | SAME) as client:
        shown = await page(client, f"/organisations/{made['id']}")
        assert "https://alfa.pl" in shown
        assert 'name="version"' not in shown
        assert "New organisation" not in await page(client, "/organisations")
        answer = await client.post(f"/organisations/{made['id']}", data={"name": "Beta", "version": "1"})
        assert answer.status_code == 403
        await page(client, f"/organisations/{made['id']}/delete", 403)
