"""Walks of the calendar in Chromium: dragging, what is refused, what happens meanwhile, what people are off."""

import asyncio
import re
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from callcenter.meetings import service as meetings
from callcenter.meetings.forms import MeetingChange, MeetingOut
from callcenter.users import service as users
from callcenter.users.models import User
from tests.walks import planned
from tests.walks.browser import Desk, desk
from tests.walks.planned import at, monday, person, plan, stored
from tests.walks.product import JAN, PASSWORD, PATIENCE, Product

pytestmark = pytest.mark.browser

expect.set_options(timeout=20_000)  # the machine may be busy


@pytest.fixture
async def staffed(product: Product) -> Product:
    """Meetings are allowed in the project; Anna works 8 to 16, Piotr is there always but for an afternoon."""
    await planned.staff(product)
    return product


@pytest.fixture
async def maria(staffed: Product, browser: Browser) -> AsyncIterator[Desk]:
    """Sign the supervisor in."""
    async with desk(browser, staffed.url) as found:
        await found.sign_in("maria", PASSWORD)
        yield found


async def calendar(found: Desk, query: str = "view=day") -> Page:
    await found.page.goto(f"{found.url}/meetings/calendar?{query}&date={monday()}")
    await found.alive()
    await expect(
        found.page.locator("[data-calendar] .ec-row-head, [data-calendar] .ec-sidebar .ec-slot:not(.ec-hidden)").first
    ).to_be_visible()
    await expect(found.page.locator("[data-calendar]")).not_to_have_attribute("aria-busy", "true")
    return found.page


def block(page: Page, meeting: MeetingOut) -> Locator:
    return page.locator(f".meeting-block[data-meeting='{meeting.id}']:not(.ec-preview)")


async def row(page: Page, name: str) -> float:
    """The height at which a person's row is crossed."""
    box = await page.locator(".ec-row-head", has_text=name).bounding_box()
    assert box is not None
    return box["y"] + box["height"] / 2


async def slot(page: Page, hour: int) -> float:
    """Where an hour begins."""
    box = await page.locator(".ec-slot", has_text=f"{hour:02}:00").bounding_box()
    assert box is not None
    return box["x"]


async def drag(page: Page, what: Locator, x: float, y: float) -> None:
    """Take a block at its left edge and let it go where its beginning is to be."""
    async with asyncio.timeout(PATIENCE):
        while (box := await what.bounding_box()) is None:  # it is being drawn anew
            await asyncio.sleep(0.05)
    await page.mouse.move(box["x"] + 4, box["y"] + 8)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 20, box["y"] + 10, steps=4)
    await page.mouse.move(x + 5, y, steps=12)
    await page.mouse.up()


async def test_a_meeting_is_dragged_to_another_time_and_person_and_put_back_by_undo(staffed: Product, maria: Desk) -> None:
    meeting = await plan(staffed, "Offer", at(9))
    page = await calendar(maria)
    await drag(page, block(page, meeting), await slot(page, 10), await row(page, "Piotr"))
    said = page.locator("[data-calendar-said]")
    await expect(said).to_contain_text("Moved. Offer: Piotr Wiśniewski")
    await expect(said).to_contain_text("10:00\N{EN DASH}11:00")
    after = await stored(staffed, meeting.id)
    assert (after.user, after.from_at, after.to_at) == ("Piotr Wiśniewski", at(10), at(11))
    assert (after.number, after.name, after.project_id) == (meeting.number, meeting.name, meeting.project_id)
    await said.get_by_role("button", name="Undo").click()
    await expect(said).to_contain_text("Put back.")
    back = await stored(staffed, meeting.id)
    assert (back.user, back.from_at) == ("Anna Nowak", at(9))
    assert back.version == meeting.version + 2
    await drag(page, block(page, meeting), await slot(page, 12), await row(page, "Nobody yet"))
    await expect(said).to_contain_text("Moved. Offer: Nobody yet")
    assert (await stored(staffed, meeting.id)).user_id is None


