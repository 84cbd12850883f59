"""From what was typed to rows: numbers read and deduplicated, names folded, search terms written."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select

from callcenter.contacts import dictionaries, field_models, inserting, numbers, organisation_terms, search, text
from callcenter.contacts.forms import ContactInput, NumberInput
from callcenter.contacts.models import Contact, ContactTerm, Number, Organisation, OrganisationManager
from callcenter.contacts.rights import Extent, extent
from callcenter.contacts.visibility import organisations_changeable_by
from callcenter.db import UnitOfWork
from callcenter.errors import Conflict, Invalid, NotPermitted

PLAIN = ("first_name", "last_name", "email", "note", "address1", "address2", "postcode", "city", "province", "country")
CHOSEN = field_models.CHOSEN  # one word of each dictionary
_BETWEEN = re.compile(r"[;,|/\n]|\s(?:or|lub|i|oraz|and)\s", re.IGNORECASE)
_WHOLE = 7  # digits at least of a number that is no extension
LONGEST_NUMBER = numbers.LONGEST + 2  # with 00 before it


class Digits(NamedTuple):
    """A number as it will be stored: the columns of models.Number."""

    type: str
    raw: str
    digits: str
    e164: str | None
    last_nine: str | None


def read_numbers(typed: Iterable[NumberInput], region: str) -> list[Number]:
    """Return rows for numbers as typed; see read_digits."""
    return [Number(**each._asdict()) for each in read_digits(typed, region)]


def read_digits(typed: Iterable[NumberInput], region: str) -> list[Digits]:
    """Return numbers as typed, each number once, empty ones left out.

    Short internal numbers and ones that are valid nowhere are kept as typed, with no E.164 form; raises Invalid for
    what cannot be dialled at all. Several whole numbers typed into one field become several.
    """
    found: dict[str, Digits] = {}
    for each in (one for several in typed for one in _apart(several)):
        parsed = numbers.read(each.number, region)
        if parsed.kind == "empty":
            continue
        if parsed.kind in ("alphanumeric", "withheld") or not parsed.digits:
            raise Invalid("{number} is not a telephone number.", field="numbers", number=each.number)
        if len(parsed.digits) > LONGEST_NUMBER:
            raise Invalid("{number} is too long for a telephone number.", field="numbers", number=each.number)
        key = f"{parsed.digits};{parsed.extension}"
        found.setdefault(key, Digits(each.type, each.number, parsed.digits, parsed.e164, parsed.last_nine))
    return list(found.values())


def _apart(typed: NumberInput) -> list[NumberInput]:
    """Take numbers typed into one field apart; a short part is an extension, or a rest of the number before it."""
    parts = [each.strip() for each in _BETWEEN.split(typed.number)]
    if len(parts) < 2 or any(sum(letter.isdigit() for letter in each) < _WHOLE for each in parts):
        return [typed]
    return [NumberInput(type=typed.type, number=each) for each in parts]


def merge_numbers(kept: list[Number], wanted: list[Number]) -> None:
    """Make `kept` (a loaded relationship) equal `wanted`, leaving rows that stay the same as they are."""
    same = {(each.type, each.raw, each.e164): each for each in kept}
    kept[:] = [same.get((each.type, each.raw, each.e164), each) for each in wanted]


def fill(contact: Contact, data: ContactInput) -> None:
    """Put the plain fields of `data` into a contact."""
    for name in PLAIN:
        setattr(contact, name, getattr(data, name))


async def choose(uow: UnitOfWork, contact: Contact, data: ContactInput) -> None:
    """Put what `data` chose from the dictionaries into a contact (loaded: those words, and tags where tags are given)."""
    for kind in CHOSEN:
        now = getattr(contact, kind)
        found = await dictionaries.chosen(uow, kind, [getattr(data, kind)], [now] if now else [])
        setattr(contact, kind, found[0] if found else None)
    if data.tags is not None:
        contact.tags = await dictionaries.chosen(uow, "tag", data.tags, contact.tags)


def searchable(contact: Contact, organisation: str, digits: Iterable[str]) -> tuple[str, str]:
    """Return what `sort_name` and `folded` of a contact must be; without a name it is sorted by its organisation."""
    name = search.sort_name(contact.first_name, contact.last_name) or search.sort_name("", organisation)
    return name, search.folded(name, organisation, contact.email, digits)


async def index(uow: UnitOfWork, contact: Contact, organisation: str, digits: Iterable[str]) -> None:
    """Bring a stored contact's search text and terms up to date."""
    await write_terms(uow, [(contact, *reindexed(contact, organisation, digits))])


