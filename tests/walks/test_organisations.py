"""One walk of a consultant: the search box, an organisation changed in place, and its number that rings."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput, NumberInput, OrganisationInput
from tests.walks.browser import PATIENCE, Desk
from tests.walks.product import Product

pytestmark = pytest.mark.browser

FIRM, NOBODY = "+48224445566", "509 111 222"


async def fill(product: Product) -> None:
    async with product.database.unit_of_work() as uow:
        numbers = [NumberInput(type="main", number=FIRM)]
        await contacts.create_organisation(uow, OrganisationInput(name="Fabryka O'Kabli", numbers=numbers), "PL")
        for last in ("Kot", "Wilk"):
            await contacts.create_contact(uow, ContactInput(last_name=last, organisation="Fabryka O'Kabli"), "PL")


async def test_search_an_organisation_and_who_calls_from_its_number(product: Product, anna: Desk) -> None:
    await fill(product)
    page = anna.page
    box, options = page.locator("#search-input"), page.locator("#search-found [role=option]")
    asked: list[str] = []

    async def late(route: Route) -> None:
        """Let the answer to "fab" come after that to what was typed next."""
        asked.append(route.request.url)
        if route.request.url.endswith("q=fab"):
            await asyncio.sleep(1)
        await route.continue_()

    await page.route("**/api/v1/search?*", late)
    await page.keyboard.press("/")
    await expect(box).to_be_focused()
    async with page.expect_request("**/api/v1/search?q=fab"):
        await box.press_sequentially("fab")
    await box.fill("wilk")
    await expect(options).to_have_count(1)
    await expect(options.first).to_contain_text("Wilk")
    await page.wait_for_timeout(1200)  # the late answer has come, or was given up
    await expect(options).to_have_count(1)
    await box.press("Escape")
    await expect(box).to_have_attribute("aria-expanded", "false")
    await box.press("Escape")
    await expect(box).to_have_value("")
    await box.fill(NOBODY)
    await expect(page.locator("#search-found")).to_contain_text("Call +48 509 111 222")
    await box.press("ArrowDown")
    await box.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    await box.press("Enter")
    await expect(page.locator("#main input[name=number]").first).to_have_value("+48 509 111 222")

    await page.keyboard.press("Control+k")
    await box.fill("o'kab")
    await box.press("Enter")  # before any answer is there: the first of the answer to this
    await expect(page.locator("#main h1")).to_have_text("Kot")
    await page.keyboard.press("Control+k")
    await box.fill("444 55")
    await expect(options.first).to_contain_text("Fabryka O'Kabli")
    await options.first.click()
    await expect(page.locator("#main h1")).to_have_text("Fabryka O'Kabli")
    await page.locator("#field-city").fill("Zgierz")
    await page.locator("#main form[data-guard] button[type=submit]").click()
    await expect(page.locator("#main [role=status]")).to_contain_text("Saved.")
    assert len(asked) < 10, asked

    await who_calls(product, anna)


async def who_calls(product: Product, anna: Desk) -> None:
    """The organisation's number rings: one of its people is chosen before the answer, and the call is theirs."""
    page = anna.page
    product.customer_calls(FIRM)
    popup = page.locator(".popup")
    await expect(popup).to_contain_text("Who is it at Fabryka O'Kabli?", timeout=PATIENCE)
    await popup.get_by_role("button", name="Wilk").click()
    await expect(page.locator("#main h1")).to_have_text("Wilk", timeout=PATIENCE)
    await popup.locator("[data-answer]").click()
    await expect(page.locator(".softphone-who")).to_contain_text("Wilk", timeout=PATIENCE)
    await page.keyboard.press("Alt+H")
