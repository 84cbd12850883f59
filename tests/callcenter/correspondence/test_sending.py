"""An e-mail to a contact leaves once, with what goes along, and its line says what the mail server said."""

import dataclasses
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select

from callcenter import clock
from callcenter.actor import AccountRole
from callcenter.contacts import consents
from callcenter.contacts import service as contacts
from callcenter.contacts.consents import ConsentInput
from callcenter.correspondence import sending, service
from callcenter.correspondence.events import EmailChanged
from callcenter.correspondence.models import Email
from callcenter.db import Database
from callcenter.errors import Conflict, DoNotContact, Invalid, NotFound, NotPermitted
from callcenter.events import Notice
from callcenter.files.models import File, FilePart
from callcenter.messages import mailer as mailers
from callcenter.messages.mailer import Mailer
from callcenter.messages.models import Mail
from callcenter.privacy.erasure import erase
from tests.callcenter.correspondence.conftest import JAN, PDF, Office, letter
from tests.callcenter.messages.conftest import add_person, settings_for


async def count(database: Database, table: type = Email) -> int:
    async with database.reading() as uow:
        return await uow.session.scalar(select(func.count()).select_from(table)) or 0


async def test_an_email_leaves_with_its_files_in_the_persons_name_and_stands_on_the_timeline(office: Office) -> None:
    file_id = await office.upload("../../Żółta oferta.pdf")
    sent = await office.write(files=[file_id], cc=["ewa@example.org", " ewa@example.org"])
    (entry,) = await office.timeline()
    assert (entry.kind, entry.data["state"], entry.data["direction"]) == ("email", "queued", "outbound")
    await office.deliver()
    await office.deliver()
    (received,) = office.post.received
    assert received.to == [JAN, "ewa@example.org"]
    message = received.message
    assert str(message["From"]) == "Anna Nowak <post@example.com>"
    assert str(message["Cc"]) == "ewa@example.org"
    assert message["Auto-Submitted"] is None, "a person wrote it"
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == ("Żółta oferta.pdf", "application/pdf", PDF)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert "w załączniku oferta." in plain.get_content()
    assert "w załączniku oferta." in html.get_content()
    (entry,) = await office.timeline()
    data = {name: entry.data[name] for name in ("email_id", "address", "subject", "state", "error", "files", "cc")}
    assert data == {"email_id": sent.id, "address": JAN, "subject": "Oferta", "state": "sent", "error": "", "files": 1, "cc": 1}
    states = [each.state for each, to in office.told if isinstance(each, EmailChanged) and to == (office.anna.user_id,)]
    assert states == ["queued", "sent"]
    assert message["Message-ID"] == (await office.email(sent.id)).message_id


async def test_what_the_mail_server_refuses_stands_on_the_timeline_and_is_told_to_who_wrote_it(office: Office) -> None:
    office.post.answers["RCPT"] = ["550 5.1.1 No such user here"]
    sent = await office.write()
    await office.deliver()
    assert ((await office.email(sent.id)).state, (await office.email(sent.id)).error) == ("failed", "550 5.1.1 No such user here")
    (entry,) = await office.timeline()
    assert (entry.data["state"], entry.data["error"]) == ("failed", "550 5.1.1 No such user here")
    ((notice, to),) = [(each, to) for each, to in office.told if isinstance(each, Notice)]
    assert (notice.link, to) == (f"/emails/{sent.id}", (office.anna.user_id,))


async def test_who_is_refused_in_cc_is_told_and_the_others_get_it_once(office: Office) -> None:
    office.post.answers["RCPT"] = ["", "550 5.1.1 Unknown"]
    sent = await office.write(cc=["away@example.org", "ewa@example.org"])
    await office.deliver()
    assert [each.to for each in office.post.received] == [[JAN, "ewa@example.org"]]
    found = await office.email(sent.id)
    assert (found.state, found.error) == ("sent", "away@example.org: 550 5.1.1 Unknown")
    assert [each.level for each, _ in office.told if isinstance(each, Notice)] == ["danger"]


