"""Tickets through the API and as the pages send them: what scripts send, what they get, and errors that name the field."""

import datetime as dt
from typing import Any

import httpx
import pytest

from callcenter import clock
from callcenter.actor import AccountRole
from callcenter.projects.models import Membership, Project
from callcenter.users.models import User
from tests.callcenter.meetings.office import ALWAYS
from tests.webui.conftest import Person, Site
from webui.app import UPLOAD_LIMIT

HOUR = dt.timedelta(hours=1)
FITTING = (
    "q=zielony",
    "q=ziel%20czaj",
    "due=week&mine=true",
    "priority=urgent,high",
    "open=true",
    "created_from=2020-01-01&created_to=2999-01-01",
    "created_from=0001-01-01&created_to=9999-12-31",
    "sort=updated",
)


@pytest.fixture
async def usual(site: Site, administrator: Person) -> dict[str, int]:
    """Declare the usual kinds and states; returns their ids by name."""
    async with site.client(administrator.bearer) as client:
        answer = await client.post("/api/v1/ticket-settings/usual", json={"language": "en"})
    found = answer.json()
    return {each["name"]: each["id"] for each in [*found["kinds"], *found["states"]]}


async def good(sending: Any) -> Any:
    answer: httpx.Response = await sending
    assert answer.status_code in (200, 201, 204), answer.text
    return answer.json() if answer.content else None


async def refused(sending: Any, status: int = 422) -> dict[str, Any]:
    answer: httpx.Response = await sending
    assert answer.status_code == status, answer.text
    return dict(answer.json()["error"])


async def partner_reader(site: Site) -> Person:
    """Add somebody who sees partners only."""
    person = await site.person("paula")
    async with site.database.unit_of_work() as uow:
        (await uow.session.get_one(User, person.id)).accounts = [AccountRole.PARTNER_READER.value]
    return person


async def test_a_ticket_through_its_life_by_script(
    site: Site, usual: dict[str, int], consultant: Person, supervisor: Person
) -> None:
    async with site.client(consultant.bearer) as client:
        jan = (await good(client.post("/api/v1/contacts", json={"first_name": "Jan", "last_name": "Kowal"})))["id"]
        due = (clock.now() + HOUR).isoformat()
        body = {"title": "Żółty czajnik", "kind_id": usual["Complaint"], "priority": "urgent", "due_at": due}
        made = await good(client.post("/api/v1/tickets", json=body))
        path = f"/api/v1/tickets/{made['id']}"
        assert (made["state"], made["open"], made["contact"]) == ("New", True, "")
        given = await good(client.put(f"{path}/contact", json={"contact_id": jan}))
        assert given["contact"] == "Jan Kowal"
        change = {**body, "title": "Zielony czajnik", "assignee_id": consultant.id, "version": given["version"]}
        changed = await good(client.put(path, json=change))
        assert (changed["assignee"], changed["version"]) == ("Anna", given["version"] + 1)
        assert (await refused(client.put(path, json={**change, "title": "Blue"}), 409))["code"] == "conflict"
        said = await good(client.post(f"{path}/comments", json={"text": "Called"}))
        await good(client.put(f"{path}/comments/{said['id']}", json={"text": "Called twice"}))
        await good(client.put(f"{path}/state", json={"state_id": usual["In progress"], "from_id": usual["New"]}))
        await refused(client.put(f"{path}/state", json={"state_id": usual["Closed"], "from_id": usual["New"]}), 409)
        await refused(client.put(f"{path}/state", json={"state_id": usual["New"]}), 409)
        whole = await good(client.get(path))
        assert [each["text"] for each in whole["comments"]] == ["Called twice"]
        assert {each["name"] for each in whole["next_states"]} == {"Waiting for the customer", "Settled", "Closed"}
        own = (f"q=%23{made['id']}", f"contact_id={jan}", f"state_id={usual['In progress']}")
        for query in (*FITTING, *own):
            assert [each["id"] for each in (await good(client.get(f"/api/v1/tickets?{query}")))["items"]] == [made["id"]], query
        for query in ("q=zolty", "open=false", "due=none", "unassigned=true", "without_contact=true", "q=%23999"):
            assert (await good(client.get(f"/api/v1/tickets?{query}")))["items"] == [], query
        assert len((await good(client.get(f"/api/v1/contacts/{jan}/tickets")))["items"]) == 1
        await refused(client.delete(path), 403)
    async with site.client(supervisor.bearer) as client:
        await good(client.delete(path))
        await refused(client.get(path), 404)


