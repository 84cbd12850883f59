"""The one gate before anything is queued for a contact: every door that writes to customers passes here."""

from typing import Literal

from callcenter.contacts import consents
from callcenter.contacts.models import Contact
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid
from callcenter.projects.dialling import Rules, decide
from callcenter.projects.service import served

Channel = Literal["email", "fax"]


async def permitted(uow: UnitOfWork, contact: Contact, channel: Channel, address: str) -> str:
    """Return the address to write to (of a fax the number in E.164); raises when nobody may write to the contact there.

    Raises DoNotContact when the contact objected to e-mails (faxes).

    The contact is one the actor may see. A fax obeys the rules of calls of the actor's project: no emergency, premium or foreign
    number it does not allow, and in a marketing project only with the customer's consent. An e-mail belongs to no project.
    """
    if channel == "email":
        await consents.check(uow, channel, contact_id=contact.id)
        return address
    project = await served(uow, None) if uow.actor.user_id is not None else None
    await consents.check(uow, channel, contact_id=contact.id, purpose=project.purpose if project else "service")
    rules = Rules(
        region=project.region if project else uow.database.settings.region,
        by_hand=False,
        allow_premium=bool(project and project.allow_premium),
        foreign_countries=frozenset(project.foreign_countries if project else ()),
    )
    decision = decide(address, rules)
    if decision.kind == "emergency":
        raise Invalid("{number} is an emergency number. No fax goes there.", field="number", number=address[:40])
    if decision.kind == "short":
        raise Invalid("{number} is a short number. No fax can be sent to it from here.", field="number", number=decision.e164)
    if decision.refusal is not None:
        raise Invalid(decision.refusal.sentence, field="number", **decision.refusal.values)
    return decision.e164
