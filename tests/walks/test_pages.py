"""Walks of the pages in Chromium: sign-in, contacts, languages, and every page for every role without a complaint."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route, expect
from playwright.async_api import Error as PlaywrightError

from callcenter.tickets import usual
from tests.walks.browser import Desk, desk
from tests.walks.product import PASSWORD, Product, until

pytestmark = pytest.mark.browser

CONSULTANT = (
    "/",
    "/contacts",
    "/organisations",
    "/organisations/new",
    "/organisations/1",
    "/organisations/1/contacts",
    "/organisations/1/move",
    "/organisations/1/timeline",
    "/organisations/1/meetings",
    "/organisations/1/merge",
    "/organisations/1/delete",
    "/meetings",
    "/meetings?f=1",
    "/meetings/new",
    "/calls",
    "/call-backs",
    "/dial",
    "/profile",
    "/meetings/calendar",
    "/tickets",
    "/tickets?f=1&q=x&due=week&open=no",
    "/tickets/new",
    "/contacts/1/tickets",
    "/contacts/1/tickets?assign=1",
)
SUPERVISOR = (
    *CONSULTANT,
    "/team",
    "/roster",
    "/roster/1",
    "/calls/all",
    "/campaigns",
    "/campaigns/new",
    "/projects",
    "/projects/new",
    "/projects/1/meetings",
    "/imports",
    "/reports/sources",
)
ADMINISTRATOR = (
    *SUPERVISOR,
    "/trunks",
    "/trunks/new",
    "/privacy",
    "/trunks/new?kind=twilio",
    "/trunks/1",
    "/trunks/1/trace",
    "/users",
    "/users/new",
    "/users/1",
    "/settings/contacts/position",
    "/settings/contacts/fields",
    "/settings/tickets",
    "/messages",
    "/audit",
    "/operations",
)


async def test_a_wrong_password_is_said_and_a_right_one_leads_back(product: Product, browser: Browser) -> None:
    async with desk(browser, product.url) as found:
        page = found.page
        await page.goto(f"{product.url}/contacts")
        await expect(page.locator("#login")).to_be_visible()
        await page.locator("#login").fill("anna")
        await page.locator("#password").fill("not it at all")
        await page.locator("form[action='/sign-in'] button").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.locator("#password").fill(PASSWORD)
        await page.locator("form[action='/sign-in'] button").click()
        await expect(page.locator("#main h1")).to_have_text("Contacts")
        await found.alive()
        found.problems.clear()  # Chromium reports the 401 of the wrong password


@pytest.mark.parametrize(("login", "paths"), [("anna", CONSULTANT), ("maria", SUPERVISOR), ("admin", ADMINISTRATOR)])
async def test_every_page_of_a_role_loads_without_a_complaint(
    product: Product, browser: Browser, login: str, paths: tuple[str, ...]
) -> None:
    async with desk(browser, product.url) as found:
        await found.sign_in(login, PASSWORD)
        for path in paths:
            response = await found.page.goto(product.url + path)
            assert response is not None
            assert response.status == 200, path
            await found.alive()
            await expect(found.page.locator("#main h1")).to_be_visible()


async def test_a_contact_is_created_found_by_folded_letters_and_changed(anna: Desk) -> None:
    page = anna.page
    await page.locator("#nav a[href='/contacts']").click()
    await page.locator("#main a[href='/contacts/new']").first.click()
    await page.locator("#field-first_name").fill("Łucja")
    await page.locator("#field-last_name").fill("Święcicka-Żak")
    await page.locator("details.more-fields > summary").click()
    await page.locator("#field-organisation").fill("Młyn Wąchock")
    await page.locator("input[name=number]").first.fill("41 273 61 00")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#main h1")).to_have_text("Łucja Święcicka-Żak")
    await page.locator("#note-text").fill("Dzwonić po dziesiątej")
    await page.get_by_role("button", name="Add note").click()
    await expect(page.locator("#timeline")).to_contain_text("Dzwonić po dziesiątej")
    for typed in ("lucja swiec", "27361", "wachock"):
        await page.locator("#nav a[href='/contacts']").click()
        await expect(page.locator("#contact-search")).to_have_value("")  # the new list, not the one before
        await page.locator("#contact-search").press_sequentially(typed)
        await expect(page.locator("#contact-rows tbody tr")).to_have_count(1)
        await expect(page.locator("#contact-rows")).to_contain_text("Święcicka-Żak")
    await page.locator("#contact-rows a.row-link").click()
    await expect(page.locator("#main form[data-edit]")).to_be_visible()
    await page.keyboard.press("Alt+E")
    await expect(page.locator("#field-first_name")).to_be_focused()
    await expect(page.locator("#timeline")).to_contain_text("Dzwonić po dziesiątej")
    await page.locator("#field-email").fill("lucja@mlyn.example")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#main [data-saved-draft]")).to_be_visible()
    await expect(page.locator("#field-email")).to_have_value("lucja@mlyn.example")


async def test_a_ticket_is_made_at_a_contact_assigned_there_and_settled_in_the_list(product: Product, anna: Desk) -> None:
    async with product.database.unit_of_work() as uow:
        await usual.put(uow, "en")
    page = anna.page
    await page.goto(f"{product.url}/contacts/1/tickets")
    await anna.alive()
    await page.get_by_role("link", name="New ticket").click()
    await page.locator("#field-title").fill("Kettle <script>alert(1)</script>")
    await page.locator("#field-kind_id").select_option(label="Complaint")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#picker-title")).to_be_visible()
    await expect(page.locator("#own-tickets")).to_contain_text("No tickets")  # making it there does not assign it
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#own-tickets")).to_contain_text("Kettle <script>alert(1)</script>")
    await page.locator("#own-tickets a").first.click()
    await page.locator("#comment-text").fill("Called, nobody there.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#main")).to_contain_text("Called, nobody there.")
    await page.locator("#nav a[href='/tickets']").click()
    await page.locator("[data-tickets-all]").check()
    await expect(page.locator("[data-tickets-count]")).to_have_text("1 ticket selected")
    await page.locator("#bulk-state").select_option(label="Settled")
    await page.get_by_role("button", name="State", exact=True).click()
    await expect(page.locator("#ticket-report")).to_contain_text("1 ticket changed.")
    await expect(page.locator("#ticket-list")).to_contain_text("No open tickets")  # the list follows by itself
    await page.locator("#nav a[href='/contacts']").click()
    await page.locator("#contact-rows a", has_text="Jan Kowalski").first.click()
    await expect(page.locator("#timeline")).to_contain_text("Called, nobody there.")


async def test_a_page_change_keeps_the_document_and_back_works(anna: Desk) -> None:
    page = anna.page
    await page.evaluate("window.sameDocument = true")
    for path in ("/contacts", "/calls", "/dial"):
        await page.locator(f"#nav a[href='{path}']").click()
        await expect(page.locator(f"#nav a[href='{path}']")).to_have_attribute("aria-current", "page")
    await page.go_back()
    await expect(page.locator("#main h1")).to_have_text("My calls")
    await page.go_back()
    await expect(page.locator("#main h1")).to_have_text("Contacts")
    assert await page.evaluate("window.sameDocument")


@pytest.mark.parametrize("late", ["/calls", "/contacts"], ids=["the first answers late", "the first answers first"])
async def test_the_last_page_asked_for_is_the_one_shown(anna: Desk, late: str) -> None:
    page, answer = anna.page, asyncio.Event()
    asked: list[str] = []

    async def hold(route: Route) -> None:
        path = urlsplit(route.request.url).path
        asked.append(path)
        if path == late:
            await answer.wait()
        with suppress(PlaywrightError):  # dropped by the page meanwhile
            await route.continue_()

    await page.route(lambda url: urlsplit(url).path in ("/calls", "/contacts"), hold)
    await page.evaluate(
        """import('/static/app/navigate.js').then((pages) => {
            pages.go('/calls');
            document.querySelector("#nav a[href='/contacts']").click();
        })"""
    )
    await until(lambda: "/contacts" in asked, "the second page to be asked for")
    if late == "/calls":
        await expect(page.locator("#contact-search")).to_be_visible()
    answer.set()
    await expect(page.locator("#contact-search")).to_be_visible()
    await expect(page.locator("#nav a[href='/contacts']")).to_have_attribute("aria-current", "page")
    await page.unroute_all(behavior="wait")
    await expect(page.locator("#contact-search")).to_be_visible()


async def test_a_language_chosen_on_the_sign_in_page_or_the_profile_stays(product: Product, browser: Browser) -> None:
    async with desk(browser, product.url) as found:
        page = found.page
        await page.goto(f"{product.url}/sign-in")
        await page.get_by_role("button", name="Polski").click()
        await expect(page.locator("html")).to_have_attribute("lang", "pl")
        await page.locator("#login").fill("anna")
        await page.locator("#password").fill(PASSWORD)
        await page.locator("form[action='/sign-in'] button").click()
        await found.alive()
        await expect(page.locator("html")).to_have_attribute("lang", "pl")
        await page.goto(f"{product.url}/profile")
        await found.alive()
        await page.locator("#field-language").select_option("en")
        await page.locator("form[action='/profile'] button[type=submit]").click()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await found.alive()
        await page.locator("form[action='/sign-out'] button").evaluate("button => button.click()")
        await page.locator("#login").wait_for()
        found.problems.clear()  # what was under way when the session ended is answered 401
        await found.sign_in("anna", PASSWORD)
        await expect(page.locator("html")).to_have_attribute("lang", "en")


async def test_people_see_only_what_their_role_may(product: Product, browser: Browser) -> None:
    async with desk(browser, product.url) as found:
        await found.sign_in("anna", PASSWORD)
        await expect(found.page.locator("#nav a[href='/trunks']")).to_have_count(0)
        for path in ("/team", "/roster", "/calls/all", "/projects", "/imports", "/trunks", "/users", "/audit", "/operations"):
            response = await found.page.goto(product.url + path)
            assert response is not None
            assert response.status == 403, path
        found.problems.clear()  # Chromium reports each 403
