"""Meetings from a file, end to end: the good ones planned once, the others reported, whatever happens in between."""

import asyncio
import csv
import datetime as dt
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from sqlalchemy import delete, func, select, update

from callcenter import clock
from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.contacts import csv_file
from callcenter.contacts import service as contacts
from callcenter.contacts.models import Contact
from callcenter.contacts.service import ContactInput, NumberInput
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Conflict, NotFound
from callcenter.events import MeetingAssigned, MeetingChanged, Notice
from callcenter.meetings import import_steps, imports, quiet, service
from callcenter.meetings.models import Meeting, MeetingImport, MeetingImportRow
from callcenter.projects import service as projects
from callcenter.projects.service import ProjectInput
from callcenter.users.models import User
from tests.callcenter.calls.floor import Floor

HEADER = "Name,Number,Mode,From,To,Information,Project,User,Contact"
DAY = (clock.now() + dt.timedelta(days=30)).strftime("%Y-%m-%d")
GOOD = f"Offer,601 234 567,manual,{DAY} 14:30,{DAY} 15:00,Ask for Jan,Sales,anna,"


def file_of(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows]).encode()


def many(number: int, wrong: Callable[[int], bool] = lambda n: False) -> bytes:
    return file_of(
        *(f"Meeting {n},{'112' if wrong(n) else f'60123{n:04}'},,{DAY} 12:00,{DAY} 13:00,,Sales,," for n in range(number))
    )


async def run(office: Floor, content: bytes, who: str = "sue", *, dry_run: bool = False, **given: Any) -> MeetingImport:
    return await imports.run_import(office.database, office.people[who], content, "meetings.csv", dry_run, **given)


async def names(database: Database) -> list[str]:
    async with database.reading() as uow:
        return list(await uow.session.scalars(select(Meeting.name).order_by(Meeting.id)))


async def rejected(office: Floor, import_id: int, who: str = "sue") -> list[list[str]]:
    async with office.database.reading(office.people[who]) as uow:
        text = await imports.report(uow, import_id)
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


async def test_good_rows_are_planned_by_the_rules_of_a_single_meeting(office: Floor) -> None:
    done = await run(office, file_of(GOOD, f",601 234 568,,{DAY} 16:00,,,sales,,"))
    assert (done.state, done.total, done.planned, done.rejected, done.error) == ("done", 2, 2, 0, "")
    async with office.database.reading() as uow:
        first, second = await uow.session.scalars(select(Meeting).order_by(Meeting.id))
    assert (first.name, first.number, first.mode, first.information) == ("Offer", "+48601234567", "manual", "Ask for Jan")
    assert (first.user_id, first.created_by, first.project_id) == (
        office.people["anna"].id,
        office.people["sue"].id,
        office.project_id,
    )
    assert first.to_at - first.from_at == dt.timedelta(minutes=30)
    assert (second.user_id, second.mode, second.to_at - second.from_at) == (None, "manual", dt.timedelta(minutes=30))
    assert second.next_at is not None, "the engine looks at it"
    assert [each.values for each in office.said(Notice, "anna")] == [{"count": "1"}]
    assert office.said(MeetingAssigned) == []
    async with office.database.reading() as uow:
        kept = list(await uow.session.scalars(select(MeetingImportRow)))
    assert all(not each.cells and not each.data for each in kept), "no copies of customers' data stay behind"


