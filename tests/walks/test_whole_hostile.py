"""Bad input through every door of the whole product, most of it while two people talk: they do not notice."""

import asyncio
import random
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from callcenter.calls.models import Call, Leg
from tests.telephony.sip.peer import sdp
from tests.walks import invariants
from tests.walks.caller import HOST, Carrier, Customer
from tests.walks.consultant import Consultant, rest
from tests.walks.torture import TORTURE
from tests.walks.whole import PROJECT_NUMBER, Product, ok, running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one product takes it all
CUSTOMER_HERTZ, CONSULTANT_HERTZ, FOREIGN_HERTZ = 700.0, 440.0, 1500.0


@dataclass(frozen=True, slots=True)
class Site:
    """The product, the carrier its trunk leads to, and bearer tokens by login."""

    product: Product
    carrier: Carrier
    tokens: dict[str, str]

    def api(self, login: str = "chief") -> httpx.AsyncClient:
        """Return a client of the API as this person."""
        return self.product.api(self.tokens[login])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    product = Product(tmp_path_factory.mktemp("product"))
    carrier = await Carrier.at(product)
    tokens = await product.furnish(trunk_port=carrier.port, consultants=2)
    try:
        async with running(product):
            yield Site(product, carrier, tokens)
            await invariants.at_rest(product)
            assert not product.errors(), product.errors()
    finally:
        carrier.close()


@pytest_asyncio.fixture(loop_scope="module")
async def one(site: Site) -> AsyncIterator[Consultant]:
    """Seat the first consultant, ready."""
    async with Consultant(site.product, site.tokens["consultant1"], tone=CONSULTANT_HERTZ) as consultant:
        await consultant.ready()
        yield consultant
        await rest(consultant.api)


@pytest_asyncio.fixture(loop_scope="module")
async def talk(site: Site, one: Consultant) -> AsyncIterator[Customer]:
    """Let a customer call and be answered; afterwards they hear each other still, and the customer hangs up."""
    customer, _ = await talking(site, one)
    yield customer
    assert not customer.hung_up_on
    await both_hear(one, customer)
    customer.hang_up()
    await one.event("call.ended", reason="completed")


async def talking(site: Site, consultant: Consultant) -> tuple[Customer, str]:
    """Let a customer ring, answer, and wait until both hear each other; returns the customer and the call's id."""
    customer = await Customer.rings(site.carrier, tone=CUSTOMER_HERTZ)
    offered = await consultant.event("call.offered")
    await ok(await consultant.api.post(f"calls/{offered['call_id']}/answer"))
    await customer.answered()
    await both_hear(consultant, customer)
    return customer, offered["call_id"]


async def both_hear(consultant: Consultant, customer: Customer) -> None:
    """Wait until each hears the other's tone."""
    await customer.hears(CONSULTANT_HERTZ)
    await consultant.hears(CUSTOMER_HERTZ)


