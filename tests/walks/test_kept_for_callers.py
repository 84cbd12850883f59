"""A supervisor keeps consultants ready for callers, in Chromium; the live page says whom, and why nothing is dialled."""

import pytest
from playwright.async_api import Browser, expect

from callcenter.campaigns.dialer import Dialer
from tests.walks.browser import desk
from tests.walks.looks import look
from tests.walks.product import PASSWORD, Product, until
from tests.walks.test_watch import accessible, campaign, dialled, ready, row, speak

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("language", "width", "kept", "why"),
    [
        ("en-GB", 1440, "kept for callers", "All who are ready (2) are kept for callers"),
        ("pl-PL", 360, "zostawiony dla dzwoniących", "Wszyscy gotowi (2) są zostawieni"),
    ],
)
async def test_consultants_are_kept_for_callers(
    product: Product, browser: Browser, language: str, width: int, kept: str, why: str
) -> None:
    spring, dialer = await campaign(product), Dialer(product.database)
    await speak(product, language)
    async with desk(browser, product.url, width=width, locale=language) as maria:
        page = maria.page
        await maria.sign_in("maria", PASSWORD)
        await page.goto(f"{product.url}/projects/1")
        await maria.audio()
        field = page.locator("[name=keep_ready]")
        await field.fill("-1")
        await field.press("Enter")
        wrong = page.locator("[name=keep_ready].is-invalid")
        await expect(wrong).to_be_focused()
        await expect(wrong).to_be_in_viewport()
        maria.problems.clear()  # Chromium reports the 422
        await look(page, f"kept-wrong-{language[:2]}")
        await page.locator("[name=keep_ready]").fill("2")
        await page.locator("[name=keep_ready]").press("Enter")
        await expect(page.locator(".alert-success")).to_be_visible()
        await expect(page.locator("[name=keep_ready]")).to_have_value("2")
        await accessible(page, f"kept-form-{language[:2]}")
        await page.goto(f"{product.url}/campaigns/{spring}/watch")
        await ready(product, "anna")
        await ready(product, "piotr")
        await dialer.tick()
        await expect(row(page, product, "anna")).to_contain_text(kept)
        await expect(row(page, product, "piotr")).to_contain_text(kept)
        await expect(page.locator("#board")).to_contain_text(why)
        await accessible(page, f"kept-watch-{language[:2]}")
        assert dialled(product) == []
        await page.goto(f"{product.url}/projects/1")
        await page.locator("[name=keep_ready]").fill("1")
        await page.locator("[name=keep_ready]").press("Enter")
        await expect(page.locator(".alert-success")).to_be_visible()
        await dialer.tick()
        await until(lambda: len(dialled(product)) == 1, "one line rings")
