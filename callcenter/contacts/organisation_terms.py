"""What finds an organisation: its searchable text and the terms made of it, kept beside it by whatever writes it.

As with contacts (search.py; docs/decisions/0004-search.md): the name from each of its words on, each other word (city,
e-mail), and every end of each number. The mapper writes the terms with the row, so that no door can forget them; only
bulk inserts, which no mapper sees, call `values` and `terms_of`.
"""

from collections.abc import Iterable, Set
from typing import Any

from sqlalchemy import Connection, bindparam, delete, event, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapper

from callcenter.contacts import search, text
from callcenter.contacts.models import Organisation, OrganisationTerm

_ADD = {each.dialect.name: each.insert(OrganisationTerm).on_conflict_do_nothing() for each in (sqlite, postgresql)}
_TABLE = OrganisationTerm.__table__
_DROP = delete(OrganisationTerm).where(_TABLE.c.term == bindparam("gone"), _TABLE.c.organisation_id == bindparam("of"))


def sort_words(name: str) -> str:
    """Return the folded words of a name, which its own terms begin with."""
    return " ".join(text.words(name))


def searchable(name: str, city: str = "", email: str = "", digits: Iterable[str] = ()) -> str:
    """Return an organisation's searchable text: its name's words, then the others, then its numbers."""
    return search.folded(sort_words(name), city, email, digits)


def terms(name: str, searched: str) -> set[str]:
    """Return the terms of an organisation, from its name and searchable text."""
    return {each for each in search.terms(sort_words(name), searched) if each}


def index(organisation: Organisation) -> None:
    """Set the searchable text of an organisation whose numbers are loaded; the flush writes its terms."""
    digits = [each.digits for each in organisation.numbers]
    organisation.searchable = searchable(organisation.name, organisation.city, organisation.email, digits)


@event.listens_for(Organisation, "before_insert")
def _fill(_mapper: Mapper[Any], _connection: Connection, target: Organisation) -> None:
    """Let an organisation made of a name alone be found by it."""
    if not target.searchable:
        target.searchable = searchable(target.name, target.city or "", target.email or "")


@event.listens_for(Organisation, "after_insert")
def _inserted(_mapper: Mapper[Any], connection: Connection, target: Organisation) -> None:
    _write(connection, target.id, set(), terms(target.name, target.searchable))


@event.listens_for(Organisation, "after_update")
def _updated(_mapper: Mapper[Any], connection: Connection, target: Organisation) -> None:
    state = inspect(target)
    before = {}
    for name in ("name", "searchable"):
        history = state.attrs[name].history
        before[name] = history.deleted[0] if history.deleted else getattr(target, name)
    _write(connection, target.id, terms(**_named(before)), terms(target.name, target.searchable))


@event.listens_for(Organisation, "after_delete")
def _deleted(_mapper: Mapper[Any], connection: Connection, target: Organisation) -> None:
    _write(connection, target.id, terms(target.name, target.searchable), set())


def _named(before: dict[str, str]) -> dict[str, str]:
    return {"name": before["name"], "searched": before["searchable"]}


def _write(connection: Connection, organisation_id: int, before: Set[str], after: Set[str]) -> None:
    gone = [{"gone": term, "of": organisation_id} for term in sorted(before - after)]
    come = [{"term": term, "organisation_id": organisation_id} for term in sorted(after - before)]
    if gone:
        connection.execute(_DROP, gone)
    if come:
        connection.execute(_ADD[connection.dialect.name], come)
