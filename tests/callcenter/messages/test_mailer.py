"""Mails leave after their transaction, once, and whatever the mail server says is written down. aiosmtpd is the peer."""

import asyncio
import datetime as dt
from contextlib import suppress
from email.headerregistry import Address
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.contacts.models import Contact, TimelineEntry
from callcenter.db import Committed, Database, UnitOfWork
from callcenter.errors import Conflict, Invalid, NotPermitted
from callcenter.events import Notice
from callcenter.messages import mailer as mailers
from callcenter.messages import service, smtp
from callcenter.messages.compose import compose
from callcenter.messages.mailer import Mailer
from callcenter.messages.models import Mail
from callcenter.wiring import wire
from tests.callcenter.messages import post as posts
from tests.callcenter.messages.conftest import add_person, settings_for
from tests.callcenter.messages.post import Post
from tests.postgres import repeating_subqueries

TO = "jan@example.org"
ADMINISTRATOR = Actor(None, "Ada", Role.ADMINISTRATOR)


class KilledError(BaseException):
    """What nothing in the product catches."""


async def queue(
    database: Database, to: str = TO, *, user_id: int | None = None, contact_id: int | None = None, **more: str
) -> int:
    actor = Actor(user_id, "Anna", Role.CONSULTANT)
    async with database.unit_of_work(actor) as uow:
        return (await service.queue_mail(uow, to, "Zażółć", "Dzień dobry\n", contact_id=contact_id, **more)).id  # type: ignore[arg-type]


async def stored(database: Database, mail_id: int) -> Mail:
    async with database.reading() as uow:
        return await uow.session.get_one(Mail, mail_id)


async def add_contact(database: Database) -> int:
    async with database.unit_of_work() as uow:
        contact = Contact(first_name="Jan", last_name="Żuk", email=TO, created_at=uow.now, updated_at=uow.now)
        uow.session.add(contact)
        await uow.session.flush()
        return contact.id


@pytest.fixture
def notices(database: Database) -> list[tuple[Notice, tuple[int, ...]]]:
    found: list[tuple[Notice, tuple[int, ...]]] = []

    def hear(committed: Committed) -> None:
        found.extend((each.event, each.recipients or ()) for each in committed.outgoing if isinstance(each.event, Notice))

    database.after_commit.append(hear)
    return found


async def test_a_mail_leaves_once_its_transaction_stands(mailing: Database, post: Post) -> None:
    with pytest.raises(RuntimeError, match="on purpose"):
        async with mailing.unit_of_work() as uow:
            await service.queue_mail(uow, TO, "never", "x")
            raise RuntimeError("on purpose")
    mail_id = await queue(mailing)
    assert await Mailer(mailing).run_due()
    assert await Mailer(mailing).run_due(), "nothing is left to do"
    (received,) = post.received
    assert (received.sender, received.to) == ("post@example.com", [TO])
    assert received.message["Subject"] == "Zażółć"
    assert received.message.get_content().replace("\r\n", "\n") == "Dzień dobry\n"
    mail = await stored(mailing, mail_id)
    assert (mail.state, mail.due_at, mail.tries, mail.error) == ("sent", None, 1, "")
    assert received.message["Message-ID"] == mail.message_id
    assert mail.sent_at is not None


async def test_without_a_mail_server_nothing_is_queued_and_the_sentence_says_what_to_set(
    database: Database, tmp_path: Path
) -> None:
    for settings in (settings_for(tmp_path, 25, smtp=""), settings_for(tmp_path, 25, smtp_from="")):
        database.settings = settings
        with pytest.raises(Conflict, match="CALLCENTER_SMTP"):
            await queue(database)
        assert not service.configured(settings)
        assert await Mailer(database).run_due()
    database.settings = settings_for(tmp_path, 25, smtp_from="nobody")
    with pytest.raises(Conflict, match="nobody is not a sender"):
        await queue(database)
    async with database.reading() as uow:
        assert list(await uow.session.scalars(select(Mail))) == []


async def test_an_address_or_subject_cannot_smuggle_in_a_header(mailing: Database, post: Post) -> None:
    with pytest.raises(Invalid):
        await queue(mailing, "jan@example.org\r\nBcc: spy@example.org")
    async with mailing.unit_of_work() as uow:
        await service.queue_mail(uow, TO, "Hello\r\nBcc: spy@example.org\r\n\r\nbody", "x")
    await Mailer(mailing).run_due()
    (received,) = post.received
    assert received.to == [TO]
    assert received.message["Bcc"] is None
    assert received.message["Subject"] == "Hello Bcc: spy@example.org body"


