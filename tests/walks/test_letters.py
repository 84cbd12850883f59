"""E-mails and faxes as a consultant meets them: written from the contact, kept as a draft, answered from the inbox."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from callcenter.contacts.models import Contact
from callcenter.correspondence import keeping
from callcenter.correspondence import service as correspondence
from callcenter.correspondence.models import Email
from callcenter.messages.mailer import Mailer
from tests.callcenter.correspondence.conftest import PDF, letter
from tests.walks.browser import Desk, desk
from tests.walks.product import JAN, PASSWORD, Product, running

pytestmark = pytest.mark.browser


async def emails(product: Product) -> list[Email]:
    async with product.database.reading() as uow:
        return list(await uow.session.scalars(select(Email).order_by(Email.id)))


expect.set_options(timeout=20_000)  # the machine may be busy


async def test_letters_from_the_contact_to_the_answer(browser: Browser, tmp_path: Path) -> None:
    """One story: a draft that outlives a reload, a file, a call meanwhile, the answer, a reply, a fax."""
    starting = running(tmp_path, smtp="console", fax_gateway="{number}@fax.example.com")
    async with starting as product, desk(browser, product.url) as anna:
        await anna.sign_in("anna", PASSWORD)
        await anna.ready()
        async with product.database.reading() as uow:
            zofia = await uow.session.scalar(select(Contact.id).where(Contact.first_name == "Zofia"))
        assert zofia is not None
        async with product.database.unit_of_work() as uow:
            await keeping.keep(uow, zofia, "email", "zofia@example.org")
            await keeping.keep(uow, zofia, "fax", "+48 22 333 44 56")
        sent = await writes(product, anna, zofia)
        await is_answered(product, anna, sent)
        await faxes(product, anna)
        await anna.page.goto(f"{product.url}/emails")
        await expect(anna.page.locator("#email-list")).to_contain_text("Everything that came has been dealt with.")
        await expect(anna.page.locator("#unread-emails")).to_be_hidden()


async def writes(product: Product, anna: Desk, zofia: int) -> Email:
    page = anna.page
    await page.goto(f"{product.url}/contacts/{zofia}")
    await anna.alive()
    await page.locator("#main .page-actions [data-reach=email]").press("Enter")
    window = page.get_by_role("dialog", name="E-mail to Zofia Śliwińska")
    await expect(window.get_by_label("Subject")).to_be_focused()
    await page.keyboard.type("Oferta")
    await window.get_by_label("Message").fill("Dzień dobry")
    await expect(window.get_by_role("status")).to_have_text("Draft saved")
    await page.reload()
    await anna.alive()
    await page.locator("#main .page-actions [data-reach=email]").click()
    await expect(window.get_by_label("Message")).to_have_value("Dzień dobry")
    await expect(window.get_by_label("Subject")).to_have_value("Oferta")
    await window.get_by_label("Attachments").set_input_files({"name": "o.pdf", "mimeType": "application/pdf", "buffer": PDF})
    await expect(window.locator(".letter-files progress")).to_have_count(0)
    await expect(window.locator(".letter-files")).to_contain_text("o.pdf")
    product.customer_calls(JAN)  # is answered while the letter is open
    await page.locator("[data-answer]").click()
    await anna.state("on_call")
    await expect(window.get_by_label("Message")).to_have_value("Dzień dobry")
    await window.get_by_role("button", name="Send", exact=True).click()
    await expect(window).to_have_count(0)
    (sent,) = await emails(product)
    assert (sent.address, sent.contact_id, sent.state) == ("zofia@example.org", zofia, "queued")
    await page.goto(f"{product.url}/contacts/{zofia}")
    await anna.alive()
    return sent


async def is_answered(product: Product, anna: Desk, sent: Email) -> None:
    page = anna.page
    line = page.locator("#timeline li").first
    await expect(line.locator("[data-delivery=queued]")).to_be_visible()
    assert await Mailer(product.database).run_due()
    await expect(line.locator("[data-delivery=sent]")).to_be_visible()
    answer = letter("Zofia <zofia@example.org>", "Re: Oferta <script>", "Biorę <b>dwie</b>", In_Reply_To=sent.message_id)
    await correspondence.receive(product.database, answer)
    await expect(page.locator("#toasts")).to_contain_text("E-mail from")
    await expect(line).to_contain_text("Biorę <b>dwie</b>")
    await expect(page.locator("#unread-emails")).to_have_text("1")
    await line.get_by_role("button", name="Reply").click()
    window = page.get_by_role("dialog", name="E-mail to Zofia Śliwińska")
    await expect(window.get_by_label("Subject")).to_have_value("Re: Oferta <script>")
    await window.get_by_label("Message").press_sequentially("Wysyłam.")
    await page.keyboard.press("Control+Enter")
    await expect(window).to_have_count(0)
    assert (await emails(product))[-1].text.startswith("Wysyłam.")


async def faxes(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.locator("#main .page-actions [data-reach=fax]").click()
    window = page.get_by_role("dialog", name="Fax to Zofia Śliwińska")
    await window.get_by_label("Fax number").fill("112")
    await window.get_by_label("PDF to send").set_input_files({"name": "o.pdf", "mimeType": "application/pdf", "buffer": PDF})
    await expect(window.locator(".letter-files progress")).to_have_count(0)
    await window.get_by_role("button", name="Send", exact=True).click()
    await expect(window.get_by_role("alert")).to_have_text("112 is an emergency number. No fax goes there.")
    anna.problems.clear()  # Chromium reports the 422 as an error of the page
    await window.get_by_label("Fax number").fill("22 333 44 55")
    await window.get_by_role("button", name="Send", exact=True).click()
    await expect(window).to_have_count(0)
    assert (await emails(product))[-1].channel == "fax"
