"""Walks of the trunks' pages: a Twilio account is entered, tested, and its webhooks set; what an answering machine leaves."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from callcenter.phone import (
    Check,
    MachineDetected,
    Originate,
    Query,
    Reply,
    SetWebhooks,
    TestTrunk,
    TrunkChanged,
    TrunkReport,
    TrunkState,
)
from tests.walks.browser import PATIENCE, Desk, desk
from tests.walks.product import PASSWORD, UNKNOWN, Product, until

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)  # the machine may be busy

SID, TOKEN = "AC" + "0123456789abcdef" * 2, "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
WRONG = TrunkReport(
    (
        Check("credentials", True, "The trunk is a scripted one."),
        Check("number", False, "The trunk is a scripted one."),
    )
)
RIGHT = TrunkReport((Check("number", True, "The trunk is a scripted one."),))


def script(product: Product, monkeypatch: pytest.MonkeyPatch) -> list[Query]:
    """Let the switch find the webhooks of every trunk wrong until they are set; returns what it is asked."""
    asked: list[Query] = []
    original = product.phone.ask

    async def ask(query: Query, timeout: float = 5.0) -> Reply:
        asked.append(query)
        if isinstance(query, TestTrunk):
            return RIGHT if any(isinstance(each, SetWebhooks) for each in asked) else WRONG
        return RIGHT if isinstance(query, SetWebhooks) else await original(query, timeout)

    monkeypatch.setattr(product.phone, "ask", ask)
    return asked


async def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        await page.locator(f"#field-{name}").fill(value)


async def test_a_twilio_account_is_entered_tested_and_its_webhooks_set(
    product: Product, browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = script(product, monkeypatch)
    async with desk(browser, product.url) as found:
        page = found.page
        await found.sign_in("admin", PASSWORD)
        await page.goto(f"{product.url}/trunks")
        await page.locator("#main a[href='/trunks/new']").first.click()
        await page.get_by_role("link", name="Twilio").click()
        await page.locator("#field-account_sid").wait_for()  # the SIP form has a name, too
        await fill(page, name="Twilio PL", account_sid=SID, auth_token=TOKEN, caller_ids="+48 22 300 40 50")
        await fill(page, public_url="http://calls.example.com", minute_price="0,0130", daily_spend="5", longest_call_minutes="90")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#field-public_url")).to_have_class("form-control is-invalid")
        await expect(page.locator("#main")).to_contain_text("Only https:// is safe here")
        await expect(page.locator("#field-auth_token")).to_have_value("")  # no secret comes back, typed again it is
        found.problems.clear()  # Chromium reports the 422
        await fill(page, public_url="https://calls.example.com", auth_token=TOKEN)
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#main h1")).to_have_text("Twilio PL")
        assert TOKEN not in await page.content()
        await expect(page.locator("#field-longest_call_minutes")).to_have_value("90")
        await expect(page.locator("#field-caller_ids")).to_have_value("+48223004050")
        await expect(page.locator("#main")).to_contain_text("https://calls.example.com/twilio/2/")
        await page.get_by_role("button", name="Test").click()
        page.on("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("button", name="Set webhooks").click()
        await expect(page.locator("#trunk-report .text-green")).to_have_count(1)
        await expect(page.locator("#trunk-report .text-red")).to_have_count(0)
        assert SetWebhooks(2) in asked
        queued = TrunkState(2, "ready", "{waiting} calls wait for {number}.", {"waiting": "3", "number": "1/s"})
        product.phone._happened(TrunkChanged(queued))
        await expect(page.locator("#main")).to_contain_text("3 calls wait for 1/s.", timeout=PATIENCE)
        await page.goto(f"{product.url}/trunks")
        await expect(page.locator("#main tbody")).to_contain_text("Twilio …abcdef")


async def test_an_answering_machine_is_shown_to_who_talks_and_with_the_call(anna: Desk, product: Product) -> None:
    page = anna.page
    await page.goto(f"{product.url}/dial")
    await anna.alive()
    await anna.audio()
    await page.locator("#dial-number").fill(UNKNOWN)
    await page.locator("#dial-number").press("Enter")
    await until(lambda: any(isinstance(each, Originate) for each in product.phone.commands), "the switch dials")
    [dialled] = [each for each in product.phone.commands if isinstance(each, Originate)]
    await expect(page.locator("#softphone")).to_contain_text("Talking")
    product.phone._happened(MachineDetected(dialled.leg_id, "machine"))
    await expect(page.locator("#softphone")).to_contain_text("Talking · Answering machine")
    await expect(page.locator("#dock .popup-sub")).to_contain_text("Answering machine")
    await page.get_by_role("button", name="Hang up").click()
    await page.goto(f"{product.url}/calls/{dialled.call_id}")
    await expect(page.locator("dl.facts").first).to_contain_text("Answering machine")
