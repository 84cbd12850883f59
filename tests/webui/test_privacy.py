"""Personal data through the API and the pages: consents, everything of a person, erasure, retention, do-not-call."""

import io
import json
import zipfile

import httpx
import pytest

from callcenter.contacts.models import Contact, Number
from tests.webui.conftest import Person, Site

NUMBER = "+48601234567"


@pytest.fixture
async def contact_id(site: Site) -> int:
    async with site.database.unit_of_work() as uow:
        contact = Contact(first_name="Jan", last_name="<script>", created_at=uow.now, updated_at=uow.now)
        contact.numbers = [Number(raw=NUMBER, digits=NUMBER[1:], e164=NUMBER, last_nine=NUMBER[-9:])]
        uow.session.add(contact)
        await uow.session.flush()
        return contact.id


async def test_what_a_customer_said_is_recorded_and_stands_until_they_say_otherwise(
    site: Site, consultant: Person, contact_id: int
) -> None:
    async with site.client(consultant.bearer) as client:
        address = f"/api/v1/contacts/{contact_id}/consents"
        first = await client.post(address, json={"channel": "call", "given": False, "source": "a call"})
        assert (first.status_code, first.json()["objections"]) == (201, ["call"])
        refused = await client.post("/api/v1/calls", json={"number": NUMBER})
        assert refused.status_code == 409
        second = await client.post(address, json={"channel": "call", "given": True, "source": "a letter"})
        assert second.json()["objections"] == []
        assert [each["stands"] for each in second.json()["items"]] == [True, False]


@pytest.mark.parametrize(
    "body",
    [
        {"channel": "pigeon", "given": True},
        {"channel": "call", "given": True},
        {"channel": "call", "given": "perhaps"},
        {"channel": "call", "given": False, "unknown": 1},
        {"channel": "call", "purpose": "marketing", "given": False},
        {"channel": "call", "given": False, "at": "2026-01-01T10:00:00"},
        {"channel": "call", "given": False, "wording": "x" * 5001},
    ],
)
async def test_half_a_consent_is_refused(site: Site, consultant: Person, contact_id: int, body: dict[str, object]) -> None:
    async with site.client(consultant.bearer) as client:
        assert (await client.post(f"/api/v1/contacts/{contact_id}/consents", json=body)).status_code == 422


async def test_only_supervisors_take_out_and_erase(site: Site, consultant: Person, supervisor: Person, contact_id: int) -> None:
    address = f"/api/v1/contacts/{contact_id}/personal-data"
    async with site.client(consultant.bearer) as client:
        assert (await client.post(address)).status_code == 403
        assert (await client.delete(address)).status_code == 403
    async with site.client(supervisor.bearer) as client:
        told = (await client.post(address)).json()
        assert told["data"]["contacts"][0]["first_name"] == "Jan"
        assert (await client.delete(address)).status_code == 204
        assert (await client.delete(address)).status_code == 404
        assert (await client.get(f"/api/v1/contacts/{contact_id}")).status_code == 404


async def test_retention_and_the_list_of_numbers(site: Site, administrator: Person, supervisor: Person) -> None:
    async with site.client(administrator.bearer) as client:
        kept = await client.put("/api/v1/privacy/retention", json={"kind": "calls", "months": 24})
        assert kept.json() == {"contacts": None, "timeline": None, "calls": 24, "texts": None}
        assert (await client.put("/api/v1/privacy/retention", json={"kind": "calls", "months": 0})).status_code == 422
        assert (await client.put("/api/v1/privacy/do-not-call", json={"number": "601 234 567", "listed": True})).json() == {
            "listed": True
        }
    async with site.client(supervisor.bearer) as client:
        assert (await client.get("/api/v1/privacy/do-not-call", params={"number": NUMBER})).json() == {"listed": True}
        assert (await client.get("/api/v1/privacy/do-not-call", params={"number": "abc"})).json() == {"listed": False}
        assert (await client.get("/api/v1/privacy/retention")).status_code == 403


async def test_the_pages_show_record_export_and_erase(
    site: Site, consultant: Person, supervisor: Person, contact_id: int
) -> None:
    tab = f"/contacts/{contact_id}/personal-data"
    async with site.client(consultant.cookies) as page:
        assert "Erase" not in (await page.get(tab)).text
        await posted(page, f"{tab}/consents", {"channel": "call", "given": "0", "source": "a call"}, 303)
        shown = (await page.get(f"/contacts/{contact_id}")).text
        assert "Asked not to be called" in shown
        assert "<script>" not in shown.split("</head>")[1].split("<main")[1]
        await posted(page, f"{tab}/consents", {"channel": "call", "given": "1"}, 422)
        await posted(page, f"{tab}/export", {}, 403)
    async with site.client(supervisor.cookies) as page:
        packed = await posted(page, f"{tab}/export", {}, 200)
        with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
            told = json.loads(archive.read("data.json"))
            assert {"contacts", "numbers", "consents", "timeline"} <= set(told["data"])
            assert b"&lt;script&gt;" in archive.read("data.html")
        await posted(page, f"{tab}/erase", {}, 422)
        await posted(page, f"{tab}/erase", {"sure": "1"}, 303)
        assert (await page.get(tab)).status_code == 404


async def test_the_page_of_rules(site: Site, administrator: Person) -> None:
    async with site.client(administrator.cookies) as page:
        await posted(page, "/privacy/retention", {"contacts": "36", "timeline": "", "calls": "24", "texts": ""}, 303)
        assert 'value="36"' in (await page.get("/privacy")).text
        await posted(page, "/privacy/retention", {"contacts": "9999"}, 422)
        await posted(page, "/privacy/retention", {"contacts": "x"}, 422)
        assert "is on the list" in (await posted(page, "/privacy/do-not-call", {"number": NUMBER, "what": "add"}, 200)).text
        assert (
            "is not on the list" in (await posted(page, "/privacy/do-not-call", {"number": NUMBER, "what": "remove"}, 200)).text
        )
        await posted(page, "/privacy/do-not-call", {"number": "abc", "what": "add"}, 422)


async def posted(page: httpx.AsyncClient, address: str, form: dict[str, str], status: int) -> httpx.Response:
    answer = await page.post(address, data=form, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == status, answer.text
    return answer
