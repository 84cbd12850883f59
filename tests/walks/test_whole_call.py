"""The whole product, real processes and real audio: a consultant over the API, the built-in carrier's customers as the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio

from callcenter import rehearsal
from callcenter.config import Settings
from callcenter.errors import NotFound
from telephony.lab.customers import DEMO_NUMBER
from tests.walks.consultant import Consultant, rest
from tests.walks.whole import Product, ok, running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one product for all stories: starting it is most of their time
ANNA_KOWALSKA, LUKASZ_WOJCIK, ZOFIA_PCMA_ONLY = "+48500000101", "+48500000102", "+48500000107"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    extra = {"CALLCENTER_DRAIN_SECONDS": "60"}
    async with running(Product(tmp_path_factory.mktemp("product"), demo=True, extra=extra)) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def token(product: Product) -> str:
    return product.command("token", "add", "anna")


@pytest_asyncio.fixture(loop_scope="module")
async def anna(product: Product, token: str) -> AsyncIterator[Consultant]:
    async with Consultant(product, token, tone=440) as consultant:
        yield consultant
        if product.process is not None and product.process.returncode is None:
            await rest(consultant.api)
            await everybody_hangs_up(product)


async def everybody_hangs_up(product: Product) -> None:
    """Wait until no customer is on the phone."""

    async def quiet() -> bool:
        going = [each for each in await rehearsal.calls(lab(product)) if each["state"] != "ended"]
        for each in going:
            with suppress(NotFound):
                await rehearsal.hang_up(lab(product), each["id"])
        return not going

    await until("everybody to have hung up", quiet)


def lab(product: Product) -> Settings:
    return Settings(data_dir=product.folder)


async def customer_call(product: Product, call_id: str) -> dict[str, Any]:
    return next(each for each in await rehearsal.calls(lab(product)) if each["id"] == call_id)


async def customer_hears(product: Product, call_id: str, hertz: float | None) -> None:
    """Wait until the customer hears this pitch; None: something else than the consultants' tones."""

    async def heard() -> bool:
        now = (await customer_call(product, call_id))["heard"]
        return bool(abs(now["hertz"] - hertz) < 15 if hertz else now["level"] > -60 and abs(now["hertz"] - 440) > 15)

    await until(f"the customer to hear {hertz or 'music'}", heard)


async def in_call(product: Product, anna: Consultant, customer: str = ANNA_KOWALSKA) -> tuple[str, str]:
    """Let a customer call and answer; returns the product's call id and the customer's."""
    call = await rehearsal.let_call(lab(product), customer, DEMO_NUMBER, tone=700)
    offered = await anna.event("call.offered")
    await ok(await anna.api.post(f"calls/{offered['call_id']}/answer"))
    await anna.event("call.answered", call_id=offered["call_id"])
    return offered["call_id"], call["id"]


@pytest.mark.parametrize("customer", [ANNA_KOWALSKA, ZOFIA_PCMA_ONLY])
async def test_a_customer_rings_both_hear_each_other_and_the_call_stands_on_the_timeline(
    product: Product, anna: Consultant, customer: str
) -> None:
    await anna.ready()
    ringing = await rehearsal.let_call(lab(product), customer, DEMO_NUMBER, tone=700)
    offered = await anna.event("call.offered")
    assert [each["rule"] for each in offered["candidates"]] == ["e164"]
    assert offered["project"] == "Customer service"
    assert (await customer_call(product, ringing["id"]))["state"] != "talking"
    await ok(await anna.api.post(f"calls/{offered['call_id']}/answer"))
    await anna.event("call.answered", call_id=offered["call_id"])
    contact_id = offered["candidates"][0]["contact_id"]
    await anna.event("contact.opened", contact_id=contact_id)
    await anna.hears(700)
    await customer_hears(product, ringing["id"], 440)
    await ok(await anna.api.post(f"calls/{offered['call_id']}/dtmf", json={"digits": "42#"}))

    async def pressed() -> bool:
        return bool((await customer_call(product, ringing["id"]))["digits"] == "42#")

    await until("the keys to arrive", pressed)
    await ok(await anna.api.post(f"calls/{offered['call_id']}/hang-up"))
    ended = await anna.event("call.ended", call_id=offered["call_id"])
    assert ended["reason"] == "completed"
    timeline = await ok(await anna.api.get(f"contacts/{contact_id}/timeline"))
    assert len([entry for entry in timeline["items"] if entry["call_id"] == offered["call_id"]]) == 1


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("+48500000103", "busy"),
        ("+48500000105", "rejected"),
        ("+48500000106", "failed"),
        ("+48500000140", "unreachable"),
    ],
)
async def test_a_call_out_that_is_not_answered_is_shown_as_what_it_is(
    product: Product, anna: Consultant, number: str, reason: str
) -> None:
    await anna.ready()
    call = await ok(await anna.api.post("calls", json={"number": number}))
    assert (await anna.event("call.ended", call_id=call["id"]))["reason"] == reason


