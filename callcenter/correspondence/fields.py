"""What templates may read: plain values of the contact, its organisation, the person who writes, and their project."""

from typing import Any

from sqlalchemy import select

from callcenter.contacts import service as contacts
from callcenter.contacts.field_models import CustomField, CustomOption, CustomValue
from callcenter.contacts.models import Contact, Organisation
from callcenter.db import UnitOfWork
from callcenter.projects import service as projects
from callcenter.projects.models import Project
from callcenter.users.models import User

_CONTACT = ("first_name", "last_name", "email", "address1", "address2", "postcode", "city", "province", "country")
_ORGANISATION = ("name", "email", "website", "address1", "address2", "postcode", "city", "province", "country")
_CHOSEN = ("position", "stage", "source", "segment")
_PROJECT = ("name", "caller_id")

Values = dict[str, Any]


async def known(uow: UnitOfWork) -> Values:
    """Return every field there is, without anybody's values: what a template is checked against."""
    values = _values(None, None, None, None)
    for field in await uow.session.scalars(select(CustomField)):
        values["contact"]["custom"][field.key] = [] if field.kind == "choices" else ""
    return values


async def of_contact(uow: UnitOfWork, contact_id: int) -> Values:
    """Return the values for a letter of the actor to a contact they may see."""
    return await of_whom(uow, contact_id, await projects.served(uow, None) if uow.actor.user_id is not None else None)


async def of_whom(uow: UnitOfWork, contact_id: int | None, project: Project | None) -> Values:
    """Return the values for a contact the actor may see, or for nobody's: with the actor and a project."""
    contact = None if contact_id is None else await contacts.get_contact(uow, contact_id)
    user = None if uow.actor.user_id is None else await uow.session.get(User, uow.actor.user_id)
    organisation_id = contact.organisation_id if contact else None
    organisation = None if organisation_id is None else await uow.session.get(Organisation, organisation_id)
    values = _values(contact, organisation, user, project)
    values["contact"]["custom"] = (await known(uow))["contact"]["custom"]
    if contact_id is not None:
        values["contact"]["custom"] |= await _custom(uow, contact_id)
    return values


def _values(contact: Contact | None, organisation: Organisation | None, user: User | None, project: Project | None) -> Values:
    chosen = {name: entry.name if contact and (entry := getattr(contact, name)) else "" for name in _CHOSEN}
    numbers = [each.shown for each in contact.numbers] if contact else []
    own: Values = {
        **_plain(contact, _CONTACT),
        **chosen,
        "name": contact.name if contact else "",
        "number": numbers[0] if numbers else "",
        "numbers": numbers,
        "tags": [each.name for each in contact.tags] if contact else [],
        "custom": {},
    }
    preferences = user.preferences if user else {}
    person = {"name": user.name if user else "", "signature": str(preferences.get("signature", ""))}
    return {
        "contact": own,
        "organisation": _plain(organisation, _ORGANISATION),
        "user": person,
        "project": _plain(project, _PROJECT),
    }


def _plain(row: Contact | Organisation | Project | None, names: tuple[str, ...]) -> Values:
    return {name: str(getattr(row, name) or "") if row is not None else "" for name in names}


async def _custom(uow: UnitOfWork, contact_id: int) -> Values:
    """Return a contact's own fields by key: text, number, date (ISO), yes/no, one word or several."""
    query = (
        select(CustomField.key, CustomField.kind, CustomValue, CustomOption.name)
        .join(CustomValue, CustomValue.field_id == CustomField.id)
        .outerjoin(CustomOption, CustomOption.id == CustomValue.option_id)
        .where(CustomValue.contact_id == contact_id)
        .order_by(CustomField.id, CustomOption.place, CustomOption.id)
    )
    found: Values = {}
    for key, kind, value, option in await uow.session.execute(query):
        match kind:
            case "number":
                found[key] = value.number
            case "date":
                found[key] = value.day.isoformat() if value.day else ""
            case "yes_no":
                found[key] = bool(value.number)
            case "choices":
                found.setdefault(key, []).append(option or value.text)
            case "choice":
                found[key] = option or value.text
            case _:
                found[key] = value.text
    return found
