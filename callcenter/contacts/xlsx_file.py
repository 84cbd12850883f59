"""Reading an XLSX workbook (python-calamine), after a look at what it would unpack to. Pure; for a thread.

A workbook is a zip of XML files and may unpack to anything: each member is unpacked once, counted and thrown away, before
the reader, which takes a whole sheet into memory, sees it. What a member claims to measure is not believed.
"""

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Generator
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from callcenter.errors import Invalid

MAXIMUM_MEMBERS = 2000
MAXIMUM_UNPACKED = 256 << 20  # octets of all members together
MAXIMUM_CELLS = 20_000_000  # the reader keeps a rectangle around all that is there
_WHOLE = 10**15  # a spreadsheet keeps fifteen digits
_CHUNK = 1 << 18
_LOCAL_HEADER = 30  # octets before the name: APPNOTE.TXT 4.3.7
_PLACES = re.compile(rb'<(?:c|row)\b[^>]*?\br="([A-Z]{0,3})(\d{1,7})"')
_KEPT = 400  # octets of a chunk looked at again with the next one: a tag may lie across


def check(source: BinaryIO) -> None:
    """Raise Invalid for what is no workbook, or one that unpacks to more than fits."""
    try:
        with zipfile.ZipFile(source) as packed:
            members = packed.infolist()
            names = {each.filename for each in members}
            if "[Content_Types].xml" not in names or not any(each.startswith("xl/") for each in names):
                raise Invalid("This is no XLSX workbook and no CSV file.", field="file")
            if len(members) > MAXIMUM_MEMBERS:
                raise _too_large()
            left = MAXIMUM_UNPACKED
            for each in members:
                left -= _unpack(source, each, left)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError) as error:
        raise _damaged() from error


def _too_large() -> Invalid:
    return Invalid("This workbook unpacks to more than {limit} MB. Save it as CSV.", field="file", limit=MAXIMUM_UNPACKED >> 20)


def _damaged() -> Invalid:
    return Invalid("The workbook is damaged or locked by a password. Save it anew, or as CSV.", field="file")


def _unpack(source: BinaryIO, member: zipfile.ZipInfo, most: int) -> int:
    """Unpack a member for nothing, and return its real size; raises Invalid beyond `most` octets or for what is in it."""
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _damaged()
    source.seek(member.header_offset)
    head = source.read(_LOCAL_HEADER)
    if len(head) < _LOCAL_HEADER or head[:4] != b"PK\x03\x04":
        raise _damaged()
    source.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
    inflate = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    size, left, before = 0, member.compress_size, b""
    extent = _Extent() if member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml") else None
    while left > 0 and (packed := source.read(min(_CHUNK, left))):
        left -= len(packed)
        while packed:
            part = inflate.decompress(packed, _CHUNK) if inflate else packed
            packed = inflate.unconsumed_tail if inflate else b""
            if not size and member.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in part[:4096]:
                raise Invalid("This workbook has parts no spreadsheet writes. Save it as CSV.", field="file")
            size += len(part)
            if size > most:
                raise _too_large()
            if extent is not None:
                extent.see(before + part)
                before = part[-_KEPT:]
    return size


class _Extent:
    """How far a sheet reaches, as far as it says so itself."""

    def __init__(self) -> None:
        self._row = self._column = 1

    def see(self, part: bytes) -> None:
        """Look at a part of the sheet; raises Invalid when it reaches too far."""
        found = _PLACES.findall(part)
        if not found:
            return
        self._row = max(self._row, *(int(row) for _, row in found))
        self._column = max(self._column, *(_column(letters) for letters in {letters for letters, _ in found}))
        if self._row * self._column > MAXIMUM_CELLS:
            raise Invalid("The sheet has too many cells, or one far away from the others. Save it as CSV.", field="file")


def _column(letters: bytes) -> int:
    number = 0
    for each in letters:
        number = number * 26 + each - 64
    return number


def sheets(source: BinaryIO) -> list[str]:
    """Return the names of the sheets of a workbook that was checked."""
    with _open(source) as book:
        return [each.name for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]


def _open(source: BinaryIO) -> Any:
    source.seek(0)
    try:
        return CalamineWorkbook.from_filelike(source)
    except CalamineError as error:
        raise _damaged() from error


def read_rows(source: BinaryIO, sheet: str) -> Generator[tuple[int, list[str]]]:
    """Yield (row as the program numbers it, cells as text) of a sheet, the first one for ""; empty rows are left out."""
    names = sheets(source)
    if not names or (sheet and sheet not in names):
        raise Invalid("There is no sheet {name} in the workbook.", field="sheet", name=sheet)
    with _open(source) as book:
        try:
            found = book.get_sheet_by_name(sheet or names[0])
        except CalamineError as error:
            raise _damaged() from error
        for at, row in enumerate(found.iter_rows(), 1):  # from the sheet's first row, also an empty one
            cells = [shown(value) for value in row]
            if any(cells):
                yield at, cells


def shown(value: object) -> str:
    """Return a cell as a person would type it: whole numbers without a point, days as 2026-05-01."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "minutes")
    if isinstance(value, dt.time):
        return value.isoformat("minutes")
    return str(value)
