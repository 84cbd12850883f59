"""Keeping files: written in parts before they are attached to anything, read in parts, swept when nothing attached them.

Whoever attaches a file checks who may see it: a file has no rights of its own. `attach` belongs into the transaction that
refers to the file; a file that was never attached is gone after a day.
"""

import datetime as dt
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import delete, select

from callcenter import jobs
from callcenter.actor import Actor, Role
from callcenter.db import Database, UnitOfWork
from callcenter.errors import Invalid, NotFound
from callcenter.files.kinds import media_type
from callcenter.files.models import File, FilePart

PART = 256 << 10
LARGEST = 25 << 20
LONGEST_NAME = 200
UNUSED = dt.timedelta(days=1)
KIND = "sweep_files"  # of the job
_BATCH = 20


async def store(
    database: Database, actor: Actor, name: str, content: AsyncIterator[bytes] | bytes, largest: int = LARGEST
) -> File:
    """Write a file in short transactions; raises Invalid (field file) when it is empty or larger than `largest` octets.

    Its media type is what its first octets say, never what the sender says.
    """
    actor.require(Role.CONSULTANT)
    file: File | None = None
    size, n, waiting = 0, 0, b""
    async for chunk in _chunks(content):
        size, waiting = size + len(chunk), waiting + chunk
        if size > largest:
            raise Invalid("The file is larger than {limit} MB.", field="file", limit=largest >> 20)
        while len(waiting) >= PART:
            file = await _append(database, actor, file, n, waiting[:PART], name)
            n, waiting = n + 1, waiting[PART:]
    if waiting:
        file = await _append(database, actor, file, n, waiting, name)
    if file is None:
        raise Invalid("The file is empty.", field="file")
    async with database.unit_of_work(actor) as uow:
        file = await get(uow, file.id, complete=False)
        file.size, file.complete_at = size, uow.now
    return file


async def _append(database: Database, actor: Actor, file: File | None, n: int, part: bytes, name: str) -> File:
    async with database.unit_of_work(actor) as uow:
        if file is None:
            file = File(name=clean_name(name), media_type=media_type(part), user_id=actor.user_id, created_at=uow.now)
            uow.session.add(file)
            await uow.session.flush()
        uow.session.add(FilePart(file_id=file.id, n=n, content=part))
    return file


async def _chunks(content: AsyncIterator[bytes] | bytes) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        for at in range(0, len(content), PART):
            yield content[at : at + PART]
    else:
        async for chunk in content:
            yield chunk


async def get(uow: UnitOfWork, file_id: int, *, complete: bool = True) -> File:
    """Return a file's row; raises NotFound. Checks no right: whoever attached the file does."""
    file = await uow.session.get(File, file_id)
    if file is None or (complete and file.complete_at is None):
        raise NotFound("There is no such file.")
    return file


async def attach(uow: UnitOfWork, file_id: int) -> File:
    """Keep a complete file of one's own for good; raises NotFound for anybody else's, or one that is attached already."""
    file = await get(uow, file_id)
    if file.attached or file.user_id != uow.actor.user_id:
        raise NotFound("There is no such file.")
    file.attached = True
    return file


async def remove(uow: UnitOfWork, file_id: int) -> None:
    """Delete a file with its content; what refers to it must have let go."""
    await uow.session.execute(delete(FilePart).where(FilePart.file_id == file_id))
    await uow.session.execute(delete(File).where(File.id == file_id))


async def content(database: Database, file_id: int) -> AsyncIterator[bytes]:
    """Read a file's octets part by part, each in a transaction of its own."""
    n = 0
    while True:
        async with database.reading() as uow:
            part = await uow.session.scalar(select(FilePart.content).where(FilePart.file_id == file_id, FilePart.n == n))
        if part is None:
            return
        yield part
        n += 1


async def whole(database: Database, file_id: int) -> bytes:
    """Return a file's octets."""
    return b"".join([part async for part in content(database, file_id)])


async def sweep(uow: UnitOfWork, _payload: dict[str, Any]) -> None:
    """Delete some files that nothing attached within a day, and come again."""
    old = select(File.id).where(File.attached.is_(False), File.created_at < uow.now - UNUSED).order_by(File.created_at)
    found = list(await uow.session.scalars(old.limit(_BATCH)))
    for file_id in found:
        await remove(uow, file_id)
    await jobs.put(uow, KIND, KIND, uow.now + (dt.timedelta(seconds=1) if len(found) == _BATCH else dt.timedelta(hours=1)))


def clean_name(name: str) -> str:
    """Return a name no file system or header stumbles over: no path, no control characters, its ending kept."""
    last = name.replace("\\", "/").rpartition("/")[2]
    last = " ".join("".join(each for each in last if unicodedata.category(each)[0] != "C").split()).strip(". ")
    if len(last) > LONGEST_NAME:
        stem, dot, ending = last.rpartition(".")
        last = f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}" if dot and len(ending) < 20 else last[:LONGEST_NAME]
    return last or "file"
