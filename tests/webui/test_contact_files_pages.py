"""Files of contacts at the page and at the API: upload, say what columns mean, import, export, merge, duplicates."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from callcenter.actor import Role
from callcenter.contacts import duplicate_scan, import_queries
from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput, NumberInput
from tests.webui.conftest import Site

SAME = {"sec-fetch-site": "same-origin"}  # as a browser says of a form of ours
FILE = (
    "Kto;Telefon komórkowy;Uwagi\nJan Kowalski;501 000 001;=cmd\n<script>alert(1)</script> Lis;502 000 002;\nZła;soon;\n".encode(
        "cp1250"
    )
)


async def add(site: Site, **said: Any) -> int:
    numbers = [NumberInput(number=each) for each in said.pop("numbers", [])]
    async with site.database.unit_of_work() as uow:
        return (await contacts.create_contact(uow, ContactInput(**said, numbers=numbers), "PL")).id


async def settled(site: Site, import_id: int) -> Any:
    for _ in range(600):
        async with site.database.reading() as uow:
            found = await import_queries.get_import(uow, import_id)
        if found.state in {"done", "failed", "undone"} or (found.state == "checked" and found.dry_run):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("the import did not end")


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_columns_are_said_on_a_page_and_remembered(site: Site, language: str) -> None:
    boss = await site.person("sofia", Role.SUPERVISOR, language)
    async with site.client(boss.cookies | SAME) as browser:
        sent = await browser.post("/imports", files={"file": ("people.csv", FILE)})
        assert sent.status_code == 303
        where = sent.headers["location"]
        assert where.endswith("/mapping")
        page = await browser.get(where)
        assert "cp1250" in page.text
        assert "Jan Kowalski" in page.text
        assert "<script>alert(1)" not in page.text
        form = {
            "column": ["name", "number:mobile", "note"],
            "duplicates": "add",
            "words": "empty",
            "type": "customer",
            "region": "PL",
        }
        preview = await browser.post(f"{where}/preview", data=form)
        assert preview.status_code == 200
        assert "+48 501 000 001" in preview.text
        assert "soon" in preview.text
        wrong = await browser.post(where, data=form | {"column": ["", "note", "note"], "do": "import"})
        assert wrong.status_code == 422
        checked = await browser.post(where, data=form | {"do": "check"})
        import_id = int(where.split("/")[2])
        assert (await settled(site, import_id)).rejected == 1
        shown = await browser.get(checked.headers["location"].partition("?")[0])
        assert where in shown.text, "the columns may still be said otherwise"
        await browser.post(where, data=form | {"do": "import"})
        done = await settled(site, import_id)
        assert (done.state, done.applied, done.rejected) == ("done", 2, 1)
        again = await browser.post("/imports", files={"file": ("people.csv", FILE)})
        remembered = await browser.get(again.headers["location"])
        assert ("As last time" if language == "en" else "Jak ostatnio") in remembered.text
        assert (await browser.post(where, data=form)).status_code == 409
        refused = await browser.post("/imports", files={"file": ("people.csv", b"\x89PNG\r\n\x1a\nxxxx")})
        told = await browser.get(refused.headers["location"])
        assert (told.status_code, "image/png" in told.text) == (422, True)
    await site.app.state.imports.close()


async def test_the_api_takes_a_mapping_and_gives_files(site: Site) -> None:
    boss = await site.person("sofia", Role.SUPERVISOR)
    anna = await site.person("anna", Role.CONSULTANT)
    async with site.client(boss.cookies | SAME) as browser:
        mapping = json.dumps({"columns": ["name", "number:mobile", "note"], "delimiter": ";"})
        made = (await browser.post("/api/v1/imports", files={"file": ("p.csv", FILE)}, data={"mapping": mapping})).json()
        assert (await settled(site, made["id"])).applied == 2
        bad = await browser.post("/api/v1/imports", files={"file": ("p.csv", FILE)}, data={"mapping": "{"})
        assert bad.status_code == 422
        begun = (await browser.post("/api/v1/exports", json={"format": "csv", "columns": ["last_name", "note"]})).json()
        while (found := (await browser.get(f"/api/v1/exports/{begun['id']}")).json())["state"] == "writing":
            await asyncio.sleep(0.05)
        assert (found["state"], found["rows"]) == ("done", 2)
        file = await browser.get(f"/api/v1/exports/{begun['id']}/file")
        assert file.text.splitlines() == ["Last name,Note", "Kowalski,'=cmd", "Lis,"]
        assert "attachment" in file.headers["content-disposition"]
        one = await browser.get("/contacts/1/export?format=vcard")
        assert one.text.startswith("BEGIN:VCARD\r\nVERSION:4.0\r\nN:Kowalski;Jan;;;")
        assert "contacts-" in (await browser.get("/contacts/exports")).text
    async with site.client(anna.cookies | SAME) as browser:
        assert (await browser.get(f"/api/v1/exports/{begun['id']}")).status_code == 404
        assert (await browser.post("/api/v1/imports", files={"file": ("p.csv", FILE)})).status_code == 403
    await site.app.state.imports.close()


async def test_two_are_merged_and_the_old_address_leads_on(site: Site) -> None:
    anna = await site.person("anna", Role.SUPERVISOR)
    one = await add(site, first_name="Jan", last_name="Kowalski", numbers=["501000001"])
    other = await add(site, first_name="Janek", last_name="O'Hara <b>", numbers=["501000001"], email="jan@x.pl")
    await duplicate_scan.resume(site.database)
    async with site.client(anna.cookies | SAME) as browser:
        similar = (await browser.get("/api/v1/contacts/duplicates?number=501000001")).json()["items"]
        assert [each["contact_id"] for each in similar] == [one, other]
        warned = await browser.post("/contacts/similar", data={"number": "501 000 001", "first_name": "x"})
        assert f"/contacts/{one}" in warned.text
        [pair] = (await browser.get("/api/v1/duplicate-pairs")).json()["items"]
        assert (pair["first_id"], pair["second_id"], pair["reason"]) == (one, other, "number")
        assert f"/contacts/{one}/merge/{other}" in (await browser.get("/contacts/duplicates")).text
        assert (await browser.get(f"/contacts/{one}/merge?q=hara")).status_code == 200
        page = await browser.get(f"/contacts/{one}/merge/{other}")
        assert "O&#39;Hara &lt;b&gt;" in page.text
        old = await browser.post(f"/contacts/{one}/merge/{other}", data={"version": "9", "other_version": "1"})
        assert old.status_code == 409
        form = {"version": "1", "other_version": "1", "field:email": "other", "field:last_name": "own"}
        merged = await browser.post(f"/contacts/{one}/merge/{other}", data=form)
        assert merged.headers["location"] == f"/contacts/{one}?saved=merged"
        kept = (await browser.get(f"/api/v1/contacts/{one}")).json()
        assert (kept["last_name"], kept["email"], kept["version"]) == ("Kowalski", "jan@x.pl", 2)
        moved = await browser.get(f"/api/v1/contacts/{other}/timeline?limit=5")
        assert (moved.status_code, moved.headers["location"]) == (301, f"/api/v1/contacts/{one}/timeline?limit=5")
        assert (await browser.get(f"/contacts/{other}")).headers["location"] == f"/contacts/{one}"
        gone = await browser.post(f"/api/v1/contacts/{other}/notes", json={"text": "x"})
        assert (gone.status_code, gone.json()["error"]["code"]) == (410, "merged")
        again = await browser.post(f"/api/v1/contacts/{one}/merge/{other}", json={"version": 2, "other_version": 1})
        assert again.status_code == 422
    assert isinstance(gone, httpx.Response)
