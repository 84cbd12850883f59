"""The demo's Twilio: its customers call and are called as those of the SIP carrier, asked for over the same connection."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from callcenter import rehearsal
from callcenter.config import Settings
from callcenter.db import Database
from callcenter.errors import Conflict, NotFound, Unavailable
from callcenter.main import demo, preflight, twilio_demo
from callcenter.projects import service as projects
from callcenter.trunks import service as trunks
from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER
from tests.peers.twilio import TwilioPeer
from tests.peers.twilio.demo import serve
from tests.peers.twilio_app import App, client_of, unused
from tests.telephony.waiting import until

ANNA, PIOTR, TOMASZ, HIDES = "+48500000101", "+48500000103", "+48500000105", "+48500000109"


class Demo:
    """The demo's Twilio in this process, and an app in the product's place."""

    def __init__(self, settings: Settings, app: App, peer: TwilioPeer) -> None:
        self.settings, self.app, self.peer = settings, app, peer

    async def call_of(self, number: str) -> dict[str, Any]:
        return next(each for each in reversed(await rehearsal.calls(self.settings)) if each["number"] == number)

    async def until(self, number: str, **wanted: object) -> dict[str, Any]:
        """Wait until a customer's call is as wanted."""
        for _ in range(1500):
            found = await self.call_of(number)
            if all(found[name] == value for name, value in wanted.items()):
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"{found} is not {wanted}")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Demo]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(data_dir=tmp_path, demo=True, demo_trunk="twilio-demo", lab_twilio=f"127.0.0.1:{port}", _env_file=None)
    ours = twilio_demo.account(tmp_path)
    account = TwilioPeer(account_sid=ours.account_sid, auth_token=ours.auth_token, port=port)
    async with App(account) as app:
        ours = twilio_demo.Account(ours.account_sid, ours.auth_token, f"{app.url}/voice")
        app.documents |= {"voice": app.connect(), "text": " "}
        stop = asyncio.Event()
        serving = asyncio.create_task(serve(settings, ours, stop))
        await until(settings.socket_path("lab").exists)
        yield Demo(settings, app, account)
        stop.set()
        await serving


async def test_a_customer_calls_speaks_then_echoes(running: Demo) -> None:
    assert len(await rehearsal.customers(running.settings)) == len(CUSTOMERS)
    made = await rehearsal.let_call(running.settings, ANNA)
    assert (made["number"], made["other"], made["direction"]) == (ANNA, DEMO_NUMBER, "in")
    with pytest.raises(Conflict):
        await rehearsal.let_call(running.settings, ANNA)
    await until(lambda: running.app.sockets and len(running.app.sockets[0].audio) > 10)
    spoken = running.app.sockets[0].audio
    assert len(set(spoken)) > 3  # no silence, no tone
    await running.until(ANNA, state="talking")
    await running.app.sockets[0].say(b"\x11" * 8000 * 8)  # longer than anybody greets
    await until(lambda: b"\x11" * 160 in spoken)
    await running.app.sockets[0].socket.close()
    await running.until(ANNA, state="ended", outcome="completed")


async def test_a_customer_hums_is_heard_presses_and_hangs_up(running: Demo) -> None:
    made = await rehearsal.let_call(running.settings, ANNA, tone=440)
    await until(lambda: running.app.sockets and len(running.app.sockets[0].audio) > 3)
    await rehearsal.press(running.settings, made["id"], "12")
    await until(lambda: len(running.app.sockets[0].of("dtmf")) == 2)
    from tests.peers.twilio import sound

    hum = sound.tone(1000)
    await running.app.sockets[0].say(b"".join(hum() for _ in range(100)))
    for _ in range(500):
        heard = (await running.call_of(ANNA))["heard"]
        if abs(heard["hertz"] - 1000) < 15:
            break
        await asyncio.sleep(0.02)
    assert abs(heard["hertz"] - 1000) < 15
    await rehearsal.hang_up(running.settings, made["id"])
    await running.until(ANNA, state="ended", outcome="hung_up")
    await until(lambda: running.app.sockets[0].over)


