"""Files: kept in parts, known by their octets, attached by who uploaded them, swept when nobody does."""

import datetime as dt
from collections.abc import AsyncIterator

import pytest

from callcenter import clock
from callcenter.actor import Actor
from callcenter.db import Database
from callcenter.errors import Invalid, NotFound
from callcenter.files import service as files
from callcenter.files.kinds import media_type
from tests.callcenter.contacts.people import add_person


async def arriving(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.fixture
async def anna(database: Database) -> Actor:
    return await add_person(database)


async def test_a_file_comes_back_as_it_went_in_whatever_pieces_it_came_in(database: Database, anna: Actor) -> None:
    octets = bytes(range(256)) * 3000  # three parts
    pieces = [octets[at : at + 70_001] for at in range(0, len(octets), 70_001)]
    for content in (octets, arriving(*pieces)):
        file = await files.store(database, anna, "x.bin", content)
        assert (file.size, file.attached) == (len(octets), False)
        assert file.complete_at is not None
        assert await files.whole(database, file.id) == octets


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        ("Zażółć".encode(), "text/plain"),
        ("Zażółć".encode()[:-1], "text/plain"),
        (b"<html>", "text/plain"),
        (b"a\x00b", "application/octet-stream"),
        (b"\xb3\xf3d\xbc and more", "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_first_octets_say(start: bytes, expected: str) -> None:
    assert media_type(start) == expected


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\anna\\umowa.pdf", "umowa.pdf"),
        ("a\x00b\r\nSet-Cookie: x.pdf", "abSet-Cookie: x.pdf"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("x" * 300, "x" * 200),
        ("zażółć 🙂.png", "zażółć 🙂.png"),
    ],
)
def test_a_name_is_one_a_header_and_a_disk_can_bear(given: str, kept: str) -> None:
    assert files.clean_name(given) == kept


async def test_an_empty_file_and_a_huge_one_are_refused_and_leave_nothing_to_be_attached(database: Database, anna: Actor) -> None:
    with pytest.raises(Invalid, match="empty"):
        await files.store(database, anna, "x", b"")
    with pytest.raises(Invalid, match="larger than 1 MB"):
        await files.store(database, anna, "x", arriving(b"x" * 700_000, b"x" * 700_000), largest=1 << 20)
    async with database.unit_of_work(anna) as uow:
        for file_id in range(1, 5):
            with pytest.raises(NotFound):
                await files.attach(uow, file_id)


async def test_a_file_is_attached_once_and_only_by_who_uploaded_it(database: Database, anna: Actor) -> None:
    bob = await add_person(database, "bob")
    file = await files.store(database, anna, "x", b"x")
    async with database.unit_of_work(bob) as uow:
        with pytest.raises(NotFound):
            await files.attach(uow, file.id)
    async with database.unit_of_work(anna) as uow:
        await files.attach(uow, file.id)
        with pytest.raises(NotFound):
            await files.attach(uow, file.id)


async def test_what_nobody_attached_is_gone_after_a_day(database: Database, anna: Actor) -> None:
    clock.stop(True)
    attached, forgotten = [await files.store(database, anna, "x", b"x" * 300_000) for _ in range(2)]
    async with database.unit_of_work(anna) as uow:
        await files.attach(uow, attached.id)
    clock.shift(dt.timedelta(days=1, seconds=1).total_seconds())
    async with database.unit_of_work() as uow:
        await files.sweep(uow, {})
    assert len(await files.whole(database, attached.id)) == 300_000
    assert await files.whole(database, forgotten.id) == b""
    async with database.reading() as uow:
        with pytest.raises(NotFound):
            await files.get(uow, forgotten.id)
