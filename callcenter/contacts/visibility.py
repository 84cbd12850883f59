"""Which contacts and organisations somebody may see and change: where every query on them starts. The table: rights.py.

An account is managed by its own managers; an organisation's contacts by those of the organisation, too.
What else tells of an account (a call, a text message, a phone meeting) asks `hidden` before it is shown to the actor, and
`blind` before it is told to others; neither asks the database anything for who sees all (decisions/0014-account-rights.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, literal, or_, select, true, union
from sqlalchemy.orm import InstrumentedAttribute

from callcenter.actor import AccountRole, Actor, Role
from callcenter.contacts.models import ACCOUNT_TYPES, Contact, ContactManager, Organisation, OrganisationManager
from callcenter.contacts.rights import Extent, extent
from callcenter.db import UnitOfWork
from callcenter.errors import NotPermitted
from callcenter.users.models import User

_VIEWERS = "account_viewers"  # in Session.info: other people as far as their account roles go, by id


def visible_to(actor: Actor) -> Select[Contact]:
    """Return the query of all contacts the actor may see."""
    return select(Contact).where(*_conditions(may_see(actor)))


def changeable_by(actor: Actor) -> Select[Contact]:
    """Return the query of all contacts the actor may change."""
    return select(Contact).where(*_conditions(may_change(actor)))


def organisations_visible_to(actor: Actor) -> Select[Organisation]:
    """Return the query of all organisations the actor may see."""
    return select(Organisation).where(*_conditions(may_see_organisation(actor)))


def organisations_changeable_by(actor: Actor) -> Select[Organisation]:
    """Return the query of all organisations the actor may change."""
    return select(Organisation).where(*_conditions(may_change_organisation(actor)))


def may_see(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that `Contact` is one the actor may see; SQL's true for who sees all."""
    return _allowed(actor, False, Contact.type, manages_contact)


