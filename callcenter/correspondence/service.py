"""Correspondence: every door, for people (write, read, assign, mark) and for whoever brings e-mails that came."""

from callcenter.correspondence import matching, queries, rows, sending
from callcenter.correspondence.drafts import drop_draft, get_draft, keep_draft
from callcenter.correspondence.matching import with_address
from callcenter.correspondence.queries import MOST_COUNTED, file_of, form, get_email, list_emails, problem, unread_count
from callcenter.correspondence.receiving import receive
from callcenter.correspondence.sending import LARGEST, LONGEST, LONGEST_SUBJECT, MOST_CC, MOST_FILES, Written
from callcenter.correspondence.views import EmailForm, EmailOut, EmailPage
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict

__all__ = [
    "LARGEST",
    "LONGEST",
    "LONGEST_SUBJECT",
    "MOST_CC",
    "MOST_COUNTED",
    "MOST_FILES",
    "EmailForm",
    "EmailOut",
    "EmailPage",
    "Written",
    "assign",
    "drop_draft",
    "file_of",
    "form",
    "get_draft",
    "get_email",
    "keep_draft",
    "list_emails",
    "mark_seen",
    "problem",
    "receive",
    "send",
    "unread_count",
    "with_address",
]


async def send(uow: UnitOfWork, contact_id: int, written: Written) -> EmailOut:
    """Queue an e-mail or a fax to a contact (sending.send says how)."""
    email = await sending.send(uow, contact_id, written)
    await uow.session.flush()
    return await queries.get_email(uow, email.id)


async def assign(uow: UnitOfWork, email_id: int, contact_id: int | None, *, keep_address: bool = False) -> EmailOut:
    """Say whose an e-mail that came is; its line goes to that timeline."""
    await matching.assign(uow, email_id, contact_id, keep_address=keep_address)
    await uow.session.flush()
    return await queries.get_email(uow, email_id)


async def mark_seen(uow: UnitOfWork, email_id: int) -> EmailOut:
    """Note that an e-mail that came needs nothing more; a second time changes nothing. Conflict for one of our own."""
    email = await rows.one(uow, email_id)
    if email.outbound:
        raise Conflict("This e-mail was sent from here.")
    if email.seen_at is None:
        email.seen_at, email.seen_by = uow.now, uow.actor.user_id
        await uow.session.flush()
    return await queries.get_email(uow, email_id)
