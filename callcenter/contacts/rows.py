"""From what was typed to rows: numbers read and deduplicated, names folded, search terms written."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, insert, select

from callcenter.contacts import numbers, search, text
from callcenter.contacts.forms import ContactInput, NumberInput
from callcenter.contacts.models import Contact, ContactTerm, Number, Organisation
from callcenter.db import UnitOfWork
from callcenter.errors import Invalid

LONGEST_NUMBER = numbers.LONGEST + 2  # with 00 before it


def read_numbers(typed: Iterable[NumberInput], region: str) -> list[Number]:
    """Return rows for numbers as typed, each number once, empty ones left out.

    Short internal numbers and ones that are valid nowhere are kept as typed, with no E.164 form; raises Invalid for
    what cannot be dialled at all.
    """
    found: dict[str, Number] = {}
    for each in typed:
        parsed = numbers.parse(each.number, region)
        if parsed.kind == "empty":
            continue
        if parsed.kind in ("alphanumeric", "withheld") or not parsed.digits:
            raise Invalid("{number} is not a telephone number.", field="numbers", number=each.number)
        if len(parsed.digits) > LONGEST_NUMBER:
            raise Invalid("{number} is too long for a telephone number.", field="numbers", number=each.number)
        key = f"{parsed.digits};{parsed.extension}"
        found.setdefault(
            key, Number(type=each.type, raw=each.number, digits=parsed.digits, e164=parsed.e164, last_nine=parsed.last_nine)
        )
    return list(found.values())


def merge_numbers(kept: list[Number], wanted: list[Number]) -> None:
    """Make `kept` (a loaded relationship) equal `wanted`, leaving rows that stay the same as they are."""
    same = {(each.type, each.raw, each.e164): each for each in kept}
    kept[:] = [same.get((each.type, each.raw, each.e164), each) for each in wanted]


def fill(contact: Contact, data: ContactInput) -> None:
    """Put the plain fields of `data` into a contact."""
    contact.first_name, contact.last_name = data.first_name, data.last_name
    contact.position, contact.email, contact.note = data.position, data.email, data.note


def searchable(contact: Contact, organisation: str, digits: Iterable[str]) -> tuple[str, str]:
    """Return what `sort_name` and `folded` of a contact must be; without a name it is sorted by its organisation."""
    name = search.sort_name(contact.first_name, contact.last_name) or search.sort_name("", organisation)
    return name, search.folded(name, organisation, contact.email, digits)


async def index(uow: UnitOfWork, contact: Contact, organisation: str, digits: Iterable[str]) -> None:
    """Bring a stored contact's search text and terms up to date."""
    before = search.terms(contact.sort_name, contact.folded)
    contact.sort_name, contact.folded = searchable(contact, organisation, digits)
    after = search.terms(contact.sort_name, contact.folded)
    await drop_terms(uow, [(term, contact.id) for term in before - after])
    if after - before:
        await uow.session.execute(
            insert(ContactTerm), [{"term": term, "contact_id": contact.id} for term in sorted(after - before)]
        )


async def drop_terms(uow: UnitOfWork, gone: Iterable[tuple[str, int]]) -> None:
    """Delete terms of contacts, each by its key: of a list of pairs SQLite would make a walk through the whole table."""
    table = ContactTerm.__table__
    one = delete(ContactTerm).where(table.c.term == bindparam("a_term"), table.c.contact_id == bindparam("of_contact"))
    parameters = [{"a_term": term, "of_contact": contact_id} for term, contact_id in gone]
    if parameters:
        await (await uow.session.connection()).execute(one, parameters)


async def organisation_named(uow: UnitOfWork, name: str, import_id: int | None = None) -> Organisation | None:
    """Return the organisation of that name (folded), made when there is none; None for no name."""
    folded = text.fold(name)
    if not folded:
        return None
    found = await uow.session.scalar(select(Organisation).where(Organisation.folded == folded).order_by(Organisation.id).limit(1))
    if found is None:
        found = Organisation(name=name, folded=folded, created_at=uow.now, import_id=import_id)
        uow.session.add(found)
        await uow.session.flush()
    return found