async def test_pages_of_tickets_miss_and_repeat_nothing(site: Site, usual: dict[str, int], consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        soon = clock.now() + HOUR
        for n in range(7):
            due = (soon + n % 3 * HOUR).isoformat() if n % 2 else None
            body = {"title": f"Ticket {n}", "kind_id": usual["Order"], "due_at": due}
            await good(client.post("/api/v1/tickets", json=body))
        for sort in ("due", "created", "updated"):
            found, after = [], ""
            while after is not None:
                page = await good(client.get(f"/api/v1/tickets?limit=2&sort={sort}" + (f"&after={after}" if after else "")))
                found += [each["id"] for each in page["items"]]
                after = page["next"]
            assert sorted(found) == sorted(set(found)), sort
            assert len(found) == 7, sort
            if sort != "due":
                assert found == sorted(found, reverse=True), sort
        page = await good(client.get("/api/v1/tickets?limit=2&sort=due"))
        assert (await refused(client.get(f"/api/v1/tickets?sort=created&after={page['next']}")))["field"] == "after"
        assert (await refused(client.get("/api/v1/tickets?after=bm9uc2Vuc2U=")))["field"] == "after"


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("title", {"title": "x" * 300}),
        ("title", {"title": " "}),
        ("title", {"title": 7}),
        ("title", {"title": None}),
        ("kind_id", {"kind_id": "1"}),
        ("kind_id", {"kind_id": 2**40}),
        ("priority", {"priority": "very"}),
        ("due_at", {"due_at": "2020-01-01T00:00:00Z"}),
        ("due_at", {"due_at": "2030-01-01T00:00:00"}),
        ("assignee_id", {"assignee_id": 99999}),
        ("assignee_id", {"assignee_id": True}),
        ("contact_id", {"contact_id": 99999}),
        ("colour", {"colour": "red"}),
        ("state_id", {"state_id": 1}),
        ("title", {"title": "nul \x00"}),
    ],
)
async def test_what_the_api_refuses_names_the_field(
    site: Site, usual: dict[str, int], consultant: Person, field: str, fields: dict[str, Any]
) -> None:
    if not site.database.sqlite:
        pytest.skip("the same before any database is asked")
    async with site.client(consultant.bearer) as client:
        body = {"title": "Kettle", "kind_id": usual["Complaint"], **fields}
        assert (await refused(client.post("/api/v1/tickets", json=body)))["field"] == field


async def test_nobody_reaches_a_ticket_of_a_contact_they_may_not_see(
    site: Site, usual: dict[str, int], consultant: Person
) -> None:
    other = await partner_reader(site)
    async with site.client(consultant.bearer) as client:
        jan = (await good(client.post("/api/v1/contacts", json={"first_name": "Jan", "last_name": "Kowal"})))["id"]
        body = {"title": "Kettle", "kind_id": usual["Complaint"], "contact_id": jan}
        made = await good(client.post("/api/v1/tickets", json=body))
        await good(client.post(f"/api/v1/tickets/{made['id']}/files", files={"file": ("a.txt", b"secret")}))
        body = {"title": "Free", "kind_id": usual["Complaint"]}
        free = await good(client.post("/api/v1/tickets", json=body))
        file_id = (await good(client.get(f"/api/v1/tickets/{made['id']}")))["files"][0]["id"]
    path = f"/api/v1/tickets/{made['id']}"
    async with site.client(other.bearer) as client:
        assert [each["id"] for each in (await good(client.get("/api/v1/tickets")))["items"]] == [free["id"]]
        assert (await good(client.get("/api/v1/tickets?q=kettle")))["items"] == []
        await refused(client.get(path), 404)
        await refused(client.put(f"{path}/state", json={"state_id": usual["Closed"]}), 404)
        await refused(client.post(f"{path}/comments", json={"text": "Hello"}), 404)
        await refused(client.get(f"{path}/files/{file_id}"), 404)
        await refused(client.get(f"/api/v1/tickets/{free['id']}/files/{file_id}"), 404)
        await refused(client.post(f"{path}/files", files={"file": ("b.txt", b"x")}), 404)
        await refused(client.put(f"/api/v1/tickets/{free['id']}/contact", json={"contact_id": jan}))
        report = await good(
            client.post("/api/v1/tickets/state", json={"ids": [made["id"], free["id"]], "state_id": usual["Closed"]})
        )
        assert (report["changed"], [each["title"] for each in report["refused"]]) == ([free["id"]], [""])
        assert (await good(client.get(f"/api/v1/contacts/{jan}/tickets")))["items"] == []
    async with site.client(other.cookies) as client:
        assert (await client.get(f"/tickets/{made['id']}")).status_code == 404
        assert "Kettle" not in (await client.get("/tickets?f=1")).text
        assert "Kettle" not in (await client.get("/tickets/find?ticket_q=kettle")).text
    async with site.client(consultant.bearer) as client:
        change = {"title": "Kettle", "kind_id": usual["Complaint"], "assignee_id": other.id, "version": made["version"]}
        assert (await refused(client.put(path, json=change)))["field"] == "assignee_id"


