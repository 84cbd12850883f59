"""Reading CSV files that other programs wrote."""

import io
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from callcenter.contacts import csv_file, import_rows
from callcenter.contacts.csv_file import Layout
from callcenter.contacts.field_models import DICTIONARIES
from callcenter.contacts.import_known import Known
from callcenter.contacts.import_mapping import Mapping
from callcenter.errors import Invalid

POLISH = "Imię;Nazwisko;Telefon\r\nŁucja;Żak-Święch;501234567\r\nStanisław;Gąsior;502\r\nMałgorzata;Źrebak;\r\n"
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1250", "iso8859-2"]


NOTHING = Known({kind: {} for kind in DICTIONARIES}, {}, {}, ("customer", "partner"), "customer", None)


def read_row(layout: Layout, cells: list[str], region: str) -> dict[str, Any]:
    return import_rows.Reader(layout.fields, Mapping(), NOTHING, region).read(cells)[0]


def rows_of(content: bytes) -> list[tuple[int, list[str], str]]:
    source = io.BytesIO(content)
    return list(csv_file.read_rows(source, csv_file.read_layout(source)))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_polish_letters_come_through_in_every_encoding_poles_use(encoding: str) -> None:
    rows = rows_of(POLISH.encode(encoding))
    assert [cells[:2] for _, cells, _ in rows] == [["Łucja", "Żak-Święch"], ["Stanisław", "Gąsior"], ["Małgorzata", "Źrebak"]]
    assert [line for line, _, _ in rows] == [2, 3, 4]


@given(st.lists(st.text("ąćęłńóśźżĄĆĘŁŃÓŚŹŻ abcdefghijklmnoprstuwyz", min_size=1), min_size=1), st.sampled_from(ENCODINGS))
def test_any_polish_text_is_read_as_it_was_written(names: list[str], encoding: str) -> None:
    content = "\n".join(["Nazwisko", *(f"x{name}" for name in names)]).encode(encoding)
    assume(encoding.startswith("utf") or not _is_utf8(content))  # some octets are good text in both: UTF-8 wins
    assert [cells[0] for _, cells, _ in rows_of(content)] == [f"x{name}" for name in names]


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not content.isascii()


@given(st.binary())
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(Invalid):
        rows_of(content)


@given(st.binary())
def test_any_bytes_after_a_good_first_line_are_rows_or_refused(content: bytes) -> None:
    source = io.BytesIO(b"Name,Phone\n" + content)
    try:
        layout = csv_file.read_layout(source)
    except Invalid:
        return
    for _, cells, error in csv_file.read_rows(source, layout):
        if not error:
            with suppress(Invalid):
                assert read_row(layout, cells, "PL")["folded"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "sep=;\r\n", "\r\n"])
def test_the_delimiter_is_found(delimiter: str, first: str) -> None:
    text = first + delimiter.join(["First name", "Last name", '"E-mail"', "Phone 1", "Phone 2"]) + "\n" + delimiter.join("abcde")
    source = io.BytesIO(text.encode())
    layout = csv_file.read_layout(source)
    assert layout.delimiter == delimiter
    assert layout.fields == ["first_name", "last_name", "email", "number:other", "number:other"]
    assert [cells for _, cells, _ in csv_file.read_rows(source, layout)] == [list("abcde")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n;;\n", "empty"),
        (b"Color,Size\nred,1\n", "Color, Size"),
        (b"Jan,Kowalski,501234567\n", "Not known: Jan, Kowalski, 501234567"),
        (b"Phone,E-mail\n1,2\n", "No column names a person"),
        ("Imię,First name,Nazwisko\n".encode(), "mean the same"),
        (b"\xff\xfeN\x00a\x00m\x00e\x00\n\x00\x00", "Save it as CSV in UTF-8"),
        (b"Name\n\x81\x83\xff\n", "Save it as CSV in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_with_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        csv_file.read_layout(io.BytesIO(content))
    assert said in str(caught.value)
    if "columns" in str(caught.value) and "same" not in said:
        assert "Last name (Nazwisko)" in str(caught.value)


def test_a_row_that_cannot_be_read_does_not_take_the_next_ones_with_it() -> None:
    rows = rows_of(b'Name,Phone\nJan,1\n"' + b"x" * 140_000 + b'",2\nEwa,3\n')
    assert rows[0] == (2, ["Jan", "1"], "")
    assert any(error for _, _, error in rows)
    assert rows[-1][1] == ["Ewa", "3"]


def layout(*fields: str) -> Layout:
    return Layout("utf-8", ",", list(fields), list(fields))


def test_a_row_becomes_a_contact() -> None:
    fields = layout("name", "organisation", "number:mobile", "number:work", "email", "note", "")
    cells = ["Jan Maria Kowalski", "Acme", "501 234 567, 502 234 567", "'+48 22 123 45 67", "jan@acme.pl", "'=1+1", "ignored"]
    row = read_row(fields, cells, "PL")
    plain = row["plain"]
    assert (plain["first_name"], plain["last_name"], row["organisation"], plain["note"]) == (
        "Jan Maria",
        "Kowalski",
        "Acme",
        "=1+1",
    )
    assert [(each[0], each[3]) for each in row["numbers"]] == [
        ("mobile", "+48501234567"),
        ("mobile", "+48502234567"),
        ("work", "+48221234567"),
    ]
    assert row["folded"].startswith(" kowalski jan maria acme ")


@pytest.mark.parametrize(
    ("field", "cell", "first", "last"),
    [
        ("name", "Kowalski, Jan", "Jan", "Kowalski"),
        ("name", "Madonna", "", "Madonna"),
        ("reversed_name", "Kowalski Jan Maria", "Jan Maria", "Kowalski"),
    ],
)
def test_a_whole_name_is_split(field: str, cell: str, first: str, last: str) -> None:
    row = read_row(layout(field), [cell], "PL")
    assert (row["plain"].get("first_name", ""), row["plain"].get("last_name", "")) == (first, last)


@pytest.mark.parametrize(
    "cells",
    [
        ["", "", "501234567", ""],
        ["Jan", "x", "", "", "more"],
        ["Jan", "x" * 101, "", ""],
        ["Jan", "", "9" * 30, ""],
        ["Jan", "", "soon", ""],
        ["Jan", "", "", "no mail"],
        ["Jan", "", ",".join(f"50123{n:04}" for n in range(21)), ""],
        ["Jan", "", "1" * 101, ""],
    ],
)
def test_a_bad_row_is_refused_with_a_sentence(cells: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        read_row(layout("first_name", "last_name", "number:mobile", "email"), cells, "PL")
    assert str(caught.value).endswith(".")


def test_the_report_runs_no_formula_and_can_be_imported_again() -> None:
    cells = ["=cmd|'/c calc'!A1", "+48 501 234 567", "-1", "@x", " =1", "fine"]
    text = import_rows.csv_text([["Line", "Reason", "Name", "Phone"], ["3", "Because.", *cells]])
    assert text.splitlines()[0] == "Line,Reason,Name,Phone"
    assert text.splitlines()[1] == "3,Because.,'=cmd|'/c calc'!A1,'+48 501 234 567,'-1,'@x,' =1,fine"
    source = io.BytesIO(
        import_rows.csv_text([["Line", "Reason", "Name", "Phone"], ["3", "Because.", "Jan", "+48 501 234 567"]]).encode()
    )
    found = csv_file.read_layout(source)
    [(_, read, _)] = csv_file.read_rows(source, found)
    assert read_row(found, read, "PL")["numbers"][0][3] == "+48501234567"
