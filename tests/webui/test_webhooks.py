"""The door carriers come in by: what reaches the switch, what does not, and what goes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import structlog

from callcenter import clock
from callcenter.actor import Actor, Role
from callcenter.errors import Unavailable
from callcenter.phone import LONGEST_WEBHOOK, Query, Refusal, Reply, Webhook, WebhookAnswer
from callcenter.trunks import service as trunks
from callcenter.trunks.service import TrunkInput, TwilioInput
from tests.callcenter.trunks.test_twilio import NUMBER, SID, TOKEN
from tests.webui.conftest import Site, serving
from webui import webhooks
from webui.webhooks import PATIENCE, Strangers

ADMIN = Actor(None, "root", Role.ADMINISTRATOR)
FORM = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8", "x-twilio-signature": "signed="}
TWIML = WebhookAnswer(200, "<Response/>", "text/xml")


@pytest.fixture
async def trunk_id(site: Site) -> int:
    data = TwilioInput(
        kind="twilio",
        name="twilio",
        account_sid=SID,
        auth_token=TOKEN,
        caller_ids=[NUMBER],
        public_url="https://calls.example.com",
    )
    async with site.database.unit_of_work(ADMIN) as uow:
        made = (await trunks.add_trunk(uow, data)).id
    site.phone.webhook_answer = TWIML
    return made


@asynccontextmanager
async def carrier(site: Site, address: str = "203.0.113.9") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(site.app, raise_app_exceptions=False, client=(address, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="https://calls.example.com") as client:
        yield client


def asked(site: Site) -> list[Webhook]:
    return [each for each in site.phone.queries if isinstance(each, Webhook)]


async def test_a_webhook_reaches_the_switch_as_it_came_and_the_answer_goes_back(site: Site, trunk_id: int) -> None:
    body = "CallSid=CA1&To=%2B48221234567&From=&Body=Zb%C3%B3j+a%26b&To=again"
    async with carrier(site) as client:
        answer = await client.post(f"/twilio/{trunk_id}/voice/abc?leg=1&x=%20", content=body, headers=FORM)
        assert (answer.status_code, answer.text) == (200, "<Response/>")
        assert answer.headers["content-type"].startswith("text/xml")
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert (await client.get(f"/twilio/{trunk_id}/voice", headers={"x-twilio-signature": "s"})).status_code == 200
    params = (("CallSid", "CA1"), ("To", "+48221234567"), ("From", ""), ("Body", "Zbój a&b"), ("To", "again"))
    assert asked(site) == [
        Webhook(trunk_id, "voice/abc", "leg=1&x=%20", params, "signed="),
        Webhook(trunk_id, "voice", "", (), "s"),
    ]
    assert PATIENCE > LONGEST_WEBHOOK


async def test_neither_host_nor_cookie_nor_origin_counts(site: Site, trunk_id: int) -> None:
    site.app.state.settings = site.settings.model_copy(update={"public_url": "https://desk.example.com"})
    headers = {**FORM, "host": "calls.example.com", "cookie": "callcenter_session=x", "origin": "https://evil.example.com"}
    async with carrier(site) as client:
        assert (await client.post(f"/twilio/{trunk_id}/voice", headers=headers)).status_code == 200


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_other_methods_are_refused(site: Site, trunk_id: int, method: str) -> None:
    async with carrier(site) as client:
        answer = await client.request(method, f"/twilio/{trunk_id}/voice")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert asked(site) == []


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ({}, b"a=b", 415),
        (FORM, b"a=" + b"x" * 65_536, 413),
        ({**FORM, "content-length": "70000"}, b"a=b", 413),
        (FORM, b"a=%ff", 400),
        (FORM, b"a=\xff", 400),
        (FORM, b"a&" * 500, 400),
    ],
)
async def test_what_no_carrier_sends_does_not_reach_the_switch(
    site: Site, trunk_id: int, headers: dict[str, str], content: bytes, status: int
) -> None:
    async with carrier(site) as client:
        answer = await client.post(f"/twilio/{trunk_id}/voice", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert asked(site) == []


async def test_only_trunks_that_take_webhooks_are_asked_about(site: Site, trunk_id: int) -> None:
    async with site.database.unit_of_work(ADMIN) as uow:
        sip = await trunks.add_trunk(uow, TrunkInput(name="sip", host="sip.example.com"))
    bad: tuple[str, ...] = (
        f"{sip.id}/voice",
        "999/voice",
        f"{2**31}/voice",
        f"{10**30}/voice",
        f"{trunk_id}/",
        "x/voice",
        f"-{trunk_id}/voice",
    )
    bad += (f"{trunk_id}/%00", f"{trunk_id}/a%20b", f"{trunk_id}//voice", f"{trunk_id}/" + "v" * 200)
    async with carrier(site) as client:
        for path in bad:
            answer = await client.post(f"/twilio/{path}", headers=FORM)
            assert answer.status_code == 404, path
    assert asked(site) == []


async def test_a_switch_that_comes_back_in_time_answers_after_all(site: Site, trunk_id: int) -> None:
    site.phone.refuse("webhook", Unavailable("The telephone switch cannot be reached. Try again in a moment."))
    async with carrier(site) as client:
        waiting = asyncio.create_task(client.post(f"/twilio/{trunk_id}/voice", headers=FORM))
        while len(asked(site)) < 2:
            await asyncio.sleep(0.01)
        assert not waiting.done()
        site.phone.refuse("webhook", None)
        assert (await waiting).text == "<Response/>"


async def test_a_switch_that_is_away_is_503_in_plain_words(site: Site, trunk_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "SWITCH_BACK_SECONDS", 0.3)
    async with carrier(site) as client:
        site.phone.refuse("webhook", Unavailable("The telephone switch did not answer in time. Try again."))
        answer = await client.post(f"/twilio/{trunk_id}/voice", headers=FORM)
        assert (answer.status_code, answer.text) == (503, "The telephone switch did not answer in time. Try again.\n")
        site.phone.refuse("webhook", None)
        site.phone.webhook_answer = Refusal("No.", 409)  # type: ignore[assignment]  # whatever a switch may say
        assert (await client.post(f"/twilio/{trunk_id}/voice", headers=FORM)).status_code == 409


async def test_wrong_signatures_shut_their_address_out_for_a_minute_and_no_other(
    site: Site, trunk_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    site.phone.webhook_answer = WebhookAnswer(403)
    async with carrier(site) as client, carrier(site, "203.0.113.10") as other, carrier(site, "127.0.0.1") as proxy:
        with structlog.testing.capture_logs() as logged:
            for _ in range(Strangers.MOST):
                assert (await client.post(f"/twilio/{trunk_id}/voice", headers=FORM)).status_code == 403
                assert (await proxy.post(f"/twilio/{trunk_id}/voice", headers=FORM)).status_code == 403
        assert [each["address"] for each in logged if each["event"] == "webhook.shut_out"] == ["203.0.113.9"]
        site.phone.webhook_answer = TWIML
        answer = await client.post(f"/twilio/{trunk_id}/voice", headers=FORM)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "61")
        assert (await other.post(f"/twilio/{trunk_id}/voice", headers=FORM)).status_code == 200
        assert (await proxy.post(f"/twilio/{trunk_id}/voice", headers=FORM)).status_code == 200
        now += Strangers.SECONDS + 1
        assert (await client.post(f"/twilio/{trunk_id}/voice", headers=FORM)).status_code == 200


def test_few_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Strangers, "WATCHED", 3)
    strangers = Strangers()
    for number in range(10):
        strangers.wrong(f"203.0.113.{number}", 1)
    assert list(strangers._wrong) == ["203.0.113.7", "203.0.113.8", "203.0.113.9"]


async def test_nothing_of_what_comes_is_logged(site: Site, trunk_id: int) -> None:
    async with carrier(site) as client:
        with structlog.testing.capture_logs() as logged:
            await client.post(f"/twilio/{trunk_id}/voice?token=hidden", content="From=%2B48999888777", headers=FORM)
    [line] = [each for each in logged if each["event"] == "web.request"]
    assert line["path"] == f"/twilio/{trunk_id}/voice"
    for word in ("hidden", "48999888777", "signed"):
        assert word not in str(logged)


async def test_webhooks_are_counted_apart_from_pages(site: Site, trunk_id: int) -> None:
    async with carrier(site) as client:
        await client.post(f"/twilio/{trunk_id}/voice", headers=FORM)
    async with site.client() as client:
        told = (await client.get("/metrics", headers={"host": "127.0.0.1"})).text
    assert 'callcenter_webhook_seconds_count{status="200"}' in told


class Waiting:
    """A switch that thinks until it is told to answer, and notices when nobody waits any more."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.left, self.decided = asyncio.Event(), asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(site.phone, "ask", self.ask)

    async def ask(self, _query: Query, timeout: float = 5.0) -> Reply:
        self.asked.set()
        try:
            await asyncio.wait_for(self.decided.wait(), timeout)
        except asyncio.CancelledError:
            self.left.set()
            raise
        return TWIML


async def test_a_reply_is_held_until_somebody_decides(site: Site, trunk_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    switch = Waiting(site, monkeypatch)
    async with serving(site) as address, httpx.AsyncClient() as client:
        calling = asyncio.create_task(client.post(f"http://{address}/twilio/{trunk_id}/voice", headers=FORM))
        await switch.asked.wait()
        assert not calling.done()
        switch.decided.set()
        assert (await calling).text == "<Response/>"


async def test_a_carrier_that_hangs_up_leaves_nothing_behind(site: Site, trunk_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    switch = Waiting(site, monkeypatch)
    async with serving(site) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /twilio/{trunk_id}/voice HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        head += f"Content-Type: {FORM['content-type']}\r\n\r\n"
        writer.write(head.encode() + b"a=b")
        await writer.drain()
        await switch.asked.wait()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(30):
            await switch.left.wait()
        assert await reader.read() == b""


async def test_webhooks_are_no_part_of_the_api_people_use(site: Site) -> None:
    async with site.client() as client:
        assert "/twilio/" not in (await client.get("/api/v1/openapi.json")).text