async def test_attachments_come_and_go_and_bad_ones_are_refused(site: Site, usual: dict[str, int], consultant: Person) -> None:
    if not site.database.sqlite:
        pytest.skip("how files are kept is tested on both databases where they are kept")
    async with site.client(consultant.bearer) as client:
        made = await good(client.post("/api/v1/tickets", json={"title": "Kettle", "kind_id": usual["Complaint"]}))
        path = f"/api/v1/tickets/{made['id']}/files"
        sent = await good(client.post(path, files={"file": ("../../etc/passwd.html", b"<script>alert(1)</script>", "text/html")}))
        assert (sent["name"], sent["media_type"], sent["size"]) == ("passwd.html", "text/plain", 25)
        read = await client.get(f"{path}/{sent['id']}")
        assert read.content == b"<script>alert(1)</script>"
        assert read.headers["content-disposition"].startswith("attachment;")
        assert (await refused(client.post(path, files={"file": ("empty.txt", b"")})))["field"] == "file"
        assert (await refused(client.post(path, files={"other": ("a.txt", b"a")})))["field"] == "file"
        large = b"x" * (UPLOAD_LIMIT - (1 << 19))
        assert (await refused(client.post(path, files={"file": ("large.bin", large)})))["field"] == "file"
        assert (await client.post(path, files={"file": ("larger.bin", b"x" * UPLOAD_LIMIT)})).status_code == 413
        assert (await client.post(path, json={"file": "a"})).status_code == 415
        assert len((await good(client.get(f"/api/v1/tickets/{made['id']}")))["files"]) == 1
        await good(client.delete(f"{path}/{sent['id']}"))
        await refused(client.get(f"{path}/{sent['id']}"), 404)


async def test_many_at_once_are_bounded(site: Site, usual: dict[str, int], consultant: Person) -> None:
    if not site.database.sqlite:
        pytest.skip("the same before any database is asked")
    async with site.client(consultant.bearer) as client:
        for ids in ([], list(range(1, 10_001)), ["1"], [0], [2**40]):
            answer = await refused(client.post("/api/v1/tickets/state", json={"ids": ids, "state_id": usual["Closed"]}))
            assert str(answer["field"]).startswith("ids"), ids
        assert (await refused(client.post("/api/v1/tickets/state", json={"ids": [1], "state_id": 9999})))["field"] == "state_id"
        report = await good(client.post("/api/v1/tickets/assignee", json={"ids": [5, 5, 6], "assignee_id": None}))
        assert [each["id"] for each in report["refused"]] == [5, 6]
        await refused(client.post("/api/v1/tickets/due", json={"ids": [1], "due_at": "2020-01-01T00:00:00Z"}))