async def counter(site: Site, name: str) -> float:
    """Return one of the switch's own totals."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{site.product.url}/metrics")).text
    line = next((each for each in text.splitlines() if each.startswith(f'callcenter_switch_counter{{name="{name}"}}')), "x 0")
    return float(line.split()[-1])


# --- SIP ----------------------------------------------------------------------------------------------------------------


async def test_the_torture_tests_of_rfc_4475_disturb_no_talk(site: Site, talk: Customer) -> None:
    before = await counter(site, "malformed")
    for data in TORTURE.values():
        site.carrier.send(data)
        await site.carrier.answers()
    assert await counter(site, "malformed") >= before + 15


async def test_truncated_giant_and_senseless_datagrams_disturb_no_talk(site: Site, talk: Customer) -> None:
    whole = site.carrier.invite(call_id="cut").encode()
    noise = random.Random(4475)
    for length in range(1, len(whole) - 150, 13):  # without its Content-Length a shorter one may be a whole message
        site.carrier.send(whole[:length])
    await site.carrier.answers()
    for _ in range(10):
        site.carrier.send(b"INVITE sip:a@b SIP/2.0\r\n" + b"X: y\r\n" * 10_000)
        site.carrier.send(noise.randbytes(65_000))
    await site.carrier.answers()
    for _ in range(500):
        site.carrier.send(noise.randbytes(noise.randint(1, 400)))
    await site.carrier.answers()
    assert await counter(site, "malformed") > 100


async def test_a_stranger_is_refused_a_few_times_a_second_and_then_only_counted(site: Site, talk: Customer) -> None:
    stranger = await Carrier.at(site.product, "127.0.0.2")
    before = await counter(site, "strangers_dropped")
    for n in range(200):
        stranger.send(stranger.invite(call_id=f"stranger-{n}"))

    async def all_seen() -> bool:
        refused = {each.get("call-id") for each in stranger.arrived if each.code == 403}
        return len(refused) >= 5 and await counter(site, "strangers_dropped") - before + len(refused) >= 200

    await until("each refused, or counted and dropped", all_seen)
    await site.carrier.answers()  # whom we know is heard beside it
    stranger.close()
    assert 1 <= site.product.log().count("sip_refused_stranger") <= 20


@pytest.mark.parametrize(
    "body",
    [
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n",
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 40002 RTP/AVP 31\r\n",
        sdp("18 101", more="a=rtpmap:18 G729/8000\r\n"),
        sdp("8", port=0),
        "this is no description",
    ],
    ids=["no media", "video only", "no common codec", "audio refused", "nonsense"],
)
async def test_a_call_without_audio_we_speak_is_488_and_nobodys(site: Site, one: Consultant, body: str) -> None:
    customer = await Customer.rings(site.carrier, body=body)
    assert await customer.final() == 488
    assert not [each for each in one.events if each["type"] == "call.offered"]


async def test_video_beside_audio_is_refused_within_the_answer(site: Site, one: Consultant) -> None:
    customer = await Customer.rings(site.carrier, more="m=video 40002 RTP/AVP 31\r\n")
    offered = await one.event("call.offered")
    await ok(await one.api.post(f"calls/{offered['call_id']}/answer"))
    await customer.answered()
    assert customer.answer is not None
    assert "m=video 0 " in customer.answer.body
    await both_hear(one, customer)
    customer.hang_up()


async def test_the_far_end_asks_for_what_we_cannot_within_the_talk_and_the_talk_goes_on(site: Site, talk: Customer) -> None:
    answer = talk.answer
    assert answer is not None
    for cseq, body in enumerate((sdp("18", more="a=rtpmap:18 G729/8000\r\n"), "nonsense"), start=10):
        site.carrier.send(site.carrier.within("INVITE", talk.invite, answer, cseq, body=body))

        async def refused(cseq: int = cseq) -> bool:
            return any(each.code == 488 and each.get("cseq").startswith(f"{cseq} ") for each in site.carrier.of(talk.call_id))

        await until("488", refused)
    for cseq, method in enumerate(("INFO", "REFER", "SUBSCRIBE", "MESSAGE", "NONSENSE"), start=20):
        site.carrier.send(site.carrier.within(method, talk.invite, answer, cseq, body="Signal=Z", content_type="text/plain"))
    await site.carrier.answers()
    site.carrier.send(site.carrier.within("BYE", talk.invite, answer, 30, headers={"From": f"<sip:a@{HOST}>;tag=forged"}))
    await site.carrier.answers()


CALLERS = {
    "empty user": ({"From": f"<sip:{HOST}>;tag=t1"}, "", "withheld"),
    "empty user with @": ({"From": f"<sip:@{HOST}>;tag=t2"}, "", "withheld"),
    "anonymous": ({"From": '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=t3'}, "", "withheld"),
    "alphanumeric": ({"From": f"<sip:bob.smith@{HOST}>;tag=t4"}, "bob.smith", "invalid"),
    "three digits": ({"From": f"<sip:123@{HOST}>;tag=t5"}, "123", "short"),
    "thirty digits": ({"From": f"<sip:{'123456789' * 3}012@{HOST}>;tag=t6"}, "123456789" * 3 + "012", "invalid"),
    "markup": ({"From": f'"<script>alert(1)</script>" <sip:%3Cb%3E@{HOST}>;tag=t7'}, "<b>", "invalid"),
    "quotes": ({"From": f'"Robert\'); DROP TABLE calls;--" <sip:600700800@{HOST}>;tag=t8'}, "+48600700800", "unknown"),
    "a name of 4000 letters": ({"From": f'"{"x" * 4000}" <sip:600700801@{HOST}>;tag=t9'}, "+48600700801", "unknown"),
}


@pytest.mark.parametrize("name", CALLERS)
async def test_any_caller_number_reaches_the_pop_up_as_what_it_is(site: Site, one: Consultant, name: str) -> None:
    headers, number, identification = CALLERS[name]
    customer = await Customer.rings(site.carrier, headers=headers)
    offered = await one.event("call.offered")
    customer.cancel()
    assert (offered["number"], offered["identification"]) == (number, identification)
    assert offered["candidates"] == []
    assert len(offered["caller_name"]) <= 200
    assert await customer.final() == 487
    await one.event("call.withdrawn", call_id=offered["call_id"])
    assert (await ok(await one.api.get(f"calls/{offered['call_id']}")))["end_reason"] == "cancelled"


async def test_one_number_on_two_contacts_typed_four_ways_is_asked_about(site: Site, one: Consultant) -> None:
    people = {"Ewa": ("+48 601 234 567", "601-234-567"), "Jan": ("0048601234567", "(601) 23 45 67")}
    async with site.api() as chief:
        for first_name, typed in people.items():
            numbers = [{"type": "other", "number": each} for each in typed]
            await ok(await chief.post("contacts", json={"first_name": first_name, "last_name": "Lis", "numbers": numbers}))
    for sent in ("+48601234567", "48601234567", "0048601234567", "601234567"):
        customer = await Customer.rings(site.carrier, number=sent)
        offered = await one.event("call.offered")
        customer.cancel()
        assert await customer.final() == 487
        assert offered["identification"] == "several"
        assert sorted(each["name"] for each in offered["candidates"]) == ["Ewa Lis", "Jan Lis"]
        assert (await ok(await one.api.get(f"calls/{offered['call_id']}")))["contact_id"] is None
        await one.event("call.withdrawn", call_id=offered["call_id"])
        one.events.clear()


# --- audio --------------------------------------------------------------------------------------------------------------


async def test_audio_from_a_foreign_address_after_the_latch_is_counted_and_not_heard(site: Site, one: Consultant) -> None:
    customer, call_id = await talking(site, one)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
        foreign.bind((HOST, 0))
        hertz, customer.ear.hertz = customer.ear.hertz, FOREIGN_HERTZ
        packets = [customer.ear.packet(n) for n in range(100)]
        customer.ear.hertz = hertz
        for number, packet in enumerate(packets):
            foreign.sendto(packet, customer.audio)
            foreign.sendto(packet[:7], customer.audio)
            if number % 10 == 9:
                await asyncio.sleep(0.02)  # what overflows the socket is the kernel's to drop, ours with the foreign
        foreign.sendto(random.Random(1).randbytes(60_000), customer.audio)
    one.heard.clear()
    await both_hear(one, customer)
    customer.hang_up()
    await one.event("call.ended", call_id=call_id)
    async with site.product.database() as database, database.reading() as uow:
        quality = await uow.session.scalar(select(Leg.quality).where(Leg.call_id == call_id))
    assert quality is not None
    assert quality["foreign"] >= 100
    assert quality["lost"] == 0


# --- people -------------------------------------------------------------------------------------------------------------


async def test_of_two_consultants_who_answer_one_call_one_has_it_and_one_gets_a_sentence(site: Site, one: Consultant) -> None:
    async with Consultant(site.product, site.tokens["consultant2"]) as two:
        await two.ready()
        customer = await Customer.rings(site.carrier, tone=CUSTOMER_HERTZ)
        call_id = (await one.event("call.offered"))["call_id"]
        desks = [one, one, two, two]  # each has a second tab
        answers = await asyncio.gather(*(each.api.post(f"calls/{call_id}/answer") for each in desks))
        assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
        assert {each.json()["error"]["sentence"] for each in answers if each.status_code == 409} <= {
            "You have answered this call already.",
            "Consultant1 has taken this call.",
            "This call is not offered to you any more.",
        }
        await customer.answered()
        await both_hear(one, customer)
        customer.hang_up()
        await one.event("call.ended", call_id=call_id)
        await rest(two.api)


async def test_who_answers_after_the_caller_left_is_told_so(site: Site, one: Consultant) -> None:
    customer = await Customer.rings(site.carrier)
    call_id = (await one.event("call.offered"))["call_id"]
    customer.cancel()
    await one.event("call.withdrawn", call_id=call_id)
    answer = await one.api.post(f"calls/{call_id}/answer")
    assert (answer.status_code, answer.json()["error"]["sentence"]) == (409, "The caller has hung up.")
    assert await customer.final() == 487


async def test_a_caller_who_leaves_at_the_moment_of_the_answer_leaves_nobody_stuck(site: Site, one: Consultant) -> None:
    for n in range(10):
        customer = await Customer.rings(site.carrier)
        call_id = (await one.event("call.offered"))["call_id"]
        answering = asyncio.create_task(one.api.post(f"calls/{call_id}/answer"))
        await asyncio.sleep(n * 0.003)
        customer.cancel()
        assert (await answering).status_code in (200, 409)
        if await customer.final() == 200:  # too late to give up: a telephone then hangs up
            await customer.answered()
            customer.hang_up()
        await rest(one.api)
        await ok(await one.api.put("me/state", json={"state": "ready"}))
        one.events.clear()


# --- live updates and the web -------------------------------------------------------------------------------------------


async def test_a_foreign_page_an_ended_sign_in_and_a_flood_are_refused_beside_a_talk(site: Site, talk: Customer) -> None:
    address = f"ws://127.0.0.1:{site.product.http_port}/live"
    bearer = {"Authorization": f"Bearer {site.tokens['chief']}"}
    with pytest.raises(InvalidStatus) as foreign:
        await connect(address, additional_headers={**bearer, "Origin": "http://evil.example"})
    assert foreign.value.response.status_code == 403
    async with site.api() as chief:
        me = (await ok(await chief.get("me")))["user"]["id"]
        made = await ok(await chief.post(f"users/{me}/tokens", json={"name": "short-lived"}))
        async with connect(address, additional_headers={"Authorization": f"Bearer {made['token']}"}) as socket_:
            listed = (await ok(await chief.get(f"users/{me}/tokens")))["items"]
            await ok(await chief.delete(f"tokens/{next(each['id'] for each in listed if each['name'] == 'short-lived')}"))
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(30):
                    while True:
                        await socket_.recv()
            assert socket_.close_code == 4401
        async with connect(address, additional_headers={"Authorization": f"Bearer {made['token']}"}) as again:
            with pytest.raises(ConnectionClosed):
                await again.recv()
            assert again.close_code == 4401
    for flood in (['{"type":"ping"}'] * 1000, ["x" * 15_000], ["x" * 1_000_000], [b"\0" * 100]):
        async with connect(address, additional_headers=bearer) as socket_:
            with pytest.raises(ConnectionClosed):
                for each in flood:
                    await socket_.send(each)
                async with asyncio.timeout(30):
                    while True:
                        await socket_.recv()
            assert socket_.close_code in (1008, 1009)


async def test_senseless_octets_on_the_web_port_disturb_no_talk(site: Site, talk: Customer) -> None:
    noise = random.Random(80)
    for data in (noise.randbytes(2000), b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 200_000, b"POST /api/v1/calls HTTP/1.1\r\n"):
        reader, writer = await asyncio.open_connection(HOST, site.product.http_port)
        writer.write(data)
        await writer.drain()
        writer.write_eof()
        async with asyncio.timeout(30):
            await reader.read()
        writer.close()
    async with site.api("consultant1") as api:
        assert (await ok(await api.get("me")))["agent"]["state"] == "on_call"


@pytest.mark.parametrize(
    ("content", "state", "words"),
    [
        (b"colour;size\nred;3\n", "failed", "Not known: colour, size"),
        (b"", "failed", "The file is empty"),
        (b"First name;Last name\n\xff\xfe\x00\x81\x98\n" * 20, "failed", "no text we can read"),
        ("First name;Phone\nÓska;601 000 001\n;;;;\nJan;not a number\n".encode("cp1250"), "done", ""),
    ],
    ids=["wrong columns", "empty", "encoding", "one bad row"],
)
async def test_a_list_through_the_api_says_what_is_wrong_with_it(site: Site, content: bytes, state: str, words: str) -> None:
    async with site.api() as chief:
        made = await ok(await chief.post("imports", files={"file": ("list.csv", content, "text/csv")}))

        async def over() -> dict[str, object] | None:
            now = await ok(await chief.get(f"imports/{made['id']}"))
            return dict(now) if now["state"] in ("failed", "done") else None  # "checked" is on the way

        found = await until("the import to be over", over)
        assert found["state"] == state, found
        assert words in str(found["error"])
        rejected = await chief.get(f"imports/{made['id']}/rejected")
    if state == "done":
        assert (found["total"], found["applied"], found["rejected"]) == (2, 1, 1)
        assert "not a number" in rejected.text


# --- the inner sockets --------------------------------------------------------------------------------------------------


async def test_senseless_lines_on_the_link_disturb_no_talk(site: Site, talk: Customer, one: Consultant) -> None:
    path = site.product.settings.socket_path("link")
    assert path.stat().st_mode & 0o077 == 0
    noise = random.Random(1)
    lines = [
        b"{}",
        b"[]",
        b"null",
        b'{"t":"command","n":1,"m":{"kind":"hang_up_leg","leg_id":"x"}}',
        b'{"t":"query","id":1,"m":{"kind":"read_snapshot"}}',
        b'{"t":"hello"}',
        b'{"t":"hello","web":"ffff","have":"x","taken":0,"boot":""}',
        b'{"t":"hello","web":"ffff","have":0,"taken":0}',
        b"[" * 100_000,
        b"x" * 2_000_000,
        noise.randbytes(5000).replace(b"\n", b""),
    ]
    for line in lines:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line + b"\n" + line)
        await writer.drain()
        writer.close()
        del reader
    await ok(await one.api.post(f"calls/{(await one.event('call.offered'))['call_id']}/dtmf", json={"digits": "5"}))
    assert await counter(site, "link_malformed") >= len(lines)
    assert not [each for each in one.events if each["type"] == "switch.state"]


# --- the command line beside a running product --------------------------------------------------------------------------


async def test_a_trunk_added_by_command_takes_calls_at_once(site: Site, one: Consultant) -> None:
    other = await Carrier.at(site.product, "127.0.0.3")
    try:
        refused = await Customer.rings(other)
        assert await refused.final() == 403
        add = ("trunk", "add", "another", "--host", "127.0.0.3", "--port", str(other.port))
        await asyncio.to_thread(site.product.command, *add)

        async def rings() -> Customer | None:
            customer = await Customer.rings(other)
            answer = await customer.response(180, 403)
            return customer if answer.code == 180 else None

        customer = await until("a call of the new trunk to ring", rings)
        await one.event("call.offered")
        customer.cancel()
        assert await customer.final() == 487
    finally:
        other.close()


async def test_a_second_start_says_what_is_taken_and_disturbs_no_talk(site: Site, talk: Customer, one: Consultant) -> None:
    elsewhere = Product(site.product.folder)
    assert elsewhere.http_port != site.product.http_port
    for second, words in ((site.product, f"Port {site.product.http_port}"), (elsewhere, "already runs on the data folder")):
        done = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "callcenter.main", "serve"),
            env=second.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(done.communicate(), 60)
        assert done.returncode == 1, said
        assert words in said.decode()
        assert "Traceback" not in said.decode()
    assert not [each for each in one.events if each["type"] == "switch.state"]


async def test_calls_are_found_whatever_their_callers_wrote(site: Site) -> None:
    async with site.api() as chief:
        found = await ok(await chief.get("calls", params={"limit": 200}))
    assert len(found["items"]) > len(CALLERS)
    async with site.product.database() as database, database.reading() as uow:
        assert len(list(await uow.session.scalars(select(Call)))) == len(found["items"])
    assert {each["dialled"] for each in found["items"] if each["project_id"]} == {PROJECT_NUMBER}
