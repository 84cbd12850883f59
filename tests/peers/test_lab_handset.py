"""The pyVoIP handset at the built-in carrier: it calls, is called, and says what happens in sentences."""

from pathlib import Path

import pytest

from callcenter import rehearsal
from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER, Behaviour
from tests.peers import handset, labs, scenarios, sipp, tones

pytestmark = pytest.mark.peer


async def test_it_talks_to_the_product_through_the_carrier(tmp_path: Path) -> None:
    """SIPp stands in for the product and echoes; the handset hears its own tone."""
    recording = tmp_path / "heard.wav"
    async with (
        sipp.answering(scenarios.callee(laws=["pcmu"]), tmp_path / "sipp") as product,
        labs.running(tmp_path / "lab", product=product.address) as lab,
        handset.running(lab, "call", DEMO_NUMBER, tone=700, seconds=3, record=str(recording)) as phone,
    ):
        await phone.says("Answered.")
        assert await phone.code() == 0
        assert phone.lines[:3] == ["Registered as +48500000150.", f"Calling {DEMO_NUMBER}.", "It rings."]
        assert phone.lines[-1] == "Hung up."
        (await product.wait()).check()
        assert tones.heard(recording, 700)


@pytest.mark.parametrize(
    ("final", "reason", "sentence"),
    [(486, "Busy Here", "It is busy."), (404, "Not Found", "There is no such number."), (503, "Service Unavailable", "failed")],
)
async def test_it_says_why_a_call_failed(tmp_path: Path, final: int, reason: str, sentence: str) -> None:
    async with (
        sipp.answering(scenarios.callee(final=final, reason=reason), tmp_path / "sipp") as product,
        labs.running(tmp_path / "lab", product=product.address) as lab,
        handset.running(lab, "call", DEMO_NUMBER) as phone,
    ):
        assert sentence in await phone.says(f"({final} {reason})")
        assert await phone.code() == 1
        (await product.wait()).check()


async def test_the_product_hangs_up(tmp_path: Path) -> None:
    async with (
        sipp.answering(scenarios.callee(hang_up_after_ms=500), tmp_path / "sipp") as product,
        labs.running(tmp_path / "lab", product=product.address) as lab,
        handset.running(lab, "call", DEMO_NUMBER) as phone,
    ):
        await phone.says("The other end hung up.")
        assert await phone.code() == 0
        (await product.wait()).check()


async def test_ctrl_c_gives_up_a_ringing_call(tmp_path: Path) -> None:
    async with (
        sipp.answering(scenarios.callee(cancelled=True), tmp_path / "sipp") as product,
        labs.running(tmp_path / "lab", product=product.address) as lab,
        handset.running(lab, "call", DEMO_NUMBER) as phone,
    ):
        await phone.says("It rings.")
        phone.interrupt()
        await phone.says("Given up.")
        assert await phone.code() == 1
        (await product.wait()).check()


async def test_one_handset_calls_another_that_waits(tmp_path: Path) -> None:
    other = "+48500000151"
    recording = tmp_path / "heard.wav"
    async with (
        labs.running(tmp_path / "lab") as lab,
        handset.running(lab, "wait", as_number=other, ring=0.5, calls=1, tone=900) as waiting,
    ):
        await waiting.says("Waiting for calls.")
        async with handset.running(lab, "call", other, seconds=3, record=str(recording)) as phone:
            await waiting.says("+48500000150 is calling.")
            await waiting.says("Answered.")
            assert await phone.code() == 0
        assert await waiting.code() == 0
        assert tones.heard(recording, 900)


async def test_a_caller_who_gives_up_ends_the_ringing(tmp_path: Path) -> None:
    other = "+48500000151"
    async with (
        labs.running(tmp_path / "lab") as lab,
        handset.running(lab, "wait", as_number=other, ring=60, calls=1) as waiting,
    ):
        await waiting.says("Waiting for calls.")
        async with handset.running(lab, "call", other) as phone:
            await waiting.says("is calling.")
            await phone.says("It rings.")
            phone.interrupt()
            assert await phone.code() == 1
        assert await waiting.code() == 0


async def test_it_may_be_one_of_the_customers(tmp_path: Path) -> None:
    busy = next(each.number for each in CUSTOMERS if each.behaviour is Behaviour.BUSY)
    async with labs.running(tmp_path / "lab") as lab, handset.running(lab, "wait", as_number=busy, ring=0.2, calls=1) as waiting:
        await waiting.says("Waiting for calls.")
        assert await rehearsal.registered(lab.settings) == [busy]
        async with handset.running(lab, "call", busy, seconds=1) as phone:
            assert await phone.code() == 0


async def test_without_a_carrier_and_with_nonsense_it_says_so(tmp_path: Path) -> None:
    async with labs.running(tmp_path / "lab") as lab:
        async with handset.running(lab, "call", "nobody") as phone:
            assert await phone.code() == 2
            assert phone.lines == ["nobody is not a number that can be dialled."]
        async with handset.running(lab, "call", DEMO_NUMBER, as_number="+48600000000") as phone:
            assert await phone.code() == 2
    async with handset.running(lab, "call", DEMO_NUMBER) as phone:
        assert "does not answer" in await phone.says("built-in carrier")
        assert await phone.code() == 1
