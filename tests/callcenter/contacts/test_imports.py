"""Imports end to end: nothing half done, nothing twice, everything undone, on both databases."""

import io
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.contacts import csv_file, import_queries, import_resuming, import_steps, imports
from callcenter.contacts import service as contacts
from callcenter.contacts.batches import LARGEST_BATCH, Pace
from callcenter.contacts.models import Contact, ContactTerm, Import, ImportRow, Number, Organisation
from callcenter.contacts.seen_numbers import SeenNumbers
from callcenter.contacts.service import ContactInput, NumberInput
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Conflict, NotFound, NotPermitted, fill
from tests.callcenter.contacts.people import add_person

FILE = b"""First name,Last name,Company,Mobile,E-mail
Jan,Kowalski,Acme,501 000 001,jan@acme.pl
Ewa,Nowak,ACME,501 000 001,
,,,501 000 003,
Iga,Lis,Beta,201,
Ola,Wilk,,999999999999999999999999999999,
"""
TABLES = (Contact, Number, Organisation, ContactTerm)


@pytest.fixture
async def boss(database: Database) -> Actor:
    return await add_person(database, "boss", Role.SUPERVISOR)


async def count(database: Database) -> dict[str, int]:
    async with database.reading() as uow:
        return {each.__tablename__: await uow.session.scalar(select(func.count()).select_from(each)) or 0 for each in TABLES}


def people(number: int) -> bytes:
    rows = (f"Jan,Nowak{n},Firma {n % 3},50100{n:04}" for n in range(number))
    return "\n".join(["First name,Last name,Company,Phone", *rows]).encode()


async def report_of(database: Database, actor: Actor, import_id: int, say: import_queries.Say = fill) -> str:
    return "".join([piece async for piece in import_queries.report(database, actor, import_id, say)])


async def names(database: Database, q: str = "") -> list[str]:
    async with database.reading() as uow:
        return [each.name for each in (await contacts.list_contacts(uow, q=q, limit=200)).items]


async def test_good_rows_go_in_and_bad_ones_are_reported_with_their_reasons(database: Database, boss: Actor) -> None:
    async with database.unit_of_work() as uow:
        await contacts.create_contact(uow, ContactInput(last_name="Old", numbers=[NumberInput(number="501000001")]), "PL")
    states: list[str] = []
    done = await imports.run_import(database, boss, FILE, "../people.csv", progress=lambda each: states.append(each.state))
    assert (done.state, done.total, done.accepted, done.rejected, done.applied, done.notices) == ("done", 5, 3, 2, 3, 2)
    assert done.file_name == "people.csv"
    assert states[0] == "staging"
    assert states[-1] == "done"
    assert await names(database) == ["Jan Kowalski", "Iga Lis", "Ewa Nowak", "Old"]
    assert await names(database, "acme 501") == ["Jan Kowalski", "Ewa Nowak"]
    report = (await report_of(database, boss, done.id)).splitlines()
    async with database.reading(boss) as uow:
        assert report[0] == "Line,Reason,First name,Last name,Company,Mobile,E-mail"
        assert report[1].startswith('4,"A contact needs a first name, a last name or an organisation.",,,,501 000 003')
        assert report[2].startswith("6,999999999999999999999999999999 is too long for a telephone number.,Ola")
        assert [line for line, _ in await import_queries.rejections(uow, done.id)] == [4, 6]
        assert [line for line, _ in await import_queries.notices(uow, done.id)] == [2, 3]
        assert [each.name for each in await contacts.list_organisations(uow)] == ["Acme", "Beta"]
        assert [each.id for each in await import_queries.list_imports(uow)] == [done.id]
        left = await uow.session.scalars(select(ImportRow).where(ImportRow.error == "", ImportRow.notice == ""))
        assert not list(left), "no copies of customers' data stay behind"


async def test_a_dry_run_writes_no_contact_and_can_be_applied_afterwards(database: Database, boss: Actor) -> None:
    checked = await imports.run_import(database, boss, FILE, "people.csv", dry_run=True)
    assert (checked.state, checked.accepted, checked.rejected, checked.applied) == ("checked", 3, 2, 0)
    assert checked.finished_at is not None
    assert set((await count(database)).values()) == {0}
    assert await import_resuming.resume_all(database) == []
    done = await imports.apply(database, boss, checked.id)
    assert (done.state, done.applied, done.dry_run) == ("done", 3, False)
    assert len(await names(database)) == 3
    with pytest.raises(Conflict):
        await imports.apply(database, boss, checked.id)


