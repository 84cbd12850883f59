"""Stories of contacts: what was typed comes back, two save the same contact, a picture, a file, a merge, a call meanwhile.

One product for all of them. Each begins with its own contact, so that they hold in any order.
"""

import asyncio
import io

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, Dialog, Page, Route, expect
from sqlalchemy import select

from callcenter.actor import SYSTEM
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput, NumberInput
from callcenter.tickets import usual
from callcenter.users import service as users
from callcenter.users.models import Session
from tests.walks.browser import Desk, desk
from tests.walks.looks import look
from tests.walks.product import JAN, PASSWORD, Product

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
expect.set_options(timeout=10_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def words(shared_product: Product) -> None:
    """Have kinds of tickets to choose from."""
    async with shared_product.database.unit_of_work(SYSTEM) as uow:
        await usual.put(uow, "en")


async def add(product: Product, last_name: str, number: str = "", **more: object) -> int:
    numbers = [NumberInput(type="mobile", number=number)] if number else []
    async with product.database.unit_of_work() as uow:
        given = ContactInput.model_validate({"last_name": last_name, "numbers": numbers, **more})
        return (await contacts.create_contact(uow, given, "PL")).id


async def show(someone: Desk, path: str, page: Page | None = None) -> Page:
    page = page or someone.page
    await page.goto(someone.url + path)
    await someone.alive(page)
    return page


async def kept(page: Page, words: str) -> None:
    """Wait until the browser keeps what was typed."""
    await page.wait_for_function("words => Object.values(localStorage).some((each) => each.includes(words))", arg=words)


async def save(page: Page) -> None:
    await page.locator("#main form[data-edit] button[type=submit]").click()
    await expect(page.locator("#main [data-saved-draft]")).to_be_visible()


def refused(someone: Desk, status: int) -> None:
    """Forget that Chromium reports a refusal as an error of the page."""
    someone.problems[:] = [each for each in someone.problems if str(status) not in each]


async def test_what_was_typed_into_a_contact_and_left_comes_back(shared_product: Product, shared_anna: Desk) -> None:
    product, anna = shared_product, shared_anna
    contact_id = await add(product, "Draft")
    page = await show(anna, f"/contacts/{contact_id}")
    await typed_while_the_page_is_drawn_anew(page)
    await page.locator("#field-city").fill("Zgierz")
    await page.locator("[data-rows]").click()
    await page.locator("input[name=number]").last.fill("601 222 333")
    page.once("dialog", lambda dialog: dialog.accept())
    await page.locator("#nav a[href='/calls']").click()
    await expect(page.locator("#main h1")).to_have_text("My calls")
    await page.go_back()
    offer = page.locator(".draft-offer")
    await expect(offer).to_contain_text("You have unsaved changes from")
    await look(page, "draft-offer")
    await expect(page.locator("#field-city")).to_have_value("")
    await offer.get_by_role("button", name="Restore").click()
    await expect(page.locator("#field-city")).to_have_value("Zgierz")
    await expect(page.locator("input[name=number]").last).to_have_value("601 222 333")
    await page.locator("#field-postcode").fill("95-100")
    await kept(page, "95-100")
    second = await anna.context.new_page()
    anna.watch(second)
    await page.close()  # the tab, with all that was typed
    anna.page = page = second
    await show(anna, f"/contacts/{contact_id}")
    await page.locator(".draft-offer").get_by_role("button", name="Restore").click()
    await expect(page.locator("#field-postcode")).to_have_value("95-100")
    await save(page)
    await page.reload()
    await expect(page.locator("#field-city")).to_have_value("Zgierz")
    await expect(page.locator(".draft-offer")).to_have_count(0)
    await anna.alive()


async def test_the_second_to_save_sees_both_versions_and_chooses(
    shared_product: Product, shared_anna: Desk, shared_browser: Browser
) -> None:
    product, anna = shared_product, shared_anna
    contact_id = await add(product, "Both", city="Łódź")
    async with desk(shared_browser, product.url) as piotr:
        await piotr.sign_in("piotr", PASSWORD)
        await show(piotr, f"/contacts/{contact_id}")
        page = await show(anna, f"/contacts/{contact_id}")
        await page.locator("#field-city").fill("Gdańsk")
        await page.locator("#field-email").fill("ours@example.com")
        await piotr.page.locator("#field-city").fill("Gdynia")
        await piotr.page.locator("#field-first_name").fill("Piotr's")
        await save(piotr.page)
        await page.locator("#main form[data-edit] button[type=submit]").click()
        await expect(page.locator("#main h1")).to_have_text("Two people changed this contact")
        await expect(page.locator("#main")).to_contain_text("Piotr Wiśniewski saved this contact")
        row = page.locator("#main tr", has_text="City")
        await expect(row).to_contain_text("Gdańsk")
        await expect(row).to_contain_text("Gdynia")
        await look(page, "two-versions")
        refused(anna, 409)
        await row.get_by_label("City: Stored now").check()
        await page.locator("#main form[data-conflict] button[type=submit]").click()
        await expect(page.locator("#main [data-saved-draft]")).to_be_visible()
        for name, value in (("city", "Gdynia"), ("first_name", "Piotr's"), ("email", "ours@example.com")):
            await expect(page.locator(f"#field-{name}")).to_have_value(value)
        await expect(page.locator(".draft-offer")).to_have_count(0)


async def typed_while_the_page_is_drawn_anew(page: Page) -> None:
    """What comes by itself into another part of the page takes back nothing that was typed just before."""
    city = page.locator("#field-city")
    await city.fill("kept")
    await kept(page, "kept")
    await city.evaluate(
        """(city) => {
            city.value = "kept and more";
            city.dispatchEvent(new Event("input", { bubbles: true }));
            document.dispatchEvent(new CustomEvent("htmx:after:swap", { detail: { ctx: { target: null } } }));
        }"""
    )
    await expect(city).to_have_value("kept and more")


def picture(kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (600, 400), "#b3261e").save(written, kind)
    return written.getvalue()


async def test_a_picture_is_shown_on_the_contact_in_the_list_and_when_they_call(
    shared_product: Product, shared_anna: Desk
) -> None:
    product, anna = shared_product, shared_anna
    number = "+48605111222"
    contact_id = await add(product, "Painted", number)
    page = await show(anna, f"/contacts/{contact_id}")
    await anna.ready()
    await page.locator("#field-city").fill("typed before the picture")
    head, file = page.locator(".contact-head"), page.locator("[data-avatar-file]")
    await head.locator("summary").first.click()
    await file.set_input_files({"name": "photo.png", "mimeType": "image/png", "buffer": b"MZ no picture at all"})
    await expect(page.locator("#toasts")).to_contain_text("This is not a picture. Choose a PNG, JPEG, WebP or GIF file.")
    await look(page, "picture-refused")
    await file.set_input_files({"name": "photo.png", "mimeType": "image/png", "buffer": picture()})
    await expect(page.locator("#toasts")).to_contain_text("The picture is saved.")
    await loaded(page, ".contact-head img.avatar")
    refused(anna, 422)
    await expect(page.locator("#field-city")).to_have_value("typed before the picture")
    await save(page)
    await page.locator("#nav a[href='/contacts']").click()
    await page.locator("#contact-search").fill("painted")
    await expect(page.locator("#contact-rows tbody tr")).to_have_count(1)
    await loaded(page, "#contact-rows img.avatar")
    await look(page, "list-with-pictures")
    product.customer_calls(number)
    await loaded(page, ".popup-ringing img.avatar")
    await look(page, "pop-up-with-picture")
    await page.locator("[data-answer]").click()
    await over(anna)


async def loaded(page: Page, picture: str) -> None:
    await page.wait_for_function("selector => document.querySelector(selector)?.naturalWidth > 0", arg=picture)


async def over(anna: Desk) -> None:
    """End the call and its wrap-up; the desk is ready for the next story."""
    await anna.state("on_call")
    await anna.page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    await anna.page.get_by_role("button", name="Save and finish").click()
    await anna.state("ready")


async def test_a_call_is_answered_beside_an_open_dialog_and_nothing_typed_is_lost(
    shared_product: Product, shared_anna: Desk
) -> None:
    product, anna = shared_product, shared_anna
    contact_id = await add(product, "Dialogue")
    page = await show(anna, f"/contacts/{contact_id}")
    await anna.ready()
    await page.locator("[data-log]").click()
    dialog = page.locator("dialog.dialog")
    await dialog.locator("textarea").fill("half a sentence")
    product.customer_calls(JAN)
    popup = page.locator(".popup-ringing")
    await expect(popup).to_contain_text("Jan Kowalski")
    await expect(dialog.locator("textarea")).to_be_focused()
    await page.keyboard.type(", and the rest")
    await look(page, "dialog-and-pop-up")
    await popup.locator("[data-answer]").click()
    await anna.state("on_call")
    strip = page.locator("[data-strip=contact]")
    await expect(strip).to_contain_text("Jan Kowalski is on the line. Your text here is not saved.")
    await look(page, "dialog-and-call")
    await page.locator("#dock textarea").fill("note of the call")  # the dialog is not in the way of it
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.locator("#timeline")).to_contain_text("half a sentence, and the rest")
    await strip.get_by_role("button", name="Open Jan Kowalski").click()
    await expect(page.locator("#main h1")).to_have_text("Jan Kowalski")
    await over(anna)

    await show(anna, "/tickets/new")
    await page.locator("#field-title").fill("Kettle leaks")
    await page.locator("#field-kind_id").select_option(label="Complaint")
    product.customer_calls(JAN)
    await popup.locator("[data-answer]").click()
    await expect(strip).to_be_visible()
    await expect(page.locator("#field-title")).to_have_value("Kettle leaks")
    await strip.get_by_role("button", name="Later").click()
    await over(anna)
    await expect(page.locator("#field-title")).to_have_value("Kettle leaks")
    await page.locator("#main form button[type=submit]").click()
    await expect(page.locator("#main h1")).to_contain_text("Kettle leaks")


