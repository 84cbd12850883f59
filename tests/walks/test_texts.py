"""Text messages as a consultant meets them: written from a contact, seen to arrive, answered, given to whom they are from."""

import json
import random

import pytest
from playwright.async_api import Browser, Dialog, Page, expect

from callcenter.contacts import service as contacts
from callcenter.contacts.service import ContactInput
from callcenter.phone import TextStatus
from callcenter.texts.segments import BASIC, EXTENDED, segments
from callcenter.trunks.models import Trunk
from tests.walks.browser import Desk, desk
from tests.walks.product import DIALLED, JAN, PASSWORD, SHARED, UNKNOWN, Product, until

pytestmark = pytest.mark.browser

ZOFIA = "+48602111222"


async def add_sender(product: Product) -> None:
    """Add a trunk that carries text messages."""
    async with product.database.unit_of_work() as uow:
        uow.session.add(Trunk(name="Twilio", kind="twilio", host="", caller_ids=[DIALLED], state_at=None, created_at=uow.now))


async def open_contact(page: Page, name: str) -> None:
    await page.locator("#nav a[href='/contacts']").click()
    await page.get_by_role("link", name=name).click()
    await expect(page.locator("#main h1")).to_have_text(name)


async def test_without_a_trunk_for_it_the_pages_say_what_is_needed(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.locator("#nav a[href='/texts']").click()
    await expect(page.locator("#main .alert")).to_contain_text("an administrator adds a Twilio trunk")
    await open_contact(page, "Zofia Śliwińska")
    await page.locator("#contact-numbers [data-text]").click()
    card = page.get_by_role("dialog", name="SMS to Zofia Śliwińska")
    await expect(card.get_by_role("alert")).to_contain_text("No trunk here can send text messages.")
    await expect(card.get_by_role("button", name="Send")).to_be_disabled()
    await page.keyboard.press("Escape")
    await expect(card).to_have_count(0)
    await expect(page.locator("#contact-numbers [data-text]")).to_be_focused()


async def test_a_message_is_written_by_keyboard_and_its_state_changes_in_place(product: Product, anna: Desk) -> None:
    await add_sender(product)
    page = anna.page
    await open_contact(page, "Zofia Śliwińska")
    await page.locator("#contact-numbers [data-text]").press("Enter")
    card = page.get_by_role("dialog", name="SMS to Zofia Śliwińska")
    message = card.get_by_label("Message")
    await expect(message).to_be_focused()
    await expect(card).to_contain_text("Helpline · from +48 22 123 45 67")
    await page.keyboard.type("Zażółć gęślą jaźń")
    await expect(card.locator("#text-count")).to_contain_text("1 SMS · room for 53 characters more")
    await message.fill("x" * 161)
    await expect(card.locator("#text-count")).to_contain_text("2 SMS · room for 145 characters more")
    await message.fill("Zażółć gęślą jaźń")
    await page.keyboard.press("Control+Enter")
    await expect(card).to_have_count(0)
    line = page.locator("#timeline li").first
    await expect(line).to_contain_text("SMS to the customer")
    await expect(line.locator("[data-delivery=sent]")).to_be_visible()
    (sent,) = product.phone.texts.values()
    assert (sent.number, sent.sender, sent.text) == (ZOFIA, DIALLED, "Zażółć gęślą jaźń")
    product.phone._happened(TextStatus(sent.message_id, "undelivered", code=30003, words="Unreachable destination handset"))
    await expect(line.locator("[data-delivery=undelivered]")).to_be_visible()
    await expect(line).to_contain_text("30003 Unreachable destination handset")
    await expect(page.locator("#toasts")).to_contain_text("was not delivered. 30003 Unreachable")


async def test_a_missing_number_is_asked_for_checked_and_kept_and_two_presses_send_once(product: Product, anna: Desk) -> None:
    await add_sender(product)
    async with product.database.unit_of_work() as uow:
        contact = await contacts.create_contact(uow, ContactInput(last_name="Bez Numeru"), "PL")
        contact_id = contact.id
    page = anna.page
    await page.goto(f"{product.url}/contacts/{contact_id}")
    await anna.alive()
    await page.locator("#main .page-actions [data-text]").click()
    card = page.get_by_role("dialog")
    number = card.get_by_label("Mobile number")
    await expect(number).to_be_focused()
    await number.fill("112")
    await card.get_by_label("Message").fill("Dzień dobry")
    anna.problems.clear()
    await card.get_by_role("button", name="Send").click()
    await expect(card.get_by_role("alert").last).to_have_text(
        "112 is an emergency number. It cannot read text messages: call it."
    )
    await expect(number).to_have_attribute("aria-invalid", "true")
    await expect(number).to_be_focused()
    anna.problems.clear()  # Chromium reports the 422 as an error of the page
    await number.fill("604 555 666")
    await card.evaluate(
        "card => { const send = card.querySelector('[type=submit]'); send.click(); send.click(); send.form.requestSubmit(); }"
    )
    await expect(card).to_have_count(0)
    await expect(page.locator("#contact-numbers")).to_contain_text("+48 604 555 666")
    await expect(page.locator("#timeline li")).to_have_count(1)
    assert [each.number for each in product.phone.texts.values()] == ["+48604555666"]
    await page.reload()
    await expect(page.locator("#contact-numbers")).to_contain_text("+48 604 555 666")


async def test_a_message_that_comes_is_told_listed_answered_and_gone(product: Product, anna: Desk) -> None:
    await add_sender(product)
    page = anna.page
    count = page.locator("#unread-texts")
    await expect(count).to_be_hidden()
    await page.locator("#nav a[href='/texts']").click()
    await expect(page.locator("#text-list")).to_contain_text("No text messages")
    product.phone.text_arrives(JAN, DIALLED, "<b>Proszę</b> o telefon <script>alert(1)</script>", trunk_id=product.trunk_id)
    await expect(page.locator("#toasts")).to_contain_text("<b>Proszę</b> o telefon")
    await expect(count).to_have_text("1")
    row = page.locator("#text-list tbody tr").first
    await expect(row).to_contain_text("<script>alert(1)</script>")
    await expect(row.get_by_role("link", name="Jan Kowalski")).to_be_visible()
    await row.get_by_role("button", name="Reply").click()
    card = page.get_by_role("dialog", name="SMS to Jan Kowalski")
    await card.get_by_label("Message").fill("Już dzwonię")
    await card.get_by_role("button", name="Send").click()
    await expect(count).to_be_hidden()
    await expect(row).to_contain_text("answered by Anna Nowak")

    await open_contact(page, "Jan Kowalski")
    lines = page.locator("#timeline li")
    await expect(lines.nth(0)).to_contain_text("Już dzwonię")
    await expect(lines.nth(1)).to_contain_text("SMS from the customer")
    product.phone.text_arrives(JAN, DIALLED, "Dziękuję", trunk_id=product.trunk_id)
    await expect(lines.first).to_contain_text("Dziękuję")
    await lines.first.get_by_role("button", name="Reply").click()
    await expect(page.get_by_role("dialog", name="SMS to Jan Kowalski")).to_be_visible()


async def test_messages_find_their_contacts_and_strangers_become_some(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.locator("#nav a[href='/texts']").click()
    product.phone.text_arrives(SHARED, DIALLED, "Kto to?", trunk_id=product.trunk_id)
    row = page.locator("#text-list tbody tr").filter(has_text="Kto to?")
    await row.locator("summary").click()
    await row.get_by_role("button", name="Marek Łęcki").click()
    await expect(row.get_by_role("link", name="Marek Łęcki")).to_be_visible()
    await row.get_by_role("button", name="Seen").click()
    await expect(row).to_contain_text("seen by Anna Nowak")

    product.phone.text_arrives(UNKNOWN, DIALLED, "Nowy numer Zofii", trunk_id=product.trunk_id)
    row = page.locator("#text-list tbody tr").filter(has_text="Nowy numer")
    await row.locator("summary").click()
    await row.get_by_role("searchbox").fill("śliw")
    await row.get_by_role("button", name="Zofia Śliwińska").click()
    await expect(row.get_by_role("link", name="Zofia Śliwińska")).to_be_visible()
    await row.get_by_role("link", name="Zofia Śliwińska").click()
    await expect(page.locator("#contact-numbers")).to_contain_text("+48 509 888 777")

    await page.locator("#nav a[href='/texts']").click()
    product.phone.text_arrives("+48505000111", DIALLED, "Jestem nowa", trunk_id=product.trunk_id)
    row = page.locator("#text-list tbody tr").filter(has_text="Jestem nowa")
    await row.locator("summary").click()
    await row.get_by_role("link", name="Create contact").click()
    await page.get_by_label("Last name").fill("Nowa")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#main h1")).to_have_text("Nowa")
    await expect(page.locator("#timeline")).to_contain_text("Jestem nowa")


async def test_a_call_is_answered_while_a_message_is_written_and_the_text_stays(product: Product, anna: Desk) -> None:
    await add_sender(product)
    page = anna.page
    await open_contact(page, "Zofia Śliwińska")
    await page.locator("#contact-numbers [data-text]").click()
    message = page.get_by_role("dialog").get_by_label("Message")
    await message.fill("Niedokończone")
    product.customer_calls(JAN)
    await page.locator("[data-answer]").click()
    await anna.state("on_call")
    await expect(page.locator("#main h1")).to_have_text("Jan Kowalski")
    await expect(message).to_have_value("Niedokończone")
    asked: list[str] = []

    async def keep(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await dialog.dismiss()

    page.on("dialog", keep)
    await message.press("Escape")
    await until(lambda: asked, "the page asks")
    await expect(message).to_have_value("Niedokończone")
    await page.get_by_role("dialog").get_by_role("button", name="Send").click()
    await until(lambda: product.phone.texts, "the message leaves")
    # the card of the call writes to whom one talks to, or to another number of theirs
    await page.locator("#dock [data-call] [data-text]").click()
    card = page.get_by_role("dialog", name="SMS to Jan Kowalski")
    await expect(card.get_by_role("radio", name="+48 601 234 567")).to_be_checked()
    await card.get_by_role("radio", name="Another number").check()
    await expect(card.get_by_label("Mobile number")).to_be_focused()
    await page.keyboard.type("604 000 111")
    await page.keyboard.press("Tab")
    await expect(card.get_by_label("Message")).to_be_focused()
    await page.keyboard.type("Oddzwonię")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#contact-numbers")).to_contain_text("+48 604 000 111")


async def test_the_page_counts_as_the_server_does(product: Product, anna: Desk) -> None:
    choose = random.Random(7)
    letters = BASIC + EXTENDED + "ąćęłńóśźż😀漢\u202e"
    texts = ["".join(choose.choices(letters if each % 2 else BASIC + EXTENDED, k=choose.randrange(400))) for each in range(200)]
    counted = await anna.page.evaluate(
        "async (texts) => { const { segments } = await import('/static/app/segments.js'); return texts.map(segments); }", texts
    )
    for text, found in zip(texts, counted, strict=True):
        wanted = segments(text)
        assert found == {"alphabet": wanted.alphabet, "count": wanted.count, "left": wanted.left}, json.dumps(text)


async def test_in_polish_on_a_telephone(product: Product, browser: Browser) -> None:
    await add_sender(product)
    async with desk(browser, product.url, width=390, height=844, locale="pl-PL") as found:
        page = found.page
        await found.sign_in("anna", PASSWORD)
        await page.goto(f"{product.url}/contacts/4")
        await found.alive()
        await page.locator("#contact-numbers [data-text]").click()
        card = page.get_by_role("dialog")
        await expect(card.locator("#text-message")).to_be_focused()
        await card.locator("#text-message").fill("Dzień dobry")
        box = await card.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        await card.locator("[type=submit]").click()
        await expect(page.locator("#timeline [data-delivery=sent]")).to_be_visible()