BAD = [
    (f"x,601,,{DAY} 14:30,{DAY} 15:00,,Sales,,", "Number", "601"),
    (f"x,112,,{DAY} 14:30,{DAY} 15:00,,Sales,,", "Number", "mergency"),
    (f"x,+48 700 123 456,,{DAY} 14:30,{DAY} 15:00,,Sales,,", "Number", ""),
    (f"x,+49 30 123456,,{DAY} 14:30,{DAY} 15:00,,Sales,,", "Number", ""),
    (f"x,,,{DAY} 14:30,{DAY} 15:00,,Sales,,", "Number", "Say which number to call."),
    (f"x,601234567,maybe,{DAY} 14:30,{DAY} 15:00,,Sales,,", "Mode", "not maybe"),
    ("x,601234567,,soon,,,Sales,,", "From", "soon is not a date and time"),
    ("x,601234567,,,,,Sales,,", "From", "Say when"),
    (f"x,601234567,,{DAY} 15:00,{DAY} 14:30,,Sales,,", "To", "ends before it begins"),
    ("x,601234567,,2001-01-01 14:30,2001-01-01 15:00,,Sales,,", "To", "in the past"),
    (f"x,601234567,,{DAY} 14:30:00,{DAY} 14:30:20,,Sales,,", "To", "too short"),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,,,", "Project", "Say which project"),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Nowhere,,", "Project", "There is no project Nowhere"),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Bare,,", "Project", "no settings for phone meetings"),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Sales,ghost,", "User", "There is no user ghost."),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Sales,zoe,", "User", "does not serve the project Sales"),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Sales,celia,", "User", "was deactivated"),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Sales,,Nobody Known", "Contact", "There is no contact Nobody Known."),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Sales,,???", "Contact", "There is no contact ???."),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Sales,,Jan Nowak", "Contact", "Several contacts fit Jan Nowak."),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Sales,,twice@acme.pl", "Contact", "Several contacts fit twice@acme.pl."),
    (f"x,,,{DAY} 14:30,{DAY} 15:00,,Sales,,Ewa Lis", "Number", "Ewa Lis has 2 numbers."),
    (f"x,601234567,,{DAY} 14:30,{DAY} 15:00,,Sales,,,too much", "", "more cells than the first line"),
    (f"{'x' * 201},601234567,,{DAY} 14:30,{DAY} 15:00,,Sales,,", "Name", "too long"),
]


async def people(office: Floor) -> None:
    """Add contacts who are hard to tell apart, somebody of no project, a project without rules; Celia has left."""
    async with office.database.unit_of_work() as uow:
        for first, last, email, phones in (
            ("Jan", "Nowak", "twice@acme.pl", ["+48601000001"]),
            ("Nowak", "Jan", "twice@acme.pl", ["+48601000002"]),
            ("Ewa", "Lis", "ewa@acme.pl", ["+48601000003", "+48601000004"]),
            ("Ola", "Wilk", "Ola.Wilk@acme.pl", ["+48601000005"]),
        ):
            typed = [NumberInput(type="mobile", number=each) for each in phones]
            await contacts.create_contact(uow, ContactInput(first_name=first, last_name=last, email=email, numbers=typed), "PL")
        await projects.add_project(uow, ProjectInput(name="Bare"))
        uow.session.add(
            User(login="zoe", name="Zoe", role="consultant", accounts=sorted(EVERY_ACCOUNT), password_hash="", created_at=uow.now)
        )
        gone = update(User).where(User.login == "celia").values(disabled_at=uow.now)
        await uow.session.execute(gone)


async def test_every_bad_row_is_reported_with_its_column_and_a_sentence(office: Floor) -> None:
    await people(office)
    done = await run(office, file_of(*(row for row, _, _ in BAD), GOOD))
    assert (done.state, done.total, done.planned, done.rejected) == ("done", len(BAD) + 1, 1, len(BAD))
    header, *rows = await rejected(office, done.id)
    assert header == ["Line", "Column", "Reason", *HEADER.split(",")]
    for at, (found, (row, column, said)) in enumerate(zip(rows, BAD, strict=True)):
        assert found[0] == str(at + 2)
        assert found[1] == column, (row, found)
        assert said in found[2], (row, found)
        assert "{" not in found[2]
    assert rows[2][4] == "'+48 700 123 456", "harmless in a spreadsheet"


async def test_contacts_are_found_by_name_number_and_address_when_only_one_fits(office: Floor) -> None:
    await people(office)
    rows = [f"x,,,{DAY} 14:30,,,Sales,,{said}" for said in ("Ola Wilk", "wilk ola", "601 000 005", "ola.wilk@ACME.pl")]
    done = await run(office, file_of(*rows))
    assert (done.planned, done.rejected) == (4, 0)
    async with office.database.reading() as uow:
        found = {(each.contact_name, each.number) for each in await uow.session.scalars(select(Meeting))}
    assert found == {("Ola Wilk", "+48601000005")}


async def test_a_corrected_report_can_be_imported(office: Floor) -> None:
    done = await run(office, file_of(f"x,+112,,{DAY} 14:30,,,Sales,,"))
    async with office.database.reading() as uow:
        text = await imports.report(
            uow, done.id, lambda sentence, values: {"Line": "Wiersz", "Column": "Kolumna"}.get(sentence, "Powód")
        )
    again = await run(office, text.replace("'+112", "'+48 601 234 567").encode())
    assert (again.planned, again.rejected) == (1, 0)


