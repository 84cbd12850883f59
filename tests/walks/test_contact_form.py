"""The form of a contact: what dialogues keep comes into it, a choice taken back is not lost, long names and words fit."""

import pytest
from playwright.async_api import Browser, expect

from callcenter.actor import SYSTEM
from callcenter.tickets import usual
from tests.walks.browser import Desk, desk
from tests.walks.looks import look
from tests.walks.product import PASSWORD, Product
from tests.walks.test_contact_stories import add, save, show

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
expect.set_options(timeout=10_000)


async def test_what_a_dialogue_keeps_comes_into_the_form_beside_what_is_typed(shared_product: Product, shared_anna: Desk) -> None:
    contact_id = await add(shared_product, "Asked", city="Łódź")
    page = await show(shared_anna, f"/contacts/{contact_id}")
    await page.locator("#field-city").fill("Zgierz")
    await page.locator(".contact-head [data-reach=email]").click()
    asked = page.locator("dialog[open]")
    await asked.locator("[name=email]").fill("asked@example.com")
    await asked.get_by_role("button", name="Next").click()
    await expect(page.locator("#field-email")).to_have_value("asked@example.com")
    await expect(page.locator("#field-city")).to_have_value("Zgierz")
    await page.locator("dialog.letter").get_by_role("button", name="Close").click()
    await page.locator(".contact-head [data-reach=fax]").click()
    asked = page.locator("dialog[open]")
    await asked.locator("[name=number]").fill("22 123 45 69")
    await asked.get_by_role("button", name="Next").click()
    await expect(page.locator("#number-rows [name=number]")).to_have_value("22 123 45 69")
    await page.locator("dialog.letter").get_by_role("button", name="Close").click()
    await save(page)  # nobody is told that two people changed it
    for name, value in (("city", "Zgierz"), ("email", "asked@example.com")):
        await expect(page.locator(f"#field-{name}")).to_have_value(value)
    await expect(page.locator("#number-rows [name=number]")).to_have_value("22 123 45 69")


async def test_a_choice_that_is_taken_back_is_not_left_unasked(shared_product: Product, shared_anna: Desk) -> None:
    page = await show(shared_anna, f"/contacts/{await add(shared_product, 'Chosen', country='PL')}")
    await page.locator("#field-country").select_option("")
    async with page.expect_event("dialog") as asked:
        page.once("dialog", lambda dialog: dialog.dismiss())
        await page.locator("#nav a[href='/organisations']").click()
    assert "not saved" in (await asked.value).message
    await expect(page.locator("#field-country")).to_have_value("")
    await page.locator("#field-country").select_option("PL")


async def test_long_names_and_long_words_fit_a_narrow_page(shared_product: Product, shared_browser: Browser) -> None:
    async with shared_product.database.unit_of_work(SYSTEM) as uow:
        await usual.put(uow, "pl")
    contact_id = await add(shared_product, "x" * 100)
    async with desk(shared_browser, shared_product.url, width=360) as narrow:
        await narrow.sign_in("maria", PASSWORD)
        await narrow.page.goto(f"{narrow.url}/profile")
        await narrow.page.locator("select[name=language]").select_option("pl")
        await narrow.page.locator("form[action='/profile'] button[type=submit]").first.click()
        await expect(narrow.page.locator("html")).to_have_attribute("lang", "pl")
        for path in (
            "/contacts/new",
            f"/contacts/{contact_id}",
            f"/contacts/{contact_id}/tickets",
            "/contacts?f=1",
            "/contacts/duplicates",
        ):
            page = await show(narrow, path)
            over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert over <= 0, (path, over)
            await look(page, "fits" + path.replace("/", "-"))
        await narrow.page.set_viewport_size({"width": 1400, "height": 900})
        for path in (f"/contacts/{contact_id}", "/contacts?f=1"):
            page = await show(narrow, path)
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


async def test_a_page_that_is_opened_shows_its_beginning(shared_product: Product, shared_anna: Desk) -> None:
    contact_id = await add(shared_product, "Beginning")
    await show(shared_anna, "/contacts?f=1&last_name=Beginning")
    page = shared_anna.page
    await page.locator("#main tbody").get_by_role("link", name="Beginning").click()
    await page.wait_for_url(f"**/contacts/{contact_id}")
    top = """() => {
      document.getElementById("main").scrollIntoView({ behavior: "instant" });  // as a swap does, at its own speed
      return [scrollY, document.documentElement.scrollHeight > innerHeight];
    }"""
    assert await page.evaluate(top) == [0, True]
