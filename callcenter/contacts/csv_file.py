"""Reading a CSV file that somebody else's program wrote: its encoding, its delimiter, its columns. Pure."""

import codecs
import csv
import io
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO

from callcenter.contacts import text
from callcenter.errors import Invalid

MAXIMUM_BYTES = 100 * 1024 * 1024
MAXIMUM_ROWS = 1_000_000
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = (  # to choose from, beside what is found
    "utf-8", "utf-16", "cp1250", "iso8859-2", "cp1252", "iso8859-15", "cp852", "cp1251", "cp1257", "mac-latin2",
)  # fmt: skip
_CHUNK = 1 << 20
_NAMES = {
    "first_name": "first name|firstname|given name|forename|imie",
    "last_name": "last name|lastname|surname|family name|nazwisko",
    "name": "name|full name|contact|contact name|imie i nazwisko|kontakt",
    "reversed_name": "nazwisko i imie",
    "organisation": "organisation|organization|company|company name|organizacja|firma|nazwa firmy",
    "position": "position|job title|title|role|stanowisko|funkcja",
    "email": "email|e mail|mail|email address|e mail address|adres e mail|adres email|poczta",
    "note": "note|notes|comment|comments|notatka|notatki|uwagi|komentarz",
    "type": "account type|account|typ konta|konto",
    "stage": "stage|etap",
    "source": "source|acquisition source|lead source|zrodlo|zrodlo pozyskania",
    "segment": "segment|segmentation|segmentacja",
    "tags": "tags|tag|labels|categories|tagi|etykiety|kategorie",
    "managers": "managers|manager|account manager|owner|menadzerowie|menadzer|menedzerowie|menedzer|opiekun|opiekunowie",
    "address1": "address|address line|street|street address|adres|ulica|linia adresu",
    "address2": "address continued|apartment|adres cd|mieszkanie",
    "postcode": "postcode|postal code|zip|zip code|kod pocztowy|kod",
    "city": "city|town|miasto|miejscowosc",
    "province": "province|region|state|voivodeship|wojewodztwo",
    "country": "country|country code|kraj|panstwo",
    "number:other": (
        "phone|other phone|inny telefon|inny|telephone|number|phone number|telephone number|tel|telefon|numer|numer telefonu|"
        "nr telefonu|nr tel"
    ),
    "number:mobile": "mobile|mobile phone|mobile number|cell|cell phone|komorka|komorkowy|telefon komorkowy|tel kom",
    "number:landline": "landline|home phone|stacjonarny|telefon stacjonarny|telefon domowy",
    "number:work": "work|work phone|business phone|sluzbowy|telefon sluzbowy|praca",
    "number:main": "main|main phone|main number|glowny|telefon glowny|centrala",
    "number:home_fax": "home fax|faks domowy|fax domowy",
    "number:office_fax": "fax|office fax|business fax|faks|faks biurowy|fax biurowy",
}
_EXPECTED = (
    "First name (Imię), Last name (Nazwisko), Name (Imię i nazwisko), Organisation (Firma), Position (Stanowisko), "
    "E-mail, Note (Uwagi), Phone (Telefon), Mobile (Komórka), Landline (Stacjonarny), Work phone (Telefon służbowy), "
    "Main phone (Telefon główny), Home fax (Faks domowy), Fax (Faks)"
)
_OF_REPORTS = "line|reason|column|wiersz|powod|kolumna"  # our own of rejected rows, so that they can be corrected and imported


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns a file may have. `names`: by field, its folded names apart by |; a field with a colon may be there often.

    Of each set in `needed` one field must be there, else the sentence beside it is said. `expected` tells people the names.
    """

    names: Mapping[str, str]
    expected: str
    needed: tuple[tuple[frozenset[str], str], ...]

    def field(self, name: str) -> str | None:
        """Return what a column's name means: a field, "" for nothing, None when unknown; "Phone 2" is a Phone."""
        known = text.words(name)
        if known[-1:] == ["2"] and len(known) > 1 and "address1" in self.names:  # but a second line of an address is its own
            first = " ".join(known[:-1])
            if first in self.names["address1"].split("|"):
                return "address2"
        while len(known) > 1 and known[-1].isdigit():
            known.pop()
        wanted = " ".join(known)
        if not wanted or wanted in _OF_REPORTS.split("|"):
            return ""
        return next((field for field, names in self.names.items() if wanted in names.split("|")), None)


