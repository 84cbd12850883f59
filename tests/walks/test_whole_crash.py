"""kill -9 of each process in the middle of everything: what the others still have goes on, nothing is left stuck or lost."""

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from callcenter import rehearsal
from callcenter.config import Settings
from callcenter.errors import CallCenterError
from telephony.lab.customers import DEMO_NUMBER
from tests import postgres
from tests.conftest import KINDS
from tests.walks import invariants
from tests.walks.consultant import Consultant, rest
from tests.walks.shift import KILLS, Shift
from tests.walks.whole import Product, ok, running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")
TALKS, RINGS, WAITS, CALLED = "+48500000101", "+48500000102", "+48500000107", "+48500000104"  # the last lets it ring
MANY_KILLS = 32
Outage = Callable[[float], Awaitable[None]]
LONG_SECONDS = float(os.environ.get("CALLCENTER_SOAK_SECONDS", "600"))


@asynccontextmanager
async def demo(folder: Path, kind: str = "sqlite") -> AsyncIterator[tuple[Product, Outage]]:
    """Run the demo product on a database of this kind; beside it, what takes the database away for some seconds."""
    with ExitStack() as stack:
        sockets = stack.enter_context(postgres.cluster()) if kind == "postgresql" else ""
        url = postgres.database_url(sockets, "whole") if sockets else ""
        if sockets:
            with psycopg.connect(host=sockets, user="callcenter", dbname="postgres", autocommit=True) as admin:
                admin.execute("CREATE DATABASE whole")

        async def outage(seconds: float) -> None:
            if sockets:
                await asyncio.to_thread(postgres.stop, sockets)
                await asyncio.sleep(seconds)
                await asyncio.to_thread(postgres.start, sockets)
                return
            other = sqlite3.connect(folder / "callcenter.db", isolation_level=None, timeout=30, check_same_thread=False)
            await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
            await asyncio.sleep(seconds)
            other.execute("ROLLBACK")
            other.close()

        extra = {"CALLCENTER_HUNG_SECONDS": "10"}
        async with running(Product(folder, demo=True, database_url=url, extra=extra)) as product:
            yield product, outage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with demo(tmp_path_factory.mktemp("product")) as (started, _):
        yield started


def tokens_of(product: Product, logins: tuple[str, ...]) -> list[str]:
    return [product.command("token", "add", login) for login in logins]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tokens(product: Product) -> list[str]:
    return tokens_of(product, ("anna", "piotr", "maria"))


@pytest.mark.parametrize("killed", KILLS)
async def test_a_kill_while_one_talks_one_rings_one_waits_and_one_is_called(
    product: Product, tokens: list[str], killed: str
) -> None:
    lab = Settings(data_dir=product.folder, _env_file=None)
    async with (
        Consultant(product, tokens[0]) as anna,
        Consultant(product, tokens[1]) as piotr,
        Consultant(product, tokens[2]) as maria,
    ):
        await anna.ready()
        await rehearsal.let_call(lab, TALKS, DEMO_NUMBER)
        talk = (await anna.event("call.offered"))["call_id"]
        await ok(await anna.api.post(f"calls/{talk}/answer"))
        await anna.event("call.answered", call_id=talk)
        await piotr.ready()
        await rehearsal.let_call(lab, RINGS, DEMO_NUMBER)
        ringing = (await piotr.event("call.offered"))["call_id"]
        await rehearsal.let_call(lab, WAITS, DEMO_NUMBER)
        await maria.plug_in()
        await ok(await maria.api.put("me/state", json={"state": "break"}))
        dialled = (await ok(await maria.api.post("calls", json={"number": CALLED})))["id"]
        await maria.event("call.ringing", call_id=dialled)
        await ok(await anna.api.put(f"calls/{talk}/draft", json={"note": "half a sen"}))

        await KILLS[killed](product)
        await until("the product to be ready again", product._ready, 60)

        calls = {each: await ok(await maria.api.get(f"calls/{each}")) for each in (talk, ringing, dialled)}
        assert calls[talk]["draft"] == "half a sen"
        if killed == "web":
            assert [calls[each]["state"] for each in (talk, ringing, dialled)] == ["talking", "offered", "ringing"]
            await ok(await piotr.api.post(f"calls/{ringing}/answer"))
            await piotr.event("call.answered", call_id=ringing)
        else:
            for desk, call_id in ((anna, talk), (maria, dialled)):
                reason = (await desk.event("call.ended", call_id=call_id))["reason"]
                assert reason == "failed" or killed == "parent", reason  # its children are told to stop: they hang up properly
            await piotr.event("call.withdrawn", call_id=ringing)
        for desk in (anna, piotr, maria):
            await desk.unplug()
            await desk.plug_in()
        await everybody_hangs_up(product)
        for desk in (anna, piotr, maria):
            await rest(desk.api)
        await invariants.at_rest(product)
        missed = (await ok(await maria.api.get("call-backs", params={"mine": False})))["items"]
        assert (ringing in {each["call_id"] for each in missed}) == (killed != "web")

        await ok(await anna.api.put("me/state", json={"state": "ready"}))
        await until("the trunk to be registered again", lambda: _registered(lab))
        anna.events.clear()
        await rehearsal.let_call(lab, "+48221000013", DEMO_NUMBER)
        await anna.event("call.offered")
        await everybody_hangs_up(product)
        await rest(anna.api)


