"""A walk of the roster in Chromium: a supervisor sets hours and absences, a consultant reads them."""

import asyncio
import dataclasses
import datetime as dt
import re

import pytest
from playwright.async_api import Browser, Route, expect

from callcenter.roster import service as roster
from callcenter.roster.service import AbsenceInput, ShiftInput
from tests.walks import planned
from tests.walks.browser import desk
from tests.walks.planned import monday
from tests.walks.product import PASSWORD, Product

pytestmark = pytest.mark.browser

expect.set_options(timeout=20_000)  # the machine may be busy


async def test_a_supervisor_sets_a_week_and_an_absence_and_a_consultant_reads_them(product: Product, browser: Browser) -> None:
    await planned.staff(product)
    async with desk(browser, product.url) as maria:
        await maria.sign_in("maria", PASSWORD)
        page, piotr = maria.page, product.people["piotr"]
        await page.goto(f"{maria.url}/roster?week={monday()}")
        await expect(page.locator("tr", has_text="Anna Nowak")).to_contain_text("08:00\N{EN DASH}16:00")
        await expect(page.locator("tr", has_text="Piotr Wiśniewski")).to_contain_text("Dentist")
        await page.get_by_role("link", name="Piotr Wiśniewski").click()
        await page.locator("input[name=from_0]").fill("22:00")
        await page.locator("input[name=to_0]").fill("06:00")
        await page.get_by_role("button", name="Monday's hours until Friday").click()
        await expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
        await expect(page.locator("input[name=from_4]")).to_have_value("22:00")
        await page.get_by_role("button", name="Tuesday: more hours").click()
        await page.locator("input[name=from_1]").nth(1).fill("05:00")
        await page.locator("input[name=to_1]").nth(1).fill("07:00")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("overlaps")  # with Monday's night, until six
        await expect(page.locator("input[name=from_1]").nth(1)).to_have_class(re.compile("is-invalid"))
        await page.goto(f"{maria.url}/roster/{piotr}")
        await page.locator("#field-from_day").fill(str(monday()))
        await page.locator("#field-to_day").fill(str(monday() - dt.timedelta(days=1)))
        await page.locator("#field-reason").fill("Annual leave")
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator(".invalid-feedback")).to_contain_text("after the beginning")
        await page.locator("#field-to_day").fill(str(monday() + dt.timedelta(days=1)))
        await page.get_by_role("button", name="Add", exact=True).click()
        await expect(page.locator("#exceptions >> xpath=ancestor::section")).to_contain_text("Annual leave")
        maria.problems.clear()  # Chromium reports each 422
    async with desk(browser, product.url) as own:
        await own.sign_in("piotr", PASSWORD)
        await own.page.goto(f"{own.url}/profile")
        await expect(own.page.locator("#my-roster >> xpath=ancestor::section")).to_contain_text("Annual leave")
        await expect(own.page.locator("#my-roster >> xpath=ancestor::section")).to_contain_text("22:00\N{EN DASH}06:00")


async def test_what_another_supervisor_changes_is_seen_at_once_and_never_overwritten_unseen(
    product: Product, browser: Browser
) -> None:
    await planned.staff(product)
    anna, piotr = product.people["anna"], product.people["piotr"]
    other = dataclasses.replace(await planned.person(product, "maria"), name="Adam Zych")

    async def away(hour: int, reason: str) -> None:
        async with product.database.unit_of_work(other) as uow:
            times = {"from_at": planned.at(hour), "to_at": planned.at(hour + 2)}
            await roster.add_absence(uow, piotr, AbsenceInput(**times, reason=reason))

    async with desk(browser, product.url) as maria:
        await maria.sign_in("maria", PASSWORD)
        page = maria.page
        await page.goto(f"{maria.url}/roster?week={monday()}")
        await expect(page.locator("tr", has_text="Piotr Wiśniewski")).to_contain_text("Dentist")
        await away(8, "Training")
        await expect(page.locator("tr", has_text="Piotr Wiśniewski")).to_contain_text("Training")
        await page.goto(f"{maria.url}/meetings/calendar?view=day&date={monday()}")
        await expect(page.locator("[data-calendar] .off-absence").first).to_contain_text("Training")
        await away(16, "Interview")
        await expect(page.locator("[data-calendar] .off-absence", has_text="Interview")).to_have_count(1)
        await page.goto(f"{maria.url}/roster/{piotr}")
        await away(20, "Concert")
        await expect(page.locator("#exception-list")).to_contain_text("Concert")
        await page.goto(f"{maria.url}/roster/{anna}")
        await page.locator("input[name=from_0]").fill("07:00")
        async with product.database.unit_of_work(other) as uow:
            await roster.set_shifts(uow, anna, [ShiftInput(weekday=2, from_time="12:00", to_time="20:00")])
        await page.get_by_role("button", name="Save", exact=True).click()
        told = page.get_by_role("alert").filter(has_text="Adam Zych changed the weekly hours meanwhile")
        await expect(told).to_contain_text("+ Wednesday 12:00\N{EN DASH}20:00")
        await expect(page.locator("input[name=from_0]")).to_have_value("07:00")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
        async with product.database.unit_of_work(other) as uow:
            await roster.set_shifts(uow, anna, [ShiftInput(weekday=0, from_time="09:00", to_time="17:00")])
        await expect(page.locator("input[name=from_0]")).to_have_value("09:00")  # nobody types here now
        maria.problems.clear()  # Chromium reports the 409


async def test_a_row_added_while_its_part_is_loaded_anew_stays(product: Product, browser: Browser) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await answer.wait()
        await route.continue_()

    async with desk(browser, product.url) as maria:
        await maria.sign_in("maria", PASSWORD)
        page, path = maria.page, f"/roster/{product.people['piotr']}"
        await page.goto(f"{maria.url}{path}")
        await maria.alive()
        rows = page.locator("input[name=from_1]")
        before = await rows.count()
        await page.route(f"**{path}", hold)
        await page.evaluate("document.body.dispatchEvent(new Event('meetings-given'))")  # as when something happened
        await asked.wait()
        await page.get_by_role("button", name="Tuesday: more hours").click()
        await expect(rows).to_have_count(before + 1)
        async with page.expect_event("requestfinished"):
            answer.set()
        await page.unroute_all(behavior="wait")
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        await expect(rows).to_have_count(before + 1)
