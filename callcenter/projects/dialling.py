"""Which numbers may be dialled: the one pure decision for every door that dials (by hand, meeting, campaign, call-back).

Emergency numbers are never dialled by a machine; by hand they go out at once, past every other limit, on the trunk marked
for them. Premium and foreign destinations are off unless the project allows them. The caller id must be verified.
"""

import unicodedata
from dataclasses import dataclass
from typing import Literal

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from callcenter.contacts import numbers
from callcenter.errors import CallCenterError, Conflict, Invalid, NotPermitted, Unavailable

Kind = Literal["normal", "emergency", "premium", "foreign", "short", "invalid"]

# Beside phonenumbers, which lacks 984-994 for Poland and does not see 112 behind a country code.
EVERYWHERE = frozenset({"112", "911"})  # GSM networks connect both from any country (3GPP TS 22.101, 10.1)
EMERGENCY: dict[str, frozenset[str]] = {
    "PL": frozenset({"112", "911", "997", "998", "999", *(str(number) for number in range(984, 995))}),
    "CZ": frozenset({"112", "150", "155", "156", "158"}),
    "SK": frozenset({"112", "150", "155", "158", "159"}),
    "DE": frozenset({"110", "112"}),
    "AT": frozenset({"112", "122", "133", "140", "141", "142", "144"}),
    "UA": frozenset({"101", "102", "103", "104", "112"}),
    "LT": frozenset({"112"}),
    "GB": frozenset({"112", "999", "18000"}),
    "IE": frozenset({"112", "999"}),
    "FR": frozenset({"15", "17", "18", "112", "114", "115", "119", "191", "196", "197"}),
    "US": frozenset({"911", "112", "988"}),
    "CA": frozenset({"911", "112", "988"}),
}
_PREMIUM = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})
_LONGEST_SHORT = 6
_SEPARATORS = frozenset(" -./()\u00a0\u2010\u2011\u2012\u2013\u202f\t")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the decision depends on. `region`: the own country; `by_hand`: a person pressed Call just now.

    `caller_id` is the number to show, "" to leave it to the carrier; `verified` those verified for the trunk.
    """

    region: str = "PL"
    by_hand: bool = True
    allow_premium: bool = False
    foreign_countries: frozenset[str] = frozenset()
    caller_id: str = ""
    verified: frozenset[str] = frozenset()
    emergency_trunk: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a number may be dialled. `e164` is what to dial: E.164, or an emergency number as it is dialled at home.

    `refusal` is the error to raise when it may not, with a sentence a person can act on.
    """

    e164: str
    kind: Kind
    refusal: CallCenterError | None = None

    @property
    def allowed(self) -> bool:
        """Whether it may be dialled."""
        return self.refusal is None

    @property
    def sentence(self) -> str:
        """Why it may not be dialled, "" when it may."""
        return str(self.refusal or "")


def decide(number: str, rules: Rules) -> Decision:
    """Decide about a number as typed or stored."""
    dialled = clean(number)
    emergency = emergency_number(dialled, rules.region)
    if emergency:
        return _emergency(emergency, rules)
    if not number.strip():
        return Decision("", "invalid", Invalid("Type a telephone number.", field="number"))
    valid = numbers.parse(dialled, rules.region).e164
    if valid:
        return _ordinary(phonenumbers.parse(valid), rules)
    if dialled.isdigit() and len(dialled) <= _LONGEST_SHORT:
        sentence = Invalid("{number} is a short number, which cannot be called from here.", field="number", number=dialled)
        return Decision(dialled, "short", sentence)
    sentence = Invalid("{number} is not a telephone number in use. Check the digits.", field="number", number=number[:40])
    return Decision("", "invalid", sentence)


def emergency_number(number: str, region: str) -> str:
    """Return what reaches the emergency service this number means ("112" for +48 112), "" when it means none."""
    dialled = clean(number)
    own = str(phonenumbers.country_code_for_region(region))
    digits = _international(dialled)
    if digits.startswith(own) and _is_emergency(digits.removeprefix(own), region):
        return digits.removeprefix(own)
    if digits:
        return f"+{digits}" if _foreign_emergency(digits) else ""
    return dialled if _is_emergency(dialled, region) else ""


def clean(number: str) -> str:
    """Return ASCII digits with at most a leading +; "" for what holds anything else than digits and separators."""
    kept: list[str] = []
    for character in unicodedata.normalize("NFKC", number).strip():
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            kept.append(str(digit))
        elif character == "+" and not kept:
            kept.append("+")
        elif character not in _SEPARATORS:
            return ""
    return "".join(kept) if kept != ["+"] else ""


def _international(dialled: str) -> str:
    """Return the digits after + or 00, "" for a number in national form."""
    if dialled.startswith("+"):
        return dialled[1:]
    return dialled[2:] if dialled.startswith("00") else ""


def _is_emergency(digits: str, region: str) -> bool:
    if not digits:
        return False
    listed = EMERGENCY.get(region, frozenset()) | EVERYWHERE
    return digits in listed or phonenumbers.is_emergency_number(digits, region)


def _foreign_emergency(digits: str) -> bool:
    """Tell whether international digits are another country's emergency number behind its code."""
    for length in (1, 2, 3):
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length] or 0), ())
        if any(_is_emergency(digits[length:], region) for region in regions):
            return True
    return False


def _emergency(number: str, rules: Rules) -> Decision:
    refusal: CallCenterError | None = None
    if not rules.by_hand:
        refusal = NotPermitted("{number} is an emergency number. Only a person may dial it.", number=number)
    elif not rules.emergency_trunk:
        refusal = Unavailable("Emergency calls cannot leave from here. Call {number} from a mobile phone, now.", number=number)
    return Decision(number, "emergency", refusal)


def _ordinary(parsed: PhoneNumber, rules: Rules) -> Decision:
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    country = phonenumbers.region_code_for_number(parsed) or "001"
    premium = phonenumbers.number_type(parsed) in _PREMIUM
    foreign = country != rules.region
    kind: Kind = "premium" if premium else "foreign" if foreign else "normal"
    refusal: CallCenterError | None = None
    if premium and not rules.allow_premium:
        refusal = NotPermitted("{number} is a premium-rate number, which this project does not allow.", number=e164)
    elif foreign and country not in rules.foreign_countries:
        refusal = NotPermitted("{number} is in {country}, which this project does not allow.", number=e164, country=country)
    elif rules.caller_id and rules.caller_id not in rules.verified:
        refusal = Conflict("The caller id {caller_id} is not verified for this trunk.", caller_id=rules.caller_id)
    return Decision(e164, kind, refusal)
