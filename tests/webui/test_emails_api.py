"""E-mails, faxes, templates and files over HTTP, as pages and scripts use them."""

from pathlib import Path

import httpx
import pytest

from callcenter.actor import AccountRole, Role
from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput
from callcenter.correspondence import service as correspondence
from callcenter.files.models import File
from callcenter.messages.mailer import Mailer
from callcenter.users.models import User
from tests.callcenter.correspondence.conftest import PDF, letter
from tests.webui.conftest import Person, Site

JAN = "jan@example.org"
API = "/api/v1"


@pytest.fixture
async def jan(site: Site) -> int:
    """Add a contact, and let mails go to the log."""
    settings = site.settings.model_copy(update={"smtp": "console", "fax_gateway": "{number}@fax.example.com"})
    site.settings = site.app.state.settings = site.database.settings = settings
    async with site.database.unit_of_work() as uow:
        return (await contacts.create_contact(uow, ContactInput(first_name="Jan", last_name="Żuk", email=JAN), "PL")).id


async def upload(client: httpx.AsyncClient, content: bytes = PDF, name: str = "oferta.pdf") -> httpx.Response:
    return await client.post(f"{API}/files", files={"file": (name, content)})


async def test_an_email_with_a_file_is_sent_read_and_its_file_downloaded(site: Site, consultant: Person, jan: int) -> None:
    async with site.client(consultant.bearer) as client:
        file = (await upload(client, name="../Żółta.pdf")).json()
        assert (file["name"], file["media_type"], file["size"]) == ("Żółta.pdf", "application/pdf", len(PDF))
        form = (await client.get(f"{API}/contacts/{jan}/email-form")).json()
        assert (form["addresses"], form["may_keep"], form["problem"]) == ([JAN], True, "")
        body = {"address": JAN, "subject": "Oferta", "text": "Dzień dobry", "files": [file["id"]], "key": "k1"}
        answer = await client.post(f"{API}/contacts/{jan}/emails", json=body)
        assert answer.status_code == 201, answer.text
        sent = answer.json()
        assert (await client.post(f"{API}/contacts/{jan}/emails", json=body)).json()["id"] == sent["id"]
        assert await Mailer(site.database).run_due()
        assert (await client.get(f"{API}/emails/{sent['id']}")).json()["state"] == "sent"
        got = await client.get(f"{API}/emails/{sent['id']}/files/{file['id']}")
        assert got.content == PDF
        assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''%C5%BB%C3%B3%C5%82ta.pdf"
        assert got.headers["x-content-type-options"] == "nosniff"
        page = await client.get(f"/contacts/{jan}")
        assert "Oferta" in page.text
        assert f"/emails/{sent['id']}" in page.text
        page = await client.get(f"/emails/{sent['id']}")
        assert "Dzień dobry" in page.text
        assert (await client.delete(f"{API}/files/{file['id']}")).status_code == 404, "the e-mail has it now"


async def test_files_of_a_hidden_contact_are_not_found(site: Site, consultant: Person, jan: int) -> None:
    async with site.client(consultant.bearer) as client:
        file = (await upload(client)).json()
        body = {"address": JAN, "subject": "Oferta", "text": "x", "files": [file["id"]]}
        sent = (await client.post(f"{API}/contacts/{jan}/emails", json=body)).json()
    async with site.database.unit_of_work() as uow:
        (await uow.session.get_one(User, consultant.id)).accounts = [AccountRole.PARTNER_READER]
    async with site.client(consultant.bearer) as client:
        for path in (f"emails/{sent['id']}", f"emails/{sent['id']}/files/{file['id']}", f"contacts/{jan}/email-form"):
            assert (await client.get(f"{API}/{path}")).status_code == 404, path
        assert (await client.get(f"/emails/{sent['id']}")).status_code == 404
        assert (await client.get(f"{API}/emails")).json()["items"] == []
        for path in ("emails", "faxes"):
            body = {"address": JAN, "subject": "x", "text": "x"} if path == "emails" else {"number": "221234567", "files": [1]}
            assert (await client.post(f"{API}/contacts/{jan}/{path}", json=body)).status_code == 404


