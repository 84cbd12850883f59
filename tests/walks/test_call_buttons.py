"""Call buttons of rows and contacts say why they are off, and follow what happens and which page is shown."""

import pytest
from playwright.async_api import expect

from tests.walks.browser import Desk
from tests.walks.product import JAN, Product

pytestmark = pytest.mark.browser


async def test_call_buttons_are_off_while_no_call_can_begin_and_say_why(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.locator("#nav a[href='/contacts']").click()
    button = page.locator("#contact-rows [data-dial]").first
    await expect(button).to_be_enabled()
    product.customer_calls(JAN)
    await expect(button).to_be_disabled()
    await expect(button).to_have_attribute("title", "A call is ringing at your desk. Answer or decline it first.")

    await page.locator("[data-answer]").click()
    await expect(page.locator("#main h1")).to_have_text("Jan Kowalski")
    on_contact = page.locator("#main [data-dial]").first
    await expect(on_contact).to_be_disabled()
    await expect(on_contact).to_have_attribute("title", "You are on a call. Hang up first.")
    await page.locator("#nav a[href='/calls']").click()
    row = page.locator("#main td [data-dial]").first
    await expect(row).to_be_disabled()

    await page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    await expect(row).to_be_enabled()
    assert await row.get_attribute("title") is None
    await page.locator("#state button[data-set=offline]").click()
    await anna.state("offline")
    await expect(row).to_be_disabled()
    await expect(row).to_have_attribute("title", "You are offline. Press Ready or Break first.")
