"""What Chromium does before it paints a pop-up: little, and nothing to the page beside it (B2). Counted, not timed."""

import json
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.walks.browser import Desk
from tests.walks.product import JAN, Product

pytestmark = pytest.mark.browser

LINES = 300  # of a page the pop-up comes beside
MOST_STYLED = 150  # elements in one go: the card's own, the top bar's

MARK = """() => new MutationObserver(() => {
    if (!document.querySelector(".popup-ringing") || window.seen) return;
    window.seen = performance.mark("pop-up in the document");
    requestAnimationFrame(() => requestAnimationFrame(() => {
      performance.mark("pop-up painted");
      window.beside = document.getElementById("main").getBoundingClientRect().width;
    }));
  }).observe(document.getElementById("dock"), { childList: true })"""


async def test_a_pop_up_is_painted_without_styling_or_moving_the_page_which_makes_room_afterwards(
    product: Product, anna: Desk
) -> None:
    page = anna.page
    await page.goto(f"{anna.url}/contacts")
    await anna.alive()
    await page.evaluate(
        """(lines) => document.querySelector("#main tbody").append(
          ...Array.from({ length: lines }, () => document.querySelector("#main tbody tr").cloneNode(true)))""",
        LINES,
    )
    wide = await _width(page)
    browser = page.context.browser
    assert browser is not None
    await page.evaluate(MARK)
    await browser.start_tracing(page=page, categories=["devtools.timeline", "blink.user_timing"])
    product.customer_calls(JAN)
    await expect(page.locator(".dock-beside .popup-ringing")).to_be_visible()
    trace = json.loads(await browser.stop_tracing())["traceEvents"]
    styled = _between_marks(trace, "UpdateLayoutTree")
    assert styled, "nothing was drawn"
    assert max(each["args"]["elementCount"] for each in styled) < MOST_STYLED
    assert await page.evaluate("window.beside") == wide, "the page was laid out anew before the pop-up was painted"
    assert await _width(page) < wide - 200
    await product_gives_up(product, page)
    assert await _width(page) == wide


async def product_gives_up(product: Product, page: Page) -> None:
    """Let the customer hang up, and wait until the dock is empty."""
    for leg_id in list(product.phone.legs):
        product.phone.customer_hangs_up(leg_id)
    await expect(page.locator("#dock > *")).to_have_count(0)


async def _width(page: Page) -> float:
    box = await page.locator("#main").bounding_box()
    assert box is not None
    return box["width"]


def _between_marks(trace: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    first, last = (
        min(each["ts"] for each in trace if each["name"] == mark) for mark in ("pop-up in the document", "pop-up painted")
    )
    return [each for each in trace if each["name"] == name and first <= each["ts"] <= last]
