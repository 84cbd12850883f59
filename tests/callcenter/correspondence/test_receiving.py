"""An e-mail that came finds whose it is, once, with its files; reports mark what they are about."""

import asyncio
import dataclasses
import datetime as dt

import pytest
from sqlalchemy import func, select

from callcenter import clock
from callcenter.actor import AccountRole
from callcenter.contacts.models import TimelineEntry
from callcenter.correspondence import service
from callcenter.correspondence.events import EmailArrived
from callcenter.correspondence.models import Email
from callcenter.errors import Conflict, NotFound
from callcenter.events import Notice
from callcenter.files.models import File
from callcenter.messages import service as messages
from callcenter.messages.mailer import Mailer
from callcenter.messages.models import Mail
from callcenter.users.models import User
from tests.callcenter.correspondence.conftest import JAN, Office, letter
from tests.callcenter.correspondence.test_reading import HOSTILE, bounce
from tests.callcenter.messages.conftest import add_person


async def got(office: Office, raw: bytes, **more: object) -> Email:
    email_id = await service.receive(office.database, raw, **more)  # type: ignore[arg-type]
    assert email_id is not None
    return await office.email(email_id)


def told(office: Office) -> list[tuple[int, tuple[int, ...]]]:
    return [(each.email_id, to) for each, to in office.told if isinstance(each, EmailArrived)]


async def test_an_answer_lands_with_whom_it_was_written_to_whatever_address_it_comes_from(office: Office) -> None:
    sent = await office.write()
    parent = (await office.email(sent.id)).message_id
    other = await office.contact("private@example.net", first_name="Another")
    answer = await got(office, letter("J <private@example.net>", In_Reply_To=parent))
    assert (answer.contact_id, answer.answers_id, answer.kind) == (office.jan, sent.id, "mail")
    entries = await office.timeline()
    assert [each.data["direction"] for each in entries] == ["inbound", "outbound"]
    assert entries[0].text == "Biorę."
    assert told(office) == [(answer.id, (office.anna.user_id,))], "who wrote hears of it"
    assert await office.timeline(other) == []


async def test_an_address_finds_its_contact_in_any_case_and_several_are_asked_about(office: Office) -> None:
    assert (await got(office, letter("JAN@Example.ORG"))).contact_id == office.jan
    boss = await add_person(office.database, "boss", "supervisor")
    second = await office.contact("JAN@example.org", first_name="Jan", last_name="Drugi")
    unclear = await got(office, letter(subject="Who am I?"))
    assert unclear.contact_id is None
    assert told(office)[-1] == (unclear.id, (boss,))
    async with office.database.reading(office.anna) as uow:
        found = await service.get_email(uow, unclear.id)
        assert {each.contact_id for each in found.candidates} == {office.jan, second}
        assert [each.id for each in (await service.list_emails(uow, unmatched=True)).items] == [unclear.id]
    more = await got(office, letter(subject="Me again"))
    async with office.database.unit_of_work(office.anna) as uow:
        assert (await service.assign(uow, unclear.id, second)).candidates == []
    assert (await office.email(more.id)).contact_id == second, "what else came from there goes along"
    assert len(await office.timeline(second)) == 2


async def test_a_stranger_waits_in_the_inbox_until_somebody_says_who_it_is(office: Office) -> None:
    mail = await got(office, letter("Ola <ola@example.net>"))
    assert mail.contact_id is None
    ola = await office.contact("", first_name="Ola")
    async with office.database.unit_of_work(office.anna) as uow:
        await service.assign(uow, mail.id, ola, keep_address=True)
    assert (await got(office, letter("ola@example.net", subject="Again"))).contact_id == ola
    async with office.database.unit_of_work(office.anna) as uow:
        assert (await service.mark_seen(uow, mail.id)).seen_by == office.anna.user_id
        await service.assign(uow, mail.id, None)
    assert len(await office.timeline(ola)) == 1
    sent = await office.write()
    async with office.database.unit_of_work(office.anna) as uow:
        with pytest.raises(Conflict):
            await service.assign(uow, sent.id, ola)


async def test_who_sees_no_candidate_does_not_see_the_mail(office: Office) -> None:
    await office.contact(JAN, first_name="Jan", last_name="Drugi")
    mail = await got(office, letter())
    stranger = await got(office, letter("nobody@example.net"))
    partner = dataclasses.replace(office.anna, accounts=frozenset({AccountRole.PARTNER_ADMIN}))
    nobody = dataclasses.replace(office.anna, accounts=frozenset())
    async with office.database.reading(partner) as uow:
        assert [each.id for each in (await service.list_emails(uow)).items] == [stranger.id]
        with pytest.raises(NotFound):
            await service.get_email(uow, mail.id)
    async with office.database.reading(nobody) as uow:
        assert (await service.list_emails(uow)).items == []


