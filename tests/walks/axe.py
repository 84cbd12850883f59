"""Accessibility: axe-core (a pinned development package, never served) run over the page that is shown.

Left out is the inside of the calendar (.ec): its package sets the roles there itself, and not all that belong together.
"""

from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => {
  const settled = () => Promise.all(document.getAnimations().map((each) => each.finished.catch(() => null)));
  await Promise.race([settled(), new Promise((go) => setTimeout(go, 2000))]);
  return (await axe.run({exclude: [[".ec"]]}, {resultTypes: ["violations"]})).violations;
}"""


async def violations(page: Page) -> list[str]:
    """Return what axe complains of on a page, a line for each rule: its name, what it says, and the first parts at fault."""
    if not await page.evaluate("typeof axe !== 'undefined'"):
        await page.evaluate(AXE.read_text())  # not as an element: the page's content policy refuses those
    found: list[dict[str, Any]] = await page.evaluate(_RUN)
    return [f"{each['id']}: {each['help']}: " + "; ".join(_part(node) for node in each["nodes"][:4]) for each in found]


def _part(node: dict[str, Any]) -> str:
    return f"{' '.join(map(str, node['target']))} ({node['html'][:160]})"
