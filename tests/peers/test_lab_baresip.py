"""baresip registers at the built-in carrier, calls its customers and is called by them."""

from pathlib import Path

import pytest

from callcenter import rehearsal
from telephony.lab.customers import CUSTOMERS, Behaviour
from tests.peers import baresip, labs, tones

pytestmark = pytest.mark.peer

PHONE = "+48500000160"


def account(lab: labs.Lab, number: str = PHONE, password: str = "") -> str:
    host, port = lab.address
    return f"<sip:{number}@{host}:{port}>;auth_pass={password or lab.passwords['handset']};regint=60"


async def registered(lab: labs.Lab, *numbers: str) -> None:
    async def all_are() -> bool:
        return set(await rehearsal.registered(lab.settings)) == set(numbers)

    await labs.until_found(all_are, f"registered: {numbers}")


async def test_each_hears_the_tone_of_the_other(tmp_path: Path) -> None:
    """baresip's tone arrives at the customer, and comes back as the customer's echo."""
    microphone = tones.write(tmp_path / "microphone.wav", 800, 60)
    number = CUSTOMERS[0].number
    async with (
        labs.running(tmp_path / "lab") as lab,
        baresip.running(tmp_path / "baresip", account=account(lab), microphone=microphone) as phone,
    ):
        await registered(lab, PHONE)
        await phone.do("dial", f"sip:{number}@{lab.address[0]}:{lab.address[1]}")
        await phone.event("CALL_ESTABLISHED")

        async def tone_arrives() -> bool:
            heard = (await labs.the_call(lab, number, "talking"))["heard"]
            return isinstance(heard, dict) and abs(heard["hertz"] - 800) <= 8

        await labs.until_found(tone_arrives, "the customer hears 800 Hz")
        await labs.until(lambda: phone.hears(800), "baresip hears its echo")
        await phone.do("hangup")
        assert (await labs.the_call(lab, number, "ended"))["outcome"] == "completed"


@pytest.mark.parametrize("law", ["pcma", "pcmu"])
async def test_two_phones_talk_through_the_exchange(tmp_path: Path, law: str) -> None:
    other = "+48500000161"
    low = tones.write(tmp_path / "low.wav", 500, 60)
    high = tones.write(tmp_path / "high.wav", 1300, 60)
    async with (
        labs.running(tmp_path / "lab") as lab,
        baresip.running(tmp_path / "one", account=account(lab), microphone=low, laws=[law]) as one,
        baresip.running(tmp_path / "two", account=account(lab, other), microphone=high) as two,
    ):
        await registered(lab, PHONE, other)
        await one.do("dial", f"sip:{other}@{lab.address[0]}:{lab.address[1]}")
        await two.event("CALL_INCOMING")
        await one.event("CALL_RINGING")
        await two.do("accept")
        await one.event("CALL_ESTABLISHED")
        await two.event("CALL_ESTABLISHED")
        await labs.until(lambda: one.hears(1300), "the first hears the second")
        await labs.until(lambda: two.hears(500), "the second hears the first")
        await two.do("hangup")
        await one.event("CALL_CLOSED")


async def test_a_busy_customer_is_busy(tmp_path: Path) -> None:
    microphone = tones.write(tmp_path / "microphone.wav", 800, 10)
    busy = next(each.number for each in CUSTOMERS if each.behaviour is Behaviour.BUSY)
    async with (
        labs.running(tmp_path / "lab") as lab,
        baresip.running(tmp_path / "baresip", account=account(lab), microphone=microphone) as phone,
    ):
        await registered(lab, PHONE)
        await phone.do("dial", f"sip:{busy}@{lab.address[0]}:{lab.address[1]}")
        assert "486" in (await phone.event("CALL_CLOSED"))["param"]


async def test_a_wrong_password_does_not_register(tmp_path: Path) -> None:
    microphone = tones.write(tmp_path / "microphone.wav", 800, 1)
    async with (
        labs.running(tmp_path / "lab") as lab,
        baresip.running(tmp_path / "baresip", account=account(lab, password="wrong"), microphone=microphone) as phone,
    ):
        await labs.until(lambda: "403 Forbidden" in phone.said(), "the carrier refuses")
        assert await rehearsal.registered(lab.settings) == []


async def test_the_customers_keys_arrive_and_so_do_ours(tmp_path: Path) -> None:
    microphone = tones.write(tmp_path / "microphone.wav", 800, 60)
    number = CUSTOMERS[1].number
    async with (
        labs.running(tmp_path / "lab") as lab,
        baresip.running(tmp_path / "baresip", account=account(lab), microphone=microphone) as phone,
    ):
        await registered(lab, PHONE)
        await phone.do("dial", f"sip:{number}@{lab.address[0]}:{lab.address[1]}")
        await phone.event("CALL_ESTABLISHED")
        call = await labs.the_call(lab, number, "talking")
        for digit in "12#":
            await phone.do("sndcode", digit)

        async def pressed() -> bool:
            return (await labs.the_call(lab, number, "talking"))["digits"] == "12#"

        await labs.until_found(pressed, "the customer hears the keys 12#")
        await rehearsal.press(lab.settings, str(call["id"]), "4")
        await phone.event("CALL_DTMF_START")
