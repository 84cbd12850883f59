"""Walks of a call in Chromium, with a fake switch."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from callcenter.phone import Drain
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


async def test_the_pop_up_is_in_view_at_the_end_of_a_long_page(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.goto(f"{anna.url}/profile")
    await anna.alive()
    await page.set_viewport_size({"width": 1280, "height": 500})
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert await page.evaluate("scrollY") > 500
    product.customer_calls(JAN)
    await expect(page.locator(".popup-ringing").get_by_role("button", name="Answer")).to_be_in_viewport()
    await expect(page.locator("#nav a[href='/contacts']")).to_be_in_viewport()


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


async def talk(product: Product, anna: Desk, number: str = JAN) -> None:
    """Let a customer call and answer."""
    product.customer_calls(number)
    await anna.page.locator("[data-answer]").click()
    await expect(anna.page.locator("#softphone[data-phase=talking]")).to_be_visible()


async def second_tab(anna: Desk) -> Page:
    """Open the desk once more."""
    page = await anna.context.new_page()
    anna.watch(page)
    await page.goto(anna.url)
    await anna.alive(page)
    return page


async def test_what_is_typed_in_one_tab_appears_in_the_other_and_is_what_is_saved(product: Product, anna: Desk) -> None:
    await talk(product, anna)
    second = await second_tab(anna)
    await anna.page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    await anna.page.locator("#dock textarea").press_sequentially("Wants two żółte chairs", delay=20)
    await expect(second.locator("#dock textarea")).to_have_value("Wants two żółte chairs")
    await second.get_by_role("button", name="Save and finish").click()
    await anna.state("ready")
    await anna.page.locator("#nav a[href='/calls']").click()
    await anna.page.locator("#main a.row-link").first.click()
    await expect(anna.page.locator("#call-note")).to_have_value("Wants two żółte chairs")


async def test_two_texts_typed_at_once_are_both_kept_until_somebody_chooses(product: Product, anna: Desk) -> None:
    await talk(product, anna)
    second = await second_tab(anna)
    await second.route("**/draft", lambda route: route.abort())
    await second.locator("#dock textarea").fill("from the second")
    await expect(second.locator(".saved[data-failed]")).to_be_visible()
    await anna.page.locator("#dock textarea").fill("from the first")
    await expect(second.locator(".note-other blockquote")).to_have_text("from the first")
    await expect(second.locator("#dock textarea")).to_have_value("from the second")
    await second.unroute("**/draft")
    await second.get_by_role("button", name="Keep both").click()
    await expect(anna.page.locator("#dock textarea")).to_have_value("from the first\nfrom the second")
    await expect(second.locator(".note-other")).to_be_hidden()
    anna.problems.clear()  # Chromium reports the requests that were cut off


async def test_a_tab_that_heard_nothing_of_the_other_cannot_save_over_its_note(product: Product, anna: Desk) -> None:
    await talk(product, anna)
    call_id = await anna.page.locator("#dock [data-call]").get_attribute("data-call")
    await anna.page.goto(f"{anna.url}/calls/{call_id}")
    await anna.alive()
    await anna.page.locator("#dock textarea").fill("newer words")
    await expect(anna.page.locator(".saved")).to_have_text("Draft saved")
    await anna.page.locator("#call-note").fill("older words")
    await anna.page.locator("#main").get_by_role("button", name="Save").click()
    await expect(anna.page.locator("#main [role=alert]")).to_contain_text("The note was changed in another tab")
    await expect(anna.page.locator("#main blockquote")).to_have_text("newer words")
    await expect(anna.page.locator("#call-note")).to_have_value("older words")
    await expect(anna.page.locator("#dock textarea")).to_have_value("newer words")
    anna.problems.clear()  # Chromium reports the 409


async def test_mute_survives_a_reload_and_a_change_of_tab_but_not_the_call(product: Product, anna: Desk) -> None:
    await talk(product, anna)
    muted = "#softphone [aria-pressed=true]"
    await anna.page.locator("#softphone").get_by_role("button", name="Mute").click()
    await expect(anna.page.locator("#softphone")).to_contain_text("You are muted")
    await anna.page.reload()
    await anna.alive()
    await anna.audio()
    await expect(anna.page.locator(muted)).to_contain_text("Mute")
    second = await second_tab(anna)
    await expect(second.locator(muted)).to_contain_text("Mute")
    await second.get_by_role("button", name="Take over here").click()
    await anna.audio(second)
    await expect(second.locator("#softphone")).to_contain_text("You are muted")
    await second.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    await second.get_by_role("button", name="Save and finish").click()
    await anna.state("ready")
    product.customer_calls(JAN)
    await second.locator("[data-answer]").click()
    await expect(second.locator("#softphone[data-phase=talking]")).to_be_visible()
    await expect(second.locator(muted)).to_have_count(0)


async def test_somebody_else_is_found_in_the_card_and_the_call_moves_there(product: Product, anna: Desk) -> None:
    page = anna.page
    await talk(product, anna, SHARED)
    await expect(page.locator("#dock").get_by_role("link", name="Create contact")).to_be_visible()
    await page.locator("#dock textarea").fill("asked for rye bread")
    await page.locator(".somebody-else summary").click()
    await page.locator(".somebody-else input").fill("sliwin")
    await page.locator(".somebody-else button", has_text="Zofia Śliwińska").click()
    await expect(page.locator("#main h1")).to_have_text("Zofia Śliwińska")
    await expect(page.locator("#softphone")).to_contain_text("Zofia Śliwińska")
    await page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    await page.get_by_role("button", name="Save and finish").click()
    await expect(page.locator("#timeline")).to_contain_text("asked for rye bread")
    await page.locator("#timeline a", has_text="Call from the customer").click()
    await expect(page.locator("#call-note")).to_be_visible()


async def test_a_customer_who_hangs_up_while_the_note_is_typed_takes_neither_focus_nor_disposition(
    product: Product, anna: Desk
) -> None:
    page = anna.page
    leg = product.customer_calls(JAN)
    await page.locator("[data-answer]").click()
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    await page.locator("[id^=disposition-]").select_option(label="Complaint")
    await page.locator("#dock textarea").press_sequentially("Angry, ")
    product.phone.customer_hangs_up(leg)
    await anna.state("wrap_up")
    await expect(page.locator(".popup-wrap-up")).to_be_visible()
    await page.keyboard.type("calls again")
    await expect(page.locator("#dock textarea")).to_have_value("Angry, calls again")
    await page.get_by_role("button", name="Save and finish").click()
    await anna.state("ready")
    await expect(page.locator("#timeline")).to_contain_text("Angry, calls again")
    await expect(page.locator("#timeline")).to_contain_text("Complaint")


async def test_the_desk_and_the_list_of_calls_follow_what_happens(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.locator("#nav a[href='/calls']").click()
    await expect(page.locator("#main")).to_contain_text("No calls yet")
    product.customer_calls(UNKNOWN)
    await page.locator("[data-answer]").click()
    await expect(page.locator("#call-list")).to_contain_text("Talking")
    await page.locator("#nav a[href='/']").click()
    await expect(page.locator("#my-day")).to_contain_text("Talking")
    await page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    await expect(page.locator("#my-day tbody")).to_contain_text("Talked")


async def test_a_declined_call_leaves_the_desk_and_the_customer_goes_on_waiting(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.goto(f"{anna.url}/contacts?q=Kowalski")
    await anna.alive()
    await anna.audio()
    await page.locator("#contact-rows a.row-link").click()
    await page.locator("#note-text").fill("A long note about everything that was said. " * 10)
    await page.get_by_role("button", name="Add note").click()
    await expect(page.locator("#timeline")).to_contain_text("A long note")
    leg = product.customer_calls(JAN)
    decline = page.locator(".popup-ringing").get_by_role("button", name="Decline")
    popup, button = await page.locator(".popup-ringing").bounding_box(), await decline.bounding_box()
    assert popup
    assert button
    assert button["x"] + button["width"] < popup["x"] + popup["width"], "a long line on the timeline must not push it out"
    await decline.click()
    await expect(anna.page.locator(".popup-ringing")).to_have_count(0)
    assert leg in product.phone.legs


async def test_a_pop_up_is_not_taken_away_by_an_older_answer_of_the_server(product: Product, anna: Desk) -> None:
    page = anna.page
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(route: Route) -> None:
        answer = await route.fetch()
        asked.set()
        await go_on.wait()
        await route.fulfill(response=answer)

    await talk(product, anna)
    await page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    await page.route("**/api/v1/me", slow, times=1)
    await page.evaluate("fetch('/api/v1/me/wrap-up/finish', {method: 'POST'})")
    await asyncio.wait_for(asked.wait(), 30)
    product.customer_calls(SHARED)
    await expect(page.locator(".popup-ringing")).to_be_visible()
    await page.evaluate(
        """window.gone = false;
        new MutationObserver(() => { window.gone ||= !document.querySelector(".popup-ringing"); })
          .observe(document.getElementById("dock"), { childList: true });"""
    )
    async with page.expect_response("**/api/v1/me"), page.expect_request("**/api/v1/me"):
        go_on.set()
    await expect(page.locator(".popup-ringing")).to_be_visible()
    assert not await page.evaluate("window.gone")


async def test_the_page_says_when_the_server_or_the_switch_is_away_and_comes_back(
    product: Product, anna: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = anna.page
    await talk(product, anna)
    monkeypatch.setattr("webui.security.same_origin", lambda _request: False)
    await anna.context.set_offline(True)
    product.live._end_all()
    product.live._closed = False
    await expect(page.locator("[data-strip=connection]")).to_contain_text("Your call goes on")
    await page.locator("#dock textarea").fill("typed while away")
    await expect(page.locator(".saved[data-failed]")).to_contain_text("kept in this browser")
    await anna.context.set_offline(False)
    monkeypatch.undo()
    await anna.alive()
    await expect(page.locator("[data-strip=connection]")).to_have_count(0)
    await expect(page.locator(".saved")).to_have_text("Draft saved")
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    product.phone.link_down()
    await expect(page.locator("[data-strip=switch]")).to_contain_text("The telephone switch cannot be reached")
    product.phone.link_up()
    await expect(page.locator("[data-strip=switch]")).to_have_count(0)
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    anna.problems.clear()  # Chromium reports the requests that failed meanwhile


async def test_a_system_that_stops_says_so_lets_the_call_finish_and_starts_none(product: Product, anna: Desk) -> None:
    page = anna.page
    product.customer_calls(JAN)
    await page.locator("[data-answer]").click()
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    product.phone.send(Drain())
    strip = page.locator("[data-strip=draining]")
    await expect(strip).to_have_text("The system is stopping: no new calls. Your call may finish.")
    await page.reload()
    await anna.alive()
    await anna.audio()
    await expect(strip).to_be_visible()
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    await page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    answer = await page.evaluate(
        "fetch('/api/v1/calls', {method: 'POST', headers: {'content-type': 'application/json'},"
        " body: JSON.stringify({number: '+48601234567'})}).then(async (r) => [r.status, (await r.json()).error.sentence])"
    )
    assert answer == [503, "The system is stopping: no new calls can be made. Calls in progress may finish."]
    product.phone.send(Drain(on=False))
    await expect(strip).to_have_count(0)
    anna.problems.clear()  # Chromium reports the refused dial


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


async def test_it_rings_on_the_device_that_was_chosen_for_it(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.add_init_script(
        """window.rang = [];
        const before = AudioContext.prototype.setSinkId;
        AudioContext.prototype.setSinkId = function (device) { window.rang.push(device); return before.call(this, device); };"""
    )
    await page.goto(f"{anna.url}/profile")
    await anna.alive()
    await anna.audio()
    choice = page.locator("#device-ring_device")
    async with page.expect_response("**/me/preferences"):
        await choice.select_option(index=2)
    chosen = await choice.input_value()
    await page.reload()
    await anna.alive()
    await anna.audio()
    await expect(choice).to_have_value(chosen)
    product.customer_calls(JAN)
    await expect(page.locator(".popup-ringing")).to_be_visible()
    await page.wait_for_function("device => window.rang.includes(device)", arg=chosen)


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
