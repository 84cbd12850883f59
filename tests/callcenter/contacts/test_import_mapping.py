"""Imports by a mapping: every field, words of dictionaries, who is there already, undone as a whole, on both databases."""

import json

import pytest
from sqlalchemy import select, update

from callcenter.actor import EVERY_ACCOUNT, AccountRole, Actor, Role
from callcenter.contacts import dictionaries, duplicates, import_preview, import_queries, imports, suppressions
from callcenter.contacts import service as contacts
from callcenter.contacts.field_models import CustomField, CustomOption, CustomValue
from callcenter.contacts.import_mapping import Mapping
from callcenter.contacts.models import Contact, ContactManager
from callcenter.contacts.service import ContactInput, NumberInput
from callcenter.db import Database
from callcenter.errors import Conflict, NotPermitted
from tests.callcenter.contacts.people import add_person
from tests.callcenter.contacts.test_contact_files import V3, V21, workbook

WEIRD = ["O'Hara", "Łukasz 🦊 Żak", "\u202eמשה כהן", "<script>alert(1)</script>", "x" * 100]


@pytest.fixture
async def boss(database: Database) -> Actor:
    return await add_person(database, "boss", Role.SUPERVISOR)


async def everybody(database: Database) -> list[Contact]:
    async with database.reading() as uow:
        ids = list(await uow.session.scalars(select(Contact.id).order_by(Contact.id)))
        return [await contacts.get_contact(uow, each) for each in ids]


async def declare(database: Database) -> None:
    async with database.unit_of_work() as uow:
        for kind, name in (("position", "CEO"), ("stage", "Lead"), ("tag", "VIP"), ("tag", "New")):
            await dictionaries.add_entry(uow, kind, name)
        field = CustomField(key="colour", name="Ulubiony kolor", kind="choice", place=1)
        uow.session.add_all([field, CustomField(key="since", name="Since", kind="date", place=2)])
        await uow.session.flush()
        uow.session.add(CustomOption(field_id=field.id, name="Red", folded="red"))


async def test_every_field_finds_its_place(database: Database, boss: Actor) -> None:
    await declare(database)
    file = workbook([
        ["Kto", "Rola", "Etap", "Kraj", "Tagi", "Kolor", "Od", "Opiekun", "Tel", "Mail 1", "Mail 2", "Konto"],
        ["Jan Kowalski", "ceo", "lead", "Polska", "vip; NEW", "red", "2026-05-01", "boss", 48501000001.0, "a@b.pl", "c@d.pl",
         "partner"],
    ])  # fmt: skip
    columns = ["name", "position", "stage", "country", "tags", "custom:colour", "custom:since", "managers", "number:mobile",
               "email", "email", "type"]  # fmt: skip
    done = await imports.run_import(database, boss, file, "people.xlsx", mapping=Mapping(columns=columns))
    assert (done.state, done.applied, done.notices, done.problem) == ("done", 1, 0, "")
    [made] = await everybody(database)
    assert (made.first_name, made.last_name, made.country, made.type) == ("Jan", "Kowalski", "PL", "partner")
    assert made.position is not None
    assert made.stage is not None
    assert (made.position.name, made.stage.name, [each.name for each in made.tags]) == ("CEO", "Lead", ["VIP", "New"])
    assert (made.email, made.note, made.numbers[0].e164) == ("a@b.pl", "c@d.pl", "+48501000001")
    async with database.reading() as uow:
        assert list(await uow.session.scalars(select(ContactManager.user_id))) == [boss.id]
        answers = list(await uow.session.scalars(select(CustomValue).order_by(CustomValue.field_id)))
    assert [bool(answers[0].option_id), str(answers[1].day)] == [True, "2026-05-01"]


