"""The timeline at the API and as parts of a page: who may, what is refused, and what is never written as markup."""

import datetime as dt
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from callcenter.contacts import dictionaries
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput
from callcenter.contacts.timeline import add_entry
from callcenter.users.models import User
from tests.webui.conftest import Person, Site

NOW = dt.datetime.now(dt.UTC)


async def contact(site: Site, name: str = "Kowalski") -> int:
    async with site.database.unit_of_work() as uow:
        return (await contacts.create_contact(uow, ContactInput(last_name=name), "PL")).id


async def restrict(site: Site, person: Person, *accounts: str) -> None:
    async with site.database.unit_of_work() as uow:
        await uow.session.execute(update(User).where(User.id == person.id).values(accounts=list(accounts)))


async def asked(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> httpx.Response:
    return await client.request(method, f"/api/v1{path}", json=body)


async def test_a_note_is_written_read_corrected_and_struck(site: Site, consultant: Person, supervisor: Person) -> None:
    jan = await contact(site)
    async with site.client(consultant.bearer) as anna, site.client(supervisor.bearer) as sofia:
        note = (await asked(anna, "POST", f"/contacts/{jan}/notes", {"text": "likes tee"})).json()
        path = f"/timeline/{note['id']}"
        fixed = (await asked(anna, "PUT", path, {"text": "likes tea", "version": 1})).json()
        assert (fixed["text"], fixed["version"], fixed["corrected_by"]) == ("likes tea", 2, consultant.id)
        stale = await asked(anna, "PUT", path, {"text": "likes water", "version": 1})
        assert (stale.status_code, stale.json()["error"]["code"]) == (409, "conflict")
        assert (await asked(sofia, "PUT", path, {"text": "mine", "version": 2})).status_code == 403
        struck = (await asked(sofia, "PUT", f"{path}/struck", {"struck": True, "version": 2})).json()
        assert struck["struck_by"] == supervisor.id
        [before] = (await asked(sofia, "GET", f"{path}/versions")).json()["items"]
        assert (before["text"], before["by"]) == ("likes tee", "Anna")
        [line] = (await asked(sofia, "GET", f"/contacts/{jan}/timeline")).json()["items"]
        assert (line["author"], line["corrector"], line["striker"]) == ("Anna", "Anna", "Sofia")


async def test_what_cannot_be_is_refused_at_the_door(site: Site, consultant: Person) -> None:
    jan, ewa = await contact(site), await contact(site, "Nowak")
    async with site.database.unit_of_work() as uow:
        call = (await add_entry(uow, contact_id=jan, kind="call", text="a call", at=uow.now)).id
        foreign = (await add_entry(uow, contact_id=ewa, kind="note", text="a note", at=uow.now)).id
    log = {"of": "call", "direction": "outbound", "at": NOW.isoformat(), "text": "we talked"}
    wrong: list[tuple[str, str, Any, int]] = [
        ("POST", f"/contacts/{jan}/notes", {"text": ""}, 422),
        ("POST", f"/contacts/{jan}/notes", {"text": "  "}, 422),
        ("POST", f"/contacts/{jan}/notes", {"text": "x" * 20_001}, 422),
        ("POST", f"/contacts/{jan}/notes", {"text": "a\u0000b"}, 422),
        ("PUT", f"/timeline/{call}", {"text": "we talked", "version": 1}, 409),
        ("PUT", "/timeline/999999", {"text": "we talked", "version": 1}, 404),
        ("PUT", f"/timeline/{foreign}", {"text": "we talked", "version": 1}, 403),
        ("PUT", f"/timeline/{foreign}/struck", {"struck": "yes", "version": 1}, 422),
        ("POST", f"/contacts/{jan}/logs", log | {"at": (NOW + dt.timedelta(days=1)).isoformat()}, 422),
        ("POST", f"/contacts/{jan}/logs", log | {"at": "1900-01-01T00:00:00Z"}, 422),
        ("POST", f"/contacts/{jan}/logs", log | {"at": "2026-01-01T00:00:00"}, 422),
        ("POST", f"/contacts/{jan}/logs", log | {"of": "pigeon"}, 422),
        ("POST", f"/contacts/{jan}/logs", log | {"why": "not"}, 422),
        ("POST", f"/contacts/{jan}/numbers", {"number": "call me"}, 422),
        ("POST", f"/contacts/{jan}/numbers", {"number": "601234567, 602345678"}, 422),
        ("POST", f"/contacts/{jan}/numbers", {"number": "601234567", "type": "home_fax"}, 422),
        ("PUT", f"/contacts/{jan}/email", {"email": "jan at acme"}, 422),
        ("PUT", f"/contacts/{jan}/tags", {"tags": ["nobody knows it"]}, 422),
        ("PUT", f"/contacts/{jan}/tags", {"tags": ["x"] * 201}, 422),
        ("GET", f"/contacts/{jan}/timeline?limit=100000", None, 422),
        ("GET", f"/contacts/{jan}/timeline?kind=pigeon", None, 422),
        ("GET", f"/contacts/{jan}/timeline?before={foreign}", None, 422),
        ("GET", f"/contacts/{jan}/timeline?before=999999", None, 422),
        ("GET", "/contacts/999999/timeline", None, 404),
    ]
    async with site.client(consultant.bearer) as client:
        for method, path, body, status in wrong:
            answer = await asked(client, method, path, body)
            assert answer.status_code == status, (method, path, body, answer.text)
            assert answer.json()["error"]["sentence"]


async def test_what_is_kept_comes_back(site: Site, consultant: Person) -> None:
    jan = await contact(site)
    async with site.database.unit_of_work() as uow:
        await dictionaries.add_entry(uow, "tag", "VIP")
    async with site.client(consultant.bearer) as client:
        kept = await asked(client, "POST", f"/contacts/{jan}/numbers", {"number": "601 234 567"})
        assert (kept.status_code, kept.json()["number"]["e164"], kept.json()["others"]) == (201, "+48601234567", [])
        assert (await asked(client, "PUT", f"/contacts/{jan}/email", {"email": "jan@acme.pl"})).json() == {"email": "jan@acme.pl"}
        assert (await asked(client, "PUT", f"/contacts/{jan}/tags", {"tags": ["vip"], "was": []})).json() == {"tags": ["VIP"]}
        log = {"of": "email", "direction": "inbound", "at": NOW.isoformat(), "text": "wants an offer"}
        assert (await asked(client, "POST", f"/contacts/{jan}/logs", log)).status_code == 201
        page = (await asked(client, "GET", f"/contacts/{jan}/timeline?kind=log,note")).json()
        assert ([each["kind"] for each in page["items"]], page["next"]) == (["log"], None)


async def test_pages_of_the_api_follow_one_another(site: Site, consultant: Person) -> None:
    jan = await contact(site)
    async with site.client(consultant.bearer) as client:
        for n in range(5):
            await asked(client, "POST", f"/contacts/{jan}/notes", {"text": str(n)})
        seen, before = "", ""
        while True:
            page = (await asked(client, "GET", f"/contacts/{jan}/timeline?limit=2{before}")).json()
            seen += "".join(each["text"] for each in page["items"])
            if page["next"] is None:
                break
            before = f"&before={page['next']}"
    assert seen == "43210"


async def test_a_reader_reads_and_writes_notes_but_changes_nothing(site: Site, consultant: Person) -> None:
    jan = await contact(site)
    await restrict(site, consultant, "customer_reader")
    async with site.client(consultant.bearer) as client:
        assert (await asked(client, "POST", f"/contacts/{jan}/notes", {"text": "seen"})).status_code == 201
        for method, path, body in (
            ("POST", f"/contacts/{jan}/numbers", {"number": "601234567"}),
            ("PUT", f"/contacts/{jan}/email", {"email": "jan@acme.pl"}),
            ("PUT", f"/contacts/{jan}/tags", {"tags": []}),
        ):
            assert (await asked(client, method, path, body)).status_code == 403, path
    async with site.client(consultant.cookies) as browser:
        page = (await browser.get(f"/contacts/{jan}")).text
        assert "data-log" in page
        assert "data-tag>" not in page
        assert "data-never" in page, "there is no number, and none may be asked for"
        assert (await browser.get(f"/contacts/{jan}/tags")).status_code == 403
    await restrict(site, consultant, "partner_admin")
    async with site.client(consultant.cookies) as browser:
        for path in (f"/contacts/{jan}", f"/contacts/{jan}/timeline", f"/contacts/{jan}/timeline/1", f"/contacts/{jan}/tags"):
            assert (await browser.get(path)).status_code == 404, path


async def test_texts_are_never_markup_and_keep_their_direction(site: Site, consultant: Person) -> None:
    jan = await contact(site)
    async with site.client(consultant.bearer) as client:
        for text in ("<script>alert(1)</script>", "\u202eevil", "שלום"):
            await asked(client, "POST", f"/contacts/{jan}/notes", {"text": text})
    async with site.client(consultant.cookies) as browser:
        page = (await browser.get(f"/contacts/{jan}/timeline")).text
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert page.count('class="timeline-text" dir="auto"') == 3


@pytest.mark.parametrize("query", ["limit=99999999", "limit=-1", "limit=x", "until=1.1", "kind=", "before=0.1"])
async def test_parts_of_a_page_bear_odd_addresses(site: Site, consultant: Person, query: str) -> None:
    jan = await contact(site)
    async with site.client(consultant.cookies) as browser:
        assert (await browser.get(f"/contacts/{jan}/timeline?{query}")).status_code == 200


@pytest.mark.parametrize("query", ["kind=pigeon", "before=x", "before=1", "until=99999999999999999999999999.1"])
async def test_parts_of_a_page_refuse_what_is_none(site: Site, consultant: Person, query: str) -> None:
    jan = await contact(site)
    async with site.client(consultant.cookies) as browser:
        assert (await browser.get(f"/contacts/{jan}/timeline?{query}")).status_code == 422
        assert (await browser.get(f"/contacts/{jan}?kind=pigeon")).status_code == 200, "an old address still shows the contact"


async def test_every_kind_of_line_is_drawn(site: Site, consultant: Person) -> None:
    jan = await contact(site)
    kinds: dict[str, dict[str, Any]] = {
        "call": {"direction": "outbound", "outcome": "busy"},
        "mail": {"address": "jan@acme.pl", "subject": "Offer", "failed": True, "reason": "no such box"},
        "email": {"direction": "outbound", "subject": "Offer 2", "state": "failed", "error": "no such box"},
        "fax": {"direction": "outbound", "address": "+48221234567", "state": "sent"},
        "text": {"direction": "inbound", "number": "+48601234567", "text_id": "0" * 32},
        "meeting": {"meeting_id": 1, "event": "planned", "name": "Offer", "state": "planned"},
        "ticket": {"ticket_id": 7, "event": "closed", "title": "Broken chair"},
        "change": {
            "fields": {"stage": ["lead", "customer"], "tags": [[], ["VIP"]], "custom.x": [None, True]},
            "names": {"custom.x": "Own"},
        },
        "log": {"of": "call", "direction": "inbound", "outcome": "voicemail"},
        "confirmation": {"event": "terms_sent", "campaign": "Spring", "day": "2026-05-06", "how": "letter"},
        "note": {},
        "something new": {},
    }
    async with site.database.unit_of_work() as uow:
        for kind, data in kinds.items():
            await add_entry(uow, contact_id=jan, kind=kind, text=f"text of {kind}", at=uow.now, call_id="c1", data=data)
    async with site.client(consultant.cookies) as browser:
        page = (await browser.get(f"/contacts/{jan}/timeline")).text
    for expected in (
        "busy",
        "no such box",
        "Offer 2",
        "Fax to the customer",
        "Ticket closed",
        "Broken chair",
        "Proposed terms sent",
        "by letter",
        "(nothing)",
        "VIP",
    ):
        assert expected in page, expected
    for expected in ("Own", "Yes", "Logged: a call from the customer", "voicemail", "text of note", "text of something new"):
        assert expected in page, expected