async def test_the_same_message_is_kept_once_and_the_same_message_id_is_no_proof(office: Office) -> None:
    raw = letter(Message_ID="<same@example.org>")
    first = await asyncio.gather(*(service.receive(office.database, raw) for _ in range(3)))
    assert len([each for each in first if each is not None]) == 1
    assert await service.receive(office.database, raw) is None
    assert await service.receive(office.database, letter(text="Other words", Message_ID="<same@example.org>")) is not None
    async with office.database.reading() as uow:
        assert await uow.session.scalar(select(func.count()).select_from(Email)) == 2


async def test_a_bounce_marks_the_email_as_failed_with_its_words(office: Office) -> None:
    sent = await office.write()
    await office.deliver()
    parent = (await office.email(sent.id)).message_id
    await got(office, bounce(parent, "delayed"))
    assert (await office.email(sent.id)).state == "sent"
    report = await got(office, bounce(parent))
    found = await office.email(sent.id)
    assert found.state == "failed"
    assert found.error.startswith("550 5.1.1")
    (entry,) = await office.timeline()
    assert (entry.data["state"], entry.data["direction"]) == ("failed", "outbound")
    assert (report.seen_at is not None, report.contact_id, report.answers_id) == (True, office.jan, sent.id)
    (notice,) = [each for each, to in office.told if isinstance(each, Notice) and to == (office.anna.user_id,)]
    assert notice.values["reason"] == found.error
    assert told(office) == []


async def test_a_bounce_is_known_also_when_the_queue_has_forgotten_the_mail_or_it_was_no_letter(office: Office) -> None:
    sent = await office.write()
    await office.deliver()
    async with office.database.unit_of_work() as uow:
        for mail in await uow.session.scalars(select(Mail)):
            await uow.session.delete(mail)
        invitation = await messages.queue_mail(uow, JAN, "Meeting", "x", contact_id=office.jan)
    await service.receive(office.database, bounce((await office.email(sent.id)).message_id))
    assert (await office.email(sent.id)).state == "failed"
    assert await Mailer(office.database).run_due()
    await service.receive(office.database, bounce(invitation.message_id))
    async with office.database.reading() as uow:
        assert (await uow.session.get_one(Mail, invitation.id)).state == "failed"
        lines = await uow.session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "mail"))
        assert [each.data["failed"] for each in lines] == [False, True]


async def test_an_answer_of_a_machine_is_marked_and_what_it_carries_is_kept(office: Office) -> None:
    auto = await got(office, letter(Auto_Submitted="auto-replied"))
    assert auto.kind == "auto"
    (entry,) = await office.timeline()
    assert entry.data["auto"]
    raw = b"From: jan@example.org\r\nContent-Type: application/zip; name=../a.zip\r\n\r\nPK\x03\x04bomb"
    mail = await got(office, raw)
    async with office.database.reading(office.anna) as uow:
        (file,) = (await service.get_email(uow, mail.id)).files
        assert (file.name, file.media_type, file.size) == ("a.zip", "application/zip", 8)
        assert (await uow.session.get_one(File, file.id)).attached


async def test_the_timeline_takes_the_servers_time_and_never_the_senders(office: Office) -> None:
    yesterday = clock.now() - dt.timedelta(days=1)
    mail = await got(office, letter(Date="Thu, 01 Jan 2037 00:00:00 +0000"), arrived_at=yesterday)
    assert mail.created_at == yesterday
    assert mail.sent_at is not None
    assert mail.sent_at.year == 2037
    for wrong in (dt.datetime(1970, 1, 1, tzinfo=dt.UTC), clock.now() + dt.timedelta(days=9)):
        mail = await got(office, letter(subject=str(wrong)), arrived_at=wrong)
        assert abs(mail.created_at - clock.now()) < dt.timedelta(minutes=5)


@pytest.mark.parametrize("name", HOSTILE)
async def test_every_hostile_mail_can_be_kept_and_shown(office: Office, name: str) -> None:
    if not HOSTILE[name]:
        return
    mail = await got(office, HOSTILE[name])
    async with office.database.reading(office.anna) as uow:
        assert (await service.get_email(uow, mail.id)).id == mail.id
        assert (await service.list_emails(uow)).items


async def test_an_email_is_told_only_to_who_may_see_whose_it_is(office: Office) -> None:
    boss = await add_person(office.database, "boss", "supervisor")
    blind = await add_person(office.database, "blind", "supervisor")
    sent = await office.write()
    async with office.database.unit_of_work() as uow:
        for each in (blind, office.anna.id):
            (await uow.session.get_one(User, each)).accounts = [AccountRole.PARTNER_READER]
    parent = (await office.email(sent.id)).message_id
    answer = await got(office, letter(In_Reply_To=parent))
    assert told(office) == [(answer.id, (boss,))], "who wrote may not see them any more: supervisors who may"
    await office.contact(JAN, first_name="Jan", last_name="Drugi")
    unclear = await got(office, letter(subject="Who am I?"))
    assert told(office)[-1] == (unclear.id, (boss,))
