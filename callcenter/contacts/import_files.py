"""A file of contacts as a table, whatever it is: CSV, XLSX or vCard, told by its octets and not by its name. For a thread."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from callcenter.contacts import avatars, csv_file, text, vcard_file, xlsx_file
from callcenter.contacts.import_mapping import MAXIMUM_COLUMNS, Mapping
from callcenter.errors import Invalid
from callcenter.files.kinds import media_type

Rows = Generator[tuple[int, list[str], str]]
_LOOKED_AT = 50  # rows of a sheet in which its headings are looked for


@dataclass(frozen=True, slots=True)
class Table:
    """A file as it can be read. `fields`: what its columns mean, where the kind of file says so. `rows()`: from the first.

    `pictures`: by line, of rows that were read: drawn anew (avatars.py), or why not. Whoever takes a row takes its picture out.
    """

    format: str  # csv, xlsx, vcard
    header: list[str]
    rows: Callable[[], Rows]
    fields: list[str] | None = None
    encoding: str = ""
    delimiter: str = ""
    sheets: list[str] = field(default_factory=list)
    sheet: str = ""
    pictures: dict[int, bytes | Invalid] = field(default_factory=dict)

    def beginning(self, count: int) -> list[tuple[int, list[str], str]]:
        """Return the first rows."""
        with closing(self.rows()) as read:
            return list(islice(read, count))


def kind_of(source: BinaryIO) -> str:
    """Return csv, xlsx or vcard; raises Invalid for what is known to be something else."""
    source.seek(0)
    start = source.read(8192)
    found = media_type(start)
    if found == "application/zip":
        return "xlsx"
    if found == "application/x-ole-storage":
        raise Invalid("This is an old Excel file (XLS), or one locked by a password. Save it as XLSX or CSV.", field="file")
    if found not in ("text/plain", "application/octet-stream"):
        raise Invalid("This file is {kind}, whatever its name says. Send CSV, XLSX or vCard.", field="file", kind=found)
    plain = start.replace(b"\x00", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return "vcard" if plain.lstrip()[:11].upper() == b"BEGIN:VCARD" else "csv"


def open_table(source: BinaryIO, mapping: Mapping) -> Table:
    """Return the file as a table; raises Invalid for what is none."""
    kind = kind_of(source)
    if kind == "vcard":
        encoding = mapping.encoding or csv_file.detect_encoding(source)
        header = list(vcard_file.HEADER)
        pictures: dict[int, bytes | Invalid] = {}

        def read() -> Rows:
            with closing(vcard_file.read_cards(source, encoding)) as cards:
                for card in cards:
                    if card.picture is not None:
                        pictures[card.line] = _drawn(card.picture)
                    yield card.line, card.cells, card.error

        return Table("vcard", header, read, header, encoding, pictures=pictures)
    table = _workbook(source, mapping) if kind == "xlsx" else _csv(source, mapping)
    if len(table.header) > MAXIMUM_COLUMNS:
        raise Invalid("The file has more than {limit} columns.", field="file", limit=MAXIMUM_COLUMNS)
    return table


def _drawn(picture: str) -> bytes | Invalid:
    """Return a card's picture as contacts have them, or why it cannot be one; an address is not followed."""
    try:
        return avatars.drawn(vcard_file.octets(picture))
    except Invalid as error:
        return error


def _csv(source: BinaryIO, mapping: Mapping) -> Table:
    layout = csv_file.read_layout(source, encoding=mapping.encoding, delimiter=mapping.delimiter, strict=False)
    return Table(
        "csv",
        layout.header,
        lambda: csv_file.read_rows(source, layout),
        encoding=layout.encoding.removesuffix("-sig"),
        delimiter=layout.delimiter,
    )


def _workbook(source: BinaryIO, mapping: Mapping) -> Table:
    xlsx_file.check(source)
    names = xlsx_file.sheets(source)
    with closing(xlsx_file.read_rows(source, mapping.sheet)) as read:
        first, header = next(_worded(islice(read, _LOOKED_AT)), (0, []))
    if not first:
        raise Invalid("The sheet is empty. Its first row must name the columns.", field="file")
    sheet = mapping.sheet or names[0]
    while header and not header[-1]:
        header.pop()
    return Table("xlsx", [text.clean(each) for each in header], lambda: _below(source, sheet, first), sheets=names, sheet=sheet)


def _worded(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    return ((at, cells) for at, cells in rows if any(text.words(each) for each in cells))


def _below(source: BinaryIO, sheet: str, first: int) -> Rows:
    with closing(xlsx_file.read_rows(source, sheet)) as read:
        for at, cells in read:
            if at > first:
                yield at, cells, ""