async def end_session(product: Product, login: str) -> None:
    async with product.database.unit_of_work() as uow:
        ids = await uow.session.scalars(select(Session.id).where(Session.user_id == product.people[login]))
        for each in list(ids):
            await users.revoke_session(uow, each)


async def sign_in_again(product: Product, someone: Desk) -> None:
    """Lose the session; the page leaves for the sign-in page by itself, asking nothing, and comes back."""
    await end_session(product, "piotr")
    page = someone.page
    await page.locator("#login").wait_for()
    await page.locator("#login").fill("piotr")
    await page.locator("#password").fill(PASSWORD)
    await page.locator("form[action='/sign-in'] button[type=submit]").click()
    await someone.alive()
    refused(someone, 401)
    someone.problems[:] = [each for each in someone.problems if "/live" not in each]


async def test_a_session_that_ended_while_typing_takes_nothing_with_it(shared_product: Product, shared_browser: Browser) -> None:
    product = shared_product
    contact_id = await add(product, "Session", email="session@example.com")
    async with desk(shared_browser, product.url) as piotr:
        await piotr.sign_in("piotr", PASSWORD)
        page = await show(piotr, f"/contacts/{contact_id}")
        asked: list[str] = []

        async def answer(dialog: Dialog) -> None:
            asked.append(dialog.type)
            await dialog.accept()

        page.on("dialog", answer)
        await page.locator("#field-city").fill("Sieradz")
        await page.locator("#note-text").fill("asks for a discount")
        await sign_in_again(product, piotr)
        await expect(page.locator("#field-city")).to_have_value("Sieradz")
        await expect(page.locator("#note-text")).to_have_value("asks for a discount")
        await page.get_by_role("button", name="Add note").click()
        await expect(page.locator("#timeline")).to_contain_text("asks for a discount")
        await save(page)

        await show(piotr, f"/tickets/new?contact={contact_id}")
        await page.locator("#field-title").fill("Invoice missing")
        await page.locator("#field-kind_id").select_option(label="Complaint")
        await sign_in_again(product, piotr)
        await expect(page.locator("#toasts")).to_contain_text("What you typed before your sign-in ended is back.")
        await expect(page.locator("#field-title")).to_have_value("Invoice missing")
        await page.locator("#main form button[type=submit]").click()
        await expect(page.locator("#main h1")).to_contain_text("Invoice missing")

        await show(piotr, f"/contacts/{contact_id}")
        await page.locator("[data-log]").click()
        await page.locator("dialog textarea").fill("wrote to ask about it")
        await sign_in_again(product, piotr)
        strip = page.locator("[data-strip=unfinished]")
        await look(page, "unfinished")
        await strip.get_by_role("button", name="Show the text").click()
        await expect(page.locator("dialog textarea")).to_have_value("wrote to ask about it")
        await look(page, "unfinished-text")
        await page.locator("dialog .dialog-actions button").click()
        await strip.get_by_role("button", name="Throw it away").click()
        await expect(strip).to_have_count(0)
        assert asked == [], "whoever had to leave was asked whether to"


async def test_a_button_pressed_before_the_page_has_started_does_what_it_says_once(
    shared_product: Product, shared_anna: Desk
) -> None:
    contact_id = await add(shared_product, "Wczesna")
    page, held = shared_anna.page, asyncio.Event()

    async def late(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/app/main.js*", late)
    await page.goto(f"{shared_anna.url}/contacts/{contact_id}", wait_until="commit")
    for _ in range(2):  # in a hurry
        await page.locator("[data-log]").click()
    held.set()
    await expect(page.locator("dialog textarea")).to_be_visible()
    await expect(page.locator("dialog[open]")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.unroute("**/app/main.js*")
