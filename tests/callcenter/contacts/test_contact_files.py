"""Real files of contacts, read as they are: XLSX and vCard, what is dangerous in them, cells that spreadsheets broke."""

import datetime as dt
import io
import struct
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from callcenter.contacts import csv_file, import_cells, import_files, xlsx_file
from callcenter.contacts.import_known import Field
from callcenter.contacts.import_mapping import Mapping, check_columns, from_json, guess
from callcenter.errors import Invalid

V21 = (
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C5=BBak;J=C3=B3zef\r\nTEL;CELL;VOICE:501000001\r\n"
    "TEL;WORK;FAX:221234567\r\nORG:Acme;Sales\r\nPHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ\r\n AAAA\r\n\r\n"
    "NOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0A=\r\ntwo\r\nEND:VCARD\r\n"
)
V3 = (
    "BEGIN:VCARD\nVERSION:3.0\nN:O'Hara;Ewa;;;\nFN:Ewa O'Hara\nitem1.TEL;TYPE=WORK,VOICE:+48 22 123 45 99\n"
    "TEL;TYPE=HOME:221234568\n"
    "ADR;TYPE=WORK:;;ul. Długa 1\\, m. 2;Żuraw;mazowieckie;00-001;Polska\nCATEGORIES:vip,friend\nEMAIL;TYPE=INTERNET:e@x.pl\n"
    "TITLE:CEO\nEND:VCARD\n"
)
V4 = 'BEGIN:VCARD\nVERSION:4.0\nFN:Iga 🦊 Lis\nTEL;VALUE=uri;TYPE="voice,cell":tel:+48-501-000-002;ext=12\nEND:VCARD\n'


def workbook(rows: list[list[object]], *, sheet: str = "People") -> bytes:
    written = io.BytesIO()
    book = xlsxwriter.Workbook(written, {"in_memory": True, "strings_to_formulas": False})
    page = book.add_worksheet(sheet)
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, dt.date):
                page.write_datetime(at, column, dt.datetime.combine(cell, dt.time()), day)
            elif isinstance(cell, bool):
                page.write_boolean(at, column, cell)
            elif isinstance(cell, float | int):
                page.write_number(at, column, cell)
            else:
                page.write_string(at, column, str(cell))
    book.add_worksheet("Other")
    book.close()
    return written.getvalue()


def table(content: bytes, **chosen: str) -> import_files.Table:
    return import_files.open_table(io.BytesIO(content), Mapping.model_validate(chosen))


def test_a_workbook_is_read_as_its_cells_show_it() -> None:
    found = table(
        workbook([[], ["Imię", "Telefon", "Dzień", "Kwota", "Tak"], ["Łucja", 48501000001.0, dt.date(2026, 5, 1), 1.5, True]])
    )
    assert (found.format, found.sheets, found.sheet) == ("xlsx", ["People", "Other"], "People")
    assert found.header == ["Imię", "Telefon", "Dzień", "Kwota", "Tak"]
    assert found.beginning(9) == [(3, ["Łucja", "48501000001", "2026-05-01", "1.5", "yes"], "")]


def test_another_sheet_may_be_chosen_and_an_empty_one_is_said_to_be_so() -> None:
    content = workbook([["Name"], ["Jan"]])
    with pytest.raises(Invalid, match="empty"):
        table(content, sheet="Other")
    with pytest.raises(Invalid, match="no sheet Nowhere"):
        table(content, sheet="Nowhere")