async def test_overlaps_and_people_who_are_off_are_said_after_the_drop(staffed: Product, maria: Desk) -> None:
    meeting = await plan(staffed, "Offer", at(9))
    await plan(staffed, "Renewal", at(13), "piotr")
    page = await calendar(maria)
    await expect(page.locator("[data-calendar] .off-absence")).to_contain_text("Dentist")
    await drag(page, block(page, meeting), await slot(page, 13), await row(page, "Piotr"))
    warnings = page.locator("[data-calendar-said] .calendar-warning")
    await expect(warnings.filter(has_text="another meeting then: Renewal")).to_be_visible()
    await expect(warnings.filter(has_text="Dentist")).to_be_visible()
    assert (await stored(staffed, meeting.id)).user == "Piotr Wiśniewski"


async def test_what_is_refused_goes_back_and_says_why(staffed: Product, maria: Desk) -> None:
    meeting = await plan(staffed, "Offer", at(9))
    page = await calendar(maria)
    async with staffed.database.unit_of_work() as uow:
        gone = await uow.session.get(User, staffed.people["piotr"])
        assert gone is not None
        gone.disabled_at = uow.now
    await drag(page, block(page, meeting), await slot(page, 11), await row(page, "Piotr"))
    await expect(page.locator("[data-calendar-said]")).to_contain_text("Not moved.")
    await expect(page.locator("[data-calendar-said] button", has_text="Undo")).to_have_count(0)
    await stands(page, meeting, "Anna", 9)
    assert (await stored(staffed, meeting.id)).version == meeting.version
    maria.problems.clear()  # Chromium reports the 422


async def stands(page: Page, meeting: MeetingOut, name: str, hour: int) -> None:
    """Wait until a block stands in a person's row at an hour."""
    async with asyncio.timeout(PATIENCE):
        while True:
            box = await block(page, meeting).bounding_box()
            if box and abs(box["x"] - await slot(page, hour)) < 4 and abs(box["y"] + 10 - await row(page, name)) < 16:
                return
            await page.wait_for_timeout(50)


async def test_a_meeting_somebody_else_changed_meanwhile_is_not_moved(staffed: Product, maria: Desk) -> None:
    meeting = await plan(staffed, "Offer", at(9))
    page = await calendar(maria)
    changed = MeetingChange(
        name="Better offer",
        number=JAN,
        from_at=at(14),
        to_at=at(15),
        project_id=1,
        user_id=staffed.people["anna"],
        version=meeting.version,
    )

    async def meanwhile(route: Route) -> None:
        if route.request.method == "PUT":
            async with staffed.database.unit_of_work(await person(staffed, "admin")) as uow:
                await meetings.change(uow, meeting.id, changed)
        await route.continue_()

    await page.route("**/api/v1/phone-meetings/*", meanwhile)
    await drag(page, block(page, meeting), await slot(page, 11), await row(page, "Anna"))
    said = page.locator("[data-calendar-said]")
    await expect(said).to_contain_text("Adam Admin changed this meeting meanwhile")
    await expect(said).to_contain_text("Better offer")
    await expect(block(page, meeting)).to_have_attribute("title", re.compile("14:00\N{EN DASH}15:00"))
    assert (await stored(staffed, meeting.id)).from_at == at(14)
    maria.problems.clear()  # Chromium reports the 409


async def test_what_others_do_is_seen_at_once(staffed: Product, maria: Desk) -> None:
    meeting = await plan(staffed, "Offer", at(9))
    page = await calendar(maria)
    await expect(block(page, meeting)).to_have_attribute("title", re.compile("09:00\N{EN DASH}10:00"))
    later = await plan(staffed, "Renewal", at(12), None)
    await expect(block(page, later)).to_be_visible()
    await stands(page, later, "Nobody yet", 12)
    async with staffed.database.unit_of_work(await person(staffed, "admin")) as uow:
        await meetings.assign(uow, [later.id], staffed.people["piotr"])
        await meetings.cancel(uow, meeting.id, "Not wanted any more")
    await expect(block(page, meeting)).to_have_count(0)
    await expect(page.locator("[data-calendar-title]")).to_contain_text("1 meeting")
    await stands(page, later, "Piotr", 12)
    renamed = MeetingChange(
        name="Renewal for a year",
        number=JAN,
        from_at=at(12),
        to_at=at(13),
        project_id=1,
        user_id=staffed.people["piotr"],
        version=(await stored(staffed, later.id)).version,
    )
    async with staffed.database.unit_of_work(await person(staffed, "admin")) as uow:
        await meetings.change(uow, later.id, renamed)
    await expect(block(page, later)).to_have_attribute("title", re.compile("Renewal for a year"))
    await page.get_by_label("Cancelled ones too").check()
    await expect(block(page, meeting)).to_have_class(re.compile("meeting-cancelled"))


