"""Rows into an XLSX workbook, row by row into a file on disk (XlsxWriter, constant_memory), every cell as text. For a thread."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import xlsxwriter

from callcenter.errors import Invalid

_LAST_ROW = 1_048_575
_LONGEST_CELL = 32_767
_PART = 256 << 10


class Book:
    """A workbook being written; its temporary files go with it."""

    def __init__(self, titles: list[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="export-")
        self._path = Path(self._folder.name) / "contacts.xlsx"
        options = {"constant_memory": True, "tmpdir": self._folder.name, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(str(self._path), options)
        self._sheet = self._book.add_worksheet("Contacts")
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for at, title in enumerate(titles):
            self._sheet.write_string(0, at, title, bold)
        self._row = 0

    def add(self, page: Iterable[list[str]]) -> None:
        """Write rows; raises Invalid when they are more than a sheet holds."""
        for row in page:
            self._row += 1
            if self._row > _LAST_ROW:
                raise Invalid("A sheet holds 1,048,575 contacts. Export as CSV.")
            for at, cell in enumerate(row):
                if cell:
                    self._sheet.write_string(self._row, at, cell[:_LONGEST_CELL])

    def finished(self) -> Iterator[bytes]:
        """End the workbook and give its octets in parts."""
        self._book.close()
        return self._parts()

    def _parts(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while part := file.read(_PART):
                yield part

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Delete the temporary files."""
        self._folder.cleanup()