def rezipped(content: bytes, name: str, body: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(packed, "w", method) as target:
        for each in source.namelist():
            target.writestr(each, body if each == name else source.read(each))
    return packed.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<worksheet>" + b" " * (4 << 20) + b"</worksheet>", "unpacks to more"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>', "no spreadsheet writes"),
        (b'<worksheet><row r="1"><c r="A1"/></row><row r="1048576"><c r="XFD1048576"/></row></worksheet>', "too many cells"),
        (b'<worksheet><sheetData><row r="1048576" spans="1:99"><c r="ZZZ9"/></row></sheetData></worksheet>', "too many cells"),
    ],
)  # fmt: skip
def test_a_workbook_that_would_fill_memory_is_refused_before_it_is_read(
    body: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_file, "MAXIMUM_UNPACKED", 2 << 20)
    with pytest.raises(Invalid, match=said):
        table(rezipped(workbook([["Name"], ["Jan"]]), SHEET, body))


def test_what_a_member_claims_to_measure_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "MAXIMUM_UNPACKED", 2 << 20)
    content = bytearray(rezipped(workbook([["Name"], ["Jan"]]), SHEET, b" " * (4 << 20)))
    at = content.rindex(SHEET.encode()) - 46 + 24  # the size in the central directory
    content[at : at + 4] = struct.pack("<I", 100)
    with pytest.raises(Invalid, match="unpacks to more"):
        table(bytes(content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "image/png"),
        (b"%PDF-1.7 and more", "application/pdf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100, "old Excel"),
        (b"PK\x03\x04" + b"\x00" * 100, "damaged"),
    ],
)
def test_a_file_that_claims_to_be_something_else_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        table(content)


def test_a_zip_of_something_else_is_no_workbook() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as target:
        target.writestr("notes.txt", "Jan")
    with pytest.raises(Invalid, match="no XLSX"):
        table(packed.getvalue())


def test_more_columns_than_anybody_has_are_refused() -> None:
    with pytest.raises(Invalid, match="more than 300 columns"):
        table(("\t".join(f"c{n}" for n in range(301)) + "\n").encode())
    assert len(table(("|".join(f"c{n}" for n in range(300)) + "\n").encode()).header) == 300


def test_cards_of_every_version_become_rows() -> None:
    found = table((V21 + V3 + V4 + "BEGIN:VCARD\nrubbish\nBEGIN:VCARD\nVERSION:3.0\nFN:Last\nEND:VCARD\n").encode())
    assert (found.format, found.fields) == ("vcard", found.header)
    rows = [{name: cell for name, cell in zip(found.header, cells, strict=False) if cell} for _, cells, _ in found.rows()]
    assert rows[0] == {
        "first_name": "Józef", "last_name": "Żak", "organisation": "Acme", "number:mobile": "501000001",
        "number:office_fax": "221234567", "note": "one\r\ntwo",
    }  # fmt: skip
    assert rows[1]["address1"] == "ul. Długa 1, m. 2"
    assert (rows[1]["tags"], rows[1]["position"], rows[1]["number:work"]) == ("vip;friend", "CEO", "+48 22 123 45 99")
    assert (rows[1]["number:landline"], rows[1]["country"], rows[1]["last_name"]) == ("221234568", "Polska", "O'Hara")
    assert rows[2] == {"first_name": "Iga 🦊", "last_name": "Lis", "number:mobile": "tel:+48-501-000-002 ext. 12"}
    assert rows[3] == {}
    assert rows[4] == {"last_name": "Last"}


@pytest.mark.parametrize("encoding", ["utf-16", "cp1250", "iso8859-2", "cp1252", "cp852", "utf-8"])
def test_the_encoding_may_be_chosen(encoding: str) -> None:
    name = "Zoë" if encoding == "cp1252" else "Łucja"
    if encoding == "iso8859-15":
        name = "Zoë"
    found = table(f"Name|Phone\n{name}|501\n".encode(encoding), encoding=encoding)
    assert found.beginning(1)[0][1] == [name, "501"]
    assert found.delimiter == "|"


def test_a_chosen_encoding_must_fit() -> None:
    with pytest.raises(Invalid, match="not written in utf-8"):
        table("Name\nŁucja\n".encode("cp1250"), encoding="utf-8")
    with pytest.raises(Invalid, match="no such encoding"):
        table(b"Name\nx\n", encoding="rot13")