async def test_a_dry_run_plans_nothing_and_can_be_planned_afterwards(office: Floor) -> None:
    checked = await run(office, file_of(GOOD, "x,,,,,,,,"), dry_run=True)
    assert (checked.state, checked.accepted, checked.rejected, checked.planned) == ("checked", 1, 1, 0)
    assert await names(office.database) == []
    clock.shift(office.moved + 120)
    assert await imports.resume_all(office.database) == [], "nobody wants it yet"
    done = await imports.plan(office.database, office.people["sue"], checked.id)
    assert (done.state, done.planned, done.dry_run) == ("done", 1, False)
    with pytest.raises(Conflict):
        await imports.plan(office.database, office.people["sue"], checked.id)
    assert await names(office.database) == ["Offer"]


async def test_the_same_file_twice_waits_until_somebody_wants_it_once_more(office: Floor) -> None:
    first = await run(office, file_of(GOOD))
    async with office.database.unit_of_work(office.people["sue"]) as uow:
        await service.cancel(uow, (await uow.session.scalars(select(Meeting.id))).one(), "Not then.")
    second = await run(office, file_of(GOOD))
    assert (second.state, second.same_as_id, second.planned) == ("checked", first.id, 0)
    assert await names(office.database) == ["Offer"]
    clock.shift(office.moved + 120)
    assert await imports.resume_all(office.database) == []
    done = await imports.plan(office.database, office.people["sue"], second.id)
    assert (done.state, done.planned) == ("done", 1)
    other = await run(office, file_of(GOOD.replace("Offer", "Another")))
    assert (other.state, other.same_as_id) == ("done", None)


async def test_a_dry_run_before_is_no_import_of_the_same_file(office: Floor) -> None:
    await run(office, file_of(GOOD), dry_run=True)
    assert (await run(office, file_of(GOOD))).planned == 1


