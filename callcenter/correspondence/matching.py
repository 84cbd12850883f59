"""Whose an e-mail is: what it answers, else who has its sender's address; and a person's word on it."""

import re
from typing import NamedTuple

from sqlalchemy import delete, func, select

from callcenter.config import Settings
from callcenter.contacts import service as contacts
from callcenter.contacts import text
from callcenter.contacts.models import Contact, ContactTerm
from callcenter.contacts.search import LONGEST_TERM
from callcenter.correspondence import entries, keeping, rows
from callcenter.correspondence.models import Email, EmailCandidate
from callcenter.correspondence.reading import Reading
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict
from callcenter.users.service import audit

MOST_CANDIDATES = 20
_TELLING = 4  # letters of a word that few have
_MOST_OTHERS = 500  # earlier e-mails that go along
_FAILED = re.compile(
    r"fail|error|undeliver|not (?:be )?(?:sent|delivered)|niepowodz|nie (?:dostarcz|wysłan|doręcz)|błąd|bled", re.I
)
_DELIVERED = re.compile(r"success|delivered|has been sent|was sent|sent ok|powodzeni|dostarczon|doręczon|wysłan", re.IGNORECASE)


class Match(NamedTuple):
    """What an e-mail answers (ours), whose it is, and who may have sent it when that is not sure."""

    answered: Email | None
    contact_id: int | None
    candidates: list[int]


async def match(uow: UnitOfWork, reading: Reading) -> Match:
    """Find whose an e-mail is. Several who have the address: it belongs to none of them until somebody says to whom."""
    answered = await _answered(uow, reading.parents) or await _fax_report(uow, reading)
    if answered is not None and answered.contact_id is not None:
        return Match(answered, answered.contact_id, [])
    found = await with_address(uow, reading.address) if reading.kind != "bounce" else []
    return Match(answered, found[0] if len(found) == 1 else None, found if len(found) > 1 else [])


async def with_address(uow: UnitOfWork, address: str) -> list[int]:
    """Return the ids of contacts that have an e-mail address, in any case of letters."""
    local, _, domain = address.rpartition("@")
    own, of_domain = (max(text.words(each), key=len, default="")[:LONGEST_TERM] for each in (local, domain))
    if not own:
        return []
    query = select(Contact.id).where(func.lower(Contact.email) == address.lower())
    for word in (own, of_domain) if len(own) < _TELLING else (own,):  # by the search's index: a term begins with each word
        begins = (ContactTerm.term >= word, ContactTerm.term < word + "\U0010ffff")
        query = query.where(Contact.id.in_(select(ContactTerm.contact_id).where(*begins)))
    return list(await uow.session.scalars(query.order_by(Contact.id).limit(MOST_CANDIDATES)))


def verdict(reading: Reading) -> str:
    """Return what a fax gateway's report says of a fax: delivered, failed, "" when that cannot be told."""
    if reading.report is not None:
        return {"failed": "failed", "delivered": "delivered"}.get(reading.report.action, "")
    said = f"{reading.subject}\n{reading.text[:500]}"
    if _FAILED.search(said):
        return "failed"
    return "delivered" if _DELIVERED.search(said) else ""


async def assign(uow: UnitOfWork, email_id: int, contact_id: int | None, *, keep_address: bool = False) -> Email:
    """Say whose an e-mail that came is (None: nobody's who is known); its line goes to that timeline.

    What else came from this address and belongs to nobody goes along. `keep_address` stores it on the contact, whom the actor
    must be allowed to change. Raises Conflict for one of our own.
    """
    email = await rows.one(uow, email_id)
    if email.outbound:
        raise Conflict("This e-mail was sent from here.")
    together = [email]
    if contact_id is not None:
        await contacts.get_contact(uow, contact_id)
        together += await _others(uow, email)
        if keep_address and email.address:
            await keeping.keep(uow, contact_id, "email", email.address)
    for each in together:
        each.contact_id = contact_id
        await uow.session.execute(delete(EmailCandidate).where(EmailCandidate.email_id == each.id))
        await entries.write(uow, each, len((await rows.files_of(uow, [each.id]))[each.id]))
    audit(uow, "email.assigned", "email", email.id, contact_id=contact_id)
    return email


async def _answered(uow: UnitOfWork, parents: list[str]) -> Email | None:
    """Return the newest of ours that is named."""
    if not parents:
        return None
    query = select(Email).where(Email.message_id.in_(parents), Email.message_id != "", Email.outbound)
    return await uow.session.scalar(query.order_by(Email.id.desc()).limit(1).with_for_update(of=Email))


async def _fax_report(uow: UnitOfWork, reading: Reading) -> Email | None:
    """Return the fax a gateway's mail is about, by the number in it, where only one is on its way to that number."""
    settings = uow.database.settings
    if not from_gateway(settings, reading.address):
        return None
    said = re.sub(r"[\s().\-/]", "", f"{reading.subject} {reading.text[:2000]}")
    waiting = select(Email).where(Email.channel == "fax", Email.outbound, Email.state.in_(("queued", "sent")))
    found = [
        each for each in await uow.session.scalars(waiting.order_by(Email.id.desc()).limit(200)) if each.address[-9:] in said
    ]
    return found[0] if len({each.address for each in found}) == 1 and len(found) == 1 else None


def from_gateway(settings: Settings, address: str) -> bool:
    """Tell whether an address is of the fax gateway."""
    gateway = settings.fax_gateway.rpartition("@")[2].lower()
    return bool(gateway) and address.rpartition("@")[2].lower() == gateway


async def _others(uow: UnitOfWork, email: Email) -> list[Email]:
    if not email.address:
        return []
    query = select(Email).where(Email.address == email.address, Email.id != email.id, Email.contact_id.is_(None), ~Email.outbound)
    query = query.where(rows.visible(uow)).order_by(Email.id.desc()).limit(_MOST_OTHERS)
    return list(await uow.session.scalars(query.with_for_update(of=Email)))
