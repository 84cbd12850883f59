"""Walks of phone meetings in Chromium, with a fake switch: planned, called by hand and by the system, missed, given to others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from callcenter.phone import Originate
from callcenter.phone_fake import Outcome
from tests.walks import meetings
from tests.walks.browser import PATIENCE, Desk, desk
from tests.walks.product import JAN, PASSWORD, Product, running

pytestmark = pytest.mark.browser
CARD = "[data-meeting-card]"


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    """Run the product with a countdown long enough to look at on a busy machine."""
    async with running(tmp_path, meeting_countdown_seconds=8) as found:
        await meetings.allow(found)
        yield found


@pytest.fixture
async def maria(product: Product, browser: Browser) -> AsyncIterator[Desk]:
    """Sign the supervisor in."""
    async with desk(browser, product.url) as found:
        await found.sign_in("maria", PASSWORD)
        yield found


def dials(product: Product) -> int:
    """Return how often a customer was dialled."""
    return sum(isinstance(each, Originate) for each in product.phone.commands)


async def hang_up(page: Page) -> None:
    await page.locator("#softphone").get_by_role("button", name="Hang up").click()


async def test_a_meeting_planned_from_a_contact_stands_in_the_list_on_the_contact_and_on_the_desk(anna: Desk) -> None:
    page = anna.page
    await page.goto(f"{anna.url}/contacts/1")
    await anna.alive()
    await page.locator("#main").get_by_role("link", name="Meeting", exact=True).click()
    await expect(page.get_by_role("radio", name="+48 601 234 567")).to_be_checked()
    await page.get_by_role("button", name="In an hour").click()
    await page.locator("#field-name").fill("Oferta na żółte krzesła")
    await page.locator("#field-information").fill("Dwa krzesła, dostawa w piątek")
    await page.locator("#main").get_by_role("button", name="Save").click()
    await expect(page.locator("#main h1")).to_have_text("Oferta na żółte krzesła")
    await expect(page.locator("#main")).to_contain_text("The meeting is planned.")
    await page.locator("#nav a[href='/meetings']").click()
    await expect(page.locator("#meeting-list tbody tr")).to_have_count(1)
    await expect(page.locator("#meeting-list")).to_contain_text("Anna Nowak")
    await page.goto(f"{anna.url}/contacts/1")
    await expect(page.locator("#contact-meetings")).to_contain_text("Oferta na żółte krzesła")
    await expect(page.locator("#timeline")).to_contain_text("Phone meeting planned")
    await page.goto(anna.url)
    await expect(page.locator("#my-day")).to_contain_text("Meetings today")


async def test_what_cannot_be_is_said_at_its_field_and_an_overlap_is_shown_before_saving(product: Product, maria: Desk) -> None:
    page = maria.page
    await meetings.plan(product, minutes=60, name="The first")
    await page.goto(f"{maria.url}/meetings/new?contact=1&user={product.people['anna']}")
    await maria.alive()
    await page.get_by_role("button", name="In an hour").click()
    await page.locator("label", has_text="Another number").click()
    await page.locator("#field-number").fill("112")
    await page.locator("#main").get_by_role("button", name="Save").click()
    await expect(page.locator("#hint-number")).to_be_visible()
    await page.locator("#field-number").fill("602 333 444")
    await page.locator("#main").get_by_role("button", name="Save").click()
    await expect(page.locator("[data-warnings]")).to_contain_text("Anna Nowak has another meeting then: The first.")
    await page.get_by_role("button", name="Save anyway").click()
    await expect(page.locator("#main")).to_contain_text("The meeting is planned.")
    await expect(page.locator("#main")).to_contain_text("+48 602 333 444")
    maria.problems.clear()  # Chromium reports the 422


async def test_a_due_meeting_is_a_card_that_takes_no_focus_one_click_calls_and_its_outcome_is_written(
    product: Product, anna: Desk
) -> None:
    page = anna.page
    await page.goto(f"{anna.url}/contacts")
    await anna.alive()
    await anna.audio()
    await page.locator("#contact-search").fill("Jan")
    planned = await meetings.plan(product, information="Ask about the żółte chairs")
    await expect(page.locator(CARD)).to_contain_text("Jan Kowalski")
    for text in ("Zakład Żółty Słoń", "+48 601 234 567", "Ask about the żółte chairs", "Asked for an offer by e-mail."):
        await expect(page.locator(CARD)).to_contain_text(text)
    await page.keyboard.type(" K")
    await expect(page.locator("#contact-search")).to_have_value("Jan K")
    product.phone.when_called(JAN, Outcome.ANSWERS)
    await page.locator(CARD).get_by_role("button", name="Call").click()
    await expect(page.locator("#softphone[data-phase=talking]")).to_contain_text("Meeting: Jan Kowalski")
    await expect(page.locator(CARD)).to_have_count(0)
    await hang_up(page)
    await anna.state("wrap_up")
    await expect(page.locator("[data-outcome=held][aria-pressed=true]")).to_be_visible()
    await page.locator("[data-outcome=not_held]").click()
    await expect(page.locator("[data-outcome=not_held][aria-pressed=true]")).to_be_visible()
    await page.get_by_label("Note about the meeting").fill("He was in a shop")
    await page.get_by_role("button", name="Save and finish").click()
    await anna.state("ready")
    await page.goto(f"{anna.url}/meetings/{planned.id}")
    await expect(page.locator("#main")).to_contain_text("Not held")
    await expect(page.locator("#main")).to_contain_text("He was in a shop")
    assert dials(product) == 1


async def test_the_system_counts_down_dials_and_says_with_a_tone_that_the_customer_is_there(product: Product, anna: Desk) -> None:
    page = anna.page
    product.phone.when_called(JAN, Outcome.RINGS)
    planned = await meetings.plan(product, mode="automatic", name="Renewal")
    await expect(page.locator(".popup-countdown")).to_contain_text("Dialling in")
    await expect(page.locator("#state")).to_contain_text("Meeting in a moment")
    await expect(page.locator("#softphone[data-phase=ringing]")).to_contain_text("Meeting: Renewal", timeout=PATIENCE)
    await expect(page.locator(CARD)).to_have_count(0)
    [leg] = [each for each in product.phone.legs.values() if each.number == JAN]
    product.phone.customer_answers(leg.leg_id)
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    await expect(page.locator("html[data-tone='1']")).to_be_attached()
    await hang_up(page)
    await anna.state("wrap_up")
    await page.get_by_label("Note about the meeting").fill("Renewed for two years")
    await page.get_by_role("button", name="Save and finish").click()
    await anna.state("ready")
    assert await meetings.state(product, planned.id) == "held"
    await page.goto(f"{anna.url}/meetings/{planned.id}")
    await expect(page.locator("#main")).to_contain_text("Renewed for two years")
    await page.locator("section[aria-labelledby=attempts]").get_by_role("link", name="Show the call").click()
    await expect(page.locator("#main").get_by_role("link", name="The meeting")).to_be_visible()


async def test_not_now_stops_the_countdown_and_its_reason_is_kept(product: Product, anna: Desk) -> None:
    page = anna.page
    planned = await meetings.plan(product, mode="automatic")
    await page.get_by_role("group", name="Not now").get_by_role("button", name="I have to prepare").click()
    await expect(page.locator(CARD)).to_have_count(0)
    await anna.state("ready")
    await page.goto(f"{anna.url}/meetings/{planned.id}")
    await expect(page.locator("section[aria-labelledby=history]")).to_contain_text("I have to prepare")
    assert not dials(product)


async def test_a_reload_in_the_countdown_and_a_second_tab_show_it_and_it_is_dialled_once(product: Product, anna: Desk) -> None:
    page = anna.page
    product.phone.when_called(JAN, Outcome.ANSWERS)
    await meetings.plan(product, mode="automatic")
    await expect(page.locator(".popup-countdown")).to_be_visible()
    await page.reload()
    await anna.alive()
    await expect(page.locator(".popup-countdown")).to_be_visible()
    second = await anna.context.new_page()
    anna.watch(second)
    await second.goto(anna.url)
    await anna.alive(second)
    for each in (page, second):
        await expect(each.locator("#softphone[data-phase=talking]")).to_be_visible(timeout=PATIENCE)
        await expect(each.locator(CARD)).to_have_count(0)
    await hang_up(page)
    for each in (page, second):
        await expect(each.locator("[data-outcome=held][aria-pressed=true]")).to_be_visible()
    await second.locator("[data-outcome=not_held]").click()
    await expect(page.locator("[data-outcome=not_held][aria-pressed=true]")).to_be_visible()
    assert dials(product) == 1


async def test_during_a_talk_a_due_meeting_is_one_quiet_line(product: Product, anna: Desk) -> None:
    page = anna.page
    product.customer_calls("+48509888777")
    await page.locator("[data-answer]").click()
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    await meetings.plan(product)
    await expect(page.locator("[data-strip=meeting]")).to_contain_text("Jan Kowalski")
    await expect(page.locator(CARD)).to_have_count(0)
    await hang_up(page)
    await expect(page.locator(CARD)).to_be_visible()
    await expect(page.locator("[data-strip=meeting]")).to_have_count(0)


async def test_a_missed_meeting_is_told_offered_anew_and_keeps_its_history(product: Product, anna: Desk) -> None:
    page = anna.page
    planned = await meetings.plan(product, name="Oferta")
    await expect(page.locator(CARD)).to_be_visible()
    await meetings.let_pass(product, planned.id)
    await expect(page.locator(".popup-missed")).to_contain_text("Oferta")
    await expect(page.locator("#toasts")).to_contain_text("was missed")
    await expect(page.locator(CARD)).to_have_count(0)
    await page.reload()
    await anna.alive()
    await page.locator(".popup-missed").get_by_role("link", name="Another time").click()
    await page.get_by_role("button", name="Tomorrow, same time").click()
    await page.get_by_role("button", name="Plan it").click()
    await expect(page.locator("#main")).to_contain_text("The meeting is planned.")
    await expect(page.locator(".popup-missed")).to_have_count(0)
    await page.locator("#main").get_by_role("link", name="the meeting before").click()
    await expect(page.locator("#main")).to_contain_text("Rescheduled")


async def test_the_second_to_save_sees_what_the_first_changed_and_loses_nothing(
    product: Product, anna: Desk, maria: Desk
) -> None:
    planned = await meetings.plan(product, minutes=90, name="Oferta")
    for each in (anna, maria):
        await each.page.goto(f"{each.url}/meetings/{planned.id}/edit")
        await each.alive()
    await maria.page.locator("#field-name").fill("Oferta na stół")
    await maria.page.locator("#main").get_by_role("button", name="Save").click()
    await expect(maria.page.locator("#main h1")).to_have_text("Oferta na stół")
    await anna.page.locator("#field-information").fill("Zadzwonić po dziesiątej")
    await anna.page.locator("#main").get_by_role("button", name="Save").click()
    await expect(anna.page.locator("[data-stale]")).to_contain_text("Maria Zając changed this meeting meanwhile")
    await expect(anna.page.locator("[data-stale]")).to_contain_text("Oferta na stół")
    await expect(anna.page.locator("#field-information")).to_have_value("Zadzwonić po dziesiątej")
    await anna.page.locator("#field-name").fill("Oferta na stół")
    await anna.page.locator("#main").get_by_role("button", name="Save").click()
    await expect(anna.page.locator("#main h1")).to_have_text("Oferta na stół")
    await expect(anna.page.locator("#main")).to_contain_text("Zadzwonić po dziesiątej")
    anna.problems.clear()  # Chromium reports the 409


async def test_many_are_selected_given_to_one_spread_over_some_and_told_to_whom_they_belong(
    product: Product, anna: Desk, maria: Desk
) -> None:
    for hour in range(4):
        await meetings.plan(product, user=None, minutes=60 + 60 * hour, name=f"Meeting {hour}")
    page = maria.page
    await page.goto(f"{maria.url}/meetings?f=1&user=none")
    await maria.alive()
    await page.get_by_label("Select Meeting 0").check()
    await expect(page.locator("[data-selected-count]")).to_have_text("1 meeting selected")
    await page.locator("#assign-to").select_option(label="Anna Nowak")
    await page.get_by_role("button", name="Assign", exact=True).click()
    await expect(page.locator("#selected-report")).to_contain_text("1 meeting assigned.")
    await expect(page.locator("#meeting-list tbody tr")).to_have_count(3)
    await expect(anna.page.locator("#toasts")).to_contain_text("Maria Zając gave you the meeting “Meeting 0”")
    await page.get_by_label("Select all that are shown").check()
    await page.locator("#selected summary", has_text="Spread evenly").click()
    for name in ("Anna Nowak", "Piotr Wiśniewski"):
        await page.locator(".spread-list").get_by_text(name).click()
    await page.get_by_role("button", name="Spread", exact=True).click()
    await expect(page.locator("#selected-report")).to_contain_text("3 meetings assigned.")
    await page.goto(f"{maria.url}/meetings?f=1&user={product.people['piotr']}")
    await expect(page.locator("#meeting-list tbody tr")).to_have_count(2)


async def test_the_rules_of_a_project_are_set_on_its_page_with_an_announcement(
    product: Product, maria: Desk, tmp_path: Path
) -> None:
    page = maria.page
    await page.goto(f"{maria.url}/projects/1")
    await maria.alive()
    await page.get_by_role("link", name="Phone meetings").click()
    await page.locator("#field-attempts").fill("5")
    await page.locator("input[name=announcement]").set_input_files(meetings.write_announcement(tmp_path / "sorry.wav"))
    await page.locator("#main").get_by_role("button", name="Save").click()
    await expect(page.locator("#main")).to_contain_text("Saved.")
    await expect(page.locator("#field-attempts")).to_have_value("5")
    await expect(page.locator("#main")).to_contain_text("There is one now.")
    await expect(page.locator("audio.announcement")).to_have_js_property("duration", 1)  # seconds: it can be listened to
    await page.locator("input[name=hours_0_from]").first.fill("18:00")
    await page.locator("input[name=hours_0_to]").first.fill("09:00")
    await page.locator("#main").get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("Calling hours end before they begin.")
    maria.problems.clear()  # Chromium reports the 422


async def test_filters_stand_in_the_address_and_a_shared_one_shows_the_same(product: Product, maria: Desk) -> None:
    page = maria.page
    await meetings.plan(product, minutes=60, name="Oferta", mode="automatic")
    await meetings.plan(product, minutes=120, name="Reklamacja", user=None)
    await page.goto(f"{maria.url}/meetings")
    await maria.alive()
    await expect(page.locator("#meeting-list tbody tr")).to_have_count(2)
    await page.locator(".filters > summary").click()
    await page.locator("#filter-mode").select_option("automatic")
    await page.locator("#filter-contact").press_sequentially("kowal")
    await page.locator(".filters [data-pick]").click()
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(page.locator("#meeting-list tbody tr")).to_have_count(1)
    assert "mode=automatic" in page.url
    assert "contact_id=1" in page.url
    assert "q=" not in page.url
    await page.reload()
    await maria.alive()
    await expect(page.locator("#meeting-list")).to_contain_text("Oferta")
    await expect(page.locator(".filters [data-picked-name]")).to_have_text("Jan Kowalski")


async def test_planned_from_a_wrap_up_the_call_s_contact_and_number_are_filled_in(product: Product, anna: Desk) -> None:
    page = anna.page
    product.customer_calls(JAN)
    await page.locator("[data-answer]").click()
    await expect(page.locator("#main h1")).to_have_text("Jan Kowalski")  # it opens with the talk
    await hang_up(page)
    await anna.state("wrap_up")
    await page.get_by_role("link", name="Plan a meeting").click()
    await expect(page.get_by_role("radio", name="+48 601 234 567")).to_be_checked()
    await expect(page.locator("#meeting-who")).to_contain_text("Jan Kowalski")
