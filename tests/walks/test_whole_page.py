"""The whole product in Chromium, with a microphone file and real audio: what a consultant does in a shift."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from callcenter import clock, rehearsal
from callcenter.config import Settings
from callcenter.main.demo import PASSWORD
from callcenter.users import service as users
from telephony.lab.customers import DEMO_NUMBER
from tests.walks.browser import MICROPHONE_HERTZ, Desk, chromium, desk
from tests.walks.consultant import rest
from tests.walks.hearing import hears
from tests.walks.meetings import ALWAYS, write_announcement
from tests.walks.whole import Product, ok, running, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
CUSTOMER_HERTZ = 700


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    quick = {"CALLCENTER_STATION_GRACE_SECONDS": "5"}  # what a reload takes counts in no talk without an announcement
    async with running(Product(tmp_path_factory.mktemp("product"), demo=True, extra=quick)) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def token(product: Product) -> str:
    return product.command("token", "add", "anna")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def anna(product: Product, browser: Browser, token: str) -> AsyncIterator[Desk]:
    async with desk(browser, product.url) as opened:
        await opened.sign_in("anna", PASSWORD)
        await opened.ready()
        yield opened
    async with product.api(token) as api:
        await rest(api)


def lab(product: Product) -> Settings:
    return Settings(data_dir=product.folder)


async def customer(product: Product) -> dict[str, Any]:
    return (await rehearsal.calls(lab(product)))[-1]


async def customer_hears(product: Product, hertz: float | None) -> None:
    async def heard() -> bool:
        now = (await customer(product))["heard"]
        if hertz is None:
            return bool(now["level"] > -60 and abs(now["hertz"] - MICROPHONE_HERTZ) > 15)
        return bool(abs(now["hertz"] - hertz) < 15)

    await until(f"the customer to hear {hertz or 'music'}", heard)


@pytest.mark.parametrize("number", ["+48500000101", "+48500000107"], ids=["both laws", "PCMA only"])
async def test_a_shift_with_one_call_through_pages_reload_and_a_second_tab(product: Product, anna: Desk, number: str) -> None:
    page = anna.page
    await rehearsal.let_call(lab(product), number, DEMO_NUMBER, tone=CUSTOMER_HERTZ)
    await expect(page.locator(".popup-ringing")).to_contain_text("Found by the whole number")
    await page.locator("[data-answer]").click()
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    await hears(page, CUSTOMER_HERTZ)
    await customer_hears(product, MICROPHONE_HERTZ)

    await page.locator("#nav a[href='/contacts']").click()
    await expect(page.locator("#contact-search")).to_be_visible()
    await hears(page, CUSTOMER_HERTZ)
    await page.locator("#dock textarea").fill("half a sen")

    await page.reload()
    await anna.alive()
    await anna.audio()
    await expect(page.locator("#dock textarea")).to_have_value("half a sen")
    await hears(page, CUSTOMER_HERTZ)
    await customer_hears(product, MICROPHONE_HERTZ)

    second = await anna.context.new_page()
    anna.watch(second)
    await second.goto(anna.url)
    await anna.alive(second)
    await second.get_by_role("button", name="Take over here").click()
    await anna.audio(second)
    await hears(second, CUSTOMER_HERTZ)
    await customer_hears(product, MICROPHONE_HERTZ)
    await second.close()
    await anna.audio()
    await hears(page, CUSTOMER_HERTZ)

    await page.locator("#softphone summary", has_text="Keypad").click()
    await page.locator("#softphone [data-key='7']").click()

    async def pressed() -> bool:
        return bool((await customer(product))["digits"] == "7")

    await until("the key to arrive", pressed)
    await page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")
    await page.get_by_role("button", name="Save and finish").click()
    await anna.state("ready")


async def test_while_the_page_is_away_the_customer_hears_music(product: Product, anna: Desk) -> None:
    await rehearsal.let_call(lab(product), "+48500000101", DEMO_NUMBER, tone=CUSTOMER_HERTZ)
    await anna.page.locator("[data-answer]").click()
    await customer_hears(product, MICROPHONE_HERTZ)
    with contextlib.suppress(Exception):
        await anna.page.goto("about:blank")
    await customer_hears(product, None)
    await anna.page.goto(anna.url)
    await anna.alive()
    await anna.audio()
    await customer_hears(product, MICROPHONE_HERTZ)
    await expect(anna.page.locator("#softphone[data-phase=talking]")).to_be_visible()


async def test_mute_gives_silence_and_the_button_lets_a_customer_call(product: Product, anna: Desk) -> None:
    page = anna.page
    await page.get_by_role("button", name="Let a customer call").first.click()
    await page.locator("[data-answer]").click()
    await customer_hears(product, MICROPHONE_HERTZ)
    await page.locator("#softphone").get_by_role("button", name="Mute").click()

    async def silent() -> bool:
        return bool((await customer(product))["heard"]["level"] < -60)

    await until("silence", silent)
    await page.locator("#softphone").get_by_role("button", name="Hang up").click()
    await anna.state("wrap_up")


async def test_a_customer_whose_consultant_drops_hears_the_announcement_to_its_end_though_the_web_is_killed(
    product: Product, anna: Desk, tmp_path: Path
) -> None:
    async with product.database() as database, database.unit_of_work() as uow:
        token = await users.add_token(uow, "maria")
        serves = next(each.id for each in await users.list_users(uow) if each.login == "anna")
    async with product.api(token) as maria:
        project = (await ok(await maria.get("projects")))["items"][0]["id"]
        await ok(await maria.put(f"projects/{project}/phone-meetings", json={"hours": ALWAYS, "protection_seconds": 0}))
        spoken = write_announcement(tmp_path / "sorry.wav", seconds=4, hertz=CUSTOMER_HERTZ).read_bytes()
        await ok(await maria.put(f"projects/{project}/phone-meetings/announcement", files={"file": ("sorry.wav", spoken)}))
        about = {"number": "+48500000102", "project_id": project, "user_id": serves, "mode": "manual"}
        window = {"from_at": clock.now().isoformat(), "to_at": (clock.now() + dt.timedelta(minutes=30)).isoformat()}
        meeting = (await ok(await maria.post("phone-meetings", json={**about, **window})))["id"]

    await anna.page.locator("[data-meeting-card]").get_by_role("button", name="Call").click()
    await expect(anna.page.locator("#softphone[data-phase=talking]")).to_be_visible()
    await customer_hears(product, MICROPHONE_HERTZ)
    await anna.page.close()
    await customer_hears(product, CUSTOMER_HERTZ)
    product.kill("web")

    async def hung_up() -> bool:
        return bool((await customer(product))["state"] == "ended")

    await until("the switch to hang up by itself", hung_up)
    async with product.api(token) as maria:

        async def told() -> dict[str, Any] | None:
            with contextlib.suppress(httpx.TransportError):
                call = (await ok(await maria.get("calls")))["items"][0]
                return dict(call) if call["state"] == "ended" else None
            return None

        call = await until("the end to be told", told)
        assert (call["end_reason"], call["heard_ms"], call["announcement_ms"]) == ("dropped", 4000, 4000)
        held = await ok(await maria.get(f"phone-meetings/{meeting}"))
        assert (held["state"], held["attempts_made"][0]["result"]) == ("held", "dropped")
