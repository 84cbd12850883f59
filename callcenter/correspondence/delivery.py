"""What became of letters: what the mail server said, what came back later, what the fax gateway reported."""

from sqlalchemy import select

from callcenter.correspondence import entries
from callcenter.correspondence.models import Email
from callcenter.db import UnitOfWork
from callcenter.events import Notice
from callcenter.facts import Fact, MailOver
from callcenter.messages.models import Mail

CHANNELS = ("email", "fax")


async def react(uow: UnitOfWork, fact: Fact) -> None:
    """Write on the timeline that a letter was sent, or has failed, with the mail server's words (a reaction of Database)."""
    if not isinstance(fact, MailOver):
        return
    mail = await uow.session.get_one(Mail, fact.mail_id)
    if mail.about not in CHANNELS:
        return
    email = await uow.session.scalar(select(Email).where(Email.id == int(mail.about_id)).with_for_update())
    if email is not None:
        await enter(uow, email, "failed" if fact.failed else "sent", mail.error)


async def enter(uow: UnitOfWork, email: Email, state: str, words: str) -> None:
    """Let a letter be in a state, with the words of whoever said so."""
    email.state, email.error = state, words
    await entries.write(uow, email)
    entries.tell(uow, email)


async def returned(uow: UnitOfWork, email: Email, words: str) -> None:
    """Note that a letter came back after the mail server had taken it, and tell who wrote it."""
    if email.state == "failed":
        return
    await enter(uow, email, "failed", words)
    sentence = "The e-mail to {address} could not be delivered ({reason})."
    if email.channel == "fax":
        sentence = "The fax to {address} could not be delivered ({reason})."
    if email.user_id is not None:
        values = {"address": email.address, "reason": words}
        uow.emit(Notice(level="danger", sentence=sentence, values=values, link=f"/emails/{email.id}"), [email.user_id])
