"""What account roles allow: the table, and that queries say the same, for every set of roles, on both databases."""

import itertools
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from callcenter.actor import AccountRole, Actor, Role
from callcenter.contacts import visibility
from callcenter.contacts.models import ACCOUNT_TYPES, Contact, ContactManager, Organisation, OrganisationManager
from callcenter.contacts.rights import CUSTOMER, NEEDS, PARTNER, Action, Extent, extent, may
from callcenter.db import Database
from callcenter.users.models import User
from tests.callcenter.contacts.people import add_person

SETS = [frozenset(some) for n in range(len(AccountRole) + 1) for some in itertools.combinations(AccountRole, n)]
ROLES = st.sampled_from([Role.CONSULTANT, Role.SUPERVISOR, Role.ADMINISTRATOR])


def person(roles: frozenset[AccountRole], role: Role = Role.CONSULTANT, user_id: int = 1) -> Actor:
    return Actor(user_id, "", role, accounts=roles)


@given(st.sampled_from(SETS), st.sampled_from(SETS), ROLES, st.sampled_from(ACCOUNT_TYPES))
def test_more_roles_never_allow_less(some: frozenset[AccountRole], more: frozenset[AccountRole], role: Role, kind: str) -> None:
    fewer, both = person(some, role), person(some | more, role)
    for change in (False, True):
        assert extent(both, kind, change=change) >= extent(fewer, kind, change=change)
    for action in Action:
        assert may(both, action, kind) >= may(fewer, action, kind)


@given(st.sampled_from(SETS), ROLES, st.sampled_from(ACCOUNT_TYPES))
def test_who_changes_reads_and_every_action_needs_reading(roles: frozenset[AccountRole], role: Role, kind: str) -> None:
    actor = person(roles, role)
    assert extent(actor, kind) >= extent(actor, kind, change=True)
    for action in Action:
        assert may(actor, Action.READ, kind) >= may(actor, action, kind), action


@given(st.sampled_from(SETS), ROLES)
def test_roles_of_a_type_say_nothing_about_the_other(roles: frozenset[AccountRole], role: Role) -> None:
    for kind, prefix in ((PARTNER, "customer"), (CUSTOMER, "partner")):
        own = frozenset(each for each in roles if not each.startswith(prefix))
        assert extent(person(roles, role), kind) == extent(person(own, role), kind)


@pytest.mark.parametrize(
    ("role", "read", "change"),
    [("manager", Extent.MANAGED, Extent.MANAGED), ("reader", Extent.ALL, Extent.NONE), ("admin", Extent.ALL, Extent.ALL)],
)
@pytest.mark.parametrize("kind", ACCOUNT_TYPES)
def test_each_role_is_as_the_specification_says(kind: str, role: str, read: Extent, change: Extent) -> None:
    actor = person(frozenset({AccountRole(f"{kind}_{role}")}))
    assert (extent(actor, kind), extent(actor, kind, change=True)) == (read, change)
    other = PARTNER if kind == CUSTOMER else CUSTOMER
    assert (extent(actor, other), extent(actor, other, change=True)) == (Extent.NONE, Extent.NONE)


def test_every_action_is_in_the_table() -> None:
    assert set(NEEDS) == set(Action)


class Stored(NamedTuple):
    """A contact, or an organisation, and whether the actor manages it."""

    id: int
    type: str
    managed: bool


async def store(database: Database, user_id: int) -> tuple[list[Stored], list[Stored]]:
    """Write contacts and organisations of both types: managed by the actor, through the organisation, or by nobody."""
    people: list[Stored] = []
    firms: list[Stored] = []
    async with database.unit_of_work() as uow:
        for kind, managed in itertools.product(ACCOUNT_TYPES, (False, True)):
            firm = Organisation(name=f"{kind} {managed}", folded=f"{kind} {managed}", type=kind, created_at=uow.now)
            uow.session.add(firm)
            await uow.session.flush()
            if managed:
                uow.session.add(OrganisationManager(user_id=user_id, organisation_id=firm.id))
            firms.append(Stored(firm.id, kind, managed))
            for organisation_id, own in itertools.product((None, firm.id), (False, True)):
                contact = Contact(type=kind, organisation_id=organisation_id, created_at=uow.now, updated_at=uow.now)
                uow.session.add(contact)
                await uow.session.flush()
                if own:
                    uow.session.add(ContactManager(user_id=user_id, contact_id=contact.id))
                people.append(Stored(contact.id, kind, own or (organisation_id is not None and managed)))
    return people, firms


def allowed(actor: Actor, stored: list[Stored], *, change: bool = False) -> set[int]:
    """Return what the table alone says."""
    reach = {kind: extent(actor, kind, change=change) for kind in ACCOUNT_TYPES}
    return {each.id for each in stored if reach[each.type] == Extent.ALL or (each.managed and reach[each.type] == Extent.MANAGED)}


async def test_queries_say_what_the_table_says(database: Database) -> None:
    user_id = (await add_person(database)).id
    people, firms = await store(database, user_id)
    for roles in SETS:
        actor = person(roles, user_id=user_id)
        async with database.reading(actor) as uow:
            ask = uow.session.scalars
            assert {each.id for each in await ask(visibility.visible_to(actor))} == allowed(actor, people)
            assert {each.id for each in await ask(visibility.changeable_by(actor))} == allowed(actor, people, change=True)
            assert {each.id for each in await ask(visibility.organisations_visible_to(actor))} == allowed(actor, firms)
            changeable = {each.id for each in await ask(visibility.organisations_changeable_by(actor))}
            assert changeable == allowed(actor, firms, change=True)
            hidden = await visibility.hidden(uow, [each.id for each in people], [each.id for each in firms])
            assert hidden.contacts == {each.id for each in people} - allowed(actor, people)
            assert hidden.organisations == {each.id for each in firms} - allowed(actor, firms)


async def test_blind_says_of_others_what_hidden_says_of_oneself(database: Database) -> None:
    user_id = (await add_person(database)).id
    people, firms = await store(database, user_id)
    for roles in SETS:
        async with database.unit_of_work() as uow:
            (await uow.session.get_one(User, user_id)).accounts = sorted(roles)
        actor = person(roles, user_id=user_id)
        async with database.reading() as uow:
            unseen = [each.id for each in people if user_id in await visibility.blind(uow, [user_id, 999], each.id)]
            assert set(unseen) == {each.id for each in people} - allowed(actor, people)
            unseen = [each.id for each in firms if user_id in await visibility.blind(uow, [user_id], None, each.id)]
            assert set(unseen) == {each.id for each in firms} - allowed(actor, firms)


async def test_an_account_that_is_gone_is_hidden_from_who_does_not_see_all(database: Database) -> None:
    async with database.reading(person(frozenset({AccountRole.CUSTOMER_ADMIN}))) as uow:
        hidden = await visibility.hidden(uow, [77, None], [88])
        assert hidden.covers(77)
        assert hidden.covers(None, 88)
        assert not hidden.covers(None)
        assert not hidden.covers(None, None)
    async with database.reading(person(frozenset({AccountRole.CUSTOMER_ADMIN, AccountRole.PARTNER_READER}))) as uow:
        assert not (await visibility.hidden(uow, [77], [88])).covers(77)
        assert list(await uow.session.scalars(select(Contact.id))) == []
