"""Foreign telephones and the built-in carrier against the product's own switch, with a browser at the other end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callcenter import rehearsal
from callcenter.phone import (
    DtmfReceived,
    EndReason,
    HangUpLeg,
    LegAnswered,
    LegEnded,
    LegOffered,
    LegRinging,
    RingLeg,
    SendDtmf,
    TrunkConfig,
)
from telephony.lab.accounts import TRUNK as ACCOUNT
from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER, Behaviour
from tests.peers import baresip, handset, labs, product, scenarios, sipp, tones
from tests.peers.programs import Address, free_udp_port

pytestmark = pytest.mark.peer


def trunk_to(peer: Address, **more: object) -> TrunkConfig:
    """Return an IP-authenticated trunk to a peer."""
    return TrunkConfig(product.TRUNK, "peer", peer[0], peer[1], **more)  # type: ignore[arg-type]


@asynccontextmanager
async def with_lab(folder: Path, **more: object) -> AsyncIterator[tuple[product.Product, labs.Lab]]:
    """Run switch and carrier, the trunk registered."""
    port = free_udp_port()
    async with (
        labs.running(folder / "lab", product=("127.0.0.1", port)) as lab,
        product.running(folder / "switch", port=port) as switch,
    ):
        given = {"username": ACCOUNT, "password": lab.passwords["trunk"], "register": True, "trusted": True}
        await switch.configure(trunk_to(lab.address, **{**given, **more}))
        await switch.trunk_is("registered")
        assert await rehearsal.registered(lab.settings) == [ACCOUNT]
        yield switch, lab


@pytest.mark.parametrize("laws", [["pcma"], ["pcmu"], ["pcmu", "pcma"]])
async def test_baresip_calls_in_and_both_hear_each_other(tmp_path: Path, laws: list[str]) -> None:
    microphone = tones.write(tmp_path / "microphone.wav", 500, 60)
    async with (
        product.running(tmp_path / "switch") as switch,
        baresip.running(
            tmp_path / "baresip", account="<sip:+48501234567@127.0.0.1>;regint=0", microphone=microphone, laws=laws
        ) as phone,
        product.consultant(switch, 1300) as browser,
    ):
        await switch.configure(trunk_to(phone.address))
        await phone.do("dial", f"sip:{DEMO_NUMBER}@{switch.address[0]}:{switch.address[1]}")
        offered = await switch.take_call()
        assert (offered.number, offered.dialled) == ("+48501234567", DEMO_NUMBER)
        await phone.event("CALL_ESTABLISHED")
        await product.hears(browser, 500)
        await labs.until(lambda: phone.hears(1300), "baresip hears the browser", seconds=60)
        await phone.do("sndcode", "5")
        assert (await switch.event(DtmfReceived, offered.leg_id)).digit == "5"
        await phone.do("hangup")
        ended = await switch.event(LegEnded, offered.leg_id)
        assert (ended.reason, ended.by) == (EndReason.COMPLETED, "far")
        assert ended.quality is not None
        assert ended.quality.received > 50


async def test_baresip_is_called_and_the_product_hangs_up(tmp_path: Path) -> None:
    microphone = tones.write(tmp_path / "microphone.wav", 500, 60)
    async with (
        product.running(tmp_path / "switch") as switch,
        baresip.running(tmp_path / "baresip", account="<sip:+48501234567@127.0.0.1>;regint=0", microphone=microphone) as phone,
        product.consultant(switch, 1300) as browser,
    ):
        await switch.configure(trunk_to(phone.address))
        leg_id = switch.dial("+48501234567")
        switch.send(switch.bridged(leg_id))
        await switch.event(LegRinging, leg_id)
        await phone.event("CALL_INCOMING")
        await phone.do("accept")
        await switch.event(LegAnswered, leg_id)
        await product.hears(browser, 500)
        await labs.until(lambda: phone.hears(1300), "baresip hears the browser", seconds=60)
        switch.send(HangUpLeg(leg_id))
        await phone.event("CALL_CLOSED")
        assert (await switch.event(LegEnded, leg_id)).by == "near"


async def test_a_demo_customer_calls_and_hums_with_the_consultant(tmp_path: Path) -> None:
    number = CUSTOMERS[0].number
    async with with_lab(tmp_path) as (switch, lab), product.consultant(switch, 1300) as browser:
        await rehearsal.let_call(lab.settings, number, tone=500)
        offered = await switch.take_call()
        assert (offered.number, offered.dialled, offered.withheld) == (number, DEMO_NUMBER, False)
        call = await labs.the_call(lab, number, "talking")
        await product.hears(browser, 500)

        async def customer_hears() -> bool:
            heard = (await labs.the_call(lab, number, "talking"))["heard"]
            return isinstance(heard, dict) and abs(heard["hertz"] - 1300) <= 13

        await labs.until_found(customer_hears, "the customer hears the browser", seconds=60)
        await rehearsal.press(lab.settings, str(call["id"]), "7")
        assert (await switch.event(DtmfReceived, offered.leg_id)).digit == "7"
        switch.send(SendDtmf(offered.leg_id, "42"))

        async def pressed() -> bool:
            return (await labs.the_call(lab, number, "talking"))["digits"] == "42"

        await labs.until_found(pressed, "the customer hears the keys")
        await rehearsal.hang_up(lab.settings, str(call["id"]))
        assert (await switch.event(LegEnded, offered.leg_id)).reason is EndReason.COMPLETED


async def test_a_hidden_customer_is_withheld_and_one_who_gives_up_is_cancelled(tmp_path: Path) -> None:
    hidden = next(each.number for each in CUSTOMERS if each.withheld)
    async with with_lab(tmp_path) as (switch, lab):
        placed = await rehearsal.let_call(lab.settings, hidden)
        offered = await switch.event(LegOffered)
        assert offered.withheld
        switch.send(RingLeg(offered.leg_id))
        await labs.the_call(lab, hidden, "ringing")
        await rehearsal.hang_up(lab.settings, str(placed["id"]))
        assert (await switch.event(LegEnded, offered.leg_id)).reason is EndReason.CANCELLED


@pytest.mark.parametrize(
    ("behaviour", "reason", "code"),
    [
        (Behaviour.BUSY, EndReason.BUSY, 486),
        (Behaviour.REJECTS, EndReason.REJECTED, 603),
        (Behaviour.TROUBLE, EndReason.FAILED, 503),
        (Behaviour.SILENT, EndReason.NO_ANSWER, None),
        (None, EndReason.UNREACHABLE, 404),
    ],
)
async def test_each_demo_customer_ends_a_call_as_what_it_is(
    tmp_path: Path, behaviour: Behaviour | None, reason: EndReason, code: int | None
) -> None:
    found = [each.number for each in CUSTOMERS if each.behaviour is behaviour]
    async with with_lab(tmp_path) as (switch, _lab):
        ended = await switch.dialled(found[0] if found else "+48600100100", ring_seconds=3)
        assert ended.reason is reason
        assert code is None or ended.code == code


@pytest.mark.parametrize("number_format", ["bare", "zeros", "national"])
async def test_numbers_arrive_in_each_format_a_carrier_wants(tmp_path: Path, number_format: str) -> None:
    busy = next(each.number for each in CUSTOMERS if each.behaviour is Behaviour.BUSY)
    async with with_lab(tmp_path, number_format=number_format) as (switch, _lab):
        assert (await switch.dialled(busy)).reason is EndReason.BUSY


async def test_early_media_is_told_and_then_the_customer_answers(tmp_path: Path) -> None:
    number = next(each.number for each in CUSTOMERS if each.behaviour is Behaviour.ANNOUNCEMENT)
    async with with_lab(tmp_path) as (switch, lab):
        leg_id = switch.dial(number)
        assert (await switch.event(LegRinging, leg_id)).early_media
        await switch.event(LegAnswered, leg_id)
        call = await labs.the_call(lab, number, "talking")
        await rehearsal.hang_up(lab.settings, str(call["id"]))
        assert (await switch.event(LegEnded, leg_id)).reason is EndReason.COMPLETED


async def test_the_handset_calls_through_the_carrier_and_hears_the_consultant(tmp_path: Path) -> None:
    recording = tmp_path / "heard.wav"
    async with (
        with_lab(tmp_path) as (switch, lab),
        product.consultant(switch, 1300) as browser,
        handset.running(lab, "call", DEMO_NUMBER, tone=500, seconds=8, record=str(recording)) as phone,
    ):
        await phone.says("Calling")
        offered = await switch.take_call()
        assert offered.number == "+48500000150"
        await phone.says("Answered.")
        await product.hears(browser, 500)
        assert await phone.code() == 0
        assert (await switch.event(LegEnded, offered.leg_id)).reason is EndReason.COMPLETED
        assert tones.heard(recording, 1300)


@pytest.mark.parametrize(
    ("final", "reason"),
    [
        (302, EndReason.UNREACHABLE),
        (404, EndReason.UNREACHABLE),
        (480, EndReason.NO_ANSWER),
        (486, EndReason.BUSY),
        (503, EndReason.FAILED),
        (603, EndReason.REJECTED),
    ],
)
async def test_sipp_refuses_and_is_acknowledged(tmp_path: Path, final: int, reason: EndReason) -> None:
    extra = "Contact: <sip:elsewhere@127.0.0.1:9>" if final == 302 else ""
    async with (
        sipp.answering(
            scenarios.callee(final=final, reason="Refused", extra=extra, options=True), tmp_path / "sipp", calls=2
        ) as far,
        product.running(tmp_path / "switch") as switch,
    ):
        await switch.configure(trunk_to(far.address))
        await switch.trunk_is("ready")
        ended = await switch.dialled("+48501234567")
        assert (ended.code, ended.by) == (final, "far")
        assert ended.reason is reason
        (await far.wait()).check(2)


async def test_sipp_asks_for_credentials_and_gets_them(tmp_path: Path) -> None:
    async with (
        sipp.answering(scenarios.callee(challenge=True, options=True), tmp_path / "sipp", calls=2) as far,
        product.running(tmp_path / "switch") as switch,
    ):
        await switch.configure(trunk_to(far.address, username="somebody", password="secret"))
        await switch.trunk_is("ready")
        leg_id = switch.dial("+48501234567")
        await switch.event(LegAnswered, leg_id)
        switch.send(HangUpLeg(leg_id))
        (await far.wait()).check(2)


async def test_sipp_gives_up_holds_and_is_held_to_account(tmp_path: Path) -> None:
    """A caller cancels; another one holds and resumes; each is one call with one end."""
    port = free_udp_port()
    keys = {"dialled": DEMO_NUMBER, "caller": "+48501234567"}
    async with product.running(tmp_path / "switch") as switch:
        await switch.configure(trunk_to(("127.0.0.1", port)))
        caller = await sipp.start(
            scenarios.caller(cancel_after_ms=200), tmp_path / "one", target=switch.address, keys=keys, port=port
        )
        offered = await switch.event(LegOffered)
        switch.send(RingLeg(offered.leg_id))
        (await caller.wait()).check()
        assert (await switch.event(LegEnded, offered.leg_id)).reason is EndReason.CANCELLED
        switch.events.clear()
        caller = await sipp.start(
            scenarios.caller(hold=True, talk_ms=300), tmp_path / "two", target=switch.address, keys=keys, port=port
        )
        again = await switch.take_call()
        outcome = await caller.wait()
        outcome.check()
        assert "a=recvonly" in outcome.messages
        assert (await switch.event(LegEnded, again.leg_id)).reason is EndReason.COMPLETED
        assert len(switch.of(LegEnded)) == 1


async def test_a_caller_without_a_common_law_is_refused(tmp_path: Path) -> None:
    port = free_udp_port()
    g729 = "v=0\no=- 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 18"
    async with product.running(tmp_path / "switch") as switch:
        await switch.configure(trunk_to(("127.0.0.1", port)))
        keys = {"dialled": DEMO_NUMBER, "caller": "+48501234567"}
        scenario = scenarios.caller(final=488, body=g729)
        caller = await sipp.start(scenario, tmp_path / "sipp", target=switch.address, keys=keys, port=port)
        (await caller.wait()).check()
        assert switch.of(LegOffered) == []