async def test_who_hides_and_who_is_not_there(running: Demo) -> None:
    await rehearsal.let_call(running.settings, HIDES)
    await until(lambda: running.app.told("/voice/voice", "From") == ["+266696687"])
    with pytest.raises(NotFound):
        await rehearsal.let_call(running.settings, "+48111111111")
    with pytest.raises(NotFound):
        await rehearsal.let_call(running.settings, ANNA, "+48221000099")


async def test_customers_who_are_called_answer_are_busy_decline_or_do_not_exist(running: Demo) -> None:
    client = client_of(running.peer)
    running.app.documents["out"] = running.app.connect()
    sids = {}
    for number in (ANNA, PIOTR, TOMASZ, "+48500000999"):
        made = await client.calls.create_async(to=number, from_=DEMO_NUMBER, url=f"{running.app.url}/voice/out")
        sids[number] = made.sid
    await running.until(ANNA, state="talking", direction="out")
    await running.until(PIOTR, state="ended", status=486)
    await running.until(TOMASZ, state="ended", status=603)
    assert (await client.calls(sids["+48500000999"]).fetch_async()).status == "failed"
    assert (await rehearsal.behave(running.settings, ANNA, "busy"))["behaviour"] == "busy"
    await unused(client)


async def test_a_customer_answers_a_text_and_a_landline_takes_none(running: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.peers.twilio.demo._ANSWER_AFTER", 0.01)
    client = client_of(running.peer)
    await client.messages.create_async(to=ANNA, from_=DEMO_NUMBER, body="Your papers are ready")
    await until(lambda: running.app.told("/voice/text", "From") == [ANNA])
    with pytest.raises(TwilioRestException) as refused:
        await client.messages.create_async(to="+48221000012", from_=DEMO_NUMBER, body="Your papers are ready")
    assert refused.value.code == 21614
    await unused(client)


async def test_the_demo_leads_to_the_carrier_that_was_asked_for(database: Database) -> None:
    here, there = Settings(_env_file=None), Settings(demo_trunk="twilio-demo", _env_file=None)
    folder = database.settings.data_dir
    here, there = here.model_copy(update={"data_dir": folder}), there.model_copy(update={"data_dir": folder})
    async with database.unit_of_work() as uow:
        await demo._add_project(uow, await demo._put_carrier(uow, here))
    for settings, wanted in ((there, "Twilio (demo)"), (here, "Built-in carrier"), (there, "Twilio (demo)")):
        async with database.unit_of_work() as uow:
            await demo._lead_to(uow, await demo._put_carrier(uow, settings))
        async with database.reading() as uow:
            enabled = {each.name: each.id for each in await trunks.list_trunks(uow) if each.enabled}
            (project,) = await projects.list_projects(uow)
            assert list(enabled) == [wanted]
            assert project.trunk_id == enabled[wanted]
    assert twilio_demo.account(folder).webhooks == f"http://127.0.0.1:8000/twilio/{enabled[wanted]}"
    assert (folder / "lab-twilio.json").stat().st_mode & 0o777 == 0o600


def test_without_the_source_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    twilio_demo.check()
    monkeypatch.setattr(twilio_demo, "_SOURCE", tmp_path)
    with pytest.raises(Unavailable, match="part of the source"):
        twilio_demo.check()


@pytest.mark.parametrize("setting", ["lab_twilio", "streams"])
def test_an_address_that_is_taken_is_told_before_anything_starts(setting: str, tmp_path: Path) -> None:
    free = dict.fromkeys(("http", "sip", "lab_twilio", "streams"), "127.0.0.1:0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        free[setting] = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = Settings(data_dir=tmp_path, demo=True, demo_trunk="twilio-demo", _env_file=None, **free)  # type: ignore[arg-type]
        with pytest.raises(Unavailable, match=f"CALLCENTER_{setting.upper()}"):
            preflight.check(settings)
        preflight.check(settings.model_copy(update={"demo_trunk": "sip", "lab_sip": "127.0.0.1:0"}))
