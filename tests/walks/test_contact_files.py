"""Stories of many contacts: a file with faults read to its end, two who are one, a list that is filtered, narrow and wide."""

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from callcenter.actor import SYSTEM
from callcenter.contacts import custom_fields, dictionaries
from callcenter.contacts import service as contacts
from callcenter.contacts.avatars import store
from callcenter.contacts.custom_fields import CustomFieldInput
from callcenter.contacts.forms import ContactInput, NumberInput
from tests.walks.browser import Desk, desk
from tests.walks.looks import look
from tests.walks.product import PASSWORD, Product
from tests.walks.test_contact_stories import picture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
expect.set_options(timeout=20_000)

MANY = 600


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def words(shared_product: Product) -> None:
    """Have words to choose from and a field of one's own."""
    async with shared_product.database.unit_of_work(SYSTEM) as uow:
        await dictionaries.add_entry(uow, "tag", "VIP")
        await dictionaries.add_entry(uow, "stage", "Lead")
        loyal = await custom_fields.add_field(uow, CustomFieldInput(name="Loyalty card", kind="yes_no", key="loyal"))
        assert loyal.key == "loyal"


async def test_a_file_with_faults_is_shown_beforehand_read_to_its_end_and_says_which_rows(
    shared_product: Product, shared_browser: Browser
) -> None:
    rows = ["Imię;Nazwisko;Firma;Komórka;Uwaga"]
    rows += [f"Żaneta;Ćwik{n};Ósemka;601 70{n:04d};" for n in range(MANY)]
    rows[1] += "urgent"
    rows[3] = "Zły;Numer;;zadzwonię;"
    rows[5] = ";;;601 800 900;"
    async with desk(shared_browser, shared_product.url) as maria:
        page = maria.page
        await maria.sign_in("maria", PASSWORD)
        await page.goto(f"{shared_product.url}/imports")
        content = "\r\n".join(rows).encode("cp1250")
        await page.locator("#import-file").set_input_files({"name": "lista.csv", "mimeType": "text/csv", "buffer": content})
        await page.get_by_role("button", name="Upload").click()
        await expect(page.locator("#main h1")).to_have_text("What the columns mean")
        await expect(page.locator("#written-encoding")).to_contain_text("Found: cp1250")
        preview = page.locator("#mapping-preview")
        await expect(preview.locator("tbody tr").first).to_contain_text("Żaneta Ćwik0")
        await expect(preview).to_contain_text("zadzwonię is not a telephone number")
        note = page.locator("select[name=column]").nth(4)
        await note.select_option("city")
        await expect(preview.locator("tbody tr").first).to_contain_text("urgent")
        await look(page, "import-mapping")
        await note.select_option("note")
        await expect(preview.locator("tbody tr").first).not_to_contain_text("urgent")
        await page.get_by_role("button", name="Import", exact=True).click()
        await expect(page.locator("#import-progress")).to_contain_text("Done.", timeout=60_000)
        bar = page.locator("#import-progress progress")
        assert await bar.get_attribute("value") == await bar.get_attribute("max") == str(MANY - 2)
        refused = page.locator("section[aria-labelledby=import-rejections]")
        await expect(refused.locator("li")).to_have_count(2)
        await expect(refused).to_contain_text("Line 4")
        await expect(refused).to_contain_text("Line 6")
        await look(page, "import-report")
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Rejected rows").click()
        assert "zadzwonię" in (await (await download.value).path()).read_text()
        await page.goto(f"{shared_product.url}/contacts?q=cwik7")
        await expect(page.locator("#contact-rows")).to_contain_text("Żaneta Ćwik7")
        await page.goto(f"{shared_product.url}/imports/1")
        page.once("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Undo the import").click()
        await expect(page.locator("#main")).to_contain_text("Undone", timeout=60_000)
        await look(page, "import-undone")


async def add(product: Product, **given: object) -> int:
    async with product.database.unit_of_work() as uow:
        return (await contacts.create_contact(uow, ContactInput.model_validate(given), "PL")).id


