"""An e-mail that came: read in a thread, its files stored, then kept in one transaction with whatever follows from it."""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from callcenter.actor import SYSTEM
from callcenter.contacts import service as contacts
from callcenter.correspondence import delivery, entries, matching, rows
from callcenter.correspondence.events import EmailArrived
from callcenter.correspondence.matching import Match
from callcenter.correspondence.models import Email, EmailCandidate, EmailFile
from callcenter.correspondence.reading import Reading, read
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Invalid
from callcenter.files import service as files
from callcenter.messages import service as messages

log = structlog.get_logger(__name__)

LARGEST = 30 << 20  # octets of a message that are read; of a larger one only the beginning
_OLDEST = dt.timedelta(days=60)  # a message the server got longer ago stands on the timeline at the time it is read
_BEGINNING = 200

AndThen = Callable[[UnitOfWork], Awaitable[None]]


async def receive(
    database: Database, raw: bytes, *, arrived_at: dt.datetime | None = None, cut: bool = False, and_then: AndThen | None = None
) -> int | None:
    """Keep a message that came, once; returns its id, None for one that is here already.

    `arrived_at`: when the mail server got it. `cut`: `raw` is only its beginning. `and_then` runs in the same transaction,
    also when nothing is kept: where the inbox notes how far it has read.
    """
    digest = hashlib.sha256(raw).hexdigest()
    if await _is_known(database, digest):
        await _only(database, and_then)
        return None
    reading = await asyncio.to_thread(read, raw)
    stored = await _store(database, reading)
    try:
        async with database.unit_of_work() as uow:
            email = await _keep(uow, reading, digest, stored, arrived_at=arrived_at, cut=cut)
            if and_then is not None:
                await and_then(uow)
    except IntegrityError:  # the same message at the same moment
        log.info("email.repeated", digest=digest[:16])
        await _only(database, and_then)
        return None
    log.info("email.received", email_id=email.id, kind=email.kind, known=email.contact_id is not None, octets=len(raw))
    return email.id


async def _is_known(database: Database, digest: str) -> bool:
    async with database.reading() as uow:
        return await uow.session.scalar(select(Email.id).where(Email.digest == digest)) is not None


async def _only(database: Database, and_then: AndThen | None) -> None:
    if and_then is not None:
        async with database.unit_of_work() as uow:
            await and_then(uow)


async def _store(database: Database, reading: Reading) -> list[int]:
    """Store what came along; what is empty or too large is left in the mailbox."""
    found = []
    for each in reading.files:
        try:
            found.append((await files.store(database, SYSTEM, each.name, each.content, largest=LARGEST)).id)
        except Invalid:
            log.warning("email.file_left_out", octets=len(each.content))
    return found


async def _keep(
    uow: UnitOfWork, reading: Reading, digest: str, stored: list[int], *, arrived_at: dt.datetime | None, cut: bool
) -> Email:
    match = await matching.match(uow, reading)
    email = Email(
        channel="email",
        outbound=False,
        kind=reading.kind,
        contact_id=match.contact_id,
        user_id=None,
        address=reading.address,
        name=reading.name,
        cc=reading.to,
        subject=reading.subject,
        text=reading.text,
        state="received",
        error="",
        message_id=reading.message_id,
        parents=reading.parents,
        digest=digest,
        cut=cut or reading.flawed,
        answers_id=match.answered.id if match.answered is not None else None,
        created_at=_at(uow, arrived_at),
        sent_at=reading.sent_at,
        seen_at=None,
    )
    uow.session.add(email)
    await uow.session.flush()
    for contact_id in match.candidates:
        uow.session.add(EmailCandidate(email_id=email.id, contact_id=contact_id))
    for place, file_id in enumerate(stored):
        await files.attach(uow, file_id)
        uow.session.add(EmailFile(email_id=email.id, file_id=file_id, place=place))
    if await _is_report(uow, email, reading, match):
        email.seen_at = uow.now
    await uow.session.flush()
    await entries.write(uow, email, len(stored))
    if email.seen_at is None:
        await _tell(uow, email, match)
    return email


def _at(uow: UnitOfWork, arrived_at: dt.datetime | None) -> dt.datetime:
    """Return the time on the timeline: what the mail server says, never what the sender says, and never the future."""
    if arrived_at is None or not uow.now - _OLDEST < arrived_at < uow.now:
        return uow.now
    return arrived_at


async def _is_report(uow: UnitOfWork, email: Email, reading: Reading, match: Match) -> bool:
    """Enter what a delivery report says about a letter of ours; tells whether that was all there is to it."""
    answered, report = match.answered, reading.report
    if answered is not None and answered.channel == "fax" and _by_machine(uow, email):
        return await _about_fax(uow, reading, answered)
    if report is None:
        return False
    if report.action != "failed":
        return True  # delayed, delivered: nobody need do anything
    words = report.words or reading.subject
    if answered is None:  # an invitation to a phone meeting, perhaps
        found = [await messages.bounced(uow, each, words) for each in reading.parents]
        return any(found)
    if report.recipient and report.recipient.lower() in map(str.lower, answered.cc):
        await delivery.enter(uow, answered, answered.state, f"{report.recipient}: {words}")
    elif await messages.bounced(uow, answered.message_id, words) is None:  # the queue has forgotten it
        await delivery.returned(uow, answered, words)
    return True


async def _about_fax(uow: UnitOfWork, reading: Reading, fax: Email) -> bool:
    said = matching.verdict(reading)
    if said == "failed":
        await delivery.returned(uow, fax, reading.report.words if reading.report else reading.subject)
    elif said == "delivered" and fax.state != "failed":
        await delivery.enter(uow, fax, "delivered", "")
    return bool(said)


def _by_machine(uow: UnitOfWork, email: Email) -> bool:
    return email.kind != "mail" or matching.from_gateway(uow.database.settings, email.address)


async def _tell(uow: UnitOfWork, email: Email, match: Match) -> None:
    contact = None if email.contact_id is None else await contacts.get_contact(uow, email.contact_id)
    told = EmailArrived(
        email_id=email.id,
        address=email.address,
        contact_id=email.contact_id,
        contact=contact.name if contact else "",
        subject=email.subject,
        beginning=email.text[:_BEGINNING],
    )
    uow.emit(told, await rows.recipients(uow, email, match.answered))
