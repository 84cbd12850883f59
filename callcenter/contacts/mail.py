"""E-mails to contacts: what became of them, on the timeline; and what administrators see of them in the list of all."""

from collections.abc import Sequence

from callcenter.contacts import visibility
from callcenter.contacts.timeline import add_entry
from callcenter.db import UnitOfWork
from callcenter.errors import NotPermitted
from callcenter.facts import Fact, MailOver
from callcenter.messages import notices
from callcenter.messages import service as messages
from callcenter.messages.models import Mail

KIND = "mail"  # of timeline entries
_NOBODYS = ("", notices.TEST)  # of Mail.about: to no customer


async def list_mails(uow: UnitOfWork, state: str = "", *, before: int | None = None, limit: int = 50) -> list[Mail]:
    """Return mails as messages.list_mails does; of those to accounts the actor may not see only that they are there."""
    found = await messages.list_mails(uow, state, before=before, limit=limit)
    concealed = await _concealed(uow, found)
    for each in found:
        if each.id in concealed:
            uow.session.expunge(each)
            each.to_address = each.subject = each.body = each.calendar = each.error = ""
            each.contact_id = None
    return found


async def try_again(uow: UnitOfWork, mail_id: int) -> Mail:
    """Send a mail again as messages.try_again does; raises NotPermitted for one to an account the actor may not see."""
    mail = await messages.try_again(uow, mail_id)
    if await _concealed(uow, [mail]):
        raise NotPermitted("This e-mail is to an account you may not see. Ask somebody who may.")
    return mail


async def _concealed(uow: UnitOfWork, mails: Sequence[Mail]) -> frozenset[int]:
    """Return the ids of mails to accounts the actor may not see; of a deleted contact nobody knows what type it had."""
    if visibility.sees_all(uow.actor):
        return frozenset()
    hidden = await visibility.hidden(uow, [each.contact_id for each in mails])
    gone = [each.id for each in mails if each.contact_id is None and each.about not in _NOBODYS]
    return frozenset([*gone, *(each.id for each in mails if hidden.covers(each.contact_id))])


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Write on the contact's timeline that a mail was sent or could not be delivered (a reaction of Database).

    `data` has mail_id, failed, address, subject and reason, from which the page writes its sentence.
    """
    if not isinstance(fact, MailOver):
        return
    mail = await uow.session.get_one(Mail, fact.mail_id)
    if mail.contact_id is None:
        return
    data = {"mail_id": mail.id, "failed": fact.failed, "address": mail.to_address, "subject": mail.subject, "reason": mail.error}
    text = f"E-mail to {mail.to_address}: {mail.subject}"
    if fact.failed:
        text = f"E-mail to {mail.to_address} could not be delivered: {mail.error}"
    await add_entry(uow, contact_id=mail.contact_id, kind=KIND, text=text, at=uow.now, user_id=mail.user_id, data=data)
