"""Walks of a call in Chromium, with a fake switch."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from callcenter.phone_fake import Outcome
from tests.walks.browser import Desk, chromium, desk, write_tone
from tests.walks.product import JAN, PASSWORD, SHARED, UNKNOWN, Product, until

pytestmark = pytest.mark.browser


async def test_a_customer_rings_and_becomes_a_pop_up_a_talk_a_note_and_a_line_on_the_timeline(
    product: Product, anna: Desk
) -> None:
    page = anna.page
    leg = product.customer_calls(JAN)
    popup = page.locator(".popup-ringing")
    await expect(popup).to_contain_text("Jan Kowalski")
    await expect(popup).to_contain_text("Zakład Żółty Słoń")
    await expect(popup).to_contain_text("Found by the whole number")
    await expect(popup).to_contain_text("Asked for an offer by e-mail.")
    await popup.get_by_role("button", name="Answer").click()
    await expect(page.locator("#softphone[data-phase=talking]")).to_contain_text("Jan Kowalski")
    await expect(page.locator("#main h1")).to_have_text("Jan Kowalski")
    await page.locator("#softphone summary", has_text="Keypad").click()
    for key in "12#":
        await page.locator(f"#softphone [data-key='{key}']").click()
    await until(lambda: product.phone.legs[leg].digits == "12#", "the digits reach the customer")
    await page.locator("#dock textarea").fill("Wants żółte krzesła")
    await expect(page.locator(".saved")).to_have_text("Draft saved")
    await page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    await page.locator("[id^=disposition-]").select_option(label="Order taken")
    await page.get_by_role("button", name="Save and finish").click()
    await anna.state("ready")
    await expect(page.locator("#timeline")).to_contain_text("Wants żółte krzesła")
    await expect(page.locator("#timeline")).to_contain_text("Order taken")


async def test_enter_and_space_do_not_answer_and_the_pop_up_takes_no_focus(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.goto(f"{anna.url}/contacts")
    await anna.alive()
    await anna.audio()
    await page.locator("#contact-search").fill("Jan ")
    product.customer_calls(JAN)
    await expect(page.locator(".popup-ringing")).to_be_visible()
    await page.keyboard.type("K ")
    await page.keyboard.press("Enter")
    await expect(page.locator("#contact-search")).to_have_value("Jan K ")
    answers: list[str] = []
    page.on("request", lambda request: answers.append(request.url) if request.url.endswith("/answer") else None)
    await page.evaluate("document.querySelector('[data-answer]').focus()")
    await page.keyboard.press("Enter")
    await page.evaluate("document.activeElement.blur(); document.querySelector('[data-answer]').focus()")
    await page.keyboard.press("Space")
    assert not answers
    await expect(page.locator(".popup-ringing")).to_be_visible()
    await page.keyboard.press("Alt+A")
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()


async def test_a_reload_in_the_middle_of_a_call_brings_call_note_and_audio_back(product: Product, anna: Desk) -> None:
    page = anna.page
    product.customer_calls(JAN)
    await page.locator("[data-answer]").click()
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    await page.locator("#dock textarea").fill("half a sen")
    await page.reload()
    await anna.alive()
    await anna.audio()
    await expect(page.locator("#softphone[data-phase=talking]")).to_contain_text("Jan Kowalski")
    await expect(page.locator("#dock textarea")).to_have_value("half a sen")
    session = product.phone.opened[-1]
    await until(lambda: product.phone.heard[session] > 20, "the microphone is heard again")


async def test_a_second_tab_shows_the_call_and_may_take_the_audio_over(product: Product, anna: Desk) -> None:
    product.customer_calls(JAN)
    await anna.page.locator("[data-answer]").click()
    await expect(anna.page.locator("#softphone[data-phase=talking]")).to_be_visible()
    first = product.phone.opened[-1]
    second = await anna.context.new_page()
    anna.watch(second)
    await second.goto(anna.url)
    await anna.alive(second)
    await expect(second.locator("#softphone[data-phase=talking]")).to_contain_text("Jan Kowalski")
    await second.get_by_role("button", name="Take over here").click()
    await anna.audio(second)
    await expect(anna.page.locator("[data-strip=audio]")).to_be_visible()
    assert product.phone.opened[-1] != first
    await second.close()
    await anna.audio()
    await expect(anna.page.locator("#softphone[data-phase=talking]")).to_be_visible()


async def test_several_candidates_are_asked_about_and_none_is_preselected(product: Product, anna: Desk) -> None:
    page = anna.page
    product.customer_calls(SHARED)
    popup = page.locator(".popup-ringing")
    await expect(popup.locator("input[type=radio]")).to_have_count(2)
    await expect(popup.locator("input:checked")).to_have_count(0)
    await popup.locator("label", has_text="Marek Łęcki").click()
    await popup.locator("[data-answer]").click()
    await expect(page.locator("#softphone")).to_contain_text("Marek Łęcki")
    await expect(page.locator("#main h1")).to_have_text("Marek Łęcki")


async def test_an_unknown_caller_can_be_created_with_the_number_filled_in(product: Product, anna: Desk) -> None:
    page = anna.page
    product.customer_calls(UNKNOWN)
    popup = page.locator(".popup-ringing")
    await expect(popup).to_contain_text("Nobody with this number is known")
    await popup.locator("[data-answer]").click()
    await page.locator("#dock").get_by_role("link", name="Create contact").click()
    await expect(page.locator("input[name=number]").first).to_have_value("+48 509 888 777")
    await page.locator("#field-last_name").fill("Źdźbło")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#main h1")).to_have_text("Źdźbło")
    await expect(page.locator("#softphone")).to_contain_text("Źdźbło")


async def test_a_contact_does_not_open_over_unsaved_text(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.locator("#nav a[href='/contacts']").click()
    await page.locator("#main a[href='/contacts/new']").first.click()
    await page.locator("#field-last_name").fill("Unsaved")
    product.customer_calls(JAN)
    await page.locator("[data-answer]").click()
    strip = page.locator("[data-strip=contact]")
    await expect(strip).to_contain_text("Jan Kowalski")
    await expect(page.locator("#field-last_name")).to_have_value("Unsaved")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.BUSY, "busy"),
        (Outcome.NO_ANSWER, "Nobody answered"),
        (Outcome.REJECTED, "rejected"),
        (Outcome.UNREACHABLE, "cannot be reached"),
    ],
)
async def test_an_outgoing_call_that_fails_says_why(product: Product, anna: Desk, outcome: Outcome, words: str) -> None:
    page = anna.page
    product.phone.when_called(JAN, outcome)
    await page.locator("#nav a[href='/dial']").click()
    await page.locator("#dial-number").fill("601 234 567")
    await page.locator("[data-dial-form] button[type=submit]").click()
    await expect(page.locator("#softphone")).to_contain_text(words)


async def test_after_a_restart_of_the_switch_the_audio_comes_back_by_itself(product: Product, anna: Desk) -> None:
    before = product.phone.opened[-1]
    count = len(product.phone.opened)
    product.phone.restart()
    await until(lambda: len(product.phone.opened) > count, "the page plugs in again")
    await anna.audio()
    assert product.phone.opened[-1] == before


async def test_a_microphone_that_gives_silence_is_said_and_a_working_one_is_not(product: Product, tmp_path: Path) -> None:
    silence = write_tone(tmp_path / "silence.wav", 0)
    async with chromium(silence) as browser, desk(browser, product.url) as found:
        await found.sign_in("anna", PASSWORD)
        await expect(found.page.locator("[data-strip=silence]")).to_be_visible(timeout=30_000)
    async with chromium() as browser, desk(browser, product.url) as found:
        await found.sign_in("anna", PASSWORD)
        await found.audio()
        await found.page.goto(f"{product.url}/profile")
        await found.audio()
        await found.page.get_by_role("button", name="Test the microphone").click()
        await expect(found.page.locator("[data-devices]")).to_contain_text("The microphone works.", timeout=30_000)
        await expect(found.page.locator("[data-strip=silence]")).to_have_count(0)
