"""Sends queued mails, outside any unit of work: claim, hand to the mail server, write down what it said.

A claim is a lease with a fence: two servers never hold one mail at once, and who was too slow does not write over who came
after. Whoever dies between the server's 250 and the commit leaves a mail that goes out once more after the lease, with the
same Message-ID, by which mail programs recognise it.
"""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from sqlalchemy import ColumnElement, case, select, update

from callcenter import clock
from callcenter.db import Database, UnitOfWork
from callcenter.errors import NotFound
from callcenter.facts import MailOver
from callcenter.files import service as files
from callcenter.messages import addresses, console, service, smtp
from callcenter.messages.compose import Attached
from callcenter.messages.models import Mail
from callcenter.messages.notices import TEST, tell
from callcenter.messages.smtp import Connection, Never, NotNow
from callcenter.patience import patiently

log = structlog.get_logger(__name__)

T = TypeVar("T")

LEASE = dt.timedelta(seconds=2 * smtp.MAIL_SECONDS)
LARGE_LEASE = dt.timedelta(seconds=2 * smtp.LARGE_SECONDS)  # of a mail with attachments
FIRST_WAIT = dt.timedelta(minutes=1)  # after a try that failed, doubled up to
LONGEST_WAIT = dt.timedelta(days=1)
LOOK_EVERY = 2.0  # seconds: mails queued meanwhile, also by other processes, leave after this at the latest
AWAY_WAIT = 2.0  # seconds the mailer leaves a server alone that is away, doubled up to
LONGEST_AWAY_WAIT = 60.0
STOP_SECONDS = 5.0  # a mail that is being handed over has, when the process stops


