"""Who manages a contact or an organisation: chosen from a list by those who may, and what it gives."""

import pytest

from callcenter.actor import AccountRole, Actor, Role
from callcenter.contacts import managers
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput, OrganisationInput
from callcenter.db import Database
from callcenter.errors import Invalid, NotFound, NotPermitted
from callcenter.users.models import User
from callcenter.users.service import list_audit
from tests.callcenter.contacts.people import add_person

MANAGER, READER, ADMIN = AccountRole.CUSTOMER_MANAGER, AccountRole.CUSTOMER_READER, AccountRole.CUSTOMER_ADMIN


async def somebody(database: Database, login: str, *roles: AccountRole, role: Role = Role.CONSULTANT) -> Actor:
    made = await add_person(database, login, role)
    async with database.unit_of_work() as uow:
        (await uow.session.get_one(User, made.id)).accounts = sorted(roles)
    return Actor(made.id, made.name, role, accounts=frozenset(roles))


async def contact_of(database: Database, organisation: str = "") -> int:
    async with database.unit_of_work() as uow:
        data = ContactInput(first_name="Aneta", organisation=organisation)
        return (await contacts.create_contact(uow, data, "PL")).id


async def names(database: Database, actor: Actor) -> list[str]:
    async with database.reading(actor) as uow:
        return [each.name for each in (await contacts.list_contacts(uow)).items]


async def test_who_is_chosen_sees_and_changes_the_contact(database: Database) -> None:
    admin, anna = await somebody(database, "adam", ADMIN), await somebody(database, "anna", MANAGER)
    contact_id = await contact_of(database)
    assert await names(database, anna) == []
    async with database.unit_of_work(admin) as uow:
        found = await managers.set_of_contact(uow, contact_id, [anna.id])
    assert [(each.name, each.manages, each.fits) for each in found.chosen] == [("Anna", True, True)]
    assert [each.name for each in found.others] == ["Adam"]
    assert await names(database, anna) == ["Aneta"]
    async with database.unit_of_work(anna) as uow:
        await contacts.update_contact(uow, contact_id, ContactInput(first_name="Beata"), 1, "PL")
    async with database.unit_of_work(admin) as uow:
        await managers.set_of_contact(uow, contact_id, [])
    assert await names(database, anna) == []
    async with database.reading() as uow:
        trail = [(each.action, each.detail) for each in await list_audit(uow, action="contact.managers_set")]
    assert trail == [
        ("contact.managers_set", {"added": [], "removed": [anna.id]}),
        ("contact.managers_set", {"added": [anna.id], "removed": []}),
    ]


async def test_the_managers_of_an_organisation_manage_its_contacts(database: Database) -> None:
    admin, anna = await somebody(database, "adam", ADMIN), await somebody(database, "anna", MANAGER)
    contact_id = await contact_of(database, "Firma")
    async with database.unit_of_work(admin) as uow:
        organisation_id = (await contacts.get_contact(uow, contact_id)).organisation_id
        assert organisation_id is not None
        await managers.set_of_organisation(uow, organisation_id, [anna.id])
    assert await names(database, anna) == ["Aneta"]
    async with database.reading(anna) as uow:
        assert [each.name for each in (await managers.of_organisation(uow, organisation_id)).chosen] == ["Anna"]


async def test_who_has_no_fitting_role_is_marked(database: Database) -> None:
    admin = await somebody(database, "adam", ADMIN)
    partner = await somebody(database, "paul", AccountRole.PARTNER_ADMIN)
    contact_id = await contact_of(database)
    async with database.unit_of_work(admin) as uow:
        found = await managers.set_of_contact(uow, contact_id, [partner.id])
        assert [each.fits for each in found.chosen] == [False]
    assert await names(database, partner) == []


