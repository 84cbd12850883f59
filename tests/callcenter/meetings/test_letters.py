"""What customers read, and iCalendar text: pure."""

import datetime as dt
import string
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from callcenter.contacts import text
from callcenter.meetings import ics, letters
from callcenter.users.preferences import LANGUAGES

WARSAW = ZoneInfo("Europe/Warsaw")


def facts(start: dt.datetime, minutes: int = 30, **more: str) -> letters.Facts:
    given = {"name": "", "number": "+48 601 234 567", "zone": "Europe/Warsaw"} | more
    return letters.Facts(start=start, end=start + dt.timedelta(minutes=minutes), **given)


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_language_of_the_product_has_every_line_with_the_same_values() -> None:
    assert set(letters.WORDS) == set(LANGUAGES)
    english = letters.WORDS["en"]
    for language, words in letters.WORDS.items():
        assert {key: fields(text) for key, text in words.items()} == {key: fields(text) for key, text in english.items()}, (
            language
        )


@pytest.mark.parametrize(
    ("start", "minutes", "english"),
    [
        (dt.datetime(2026, 7, 3, 10, 0, tzinfo=WARSAW), 30, "Friday, 3 July 2026, between 10:00 and 10:30 "),
        (dt.datetime(2026, 7, 3, 23, 45, tzinfo=WARSAW), 30, "Friday, 3 July 2026, 23:45 – Saturday, 4 July 2026, 00:15 "),  # noqa: RUF001
        (
            dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC),
            60,
            "Sunday, 25 October 2026, 02:30 GMT+02:00 – Sunday, 25 October 2026, 02:30 GMT+01:00 ",  # noqa: RUF001
        ),
    ],
)
def test_a_window_is_clear_over_midnight_and_in_the_night_the_clocks_change(
    start: dt.datetime, minutes: int, english: str
) -> None:
    written = letters.when("en", facts(start, minutes))
    assert written.startswith(english)
    assert written.endswith("+02:00)")
    assert "Europe/Warsaw" in written


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["invited", "changed", "cancelled", "moved"])
def test_a_letter_reads_well_with_and_without_a_name_a_consultant_a_project(language: str, kind: letters.Kind) -> None:
    start = dt.datetime(2026, 7, 3, 10, 0, tzinfo=WARSAW)
    whole = {"name": "Oferta", "user": "Anna Nowak", "project": "Infolinia", "phone": "+48 22 123 45 67"}
    for told in (whole, {}, {"user": "Anna Nowak"}, {"project": "Infolinia"}):
        letter = letters.write(language, kind, facts(start, 30, **told))
        assert "{" not in letter.subject + letter.body + letter.title
        assert "  " not in letter.body
        assert "+48 601 234 567" in letter.body
        assert "2026" in letter.subject
        assert letter.title
        assert ("+48 22 123 45 67" in letter.body) == (told is whole and kind in ("invited", "changed"))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(texts, texts, texts, texts)
def test_no_text_can_add_a_line_or_an_event_to_a_calendar(summary: str, description: str, name: str, location: str) -> None:
    at = dt.datetime(2026, 7, 3, 10, 0, tzinfo=dt.UTC)
    person = ics.Person(name, "jan@example.org")
    entry = ics.Entry("1@x.pl", 0, at, at, at, summary, description, location, organizer=person, attendee=person)
    written = ics.calendar("REQUEST", [entry])
    assert all(len(line.encode()) <= 75 for line in written.split("\r\n")), "RFC 5545, section 3.1"
    assert "\n" not in written.replace("\r\n", "")
    (event,) = Calendar.from_ical(written).walk("VEVENT")
    allowed = {"UID", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "DTSTART", "DTEND", "SUMMARY", "DESCRIPTION", "LOCATION"}
    assert set(event) <= allowed | {"STATUS", "ORGANIZER", "ATTENDEE"}
    assert str(event["organizer"]) == "mailto:jan@example.org"
    assert str(event["summary"]) == " ".join(text.clean(summary).split())
    assert ics.told(written)["UID"] == "1@x.pl"
