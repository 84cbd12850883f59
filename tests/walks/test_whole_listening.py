"""The whole product, real audio: a supervisor in the call of a consultant and a customer of the built-in carrier."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from callcenter import clock, rehearsal
from callcenter.config import Settings
from telephony.lab.customers import DEMO_NUMBER
from tests.walks.consultant import RATE, Consultant, rest
from tests.walks.whole import Product, ok, running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one product for both stories: starting it is most of their time
ANNA, CUSTOMER, MARIA = 440, 700, 1150  # Hz, what each of them hums
CALLER = "+48500000101"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    extra = {"CALLCENTER_DRAIN_SECONDS": "60", "CALLCENTER_STATION_GRACE_SECONDS": "4"}
    async with running(Product(tmp_path_factory.mktemp("product"), demo=True, extra=extra)) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def anna(product: Product) -> AsyncIterator[Consultant]:
    async with Consultant(product, product.command("token", "add", "anna"), tone=ANNA) as consultant:
        yield consultant
        await rest(consultant.api)


@pytest_asyncio.fixture(loop_scope="module")
async def maria(product: Product) -> AsyncIterator[Consultant]:
    async with Consultant(product, product.command("token", "add", "maria"), tone=MARIA) as supervisor:
        await supervisor.plug_in()
        yield supervisor


async def hears(who: Consultant, *wanted: float) -> None:
    """Wait until exactly these of the three hums are clear in the last half second somebody heard."""
    found: set[float] = set()

    async def right() -> bool:
        nonlocal found
        samples = np.concatenate(who.heard[-25:]).astype(float) if who.heard else np.zeros(0)
        if len(samples) < 4000:
            return False
        power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
        at = np.fft.rfftfreq(len(samples), 1 / RATE)
        shares = {
            each: float(power[np.abs(at - each) < 20].sum() / max(1.0, float(power.sum()))) for each in (ANNA, CUSTOMER, MARIA)
        }
        found = {each for each, share in shares.items() if share > 0.1}
        return found == set(wanted)

    try:
        await until(f"to hear {wanted}", right, 40)
    except AssertionError as error:
        raise AssertionError(f"{error}; heard {found}") from None


class Line:
    """The customer of a call, as the carrier tells of them."""

    def __init__(self, product: Product, id_: str) -> None:
        self.settings, self.id = Settings(data_dir=product.folder, _env_file=None), id_

    async def now(self) -> dict[str, Any]:
        return next(each for each in await rehearsal.calls(self.settings) if each["id"] == self.id)

    async def hears_only(self, hertz: float) -> None:
        """Wait until the customer hears this pitch alone, and look that it stays so for a while."""

        async def heard() -> bool:
            return bool(abs((await self.now())["heard"]["hertz"] - hertz) < 15)

        await until(f"the customer to hear {hertz}", heard)
        for _ in range(8):
            assert await heard(), "nothing else is heard in between"
            await asyncio.sleep(0.05)

    async def hears_both(self) -> None:
        """Wait until the customer hears a mix: the carrier counts crossings of zero, more of them than Anna's hum alone has."""

        async def heard() -> bool:
            return bool((await self.now())["heard"]["hertz"] > ANNA + 50)

        await until("the customer to hear both", heard)


async def talk(product: Product, anna: Consultant) -> tuple[str, Line]:
    await anna.ready()
    call = await rehearsal.let_call(Settings(data_dir=product.folder, _env_file=None), CALLER, DEMO_NUMBER, tone=CUSTOMER)
    offered = await anna.event("call.offered")
    await ok(await anna.api.post(f"calls/{offered['call_id']}/answer"))
    await anna.event("call.answered", call_id=offered["call_id"])
    line = Line(product, call["id"])
    await hears(anna, CUSTOMER)
    await line.hears_only(ANNA)
    return offered["call_id"], line


async def listening(who: Consultant) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (await ok(await who.api.get("me")))["listening"]
    return found


async def be(maria: Consultant, call_id: str, way: str) -> None:
    await ok(await maria.api.put(f"calls/{call_id}/listening", json={"way": way}))


async def test_who_hears_whom_also_when_the_web_is_killed_and_pages_are_loaded_again(
    product: Product, anna: Consultant, maria: Consultant
) -> None:
    call_id, line = await talk(product, anna)
    await be(maria, call_id, "listen")
    await hears(maria, ANNA, CUSTOMER)
    await hears(anna, CUSTOMER)
    await line.hears_only(ANNA)
    await be(maria, call_id, "whisper")
    await hears(anna, CUSTOMER, MARIA)
    await line.hears_only(ANNA)
    product.kill("web")

    async def back() -> bool:
        with suppress(Exception):
            return (await listening(maria) or {}).get("way") == "whisper"
        return False

    await until("the web to be back", back, 60)
    await hears(anna, CUSTOMER, MARIA)
    await line.hears_only(ANNA)
    await be(maria, call_id, "barge")
    await hears(anna, CUSTOMER, MARIA)
    await line.hears_both()
    await be(maria, call_id, "listen")
    await hears(anna, CUSTOMER)
    await line.hears_only(ANNA)
    await maria.unplug()  # her page is loaded again
    maria.session, maria.heard = clock.new_id(), []
    await maria.plug_in()
    await hears(maria, ANNA, CUSTOMER)
    assert (await listening(maria) or {})["call_id"] == call_id
    await ok(await maria.api.delete(f"calls/{call_id}/listening"))
    await hears(anna, CUSTOMER)
    await line.hears_only(ANNA)
    stretches = (await ok(await anna.api.get(f"calls/{call_id}/listening")))["items"]
    assert [each["way"] for each in stretches] == ["listen", "whisper", "barge", "listen"]
    assert all(each["ended_at"] for each in stretches)
    await rehearsal.hang_up(line.settings, line.id)
    await anna.event("call.ended", call_id=call_id)


async def test_a_page_that_stays_away_and_a_switch_that_is_killed_leave_nobody_listening(
    product: Product, anna: Consultant, maria: Consultant
) -> None:
    call_id, line = await talk(product, anna)
    await be(maria, call_id, "barge")
    await line.hears_both()
    await maria.unplug()

    async def out() -> bool:
        return await listening(maria) is None

    await until("her page to be given up", out, 60)
    await line.hears_only(ANNA)
    await hears(anna, CUSTOMER)
    maria.session = clock.new_id()
    await maria.plug_in()
    await be(maria, call_id, "listen")
    product.kill("switch")
    await until("the call to be over for her, too", out, 60)

    async def free() -> bool:
        me = await ok(await maria.api.get("me"))
        return bool(me["agent"]["state"] in ("offline", "ready"))

    await until("her state to be what it was", free)
    stretches = (await ok(await maria.api.get(f"calls/{call_id}/listening")))["items"]
    assert [each["way"] for each in stretches] == ["barge", "listen"]
    assert all(each["ended_at"] for each in stretches)
