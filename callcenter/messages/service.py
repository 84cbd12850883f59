"""E-mails: queued with the transaction that causes them, listed and tried again by administrators. mailer.py sends them."""

import datetime as dt
import secrets
from collections.abc import Sequence
from email.headerregistry import Address
from typing import Any

from sqlalchemy import func, select

from callcenter.actor import Role
from callcenter.config import Settings
from callcenter.db import UnitOfWork
from callcenter.errors import BadValue, Conflict, NotFound
from callcenter.facts import MailOver
from callcenter.messages import addresses
from callcenter.messages.compose import html_of
from callcenter.messages.models import Mail
from callcenter.messages.notices import TEST, tell
from callcenter.users.audit import audit

KEEP_TRYING = dt.timedelta(days=5)  # RFC 5321, section 4.5.4.1: the give-up time generally needs to be at least 4-5 days


def configured(settings: Settings) -> bool:
    """Tell whether e-mails can be sent: a server and a sender are named."""
    try:
        return bool(sender(settings))
    except Conflict:
        return False


def sender(settings: Settings) -> Address:
    """Return who mails come from; raises Conflict with what to do when e-mail is not set up."""
    try:
        found = addresses.sender(settings) if settings.smtp else None
    except BadValue as error:
        raise Conflict(error.sentence, **error.values) from error
    if found is None:
        raise Conflict(
            "E-mail is not set up here. An administrator names the mail server and the sender in CALLCENTER_SMTP and "
            "CALLCENTER_SMTP_FROM."
        )
    return found


async def queue_mail(
    uow: UnitOfWork,
    to: str,
    subject: str,
    body: str,
    *,
    calendar: str = "",
    method: str = "",
    about: str = "",
    about_id: int | str = "",
    contact_id: int | None = None,
    give_up_at: dt.datetime | None = None,
    cc: Sequence[str] = (),
    from_name: str = "",
    parents: Sequence[str] = (),
    files: Sequence[int] = (),
    size: int = 0,
) -> Mail:
    """Queue an e-mail from the actor: it leaves once this transaction stands, and only then.

    `calendar` is an iCalendar text with its `method`. `about`/`about_id` name what it is about. It is tried for five days,
    or until `give_up_at`. `from_name` makes it a person's letter: with that name, the same text as HTML, and answers to
    where the settings say. `parents`: Message-IDs of what it answers. `files`: ids of attached files, `size` octets together.
    Raises Conflict when no mail server is set, Invalid (field email or cc) for what is no address.
    """
    settings = uow.database.settings
    domain = sender(settings).domain
    mail = Mail(
        to_address=addresses.checked(to),
        cc=[addresses.checked(each, "cc") for each in cc],
        from_name=addresses.one_line(from_name),
        reply_to=settings.mail_reply_to if from_name else "",
        subject=addresses.one_line(subject),
        body=body,
        html=html_of(body) if from_name else "",
        parents=list(parents),
        files=list(files),
        size=size,
        calendar=calendar,
        method=method,
        about=about,
        about_id=str(about_id),
        contact_id=contact_id,
        user_id=uow.actor.user_id,
        message_id=f"<{secrets.token_hex(16)}@{domain}>",
        state="queued",
        due_at=uow.now,
        give_up_at=min(give_up_at or uow.now + KEEP_TRYING, uow.now + KEEP_TRYING),
        fence=0,
        tries=0,
        error="",
        created_at=uow.now,
    )
    uow.session.add(mail)
    await uow.session.flush()
    return mail


async def bounced(uow: UnitOfWork, message_id: str, words: str) -> Mail | None:
    """Note that a mail that was sent came back: it has failed, with the words of who returned it. None: no mail of ours."""
    mail = await uow.session.scalar(select(Mail).where(Mail.message_id == message_id).with_for_update())
    if mail is None or mail.state != "sent":
        return mail
    mail.state, mail.error = "failed", words
    uow.note(MailOver(mail.id, failed=True))
    tell(uow, mail, "danger", "The e-mail to {address} could not be delivered ({reason}).")
    return mail


async def send_test(uow: UnitOfWork, to: str, subject: str, body: str) -> Mail:
    """Queue a mail that shows whether mails arrive (administrators); the words are the door's, in the person's language."""
    uow.actor.require(Role.ADMINISTRATOR)
    mail = await queue_mail(uow, to, subject, body, about=TEST)
    audit(uow, "mail.tested", "mail", mail.id)
    return mail


async def list_mails(uow: UnitOfWork, state: str = "", *, before: int | None = None, limit: int = 50) -> list[Mail]:
    """Return mails, newest first, older than mail `before` (administrators). `state`: queued, sent, failed, "" for all."""
    uow.actor.require(Role.ADMINISTRATOR)
    query = select(Mail).order_by(Mail.id.desc()).limit(max(1, min(limit, 200)))
    if state:
        query = query.where(Mail.state == state)
    if before is not None:
        query = query.where(Mail.id < before)
    return list(await uow.session.scalars(query))


async def counts(uow: UnitOfWork) -> dict[str, int]:
    """Return how many mails wait (queued) and how many failed (administrators)."""
    uow.actor.require(Role.ADMINISTRATOR)
    unsent = select(Mail.state, func.count()).where(Mail.state.in_(("queued", "failed"))).group_by(Mail.state)
    rows: Any = await uow.session.execute(unsent)
    return {"queued": 0, "failed": 0} | dict(rows.all())


async def try_again(uow: UnitOfWork, mail_id: int) -> Mail:
    """Send a mail that waits or failed at once, with a new time to try in (administrators).

    Raises Conflict for one that was sent or is being sent just now, so that none leaves twice.
    """
    uow.actor.require(Role.ADMINISTRATOR)
    sender(uow.database.settings)
    mail = await uow.session.scalar(select(Mail).where(Mail.id == mail_id).with_for_update())
    if mail is None:
        raise NotFound("There is no such e-mail.")
    if mail.state == "sent":
        raise Conflict("This e-mail was sent already.")
    if mail.leased_until is not None and mail.leased_until > uow.now:
        raise Conflict("This e-mail is being sent just now.")
    mail.state, mail.due_at, mail.leased_until, mail.tries = "queued", uow.now, None, 0
    mail.give_up_at = uow.now + KEEP_TRYING
    audit(uow, "mail.retried", "mail", mail.id)
    return mail
