"""Pictures of contacts (S6): checked by their first octets and their size in pixels, drawn anew at 256 x 256, kept as WebP.

Drawing anew takes away what a camera wrote beside the picture (where, when, with what). It happens in a thread, one picture at
a time, so that neither calls nor memory suffer.
"""

import asyncio
import io
import struct
from concurrent.futures import ThreadPoolExecutor

import structlog
from PIL import Image, ImageOps

from callcenter.actor import Actor
from callcenter.contacts import changes
from callcenter.contacts import service as contacts
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Invalid, NotFound
from callcenter.files import service as stored_files
from callcenter.files.kinds import media_type
from callcenter.users.service import audit

__all__ = ["LARGEST", "MEDIA_TYPE", "draw", "drawn", "read", "remove", "store"]

log = structlog.get_logger(__name__)

LARGEST = 10 << 20  # octets
MOST_PIXELS = 50_000_000  # a telephone's largest pictures; decoded they take 200 MB for a moment
SIDE = 256
MEDIA_TYPE = "image/webp"
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
_DRAWING = ThreadPoolExecutor(1, thread_name_prefix="avatars")


async def store(database: Database, actor: Actor, contact_id: int, content: bytes) -> None:
    """Show a contact with this picture from now on; raises Invalid (field file) for what is no picture, or too large."""
    async with database.reading(actor) as uow:
        await contacts.changeable(uow, contact_id)
    drawn = await asyncio.get_running_loop().run_in_executor(_DRAWING, draw, content)
    file = await stored_files.store(database, actor, f"contact-{contact_id}.webp", drawn)
    async with database.unit_of_work(actor) as uow:
        await stored_files.attach(uow, file.id)
        await _replace(uow, contact_id, file.id)


async def remove(database: Database, actor: Actor, contact_id: int) -> None:
    """Show a contact by the initials again."""
    async with database.unit_of_work(actor) as uow:
        await _replace(uow, contact_id, None)


async def _replace(uow: UnitOfWork, contact_id: int, file_id: int | None) -> None:
    """Change the picture. The version stays: nobody's unsaved text is about it."""
    contact = await contacts.changeable(uow, contact_id)
    before, contact.avatar_id, contact.updated_at = contact.avatar_id, file_id, uow.now
    await uow.session.flush()
    if before is not None:
        await stored_files.remove(uow, before)
    if before != file_id:
        await changes.record(uow, contact_id, {"avatar": [before is not None, file_id is not None]})
        audit(uow, "contact.avatar", "contact", contact_id, removed=file_id is None)


async def read(database: Database, actor: Actor, contact_id: int) -> tuple[int, bytes]:
    """Return the id of a contact's picture, which changes with it, and its octets; raises NotFound when there is none."""
    async with database.reading(actor) as uow:
        avatar_id = (await contacts.get_contact(uow, contact_id)).avatar_id
    if avatar_id is None:
        raise NotFound("This contact has no picture.")
    return avatar_id, await stored_files.whole(database, avatar_id)


def drawn(content: bytes) -> bytes:
    """Draw a picture where all are drawn, one at a time, and wait for it; for a thread that reads a file."""
    return _DRAWING.submit(draw, content).result()


def draw(content: bytes) -> bytes:
    """Return a picture as a square of SIDE pixels in WebP; raises Invalid. Slow: not for the loop."""
    kind = _FORMATS.get(media_type(content[:4096]))
    if kind is None:
        raise Invalid("This is not a picture. Choose a PNG, JPEG, WebP or GIF file.", field="file")
    if len(content) > LARGEST:
        raise Invalid("The picture is larger than {limit} MB.", field="file", limit=LARGEST >> 20)
    try:
        if kind == "WEBP":
            _check_size(*_webp_size(content))  # its decoder takes memory for all pixels before it tells how many
        with Image.open(io.BytesIO(content), formats=[kind]) as picture:
            _check_size(*picture.size)
            return _drawn(picture)
    except Invalid:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Exception as error:
        log.info("avatar.refused", kind=kind, size=len(content), reason=f"{type(error).__name__}: {error}"[:200])
        raise Invalid("This picture cannot be read. Save it anew, or choose another.", field="file") from error


def _drawn(picture: Image.Image) -> bytes:
    picture.draft("RGB", (SIDE * 2, SIDE * 2))  # a JPEG is then decoded at a fraction of its size
    upright = ImageOps.exif_transpose(picture)
    plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    square = ImageOps.fit(plain, (SIDE, SIDE), Image.Resampling.LANCZOS)
    clean = Image.new(square.mode, square.size)
    clean.paste(square)  # the pixels, and nothing the file said beside them
    written = io.BytesIO()
    clean.save(written, "WEBP", quality=85)
    return written.getvalue()


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> Invalid:
    return Invalid("The picture has too many pixels: at most {most} million.", field="file", most=MOST_PIXELS // 1_000_000)


def _webp_size(content: bytes) -> tuple[int, int]:
    """Return what a WebP file's first chunk says of its size (RFC 9649, section 2)."""
    kind, start = content[12:16], content[20:30]
    if kind == b"VP8X":
        return int.from_bytes(start[4:7], "little") + 1, int.from_bytes(start[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(start[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", start[6:10])
    return width & 0x3FFF, height & 0x3FFF
