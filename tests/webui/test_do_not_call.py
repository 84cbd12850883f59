"""Do-not-call lists and the purpose of projects, through pages and the API."""

import asyncio
from typing import Any

import pytest

from callcenter import clock
from callcenter.calls.models import Call
from callcenter.projects.models import Project
from tests.webui.conftest import Person, Site

NUMBER = "+48601234567"
SAME_SITE = {"origin": "http://testserver"}
SECONDS = {"offer_seconds": "20", "wrap_up_seconds": "30", "max_wait_seconds": "600", "ring_seconds": "45", "keep_ready": "0"}
FORM = {"tell_listening": "1", "name": "Sales", "region": "PL"} | SECONDS


@pytest.fixture
async def project_id(site: Site) -> int:
    async with site.database.unit_of_work() as uow:
        project = Project(name="Sales", created_at=uow.now)
        uow.session.add(project)
        await uow.session.flush()
        return project.id


async def read(client: Any, list_id: int) -> dict[str, Any]:
    for _ in range(500):
        found: dict[str, Any] = (await client.get(f"/api/v1/do-not-call/lists/{list_id}")).json()
        if found["state"] != "reading":
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def test_a_file_is_read_onto_a_projects_list_by_the_api(site: Site, supervisor: Person, project_id: int) -> None:
    async with site.client(supervisor.bearer) as client:
        sent = await client.post(
            "/api/v1/do-not-call/lists", files={"file": ("list.csv", f"{NUMBER}\nabc\n")}, data={"project_id": str(project_id)}
        )
        assert sent.status_code == 202
        found = await read(client, sent.json()["id"])
        assert (found["state"], found["added"], found["invalid"], found["project_id"]) == ("done", 1, 1, project_id)
        query: dict[str, Any] = {"number": NUMBER, "project_id": project_id}
        assert (await client.get("/api/v1/privacy/do-not-call", params=query)).json() == {"listed": True}
        assert (await client.get("/api/v1/privacy/do-not-call", params={"number": NUMBER})).json() == {"listed": False}
        off = await client.put("/api/v1/privacy/do-not-call", json=query | {"listed": False})
        assert off.json() == {"listed": False}
        assert (
            await client.put("/api/v1/privacy/do-not-call", json=query | {"listed": True, "project_id": 999})
        ).status_code == 404
        for data in ({"project_id": "999"}, {"project_id": "x"}, {"project_id": "²"}):
            refused = await client.post("/api/v1/do-not-call/lists", files={"file": ("list.csv", NUMBER)}, data=data)
            assert (refused.status_code, refused.json()["error"]["field"]) == (422, "project_id")
        assert (await client.post("/api/v1/do-not-call/lists", data={"project_id": ""}, files={"x": b""})).status_code == 422


async def test_the_page_puts_one_number_on_a_list_and_reads_files(site: Site, supervisor: Person, project_id: int) -> None:
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        added = await client.post("/do-not-call", data={"number": "601 234 567", "project_id": str(project_id), "what": "add"})
        assert "is on the list" in added.text
        assert "is not on the list" in (await client.post("/do-not-call", data={"number": NUMBER, "what": "ask"})).text
        assert (await client.post("/do-not-call", data={"number": "abc", "what": "add"})).status_code == 422
        assert (await client.post("/do-not-call/lists", files={"file": ("x.csv", b"601234567")})).status_code == 303
        assert "x.csv" in (await client.get("/do-not-call")).text
        assert (await client.post("/do-not-call/lists", data={"project_id": ""})).status_code == 422
        assert (await client.get("/do-not-call/rows")).status_code == 200


async def test_consultants_have_no_such_page(site: Site, consultant: Person) -> None:
    async with site.client(consultant.cookies) as client:
        assert (await client.get("/do-not-call")).status_code == 403
    async with site.client(consultant.bearer) as client:
        assert (await client.get("/api/v1/do-not-call/lists")).status_code == 403


async def test_do_not_call_again_is_pressed_during_a_call(site: Site, consultant: Person, project_id: int) -> None:
    async with site.database.unit_of_work() as uow:
        call = Call(
            id=(call_id := clock.new_id()),
            direction="inbound",
            state="talking",
            project_id=project_id,
            user_id=consultant.id,
            number=NUMBER,
            dialled="",
            started_at=uow.now,
            match=[],
        )
        uow.session.add(call)
    async with site.client(consultant.bearer) as client:
        assert (await client.put(f"/api/v1/calls/{call_id}/do-not-call", json={})).status_code == 200
        assert (await client.put(f"/api/v1/calls/{call_id}/do-not-call", json={"everywhere": True})).status_code == 200
        assert (await client.put(f"/api/v1/calls/{call_id}/do-not-call", json={"everywhere": "perhaps"})).status_code == 422
        assert (await client.put(f"/api/v1/calls/{clock.new_id()}/do-not-call", json={})).status_code == 404


async def test_the_form_of_a_project_sets_what_it_is_for(
    site: Site, supervisor: Person, administrator: Person, project_id: int
) -> None:
    async with site.client(supervisor.cookies | SAME_SITE) as client:
        assert (await client.post(f"/projects/{project_id}", data=FORM | {"purpose": "marketing"})).status_code == 303
        assert 'value="marketing" selected' in (await client.get(f"/projects/{project_id}")).text
        back = await client.post(f"/projects/{project_id}", data=FORM | {"purpose": "service"})
        assert back.status_code == 403
        assert "administrator only" in back.text
        assert (await client.post(f"/projects/{project_id}", data=FORM | {"purpose": "war"})).status_code == 422
    async with site.client(administrator.cookies | SAME_SITE) as client:
        assert (await client.post(f"/projects/{project_id}", data=FORM | {"purpose": "service"})).status_code == 303


async def test_a_refusal_for_want_of_a_consent_has_a_code_of_its_own(site: Site, supervisor: Person, project_id: int) -> None:
    async with site.client(supervisor.bearer) as client:
        given = (await client.get(f"/api/v1/projects/{project_id}")).json()
        body = {key: value for key, value in given.items() if key not in ("id", "members")} | {"purpose": "marketing"}
        assert (await client.put(f"/api/v1/projects/{project_id}", json=body)).json()["purpose"] == "marketing"
