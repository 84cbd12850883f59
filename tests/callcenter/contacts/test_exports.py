"""Contacts out and in again: nothing is lost, nothing runs, nobody gets more than they may see, on both databases."""

import csv
import io
import tracemalloc
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import insert, select

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, AccountRole, Actor, Role
from callcenter.contacts import dictionaries, exports, imports
from callcenter.contacts import service as contacts
from callcenter.contacts.exports import Format
from callcenter.contacts.field_models import CustomField, CustomOption, CustomValue
from callcenter.contacts.models import Contact
from callcenter.contacts.service import ContactInput, NumberInput
from callcenter.contacts.visibility import visible_to
from callcenter.db import Database
from callcenter.errors import Invalid, NotFound, NotPermitted
from callcenter.files import service as files
from callcenter.files.models import File
from callcenter.users.models import AuditEntry
from tests.callcenter.contacts.people import add_person

FORMULAS = ["=cmd|'/c calc'!A1", "+1+1", "-1", "@x", "O'Hara", "<script>", "🦊 \u202eמשה", 'a;b,"c"\nd']


@pytest.fixture
async def boss(database: Database) -> Actor:
    return await add_person(database, "boss", Role.SUPERVISOR)


async def fill(database: Database, boss: Actor) -> None:
    async with database.unit_of_work() as uow:
        for kind, name in (("position", "CEO"), ("tag", "VIP"), ("tag", "New")):
            await dictionaries.add_entry(uow, kind, name)
        colour = CustomField(key="colour", name="Colour", kind="choices")
        uow.session.add_all([colour, CustomField(key="seats", name="Seats", kind="number")])
        await uow.session.flush()
        uow.session.add_all([CustomOption(field_id=colour.id, name=name, folded=name.lower()) for name in ("Red", "Blue")])
    async with database.unit_of_work(boss) as uow:
        numbers = [
            NumberInput(type="mobile", number="501 000 001"),
            NumberInput(type="office_fax", number="22 123 45 67 wew. 12"),
            NumberInput(number="201"),
        ]
        data = ContactInput(
            first_name="Łucja", last_name="Żak", organisation="Acme", position="CEO", email="l@acme.pl",
            tags=["VIP", "New"],
            city="Żuraw", country="PL", address1="ul. Długa 1",
            postcode="00-001", province="mazowieckie", numbers=numbers, note="one\ntwo",
        )  # fmt: skip
        made = await contacts.create_contact(uow, data, "PL")
        for option in (1, 2):
            await uow.session.execute(
                insert(CustomValue).values(contact_id=made.id, field_id=1, option_id=option, text="", folded="")
            )
        await uow.session.execute(
            insert(CustomValue).values(contact_id=made.id, field_id=2, option_id=0, text="", folded="", number=2.5)
        )
        for name in FORMULAS:
            await contacts.create_contact(uow, ContactInput(last_name=name, note=name), "PL")
        await contacts.create_contact(uow, ContactInput(last_name="Partner", type="partner"), "PL")


async def octets(database: Database, actor: Actor, kind: Format, wanted: exports.Wanted = None) -> bytes:
    return b"".join([each async for each in exports.pieces(database, actor, wanted, None, kind)])


async def people(database: Database) -> list[tuple[Any, ...]]:
    found = []
    async with database.reading() as uow:
        for each in list(await uow.session.scalars(select(Contact.id).order_by(Contact.id))):
            one = await contacts.get_contact(uow, each)
            own = sorted((value.field_id, value.option_id, value.number) for value in one.custom)
            tags = sorted(tag.name for tag in one.tags)
            numbers = sorted((number.type, number.e164 or number.raw) for number in one.numbers)
            words = one.position.name if one.position else "", one.organisation.name if one.organisation else ""
            plain = (
                one.first_name,
                one.last_name,
                one.type,
                one.email,
                one.city,
                one.country,
                one.address1,
                one.postcode,
                one.note,
            )
            found.append((plain, words, numbers, tags, own))
    return found


@pytest.mark.parametrize("kind", ["csv", "csv-excel", "xlsx"])
async def test_what_goes_out_comes_in_the_same(database: Database, boss: Actor, kind: Format) -> None:
    await fill(database, boss)
    before = await people(database)
    content = await octets(database, boss, kind)
    async with database.unit_of_work() as uow:
        for each in list(await uow.session.scalars(select(Contact))):
            await uow.session.delete(each)
    done = await imports.run_import(database, boss, content, "back")
    assert (done.state, done.rejected, done.applied, done.problem) == ("done", 0, len(before), "")
    assert await people(database) == before


