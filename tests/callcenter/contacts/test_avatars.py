"""Pictures of contacts: what is taken, what is refused before it can do harm, and what is kept."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select

from callcenter.actor import AccountRole, Actor, Role
from callcenter.contacts import avatars
from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput
from callcenter.contacts.timeline import newest
from callcenter.db import Database
from callcenter.errors import Invalid, NotFound, NotPermitted
from callcenter.files.models import File
from tests.callcenter.contacts.people import add_person


def picture(kind: str, size: tuple[int, int] = (600, 300), mode: str = "RGB", **options: Any) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, "red").save(written, kind, **options)
    return written.getvalue()


def huge_png(side: int) -> bytes:
    """A PNG that says it is side x side pixels and is small: what a decompression bomb looks like."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def huge_webp() -> bytes:
    size = (16383 - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


async def contact_of(database: Database, actor: Actor) -> int:
    async with database.unit_of_work(actor) as uow:
        return (await contacts.create_contact(uow, ContactInput(last_name="Nowak"), "PL")).id


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_a_picture_is_drawn_anew_as_a_square_without_what_was_written_beside_it(database: Database, kind: str) -> None:
    actor = await add_person(database)
    contact_id = await contact_of(database, actor)
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    beside: dict[str, Any] = {} if kind == "GIF" else {"exif": exif}
    await avatars.store(database, actor, contact_id, picture(kind, **beside))
    first, content = await avatars.read(database, actor, contact_id)
    with Image.open(io.BytesIO(content)) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", (256, 256))
        assert not drawn.getexif()
    assert b"taken at home" not in content
    await avatars.store(database, actor, contact_id, picture("PNG", mode="RGBA"))
    second, _ = await avatars.read(database, actor, contact_id)
    assert second != first
    async with database.reading(actor) as uow:
        assert await uow.session.scalar(select(func.count()).select_from(File)) == 1, "the one before is gone"
        assert (await contacts.get_contact(uow, contact_id)).version == 1
        assert [each.data["fields"]["avatar"] for each in await newest(uow, contact_id=contact_id)] == [
            [True, True],
            [False, True],
        ]
    await avatars.remove(database, actor, contact_id)
    with pytest.raises(NotFound):
        await avatars.read(database, actor, contact_id)


def test_a_photo_taken_sideways_stands_upright() -> None:
    wide = Image.new("RGB", (400, 200), "red")
    wide.paste("blue", (0, 0, 200, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    written = io.BytesIO()
    wide.save(written, "JPEG", exif=exif)
    with Image.open(io.BytesIO(avatars.draw(written.getvalue()))) as drawn:
        top, bottom = drawn.convert("RGB").getpixel((128, 40)), drawn.convert("RGB").getpixel((128, 216))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[2] > 200 > top[0]
    assert bottom[0] > 200 > bottom[2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not a picture at all", "not a picture"),
        (b"%PDF-1.7 ...", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a picture"),
        (b"PK\x03\x04" + b"\0" * 100, "not a picture"),
        (b"BM" + b"\0" * 100, "not a picture"),
        (huge_png(60_000), "too many pixels"),
        (huge_png(8_000), "too many pixels"),
        (huge_webp(), "too many pixels"),
        (huge_png(500), "cannot be read"),
        (picture("JPEG")[:300], "cannot be read"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "cannot be read"),
        (b"RIFF\0\0\0\0WEBP", "cannot be read"),
        (b"GIF89a", "cannot be read"),
    ],
)
def test_what_is_no_good_picture_is_refused_with_a_sentence(content: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        avatars.draw(content)
    assert refused.value.field == "file"


async def test_only_who_may_change_a_contact_changes_its_picture_and_only_who_sees_it_gets_it(database: Database) -> None:
    actor = await add_person(database)
    contact_id = await contact_of(database, actor)
    await avatars.store(database, actor, contact_id, picture("PNG"))
    reader = Actor(actor.user_id, "Reader", Role.CONSULTANT, accounts=frozenset({AccountRole.CUSTOMER_READER}))
    stranger = Actor(actor.user_id, "Stranger", Role.CONSULTANT, accounts=frozenset({AccountRole.PARTNER_ADMIN}))
    assert (await avatars.read(database, reader, contact_id))[1]
    with pytest.raises(NotPermitted):
        await avatars.store(database, reader, contact_id, picture("PNG"))
    with pytest.raises(NotPermitted):
        await avatars.remove(database, reader, contact_id)
    for attempt in (avatars.read(database, stranger, contact_id), avatars.store(database, stranger, contact_id, picture("PNG"))):
        with pytest.raises(NotFound):
            await attempt