async def test_two_contacts_become_one_with_a_choice_per_field(shared_product: Product, shared_anna: Desk) -> None:
    product, page = shared_product, shared_anna.page
    phone = [NumberInput(type="mobile", number="506 000 111")]
    custom = {"loyal": True}
    kept = await add(product, first_name="Ala", last_name="Zielińska", city="Łódź", email="ala@example.com")
    lost = await add(
        product, first_name="Alicja", last_name="Zielińska", city="Zgierz", country="PL", numbers=phone, custom=custom
    )
    await store(product.database, SYSTEM, lost, picture())
    await page.goto(f"{product.url}/contacts/{kept}")
    await shared_anna.alive()
    await page.get_by_role("link", name="Merge").click()
    await page.locator("#merge-search").fill("alicja ziel")
    await page.keyboard.press("Enter")
    await page.locator("#main a", has_text="Alicja Zielińska").first.click()
    await expect(page.locator("#main h1")).to_have_text("Merge contacts")
    for field in ("country", "custom:loyal", "avatar"):  # what only the other has is chosen already
        await expect(page.locator(f"[name='field:{field}'][value=other]")).to_be_checked()
    await expect(page.locator("#main table")).to_contain_text("Loyalty card")
    await expect(page.locator("#main table")).to_contain_text("Poland")
    await look(page, "merge")
    await page.locator("[name='field:first_name'][value=other]").check()
    await page.locator("#main form button[type=submit]").click()
    await expect(page.locator("#main [role=status]")).to_contain_text("The two contacts are one now.")
    await expect(page.locator("#main h1")).to_have_text("Alicja Zielińska")
    await expect(page.locator("#field-city")).to_have_value("Łódź")
    await expect(page.locator("input[name=number]").first).to_have_value("506 000 111")
    await expect(page.locator(".contact-head img.avatar")).to_be_visible()
    await look(page, "merged")
    await page.goto(f"{product.url}/contacts/{lost}")
    await expect(page.locator("#main h1")).to_have_text("Alicja Zielińska")
    assert page.url.endswith(f"/contacts/{kept}")


async def test_a_list_is_filtered_and_many_are_tagged(shared_product: Product, shared_anna: Desk) -> None:
    product, page = shared_product, shared_anna.page
    for n in range(6):
        number = NumberInput(type="mobile", number=f"5011234{n:02d}")
        await add(
            product, first_name="Ewa", last_name=f"Zięba{n}", city="Kraków" if n % 2 else "Łódź", stage="Lead", numbers=[number]
        )
    await page.set_viewport_size({"width": 1600, "height": 900})
    await page.goto(f"{product.url}/contacts?f=1")
    await shared_anna.alive()
    panel = page.locator("[data-filter-panel]")
    await panel.locator("> summary").click()
    await page.locator("#filter-city").fill("krak")
    await page.locator("[data-add-number]").click()
    await page.keyboard.type("501 12")
    await panel.locator("button[type=submit]").click()
    await expect(page.locator("[data-contact-count='3']")).to_be_attached()
    await expect(page.locator("#filter-city")).to_be_visible()  # a wide window has room for both
    await look(page, "list-filtered")
    await page.locator("[data-bulk-shown]").check()
    await page.locator("[data-contact-bulk] summary").first.click()
    await look(page, "list-chosen")
    await page.locator("[data-contact-bulk] button[value=tag]").click()
    await expect(page.locator("progress")).to_have_attribute("value", "3")
    await narrow(page, product)


async def narrow(page: Page, product: Product) -> None:
    """In a narrow window the panel is folded; its line says what the list is narrowed to, and opens it again."""
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(f"{product.url}/contacts")  # what was filtered last comes back
    panel = page.locator("[data-filter-panel]")
    said = panel.locator(".filters-said")
    await expect(said).to_contain_text("City: krak")
    await expect(said).to_contain_text("Number: 501 12")
    await expect(page.locator("#filter-city")).not_to_be_visible()
    await expect(page.locator("#contact-rows a.row-link").first).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await said.click()
    await page.locator("#filter-city").fill("lodz")
    await panel.locator("button[type=submit]").click()
    await expect(said).to_contain_text("City: lodz")
    await expect(page.locator("#filter-city")).not_to_be_visible()
    await expect(page.locator("#contact-rows a.row-link").first).to_be_in_viewport()
    await page.locator("[data-filter-panel] > summary").click()
    await page.get_by_role("link", name="Take filters off").click()
    await expect(said).to_have_count(0)
    await page.set_viewport_size({"width": 1440, "height": 900})
