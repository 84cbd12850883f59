"""A lead is only looked at, in Chromium: nothing rings, and no page says so; Call, and it is a call."""

import pytest
from playwright.async_api import Browser, expect

from callcenter.campaigns.dialer import Dialer
from callcenter.campaigns.models import Campaign
from callcenter.users.models import User
from tests.walks import axe
from tests.walks.browser import desk
from tests.walks.looks import look
from tests.walks.product import PASSWORD, Product
from tests.walks.test_watch import campaign, dialled, row, speak

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("language", "words", "calling"), [("en-GB", "Looking at a lead", "On a call"), ("pl-PL", "Oglądanie rekordu", "W rozmowie")]
)
async def test_looking_at_a_lead_is_not_called_ringing(
    product: Product, browser: Browser, language: str, words: str, calling: str
) -> None:
    spring = await campaign(product)
    await speak(product, language)
    async with product.database.unit_of_work() as uow:
        (await uow.session.get_one(Campaign, spring)).mode = "preview"
        (await uow.session.get_one(User, product.people["anna"])).language = language[:2]
    async with desk(browser, product.url, locale=language) as anna, desk(browser, product.url, locale=language) as maria:
        await anna.sign_in("anna", PASSWORD)
        await maria.sign_in("maria", PASSWORD)
        await anna.ready()
        await maria.page.goto(f"{product.url}/team")
        await maria.alive()
        await Dialer(product.database).tick()
        card = anna.page.locator("section[data-lead]")
        await expect(card).to_be_visible()
        await expect(anna.page.locator("#state")).to_contain_text(words)
        await expect(row(maria.page, product, "anna")).to_contain_text(words)
        await look(anna.page, f"previewed-{language[:2]}")
        await look(maria.page, f"previewed-team-{language[:2]}")
        await maria.page.goto(f"{product.url}/campaigns/{spring}/watch")
        await expect(row(maria.page, product, "anna")).to_contain_text(words)
        assert await axe.violations(maria.page) == []
        assert dialled(product) == []
        await card.locator("button.btn-success").click()
        await expect(anna.page.locator("#state")).to_contain_text(calling)
        await expect(row(maria.page, product, "anna")).to_contain_text(calling)
        assert len(dialled(product)) == 1
