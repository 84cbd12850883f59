"""Reading e-mails: one, pages of them, how many nobody has dealt with, and what a form needs."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased, selectinload

from callcenter.actor import Role
from callcenter.contacts import numbers
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact
from callcenter.contacts.visibility import may_change, may_see
from callcenter.correspondence import drafts, rows, sending
from callcenter.correspondence.models import Email, EmailCandidate, EmailFile
from callcenter.correspondence.permitted import Channel
from callcenter.correspondence.views import AttachedFile, EmailCandidateOut, EmailForm, EmailOut, EmailPage
from callcenter.db import UnitOfWork
from callcenter.errors import CallCenterError, NotFound
from callcenter.files import service as files
from callcenter.files.models import File
from callcenter.messages import service as messages
from callcenter.users.models import User

MOST_COUNTED = 100
_LARGEST_PAGE = 200
_NAMED = {"address_shown", "files", "contact", "candidates", "user", "seen_by_name"}


async def get_email(uow: UnitOfWork, email_id: int) -> EmailOut:
    """Return an e-mail the actor may see; raises NotFound."""
    uow.actor.require(Role.CONSULTANT)
    found = await _read(uow, select(Email.id).where(Email.id == email_id, rows.visible(uow)))
    if not found:
        raise NotFound("There is no such e-mail.")
    return found[0]


async def list_emails(
    uow: UnitOfWork,
    *,
    contact_id: int | None = None,
    came: bool = False,
    unmatched: bool = False,
    unread: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> EmailPage:
    """Return e-mails the actor may see, newest first.

    `came`: only those that came; `unmatched`: of those the ones that belong to nobody; `unread`: nobody has dealt with them.
    """
    uow.actor.require(Role.CONSULTANT)
    limit = max(1, min(limit, _LARGEST_PAGE))
    query = select(Email.id).where(rows.visible(uow))
    if contact_id is not None:
        query = query.where(Email.contact_id == contact_id)
    if came or unmatched or unread:
        query = query.where(~Email.outbound)
    if unmatched:
        query = query.where(Email.contact_id.is_(None))
    if unread:
        query = query.where(Email.seen_at.is_(None))
    if before is not None:
        query = query.where(Email.id < before)
    items = await _read(uow, query.order_by(Email.id.desc()).limit(limit + 1))
    return EmailPage(items=items[:limit], next=items[limit - 1].id if len(items) > limit else None)


async def unread_count(uow: UnitOfWork) -> int:
    """Return how many e-mails that came nobody has dealt with, counted up to MOST_COUNTED."""
    query = select(Email.id).where(Email.seen_at.is_(None), ~Email.outbound, rows.visible(uow)).limit(MOST_COUNTED)
    return await uow.session.scalar(select(func.count()).select_from(query.subquery())) or 0


async def file_of(uow: UnitOfWork, email_id: int, file_id: int) -> File:
    """Return a file of an e-mail the actor may see; raises NotFound."""
    await rows.one(uow, email_id, lock=False)
    if await uow.session.get(EmailFile, (email_id, file_id)) is None:
        raise NotFound("There is no such file.")
    return await files.get(uow, file_id)


async def form(uow: UnitOfWork, contact_id: int, channel: Channel) -> EmailForm:
    """Return what the page needs to let the actor write to a contact."""
    contact = await contacts.get_contact(uow, contact_id)
    allowed = select(Contact.id).where(Contact.id == contact_id, may_change(uow.actor))
    user = await uow.session.get(User, uow.actor.id)
    if channel == "fax":
        known = [each.e164 for each in contact.numbers if each.e164 and each.type in ("home_fax", "office_fax")]
    else:
        known = [each for each in (contact.email,) if each]
    return EmailForm(
        contact=contact.name or (contact.organisation.name if contact.organisation else ""),
        addresses=known,
        may_keep=await uow.session.scalar(allowed) is not None,
        problem=str(problem(uow, channel) or ""),
        signature=str(user.preferences.get("signature", "")) if user else "",
        draft=await drafts.get_draft(uow, contact_id, channel),
        largest=uow.database.settings.fax_megabytes << 20 if channel == "fax" else sending.LARGEST,
        most_files=1 if channel == "fax" else sending.MOST_FILES,
    )


def problem(uow: UnitOfWork, channel: Channel) -> CallCenterError | None:
    """Return why nothing can be sent this way, None when it can."""
    settings = uow.database.settings
    try:
        messages.sender(settings)
        if channel == "fax":
            sending.fax_address(settings, "")
    except CallCenterError as error:
        return error
    return None


async def _read(uow: UnitOfWork, ids: Select[Any]) -> list[EmailOut]:
    """Return the e-mails of these ids with the names they refer to, newest first."""
    chosen, seer = ids.subquery(), aliased(User)
    query = (
        select(Email, User.name, seer.name, Contact)
        .join(chosen, chosen.c.id == Email.id)
        .outerjoin(User, User.id == Email.user_id)
        .outerjoin(seer, seer.id == Email.seen_by)
        .outerjoin(Contact, Contact.id == Email.contact_id)
        .options(selectinload(Contact.organisation))
        .order_by(Email.id.desc())
    )
    found = list(await uow.session.execute(query))
    attached = await rows.files_of(uow, [email.id for email, *_ in found])
    candidates = await _candidates(uow, [email.id for email, *_ in found if email.contact_id is None])
    return [
        EmailOut(
            **{name: getattr(email, name) for name in EmailOut.model_fields if name not in _NAMED},
            address_shown=numbers.show(email.address) if email.channel == "fax" else email.address,
            files=[AttachedFile.model_validate(each, from_attributes=True) for each in attached[email.id]],
            contact=_name(contact) if contact else "",
            candidates=candidates.get(email.id, []),
            user=user or "",
            seen_by_name=seen_by or "",
        )
        for email, user, seen_by, contact in found
    ]


def _name(contact: Contact) -> str:
    return contact.name or (contact.organisation.name if contact.organisation else "")


async def _candidates(uow: UnitOfWork, ids: list[int]) -> dict[int, list[EmailCandidateOut]]:
    """Return who may have written, of those the actor may see."""
    if not ids:
        return {}
    query = (
        select(EmailCandidate.email_id, Contact)
        .join(Contact, Contact.id == EmailCandidate.contact_id)
        .where(EmailCandidate.email_id.in_(ids), may_see(uow.actor))
        .options(selectinload(Contact.organisation))
        .order_by(Contact.sort_name, Contact.id)
    )
    found: dict[int, list[EmailCandidateOut]] = {}
    for email_id, contact in await uow.session.execute(query):
        organisation = contact.organisation.name if contact.organisation else ""
        found.setdefault(email_id, []).append(
            EmailCandidateOut(contact_id=contact.id, name=_name(contact), organisation=organisation)
        )
    return found
