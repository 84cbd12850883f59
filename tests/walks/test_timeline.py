"""A walk of the contact's page: the timeline as it is read, written and corrected, and the buttons beside the name."""

import datetime as dt
import re

import pytest
from playwright.async_api import Page, expect

from callcenter.actor import SYSTEM, Actor
from callcenter.contacts import dictionaries
from callcenter.contacts import service as contacts
from callcenter.contacts.forms import ContactInput
from callcenter.contacts.timeline import add_entry
from tests.walks.browser import PATIENCE, Desk
from tests.walks.product import JAN, Product

pytestmark = pytest.mark.browser

MANY = 95
expect.set_options(timeout=PATIENCE)


async def fill(product: Product) -> tuple[int, int]:
    """Give Jan a long timeline and add a contact with nothing; returns both ids."""
    async with product.database.unit_of_work() as uow:
        jan = (await contacts.list_contacts(uow, q="kowalski")).items[0].id
        for n in range(MANY):
            kind = "note" if n % 3 else "call"
            at = uow.now - dt.timedelta(hours=MANY - n)
            data = {"direction": "inbound", "outcome": "answered", "seconds": 65} if kind == "call" else {}
            await add_entry(uow, contact_id=jan, kind=kind, text=f"line {n}", at=at, call_id=f"c{n}" if data else None, data=data)
        for each in ("VIP", "Łódź", "dłużnik"):
            await dictionaries.add_entry(uow, "tag", each)
        empty = await contacts.create_contact(uow, ContactInput(first_name="Nowa", last_name="Osoba"), "PL")
        return jan, empty.id


async def lines(page: Page) -> int:
    return await page.locator("#timeline li[data-entry]").count()


async def test_the_timeline_and_the_buttons_of_a_contact(product: Product, anna: Desk) -> None:
    page = anna.page
    jan, empty = await fill(product)
    await page.goto(f"{product.url}/contacts/{jan}")
    await anna.alive()
    await endless_and_back(page)
    await kinds(page, jan)
    await notes(page, product, jan)
    await a_call_that_runs(page, anna, product, jan)
    await dialogs(page, anna, product, empty)


async def endless_and_back(page: Page) -> None:
    """Older lines come as one scrolls; going on and back finds the same line where it was."""
    oldest = page.locator("#timeline li[data-entry]", has_text="line 1").last
    while await lines(page) < MANY:
        await page.evaluate("document.querySelector('[data-lines-box]').scrollTop = 1e6")
        await page.wait_for_timeout(50)
    await expect(page.locator("#timeline li.more")).to_have_count(0)
    line = page.locator("#timeline li[data-entry]", has_text="line 31").first
    await line.scroll_into_view_if_needed()
    await page.wait_for_timeout(500)
    before = await line.bounding_box()
    await page.locator("#nav a[href='/calls']").click()
    await expect(page.locator("#main h1")).to_have_text("My calls")
    await page.go_back()
    await expect(line).to_be_in_viewport()
    after = await line.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 3
    await expect(oldest).to_have_count(1)


