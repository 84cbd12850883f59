"""Which numbers may be dialled, by table and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import Conflict, Invalid, NotPermitted, Unavailable
from callcenter.projects.dialling import EMERGENCY, EVERYWHERE, Rules, clean, decide, emergency_number

HAND = Rules(emergency_trunk=True)
MACHINE = Rules(by_hand=False, emergency_trunk=True, allow_premium=True, foreign_countries=frozenset({"DE", "US", "GB"}))
POLISH = sorted(EMERGENCY["PL"])


@pytest.mark.parametrize(
    ("typed", "e164", "kind"),
    [
        ("601 234 567", "+48601234567", "normal"),
        ("+48 601-234-567", "+48601234567", "normal"),
        ("0048601234567", "+48601234567", "normal"),
        ("48601234567", "+48601234567", "normal"),
        ("(22) 123 45 67", "+48221234567", "normal"),
        ("800 123 456", "+48800123456", "normal"),
        ("701 234 567", "+48701234567", "premium"),
        ("+49 30 901820", "+4930901820", "foreign"),
        ("+881 612 345 678", "+881612345678", "foreign"),
        ("112", "112", "emergency"),
        ("+48112", "112", "emergency"),
        ("0048 112", "112", "emergency"),
        ("+48 (112)", "112", "emergency"),
        ("１１２", "112", "emergency"),  # noqa: RUF001 - full-width digits, on purpose
        ("9 9 9", "999", "emergency"),
        ("+49 110", "+49110", "emergency"),
        ("+1 911", "+1911", "emergency"),
        ("116111", "116111", "short"),
        ("12345", "12345", "short"),
        ("", "", "invalid"),
        ("   ", "", "invalid"),
        ("+", "", "invalid"),
        ("hello", "", "invalid"),
        ("1-800-FLOWERS", "", "invalid"),
        ("*100#", "", "invalid"),
        ("999999999", "", "invalid"),
        ("9" * 40, "", "invalid"),
        ("sip:112@evil", "", "invalid"),
    ],
)
def test_numbers_are_told_apart(typed: str, e164: str, kind: str) -> None:
    decision = decide(typed, HAND)
    assert (decision.e164, decision.kind) == (e164, kind)
    assert decision.allowed == (kind in ("normal", "emergency"))
    assert bool(decision.sentence) != decision.allowed


@pytest.mark.parametrize("number", [*POLISH, *(f"+48{each}" for each in POLISH), *(f"0048{each}" for each in POLISH)])
def test_no_machine_dials_an_emergency_number_and_a_hand_does_past_every_limit(number: str) -> None:
    refused = decide(number, MACHINE)
    assert refused.kind == "emergency"
    assert isinstance(refused.refusal, NotPermitted)
    strict = Rules(emergency_trunk=True, caller_id="+48000", verified=frozenset())
    assert decide(number, strict).allowed, "a wrong caller id does not stop an emergency call"
    without = decide(number, Rules(emergency_trunk=False))
    assert isinstance(without.refusal, Unavailable)
    assert "mobile phone" in without.sentence


@given(st.sampled_from(POLISH), st.sampled_from(["", "+48", "0048"]), st.lists(st.sampled_from(" -./()\u00a0"), max_size=6))
def test_separators_never_hide_an_emergency_number(number: str, prefix: str, separators: list[str]) -> None:
    written = prefix + number
    for place, separator in enumerate(separators):
        cut = 1 + (place * 2) % len(written)
        written = written[:cut] + separator + written[cut:]
    assert emergency_number(written, "PL") == number


@given(st.text(max_size=40))
def test_any_text_gets_a_decision_and_what_is_allowed_is_e164_or_emergency(text: str) -> None:
    decision = decide(text, HAND)
    if decision.allowed:
        assert decision.kind == "emergency" or decision.e164.startswith("+48")
        assert decision.e164.removeprefix("+").isdigit()
        assert decision.e164.isascii()


@given(st.from_regex(r"(\+|00)?[0-9]{1,15}", fullmatch=True))
def test_deciding_again_about_what_was_decided_says_the_same(number: str) -> None:
    first = decide(number, HAND)
    if first.allowed:
        assert decide(first.e164, HAND).e164 == first.e164


@given(st.from_regex(r"(\+|00)?[0-9]{1,15}", fullmatch=True))
def test_a_machine_may_never_dial_what_a_hand_may_not(number: str) -> None:
    machine = decide(number, Rules(by_hand=False))
    assert not machine.allowed or decide(number, Rules(by_hand=True)).allowed


def test_premium_and_foreign_are_off_unless_allowed() -> None:
    assert isinstance(decide("701234567", HAND).refusal, NotPermitted)
    assert decide("701234567", Rules(allow_premium=True)).allowed
    assert isinstance(decide("+4930901820", HAND).refusal, NotPermitted)
    assert decide("+4930901820", Rules(foreign_countries=frozenset({"DE"}))).allowed
    assert decide("+4930901820", Rules(region="DE")).kind == "normal"
    premium_abroad = "+499001234567"
    assert not decide(premium_abroad, Rules(foreign_countries=frozenset({"DE"}))).allowed
    assert not decide(premium_abroad, Rules(allow_premium=True)).allowed
    assert decide(premium_abroad, Rules(allow_premium=True, foreign_countries=frozenset({"DE"}))).allowed


def test_the_caller_id_must_be_verified_for_the_trunk() -> None:
    rules = Rules(caller_id="+48221234567", verified=frozenset({"+48227654321"}))
    assert isinstance(decide("601234567", rules).refusal, Conflict)
    assert decide("601234567", Rules(caller_id="+48221234567", verified=frozenset({"+48221234567"}))).allowed
    assert decide("601234567", Rules(caller_id="")).allowed, "the carrier puts its own"


@pytest.mark.parametrize("region", sorted(EMERGENCY))
def test_112_and_911_are_emergency_numbers_everywhere(region: str) -> None:
    for number in EVERYWHERE:
        assert emergency_number(number, region) == number


def test_clean_keeps_digits_and_a_leading_plus_only() -> None:
    assert clean("+48 (601) 234-567") == "+48601234567"
    assert clean("48+601") == ""
    assert clean("601x") == ""
    assert isinstance(decide("601x", HAND).refusal, Invalid)
