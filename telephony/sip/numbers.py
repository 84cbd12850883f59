"""Telephone numbers as carriers write them: to E.164 where that is certain, and back to the form a carrier wants."""

import re
from typing import Literal
from urllib.parse import unquote

import phonenumbers

Format = Literal["plus", "bare", "zeros", "national"]

_SEPARATORS = re.compile(r"[\s\-.()/]")  # visual separators (RFC 3966)
_LONGEST = 64
_SHORTEST_NATIONAL = 7  # below this a number is a short code or an extension: nothing is certain


def normalise(user: str, region: str) -> str:
    """Return the number in `user` (a SIP user part, a tel: or sip: URI) in E.164 where certain, else as it was sent.

    `region` is the trunk's country (ISO 3166). What is no number (a name, letters) comes back unchanged but bounded.
    """
    bare = unquote(re.sub(r"^(sips?|tel):", "", user.strip(), flags=re.IGNORECASE)).split("@")[0].split(";")[0]
    digits = _SEPARATORS.sub("", bare)
    if not re.fullmatch(r"\+?[0-9*#]+", digits):
        return bare[:_LONGEST]
    if digits.startswith("+"):
        return digits[:_LONGEST]
    if not digits.isdigit() or len(digits) < _SHORTEST_NATIONAL:
        return digits[:_LONGEST]
    return _as_e164(digits, region) or digits[:_LONGEST]


def _as_e164(digits: str, region: str) -> str | None:
    candidates: list[tuple[str, str | None]] = [("+" + digits[2:], None)] if digits.startswith("00") else []
    candidates += [(digits, region)]
    if not digits.startswith("0"):
        candidates.append(("+" + digits, None))
    for text, country in candidates:
        try:
            parsed = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return None


def dialled_form(number: str, form: Format, region: str) -> str:
    """Return `number` (E.164, or a short code) as the carrier wants it dialled.

    Short codes (112, *72) and numbers that are not E.164 go out as they are, separators removed.
    """
    digits = _SEPARATORS.sub("", number)
    if not re.fullmatch(r"\+[0-9]+", digits):
        return digits
    if form == "plus":
        return digits
    if form == "bare":
        return digits[1:]
    if form == "zeros":
        return "00" + digits[1:]
    try:
        parsed = phonenumbers.parse(digits, None)
    except phonenumbers.NumberParseException:
        return digits
    if phonenumbers.country_code_for_region(region) == parsed.country_code:
        text = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    else:
        text = phonenumbers.format_out_of_country_calling_number(parsed, region)
    return re.sub(r"[^0-9]", "", text)