@pytest.mark.parametrize("kind", ["vcard", "vcard3"])
async def test_cards_come_back_with_what_a_card_holds(database: Database, boss: Actor, kind: Format) -> None:
    await fill(database, boss)
    before = await people(database)
    content = await octets(database, boss, kind)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    async with database.unit_of_work() as uow:
        for each in list(await uow.session.scalars(select(Contact))):
            await uow.session.delete(each)
    done = await imports.run_import(database, boss, content, "back")
    assert (done.state, done.rejected, done.applied) == ("done", 0, len(before))
    without = [(plain[:2], plain[3:], words, numbers, tags) for plain, words, numbers, tags, _ in before]
    assert [(p[:2], p[3:], w, n, t) for p, w, n, t, _ in await people(database)] == without


async def test_no_cell_runs(database: Database, boss: Actor) -> None:
    await fill(database, boss)
    text = (await octets(database, boss, "csv-excel")).decode("utf-8-sig")
    for row in csv.reader(io.StringIO(text), delimiter=";"):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]
    book = CalamineWorkbook.from_filelike(io.BytesIO(await octets(database, boss, "xlsx")))
    cells = book.get_sheet_by_index(0).to_python()
    assert "=cmd|'/c calc'!A1" in cells[2]
    assert all(isinstance(cell, str) for row in cells for cell in row)


async def test_nobody_gets_more_than_they_may_see(database: Database, boss: Actor) -> None:
    await fill(database, boss)
    clerk = Actor(boss.id, "Boss", Role.SUPERVISOR, accounts=frozenset({AccountRole.PARTNER_READER}))
    everybody = visible_to(Actor(boss.id, "Boss", Role.SUPERVISOR, accounts=EVERY_ACCOUNT))
    for wanted in (None, list(range(1, 20)), everybody):
        rows = list(csv.reader(io.StringIO((await octets(database, clerk, "csv", wanted)).decode())))
        assert [row[1] for row in rows[1:]] == ["Partner"]
    for roles in (frozenset[AccountRole](), frozenset({AccountRole.CUSTOMER_READER}), frozenset({AccountRole.CUSTOMER_MANAGER})):
        with pytest.raises(NotPermitted):
            await octets(database, Actor(boss.id, "Anna", Role.CONSULTANT, accounts=roles), "csv")
    admin = Actor(boss.id, "Anna", Role.CONSULTANT, accounts=frozenset({AccountRole.PARTNER_ADMIN}))
    assert b"Partner" in await octets(database, admin, "csv")
    with pytest.raises(Invalid):
        async for _ in exports.pieces(database, boss, None, ["password"], "csv"):
            pass


async def test_a_file_is_kept_for_a_day_for_whoever_asked_and_noted(database: Database, boss: Actor) -> None:
    await fill(database, boss)
    done = await exports.export(database, boss, [1, 2, 999], ["last_name"], "csv", filter_said="stage=lead")
    assert (done.state, done.rows) == ("done", 2)
    assert done.file_id is not None
    assert (await files.whole(database, done.file_id)).startswith("Last name\r\nŻak\r\n".encode())
    anna = await add_person(database)
    async with database.reading(anna) as uow:
        with pytest.raises(NotFound):
            await exports.get_export(uow, done.id)
    async with database.reading(boss) as uow:
        assert (await exports.get_export(uow, done.id)).rows == 2
        entries = {each.action: each.detail for each in await uow.session.scalars(select(AuditEntry))}
    assert entries["contacts.export"]["filter"] == "stage=lead"
    assert entries["contacts.exported"]["rows"] == 2
    clock.shift(25 * 3600)
    await exports.resume(database)
    async with database.reading(boss) as uow:
        assert await exports.list_exports(uow) == []
        assert list(await uow.session.scalars(select(File))) == []


async def test_a_file_written_with_wider_roles_is_no_longer_ones_own(database: Database, boss: Actor) -> None:
    async with database.unit_of_work(boss) as uow:
        await contacts.create_contact(uow, ContactInput(last_name="Part", type="partner"), "PL")
    done = await exports.export(database, boss, None)
    narrowed = Actor(boss.id, "Boss", Role.SUPERVISOR, accounts=frozenset({AccountRole.CUSTOMER_ADMIN}))
    async with database.reading(narrowed) as uow:
        assert await exports.list_exports(uow) == []
        with pytest.raises(NotFound):
            await exports.get_export(uow, done.id)
    async with database.reading(boss) as uow:
        assert (await exports.get_export(uow, done.id)).rows == 1


async def test_an_export_whose_process_is_gone_ends_as_failed(database: Database, boss: Actor) -> None:
    async with database.unit_of_work(boss) as uow:
        left = await exports.begin(uow, "csv", {})
    clock.shift(61)
    await exports.resume(database)
    async with database.reading(boss) as uow:
        assert (await exports.get_export(uow, left.id)).state == "failed"


async def test_memory_does_not_grow_with_the_contacts(database: Database, boss: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE", 20)
    content = "last name,phone\n" + "".join(f"Nowak{n},50100{n:04}\n" for n in range(600))
    await imports.run_import(database, boss, content.encode(), "x.csv")
    tracemalloc.start()
    sizes = [len(each) async for each in exports.pieces(database, boss, None, None, "csv")]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(sizes) == 31
    assert peak < 6_000_000