async def test_cards_are_imported_without_a_mapping(database: Database, boss: Actor) -> None:
    done = await imports.run_import(database, boss, (V21 + V3).encode(), "people.csv")
    assert (done.state, done.applied, done.notices) == ("done", 2, 2)
    assert [each.name for each in await everybody(database)] == ["Józef Żak", "Ewa O'Hara"]
    async with database.reading(boss) as uow:
        [(_, of_jozef), (_, of_ewa)] = await import_queries.notices(uow, done.id)
    assert of_jozef == "The picture of this card was left out. This picture cannot be read. Save it anew, or choose another."
    assert [each.partition(" ")[0] for each in of_ewa.split(". ")] == ["CEO", "vip", "friend"]


async def test_a_row_without_a_required_field_comes_in_and_the_report_says_so(database: Database, boss: Actor) -> None:
    await declare(database)
    async with database.unit_of_work() as uow:
        await uow.session.execute(update(CustomField).values(required=True))
    mapping = Mapping(columns=["last_name", "custom:colour", "custom:since", "stage"])
    rows = b"a,b,c,d\nLis,red,2026-05-01,\nKos,,2026-05-01,\nSum,blue,,Boss\n"
    done = await imports.run_import(database, boss, rows, "x.csv", mapping=mapping)
    assert (done.applied, done.rejected, done.notices) == (3, 0, 2)
    async with database.reading(boss) as uow:
        said = dict(await import_queries.notices(uow, done.id))
    assert said[3] == "Ulubiony kolor is required and is not filled in."
    for part in ("blue is in no list", "Boss is in no list", "Ulubiony kolor is required", "Since is required"):
        assert part in said[4]
    kos = next(each for each in await everybody(database) if each.name == "Kos")
    async with database.unit_of_work(boss) as uow:  # it stays one that people can work with
        await contacts.add_number(uow, await contacts.get_contact(uow, kos.id), "501 000 009", "PL")
        wanted = ContactInput(last_name="Kos", note="Called", custom={"colour": "Red"})
        changed = await contacts.update_contact(uow, kos.id, wanted, 2, "PL")
        assert changed.note == "Called"


@pytest.mark.parametrize(("words", "expected"), [("empty", (1, 0, 1)), ("refuse", (0, 1, 0)), ("add", (1, 0, 0))])
async def test_words_no_list_has(database: Database, boss: Actor, words: str, expected: tuple[int, int, int]) -> None:
    root = await add_person(database, "root", Role.ADMINISTRATOR)
    mapping = Mapping.model_validate({"columns": ["last_name", "position", "tags"], "words": words})
    done = await imports.run_import(database, root, b"a,b,c\nLis,Boss,red;blue\n", "x.csv", mapping=mapping)
    assert (done.applied, done.rejected, done.notices) == expected
    if words == "add":
        [made] = await everybody(database)
        assert made.position is not None
        assert (made.position.name, sorted(each.name for each in made.tags)) == ("Boss", ["blue", "red"])
        refused = await imports.run_import(database, boss, b"a,b,c\nLis,Boss,red\n", "x.csv", mapping=mapping)
        assert refused.state == "failed"


async def seeded(database: Database) -> int:
    async with database.unit_of_work() as uow:
        data = ContactInput(
            last_name="Kowalski", first_name="Jan", organisation="Acme", numbers=[NumberInput(number="501000001")]
        )
        return (await contacts.create_contact(uow, data, "PL")).id


TWINS = b"""first name,last name,company,phone,e-mail,city
Janek,K,,501000001,jan@acme.pl,Torun
Kowalski,Jan,ACME,,,Lodz
Ewa,Lis,,502000002,ewa@x.pl,
Ewa,Lis,,502000002,,Gdynia
"""