def reindexed(contact: Contact, organisation: str, digits: Iterable[str]) -> tuple[set[str], set[str]]:
    """Set a contact's search text; returns its terms before and after, for write_terms."""
    before = search.terms(contact.sort_name, contact.folded)
    contact.sort_name, contact.folded = searchable(contact, organisation, digits)
    return before, search.terms(contact.sort_name, contact.folded)


async def write_terms(uow: UnitOfWork, changed: Iterable[tuple[Contact, set[str], set[str]]]) -> None:
    """Store the terms of contacts with what they were and what they are, all in two statements."""
    changed = list(changed)
    await drop_terms(uow, [(term, contact.id) for contact, before, after in changed for term in before - after])
    come = sorted((term, contact.id) for contact, before, after in changed for term in after - before)
    await inserting.insert_terms(uow, come)


async def drop_terms(uow: UnitOfWork, gone: Iterable[tuple[str, int]]) -> None:
    """Delete terms of contacts, each by its key: of a list of pairs SQLite would make a walk through the whole table."""
    table = ContactTerm.__table__
    one = delete(ContactTerm).where(table.c.term == bindparam("a_term"), table.c.contact_id == bindparam("of_contact"))
    parameters = [{"a_term": term, "of_contact": contact_id} for term, contact_id in gone]
    if parameters:
        await (await uow.session.connection()).execute(one, parameters)


async def organisation_named(
    uow: UnitOfWork,
    name: str,
    import_id: int | None = None,
    account_type: str = "customer",
    current: Organisation | None = None,
) -> Organisation | None:
    """Return the organisation of that name (folded), made when there is none; None for no name. `current` stays when it fits.

    Raises NotPermitted for one the actor may not see. It is held until the commit, so that a contact that joins it has
    the type it has then. Who changes only the accounts they manage becomes the manager of a new one.
    """
    folded = text.fold(name)
    if not folded:
        return None
    if current is not None and current.folded == folded:
        return current
    same = select(Organisation.id).where(Organisation.folded == folded).order_by(Organisation.id).limit(1)
    found = await uow.session.scalar(same)
    if found is not None:
        return await joinable(uow, found)
    searched = organisation_terms.searchable(name)
    made = Organisation(name=name, folded=folded, searchable=searched, type=account_type, created_at=uow.now, import_id=import_id)
    uow.session.add(made)
    await uow.session.flush()
    await keep_managed(uow, made)
    return made


async def joinable(uow: UnitOfWork, organisation_id: int) -> Organisation:
    """Return an organisation that contacts may join now, held until the commit; raises NotPermitted, Conflict."""
    held = select(Organisation.id).where(Organisation.id == organisation_id).with_for_update(read=True)
    await uow.session.execute(held)
    own = organisations_changeable_by(uow.actor).where(Organisation.id == organisation_id)
    found = await uow.session.scalar(own.execution_options(populate_existing=True))
    if found is None:  # to join it is to change it; whether one may see it is not told
        raise NotPermitted("Your account roles do not let you add contacts to this organisation.")
    if found.leaving_at is not None:
        raise Conflict("{name} is being deleted or merged just now.", name=found.name)
    return found


async def keep_managed(uow: UnitOfWork, organisation: Organisation) -> None:
    """Make the actor manager of a new organisation if that is what lets them change it."""
    if extent(uow.actor, organisation.type, change=True) == Extent.MANAGED:
        uow.session.add(OrganisationManager(user_id=uow.actor.id, organisation_id=organisation.id))
        await uow.session.flush()