def may_change(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that `Contact` is one the actor may change."""
    return _allowed(actor, True, Contact.type, manages_contact)


def may_see_organisation(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that `Organisation` is one the actor may see."""
    return _allowed(actor, False, Organisation.type, manages_organisation)


def may_change_organisation(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that `Organisation` is one the actor may change."""
    return _allowed(actor, True, Organisation.type, manages_organisation)


def sees_all(actor: Actor) -> bool:
    """Tell whether no account is hidden from the actor, so that nothing need be asked."""
    return all(extent(actor, each) == Extent.ALL for each in ACCOUNT_TYPES)


def sees_some(actor: Actor) -> bool:
    """Tell whether the actor has any account role at all: without one the contacts' pages are not for them (S16)."""
    return any(extent(actor, each) for each in ACCOUNT_TYPES)


def require_some(actor: Actor) -> None:
    """Raise NotPermitted for who has no account role: the module is not for them, an empty list would say otherwise (S16)."""
    if not sees_some(actor):
        raise NotPermitted(
            "You have no access to contacts and organisations. An administrator gives account roles on the page Users."
        )


def manages_contact(user_id: int) -> ColumnElement[bool]:
    """Return the condition that a user manages `Contact`, or its organisation."""
    own = exists().where(ContactManager.user_id == user_id, ContactManager.contact_id == Contact.id)
    of_organisation = exists().where(
        OrganisationManager.user_id == user_id, OrganisationManager.organisation_id == Contact.organisation_id
    )
    return or_(own.correlate(Contact), of_organisation.correlate(Contact))


def manages_organisation(user_id: int) -> ColumnElement[bool]:
    """Return the condition that a user manages `Organisation`."""
    own = exists().where(OrganisationManager.user_id == user_id, OrganisationManager.organisation_id == Organisation.id)
    return own.correlate(Organisation)


@dataclass(frozen=True, slots=True)
class Hidden:
    """Contacts and organisations somebody may not see, of those that were asked about."""

    contacts: frozenset[int] = frozenset()
    organisations: frozenset[int] = frozenset()

    def covers(self, contact_id: int | None, organisation_id: int | None = None) -> bool:
        """Tell whether what belongs to the contact, or to the organisation where there is no contact, is hidden."""
        return contact_id in self.contacts if contact_id is not None else organisation_id in self.organisations


_NOTHING = Hidden()


async def hidden(
    uow: UnitOfWork, contacts: Iterable[int | None] = (), organisations: Iterable[int | None] = (), *, actor: Actor | None = None
) -> Hidden:
    """Return which of these the actor (`actor`, else the unit of work's) may not see; those that are gone are hidden, too.

    One statement, and none for who sees all or when nothing is asked about.
    """
    actor = actor or uow.actor
    if sees_all(actor):
        return _NOTHING
    people, firms = ({each for each in given if each is not None} for given in (contacts, organisations))
    parts = []
    if people:
        parts.append(select(literal("contact"), Contact.id).where(Contact.id.in_(sorted(people)), may_see(actor)))
    if firms:
        seen = select(literal("organisation"), Organisation.id)
        parts.append(seen.where(Organisation.id.in_(sorted(firms)), may_see_organisation(actor)))
    if not parts:
        return _NOTHING
    found = {(kind, found_id) for kind, found_id in await uow.session.execute(union(*parts))}
    return Hidden(
        frozenset(each for each in people if ("contact", each) not in found),
        frozenset(each for each in firms if ("organisation", each) not in found),
    )


async def blind(
    uow: UnitOfWork, user_ids: Iterable[int], contact_id: int | None, organisation_id: int | None = None
) -> frozenset[int]:
    """Return which of these people may not see whom something belongs to (as Hidden.covers): what they are told leaves it out.

    One statement for people not asked about before in this unit of work; more only for those who do not see all.
    """
    if contact_id is None and organisation_id is None:
        return frozenset()
    limited = [each for each in await viewers(uow, user_ids) if not sees_all(each)]
    people = [] if contact_id is None else [contact_id]
    firms = [] if contact_id is not None else [organisation_id]
    alike: dict[tuple[int | None, frozenset[AccountRole]], bool] = {}
    found: set[int] = set()
    for each in limited:
        manages = any(extent(each, kind) == Extent.MANAGED for kind in ACCOUNT_TYPES)
        key = (each.user_id if manages else None, each.accounts)  # who manages nothing sees what others of these roles see
        if key not in alike:
            alike[key] = (await hidden(uow, people, firms, actor=each)).covers(contact_id, organisation_id)
        if alike[key]:
            found.add(each.id)
    return frozenset(found)


async def viewers(uow: UnitOfWork, user_ids: Iterable[int]) -> list[Actor]:
    """Return people as far as their account roles go; asked for once per unit of work."""
    known: dict[int, Actor] = uow.session.info.setdefault(_VIEWERS, {})
    wanted = list(dict.fromkeys(user_ids))
    new = [each for each in wanted if each not in known]
    if new:
        rows = await uow.session.execute(select(User.id, User.accounts).where(User.id.in_(new)))
        known.update({user_id: viewer(user_id, accounts) for user_id, accounts in rows})
    return [known[each] for each in wanted if each in known]


def viewer(user_id: int, accounts: Iterable[str]) -> Actor:
    """Return a person as far as their account roles go: for asking what they may see, not for acting."""
    return Actor(user_id, "", Role.CONSULTANT, accounts=frozenset(AccountRole(each) for each in accounts))


def _allowed(actor: Actor, change: bool, of_type: InstrumentedAttribute[str], manages: Any) -> ColumnElement[bool]:
    extents = {each: extent(actor, each, change=change) for each in ACCOUNT_TYPES}
    if set(extents.values()) == {Extent.ALL}:
        return true()
    parts = [of_type == each for each, of in extents.items() if of == Extent.ALL]
    managed = [each for each, of in extents.items() if of == Extent.MANAGED]
    if managed and actor.user_id is not None:
        parts.append(and_(of_type.in_(managed), manages(actor.user_id)))
    return or_(*parts) if parts else false()


def _conditions(condition: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    """Leave out what is always true, so that statements of those who see all stay as plain as they are."""
    return () if condition is true() else (condition,)
