"""Both languages: nothing untranslated, forms of plurals, dates in the person's zone, errors never worse than English."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from callcenter.errors import Conflict
from tests.webui.conftest import Person, Site
from webui import i18n, views

ROOT = Path(__file__).parent.parent.parent
NOON = dt.datetime(2026, 7, 1, 12, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def english() -> None:
    i18n.use("en")


def test_every_text_is_extracted_and_translated() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "check_translations.py")]
    done = subprocess.run(script, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("pl", "pl"),
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("de-DE, en-GB;q=0.7, pl;q=0.3", "en"),
        ("en;q=0.2, pl;q=0.9", "pl"),
        ("de", "en"),
        ("", "en"),
        (";;;,q=,pl;q=x", "en"),
        ("pl;q=0", "en"),
        ("x" * 100_000, "en"),
    ],
)
def test_the_browsers_wish_is_followed(header: str, language: str) -> None:
    assert i18n.negotiate(header) == language


def test_polish_has_three_forms() -> None:
    template = views.environment().from_string('{{ ngettext("%(num)s call", "%(num)s calls", n) }}')
    i18n.use("pl")
    shown = [template.render(n=n) for n in (1, 2, 5, 12, 22, 25)]
    assert [each.split()[1] for each in shown] == ["połączenie", "połączenia", "połączeń", "połączeń", "połączenia", "połączeń"]


def test_an_error_is_told_in_the_language_of_the_request_with_its_values() -> None:
    error = Conflict("{name} has taken this call.", name="Ewa")
    assert i18n.sentence(error) == "Ewa has taken this call."
    i18n.use("pl")
    assert i18n.sentence(error) == "To połączenie odbiera już Ewa."


def test_a_broken_translation_falls_back_to_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "gettext", lambda _text: "{nobody} zna")
    assert i18n.sentence(Conflict("{name} has taken this call.", name="Ewa")) == "Ewa has taken this call."


def test_braces_in_a_sentence_without_values_are_plain_text() -> None:
    assert i18n.sentence(Conflict("A brace { is only a brace.")) == "A brace { is only a brace."


def test_times_are_shown_in_the_persons_zone_and_way() -> None:
    i18n.use("pl", "Europe/Warsaw")
    assert i18n.datetime(NOON) == "1.07.2026, 14:00"
    assert i18n.date(NOON) == "1 lip 2026"
    assert i18n.number(12345.5) == "12\u00a0345,5"
    i18n.use("en", "America/New_York")
    assert i18n.datetime(NOON) == "01/07/2026, 08:00"
    i18n.use("xx", "Nowhere/Land")
    assert i18n.time(NOON) == "12:00"


def test_durations_read_like_a_clock() -> None:
    assert [i18n.duration(each) for each in (0, 59.6, 65, 3725, None)] == ["0:00", "1:00", "1:05", "1:02:05", ""]


async def test_scripts_get_their_texts_only(site: Site) -> None:
    async with site.client() as client:
        polish = (await client.get("/i18n.json?lang=pl")).json()
        english = (await client.get("/i18n.json", headers={"accept-language": "de"})).json()
        unknown = (await client.get("/i18n.json?lang=../../etc")).json()
    assert polish["plurals"] == ["one", "few", "many"]
    assert polish["messages"]["Hang up"] == "Rozłącz"
    assert len(polish["messages"]["{count} caller waits"]) == 3
    assert "Trunks" not in polish["messages"]
    assert "You missed a call from {number}. It is on your call-back list." in polish["messages"]
    assert english == unknown == {"language": "en", "plurals": ["one", "other"], "messages": {}}


async def test_a_page_is_a_document_or_main_only_and_sign_in_comes_first(site: Site, consultant: Person) -> None:
    async with site.client() as client:
        away = await client.get("/contacts?q=x")
        assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=/contacts%3Fq%3Dx")
        fragment = await client.get("/contacts", headers={"hx-request": "true", "hx-current-url": "http://testserver/calls"})
        assert fragment.headers["hx-redirect"].startswith("/sign-in?next=/")
        whole = await client.get("/nothing", headers=consultant.cookies)
        assert whole.status_code == 404
        assert whole.text.lstrip().startswith("<!doctype html>")
        part = await client.get("/nothing", headers=consultant.cookies | {"hx-request": "true"})
        assert "<main" in part.text
        assert "<!doctype" not in part.text
        chosen = await client.get("/nothing", headers={"cookie": "callcenter_language=pl"})
        assert 'lang="pl"' in chosen.text


@pytest.mark.parametrize("url", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "", "x"])
def test_after_signing_in_nobody_is_sent_to_a_foreign_site(url: str) -> None:
    assert views.local_path(url) == "/"
    assert views.local_path("/contacts?q=1") == "/contacts?q=1"


@pytest.mark.parametrize(
    ("language", "ratio", "said"), [("pl", 2.5, "2,5"), ("pl", 3.0, ": 3,"), ("en", 2.5, "2.5 "), ("en", 3.0, "3 ")]
)
def test_numbers_in_sentences_have_the_language_s_separators(language: str, ratio: float, said: str) -> None:
    i18n.use(language)
    assert said in i18n.say("{ratio} lines for each ready consultant, as the campaign is set.", {"ratio": ratio})
