"""The whole product in Chromium, its built-in carrier's customers called without consultants: keys, and a machine's beep."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import update

from callcenter import clock
from callcenter.main.demo import PASSWORD
from callcenter.users.models import User
from telephony.lab.customers import CUSTOMERS, Behaviour, Customer
from tests.callcenter.campaigns.dialling import working_noon
from tests.walks import axe
from tests.walks.browser import desk, write_tone
from tests.walks.looks import look
from tests.walks.whole import Product, running

pytestmark = pytest.mark.browser
WORDS = {
    "en-GB": ("Confirmed by key", "Wants no more calls", "Message left", "is on the list", "Heard the message, or talked"),
    "pl-PL": (
        "Potwierdzone klawiszem",
        "Nie chce więcej telefonów",
        "Zostawiono komunikat",
        "jest na liście",
        "Usłyszały komunikat albo rozmawiały",
    ),
}


def who(behaviour: Behaviour, keys: str = "1") -> Customer:
    return next(each for each in CUSTOMERS if (each.behaviour, each.keys) == (behaviour, keys))


CONFIRMS, ASKS, REFUSES = (who(Behaviour.PRESSES, key) for key in "129")
MACHINE = who(Behaviour.MACHINE)


@pytest.fixture
async def noon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """Run the demo as if it were noon of a working day."""
    shift = (working_noon(clock.now()) - clock.now()).total_seconds()
    path = os.pathsep.join(filter(None, [str(Path(__file__).parent / "at_noon"), os.environ.get("PYTHONPATH", "")]))
    async with running(
        Product(tmp_path_factory.mktemp("product"), demo=True, extra={"PYTHONPATH": path, "WALK_SHIFT": str(shift)})
    ) as started:
        yield started


async def make(page: Page, product: Product, folder: Path) -> str:
    """Make the campaign by its pages; returns its address."""
    await page.goto(f"{product.url}/campaigns/new")
    await page.locator("[name=name]").fill("Reminder")
    await page.locator("#mode-agentless").check()
    await page.locator("[name=company]").fill("Żagle i Wiatr sp. z o.o.")
    await page.locator("[name=about]").fill("your appointment")
    await page.locator("form[action='/campaigns'] button[type=submit]").click()
    await page.wait_for_url(re.compile(r"/campaigns/\d+$"))
    at = page.url
    await page.goto(f"{at}/settings")
    await page.locator("form[action$='/messages/message'] input[type=file]").set_input_files(
        write_tone(folder / "message.wav", 600, 3, 8000)
    )
    await page.locator("form[action$='/messages/message'] button[type=submit]").click()
    await page.wait_for_url(re.compile("saved"))
    await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    for meaning, each in (("confirm", CONFIRMS), ("agent", ASKS), ("do_not_call", REFUSES)):
        await page.locator(f"[name=key_{meaning}]").select_option(each.keys)
    await page.locator("[name=detection]").select_option("message")
    await page.locator("[name=decide_ms]").fill("3500")
    await page.locator("form[action$='/settings'] button[type=submit]").click()
    await page.wait_for_url(re.compile("saved"))
    await page.goto(f"{at}/leads/imports")
    rows = [f"{each.name};{each.number}" for each in (CONFIRMS, ASKS, REFUSES, MACHINE)]
    (folder / "leads.csv").write_text("\n".join(["Name;Phone", *rows]))
    await page.set_input_files("#leads-file", folder / "leads.csv")
    await page.locator("form[enctype] button[type=submit]").click()
    await page.locator("#mapping-form button[type=submit]").click()
    await expect(page.locator("#main .facts dd").nth(1)).to_have_text("4", timeout=30_000)
    return at


async def lead(page: Page, at: str, customer: Customer, words: str) -> None:
    """Wait until a lead's page says what came of its call."""
    for _ in range(120):
        await page.goto(f"{at}/leads?q={customer.number}")
        row = page.locator("tr", has_text=customer.name)
        await row.wait_for()
        if words in await row.inner_text():
            return
    raise AssertionError(f"{customer.name}: {await row.inner_text()}")


@pytest.mark.parametrize("language", ["en-GB", "pl-PL"])
async def test_a_message_is_played_and_keys_and_a_machine_are_understood(
    noon: Product, browser: Browser, tmp_path: Path, language: str
) -> None:
    confirmed, refused, left, on_list, heard = WORDS[language]
    async with noon.database() as database, database.unit_of_work() as uow:
        await uow.session.execute(update(User).values(language=language[:2]))
    async with desk(browser, noon.url, locale=language) as maria, desk(browser, noon.url, locale=language) as anna:
        await maria.sign_in("maria", PASSWORD)
        await anna.sign_in("anna", PASSWORD)
        page = maria.page
        page.on("dialog", lambda dialog: dialog.accept())
        at = await make(page, noon, tmp_path)
        await page.goto(at)
        await page.locator("form[action$='/start'] button").click()
        await expect(page.locator("form[action$='/pause'] button").first).to_be_visible()
        await page.goto(f"{at}/watch")
        await anna.ready()
        card = anna.page.locator("section[data-lead]")
        await expect(card).to_contain_text(ASKS.name, timeout=60_000)
        await expect(anna.page.locator("#softphone[data-phase=talking]")).to_contain_text(ASKS.name)
        await expect(card.locator(".lead-opening")).to_contain_text("Żagle i Wiatr sp. z o.o.")
        await expect(card.locator(".lead-opening")).not_to_contain_text("o.o..")
        await look(anna.page, f"agentless-asked-{language[:2]}")
        await expect(page.locator("#board-why")).to_contain_text("10")
        await expect(page.locator("section[aria-labelledby=board-period-title]")).to_contain_text(heard)
        await look(page, f"agentless-watch-{language[:2]}")
        assert await axe.violations(page) == []
        await anna.page.locator("#softphone button[title='Alt+H']").click()
        await lead(page, at, CONFIRMS, confirmed)
        await lead(page, at, REFUSES, refused)
        await lead(page, at, MACHINE, left)
        await page.goto(f"{noon.url}/do-not-call")
        await page.locator("[name=number]").fill(REFUSES.number)
        await page.locator("form[action='/do-not-call'] [name=project_id]").select_option(label="Customer service")
        await page.locator("button[value=ask]").click()
        await expect(page.locator("form[action='/do-not-call'] [role=status]")).to_contain_text(on_list)