async def test_an_unknown_mailbox_fails_with_the_servers_words_on_the_mail_the_timeline_and_to_the_person(
    mailing: Database, post: Post, notices: list[tuple[Notice, tuple[int, ...]]]
) -> None:
    user_id, contact_id = await add_person(mailing), await add_contact(mailing)
    post.answers["RCPT"] = ["550 5.1.1 No such user here"]
    mail_id = await queue(mailing, user_id=user_id, contact_id=contact_id)
    good = await queue(mailing, "ewa@example.org")
    assert await Mailer(mailing).run_due()
    mail = await stored(mailing, mail_id)
    assert (mail.state, mail.due_at, mail.tries, mail.error) == ("failed", None, 1, "550 5.1.1 No such user here")
    async with mailing.reading() as uow:
        (entry,) = await uow.session.scalars(select(TimelineEntry).where(TimelineEntry.contact_id == contact_id))
    assert (entry.kind, entry.data["failed"], entry.data["reason"]) == ("mail", True, "550 5.1.1 No such user here")
    ((notice, to),) = notices
    assert to == (user_id,)
    assert notice.sentence.format(**notice.values) == (
        "The e-mail to jan@example.org could not be delivered (550 5.1.1 No such user here)."
    )
    assert [each.to for each in post.received] == [["ewa@example.org"]], "the next mail goes over the same connection"
    assert (await stored(mailing, good)).state == "sent"


async def test_greylisting_is_tried_again_with_growing_waits_and_the_same_message_id(mailing: Database, post: Post) -> None:
    post.answers["RCPT"] = ["450 4.2.0 Greylisted"] * 2
    post.answers["DATA"] = ["451 4.3.0 Try later"]
    mail_id = await queue(mailing)
    worker = Mailer(mailing)
    shift = 0.0
    for tries, seconds in ((1, 60), (2, 120), (3, 240)):
        before = clock.now()
        assert await worker.run_due(), "the server is there, it only does not want this mail now"
        mail = await stored(mailing, mail_id)
        assert (mail.state, mail.tries, mail.leased_until) == ("queued", tries, None)
        assert mail.error.startswith("45")
        assert mail.due_at is not None
        assert dt.timedelta(seconds=seconds) <= mail.due_at - before < dt.timedelta(seconds=seconds + 50)
        await worker.run_due()
        assert (await stored(mailing, mail_id)).tries == tries, "not before its time"
        shift += seconds + 50
        clock.shift(shift)
    assert await worker.run_due()
    mail = await stored(mailing, mail_id)
    assert (mail.state, mail.tries, mail.error) == ("sent", 4, "")
    assert [each.message["Message-ID"] for each in post.received] == [mail.message_id]
    assert worker.counters == {"sent": 1, "failed": 0, "put_off": 3}


async def test_waits_grow_to_a_day_and_after_five_days_the_mail_has_failed(
    mailing: Database, post: Post, notices: list[tuple[Notice, tuple[int, ...]]]
) -> None:
    user_id = await add_person(mailing)
    mail_id = await queue(mailing, user_id=user_id)
    post.answers["RCPT"] = ["450 Later"] * 100
    worker = Mailer(mailing)
    minutes: list[int] = []
    began = clock.now()
    while (mail := await stored(mailing, mail_id)).state == "queued":
        assert mail.due_at is not None
        clock.shift((mail.due_at - began).total_seconds() + 1)
        now = clock.now()
        await worker.run_due()
        after = await stored(mailing, mail_id)
        if after.due_at:
            minutes.append(round((after.due_at - now).total_seconds() / 60))
    assert (mail.state, mail.error) == ("failed", "450 Later")
    assert all(later >= sooner for sooner, later in pairwise(minutes))
    assert minutes[-1] == 24 * 60
    assert dt.timedelta(days=3) < clock.now() - began <= dt.timedelta(days=5)
    assert len(notices) == 1


async def test_a_mail_about_something_that_begins_soon_is_not_tried_after_it(mailing: Database, post: Post) -> None:
    async with mailing.unit_of_work() as uow:
        mail = await service.queue_mail(uow, TO, "soon", "x", give_up_at=uow.now + dt.timedelta(seconds=90))
    post.answers["RCPT"] = ["450 Later"] * 10
    worker = Mailer(mailing)
    await worker.run_due()
    clock.shift(61)
    await worker.run_due()
    assert (await stored(mailing, mail.id)).state == "failed"


