"""Files of numbers that are not to be called, read onto a do-not-call list in the background.

A line is a number; of a line with several cells it is the first that reads like one. What is on the list keeps no number
(suppressions.py), so a file can be read again whenever it was cut short: what is there already is only counted.
"""

import asyncio
import datetime as dt
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog
from sqlalchemy import select, update

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.contacts import numbers, suppressions
from callcenter.contacts.consent_models import NumberList
from callcenter.contacts.visibility import sees_all
from callcenter.db import Database, UnitOfWork
from callcenter.errors import CallCenterError, Invalid, NotFound
from callcenter.users.service import audit

log = structlog.get_logger(__name__)

MAXIMUM_LINES = 1_000_000
SILENT = dt.timedelta(minutes=10)  # after it a list that is being read is taken to have been cut short
_AT_ONCE = 1000
_TOLD = 20  # lines without a number that are shown
_ENCODINGS = ("utf-8-sig", "cp1250")
_CELLS = re.compile(r"[,;\t|]")
_DIGITS = re.compile(r"(?:\D*\d){5}")


async def create(uow: UnitOfWork, project_id: int | None, file_name: str) -> NumberList:
    """Write down that a file is about to be read onto a list (supervisors); None: everybody's."""
    uow.actor.require(Role.SUPERVISOR)
    made = NumberList(
        project_id=project_id,
        user_id=uow.actor.user_id,
        file_name=file_name[:200],
        first_invalid=[],
        error_values={},
        created_at=uow.now,
        touched_at=uow.now,
    )
    uow.session.add(made)
    await uow.session.flush()
    audit(uow, "do_not_call.list", "number_list", made.id, project_id=project_id, file_name=made.file_name)
    return made


async def list_lists(uow: UnitOfWork, limit: int = 30) -> list[NumberList]:
    """Return the latest files, newest first (supervisors): one's own, or all for who may see every account."""
    uow.actor.require(Role.SUPERVISOR)
    query = select(NumberList).order_by(NumberList.id.desc()).limit(limit)
    if not sees_all(uow.actor):
        query = query.where(NumberList.user_id == uow.actor.id)
    return list(await uow.session.scalars(query))


async def get_list(uow: UnitOfWork, list_id: int) -> NumberList:
    """Return a file and how far it is (supervisors); raises NotFound."""
    uow.actor.require(Role.SUPERVISOR)
    found = await uow.session.get(NumberList, list_id)
    if found is None or not (sees_all(uow.actor) or found.user_id == uow.actor.user_id):
        raise NotFound("There is no such list.")
    return found


def state(found: NumberList, now: dt.datetime) -> str:
    """Return where it stands: reading, done, failed, or stopped, when nobody reads on. Pure."""
    return "stopped" if found.state == "reading" and now - found.touched_at > SILENT else found.state


async def read(database: Database, actor: Actor, list_id: int, file: Path, region: str) -> None:
    """Read a file onto its list, a piece at a time; what goes wrong is written on it."""
    try:
        lines = await asyncio.to_thread(_lines, file)
        async with database.unit_of_work(actor) as uow:
            found = await get_list(uow, list_id)
            found.total, project_id = len(lines), found.project_id
        reason = suppressions.DO_NOT_CALL if project_id is None else suppressions.of_project(project_id)
        for some in _pieces(lines):
            found_numbers, bad = await asyncio.to_thread(_parsed, some, region)
            async with database.unit_of_work(actor) as uow:
                tokens = await asyncio.to_thread(_tokens, uow, found_numbers)
                await _count(uow, list_id, len(some), len(found_numbers), await suppressions.suppress(uow, tokens, reason), bad)
    except CallCenterError as error:
        await _over(database, actor, list_id, "failed", error)
        log.info("number_list.refused", list_id=list_id, reason=str(error))
    else:
        await _over(database, actor, list_id, "done")


def _pieces(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    return (lines[start : start + _AT_ONCE] for start in range(0, len(lines), _AT_ONCE))


def _lines(file: Path) -> list[str]:
    """Return the lines that have something in them; raises Invalid for what is no list."""
    content = file.read_bytes()
    if content.startswith(b"PK\x03\x04"):
        raise Invalid("This is a workbook. Save the sheet with the numbers as CSV and upload that.", field="file")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        text = next((found for each in _ENCODINGS if (found := _decoded(content, each)) is not None), content.decode("latin-1"))
    lines = [line.strip() for line in io.StringIO(text.replace("\x00", "")) if line.strip()]
    if lines and _cell(lines[0]) is None:
        lines = lines[1:]  # headings
    if not lines:
        raise Invalid("There are no numbers in this file.", field="file")
    if len(lines) > MAXIMUM_LINES:
        raise Invalid("A list may have {most} lines at most.", field="file", most=MAXIMUM_LINES)
    return lines


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _cell(line: str) -> str | None:
    return next((cell.strip(" \"'") for cell in _CELLS.split(line) if _DIGITS.match(cell)), None)


def _parsed(lines: Sequence[str], region: str) -> tuple[list[str], list[str]]:
    """Return the numbers of lines in E.164, and the lines that have none."""
    found: list[str] = []
    bad: list[str] = []
    for line in lines:
        cell = _cell(line)
        e164 = numbers.parse(cell, region).e164 if cell else None
        if e164 is None:
            bad.append(line[:60])
        else:
            found.append(e164)
    return found, bad


def _tokens(uow: UnitOfWork, found: Sequence[str]) -> list[str]:
    return [suppressions.number_token(uow, each) for each in found]


async def _count(uow: UnitOfWork, list_id: int, seen: int, valid: int, added: int, bad: list[str]) -> None:
    found = await get_list(uow, list_id)
    found.seen, found.added, found.known = found.seen + seen, found.added + added, found.known + valid - added
    found.invalid += len(bad)
    found.first_invalid = [*found.first_invalid, *bad][:_TOLD]
    found.touched_at = uow.now


async def _over(database: Database, actor: Actor, list_id: int, state: str, error: CallCenterError | None = None) -> None:
    values = {} if error is None else {name: str(each) for name, each in error.values.items()}
    said = {"error": "" if error is None else error.sentence, "error_values": values}
    async with database.unit_of_work(actor) as uow:
        query = update(NumberList).where(NumberList.id == list_id)
        await uow.session.execute(query.values(state=state, touched_at=clock.now(), **said))
