"""SIPp calls the built-in carrier's customers as the product would, and takes their calls."""

from pathlib import Path

import pytest

from callcenter import rehearsal
from telephony.lab.accounts import TRUNK
from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER, Behaviour
from tests.peers import labs, scenarios, sipp

pytestmark = pytest.mark.peer


def number_of(behaviour: Behaviour) -> str:
    return next(each.number for each in CUSTOMERS if each.behaviour is behaviour)


async def call(lab: labs.Lab, folder: Path, dialled: str, scenario: str) -> sipp.Outcome:
    """Call through the carrier with the trunk's credentials."""
    return await sipp.run(
        scenario,
        folder / "sipp",
        lab.address,
        keys={"dialled": dialled, "caller": DEMO_NUMBER},
        user=TRUNK,
        password=lab.passwords["trunk"],
    )


@pytest.mark.parametrize(
    ("behaviour", "final"),
    [(Behaviour.BUSY, 486), (Behaviour.REJECTS, 603), (Behaviour.TROUBLE, 503), (Behaviour.ANSWERS, 200), (Behaviour.SLOW, 200)],
)
async def test_a_customer_does_what_the_table_says(tmp_path: Path, behaviour: Behaviour, final: int) -> None:
    async with labs.running(tmp_path) as lab:
        outcome = await call(lab, tmp_path, number_of(behaviour), scenarios.caller(final=final, challenged=True))
        outcome.check()


async def test_a_wrong_number_is_not_found(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        (await call(lab, tmp_path, "+48500000199999", scenarios.caller(final=404, challenged=True))).check()


async def test_a_handset_that_is_not_registered_is_unavailable(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        (await call(lab, tmp_path, "+48500000177", scenarios.caller(final=480, challenged=True))).check()


async def test_a_customer_who_does_not_answer_can_be_given_up(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        number = number_of(Behaviour.SILENT)
        (await call(lab, tmp_path, number, scenarios.caller(challenged=True, cancel_after_ms=300))).check()
        ended = await labs.the_call(lab, number, "ended")
        assert (ended["outcome"], ended["status"]) == ("cancelled", 487)


async def test_early_media_comes_before_the_answer(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        outcome = await call(lab, tmp_path, number_of(Behaviour.ANNOUNCEMENT), scenarios.caller(challenged=True))
        outcome.check()
        assert outcome.messages.index("183 Session Progress") < outcome.messages.index("SIP/2.0 200 OK")


async def test_a_brief_customer_hangs_up_by_themselves(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        scenario = scenarios.caller(challenged=True, talk_ms=0, they_hang_up=True)
        (await call(lab, tmp_path, number_of(Behaviour.BRIEF), scenario)).check()


async def test_hold_and_resume_inside_a_call_are_answered(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        outcome = await call(lab, tmp_path, CUSTOMERS[0].number, scenarios.caller(challenged=True, hold=True, talk_ms=300))
        outcome.check()
        assert "a=recvonly" in outcome.messages


async def test_an_offer_without_a_common_law_is_refused(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        mu_law_only = scenarios.sdp(["pcmu"])
        pcma_only = next(each.number for each in CUSTOMERS if each.laws == ("pcma",))
        (await call(lab, tmp_path, pcma_only, scenarios.caller(final=488, challenged=True, body=mu_law_only))).check()


async def test_a_wrong_password_is_forbidden(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        outcome = await sipp.run(
            scenarios.caller(final=403, challenged=True),
            tmp_path / "sipp",
            lab.address,
            keys={"dialled": CUSTOMERS[0].number, "caller": DEMO_NUMBER},
            user=TRUNK,
            password="wrong",
        )
        outcome.check()


async def test_ten_customers_are_called_at_once(tmp_path: Path) -> None:
    async with labs.running(tmp_path) as lab:
        for each in CUSTOMERS[1:]:
            await rehearsal.behave(lab.settings, each.number, "answers")
        callers = [
            await sipp.start(
                scenarios.caller(challenged=True, talk_ms=1500),
                tmp_path / f"sipp{number}",
                target=lab.address,
                keys={"dialled": CUSTOMERS[number].number, "caller": DEMO_NUMBER},
                user=TRUNK,
                password=lab.passwords["trunk"],
            )
            for number in range(10)
        ]
        for peer in callers:
            (await peer.wait()).check()


async def test_a_customer_calls_in_and_talks(tmp_path: Path) -> None:
    async with (
        sipp.answering(scenarios.callee(), tmp_path / "sipp") as product,
        labs.running(tmp_path, product=product.address) as lab,
    ):
        placed = await rehearsal.let_call(lab.settings, CUSTOMERS[0].number)
        assert placed["other"] == DEMO_NUMBER
        talking = await labs.the_call(lab, CUSTOMERS[0].number, "talking")

        async def heard_back() -> bool:  # SIPp echoes what the customer says
            now = await labs.the_call(lab, CUSTOMERS[0].number, "talking")
            return int(str(now["received"])) > 25

        await labs.until_found(heard_back, "the customer hears the echo")
        await rehearsal.hang_up(lab.settings, str(talking["id"]))
        (await product.wait()).check()


async def test_a_withheld_caller_is_anonymous_with_an_asserted_identity(tmp_path: Path) -> None:
    async with (
        sipp.answering(scenarios.callee(final=486, reason="Busy Here"), tmp_path / "sipp") as product,
        labs.running(tmp_path, product=product.address) as lab,
    ):
        hidden = next(each.number for each in CUSTOMERS if each.withheld)
        await rehearsal.let_call(lab.settings, hidden, "+48221000005")
        outcome = await product.wait()
        outcome.check()
        assert "sip:anonymous@anonymous.invalid" in outcome.messages
        assert f"P-Asserted-Identity: <sip:{hidden}@" in outcome.messages
        assert "Privacy: id" in outcome.messages
        ended = await labs.the_call(lab, hidden, "ended")
        assert (ended["outcome"], ended["status"]) == ("refused", 486)


async def test_a_customer_who_hangs_up_while_it_rings_cancels(tmp_path: Path) -> None:
    async with (
        sipp.answering(scenarios.callee(cancelled=True), tmp_path / "sipp") as product,
        labs.running(tmp_path, product=product.address) as lab,
    ):
        placed = await rehearsal.let_call(lab.settings, CUSTOMERS[0].number)
        await labs.the_call(lab, CUSTOMERS[0].number, "ringing")
        await rehearsal.hang_up(lab.settings, str(placed["id"]))
        (await product.wait()).check()


async def test_the_product_may_hang_up(tmp_path: Path) -> None:
    async with (
        sipp.answering(scenarios.callee(hang_up_after_ms=300), tmp_path / "sipp") as product,
        labs.running(tmp_path, product=product.address) as lab,
    ):
        await rehearsal.let_call(lab.settings, CUSTOMERS[0].number)
        (await product.wait()).check()
        assert (await labs.the_call(lab, CUSTOMERS[0].number, "ended"))["outcome"] == "completed"
