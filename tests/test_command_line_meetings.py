"""`callcenter import meetings` as scripts use it: what it prints, and its exit status."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import select

from callcenter import clock
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.meetings import settings
from callcenter.meetings.forms import SettingsInput
from callcenter.meetings.models import Meeting
from tests.test_command_line import Run, prepared, run

__all__ = ["prepared", "run"]  # fixtures

ALWAYS = {str(day): [("00:00", "24:00")] for day in range(7)}
DAY = (clock.now() + dt.timedelta(days=30)).strftime("%Y-%m-%d")
HEADER = "Name,Number,From,To,Project,User\n"
GOOD = f"Offer,601 234 567,{DAY} 14:30,{DAY} 15:00,Sales,anna\n"
BAD = f"Help,112,{DAY} 14:30,{DAY} 15:00,Sales,\n"


@pytest.fixture
def office(prepared: Run, tmp_path: Path) -> Run:
    """Add a project whose customers may be called at any hour."""
    assert prepared("project", "add", "Sales", "--member", "anna")[0] == 0

    async def work() -> None:
        database = Database(Settings(data_dir=tmp_path).sqlalchemy_url)
        async with database.unit_of_work() as uow:
            await settings.set_settings(uow, 1, SettingsInput.model_validate({"hours": ALWAYS}))
        await database.close()

    asyncio.run(work())
    return prepared


def meetings(folder: Path) -> list[tuple[str, int | None]]:
    async def work() -> list[tuple[str, int | None]]:
        database = Database(Settings(data_dir=folder).sqlalchemy_url)
        async with database.reading() as uow:
            found = [(each.name, each.created_by) for each in await uow.session.scalars(select(Meeting).order_by(Meeting.id))]
        await database.close()
        return found

    return asyncio.run(work())


def written(folder: Path, *rows: str) -> str:
    file = folder / "meetings.csv"
    file.write_text(HEADER + "".join(rows))
    return str(file)


def test_a_good_file_is_planned_with_status_zero(office: Run, tmp_path: Path) -> None:
    assert office("import", "meetings", written(tmp_path, GOOD)) == (
        0,
        "1 rows read, 1 meetings planned, 0 rows rejected.",
        "To take them back: callcenter import undo-meetings 1",
    )
    assert meetings(tmp_path) == [("Offer", None)]


def test_rejected_rows_are_reported_with_status_one_and_a_dry_run_plans_nothing(office: Run, tmp_path: Path) -> None:
    file = written(tmp_path, GOOD, BAD)
    status, said, report = office("import", "meetings", file, "--dry-run")
    assert (status, said) == (1, "2 rows read, 1 meetings would be planned, 1 rows rejected.")
    assert report.removeprefix("\ufeff").splitlines()[0] == "Line,Column,Reason," + HEADER.strip()
    assert "3,Number," in report
    assert meetings(tmp_path) == []
    status, said, report = office("import", "meetings", file)
    assert (status, said) == (1, "2 rows read, 1 meetings planned, 1 rows rejected.")
    assert len(meetings(tmp_path)) == 1


def test_the_same_file_again_plans_nothing_twice(office: Run, tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    assert office("import", "meetings", file)[0] == 0
    status, said, errors = office("import", "meetings", file)
    assert (status, said) == (0, "1 rows read, 0 meetings planned, 0 rows rejected, 1 already planned.")
    assert errors == "Already planned, so not once more: line 2, meeting 1 Offer"
    assert len(meetings(tmp_path)) == 1


def test_an_import_is_undone_and_its_file_is_then_planned_when_told_so(office: Run, tmp_path: Path) -> None:
    file = written(tmp_path, GOOD, GOOD.replace("Offer", "Contract"))
    assert office("import", "meetings", file)[2] == "To take them back: callcenter import undo-meetings 1"
    assert office("import", "undo-meetings", "1") == (0, "2 meetings cancelled, 0 kept.", "")
    assert office("import", "undo-meetings", "1")[0] == 1
    assert office("import", "meetings", file)[1] == "2 rows read, 2 meetings planned, 0 rows rejected."
    assert office("import", "undo-meetings", "99")[0] == 1
    assert len(meetings(tmp_path)) == 4


def test_somebody_may_be_named_whose_rights_count(office: Run, tmp_path: Path) -> None:
    file = written(tmp_path, GOOD, GOOD.replace("anna", ""))
    assert office("import", "meetings", file, "--as", "anna")[0] == 0
    assert [user for _, user in meetings(tmp_path)] == [1, 1]
    status, _, errors = office("import", "meetings", file, "--as", "ghost")
    assert (status, errors) == (1, "There is no user ghost.")


def test_many_rows_say_how_far_they_are(office: Run, tmp_path: Path) -> None:
    file = written(tmp_path, *[f"x,112,{DAY} 14:30,,Sales,\n"] * 1200)
    status, said, errors = office("import", "meetings", file, "--dry-run")
    assert (status, said) == (1, "1200 rows read, 0 meetings would be planned, 1200 rows rejected.")
    assert errors.startswith("reading: 1")
    assert "rejected, 0 planned" in errors.splitlines()[0]


@pytest.mark.parametrize(("content", "said"), [(b"foo,bar\n1,2\n", "Not known: foo, bar"), (b"", "The file is empty")])
def test_a_file_that_is_no_meetings_says_why(office: Run, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "wrong.csv"
    file.write_bytes(content)
    status, output, errors = office("import", "meetings", str(file))
    assert (status, output) == (1, "")
    assert said in errors
    assert len(errors.splitlines()) == 1


def test_bad_usage_is_status_two(office: Run) -> None:
    assert office("import", "meetings", "/nowhere/meetings.csv")[0] == 2