@pytest.mark.parametrize(
    ("policy", "expected"), [("add", (4, 0, 0, 3)), ("skip", (1, 0, 3, 3)), ("update", (1, 3, 0, 3))]
)  # applied, filled, left out, notices
async def test_somebody_is_there_already(
    database: Database, boss: Actor, policy: str, expected: tuple[int, int, int, int]
) -> None:
    await seeded(database)
    before = [(each.name, each.city, each.email, len(each.numbers)) for each in await everybody(database)]
    done = await imports.run_import(database, boss, TWINS, "x.csv", mapping=Mapping.model_validate({"duplicates": policy}))
    assert (done.applied, done.updated, done.skipped, done.notices) == expected
    people = {each.name: each for each in await everybody(database)}
    if policy == "update":
        assert (people["Jan Kowalski"].email, people["Jan Kowalski"].city) == ("jan@acme.pl", "Torun")
        assert (people["Ewa Lis"].city, len(people["Ewa Lis"].numbers)) == ("Gdynia", 1)
        async with database.reading() as uow:
            assert [each.name for each in (await contacts.list_contacts(uow, q="jan@acme")).items] == ["Jan Kowalski"]
    undone = await imports.undo(database, boss, done.id)
    assert (undone.state, undone.kept) == ("undone", 0 if policy != "update" else undone.kept)
    left = {each.name: each for each in await everybody(database)}
    assert (left["Jan Kowalski"].email, left["Jan Kowalski"].city) == ("", "")
    assert before[0][0] in left


async def test_who_may_change_only_customers_imports_only_those(database: Database, boss: Actor) -> None:
    async with database.unit_of_work() as uow:
        made = ContactInput(last_name="Part", organisation="Partners Ltd", type="partner", email="p@p.pl")
        await contacts.create_contact(uow, made, "PL")
    clerk = Actor(boss.id, "Boss", Role.SUPERVISOR, accounts=frozenset({AccountRole.CUSTOMER_MANAGER}))
    rows = b"last name,company,account type,e-mail\nA,,partner,\nB,partners ltd,,\nC,,,p@p.pl\n"
    done = await imports.run_import(database, clerk, rows, "x.csv")
    assert (done.state, done.applied, done.rejected, done.notices) == ("done", 1, 2, 0)
    async with database.reading() as uow:
        managers = list(await uow.session.scalars(select(ContactManager.user_id)))
    assert managers == [boss.id], "who changes only what they manage becomes its manager"
    mixed = Actor(boss.id, "Boss", Role.SUPERVISOR, accounts=frozenset({AccountRole.CUSTOMER_ADMIN, AccountRole.PARTNER_MANAGER}))
    done = await imports.run_import(database, mixed, b"last name,account type\nE,partner\n", "x.csv")
    async with database.reading(mixed) as uow:
        assert [each.name for each in (await contacts.list_contacts(uow, q="E")).items] == ["E"], "whatever type was chosen"
    refused = await imports.run_import(database, clerk, rows, "x.csv", mapping=Mapping(type="partner"))
    assert "account roles" in refused.problem
    reader = Actor(boss.id, "Boss", Role.SUPERVISOR, accounts=frozenset({AccountRole.CUSTOMER_READER}))
    with pytest.raises(NotPermitted):
        await imports.run_import(database, reader, rows, "x.csv")
    both = Actor(boss.id, "Boss", Role.SUPERVISOR, accounts=EVERY_ACCOUNT)
    checked = await imports.run_import(database, both, b"last name,account type\nD,partner\n", "x.csv", dry_run=True)
    with pytest.raises(NotPermitted):  # their roles were narrowed since
        await imports.apply(database, clerk, checked.id)
    await imports.apply(database, both, checked.id)
    with pytest.raises(NotPermitted):
        await imports.undo(database, clerk, checked.id)


@pytest.mark.parametrize("name", WEIRD)
async def test_names_come_in_as_they_are(database: Database, boss: Actor, name: str) -> None:
    done = await imports.run_import(database, boss, f"last name\n{name}\n".encode(), "x.csv")
    assert done.applied == 1
    assert (await everybody(database))[0].last_name == name


async def test_numbers_as_people_write_them(database: Database, boss: Actor) -> None:
    rows = (
        'last name,phone\nA,"501 000 001, 502-000-002"\nB,22 123 45 67 wew. 12\nC,501-KOWALSKI\nD,4.85E+10\nE,4.8501000001E+10\n'
        f"{'F' * 300},501000009\n"
    )
    done = await imports.run_import(database, boss, rows.encode(), "x.csv")
    assert (done.applied, done.rejected) == (3, 3)
    people = {each.last_name: [number.e164 for number in each.numbers] for each in await everybody(database)}
    assert people == {"A": ["+48501000001", "+48502000002"], "B": ["+48221234567"], "E": ["+48501000001"]}