async def kinds(page: Page, jan: int) -> None:
    """A kind that is chosen stands in the address and outlives a reload."""
    await page.locator("[data-chips] [data-kind=call]").click()
    await expect(page.locator("#timeline li[data-entry]", has_text="line")).to_have_count(0)
    assert page.url.endswith(f"/contacts/{jan}?kind=call")
    await page.reload()
    await expect(page.locator("[data-chips] [data-kind=call]")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#timeline li[data-entry]").first).to_contain_text("Call from the customer")
    await page.locator("[data-chips] [data-kind='']").press("Enter")
    await expect(page.locator("#timeline")).to_contain_text("line 94")


async def notes(page: Page, product: Product, jan: int) -> None:
    """A note is there at once, a colleague's by itself; both are corrected with what was said before kept."""
    await page.locator("[data-focus-note]").click()
    await page.keyboard.type("likes tee <script>alert(1)</script>")
    await page.get_by_role("button", name="Add note").click()
    mine = page.locator("#timeline li[data-entry]").first
    await expect(mine).to_contain_text("likes tee <script>")
    await expect(page.locator("#note-text")).to_have_value("")
    await mine.locator("[data-correct]").click()
    await expect(page.locator("dialog textarea")).to_be_focused()
    await page.locator("dialog textarea").fill("likes tea")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(mine).to_contain_text("corrected")
    await expect(mine.locator("[data-said]")).to_have_text("likes tea")
    await mine.locator("summary").click()
    await expect(mine.locator(".timeline-earlier-list")).to_contain_text("likes tee")
    await mine.locator("summary").click()
    await mine.locator("[data-strike]").click()
    await expect(mine.locator("s")).to_have_text("likes tea")
    piotr = Actor(product.people["piotr"], "Piotr", SYSTEM.role, accounts=SYSTEM.accounts)
    async with product.database.unit_of_work(piotr) as uow:
        await contacts.add_note(uow, jan, "from a colleague")
    await expect(page.locator("#timeline li[data-entry]").first).to_contain_text("from a colleague")
    await expect(page.locator("#timeline li[data-entry]").first.locator("[data-correct]")).to_have_count(0)


async def a_call_that_runs(page: Page, anna: Desk, product: Product, jan: int) -> None:
    """A call shows as it runs; the note typed beside it and the note of the wrap-up both stay."""
    await anna.ready()
    leg_id = product.customer_calls(JAN)
    running = page.locator("#timeline li[data-running]")
    await expect(running).to_contain_text("Ringing")
    await page.get_by_role("button", name="Answer").first.click()
    await expect(running).to_contain_text("Talking")
    await expect(running.locator(".timer")).to_have_text(re.compile(r"^0:0[1-9]$"))
    await page.locator("#note-text").fill("typed while we talk")
    product.phone.customer_hangs_up(leg_id)
    await anna.state("wrap_up")
    await expect(running).to_have_count(0)
    await expect(page.locator("#note-text")).to_have_value("typed while we talk")
    await page.locator("#dock textarea").fill("note of the wrap-up")
    await page.get_by_role("button", name="Save and finish").click()
    await expect(page.locator("#timeline li[data-entry]").first).to_contain_text("note of the wrap-up")
    page.once("dialog", lambda dialog: dialog.accept())
    await page.locator("#nav a[href='/calls']").click()
    await expect(page.locator("#main h1")).to_have_text("My calls")
    await page.goto(f"{product.url}/contacts/{jan}")
    await expect(page.locator("#note-text")).to_have_value("typed while we talk")
    await page.get_by_role("button", name="Add note").click()
    await expect(page.locator("#timeline li[data-entry]").first).to_contain_text("typed while we talk")


async def dialogs(page: Page, anna: Desk, product: Product, contact_id: int) -> None:
    """What is missing is asked for, kept and used at once; events and tags are written down."""
    await page.goto(f"{product.url}/contacts/{contact_id}")
    await expect(page.locator("#timeline")).to_contain_text("No data")
    await page.locator("[data-log]").click()
    await page.locator("dialog textarea").fill("wrote to ask about the offer")
    await page.locator("dialog input[value=email]").check()
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(page.locator("#timeline")).to_contain_text("Logged: an e-mail to the customer")
    await page.locator("[data-tag]").click()
    await page.locator("[data-tag-search]").fill("lodz")
    await page.keyboard.press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await expect(page.locator("[data-contact-tags]")).to_have_text("Łódź")
    await expect(page.locator("#timeline")).to_contain_text("Tags")
    call = page.locator("[data-reach=call]")
    await expect(call).to_be_enabled()
    await call.click()
    await page.locator("dialog input[type=tel]").fill("call me")
    await page.locator("dialog [type=submit]").click()
    await expect(page.locator("dialog [role=alert]")).to_contain_text("call me is not a telephone number")
    anna.problems = [each for each in anna.problems if "422" not in each]  # Chromium reports what was refused
    await page.locator("dialog input[type=tel]").fill(JAN)
    await page.locator("dialog [type=submit]").click()
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.locator("#toasts")).to_contain_text("Jan Kowalski")
    await expect(page.locator("#softphone")).to_be_visible()
    await expect(page.locator("#timeline li[data-running]")).to_contain_text("Call to the customer")
    await expect(page.locator("#contact-numbers")).to_contain_text("+48 601 234 567")
    async with product.database.reading() as uow:
        kept = await contacts.get_contact(uow, contact_id)
        assert [each.e164 for each in kept.numbers] == [JAN]