async def test_an_import_is_undone_as_a_whole_but_for_what_people_worked_with(database: Database, boss: Actor) -> None:
    async with database.unit_of_work() as uow:
        await contacts.create_contact(uow, ContactInput(last_name="Old", organisation="Firma 0"), "PL")
    before = await count(database)
    done = await imports.run_import(database, boss, people(50), "people.csv")
    assert (await count(database))["contacts"] == 51
    async with database.unit_of_work(boss) as uow:
        [changed] = (await contacts.list_contacts(uow, q="nowak7")).items
        data = ContactInput(first_name="Jan", last_name="Changed", organisation="Firma 1")
        await contacts.update_contact(uow, changed.id, data, 1, "PL")
        [noted] = (await contacts.list_contacts(uow, q="nowak8")).items
        await contacts.add_note(uow, noted.id, "Called back.")
    undone = await imports.undo(database, boss, done.id)
    assert (undone.state, undone.kept) == ("undone", 2)
    assert sorted(await names(database)) == ["Jan Changed", "Jan Nowak8", "Old"]
    assert await names(database, "nowak1") == []
    async with database.reading() as uow:
        assert {each.name for each in await contacts.list_organisations(uow)} == {"Firma 0", "Firma 1", "Firma 2"}
        orphans = select(ContactTerm).where(ContactTerm.contact_id.not_in(select(Contact.id)))
        assert not list(await uow.session.scalars(orphans))
    again = await imports.run_import(database, boss, people(50), "people.csv")
    await imports.undo(database, boss, again.id)
    assert (await count(database))["contacts"] == before["contacts"] + 2
    with pytest.raises(Conflict):
        await imports.undo(database, boss, again.id)


