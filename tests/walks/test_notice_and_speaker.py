"""A call while the page is hidden is told by the system; what is heard comes out of the speaker that was chosen."""

import pytest
from playwright.async_api import expect

from tests.walks.browser import Desk
from tests.walks.product import JAN, Product

pytestmark = pytest.mark.browser

# Headless Chromium shows every page; what the page is told and what it asks the system for are seen at their doors.
WATCHED = """
window.told = [];
const Shown = window.Notification;
window.Notification = class extends Shown {
  constructor(title, options) {
    super(title, options);
    this.known = { title, ...options, closed: false };
    window.told.push(this.known);
  }
  close() { this.known.closed = true; super.close(); }
};
window.hide = (on) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (on ? "hidden" : "visible") });
  Object.defineProperty(document, "hidden", { configurable: true, get: () => on });
  document.dispatchEvent(new Event("visibilitychange"));
};
window.sinks = [];
const before = HTMLMediaElement.prototype.setSinkId;
HTMLMediaElement.prototype.setSinkId = function (device) {
  window.sinks.push([this.id, device]);
  return before.call(this, device);
};
"""


async def watched(anna: Desk, path: str = "/") -> None:
    """Open a page whose doors are watched."""
    await anna.context.grant_permissions(["microphone", "notifications"], origin=anna.url)
    await anna.page.add_init_script(WATCHED)
    await anna.page.goto(f"{anna.url}{path}")
    await anna.alive()
    await anna.audio()


async def test_a_call_is_told_by_the_system_while_the_page_is_hidden_and_only_then(product: Product, anna: Desk) -> None:
    page = anna.page
    await watched(anna)
    first = product.customer_calls(JAN)
    await expect(page.locator(".popup-ringing")).to_be_visible()
    assert await page.evaluate("window.told") == []
    product.phone.customer_hangs_up(first)
    await expect(page.locator(".popup-ringing")).to_have_count(0)

    await page.evaluate("window.hide(true)")
    second = product.customer_calls(JAN)
    await page.wait_for_function("() => window.told.length === 1")
    [told] = await page.evaluate("window.told")
    assert told["title"] == "Jan Kowalski is calling"
    assert told["body"] == "+48 601 234 567 · Helpline"
    assert not told["closed"]
    product.phone.customer_hangs_up(second)
    await page.wait_for_function("() => window.told[0].closed")


async def test_who_wants_no_notifications_gets_none(product: Product, anna: Desk) -> None:
    page = anna.page
    await watched(anna)
    done = await page.request.put(
        f"{anna.url}/api/v1/me/preferences", data={"notifications": False}, headers={"Origin": anna.url}
    )
    assert done.ok, await done.text()
    await page.reload()
    await anna.alive()
    await anna.audio()
    await page.evaluate("window.hide(true)")
    product.customer_calls(JAN)
    await expect(page.locator(".popup-ringing")).to_be_visible()
    assert await page.evaluate("window.told") == []


async def test_the_customer_is_heard_on_the_speaker_that_was_chosen(anna: Desk) -> None:
    page = anna.page
    await watched(anna, "/profile")
    choice = page.locator("#device-speaker")
    async with page.expect_response("**/me/preferences"):
        await choice.select_option(index=2)
    chosen = await choice.input_value()
    assert chosen
    await page.wait_for_function(
        "device => window.sinks.some((each) => each[0] === 'remote-audio' && each[1] === device)", arg=chosen
    )
    assert await page.evaluate("document.getElementById('remote-audio').sinkId") == chosen
    await page.reload()
    await anna.alive()
    await anna.audio()
    await expect(choice).to_have_value(chosen)
    await page.wait_for_function("device => document.getElementById('remote-audio').sinkId === device", arg=chosen)
