"""Reading the cells of a file of meetings: columns in two languages, times as people write them, nothing guessed."""

import datetime as dt
import io
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.contacts import csv_file
from callcenter.errors import Invalid
from callcenter.meetings import import_cells

WARSAW, NEW_YORK = ZoneInfo("Europe/Warsaw"), ZoneInfo("America/New_York")
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1250", "iso8859-2"]


def layout_of(content: bytes) -> csv_file.Layout:
    return csv_file.read_layout(io.BytesIO(content), import_cells.COLUMNS)


@pytest.mark.parametrize(
    "header",
    [
        "name,number,mode,from,to,information,project,user,contact",
        "Nazwa;Numer telefonu;Tryb pracy;Początek;Koniec;Uwagi;Projekt;Konsultant;Klient",
        "NAZWA\tTelefon\tTryb\tOd\tDo\tInformacje\tProjekt\tUżytkownik\tKontakt",
    ],
)
def test_columns_are_known_in_english_and_polish_with_any_separator(header: str) -> None:
    expected = ["name", "number", "mode", "from_at", "to_at", "information", "project", "user", "contact"]
    assert layout_of(f"{header}\n".encode()).fields == expected


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_any_usual_encoding_is_read(encoding: str) -> None:
    content = "Nazwa;Numer;Od;Projekt\r\nSpotkanie z Łucją Żak;601;x;Śląsk\r\n".encode(encoding)
    layout = layout_of(content)
    [(_, cells, _)] = list(csv_file.read_rows(io.BytesIO(content), layout))
    assert import_cells.read(layout, cells)["name"] == "Spotkanie z Łucją Żak"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("number,project", "No column says when"),
        ("number,from", "No column names the project"),
        ("from,project", "No column says whom to call"),
        ("number,from,project,colour", "Not known: colour"),
        ("number,from,project,phone", "mean the same"),
        ("", "empty"),
    ],
)
def test_a_first_line_that_will_not_do_is_said(header: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        layout_of(f"{header}\n".encode())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-12-01 14:30", "2026-12-01T13:30"),
        ("2026-12-01 14:30:00", "2026-12-01T13:30"),
        ("01.12.2026 14:30", "2026-12-01T13:30"),
        ("1.12.2026, 9:05", "2026-12-01T08:05"),
        ("2026-12-01T14:30", "2026-12-01T13:30"),
        ("2026-12-01T14:30+01:00", "2026-12-01T13:30"),
        ("2026-12-01T14:30:00-0500", "2026-12-01T19:30"),
        ("2026-12-01T14:30Z", "2026-12-01T14:30"),
        ("2026-07-01 14:30", "2026-07-01T12:30"),
    ],
)
def test_times_are_of_the_importers_zone_unless_they_say_otherwise(written: str, expected: str) -> None:
    assert import_cells.time(written, WARSAW, "from_at") == dt.datetime.fromisoformat(expected).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("tomorrow", "is not a date and time"),
        ("2026-12-01", "is not a date and time"),
        ("12/01/2026 14:30", "is not a date and time"),
        ("01.12.26 14:30", "is not a date and time"),
        ("31.11.2026 14:30", "is not a date and time"),
        ("2026-12-01 25:00", "is not a date and time"),
        ("2026-12-01T14:30+99:00", "is not a date and time"),
        ("0001-01-01T00:00+14:00", "is not a date and time"),
        ("٢٠٢٦-12-01 14:30", "is not a date and time"),
        ("2027-03-28 02:30", "never shows 2027-03-28 02:30"),
        ("2027-10-31 02:30", "2027-10-31T02:30\\+02:00 or 2027-10-31T02:30\\+01:00"),
    ],
)
def test_what_is_no_time_or_could_be_two_is_said_and_not_guessed(written: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        import_cells.time(written, WARSAW, "to_at")
    assert refused.value.field == "to_at"


def test_the_sentence_about_a_time_that_comes_twice_says_what_to_write() -> None:
    assert import_cells.time("2027-10-31T02:30+01:00", WARSAW, "from_at") == dt.datetime(2027, 10, 31, 1, 30, tzinfo=dt.UTC)


def test_an_end_may_be_hours_and_minutes_only_or_nothing() -> None:
    begin, end = import_cells.window("2026-12-01 14:30", "15:00", WARSAW)
    assert end is not None
    assert end - begin == dt.timedelta(minutes=30)
    assert import_cells.window("2026-12-01 14:30", "", WARSAW)[1] is None
    with pytest.raises(Invalid) as refused:
        import_cells.window("", "15:00", WARSAW)
    assert refused.value.field == "from_at"


@pytest.mark.parametrize(
    ("written", "expected"), [("", None), ("Manual", "manual"), ("AUTOMATYCZNY", "automatic"), ("Ręczny", "manual")]
)
def test_modes_are_known_in_both_languages(written: str, expected: str | None) -> None:
    assert import_cells.mode(written) == expected


def test_another_mode_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        import_cells.mode("sometimes")
    assert refused.value.field == "mode"


@given(st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2040, 1, 1)), st.sampled_from([WARSAW, NEW_YORK]), st.booleans())  # noqa: DTZ001
def test_a_written_time_is_that_time_or_refused(local: dt.datetime, zone: ZoneInfo, polish: bool) -> None:
    local = local.replace(second=0, microsecond=0)
    written = local.strftime("%d.%m.%Y %H:%M" if polish else "%Y-%m-%d %H:%M")
    try:
        at = import_cells.time(written, zone, "from_at")
    except Invalid:
        early, late = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
        assert early != late, "only a night on which the clocks change is refused"
        return
    assert at.astimezone(zone).replace(tzinfo=None, fold=0) == local


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_refused(written: str) -> None:
    try:
        import_cells.time(written, WARSAW, "from_at")
    except Invalid as refused:
        assert refused.field == "from_at"  # noqa: PT017 - most text is no time