async def test_a_file_waits_is_looked_at_and_read_as_was_said(database: Database, boss: Actor) -> None:
    file = b"Kto;Co\nJan Lis;501000001\nEwa;soon\nIga;502000002\nOla;502000003\n"
    async with database.unit_of_work(boss) as uow:
        waiting = await imports.create(uow, "x.csv", wait=True)
    looked = await import_preview.look(database, boss, file, Mapping())
    assert (looked.fields, looked.table.delimiter, looked.problem is None) == (["", "number:mobile"], ";", False)
    mapping = looked.mapping.model_copy(update={"columns": ["name", "number:mobile"]})
    again = await import_preview.look(database, boss, file, mapping)
    assert [bool(row["error"]) for row in again.results] == [False, True, False, False]
    for _ in range(2):  # checked, and once more with other columns
        begun = await imports.begin(database, boss, waiting.id, mapping, dry_run=True)
        checked = await imports.run_import(database, boss, file, "x.csv", dry_run=True, import_id=begun.id)
        assert (checked.state, checked.total, checked.accepted, checked.rejected) == ("checked", 4, 3, 1)
    async with database.unit_of_work(boss) as uow:
        await import_preview.remember(uow, looked.table.header, mapping)
    assert (await import_preview.look(database, boss, file, Mapping())).mapping.columns == ["name", "number:mobile"]
    done = await imports.apply(database, boss, waiting.id)
    assert done.applied == 3
    with pytest.raises(Conflict):
        await imports.begin(database, boss, waiting.id, mapping, dry_run=True)
    anna = await add_person(database)
    with pytest.raises(NotPermitted):
        await import_preview.look(database, anna, file, Mapping())


async def test_the_warning_names_whom_one_may_see_and_nobody_else(database: Database, boss: Actor) -> None:
    contact_id = await seeded(database)
    given = [
        (duplicates.Wanted(number=["501 000 001"]), "number"),
        (duplicates.Wanted(first_name="Jna", last_name="Kowalski", organisation="acme"), "name"),
        (duplicates.Wanted(first_name="Kowalski", last_name="Jan", organisation="acme"), "name"),
    ]
    blind = Actor(boss.id, "Boss", Role.SUPERVISOR, accounts=frozenset({AccountRole.PARTNER_ADMIN}))
    for wanted, reason in given:
        async with database.reading(boss) as uow:
            [found] = await duplicates.similar(uow, wanted, "PL")
            assert (found.contact_id, found.reason, found.organisation) == (contact_id, reason, "Acme")
            assert await duplicates.similar(uow, wanted, "PL", but=contact_id) == []
        async with database.reading(blind) as uow:
            assert await duplicates.similar(uow, wanted, "PL") == []
    async with database.reading(boss) as uow:
        assert await duplicates.similar(uow, duplicates.Wanted(first_name="Jan", last_name="Kowalski"), "PL") == []


async def test_who_asked_to_be_forgotten_is_not_brought_in_again(database: Database, boss: Actor) -> None:
    async with database.unit_of_work() as uow:
        tokens = [suppressions.number_token(uow, "+48501000001"), suppressions.email_token(uow, "b@x.pl")]
        await suppressions.suppress(uow, tokens, suppressions.ERASED)
    done = await imports.run_import(
        database, boss, b"last name,phone,e-mail\nA,501 000 001,\nB,,b@x.pl\nC,502000002,c@x.pl\n", "x.csv"
    )
    assert (done.applied, done.rejected) == (1, 2)


def test_a_mapping_is_json() -> None:
    assert json.loads(Mapping(columns=["name"]).model_dump_json())["duplicates"] == "add"