class Mailer:
    """Looks for mails that are due and sends them, one after another. `counters`: sent, failed, put_off."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.counters: Counter[str] = Counter({"sent": 0, "failed": 0, "put_off": 0})
        self._connection = _connection(database)
        self._away_wait = AWAY_WAIT

    async def run(self) -> None:
        """Send what is due until cancelled; without a mail server, only wait to be cancelled."""
        if self._connection is None:
            await asyncio.Event().wait()
            return
        try:
            while True:
                reached = await self.run_due()
                await asyncio.sleep(LOOK_EVERY if reached else self._away_wait)
                self._away_wait = AWAY_WAIT if reached else min(2 * self._away_wait, LONGEST_AWAY_WAIT)
        finally:
            self._connection.drop()

    async def run_due(self) -> bool:
        """Send every mail that is due now; tells whether the server was there. One that is away ends the round."""
        if self._connection is None:
            return True
        while await self._patiently(self._is_any_due) and (mail := await self._patiently(self._claim)) is not None:
            if not await self._whole(self._connection, mail):
                return False
        await self._connection.close()
        return True

    async def _is_any_due(self) -> bool:
        """Tell whether there may be work, without taking SQLite's one writer lock."""
        async with self._database.reading() as uow:
            return await uow.session.scalar(select(Mail.id).where(*_free(uow)).limit(1)) is not None

    async def _claim(self) -> Mail | None:
        """Lease the mail that is due for longest, or return None."""
        async with self._database.unit_of_work() as uow:
            due = select(Mail.id).where(*_free(uow)).order_by(Mail.due_at, Mail.id).limit(1)
            if not self._database.sqlite:
                due = due.with_for_update(skip_locked=True)
            lease = case((Mail.size > 0, uow.now + LARGE_LEASE), else_=uow.now + LEASE)
            claimed = (
                update(Mail)
                .where(Mail.id.in_(select(due.cte("due").c.id)))  # worked out once: PostgreSQL may repeat a subquery for each row
                .values(leased_until=lease, fence=Mail.fence + 1, tries=Mail.tries + 1)
                .returning(Mail)
                .execution_options(synchronize_session=False, populate_existing=True)
            )
            return (await uow.session.scalars(claimed)).one_or_none()

    async def _whole(self, connection: Connection | console.Console, mail: Mail) -> bool:
        """Deliver, also when we are stopped meanwhile: half a mail would go out again after the lease."""
        work = asyncio.create_task(self._deliver(connection, mail))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work], timeout=STOP_SECONDS)
            work.cancel()
            await asyncio.wait([work])
            raise

    async def _deliver(self, connection: Connection | console.Console, mail: Mail) -> bool:
        """Send a claimed mail and write down what became of it; tells whether the server was there."""
        try:
            refused = await connection.send(mail, await self._attached(mail))
        except NotFound:
            await self._patiently(lambda: self._fail(mail, "A file that goes with this e-mail is gone."))
            return True
        except NotNow as refusal:
            words, server_away = refusal.words, refusal.away
            await self._patiently(lambda: self._put_off(mail, words))
            return not server_away
        except Never as refusal:
            words = refusal.words
            await self._patiently(lambda: self._fail(mail, words))
            return True
        except Exception:  # a fault about one mail must not stop all others, nor lose this one
            log.exception("mail.fault", mail_id=mail.id)
            words = "The product failed with this e-mail; the log says how."
            await self._patiently(lambda: self._put_off(mail, words))
            return False
        await self._patiently(lambda: self._sent(mail, refused))
        return True

    async def _attached(self, mail: Mail) -> list[Attached]:
        """Return the files that go along; raises NotFound when one is gone."""
        found = []
        for file_id in mail.files:
            async with self._database.reading() as uow:
                file = await files.get(uow, file_id)
            found.append(Attached(file.name, file.media_type, await files.whole(self._database, file_id)))
        return found

    async def _sent(self, mail: Mail, refused: str) -> None:
        async with self._database.unit_of_work() as uow:
            row = await _still_ours(uow, mail)
            if row is None:
                return
            row.state, row.due_at, row.leased_until, row.sent_at, row.error = "sent", None, None, uow.now, refused
            uow.note(MailOver(row.id, failed=False))
            if row.about == TEST:
                sentence = "The mail server took the test mail to {address}. It should be there soon."
                tell(uow, row, "info", sentence)
            elif refused:
                tell(uow, row, "danger", "The e-mail was sent, but not to everybody ({reason}).")
        self.counters["sent"] += 1
        log.info("mail.sent", mail_id=mail.id, about=mail.about, about_id=mail.about_id, tries=mail.tries)

    async def _put_off(self, mail: Mail, words: str) -> None:
        """Choose when to try again; a mail for which it is too late then has failed."""
        wait = min(FIRST_WAIT * 2 ** min(mail.tries - 1, 20), LONGEST_WAIT)
        if clock.now() + wait > mail.give_up_at:
            await self._fail(mail, words)
            return
        async with self._database.unit_of_work() as uow:
            row = await _still_ours(uow, mail)
            if row is None:
                return
            row.due_at, row.leased_until, row.error = uow.now + wait, None, words
            if row.about == TEST and row.tries == 1:
                sentence = "The test mail to {address} could not be sent yet ({reason})."
                tell(uow, row, "warning", sentence)
        self.counters["put_off"] += 1
        log.warning("mail.put_off", mail_id=mail.id, tries=mail.tries, seconds=wait.total_seconds(), reason=words)

    async def _fail(self, mail: Mail, words: str) -> None:
        async with self._database.unit_of_work() as uow:
            row = await _still_ours(uow, mail)
            if row is None:
                return
            row.state, row.due_at, row.leased_until, row.error = "failed", None, None, words
            uow.note(MailOver(row.id, failed=True))
            sentence = "The e-mail to {address} could not be delivered ({reason})."
            tell(uow, row, "danger", sentence)
        self.counters["failed"] += 1
        log.warning("mail.failed", mail_id=mail.id, about=mail.about, about_id=mail.about_id, tries=mail.tries, reason=words)

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Run a step, again and again while the database is away: what the server said must be written down."""
        return await patiently(step, _away)


def _away(error: Exception, failed: int) -> None:
    if not failed:
        log.error("mailer.database_away", error=str(error)[:500])


def _connection(database: Database) -> Connection | console.Console | None:
    """Return the way mails leave by, None when there is none."""
    settings = database.settings
    if not service.configured(settings):
        return None
    sender = service.sender(settings)
    return console.Console(sender) if settings.smtp == addresses.CONSOLE else Connection(settings, sender)


def _free(uow: UnitOfWork) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for mails that are due and nobody sends."""
    return Mail.due_at <= uow.now, (Mail.leased_until.is_(None)) | (Mail.leased_until < uow.now)


async def _still_ours(uow: UnitOfWork, mail: Mail) -> Mail | None:
    """Return the row if nobody claimed it since."""
    query = select(Mail).where(Mail.id == mail.id, Mail.fence == mail.fence).with_for_update()
    row = await uow.session.scalar(query)
    if row is None:
        log.warning("mail.overtaken", mail_id=mail.id)
    return row
