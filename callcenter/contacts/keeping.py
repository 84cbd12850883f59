"""What is asked for on the way and kept on the contact for good (S8, S10): a number, an e-mail address, tags."""

import re
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from sqlalchemy import select

from callcenter.contacts import dictionaries, rows, text
from callcenter.contacts.forms import NumberInput, NumberType
from callcenter.contacts.models import Contact, Number, Organisation
from callcenter.contacts.service import changeable
from callcenter.contacts.timeline import add_entry
from callcenter.contacts.visibility import organisations_visible_to, visible_to
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid
from callcenter.messages import addresses
from callcenter.users.service import audit

Purpose = Literal["call", "text", "fax"]

FAXES = ("home_fax", "office_fax")
MOST_NUMBERS = 20
MOST_TAGS = 50
_MOST_NAMED = 3
_LONGEST_SHORT = 6  # internal numbers, as in numbers.py
_BETWEEN = re.compile(r"[;,/|\n]")  # what people write between two numbers
_FEWEST_DIGITS = 7  # of a whole number; fewer after such a mark are an extension


class Kept(NamedTuple):
    """A number that is on the contact now, and who else has it, as far as the actor may see them (at most three)."""

    number: Number
    others: list[str]


async def keep_number(uow: UnitOfWork, contact_id: int, kind: NumberType, typed: str, purpose: Purpose) -> Kept:
    """Store a number on a contact, to be called, written to or faxed to; one it has already is only returned.

    Raises Invalid (field number, or type) for what is not one number, or none that serves the purpose.
    """
    if purpose != "fax" and kind in FAXES:
        raise Invalid("A fax number is not for calls and text messages. Choose another kind of number.", field="type")
    contact = await _locked(uow, contact_id)
    wanted = _read(typed, kind, uow.database.settings.region)
    if purpose == "text" and not wanted.takes_texts:
        raise Invalid("{number} takes no text messages: a mobile number is needed.", field="number", number=typed)
    same = next((each for each in contact.numbers if _key(each) == _key(wanted)), None)
    if same is None:
        if len(contact.numbers) >= MOST_NUMBERS:
            raise Conflict("A contact has at most {most} numbers. Take one away first.", most=MOST_NUMBERS)
        before = _shown(contact)
        contact.numbers.append(wanted)
        await _changed(uow, contact, "numbers", before, _shown(contact))
    return Kept(same or wanted, await _others(uow, contact, wanted))


async def keep_email(uow: UnitOfWork, contact_id: int, email: str) -> Contact:
    """Store the e-mail address of a contact that has none; raises Conflict when there is another one."""
    found = addresses.checked(email)
    contact = await _locked(uow, contact_id)
    if contact.email and contact.email != found:
        raise Conflict("This contact has an e-mail address already: {email}. Change it on the contact.", email=contact.email)
    if not contact.email:
        contact.email = found
        await _changed(uow, contact, "email", "", found)
    return contact


async def set_tags(uow: UnitOfWork, contact_id: int, names: Iterable[str], was: Iterable[str] | None = None) -> Contact:
    """Give a contact these tags (words of the dictionary).

    `was`: the tags that were seen when this was chosen; what another person added or took away since then stays so.
    Raises Invalid for a word that may not be chosen, and for more than 50.
    """
    contact = await _locked(uow, contact_id)
    wanted = {text.fold(each): each for each in names}
    before = [each.name for each in contact.tags]
    if was is not None:
        wanted = _merged(wanted, {text.fold(each): each for each in before}, {text.fold(each) for each in was})
    if len(wanted) > MOST_TAGS:
        raise Invalid("A contact has at most {most} tags.", field="tags", most=MOST_TAGS)
    chosen = await dictionaries.chosen(uow, "tag", wanted.values(), contact.tags)
    if {each.id for each in chosen} != {each.id for each in contact.tags}:
        contact.tags = sorted(chosen, key=lambda each: (each.place, each.id))
        await _changed(uow, contact, "tags", before, [each.name for each in contact.tags])
    return contact


def _merged(wanted: dict[str, str], now: dict[str, str], seen: set[str]) -> dict[str, str]:
    """Return what is there now without what the person took away, and with what they added."""
    kept = {key: name for key, name in now.items() if key in wanted or key not in seen}
    return kept | {key: name for key, name in wanted.items() if key not in seen}


async def _locked(uow: UnitOfWork, contact_id: int) -> Contact:
    """Return the contact to be changed, its row locked first: of two people the second sees what the first did."""
    await uow.session.execute(select(Contact.id).where(Contact.id == contact_id).with_for_update())
    return await changeable(uow, contact_id)


async def _changed(uow: UnitOfWork, contact: Contact, field: str, before: Any, after: Any) -> None:
    contact.version += 1
    contact.updated_at = uow.now
    await uow.session.flush()
    organisation = contact.organisation.name if contact.organisation else ""
    await rows.index(uow, contact, organisation, [each.digits for each in contact.numbers])
    audit(uow, "contact.updated", "contact", contact.id, fields=[field])
    data = {"fields": {field: [before, after]}, "names": {}}
    await add_entry(uow, contact_id=contact.id, kind="change", text="", at=uow.now, user_id=uow.actor.user_id, data=data)


def _read(typed: str, kind: NumberType, region: str) -> Number:
    if sum(sum(each.isdigit() for each in part) >= _FEWEST_DIGITS for part in _BETWEEN.split(typed)) > 1:
        raise Invalid("Type one number only: {number} looks like several.", field="number", number=typed)
    try:
        found = rows.read_numbers([NumberInput(type=kind, number=typed)], region)
    except Invalid as error:
        raise Invalid(error.sentence, field="number", **error.values) from error
    if not found:
        raise Invalid("Type the number.", field="number")
    number = found[0]
    if number.e164 is None and len(number.digits) > _LONGEST_SHORT:
        sentence = "{number} is not one complete telephone number. Numbers from abroad begin with + and the country's code."
        raise Invalid(sentence, field="number", number=typed)
    return number


def _key(number: Number) -> str:
    return number.e164 or number.digits


def _shown(contact: Contact) -> list[str]:
    return [each.shown for each in contact.numbers]


async def _others(uow: UnitOfWork, contact: Contact, number: Number) -> list[str]:
    """Return who else has the number: visible contacts, and organisations but the contact's own."""
    if number.e164 is None:
        return []
    people = visible_to(uow.actor).join(Number, Number.contact_id == Contact.id)
    people = people.where(Number.e164 == number.e164, Contact.id != contact.id).limit(_MOST_NAMED)
    firms = organisations_visible_to(uow.actor).join(Number, Number.organisation_id == Organisation.id)
    firms = firms.where(Number.e164 == number.e164, Organisation.id != (contact.organisation_id or 0)).limit(_MOST_NAMED)
    names = [each.name or "?" for each in await uow.session.scalars(people)]
    names += [each.name for each in await uow.session.scalars(firms)]
    return names[:_MOST_NAMED]
