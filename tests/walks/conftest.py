"""Fixtures of the walks: the product, Chromium, and a consultant signed in and ready."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
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


# For modules of many stories, which start the product once: starting it is most of a story's time. Such a module says
# pytestmark = pytest.mark.asyncio(loop_scope="module"), and its stories hold in any order, each with contacts of its own.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """Run the product for a module."""
    async with running(tmp_path_factory.mktemp("product")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_browser() -> AsyncIterator[Browser]:
    """Start Chromium for a module."""
    async with chromium() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def annas_desk(shared_product: Product, shared_browser: Browser) -> AsyncIterator[Desk]:
    """Sign the consultant in for a module."""
    async with desk(shared_browser, shared_product.url) as found:
        await found.sign_in("anna", PASSWORD)
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def shared_anna(annas_desk: Desk) -> AsyncIterator[Desk]:
    """The consultant's desk; fails when the page complained of anything in this story."""
    yield annas_desk
    complaints, annas_desk.problems[:] = list(annas_desk.problems), []
    assert not complaints