async def test_uploads_are_bounded_before_they_are_read(site: Site, consultant: Person) -> None:
    async with site.client(consultant.bearer) as client:
        huge = {"content-type": "application/octet-stream", "content-length": str(100 << 20)}
        assert (await client.post(f"{API}/files?name=a", content=b"x", headers=huge)).status_code == 413

        async def endless() -> object:
            for _ in range(40):
                yield b"x" * (1 << 20)

        kind = {"content-type": "application/octet-stream"}
        answer = await client.post(f"{API}/files?name=a", content=endless(), headers=kind)  # type: ignore[arg-type]
        assert answer.status_code in (413, 422)
        assert (await client.post(f"{API}/files?name=a", content=b"", headers=kind)).status_code == 422
        assert (await client.post(f"{API}/files", json={})).status_code == 415
        assert (await client.post(f"{API}/files", files={"other": ("a", b"x")})).status_code == 422
        raw = await client.post(f"{API}/files?name=a/b/%C4%85.bin", content=b"PK\x03\x04zip", headers=kind)
        assert (raw.status_code, raw.json()["name"], raw.json()["media_type"]) == (201, "ą.bin", "application/zip")
        assert (await client.delete(f"{API}/files/{raw.json()['id']}")).status_code == 204
    async with site.database.reading() as uow:
        assert await uow.session.get(File, raw.json()["id"]) is None
    async with site.client() as client:
        assert (await upload(client)).status_code in (401, 403)


async def test_a_zip_bomb_is_an_attachment_like_any_other(site: Site, consultant: Person, jan: int) -> None:
    bomb = b"PK\x03\x04" + b"\x00" * 10_000
    async with site.client(consultant.bearer) as client:
        file = (await upload(client, bomb, "bomb.zip")).json()
        body = {"address": JAN, "subject": "x", "text": "x", "files": [file["id"]]}
        sent = (await client.post(f"{API}/contacts/{jan}/emails", json=body)).json()
        assert (await client.get(f"{API}/emails/{sent['id']}/files/{file['id']}")).content == bomb, "nobody unpacks it"


async def test_a_draft_is_kept_until_it_is_sent_or_thrown_away(site: Site, consultant: Person, jan: int) -> None:
    path = f"{API}/contacts/{jan}/email-draft"
    async with site.client(consultant.bearer) as client:
        draft = {"channel": "email", "subject": "Half", "text": "a let"}
        assert (await client.put(path, json=draft)).status_code == 204
        form = (await client.get(f"{API}/contacts/{jan}/email-form")).json()
        assert (form["draft"]["subject"], form["draft"]["text"]) == ("Half", "a let")
        other = (await client.get(f"{API}/contacts/{jan}/email-form?channel=fax")).json()
        assert other["draft"] is None
        assert (await client.delete(f"{path}?channel=email")).status_code == 204
        assert (await client.get(f"{API}/contacts/{jan}/email-form")).json()["draft"] is None


async def test_a_fax_is_sent_and_its_refusals_name_the_field(site: Site, consultant: Person, jan: int) -> None:
    async with site.client(consultant.bearer) as client:
        file = (await upload(client)).json()["id"]
        bad = await client.post(f"{API}/contacts/{jan}/faxes", json={"number": "112", "files": [file]})
        assert (bad.status_code, bad.json()["error"]["field"]) == (422, "number")
        text = (await upload(client, b"no PDF", "a.pdf")).json()["id"]
        bad = await client.post(f"{API}/contacts/{jan}/faxes", json={"number": "22 123 45 67", "files": [text]})
        assert (bad.status_code, bad.json()["error"]["field"]) == (422, "files")
        body = {"number": "22 123 45 67", "files": [file], "keep_number": True}
        sent = await client.post(f"{API}/contacts/{jan}/faxes", json=body)
        assert (sent.status_code, sent.json()["address"]) == (201, "+48221234567")
        assert (await client.get(f"{API}/contacts/{jan}/email-form?channel=fax")).json()["addresses"] == ["+48221234567"]
        page = await client.get(f"/contacts/{jan}")
        assert "Fax to the customer" in page.text