async def test_a_call_out_is_answered_and_hung_up_by_the_customer(product: Product, anna: Consultant) -> None:
    await anna.ready()
    call = await ok(await anna.api.post("calls", json={"number": "500 000 101"}))
    await anna.event("call.ringing", call_id=call["id"])
    await anna.event("call.answered", call_id=call["id"])

    async def talking() -> dict[str, Any] | None:
        return next((each for each in await rehearsal.calls(lab(product)) if each["state"] == "talking"), None)

    customer = await until("the customer to talk", talking)
    await customer_hears(product, customer["id"], 440)
    await rehearsal.hang_up(lab(product), customer["id"])
    assert (await anna.event("call.ended", call_id=call["id"]))["reason"] == "completed"


async def test_a_consultant_whose_page_goes_away_comes_back_into_the_call(product: Product, anna: Consultant) -> None:
    await anna.ready()
    _, customer = await in_call(product, anna)
    await customer_hears(product, customer, 440)
    await anna.unplug()
    await customer_hears(product, customer, None)
    anna.session = "another-tab"
    await anna.plug_in()
    await customer_hears(product, customer, 440)
    await anna.hears(700)


async def test_the_web_may_die_in_a_call(product: Product, anna: Consultant) -> None:
    await anna.ready()
    call_id, customer = await in_call(product, anna)
    product.kill("web")
    await customer_hears(product, customer, 440)
    await until("the product to be ready again", product._ready)
    await rehearsal.hang_up(lab(product), customer)
    api = product.api(anna.token)

    async def ended() -> bool:
        return bool((await ok(await api.get(f"calls/{call_id}")))["state"] == "ended")

    await until("the call to have ended", ended)
    assert (await ok(await api.get(f"calls/{call_id}")))["end_reason"] == "completed"
    await api.aclose()


async def test_the_switch_may_die_in_a_call_and_nobody_is_left_stuck(product: Product, anna: Consultant) -> None:
    await anna.ready()
    call_id, _ = await in_call(product, anna)
    product.kill("switch")
    ended = await anna.event("call.ended", call_id=call_id)
    assert ended["reason"] == "failed"
    await until("the product to be ready again", product._ready)
    await anna.unplug()
    await anna.plug_in()
    await ok(await anna.api.put("me/state", json={"state": "ready"}))

    async def registered() -> bool:
        return "callcenter" in await rehearsal.registered(lab(product))

    await until("the trunk to be registered again", registered)
    anna.events.clear()
    await in_call(product, anna, LUKASZ_WOJCIK)  # the first customer still holds a line that leads nowhere


async def test_a_graceful_stop_lets_a_call_finish_and_takes_no_new_one(product: Product, anna: Consultant) -> None:
    """The last story: it ends the product."""
    await anna.ready()
    _, customer = await in_call(product, anna)
    assert product.process is not None
    product.process.terminate()

    async def refused() -> bool:
        another = (await rehearsal.let_call(lab(product), LUKASZ_WOJCIK, DEMO_NUMBER))["id"]
        await until("an outcome", lambda: _rings_or_is_over(product, another))
        if not await _over(product, another):  # it came before the switch had heard of the stop
            await rehearsal.hang_up(lab(product), another)
            await until("it to give up", lambda: _over(product, another))
        return (await customer_call(product, another))["status"] in (480, 503)

    await until("new calls to be refused", refused)
    await customer_hears(product, customer, 440)
    await rehearsal.hang_up(lab(product), customer)
    assert await asyncio.wait_for(product.process.wait(), 30) == 0


async def _over(product: Product, call_id: str) -> bool:
    return bool((await customer_call(product, call_id))["state"] == "ended")


async def _rings_or_is_over(product: Product, call_id: str) -> bool:
    return (await customer_call(product, call_id))["state"] in ("ringing", "talking", "ended")
