"""Pictures of pages on the way of a walk, for people to look at: written into the folder CALLCENTER_SHOTS names, else none."""

import os
from pathlib import Path

from playwright.async_api import Page

FOLDER = os.environ.get("CALLCENTER_SHOTS", "")
WIDTHS = (360, 1600)
HEIGHT = 900


async def look(page: Page, name: str) -> None:
    """Write the page as it is, narrow and wide; the window is as it was afterwards."""
    if not FOLDER:
        return
    before = page.viewport_size
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": HEIGHT})
        over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        await page.screenshot(
            path=Path(FOLDER) / f"{name}-{width}{'-too-wide' if over > 0 else ''}.png", caret="initial"
        )  # hiding the caret needs a style the pages do not allow
    if before is not None:
        await page.set_viewport_size(before)