CONTACTS = Columns(
    _NAMES,
    _EXPECTED,
    (
        (
            frozenset({"first_name", "last_name", "name", "reversed_name", "organisation"}),
            "No column names a person or an organisation. Known columns are: {expected}.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file is written: its encoding and delimiter, its first line, and what each column means ("": nothing)."""

    encoding: str
    delimiter: str
    header: list[str]
    fields: list[str]


def detect_encoding(source: BinaryIO) -> str:
    """Return the encoding of a whole file: a byte order mark, UTF-16 by its zeros, UTF-8, or what people wrote before.

    Bytes that are letters in French or Spanish only, and none that is Polish only, mean Windows-1252. Windows-1250
    and ISO 8859-2 put the Polish letters a-ogonek, s and z acute at different bytes; the rarer meaning of
    each byte (a soft hyphen, a Slovak L) tells them apart. Raises Invalid for what is text in none of them.
    """
    source.seek(0)
    start = source.read(4096)
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if start.startswith(mark):
            return _strictly(source, encoding)
    zeros = start[::2].count(0), start[1::2].count(0)  # of Latin letters every other byte is zero
    if max(zeros) > len(start) / 16:
        return _strictly(source, "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be")
    if _decodes(source, "utf-8"):
        return "utf-8"
    return _strictly(source, _older(source))


def _older(source: BinaryIO) -> str:
    counts = [0] * 256
    for chunk in _chunks(source):
        for byte in _TOLD:
            counts[byte] += chunk.count(byte)
    if not any(counts[each] for each in _POLISH) and any(counts[each] for each in _WESTERN):
        return "cp1252"
    if sum(counts[0x80:0xA0]):  # only controls in ISO 8859-2; quotes, dashes and four Polish letters in Windows-1250
        return "cp1250"
    return "iso8859-2" if sum(counts[each] for each in _LATIN_2) > sum(counts[each] for each in _WINDOWS) else "cp1250"


_LATIN_2 = "ąśźĄŚŹ".encode("iso8859-2")
_WINDOWS = "ąĄ".encode("cp1250")  # the others lie between 0x80 and 0x9F
_POLISH = frozenset("ąłśźżĄŁŚŹŻŞş".encode("cp1250")) | frozenset("ąłśźżĄŁŚŹŻ".encode("iso8859-2"))  # signs in Windows-1252
_WESTERN = frozenset("àèãõåûòìùÀ".encode("cp1252")) - frozenset("ćęńóáéíúýäëöüčšžřěďťőű".encode("cp1250"))
_TOLD = frozenset((*range(0x80, 0xA0), *_LATIN_2, *_WINDOWS, *_POLISH, *_WESTERN))


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    source.seek(0)
    while chunk := source.read(_CHUNK):
        yield chunk


def _decodes(source: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        for chunk in _chunks(source):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _strictly(source: BinaryIO, encoding: str) -> str:
    if not _decodes(source, encoding):
        raise Invalid("The file is no text we can read. Save it as CSV in UTF-8.", field="file")
    return encoding


def read_layout(
    source: BinaryIO, columns: Columns = CONTACTS, *, encoding: str = "", delimiter: str = "", strict: bool = True
) -> Layout:
    """Return how the file is written; raises Invalid, naming the columns we know, when its first line is not theirs.

    `encoding`, `delimiter`: chosen by somebody. Not `strict`: any columns will do, and their fields are left empty.
    """
    encoding = _chosen(source, encoding) if encoding else detect_encoding(source)
    with closing(_lines(source, encoding)) as lines:
        first = next((line for line in lines if text.words(line)), "")
    if not first:
        raise Invalid(
            "The file is empty. Its first line must name the columns: {expected}.", field="file", expected=columns.expected
        )
    possible = (delimiter,) if delimiter else DELIMITERS
    headers = {each: next(csv.reader([first], delimiter=each), []) for each in possible}
    delimiter = max(
        possible, key=lambda each: (sum(columns.field(name) is not None for name in headers[each]), len(headers[each]))
    )
    header = [text.clean(name) for name in headers[delimiter]]
    if not strict:
        return Layout(encoding, delimiter, header, [""] * len(header))
    return Layout(encoding, delimiter, header, _fields(header, columns))


def _chosen(source: BinaryIO, encoding: str) -> str:
    """Return an encoding somebody chose, when the whole file is text in it; raises Invalid."""
    if encoding not in ENCODINGS:
        raise Invalid("There is no such encoding to choose.", field="encoding")
    source.seek(0)
    start = source.read(4)
    if encoding == "utf-8" and start.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    if not _decodes(source, encoding):
        raise Invalid("The file is not written in {encoding}. Choose another encoding.", field="encoding", encoding=encoding)
    return encoding


def _fields(header: list[str], columns: Columns, own: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return what each column means; raises Invalid for columns we do not know, for twins, and when one is missing."""
    known = [f"custom:{own[key]}" if (key := text.fold(name)) in own else columns.field(name) for name in header]
    unknown = [name for name, field in zip(header, known, strict=True) if field is None]
    fields = [field or "" for field in known]
    once = [each for each in fields if each and ":" not in each and each not in ("tags", "managers")]
    twins = [name for name, field in zip(header, fields, strict=True) if once.count(field) > 1]
    if unknown:
        raise Invalid(
            "The first line must name the columns. Not known: {unknown}. Rename or delete them; known are: {expected}.",
            field="file",
            unknown=", ".join(each[:40] for each in unknown[:10]),
            expected=columns.expected,
        )
    if twins:
        raise Invalid("These columns mean the same: {columns}. Keep one.", field="file", columns=", ".join(twins))
    for some, sentence in columns.needed:
        if not some & set(fields):
            raise Invalid(sentence, field="file", expected=columns.expected)
    return fields


def known_columns(header: list[str], own: Mapping[str, str]) -> list[str]:
    """Return what each column of a file of contacts means by its name; raises Invalid as read_layout.

    `own`: the keys of fields of one's own by their folded names.
    """
    return _fields(header, CONTACTS, own)


def read_rows(source: BinaryIO, layout: Layout) -> Generator[tuple[int, list[str], str]]:
    """Yield (line in the file, cells, error) of each row after the first line; empty rows are left out.

    A row csv cannot read (a quote that never ends) is yielded with the reason and reading goes on after it.
    """
    with closing(_lines(source, layout.encoding)) as lines:
        yield from _read(lines, layout.delimiter)


def _read(lines: Iterator[str], delimiter: str) -> Generator[tuple[int, list[str], str]]:
    reader = csv.reader(lines, delimiter=delimiter)
    seen_header = False
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield line, [], "This row cannot be read: a cell is too long, or a quotation mark is never closed."
            continue
        if not any(text.words(cell) for cell in cells):
            continue
        if not seen_header:
            seen_header = True
            continue
        yield line, cells, ""


def _lines(source: BinaryIO, encoding: str) -> Generator[str]:
    """Yield the file's lines with their ends; a first line "sep=;" (a spreadsheet's) counts as empty."""
    source.seek(0)
    wrapper = io.TextIOWrapper(source, encoding=encoding, newline="")
    try:
        for at, line in enumerate(wrapper):
            yield "\n" if at == 0 and line.lower().startswith("sep=") else line
    finally:
        wrapper.detach()