@pytest.mark.parametrize(
    ("roles", "role", "may_set"),
    [
        ((ADMIN,), Role.CONSULTANT, True),
        ((MANAGER,), Role.CONSULTANT, False),
        ((MANAGER,), Role.SUPERVISOR, True),
        ((READER,), Role.SUPERVISOR, False),
        ((READER, AccountRole.PARTNER_ADMIN), Role.ADMINISTRATOR, False),
    ],
)
async def test_managers_are_chosen_by_those_who_may(
    database: Database, roles: tuple[AccountRole, ...], role: Role, may_set: bool
) -> None:
    admin, other = await somebody(database, "adam", ADMIN), await somebody(database, "olga", *roles, role=role)
    contact_id = await contact_of(database)
    async with database.unit_of_work(admin) as uow:
        await managers.set_of_contact(uow, contact_id, [other.id])
    async with database.unit_of_work(other) as uow:
        shown = await managers.of_contact(uow, contact_id)
        assert (shown.may_set, bool(shown.others)) == (may_set, may_set)
        if may_set:
            await managers.set_of_contact(uow, contact_id, [other.id, admin.id])
        else:
            with pytest.raises(NotPermitted, match="Managers are chosen"):
                await managers.set_of_contact(uow, contact_id, [])


async def test_a_hidden_account_has_no_managers_to_show(database: Database) -> None:
    contact_id = await contact_of(database, "Firma")
    async with database.unit_of_work(await somebody(database, "paul", AccountRole.PARTNER_ADMIN, role=Role.SUPERVISOR)) as uow:
        for asked in (managers.of_contact(uow, contact_id), managers.set_of_contact(uow, contact_id, [])):
            with pytest.raises(NotFound):
                await asked
        with pytest.raises(NotFound):
            await managers.of_organisation(uow, 1)


async def test_nobody_who_is_not_there_is_chosen(database: Database) -> None:
    admin, gone = await somebody(database, "adam", ADMIN), await somebody(database, "gone", MANAGER)
    contact_id = await contact_of(database)
    async with database.unit_of_work(admin) as uow:
        await managers.set_of_contact(uow, contact_id, [gone.id])
        (await uow.session.get_one(User, gone.id)).disabled_at = uow.now
    async with database.unit_of_work(admin) as uow:
        assert (await managers.set_of_contact(uow, contact_id, [gone.id, admin.id])).chosen[1].disabled  # who was, may stay
        await managers.set_of_contact(uow, contact_id, [])
        for wrong in ([gone.id], [99], list(range(1, 102))):
            with pytest.raises(Invalid):
                await managers.set_of_contact(uow, contact_id, wrong)


async def test_who_manages_only_theirs_adds_nobody_to_another_organisation(database: Database) -> None:
    anna = await somebody(database, "anna", MANAGER)
    await contact_of(database, "Firma")
    async with database.unit_of_work(anna) as uow:
        with pytest.raises(NotPermitted, match="to this organisation"):
            await contacts.create_contact(uow, ContactInput(first_name="Beata", organisation="firma"), "PL")
    async with database.unit_of_work(anna) as uow:
        made = await contacts.create_contact(uow, ContactInput(first_name="Celina", organisation="Nowa"), "PL")
        assert made.organisation_id is not None
        assert [each.name for each in (await managers.of_organisation(uow, made.organisation_id)).chosen] == ["Anna"]
        version = (await contacts.get_contact(uow, made.id)).version
        with pytest.raises(NotPermitted, match="to this organisation"):
            await contacts.update_contact(uow, made.id, ContactInput(first_name="Celina", organisation="Firma"), version, "PL")


async def test_who_only_reads_stores_no_number_and_changes_no_organisation(database: Database) -> None:
    reader = await somebody(database, "rita", READER)
    contact_id = await contact_of(database, "Firma")
    async with database.unit_of_work(reader) as uow:
        contact = await contacts.get_contact(uow, contact_id)
        with pytest.raises(NotPermitted, match="not change it"):
            await contacts.add_number(uow, contact, "+48601234567", "PL")
        with pytest.raises(NotPermitted, match="not change it"):
            await contacts.update_organisation(uow, contact.organisation_id or 0, OrganisationInput(name="Inna"), 1, "PL")
        with pytest.raises(NotPermitted):
            await contacts.create_organisation(uow, OrganisationInput(name="Nowa"), "PL")
