"""Who may be there already: by number, by e-mail, by a similar name in the same organisation or city.

`similar` warns who adds a contact; `known` looks for a whole batch of an import at once. Pairs found in the background:
duplicate_scan.py. Nobody learns of a contact they may not see.
"""

from collections.abc import Collection, Iterable
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, and_, literal, select, true

from callcenter.contacts import numbers, search, text
from callcenter.contacts.alike import alike, turned
from callcenter.contacts.forms import Line, Name
from callcenter.contacts.many import one_of
from callcenter.contacts.models import Contact, Number, Organisation
from callcenter.contacts.visibility import may_change, may_see, visible_to
from callcenter.db import UnitOfWork

MOST = 5
_COMPARED = 300  # names looked at for one
_BEGINNING = 3  # letters that similar names of one city share

Reason = Literal["number", "email", "name"]


class Wanted(BaseModel):
    """What is known of somebody who may be there already."""

    model_config = ConfigDict(extra="forbid")
    first_name: Name = ""
    last_name: Name = ""
    organisation: Line = ""
    city: Name = ""
    email: Line = ""
    number: list[Name] = []


class Similar(NamedTuple):
    """Somebody who is there: `reason` says what is the same, `value` as it stands there."""

    contact_id: int
    name: str
    organisation: str
    reason: Reason
    value: str


async def similar(uow: UnitOfWork, wanted: Wanted, region: str, *, but: int | None = None) -> list[Similar]:
    """Return contacts the actor may see who may be this person, at most MOST, the surest first; `but` is left out."""
    found: dict[int, Similar] = {}
    parsed = [numbers.parse(each, region).e164 for each in wanted.number[:20]]
    if e164 := [each for each in parsed if each]:
        query = _shown(uow, Number.e164).join(Number, Number.contact_id == Contact.id).where(Number.e164.in_(e164))
        await _gather(uow, found, query, "number")
    if wanted.email:
        await _gather(uow, found, _shown(uow, Contact.email).where(Contact.email.in_(_spelled(wanted.email))), "email")
    name = search.sort_name(wanted.first_name, wanted.last_name)
    if name and len(found) < MOST:
        await _by_name(uow, found, name, wanted)
    return [each for each in found.values() if each.contact_id != but][:MOST]


def _shown(uow: UnitOfWork, value: Any) -> Select[Any]:
    query = visible_to(uow.actor).outerjoin(Organisation, Organisation.id == Contact.organisation_id)
    query = query.with_only_columns(Contact.id, Contact.first_name, Contact.last_name, Organisation.name, value)
    return query.limit(MOST + 1)


async def _gather(uow: UnitOfWork, found: dict[int, Similar], query: Select[Any], reason: Reason) -> None:
    for contact_id, first, last, organisation, value in await uow.session.execute(query):
        name = f"{first} {last}".strip() or organisation or ""
        found.setdefault(contact_id, Similar(contact_id, name, organisation or "", reason, value))


async def _by_name(uow: UnitOfWork, found: dict[int, Similar], name: str, wanted: Wanted) -> None:
    """Compare with names of the organisation, then with those of the city that begin alike."""
    compared = _shown(uow, Contact.sort_name).limit(_COMPARED)
    queries = []
    if company := text.fold(wanted.organisation):
        queries.append(compared.where(Organisation.folded == company))
    if wanted.city:
        for start in {name[:_BEGINNING], turned(name)[:_BEGINNING]}:
            begins = (Contact.sort_name >= start, Contact.sort_name < start + "\U0010ffff")
            queries.append(compared.where(*begins, Contact.city == wanted.city))
    for query in queries:
        for contact_id, first, last, organisation, there in await uow.session.execute(query):
            if alike(name, there):
                whole = f"{first} {last}".strip()
                found.setdefault(contact_id, Similar(contact_id, whole, organisation or "", "name", whole))


def _spelled(email: str) -> set[str]:
    return {email, email.lower()}


class Known(NamedTuple):
    """Who has what: contact ids by number, by e-mail and by (sorted name, organisation or city), and who may be changed."""

    numbers: dict[str, int]
    emails: dict[str, int]
    names: dict[tuple[str, str], int]
    changeable: set[int]
    organisations: set[str]  # numbers organisations have

    def of(self, row: dict[str, Any]) -> tuple[int, Reason] | None:
        """Return whom a staged row of an import means, and by what."""
        for number in row["numbers"]:
            if number[3] in self.numbers:
                return self.numbers[number[3]], "number"
        email = row["plain"].get("email", "")
        if email and email.lower() in self.emails:
            return self.emails[email.lower()], "email"
        for place in (row.get("organisation_folded"), text.fold(row["plain"].get("city", ""))):
            for name in (row["sort_name"], turned(row["sort_name"])):
                if place and (name, place) in self.names:
                    return self.names[name, place], "name"
        return None


async def known(uow: UnitOfWork, rows: Collection[dict[str, Any]]) -> Known:
    """Look for all rows of a batch at once: three statements, each on an index."""
    changeable: set[int] = set()
    e164 = {each[3] for row in rows for each in row["numbers"] if each[3]}
    found = Known({}, {}, {}, changeable, set())
    may = may_change(uow.actor)
    if e164:
        seen = and_(Contact.id == Number.contact_id, may_see(uow.actor)) if may_see(uow.actor) is not true() else None
        query = select(Number.e164, Number.contact_id, Number.organisation_id, (literal(1) if may is true() else may))
        if seen is not None or may is not true():
            query = query.outerjoin(Contact, seen if seen is not None else Contact.id == Number.contact_id)
            query = query.where(Number.organisation_id.is_not(None) | Contact.id.is_not(None))
        rows_found: Any = await uow.session.execute(query.where(one_of(uow, Number.e164, e164)))
        for number, contact_id, organisation_id, ok in rows_found:
            if organisation_id is not None:
                found.organisations.add(number)
            else:
                _note(found.numbers, number, contact_id, ok, changeable)
    emails = {each for row in rows if (email := row["plain"].get("email")) for each in _spelled(email)}
    if emails:
        query = (
            visible_to(uow.actor).where(one_of(uow, Contact.email, emails)).with_only_columns(Contact.email, Contact.id, _ok(may))
        )
        for email, contact_id, ok in await _rows(uow, query):
            _note(found.emails, email.lower(), contact_id, ok, changeable)
    await _names(uow, rows, found, _ok(may))
    return found


async def _names(uow: UnitOfWork, rows: Iterable[dict[str, Any]], found: Known, ok: Any) -> None:
    own = [row["sort_name"] for row in rows if row.get("organisation_folded") or row["plain"].get("city")]
    names = {each for name in own if len(name.split()) > 1 for each in (name, turned(name))}
    if not names:
        return
    query = visible_to(uow.actor).outerjoin(Organisation, Organisation.id == Contact.organisation_id)
    query = query.with_only_columns(Contact.sort_name, Contact.id, Contact.city, Organisation.folded, ok)
    for name, contact_id, city, organisation, may in await _rows(uow, query.where(one_of(uow, Contact.sort_name, names))):
        for place in (organisation, text.fold(city)):
            if place:
                _note(found.names, (name, place), contact_id, may, found.changeable)


async def _rows(uow: UnitOfWork, query: Any) -> Any:
    return (await uow.session.execute(query)).all()


def _ok(may: Any) -> Any:
    return literal(1) if may is true() else may


def _note(table: dict[Any, int], key: Any, contact_id: int, ok: Any, changeable: set[int]) -> None:
    table[key] = min(contact_id, table.get(key, contact_id))  # the oldest
    if ok:
        changeable.add(contact_id)
