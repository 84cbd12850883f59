"""What became of e-mails to a contact, on their timeline."""

from callcenter.contacts.timeline import add_entry
from callcenter.db import UnitOfWork
from callcenter.facts import Fact, MailOver
from callcenter.messages.models import Mail

KIND = "mail"  # of timeline entries


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
