"""Answers are read from a real mailbox: Debian's dovecot."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput
from callcenter.contacts.timeline import newest
from callcenter.correspondence import inbox, receiving
from callcenter.correspondence.imap import Broken, Refused
from callcenter.correspondence.inbox import Inbox
from callcenter.correspondence.models import Email, Mailbox
from callcenter.db import Database
from tests.callcenter.correspondence.conftest import letter
from tests.callcenter.correspondence.test_reading import HOSTILE
from tests.callcenter.messages.conftest import settings_for
from tests.peers import dovecot as dovecots
from tests.peers.dovecot import PASSWORD, USER, Dovecot

pytestmark = pytest.mark.peer


@pytest.fixture
async def dovecot() -> AsyncIterator[Dovecot]:
    async with dovecots.running() as found:
        yield found


@pytest.fixture
def mailbox(database: Database, dovecot: Dovecot, tmp_path: Path) -> Database:
    """The database, its settings name the mailbox."""
    given = {"imap": f"127.0.0.1:{dovecot.port}", "imap_user": USER, "imap_password": SecretStr(PASSWORD), "imap_tls": "none"}
    database.settings = settings_for(tmp_path, 25, imap_seconds=1, **given)
    return database


async def subjects(database: Database) -> list[str]:
    async with database.reading() as uow:
        return list(await uow.session.scalars(select(Email.subject).order_by(Email.id)))


async def box_of(database: Database) -> Mailbox:
    async with database.reading() as uow:
        return await uow.session.get_one(Mailbox, inbox.name_of(database))


async def test_what_comes_is_read_once_over_restarts_and_marked_as_seen(mailbox: Database, dovecot: Dovecot) -> None:
    async with mailbox.unit_of_work() as uow:
        data = ContactInput(first_name="Jan", last_name="Żuk", email="jan@example.org")
        jan = (await contacts.create_contact(uow, data, "PL")).id
    dovecot.deliver(letter(subject="one"), "1")
    await Inbox(mailbox).read_for_good(rounds=1)
    dovecot.deliver(letter(subject="two"), "2")
    dovecot.deliver(letter("ola@example.net", subject="three"), "3")
    for _ in range(2):
        await Inbox(mailbox).read_for_good(rounds=1)
    assert await subjects(mailbox) == ["one", "two", "three"]
    assert dovecot.flags() == {"1": "S", "2": "S", "3": "S"}, "marked, and none deleted"
    async with mailbox.reading() as uow:
        assert len(await newest(uow, contact_id=jan)) == 2
    box = await box_of(mailbox)
    assert (box.last_uid, box.error) == (3, "")
    assert box.checked_at is not None


async def test_a_mailbox_may_be_left_as_it_is(mailbox: Database, dovecot: Dovecot) -> None:
    mailbox.settings = mailbox.settings.model_copy(update={"imap_mark_seen": False})
    dovecot.deliver(letter(subject="one"), "1")
    await Inbox(mailbox).read_for_good(rounds=1)
    assert await subjects(mailbox) == ["one"]
    assert dovecot.flags() == {"1": ""}


async def test_a_mailbox_that_is_numbered_anew_gives_nothing_twice_and_loses_nothing(mailbox: Database, dovecot: Dovecot) -> None:
    dovecot.deliver(letter(subject="one"), "1")
    await Inbox(mailbox).read_for_good(rounds=1)
    before = await box_of(mailbox)
    dovecot.number_anew()
    dovecot.deliver(letter(subject="two"), "2")
    await asyncio.sleep(1.1)  # UIDVALIDITY is a time in seconds
    await Inbox(mailbox).read_for_good(rounds=1)
    assert await subjects(mailbox) == ["one", "two"]
    assert (await box_of(mailbox)).uid_validity != before.uid_validity
    dovecot.deliver(letter(subject="three"), "3")
    await Inbox(mailbox).read_for_good(rounds=1)
    assert await subjects(mailbox) == ["one", "two", "three"]


async def test_hostile_mails_do_not_stop_those_behind_them(mailbox: Database, dovecot: Dovecot) -> None:
    await Inbox(mailbox).read_for_good(rounds=1)
    for n, raw in enumerate(HOSTILE.values()):
        dovecot.deliver(raw or b"\n", f"{n}")
    dovecot.deliver(letter(subject="the last"), "last")
    await Inbox(mailbox).read_for_good(rounds=1)
    assert "the last" in await subjects(mailbox)
    async with mailbox.reading() as uow:
        assert await uow.session.scalar(select(func.count()).select_from(Email)) == len(HOSTILE) + 1
    assert set(dovecot.flags().values()) == {"S"}


async def test_of_a_huge_mail_the_beginning_is_kept(mailbox: Database, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "LARGEST", 10_000)
    dovecot.deliver(letter(subject="huge", text="line\n" * 10_000), "1")
    await Inbox(mailbox).read_for_good(rounds=1)
    async with mailbox.reading() as uow:
        mail = await uow.session.scalar(select(Email))
    assert mail is not None
    assert mail.cut
    assert mail.text.startswith("line\nline")


async def is_broken(database: Database) -> bool:
    """Tell whether the mailbox says what is wrong with it; it need not be known yet when its first letter is."""
    async with database.reading() as uow:
        box = await uow.session.get(Mailbox, inbox.name_of(database))
    return box is not None and bool(box.error)


async def test_it_goes_on_when_the_server_was_away(mailbox: Database, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(inbox, "LONGEST_WAIT", 0.1)
    reader = Inbox(mailbox)
    task = asyncio.create_task(reader.run())
    try:
        dovecot.deliver(letter(subject="before"), "1")
        while await subjects(mailbox) != ["before"]:
            await asyncio.sleep(0.05)
        dovecot.stop()
        while not await is_broken(mailbox):
            await asyncio.sleep(0.05)
        async with dovecots.running(dovecot.port) as second:
            second.deliver(letter(subject="after"), "2")
            while await subjects(mailbox) != ["before", "after"]:
                await asyncio.sleep(0.05)
            while (await box_of(mailbox)).error:
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_test_counts_and_a_wrong_password_is_told(mailbox: Database, dovecot: Dovecot) -> None:
    dovecot.deliver(letter(), "1")
    assert await inbox.test(mailbox) == (1, 1)
    mailbox.settings = mailbox.settings.model_copy(update={"imap_password": SecretStr("wrong")})
    with pytest.raises(Refused, match="Authentication failed"):
        await inbox.test(mailbox)
    mailbox.settings = mailbox.settings.model_copy(update={"imap_password": SecretStr(PASSWORD), "imap_folder": 'No "such"'})
    with pytest.raises(Broken, match="doesn't exist"):
        await inbox.test(mailbox)