async def test_the_pages_lead_from_a_contact_to_an_assigned_ticket(site: Site, usual: dict[str, int], consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        one, other = [
            (await good(client.post("/api/v1/contacts", json={"first_name": name, "last_name": "Kowal"})))["id"]
            for name in ("Jan", "Ewa")
        ]
    async with site.client({**consultant.cookies, "sec-fetch-site": "same-origin"}) as client:
        form = {"title": "<b>Kettle</b>", "kind_id": str(usual["Complaint"]), "priority": "normal", "from_contact": str(one)}
        made = await client.post("/tickets", data=form)
        assert made.status_code == 303
        tab = await client.get(made.headers["location"])
        assert "is made. It is not this contact" in tab.text
        assert "&lt;b&gt;Kettle&lt;/b&gt;" in tab.text
        assert "No tickets" in tab.text  # S18
        ticket_id = made.headers["location"].rpartition("%23")[2]
        for contact_id, picked, status in ((one, "", 422), (one, ticket_id, 303), (other, ticket_id, 409)):
            answer = await client.post(f"/contacts/{contact_id}/tickets", data={"ticket_id": picked})
            assert answer.status_code == status, (contact_id, picked)
        assert "belongs to Jan Kowal" in answer.text
        several = await client.post(f"/contacts/{other}/tickets", data={"ticket_id": [ticket_id, "2"], "move": "1"})
        assert several.status_code == 422
        moved = await client.post(f"/contacts/{other}/tickets", data={"ticket_id": ticket_id, "move": "1"})
        assert moved.status_code == 303
        assert "Kettle" in (await client.get(f"/contacts/{other}/tickets")).text
        assert (await client.post(f"/contacts/{other}/tickets/{ticket_id}/unassign")).status_code == 303
        page = await client.get(f"/tickets/{ticket_id}")
        edit = {"title": "", "kind_id": str(usual["Complaint"]), "priority": "high", "version": "1"}
        assert (await client.post(f"/tickets/{ticket_id}", data=edit)).status_code == 422
        edit |= {"title": "Lid", "version": "4", "due_date": "2020-01-01"}
        assert "over already" in (await client.post(f"/tickets/{ticket_id}", data=edit)).text
        edit |= {"due_date": ""}
        assert (await client.post(f"/tickets/{ticket_id}", data=edit)).status_code == 303
        stale = await client.post(f"/tickets/{ticket_id}", data={**edit, "title": "Spout"})
        assert stale.status_code == 409
        assert "data-stale" in stale.text
        assert 'value="Spout"' in stale.text
        wrong = await client.post(f"/tickets/{ticket_id}/state", data={"state_id": str(usual["New"])})
        assert wrong.status_code == 409
        report = await client.post("/tickets/state", data={"ids": [ticket_id, "77"], "state_id": str(usual["Settled"])})
        assert "1 ticket changed." in report.text
        assert "#77: There is no such ticket." in report.text
        assert page.status_code == 200
        for path in ("/settings/tickets", "/settings/tickets/usual"):
            assert (await client.get(path)).status_code == 403


async def test_a_phone_meeting_is_about_a_ticket_one_may_see(
    site: Site, usual: dict[str, int], consultant: Person, supervisor: Person
) -> None:
    async with site.client(supervisor.bearer) as client:
        body = {"title": "Kettle", "kind_id": usual["Complaint"]}
        ticket = await good(client.post("/api/v1/tickets", json=body))
        async with site.database.unit_of_work() as uow:
            project = Project(name="Helpline", region="PL", created_at=uow.now)
            uow.session.add(project)
            await uow.session.flush()
            uow.session.add(Membership(project_id=project.id, user_id=consultant.id))
            project_id = project.id
        await good(client.put(f"/api/v1/projects/{project_id}/phone-meetings", json={"hours": ALWAYS}))
        plan = {"number": "601 234 567", "from_at": (clock.now() + HOUR).isoformat(), "project_id": project_id}
        assert (await refused(client.post("/api/v1/phone-meetings", json={**plan, "ticket_id": 999})))["field"] == "ticket_id"
        made = await good(client.post("/api/v1/phone-meetings", json={**plan, "ticket_id": ticket["id"]}))
        assert (made["ticket_id"], made["ticket"]) == (ticket["id"], "Kettle")
        found = await good(client.get(f"/api/v1/phone-meetings?ticket_id={ticket['id']}"))
        assert [each["id"] for each in found["items"]] == [made["id"]]
    async with site.client(supervisor.cookies) as client:
        assert f"/meetings/{made['id']}" in (await client.get(f"/tickets/{ticket['id']}")).text
        assert f"/tickets/{ticket['id']}" in (await client.get(f"/meetings/{made['id']}")).text
