"""Walks of the rules of calling: do not call again during a talk, and no second word in marketing."""

import pytest
from playwright.async_api import expect

from callcenter.contacts import suppressions
from callcenter.projects.models import Project
from tests.walks.browser import Desk
from tests.walks.product import JAN, Product

pytestmark = pytest.mark.browser


async def test_do_not_call_again_is_pressed_during_a_talk_and_stands_on_the_timeline(product: Product, anna: Desk) -> None:
    page = anna.page
    product.customer_calls(JAN)
    await page.locator(".popup-ringing").get_by_role("button", name="Answer").click()
    await expect(page.locator("#softphone[data-phase=talking]")).to_contain_text("Jan Kowalski")
    await expect(page.locator("#main h1")).to_have_text("Jan Kowalski")
    await page.locator("#dock summary", has_text="Do not call again").click()  # and the page may change beside it
    await page.go_back()
    await expect(page.locator("#main h1")).not_to_have_text("Jan Kowalski")
    await page.go_forward()
    await expect(page.locator("#main h1")).to_have_text("Jan Kowalski")
    await page.locator("#dock").get_by_role("button", name="In the project Helpline").click()
    await expect(page.locator("#toasts, .toast").first).to_contain_text("does not call the customer any more")
    async with product.database.reading() as uow:
        project = await uow.session.get_one(Project, 1)
        assert await suppressions.is_listed(uow, JAN, "PL", project_id=project.id)
    await expect(page.locator("#timeline")).to_contain_text("Objection or refusal recorded")
    await page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")


async def test_in_marketing_no_second_word_is_offered_for_a_call_without_a_consent(product: Product, anna: Desk) -> None:
    async with product.database.unit_of_work() as uow:
        (await uow.session.get_one(Project, 1)).purpose = "marketing"
    page = anna.page
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    await page.goto(f"{anna.url}/dial")
    await anna.alive()
    await anna.ready()
    await page.locator("#dial-number").fill(JAN)
    await page.locator("#dial-number").press("Enter")
    await expect(page.get_by_role("alert").first).to_contain_text("not agreed to marketing calls")
    assert asked == []
    anna.problems.clear()  # the browser notes the 409 itself
