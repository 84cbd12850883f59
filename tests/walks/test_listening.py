"""A supervisor in a consultant's call, in two Chromiums: the button, the card, the keyboard, and what the consultant is told."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from callcenter.phone import PortRole, Way
from callcenter.projects import service as projects
from callcenter.projects.models import Project
from callcenter.users.models import User
from tests.walks import axe
from tests.walks.browser import Desk, desk
from tests.walks.product import PASSWORD, Product, until

pytestmark = pytest.mark.browser
SHOTS = Path("/tmp/listening_shots")


async def serving(product: Product, language: str) -> None:
    """Let Maria supervise the project, and both read this language."""
    async with product.database.unit_of_work() as uow:
        await projects.set_members(uow, 1, [product.people["anna"], product.people["maria"]])
        for login in ("anna", "maria"):
            (await uow.session.get_one(User, product.people[login])).language = language[:2]


def ways(product: Product) -> list[Way]:
    """How supervisors are in the bridges of the switch."""
    members = [each for bridge in product.phone.bridges.values() for each in bridge]
    return [each.way for each in members if each.role is PortRole.SUPERVISOR]


async def talk(product: Product, anna: Desk) -> str:
    """Let a customer ring whom Anna answers; returns the leg."""
    leg_id = product.customer_calls()
    await anna.page.locator(".popup-ringing .btn-success").click()
    await expect(anna.page.locator("#softphone")).to_have_attribute("data-phase", "talking")
    return leg_id


async def shot(page: Page, name: str) -> None:
    if SHOTS.is_dir():
        await page.screenshot(path=SHOTS / f"{name}.png")


@pytest.mark.parametrize(("language", "width"), [("en-GB", 1440), ("pl-PL", 480)])
async def test_a_supervisor_listens_whispers_barges_in_and_leaves(
    product: Product, browser: Browser, language: str, width: int
) -> None:
    await serving(product, language)
    tag = f"{language[:2]}_{width}"
    async with (
        desk(browser, product.url, width=width, locale=language) as anna,
        desk(browser, product.url, width=width, locale=language) as maria,
    ):
        await anna.sign_in("anna", PASSWORD)
        await anna.ready()
        await maria.sign_in("maria", PASSWORD)
        await maria.audio()
        await talk(product, anna)
        await maria.page.goto(f"{product.url}/team")
        await maria.audio()
        await _each_way(product, anna, maria, tag)
        await _loaded_again(product, anna, maria)
        await _leaves_and_comes_back(product, anna, maria, tag)


async def _each_way(product: Product, anna: Desk, maria: Desk, tag: str) -> None:
    page, card, told = maria.page, maria.page.locator(".popup-listening"), anna.page.locator(".softphone-listeners")
    await page.locator("tr[data-call] .listen button").click()
    await expect(card).to_be_visible()
    await until(lambda: ways(product) == [Way.LISTEN], "the switch lets her listen")
    await expect(told).to_contain_text("Maria Zając")
    await maria.state("listening")
    await expect(page.locator("#team tr[data-call] .talk-who")).to_contain_text("Maria Zając")
    await shot(page, f"team_{tag}")
    assert await axe.violations(page) == []
    for way in ("whisper", "barge", "listen"):
        button = card.locator(f"[data-way={way}]")
        await button.focus()
        await page.keyboard.press("Enter")
        await expect(button).to_have_attribute("aria-pressed", "true")
        await expect(button).to_be_focused()
        await until(lambda way=way: ways(product) == [Way(way)], f"she is there to {way}")  # type: ignore[misc]
        await expect(told).to_contain_text("Maria Zając")
        await shot(page, f"card_{way}_{tag}")
        await shot(anna.page, f"told_{way}_{tag}")
        assert await axe.violations(page) == []
        assert await axe.violations(anna.page) == []


async def _loaded_again(product: Product, anna: Desk, maria: Desk) -> None:
    await maria.page.reload()
    await maria.audio()
    await expect(maria.page.locator(".popup-listening")).to_be_visible()
    await until(lambda: ways(product) == [Way.LISTEN], "a reload changes nothing")
    await anna.page.reload()
    await anna.audio()
    await expect(anna.page.locator(".softphone-listeners")).to_contain_text("Maria Zając")


async def _leaves_and_comes_back(product: Product, anna: Desk, maria: Desk, tag: str) -> None:
    page, card = maria.page, maria.page.locator(".popup-listening")
    await card.locator("[data-way=leave]").focus()
    await page.keyboard.press("Enter")
    await expect(card).to_have_count(0)
    await expect(anna.page.locator(".softphone-listeners")).to_be_hidden()
    await until(lambda: ways(product) == [], "she has left")
    await maria.state("offline")
    await expect(anna.page.locator("#softphone")).to_have_attribute("data-phase", "talking")
    await page.locator("tr[data-call] .listen button").click()
    await expect(card).to_be_visible()
    await card.locator(".popup-sub a").click()
    await expect(page.locator("#listening + .listen button")).to_have_attribute("aria-pressed", "true")
    await shot(page, f"call_{tag}")
    assert await axe.violations(page) == []
    await anna.page.locator("#softphone .btn-danger").click()
    await expect(card).to_have_count(0)
    await maria.state("offline")


async def test_a_page_with_rows_of_its_own_gets_the_buttons_and_follows_them(product: Product, browser: Browser) -> None:
    await serving(product, "en")
    async with desk(browser, product.url) as anna, desk(browser, product.url) as maria:
        await anna.sign_in("anna", PASSWORD)
        await anna.ready()
        await maria.sign_in("maria", PASSWORD)
        await maria.audio()
        leg_id = await talk(product, anna)
        call_id = await anna.page.evaluate("fetch('/api/v1/me').then((me) => me.json()).then((me) => me.call.id)")
        await maria.page.evaluate(
            """() => document.getElementById("main").insertAdjacentHTML("beforeend",
              '<table><tr id="live-row" data-agent="2" data-call=""><td>Anna</td><td class="listen"></td></tr></table>')"""
        )
        button = maria.page.locator("#live-row .listen button")
        await expect(button).to_have_count(0)
        await maria.page.evaluate("(id) => { document.getElementById('live-row').dataset.call = id; }", call_id)
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")
        await until(lambda: ways(product) == [Way.LISTEN], "she listens")
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "false")
        await until(lambda: ways(product) == [], "she has left")
        await maria.page.evaluate("() => { document.getElementById('live-row').dataset.call = ''; }")
        await expect(button).to_have_count(0)
        product.phone.customer_hangs_up(leg_id)
        consultant = await anna.page.evaluate(
            "(id) => fetch(`/api/v1/calls/${id}/listening`, {method: 'PUT', headers: {'content-type': 'application/json'}, "
            "body: '{}'}).then((answer) => answer.status)",
            call_id,
        )
        assert consultant == 403
        anna.problems.clear()  # the browser says so of any 403


async def test_nobody_is_told_where_the_project_does_not_tell(product: Product, browser: Browser) -> None:
    await serving(product, "en")
    async with product.database.unit_of_work() as uow:
        project = await uow.session.get_one(Project, 1)
        project.tell_listening = False
    async with desk(browser, product.url) as anna, desk(browser, product.url) as maria:
        await anna.sign_in("anna", PASSWORD)
        await anna.ready()
        await maria.sign_in("maria", PASSWORD)
        await maria.audio()
        await talk(product, anna)
        await maria.page.goto(f"{product.url}/calls/all")
        await maria.audio()
        await maria.page.locator("tr[data-call] .listen button").click()
        await until(lambda: ways(product) == [Way.LISTEN], "she listens")
        told = anna.page.locator(".softphone-listeners")
        await anna.page.reload()
        await anna.audio()
        await expect(told).to_be_hidden()
        await maria.page.locator("[data-way=whisper]").click()
        await expect(told).to_contain_text("Maria Zając")
        await maria.page.locator("[data-way=listen]").click()
        await expect(told).to_be_hidden()