async def test_a_click_opens_the_meeting_and_an_empty_place_plans_one(staffed: Product, maria: Desk) -> None:
    meeting = await plan(staffed, "Offer", at(9))
    page = await calendar(maria)
    await page.mouse.click(await slot(page, 14) + 3, await row(page, "Anna"))
    await expect(page.locator("#main h1")).to_have_text("New meeting")
    await expect(page.locator("[name=from_date]")).to_have_value(str(monday()))
    await expect(page.locator("[name=from_time]")).to_have_value("14:00")
    await expect(page.locator("[name=user_id]")).to_have_value(str(staffed.people["anna"]))
    await page.go_back()
    await expect(page.locator("#main h1")).to_have_text("Calendar")
    await block(page, meeting).click()
    await expect(page.locator("#main h1")).to_contain_text("Offer")
    await page.go_back()
    await block(page, meeting).focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main h1")).to_contain_text("Offer")


async def test_a_consultant_sees_and_moves_their_own_week(staffed: Product, browser: Browser) -> None:
    meeting = await plan(staffed, "Offer", at(9))
    other = await plan(staffed, "Not mine", at(10), "piotr")
    async with desk(browser, staffed.url) as found:
        await found.sign_in("anna", PASSWORD)
        page = await calendar(found, "view=week")
        await expect(block(page, meeting)).to_be_visible()
        await expect(block(page, other)).to_have_count(0)
        await expect(page.locator("[data-calendar] .off-shift").first).to_be_attached()
        box = await block(page, meeting).bounding_box()
        assert box is not None
        days = await page.locator(".ec-body .ec-day").all()
        tuesday = await days[1].bounding_box()
        assert tuesday is not None
        await drag(page, block(page, meeting), tuesday["x"] + 20, box["y"] + 8 + 80)
        await expect(page.locator("[data-calendar-said]")).to_contain_text("Moved.")
        assert (await stored(staffed, meeting.id)).from_at == at(10, days=1)


async def test_the_clock_is_the_persons_own_whatever_the_browsers(staffed: Product, browser: Browser) -> None:
    async with staffed.database.unit_of_work(await person(staffed, "maria")) as uow:
        await users.set_preferences(uow, time_zone="America/New_York")
    meeting = await plan(staffed, "Offer", at(18))
    async with desk(browser, staffed.url) as found:
        await found.sign_in("maria", PASSWORD)
        page = await calendar(found)
        local = meeting.from_at.astimezone(ZoneInfo("America/New_York"))
        await expect(block(page, meeting)).to_have_attribute("title", re.compile(f"{local:%H:%M}\N{EN DASH}"))
        await drag(page, block(page, meeting), await slot(page, local.hour + 2), await row(page, "Anna"))
        await expect(page.locator("[data-calendar-said]")).to_contain_text("Moved.")
        assert (await stored(staffed, meeting.id)).from_at == at(20)


async def test_times_are_right_where_the_clocks_change(maria: Desk) -> None:
    found = await maria.page.evaluate(
        """async () => {
          const { momentOf, wallOf } = await import("/static/app/zone.js");
          const at = (wall) => new Date(momentOf(wall, "Europe/Warsaw")).toISOString().slice(0, 16);
          return [at("2026-03-29T01:59:00"), at("2026-03-29T02:30:00"), at("2026-03-29T03:00:00"), at("2026-10-25T02:30:00"),
            at("2026-07-01T00:00:00"), wallOf("2026-10-25T01:30:00Z", "Europe/Warsaw")];
        }"""
    )
    assert found == [
        "2026-03-29T00:59",
        "2026-03-29T01:30",  # skipped: an hour later on the clock
        "2026-03-29T01:00",
        "2026-10-25T00:30",  # shown twice: the first
        "2026-06-30T22:00",
        "2026-10-25T02:30:00",
    ]