def test_french_is_told_from_polish() -> None:
    assert csv_file.detect_encoding(io.BytesIO("Prénom,Nom\nRené,À côté\n".encode("cp1252"))) == "cp1252"
    assert csv_file.detect_encoding(io.BytesIO("Imię,Nazwisko\nStanisław,Żak\n".encode("cp1250"))) == "cp1250"


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("4.8501000001E+10", "48501000001"), ("4,8501000001e10", "48501000001"), ("48501000001.0", "48501000001"),
        ("501 000 001", "501 000 001"),
    ],
)  # fmt: skip
def test_a_number_a_spreadsheet_broke_is_mended(cell: str, number: str) -> None:
    assert import_cells.mended(cell) == number


def test_a_number_that_lost_its_digits_is_refused() -> None:
    with pytest.raises(Invalid, match="last digits are lost"):
        import_cells.mended("4.8501E+10")


@pytest.mark.parametrize(("said", "code"), [("PL", "PL"), ("polska", "PL"), ("Germany", "DE"), ("Czechy", "CZ"), ("uk", "GB")])
def test_a_country_is_known_by_its_code_and_its_name(said: str, code: str) -> None:
    assert import_cells.country(said) == code


def test_an_unknown_country_is_refused() -> None:
    with pytest.raises(Invalid, match="Narnia"):
        import_cells.country("Narnia")


def test_answers_fit_the_kind_of_their_field() -> None:
    assert import_cells.answers(Field(1, "Since", "date"), "01.05.2026") == [(1, 0, "", "", None, "2026-05-01")]
    assert import_cells.answers(Field(1, "Seats", "number"), "1 234,5")[0][4] == 1234.5
    assert import_cells.answers(Field(1, "VIP", "yes_no"), "Tak")[0][4] == 1.0
    both = Field(1, "Likes", "choices", {"tea": 7, "kawa": 8})
    assert [each[1] for each in import_cells.answers(both, "Kawa; tea; kawa")] == [8, 7]
    for kind, said in (("date", "soon"), ("number", "many"), ("number", "inf"), ("yes_no", "perhaps"), ("choice", "cola")):
        with pytest.raises(Invalid):
            import_cells.answers(Field(1, "x", kind), said)


def test_columns_are_guessed_from_headings_and_from_what_stands_in_them() -> None:
    header = ["Imię", "surname", "Col3", "Col4", "Col5", "Ulubiony kolor", "Rzecz", "Surname"]
    rows = [
        ["Jan", "Lis", "501 000 001", "a@b.pl", "00-001", "red", "x", "y"],
        ["Ewa", "Wilk", "502000002", "c@d.pl", "00-002", "", "", ""],
    ]
    fields = guess(header, rows, {"ulubiony kolor": "colour"}, "PL")
    assert fields == ["first_name", "last_name", "number:mobile", "email", "postcode", "custom:colour", "", ""]
    with pytest.raises(Invalid, match="Say which column has the name"):
        check_columns(["", "email"], ["a", "b"])
    with pytest.raises(Invalid, match="mean the same: a, b"):
        check_columns(["last_name", "last_name"], ["a", "b"])


@pytest.mark.parametrize(
    "given", ["", "[]", '{"columns": ["password"]}', '{"colums": []}', '{"words": "burn"}', '{"type": "king"}']
)
def test_a_mapping_that_cannot_be_used_is_refused(given: str) -> None:
    with pytest.raises(Invalid, match="mapping"):
        from_json(given)


def test_a_file_on_disk_is_read_the_same(tmp_path: Path) -> None:
    file = tmp_path / "people.xlsx"
    file.write_bytes(workbook([["Name"], ["Jan"]]))
    with file.open("rb") as opened:
        assert import_files.open_table(opened, Mapping()).beginning(1) == [(2, ["Jan"], "")]