class Crash(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("inside", [True, False])
async def test_after_a_crash_the_rest_is_planned_and_nothing_twice(
    office: Floor, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    real = import_steps.plan_rows
    batches = 0

    async def crash(uow: UnitOfWork, import_id: int, size: int) -> import_steps.Planned:
        nonlocal batches
        batches += 1
        if batches == 3 and not inside:
            raise Crash
        result = await real(uow, import_id, min(size, 4))
        if batches == 3:
            raise Crash
        return result

    monkeypatch.setattr(import_steps, "plan_rows", crash)
    with pytest.raises(Crash):
        await run(office, many(20))
    monkeypatch.undo()
    assert len(await names(office.database)) == 8
    assert await imports.resume_all(office.database) == [], "it may still be running somewhere"
    office.shift(61)
    [done] = await imports.resume_all(office.database)
    assert (done.state, done.planned, done.user_id) == ("done", 20, office.people["sue"].id)
    assert sorted(await names(office.database)) == sorted(f"Meeting {n}" for n in range(20))
    assert await imports.resume_all(office.database) == []


async def test_a_file_whose_reading_was_interrupted_ends_as_failed_with_nothing_planned(
    office: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, batches = import_steps.check_rows, 0

    async def crash(*given: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise Crash
        return await real(*given)

    monkeypatch.setattr(import_steps, "check_rows", crash)
    with pytest.raises(Crash):
        await run(office, many(60))
    monkeypatch.undo()
    office.shift(61)
    [failed] = await imports.resume_all(office.database)
    assert (failed.state, failed.problem) == ("failed", "Reading the file was interrupted. Import it again.")
    assert await names(office.database) == []
    again = await run(office, many(60))
    assert (again.state, again.same_as_id, again.planned) == ("done", None, 60)


async def test_a_stop_while_the_file_is_read_waits_for_the_thread_and_closes_it(
    office: Floor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, go = threading.Event(), threading.Event()
    opened: list[BinaryIO] = []
    real = csv_file.read_layout

    def slow(source: BinaryIO, columns: csv_file.Columns) -> csv_file.Layout:
        opened.append(source)
        entered.set()
        go.wait(60)
        return real(source, columns)

    monkeypatch.setattr(csv_file, "read_layout", slow)
    file = tmp_path / "meetings.csv"
    file.write_bytes(file_of(GOOD))
    task = asyncio.create_task(imports.run_import(office.database, office.people["sue"], file, file.name))
    await asyncio.to_thread(entered.wait, 60)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not opened[0].closed, "the thread still reads it"
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert opened[0].closed


async def test_who_was_deactivated_meanwhile_plans_nothing_more(office: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_given: Any) -> Any:
        raise Crash

    monkeypatch.setattr(import_steps, "plan_rows", crash)
    with pytest.raises(Crash):
        await run(office, file_of(GOOD))
    monkeypatch.undo()
    async with office.database.unit_of_work() as uow:
        await uow.session.execute(update(User).where(User.login == "sue").values(disabled_at=uow.now))
    office.shift(61)
    [failed] = await imports.resume_all(office.database)
    assert (failed.state, await names(office.database)) == ("failed", [])
    assert "was deactivated" in failed.problem


async def test_a_row_that_is_good_no_longer_is_rejected_when_its_turn_comes(office: Floor) -> None:
    await people(office)
    rows = file_of(f"x,601234567,,{DAY} 14:30,,,Sales,,Ola Wilk", GOOD)
    checked = await run(office, rows, dry_run=True)
    async with office.database.unit_of_work() as uow:
        await uow.session.execute(delete(Contact).where(Contact.last_name == "Wilk"))
    done = await imports.plan(office.database, office.people["sue"], checked.id)
    assert (done.planned, done.rejected, done.accepted) == (1, 1, 1)
    [_, row] = await rejected(office, done.id)
    assert row[:2] == ["2", "Contact"]
    assert "no longer there" in row[2]
    assert row[3:5] == ["x", "601234567"], "as it was in the file"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Color,Size\n1,2\n", "Not known: Color, Size"),
        (b"", "empty"),
        (b"Name\n\x81\xff", "UTF-8"),
        (many(30), "more than 20 rows"),
    ],
)
async def test_what_is_wrong_with_the_whole_file_is_said_and_nothing_stays(
    office: Floor, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MAXIMUM_ROWS", 20)
    failed = await run(office, content)
    assert failed.state == "failed"
    assert said in failed.problem
    async with office.database.reading() as uow:
        assert await uow.session.scalar(select(func.count()).select_from(MeetingImportRow)) == 0


async def test_a_consultant_plans_what_they_may_and_sees_only_their_own_files(office: Floor) -> None:
    done = await run(office, file_of(GOOD, GOOD.replace("anna", "bob"), GOOD.replace("anna", "")), "anna")
    assert (done.planned, done.rejected) == (2, 1)
    [_, row] = await rejected(office, done.id, "anna")
    assert row[1] == "User"
    assert "Only supervisors" in row[2]
    async with office.database.reading(office.people["bob"]) as uow:
        assert await imports.list_imports(uow) == []
        with pytest.raises(NotFound):
            await imports.get_import(uow, done.id)
    with pytest.raises(NotFound):
        await imports.plan(office.database, office.people["bob"], done.id)
    async with office.database.reading(office.people["sue"]) as uow:
        assert [each.id for each in await imports.list_imports(uow)] == [done.id]


async def test_times_are_of_the_importers_zone(office: Floor) -> None:
    sue = office.people["sue"]
    abroad = Actor(sue.user_id, sue.name, Role.SUPERVISOR, time_zone="America/New_York", accounts=EVERY_ACCOUNT)
    done = await imports.run_import(office.database, abroad, file_of(GOOD), "meetings.csv")
    assert done.time_zone == "America/New_York"
    async with office.database.reading() as uow:
        [found] = await uow.session.scalars(select(Meeting))
    assert found.from_at.hour in (18, 19)


async def test_many_rows_go_in_batches_with_progress_and_few_messages(office: Floor) -> None:
    counts: list[tuple[str, int]] = []
    done = await run(
        office, many(120, lambda n: n % 10 == 3), progress=lambda each: counts.append((each.state, each.total + each.planned))
    )
    assert (done.state, done.total, done.planned, done.rejected) == ("done", 120, 108, 12)
    assert [state for state, _ in counts] == sorted((state for state, _ in counts), key=["reading", "planning", "done"].index)
    assert [count for _, count in counts] == sorted(count for _, count in counts)
    assert sum(state == "reading" for state, _ in counts) > 1
    batches = sum(state == "planning" for state, _ in counts)
    assert len(office.said(MeetingChanged, "sue")) <= quiet.ENOUGH * batches, "a few messages a batch"
    assert [row[0] for row in (await rejected(office, done.id))[1:]] == [str(n + 2) for n in range(120) if n % 10 == 3]
