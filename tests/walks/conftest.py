"""Fixtures of the walks: the product, Chromium, and a consultant signed in and ready."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.walks.browser import Desk, chromium, desk
from tests.walks.product import PASSWORD, Product, running


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    """Run the product with a fake switch."""
    async with running(tmp_path) as found:
        yield found


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start Chromium."""
    async with chromium() as found:
        yield found


@pytest.fixture
async def anna(product: Product, browser: Browser) -> AsyncIterator[Desk]:
    """Sign the consultant in; her audio stands and she is ready."""
    async with desk(browser, product.url) as found:
        await found.sign_in("anna", PASSWORD)
        await found.ready()
        yield found