class Crash(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("inside", [True, False])
async def test_after_a_crash_the_rest_is_applied_and_nothing_twice(
    database: Database, boss: Actor, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    real = import_steps.apply_rows
    batches = 0
    applied: list[int] = []

    async def crash(uow: UnitOfWork, import_id: int, line: int, size: int) -> tuple[int, int, int] | None:
        nonlocal batches
        batches += 1
        if batches == 3 and not inside:
            raise Crash
        result = await real(uow, import_id, line, min(size, 10))
        if batches == 3:
            raise Crash
        applied.append(result[1] if result else 0)
        return result

    monkeypatch.setattr(import_steps, "apply_rows", crash)
    with pytest.raises(Crash):
        await imports.run_import(database, boss, people(60), "people.csv")
    monkeypatch.undo()
    assert 0 < (await count(database))["contacts"] == sum(applied) < 60
    assert await import_resuming.resume_all(database) == [], "it may still be running somewhere"
    clock.shift(61)
    [done] = await import_resuming.resume_all(database)
    assert (done.state, done.applied) == ("done", 60)
    assert sorted(await names(database)) == sorted(f"Jan Nowak{n}" for n in range(60))
    assert await import_resuming.resume_all(database) == []


async def test_an_undoing_that_was_interrupted_goes_on(database: Database, boss: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    done = await imports.run_import(database, boss, people(60), "people.csv")
    real = import_steps.remove_contacts
    batches = 0

    async def crash(uow: UnitOfWork, import_id: int, size: int) -> tuple[int, int]:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise Crash
        return await real(uow, import_id, 10)

    monkeypatch.setattr(import_steps, "remove_contacts", crash)
    with pytest.raises(Crash):
        await imports.undo(database, boss, done.id)
    monkeypatch.undo()
    clock.shift(61)
    [undone] = await import_resuming.resume_all(database)
    assert undone.state == "undone"
    assert set((await count(database)).values()) == {0}


async def test_a_file_whose_reading_was_interrupted_ends_as_failed(database: Database, boss: Actor) -> None:
    async with database.unit_of_work(boss) as uow:
        started = await imports.create(uow, "people.csv")
    clock.shift(61)
    [failed] = await import_resuming.resume_all(database)
    assert (failed.id, failed.state) == (started.id, "failed")
    assert "again" in failed.error


async def test_an_import_being_applied_can_be_undone(database: Database, boss: Actor) -> None:
    checked = await imports.run_import(database, boss, people(30), "people.csv", dry_run=True)
    async with database.unit_of_work(boss) as uow:
        await uow.session.execute(update(Import).values(state="applying"))
        await import_steps.apply_rows(uow, checked.id, 0, 10)
    undone = await imports.undo(database, boss, checked.id)
    assert undone.state == "undone"
    assert set((await count(database)).values()) == {0}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Color,Size\n1,2\n", "First name (Imię)"),
        (b"", "empty"),
        (b"Name\n\x81\xff", "UTF-8"),
        (people(30), "more than 20 rows"),
    ],
)
async def test_what_is_wrong_with_the_whole_file_is_said_and_nothing_stays(
    database: Database, boss: Actor, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "MAXIMUM_ROWS", 20)
    failed = await imports.run_import(database, boss, content, "people.csv")
    assert failed.state == "failed"
    assert said in failed.problem
    assert set((await count(database)).values()) == {0}
    async with database.reading() as uow:
        assert not list(await uow.session.scalars(select(ImportRow)))


async def test_a_file_too_large_or_not_there_is_refused_before_it_is_read(
    database: Database, boss: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "MAXIMUM_BYTES", 1000)
    file = tmp_path / "people.csv"
    file.write_bytes(people(100))
    for source in (file, people(100), tmp_path / "none.csv", tmp_path):
        failed = await imports.run_import(database, boss, source, "people.csv")
        assert failed.state == "failed"
    file.write_bytes(people(5))
    assert (await imports.run_import(database, boss, file, "people.csv")).applied == 5


async def test_a_row_made_before_is_used(database: Database, boss: Actor) -> None:
    async with database.unit_of_work(boss) as uow:
        made = await imports.create(uow, "people.csv")
    done = await imports.run_import(database, boss, people(3), "people.csv", import_id=made.id)
    assert (done.id, done.state) == (made.id, "done")
    async with database.reading(boss) as uow:
        assert len(await import_queries.list_imports(uow)) == 1


async def test_only_supervisors_import(database: Database) -> None:
    anna = await add_person(database)
    with pytest.raises(NotPermitted):
        await imports.run_import(database, anna, FILE, "people.csv")
    async with database.reading(anna) as uow:
        for refused in (import_queries.list_imports(uow), import_queries.get_import(uow, 1), import_queries.rejections(uow, 1)):
            with pytest.raises(CallCenterError):
                await refused
    async with database.reading() as uow:
        with pytest.raises(NotFound):
            await import_queries.get_import(uow, 1)


async def test_what_a_database_cannot_hold_is_reported_and_not_lost(database: Database, boss: Actor) -> None:
    content = b"Name,Note\nJ\x00an,a\x00b\n\x00,\x00\n" + b"Ewa," + b"x" * 20_001 + b"\nIga,fine\n"
    done = await imports.run_import(database, boss, io.BytesIO(content).getvalue(), "people.csv")
    assert (done.state, done.applied, done.rejected) == ("done", 2, 1)
    assert sorted(await names(database)) == ["Iga", "Jan"]


async def test_a_batch_that_took_long_is_followed_by_a_smaller_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    pace = Pace(database)
    sizes = []
    for took_per_row in (0.0001, 0.0001, 0.0001, 0.01, 0.01, 0.01):
        pace.begin()
        now += pace.size * took_per_row
        pace.end()
        sizes.append(pace.size)
    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[2] > sizes[3] > sizes[4]
    assert sizes[5] * 0.01 <= 0.05
    assert sizes[5] < 20


async def test_a_batch_never_gets_smaller_than_a_transaction_is_worth(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    pace = Pace(database, at_least=10)
    for _ in range(5):
        pace.begin()
        now += pace.size
        pace.end()
    assert pace.size == 10


async def test_a_reason_with_values_is_told_in_the_readers_language(database: Database, boss: Actor) -> None:
    done = await imports.run_import(database, boss, FILE, "people.csv")

    def polish(sentence: str, values: Mapping[str, object]) -> str:
        texts = {"{number} is too long for a telephone number.": "{number} jest za długi."}
        return fill(texts.get(sentence, sentence), values)

    async with database.reading(boss) as uow:
        [_, row] = await import_queries.rejections(uow, done.id, polish)
    assert row == (6, "999999999999999999999999999999 jest za długi.")
    assert "999999999999999999999999999999 jest za długi." in await report_of(database, boss, done.id, polish)


async def test_a_report_of_many_rows_comes_in_pieces_each_row_once(
    database: Database, boss: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_queries, "_AT_ONCE", 7)
    content = "Name,Phone\n" + "".join(f",50100{n:04}\n" for n in range(30))
    done = await imports.run_import(database, boss, content.encode(), "people.csv")
    pieces = [piece async for piece in import_queries.report(database, boss, done.id)]
    assert len(pieces) == 6
    lines = "".join(pieces).splitlines()
    assert [line.partition(",")[0] for line in lines] == ["Line", *(str(n) for n in range(2, 32))]


def test_the_numbers_of_a_file_are_kept_with_their_first_line() -> None:
    with SeenNumbers() as seen:
        assert [seen.first_line(48501000001, 2), seen.first_line(48501000002, 3), seen.first_line(48501000001, 9)] == [2, 3, 2]


def test_memory_does_not_grow_with_the_numbers_of_a_file() -> None:
    with SeenNumbers() as seen:
        tracemalloc.start()
        for number in range(30_000):
            seen.first_line(48_500_000_000 + number, number)
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert grown < 100_000


async def test_good_rows_after_more_bad_ones_than_a_batch_holds_go_in(database: Database, boss: Actor) -> None:
    bad = "\n".join(",,,50100" for _ in range(LARGEST_BATCH + 50))
    file = b"\n".join([people(3), bad.encode(), b"Ewa,Lis,Firma,501000999", bad.encode(), b"Ola,Wilk,Firma,501000998"])
    done = await imports.run_import(database, boss, file, "people.csv")
    assert (done.state, done.applied) == ("done", 5)
    assert set(await names(database)) == {"Jan Nowak0", "Jan Nowak1", "Jan Nowak2", "Ewa Lis", "Ola Wilk"}
