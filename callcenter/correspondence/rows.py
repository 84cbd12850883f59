"""E-mails as rows: who may see which, loading, their files, and whom one that came is told to."""

from collections.abc import Sequence

from sqlalchemy import and_, exists, false, or_, select, true
from sqlalchemy.sql import ColumnElement

from callcenter.actor import Role
from callcenter.contacts.models import Contact, ContactManager
from callcenter.contacts.visibility import blind, hidden, may_see, sees_all, sees_some, viewers, visible_to
from callcenter.correspondence.models import Email, EmailCandidate, EmailFile
from callcenter.db import UnitOfWork
from callcenter.errors import NotFound
from callcenter.files.models import File
from callcenter.users.models import User
from callcenter.users.service import supervisors


def visible(uow: UnitOfWork) -> ColumnElement[bool]:
    """Return the condition for e-mails the actor may see.

    Those of contacts they see; those that belong to nobody, unless all who have the address are hidden from them.
    """
    if not sees_some(uow.actor):
        return false()
    if sees_all(uow.actor):
        return true()
    of_contact = visible_to(uow.actor).where(Contact.id == Email.contact_id).correlate(Email).exists()
    candidate = exists().where(EmailCandidate.email_id == Email.id)
    seen = exists().where(EmailCandidate.email_id == Email.id, Contact.id == EmailCandidate.contact_id, may_see(uow.actor))
    nobodys = and_(Email.contact_id.is_(None), ~Email.outbound)
    return or_(of_contact, and_(nobodys, or_(~candidate.correlate(Email), seen.correlate(Email))))


async def one(uow: UnitOfWork, email_id: int, *, lock: bool = True) -> Email:
    """Return an e-mail the actor may see, to be changed unless `lock` says otherwise; raises NotFound."""
    uow.actor.require(Role.CONSULTANT)
    query = select(Email).where(Email.id == email_id, visible(uow))
    found = await uow.session.scalar(query.with_for_update(of=Email) if lock else query)
    if found is None:
        raise NotFound("There is no such e-mail.")
    return found


async def files_of(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, list[File]]:
    """Return the files of e-mails, by the e-mail's id, in their order."""
    found: dict[int, list[File]] = {each: [] for each in ids}
    if not ids:
        return found
    query = select(EmailFile.email_id, File).join(File, File.id == EmailFile.file_id).where(EmailFile.email_id.in_(ids))
    for email_id, file in await uow.session.execute(query.order_by(EmailFile.email_id, EmailFile.place)):
        found[email_id].append(file)
    return found


async def recipients(uow: UnitOfWork, email: Email, answered: Email | None) -> list[int]:
    """Return who is told of an e-mail that came: who wrote what it answers, else the contact's managers, else
    supervisors; of these only who may see whose it is.
    """
    told = await _concerned(uow, email, answered)
    unseeing = await blind(uow, told, email.contact_id)
    if told and unseeing.issuperset(told):  # nobody of them may see whose it is: supervisors who may
        told = await supervisors(uow)
        unseeing = await blind(uow, told, email.contact_id)
    return [each for each in told if each not in unseeing]


async def _concerned(uow: UnitOfWork, email: Email, answered: Email | None) -> list[int]:
    if email.contact_id is None:
        return await _who_may_read(uow, email)
    active = select(User.id).where(User.disabled_at.is_(None))
    if answered is not None and answered.user_id is not None:
        author = await uow.session.scalar(active.where(User.id == answered.user_id))
        if author is not None:
            return [author]
    managing = active.join(ContactManager, ContactManager.user_id == User.id).where(ContactManager.contact_id == email.contact_id)
    return list(await uow.session.scalars(managing)) or await supervisors(uow)


async def _who_may_read(uow: UnitOfWork, email: Email) -> list[int]:
    """Return the supervisors who see an e-mail of nobody: those with an account role, who see one of those it may be from."""
    candidates = list(await uow.session.scalars(select(EmailCandidate.contact_id).where(EmailCandidate.email_id == email.id)))
    found = []
    for each in await viewers(uow, await supervisors(uow)):
        seen = not candidates or len((await hidden(uow, candidates, actor=each)).contacts) < len(set(candidates))
        if sees_some(each) and seen:
            found.append(each.id)
    return found
