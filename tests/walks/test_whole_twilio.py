"""The whole product over a Twilio of our own, in Chromium with real audio: what `make run TRUNK=twilio-demo` starts."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from callcenter import clock, rehearsal
from callcenter.config import Settings
from callcenter.main.demo import PASSWORD
from telephony.lab.customers import DEMO_NUMBER
from tests.walks.browser import MICROPHONE_HERTZ, PATIENCE, Desk, chromium, desk
from tests.walks.consultant import rest
from tests.walks.hearing import hears
from tests.walks.whole import Product, free_port, ok, running, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
ANNA_KOWALSKA, BUSY, BRIEF = "+48500000101", "+48500000103", "+48221000013"
CUSTOMER_HERTZ = 700


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    over_twilio = {
        "CALLCENTER_DEMO_TRUNK": "twilio-demo",
        "CALLCENTER_LAB_TWILIO": f"127.0.0.1:{free_port()}",
        "CALLCENTER_STREAMS": f"127.0.0.1:{free_port()}",
    }
    async with running(Product(tmp_path_factory.mktemp("product"), demo=True, extra=over_twilio)) as started:
        yield started
        assert not started.errors()
        assert "twilio would show an alert" not in started.log()


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


async def customer_is(product: Product, **wanted: object) -> None:
    async def so() -> bool:
        now = await customer(product)
        return all(now[name] == value for name, value in wanted.items())

    await until(f"the customer to be {wanted}", so)


async def customer_hears(product: Product, hertz: float) -> None:
    async def heard() -> bool:
        return bool(abs((await customer(product))["heard"]["hertz"] - hertz) < 15)

    await until(f"the customer to hear {hertz}", heard)


async def test_a_customer_calls_over_twilio_and_both_hear_each_other(product: Product, anna: Desk) -> None:
    page = anna.page
    called = await rehearsal.let_call(lab(product), ANNA_KOWALSKA, DEMO_NUMBER, tone=CUSTOMER_HERTZ)
    await expect(page.locator(".popup-ringing")).to_contain_text("Anna Kowalska")
    await page.locator("[data-answer]").click()
    await expect(page.locator("#softphone[data-phase=talking]")).to_be_visible()
    await hears(page, CUSTOMER_HERTZ)
    await customer_hears(product, MICROPHONE_HERTZ)

    await page.locator("#softphone summary", has_text="Keypad").click()
    await page.locator("#softphone [data-key='7']").click()
    await customer_is(product, digits="7")
    await rehearsal.hang_up(lab(product), called["id"])
    await anna.state("wrap_up")
    await page.get_by_role("button", name="Save and finish").click()
    await anna.state("ready")


async def test_a_customer_who_gives_up_takes_the_pop_up_along(product: Product, anna: Desk) -> None:
    called = await rehearsal.let_call(lab(product), ANNA_KOWALSKA)
    await expect(anna.page.locator(".popup-ringing")).to_be_visible()
    await rehearsal.hang_up(lab(product), called["id"])
    await expect(anna.page.locator(".popup-ringing")).to_have_count(0)


async def test_a_consultant_calls_out_talks_and_hangs_up(product: Product, anna: Desk, token: str) -> None:
    async with product.api(token) as api:
        await ok(await api.post("calls", json={"number": ANNA_KOWALSKA}))
        await expect(anna.page.locator("#softphone[data-phase=talking]")).to_be_visible()
        await customer_is(product, state="talking", direction="out", other=DEMO_NUMBER)
        await customer_hears(product, MICROPHONE_HERTZ)
        await anna.page.locator("#softphone").get_by_role("button", name="Hang up").click()
        await customer_is(product, state="ended", outcome="completed")


async def test_a_busy_customer_is_told_as_busy(product: Product, anna: Desk, token: str) -> None:
    async with product.api(token) as api:
        call = await ok(await api.post("calls", json={"number": BUSY}))

        async def busy() -> bool:
            return bool((await ok(await api.get(f"calls/{call['id']}")))["end_reason"] == "busy")

        await until("the call to end busy", busy)


async def test_an_automatic_phone_meeting_is_dialled_over_twilio(product: Product, anna: Desk, token: str) -> None:
    now = clock.now()
    async with product.api(product.command("token", "add", "maria")) as maria, product.api(token) as api:
        me = await ok(await api.get("me"))
        meeting = {
            "name": "Offer",
            "number": ANNA_KOWALSKA,
            "mode": "automatic",
            "from_at": now.isoformat(),
            "to_at": (now + dt.timedelta(hours=1)).isoformat(),
            "project_id": me["projects"][0]["id"],
            "user_id": me["user"]["id"],
        }
        planned = await ok(await maria.post("phone-meetings", json=meeting))
        await expect(anna.page.locator("#softphone[data-phase=talking]")).to_be_visible(timeout=PATIENCE)  # after the countdown
        await customer_is(product, state="talking", direction="out", other=DEMO_NUMBER)
        await anna.page.locator("#softphone").get_by_role("button", name="Hang up").click()
        await anna.state("wrap_up")

        async def held() -> bool:
            return bool((await ok(await maria.get(f"phone-meetings/{planned['id']}")))["state"] == "held")

        await until("the meeting to be held", held)


async def test_a_text_message_is_delivered_over_twilio_and_answered(product: Product, anna: Desk, token: str) -> None:
    async with product.api(token) as api:
        sent = await ok(await api.post("texts", json={"number": ANNA_KOWALSKA, "text": "Jutro o 15?", "key": "walk"}))

        async def delivered() -> bool:
            return bool((await ok(await api.get(f"texts/{sent['id']}")))["state"] == "delivered")

        await until("the message to be delivered", delivered)
    await expect(anna.page.locator("nav a[href='/texts']")).to_contain_text("1", timeout=PATIENCE)  # the customer answers
