"""Why rows of an import were rejected: on the page and in its report in the reader's language, in the API in English."""

import pytest

from callcenter.actor import EVERY_ACCOUNT, Actor, Role
from callcenter.contacts import imports
from tests.webui.conftest import Site

LONG = "9" * 30
ENGLISH = f"{LONG} is too long for a telephone number."


@pytest.mark.parametrize(("language", "titles"), [("en", "Line,Reason,Name,Phone"), ("pl", "Wiersz,Powód,Name,Phone")])
async def test_each_reader_is_told_in_their_language(site: Site, language: str, titles: str) -> None:
    boss = await site.person("sofia", Role.SUPERVISOR, language)
    content = f"Name,Phone\nOla,{LONG}\n".encode()
    done = await imports.run_import(
        site.database, Actor(boss.id, "Sofia", Role.SUPERVISOR, accounts=EVERY_ACCOUNT), content, "people.csv"
    )
    async with site.client(boss.cookies) as browser:
        page = (await browser.get(f"/imports/{done.id}")).text
        report = await browser.get(f"/imports/{done.id}/rejected.csv")
        api = await browser.get(f"/api/v1/imports/{done.id}/rejected")
        assert (await browser.get("/imports/999/rejected.csv")).status_code == 404
    assert "attachment" in report.headers["content-disposition"]
    assert report.text.splitlines()[0] == titles
    assert api.text.splitlines() == ["Line,Reason,Name,Phone", f"2,{ENGLISH},Ola,{LONG}"]
    assert LONG in page
    for told in (page, report.text):
        assert (ENGLISH in told) == (language == "en")