async def test_a_dead_server_is_left_alone_for_a_while_and_no_mail_is_lost(database: Database, tmp_path: Path) -> None:
    async with posts.running() as gone:
        port = gone.port
    database.settings = settings_for(tmp_path, port)
    ids = [await queue(database, f"jan{n}@example.org") for n in range(3)]
    worker = Mailer(database)
    assert not await worker.run_due()
    mails = [await stored(database, each) for each in ids]
    assert [(each.state, each.tries) for each in mails] == [("queued", 1), ("queued", 0), ("queued", 0)], "one try finds it out"
    assert "127.0.0.1" in mails[0].error
    async with posts.running(port=port) as back:
        clock.shift(61)
        assert await worker.run_due()
        assert sorted(each.to[0] for each in back.received) == [f"jan{n}@example.org" for n in range(3)]


async def test_a_server_that_hangs_up_in_the_middle_counts_as_away(mailing: Database, post: Post) -> None:
    post.answers["DATA"] = ["421 4.4.2 Bye"]
    mail_id = await queue(mailing)
    worker = Mailer(mailing)
    await worker.run_due()
    assert (await stored(mailing, mail_id)).error == "421 4.4.2 Bye"
    clock.shift(61)
    assert await worker.run_due()
    assert (await stored(mailing, mail_id)).state == "sent"


async def test_a_crash_between_the_servers_answer_and_the_commit_sends_once_more_with_the_same_message_id(
    mailing: Database, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_id = await queue(mailing)

    async def crash(_mail: Mail, _refused: str) -> None:
        raise KilledError

    worker = Mailer(mailing)
    monkeypatch.setattr(worker, "_sent", crash)
    with pytest.raises(KilledError):
        await worker.run_due()
    assert worker._connection is not None
    await worker._connection.close()
    second = Mailer(mailing)
    await second.run_due()
    assert len(post.received) == 1, "the lease of the dead one has not run out"
    clock.shift(mailers.LEASE.total_seconds() + 1)
    await second.run_due()
    await second.run_due()
    assert len({each.message["Message-ID"] for each in post.received}) == 1
    assert len(post.received) == 2
    assert (await stored(mailing, mail_id)).state == "sent"


async def test_two_servers_on_one_database_send_each_mail_once(mailing: Database, post: Post) -> None:
    ids = [await queue(mailing, f"jan{n}@example.org") for n in range(20)]
    other = wire(Database(mailing.url, settings=mailing.settings))
    workers = [Mailer(mailing), Mailer(other)]
    await asyncio.gather(*(each.run_due() for each in workers))
    await other.close()
    assert sorted(each.to[0] for each in post.received) == sorted(f"jan{n}@example.org" for n in range(20))
    assert len({each.message["Message-ID"] for each in post.received}) == 20
    assert {(await stored(mailing, each)).state for each in ids} == {"sent"}
    assert sum(each.counters["sent"] for each in workers) == 20


async def test_one_mail_is_claimed_however_postgresql_plans_it(
    tables_url: str, database_kind: str, tmp_path: Path, post: Post
) -> None:
    database = Database(tables_url + repeating_subqueries(database_kind), settings=settings_for(tmp_path, post.port))
    wire(database)
    for number in range(3):
        await queue(database, f"jan{number}@example.org")
    assert await Mailer(database).run_due()
    assert len(post.received) == 3
    await database.close()


async def test_who_was_too_slow_does_not_write_over_who_came_after(mailing: Database, post: Post) -> None:
    mail_id = await queue(mailing)
    slow, quick = Mailer(mailing), Mailer(mailing)
    claimed = await slow._claim()
    assert claimed is not None
    clock.shift(mailers.LEASE.total_seconds() + 1)
    await quick.run_due()
    await slow._fail(claimed, "too late")
    await slow._put_off(claimed, "too late")
    mail = await stored(mailing, mail_id)
    assert (mail.state, mail.error) == ("sent", "")
    assert slow.counters["failed"] == 0


async def test_run_sends_what_is_queued_while_it_runs(mailing: Database, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailers, "LOOK_EVERY", 0.01)
    task = asyncio.create_task(Mailer(mailing).run())
    await queue(mailing)
    async with asyncio.timeout(60):
        while not post.received:
            await asyncio.sleep(0.01)
        await queue(mailing, "ewa@example.org")
        while len(post.received) < 2:
            await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_mail_that_is_being_handed_over_when_the_process_stops_is_finished(mailing: Database, post: Post) -> None:
    post.hold = asyncio.Event()
    mail_id = await queue(mailing)
    task = asyncio.create_task(Mailer(mailing).run())
    async with asyncio.timeout(60):
        while not post.received:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0)
    post.hold.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await stored(mailing, mail_id)).state == "sent"


