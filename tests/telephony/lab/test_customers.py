"""The table of demo customers."""

import phonenumbers
import pytest

from telephony.lab.customers import CUSTOMERS, DEMO_NUMBER, HANDSET_NUMBER, Behaviour, handset_number, normal


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
