"""Files of numbers that are not to be called."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from callcenter.actor import AccountRole
from callcenter.contacts import number_lists, suppressions
from callcenter.contacts.consent_models import NumberList, Suppression
from callcenter.db import Database
from callcenter.errors import NotFound, NotPermitted
from tests.callcenter.calls.floor import Floor, open_floor


@pytest.fixture
async def floor(database: Database) -> Floor:
    return await open_floor(database)


async def read(floor: Floor, tmp_path: Path, content: bytes, project_id: int | None = None) -> NumberList:
    made = await floor.do("sue", number_lists.create, project_id, "robinson.csv")
    file = tmp_path / "list"
    file.write_bytes(content)
    await number_lists.read(floor.database, floor.people["sue"], made.id, file, "PL")
    found: NumberList = await floor.do("sue", number_lists.get_list, made.id)
    return found


def counted(found: NumberList) -> tuple[str, int, int, int, int, int]:
    return found.state, found.total, found.seen, found.added, found.known, found.invalid


async def test_numbers_are_put_on_the_list_and_a_second_time_only_counted(floor: Floor, tmp_path: Path) -> None:
    content = "Imię;Telefon\nJan;601 234 999\n\nEwa;+48 22 123 45 67\nnobody;12345678\n".encode()
    assert counted(await read(floor, tmp_path, content)) == ("done", 3, 3, 2, 0, 1)
    again = await read(floor, tmp_path, content)
    assert (counted(again), again.first_invalid) == (("done", 3, 3, 0, 2, 1), ["nobody;12345678"])
    async with floor.database.reading() as uow:
        assert await suppressions.is_listed(uow, "+48601234999", "PL")
        assert not await suppressions.is_listed(uow, "+48601234999", "PL", project_id=floor.project_id)


async def test_a_projects_list_is_its_own(floor: Floor, tmp_path: Path) -> None:
    await read(floor, tmp_path, b"601234999", floor.project_id)
    assert [each.reason for each in await floor.all(Suppression)] == [f"do_not_call:{floor.project_id}"]


async def test_more_than_a_piece_with_the_same_number_often(floor: Floor, tmp_path: Path) -> None:
    lines = [f"+486012{number % 1500:05}" for number in range(2600)]
    assert counted(await read(floor, tmp_path, "\r\n".join(lines).encode("utf-16"))) == ("done", 2600, 2600, 1500, 1100, 0)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"Telefon\n", b"PK\x03\x04rest", b"Telefon\x00\n"])
async def test_what_is_no_list_is_said(floor: Floor, tmp_path: Path, content: bytes) -> None:
    found = await read(floor, tmp_path, content)
    assert found.state == "failed"
    assert found.error


async def test_odd_bytes_are_lines_without_a_number(floor: Floor, tmp_path: Path) -> None:
    found = await read(floor, tmp_path, b"\x81\x9f\xff 999999\n601234999\n")
    assert (found.state, found.added, found.invalid) == ("done", 1, 1)


async def test_only_supervisors_read_lists(floor: Floor) -> None:
    for door, given in ((number_lists.create, (None, "x")), (number_lists.list_lists, ()), (number_lists.get_list, (1,))):
        with pytest.raises(NotPermitted):
            await floor.do("anna", door, *given)
    with pytest.raises(NotFound):
        await floor.do("sue", number_lists.get_list, 1)


async def test_a_list_nobody_reads_on_is_stopped(floor: Floor) -> None:
    made = await floor.do("sue", number_lists.create, None, "robinson.csv")
    assert number_lists.state(made, made.touched_at) == "reading"
    assert number_lists.state(made, made.touched_at + dt.timedelta(minutes=11)) == "stopped"


async def test_who_may_not_see_every_account_sees_only_their_own_files(floor: Floor, tmp_path: Path) -> None:
    made = await read(floor, tmp_path, b"601234999")
    anna, sue = floor.people["anna"], floor.people["sue"]
    floor.people["reader"] = replace(sue, user_id=anna.user_id, accounts=frozenset({AccountRole.PARTNER_READER}))
    assert await floor.do("reader", number_lists.list_lists) == []
    with pytest.raises(NotFound):
        await floor.do("reader", number_lists.get_list, made.id)
    floor.people["reader"] = replace(sue, accounts=frozenset({AccountRole.PARTNER_READER}))
    assert [each.id for each in await floor.do("reader", number_lists.list_lists)] == [made.id]
