"""A supervisor brings a list into a campaign, in Chromium: upload, columns, preview, progress, the list, one lead and why."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from callcenter.campaigns.models import Campaign
from callcenter.users.models import User
from tests.walks import axe
from tests.walks.browser import desk
from tests.walks.product import PASSWORD, Product

pytestmark = pytest.mark.browser
LIST = (
    "Imię i nazwisko;Telefon;Telefon 2;Data umowy\nŁucja Śnieg;601 000 001;22 555 00 11;2026-05-01\n"
    "Zła;soon;;\nAlarm;112;;\nObca;+49 30 901820;;\n"
)


async def campaign(product: Product) -> int:
    async with product.database.unit_of_work() as uow:
        made = Campaign(name="Wiosna", project_id=1, state="running", created_at=uow.now, updated_at=uow.now)
        uow.session.add(made)
        await uow.session.flush()
        return made.id


@pytest.mark.parametrize(("language", "width"), [("en-GB", 1440), ("pl-PL", 480)])
async def test_a_list_becomes_leads(product: Product, browser: Browser, tmp_path: Path, language: str, width: int) -> None:
    spring, file = await campaign(product), tmp_path / "lista.csv"
    async with product.database.unit_of_work() as uow:
        (await uow.session.get_one(User, product.people["maria"])).language = language[:2]
    file.write_bytes(LIST.encode("cp1250"))
    at = f"{product.url}/campaigns/{spring}/leads"
    async with desk(browser, product.url, width=width, locale=language) as maria:
        page = maria.page
        await maria.sign_in("maria", PASSWORD)
        await page.goto(at)
        await maria.audio()
        assert await axe.violations(page) == []
        await page.goto(f"{at}/imports")
        await page.set_input_files("#leads-file", file)
        await page.locator("form[enctype] button[type=submit]").click()
        preview = page.locator("#mapping-preview")
        await expect(preview).to_contain_text("Łucja Śnieg")
        await expect(preview).to_contain_text("112")
        await page.locator("#field-priority").select_option("1")
        await expect(preview.locator("tbody tr").first.locator("td").nth(3)).to_have_text("1")
        await maria.audio()
        assert await axe.violations(page) == []
        await page.locator("#mapping-form button[type=submit]").click()
        await expect(page.locator("#lead-report")).to_be_visible(timeout=30_000)
        await page.set_viewport_size({"width": 360, "height": 900})
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await page.set_viewport_size({"width": width, "height": 900})
        await maria.audio()
        assert await axe.violations(page) == []
        await page.goto(f"{at}?q=lucja")
        await page.locator("a.row-link", has_text="Łucja Śnieg").click()
        await expect(page.locator("#lead-next")).to_be_visible()
        await expect(page.locator("#main")).to_contain_text("+48 22 555 00 11")
        await page.locator("form[action$='/remove'] button").click()
        await expect(page.locator("form[action$='/put-back'] button")).to_be_visible()
        await maria.audio()
        assert await axe.violations(page) == []
        await page.goto(f"{at}/contacts?q=kowalski")
        await expect(page.locator("form[method=post] [role=status]")).to_contain_text("1")
        await maria.audio()
        assert await axe.violations(page) == []
