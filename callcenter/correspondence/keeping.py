"""Keeping on a contact what was missing when somebody wrote to them: the e-mail address, the fax number."""

from callcenter.contacts import rows
from callcenter.contacts import service as contacts
from callcenter.correspondence.permitted import Channel
from callcenter.db import UnitOfWork
from callcenter.users.service import audit


async def keep(uow: UnitOfWork, contact_id: int, channel: Channel, address: str) -> None:
    """Store an address (of a fax the number) on a contact the actor may change; one that is there already stays as it is."""
    contact = await contacts.changeable(uow, contact_id)
    if channel == "fax":
        await contacts.add_number(uow, contact, address, uow.database.settings.region, "office_fax")
        return
    if contact.email.casefold() == address.casefold():
        return
    contact.email = address
    contact.version += 1
    contact.updated_at = uow.now
    await uow.session.flush()
    organisation = contact.organisation.name if contact.organisation else ""
    await rows.index(uow, contact, organisation, [each.digits for each in contact.numbers])
    audit(uow, "contact.updated", "contact", contact.id, fields=["email"])
