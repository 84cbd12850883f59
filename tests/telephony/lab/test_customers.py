"""The table of demo customers."""

import phonenumbers
import pytest

from callcenter.phone import Listening
from telephony.lab import voice
from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER, HANDSET_NUMBER, Behaviour, Customer, handset_number, normal
from telephony.media.detection import Detector
from telephony.media.hearing import Beep, Voice


@pytest.mark.parametrize("number", [DEMO_NUMBER, HANDSET_NUMBER, *(each.number for each in CUSTOMERS)])
def test_every_number_is_a_valid_polish_one(number: str) -> None:
    parsed = phonenumbers.parse(number)
    assert phonenumbers.is_valid_number_for_region(parsed, "PL")
    assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == number


def test_numbers_are_one_each_and_every_behaviour_has_somebody() -> None:
    assert len({each.number for each in CUSTOMERS}) == len(CUSTOMERS)
    assert {each.behaviour for each in CUSTOMERS} == set(Behaviour)
    assert any(each.withheld for each in CUSTOMERS)
    assert any(len(each.contacts) == 2 for each in CUSTOMERS)
    assert any(not each.contacts and not each.withheld for each in CUSTOMERS)
    assert any(each.laws == ("pcma",) for each in CUSTOMERS)


@pytest.mark.parametrize("dialled", ["+48500000101", "48500000101", "0048500000101", "500000101", "+48 500-000-101"])
def test_each_way_carriers_are_sent_numbers_is_understood(dialled: str) -> None:
    assert normal(dialled) == "+48500000101"


def test_handsets_may_be_spare_numbers_or_customers() -> None:
    assert handset_number(HANDSET_NUMBER)
    assert handset_number(CUSTOMERS[0].number)
    assert not handset_number(DEMO_NUMBER)
    assert not handset_number("callcenter")


@pytest.mark.parametrize("customer", CUSTOMERS, ids=lambda each: each.number)
def test_people_sound_like_people_and_the_machine_like_one(customer: Customer) -> None:
    """A team rehearses a campaign that listens for machines: who answers must be what they are, by the usual thresholds."""
    machine = customer.behaviour is Behaviour.MACHINE
    samples = (voice.machine if machine else voice.greeting)(customer.pitch) + bytes(2 * voice.RATE)
    detector, ear, tone = Detector(Listening()), Voice(), Beep()
    frames = [samples[at : at + 2 * voice.FRAME] for at in range(0, len(samples) - 2 * voice.FRAME + 1, 2 * voice.FRAME)]
    beeps = [at for at, frame in enumerate(frames) if (tone.take(frame), detector.take(ear.speaks(frame)))[0]]
    assert detector.verdict is not None
    assert detector.verdict.found == ("machine" if machine else "human")
    assert len(beeps) == (1 if machine else 0)