@pytest.mark.parametrize("name", ["switch", "web"])
async def test_a_process_that_hangs_is_started_again(product: Product, name: str) -> None:
    hung = product.pid_of(name)
    os.kill(hung, signal.SIGSTOP)

    async def another() -> bool:
        return bool(set(product.pids(name)) - {hung}) and hung not in product.pids(name)

    await until(f"the {name} to be started again", another, 60)
    await until("the product to be ready again", product._ready, 60)
    assert "shows no life" in product.log()


async def test_the_carrier_may_die_in_a_talk(product: Product, tokens: list[str]) -> None:
    lab = Settings(data_dir=product.folder, _env_file=None)
    async with Consultant(product, tokens[0]) as anna:
        await anna.ready()
        await until("the trunk to be registered", lambda: _registered(lab))
        await rehearsal.let_call(lab, TALKS, DEMO_NUMBER)
        talk = (await anna.event("call.offered"))["call_id"]
        await ok(await anna.api.post(f"calls/{talk}/answer"))
        await anna.event("call.answered", call_id=talk)
        dead = product.kill("lab")

        async def another() -> bool:
            return any(each != dead for each in product.pids("lab")) and lab.socket_path("lab").exists()

        await until("another carrier", another)
        await ok(await anna.api.post(f"calls/{talk}/hang-up"))
        assert (await anna.event("call.ended", call_id=talk))["reason"] == "completed"
        await ok(await anna.api.post("me/wrap-up/finish"))
        anna.events.clear()

        async def rings() -> bool:
            with suppress(CallCenterError):  # its socket may not be open yet
                await rehearsal.let_call(lab, RINGS, DEMO_NUMBER)
                return True
            return False

        await until("the carrier to let a customer call", rings)
        await anna.event("call.offered")
        await everybody_hangs_up(product)
        await rest(anna.api)
        await invariants.at_rest(product)


async def test_children_that_were_just_started_when_their_parent_was_killed_go_too(tmp_path: Path) -> None:
    product = Product(tmp_path)
    starting = asyncio.create_task(product.start())

    async def started() -> bool:
        return product.process is not None and bool(product.pids("switch"))

    await until("the first child", started)
    starting.cancel()
    await product.kill_parent()


@pytest.mark.parametrize("moment", ["at once", "switch", "web"])
async def test_a_stop_at_any_moment_of_the_start_stops(tmp_path: Path, moment: str) -> None:
    product = Product(tmp_path)
    await asyncio.to_thread(product.command, "migrate")
    starting = asyncio.create_task(product.start())

    async def begun() -> bool:
        return product.process is not None and (bool(product.pids(moment)) if moment != "at once" else serving(product))

    await until("the moment", begun)
    starting.cancel()
    assert product.process is not None
    product.process.terminate()
    assert await asyncio.wait_for(product.process.wait(), 60) in (0, -signal.SIGTERM), product.log()
    assert not [each for name in ("switch", "web") for each in product.pids(name)]


def serving(product: Product) -> bool:
    """Tell whether `serve` has taken the data folder: its children come next."""
    return (product.folder / "serve.lock").exists()


async def _registered(lab: Settings) -> bool:
    return "callcenter" in await rehearsal.registered(lab)


async def everybody_hangs_up(product: Product) -> None:
    """Let every customer hang up who is on the telephone."""
    lab = Settings(data_dir=product.folder, _env_file=None)
    for each in await rehearsal.calls(lab):
        if each["state"] != "ended":
            await rehearsal.hang_up(lab, each["id"])


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
async def test_kills_at_random_moments_of_a_random_shift(tmp_path: Path, kind: str) -> None:
    seed = int(os.environ.get("CALLCENTER_SOAK_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed} on {kind}")  # noqa: T201 - who repeats it needs it
    chance = random.Random(seed)
    async with demo(tmp_path, kind) as (product, outage):
        async with Shift(product, tokens_of(product, ("anna", "piotr", "maria")), seed, torn=True) as shift:
            for n in range(MANY_KILLS):
                await asyncio.sleep(chance.uniform(0, 5))  # the moment is what is random
                shift.check()
                name = chance.choice([*KILLS, "database"])
                print(f"kill {n}: {name}", flush=True)  # noqa: T201
                await (outage(chance.uniform(0, 7)) if name == "database" else KILLS[name](product))
                if chance.random() < 0.5:
                    await until("the product to be ready again", product._ready, 60)
            await until("the product to be ready again", product._ready, 60)
        print(dict(shift.done))  # noqa: T201


@pytest.mark.soak
async def test_a_long_random_shift(tmp_path: Path) -> None:
    seed = int(os.environ.get("CALLCENTER_SOAK_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed}, {LONG_SECONDS:g} s")  # noqa: T201
    async with demo(tmp_path) as (product, _):
        async with Shift(product, tokens_of(product, ("anna", "piotr", "maria")), seed) as shift:
            end = time.monotonic() + LONG_SECONDS
            while time.monotonic() < end:
                await asyncio.sleep(1)
                shift.check()
        print(dict(shift.done))  # noqa: T201
        assert not product.errors(), product.errors()
        assert min(shift.done[each] for each in ("rang", "answer", "decline", "dialled", "reloaded", "hang-up")) > 0