async def test_two_presses_send_once_and_another_text_under_the_same_key_is_refused(office: Office) -> None:
    first = await office.write(key="abc", files=[await office.upload()])
    again = await office.write(key="abc")
    assert first.id == again.id
    with pytest.raises(Conflict):
        await office.write(key="abc", text="Something else")
    assert (await count(office.database), await count(office.database, Mail)) == (1, 1)
    await office.deliver()
    assert len(office.post.received) == 1


async def test_a_crash_between_queue_and_send_sends_it_once_with_its_files(office: Office) -> None:
    await office.write(files=[await office.upload()])
    worker = Mailer(office.database)
    mail = await worker._claim()  # the process dies here
    assert mail is not None
    await office.deliver()
    assert office.post.received == [], "the lease of the dead one has not run out"
    clock.shift(mailers.LARGE_LEASE.total_seconds() + 1)
    await office.deliver()
    (received,) = office.post.received
    assert [each.get_content() for each in received.message.iter_attachments()] == [PDF]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"address": "jan"}, "address"),
        ({"address": "jan@example.org\r\nBcc: spy@example.org"}, "address"),
        ({"cc": ["ewa@example.org", "ewa at example.org"]}, "cc"),
        ({"cc": [f"a{each}@example.org" for each in range(30)]}, "cc"),
        ({"subject": "  \r\n "}, "subject"),
        ({"subject": "x" * 301}, "subject"),
        ({"text": " \n\t"}, "text"),
        ({"text": "x" * 100_001}, "text"),
        ({"files": [4711]}, "files"),
        ({"files": list(range(1, 40))}, "files"),
    ],
)
async def test_what_cannot_be_sent_names_its_field_and_nothing_is_queued(
    office: Office, given: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await office.write(**given)
    assert refused.value.field == field
    assert await count(office.database, Mail) == 0


async def test_neither_subject_nor_name_nor_file_name_smuggles_in_a_header(office: Office) -> None:
    office.anna = dataclasses.replace(office.anna, name='Anna\r\nBcc: spy@example.org "Nowak" <x@example.org>')
    name = "a\r\nBcc: spy@example.org.pdf"
    await office.write(subject="Hello\r\nBcc: spy@example.org", files=[await office.upload(name)])
    await office.deliver()
    (received,) = office.post.received
    assert received.to == [JAN]
    assert received.message["Bcc"] is None
    assert str(received.message["From"]).endswith("<post@example.com>")
    assert len(received.message["From"].addresses) == 1


async def test_files_that_are_too_large_together_are_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LARGEST", 100)
    with pytest.raises(Invalid) as refused:
        await office.write(files=[await office.upload(content=b"x" * 60), await office.upload(content=b"y" * 60)])
    assert refused.value.field == "files"


async def test_a_file_of_somebody_else_or_of_another_email_does_not_go_along(office: Office) -> None:
    file_id = await office.upload()
    ewa = dataclasses.replace(office.anna, user_id=await add_person(office.database, "ewa"))
    office.anna, anna = ewa, office.anna
    with pytest.raises(Invalid):
        await office.write(files=[file_id])
    office.anna = anna
    await office.write(files=[file_id])
    with pytest.raises(Invalid):
        await office.write(files=[file_id])


async def test_a_large_email_goes_in_pieces_and_arrives_as_it_was(office: Office) -> None:
    content = (b"\r\n.\r\n..\n" + bytes(range(256))) * 12_000
    await office.write(text=".\n..\n.koniec", files=[await office.upload("a.bin", content)])
    await office.deliver()
    (received,) = office.post.received
    (file,) = received.message.iter_attachments()
    assert file.get_content() == content
    body = received.message.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    assert body.get_content().split() == [".", "..", ".koniec"]


async def test_an_address_is_kept_only_by_who_may_change_the_contact(office: Office) -> None:
    await office.write(address="jan.zuk@example.org", keep_address=True)
    async with office.database.reading() as uow:
        assert (await contacts.get_contact(uow, office.jan)).email == "jan.zuk@example.org"
        assert await service.with_address(uow, "JAN.zuk@example.org") == [office.jan]
        assert await service.with_address(uow, JAN) == []
    office.anna = dataclasses.replace(office.anna, accounts=frozenset({AccountRole.CUSTOMER_READER}))
    await office.write(address="other@example.org")
    with pytest.raises(NotPermitted):
        await office.write(address="other@example.org", keep_address=True)


async def test_who_may_not_see_the_contact_neither_writes_nor_reads(office: Office) -> None:
    sent = await office.write(files=[await office.upload()])
    stranger = dataclasses.replace(office.anna, accounts=frozenset({AccountRole.PARTNER_READER}))
    async with office.database.reading(stranger) as uow:
        for refused in (
            service.get_email(uow, sent.id),
            service.file_of(uow, sent.id, sent.files[0].id),
            service.form(uow, office.jan, "email"),
        ):
            with pytest.raises(NotFound):
                await refused
        assert (await service.list_emails(uow)).items == []
    office.anna = stranger
    with pytest.raises(NotFound):
        await office.write()


async def test_a_fax_is_a_pdf_to_the_gateway_and_its_report_marks_it(office: Office) -> None:
    fax = await office.fax()
    await office.deliver()
    (received,) = office.post.received
    assert received.to == ["48221234567@fax.example.com"]
    assert [each.get_content_type() for each in received.message.iter_attachments()] == ["application/pdf"]
    (entry,) = await office.timeline()
    assert (entry.kind, entry.data["state"], entry.data["address"]) == ("fax", "sent", "+48221234567")
    report = letter("Fax <robot@fax.example.com>", "Fax to 22 123 45 67 was sent", "2 pages")
    assert await service.receive(office.database, report) is not None
    assert (await office.email(fax.id)).state == "delivered"
    failed = await office.fax(subject="Umowa")
    await office.deliver()
    parent = (await office.email(failed.id)).message_id
    report = letter("robot@fax.example.com", "Fax failed: no answer", "3 tries", In_Reply_To=parent)
    await service.receive(office.database, report)
    assert ((await office.email(failed.id)).state, (await office.email(failed.id)).error) == ("failed", "Fax failed: no answer")


@pytest.mark.parametrize("number", ["112", "0 700 123 456", "+49 30 901820", "22 12", "not a number", "", "19115"])
async def test_a_fax_obeys_the_rules_of_dialling(office: Office, number: str) -> None:
    with pytest.raises(Invalid) as refused:
        await office.fax(number)
    assert refused.value.field == "number"


async def test_a_fax_that_is_no_pdf_or_too_large_is_refused(office: Office, tmp_path: object) -> None:
    for content in (b"PK\x03\x04 zip", b"<html>", b"\x89PNG\r\n\x1a\n"):
        with pytest.raises(Invalid, match="is not a PDF"):
            await office.fax(files=[await office.upload("fax.pdf", content)])
    with pytest.raises(Invalid, match="at most 10 MB"):
        await office.fax(files=[await office.upload("fax.pdf", b"%PDF-" + b"x" * (10 << 20))])
    with pytest.raises(Invalid, match="one PDF"):
        await office.fax(files=[])


@pytest.mark.parametrize(
    ("form", "wanted"), [("e164", "+48221234567@f.pl"), ("digits", "48221234567@f.pl"), ("00", "0048221234567@f.pl")]
)
def test_the_gateway_gets_the_number_as_it_wants_it(form: str, wanted: str, tmp_path: object) -> None:
    settings = settings_for(tmp_path, 25, fax_gateway="{number}@f.pl", fax_number=form)  # type: ignore[arg-type]
    assert sending.fax_address(settings, "+48221234567") == wanted


async def test_who_objected_gets_no_email_and_still_gets_faxes(office: Office) -> None:
    async with office.database.unit_of_work(office.anna) as uow:
        await consents.record(uow, office.jan, ConsentInput(channel="email", given=False))
    with pytest.raises(DoNotContact):
        await office.write()
    assert await count(office.database, Mail) == 0
    assert (await office.fax()).state == "queued"


async def test_who_is_erased_leaves_no_letter_behind(office: Office) -> None:
    await office.write(files=[await office.upload()])
    await service.receive(office.database, letter())
    async with office.database.unit_of_work() as uow:
        await erase(uow, office.jan)
    for table in (Email, Mail, File, FilePart):
        assert await count(office.database, table) == 0, table