async def test_a_fault_of_ours_about_one_mail_stops_no_other(
    mailing: Database, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = await queue(mailing, "bad@example.org")
    good = await queue(mailing)

    def broken(mail: Mail, sender: Address) -> bytes:
        if mail.id == bad:
            raise ZeroDivisionError("on purpose")
        return compose(mail, sender)

    monkeypatch.setattr(smtp, "compose", broken)
    worker = Mailer(mailing)
    assert not await worker.run_due()
    assert await worker.run_due()
    assert (await stored(mailing, good)).state == "sent"
    assert "the log says how" in (await stored(mailing, bad)).error


async def test_letters_beyond_ascii_before_the_at_need_a_server_that_takes_them(
    mailing: Database, post: Post, tmp_path: Path
) -> None:
    refused = await queue(mailing, "żółw@example.org")
    await Mailer(mailing).run_due()
    mail = await stored(mailing, refused)
    assert (mail.state, post.received) == ("failed", [])
    assert "letters" in mail.error
    async with posts.running(enable_SMTPUTF8=True) as able:
        mailing.settings = settings_for(tmp_path, able.port)
        await queue(mailing, "żółw@żółw.pl")
        await Mailer(mailing).run_due()
        assert able.received[0].to == ["żółw@xn--w-uga1v8h.pl"]
        assert "\r\nTo: żółw@xn--w-uga1v8h.pl\r\n".encode() in able.received[0].raw


async def as_administrator(database: Database, work: object, *args: object) -> object:
    async with database.unit_of_work(ADMINISTRATOR) as uow:
        return await work(uow, *args)  # type: ignore[operator]


async def test_an_administrator_tries_a_failed_mail_again_and_nobody_tries_one_that_was_sent(
    mailing: Database, post: Post
) -> None:
    post.answers["RCPT"] = ["550 No"]
    mail_id = await queue(mailing)
    worker = Mailer(mailing)
    await worker.run_due()
    with pytest.raises(NotPermitted):
        async with mailing.unit_of_work(Actor(None, "Anna", Role.SUPERVISOR)) as uow:
            await service.try_again(uow, mail_id)
    await as_administrator(mailing, service.try_again, mail_id)
    await worker.run_due()
    assert (await stored(mailing, mail_id)).state == "sent"
    with pytest.raises(Conflict, match="was sent already"):
        await as_administrator(mailing, service.try_again, mail_id)
    async with mailing.reading(ADMINISTRATOR) as uow:
        assert await service.counts(uow) == {"queued": 0, "failed": 0}
        assert [each.id for each in await service.list_mails(uow, "sent")] == [mail_id]
        assert await service.list_mails(uow, "failed") == []


async def test_a_mail_that_is_being_sent_is_not_tried_again(mailing: Database, post: Post) -> None:
    mail_id = await queue(mailing)
    assert await Mailer(mailing)._claim() is not None
    with pytest.raises(Conflict, match="being sent just now"):
        await as_administrator(mailing, service.try_again, mail_id)


async def test_the_test_mail_tells_its_sender_whether_the_server_took_it(
    mailing: Database, post: Post, notices: list[tuple[Notice, tuple[int, ...]]]
) -> None:
    user_id = await add_person(mailing, "ada", "administrator")
    ada = Actor(user_id, "Ada", Role.ADMINISTRATOR)

    async def test_mail(uow: UnitOfWork) -> None:
        await service.send_test(uow, "ada@example.com", "Test", "It works.")

    post.answers["RCPT"] = ["450 Not yet"]
    async with mailing.unit_of_work(ada) as uow:
        await test_mail(uow)
    worker = Mailer(mailing)
    await worker.run_due()
    clock.shift(61)
    await worker.run_due()
    assert [(each.level, to) for each, to in notices] == [("warning", (user_id,)), ("info", (user_id,))]