async def test_the_inbox_lists_what_came_and_gives_it_to_a_contact(site: Site, consultant: Person, jan: int) -> None:
    mail = await correspondence.receive(site.database, letter("Ewa <b>Nowak</b> <ewa@example.net>", "<script>alert(1)</script>"))
    async with site.client(consultant.bearer) as client:
        page = await client.get("/emails?show=unmatched")
        assert "&lt;script&gt;alert(1)" in page.text
        assert "<script>alert" not in page.text
        found = await client.get(f"/emails/{mail}/candidates?q=zuk&next=/emails")
        assert "Żuk" in found.text
        answer = await client.put(f"{API}/emails/{mail}/contact", json={"contact_id": jan})
        assert answer.json()["contact"] == "Jan Żuk"
        assert (await client.get(f"{API}/me")).json()["unread_emails"] == 1
        assert (await client.post(f"{API}/emails/{mail}/seen")).json()["seen_by_name"] == "Anna"
        assert (await client.get(f"{API}/me")).json()["unread_emails"] == 0
        assert "Nobody with this address" not in (await client.get("/emails?show=came")).text
        mail = await correspondence.receive(site.database, letter("Ola Lis <ola@example.net>"))
        made = await client.post(f"/emails/{mail}/new-contact", headers={"sec-fetch-site": "same-origin"})
        assert made.status_code == 303
        assert made.headers["location"].endswith("/edit")
        found = (await client.get(f"{API}/emails/{mail}")).json()
        assert found["contact"] == "Ola Lis"


async def test_templates_are_kept_by_supervisors_previewed_and_refused_with_the_line(
    site: Site, consultant: Person, supervisor: Person, jan: int
) -> None:
    good = {"name": "Offer", "language": "en", "subject": "For {{ contact.name }}", "body": "Dear {{ contact.first_name }}"}
    async with site.client(consultant.bearer) as client:
        assert (await client.post(f"{API}/email-templates", json=good)).status_code == 403
        assert (await client.get("/email-templates")).status_code == 403
    async with site.client(supervisor.bearer) as client:
        made = await client.post(f"{API}/email-templates", json=good)
        assert made.status_code == 201
        assert (await client.post(f"{API}/email-templates", json=good)).status_code == 409
        bad = await client.post(f"{API}/email-templates", json=good | {"name": "Bad", "body": "a\n{{ contact.__class__ }}"})
        assert bad.status_code == 422
        assert bad.json()["error"] == {
            "code": "invalid", "sentence": "Line 2: there is no field __class__.", "field": "body",
        }  # fmt: skip
        form = good | {"name": "Bad", "body": "{{ contact.nix }}", "action": "save"}
        page = await client.post("/email-templates/new", data=form)
        assert page.status_code == 422
        assert "Line 1: there is no field nix." in page.text
        assert "{{ contact.nix }}" in page.text
        page = await client.post("/email-templates/new", data=good | {"action": "preview", "contact_id": str(jan)})
        assert "Dear Jan" in page.text
        assert (await client.get(f"/email-templates/{made.json()['id']}")).status_code == 200
    async with site.client(consultant.bearer) as client:
        made_id = made.json()["id"]
        letter_made = (await client.get(f"{API}/contacts/{jan}/email-templates/{made_id}")).json()
        assert letter_made == {"subject": "For Jan Żuk", "body": "Dear Jan"}


async def test_an_administrator_sees_how_mail_is_set_up_and_never_a_password(site: Site, tmp_path: Path, jan: int) -> None:
    adam = await site.person("adam", Role.ADMINISTRATOR)
    secret = "correct horse battery"
    given = {"imap": "127.0.0.1:1", "imap_user": "post", "imap_tls": "none"}
    site.database.settings = site.settings.model_copy(update=given | {"imap_password": type(site.settings.imap_password)(secret)})
    site.app.state.settings = site.database.settings
    async with site.client(adam.bearer) as client:
        page = await client.get("/messages")
        assert "127.0.0.1:1" in page.text
        assert secret not in page.text
        tried = await client.post("/messages/mailbox")
        assert "The mailbox cannot be read" in tried.text
        answer = await client.post(f"{API}/mailbox/test")
        assert answer.status_code == 503
        assert secret not in answer.text
    async with site.client((await site.person("ola")).bearer) as client:
        assert (await client.post(f"{API}/mailbox/test")).status_code == 403


async def test_the_signature_is_kept_and_given_to_the_form(site: Site, consultant: Person, jan: int) -> None:
    async with site.client(consultant.bearer) as client:
        assert (await client.post("/profile/signature", data={"signature": "Anna\r\nInfolinia\x07"})).status_code == 303
        assert (await client.get(f"{API}/contacts/{jan}/email-form")).json()["signature"] == "Anna\nInfolinia"
        assert "Infolinia" in (await client.get("/profile")).text
