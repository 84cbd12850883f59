"""What a telephone number is, however it was typed or sent. Pure; never raises.

Formats, lengths and country codes come from phonenumbers (Google's libphonenumber data).
"""

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

import phonenumbers

Kind = Literal["valid", "short", "withheld", "invalid", "alphanumeric", "empty"]

LONGEST_SHORT = 6  # internal, emergency and service numbers; Poland's longest are 116xxx
LAST_DIGITS = 9
LONGEST = 15  # E.164, without the international prefix
_LONGEST_TYPED = 200
_LONGEST_SHOWN = 60
_BARE_INTERNATIONAL = 11  # digits without + or 00 that may still start with a country code

_WITHHELD = {
    "anonymous", "restricted", "private", "withheld", "unavailable", "unknown", "nieznany", "zastrzezony", "prywatny", "anonim",
}  # fmt: skip
_SCHEME = re.compile(r"^(?:tel|sips?|callto):(?://)?", re.IGNORECASE)
_EXTENSION = re.compile(
    r"(?:;\s*ext=|;|#|,+|\b(?:ext(?:ension|n)?|wewn?(?:ętrzny)?|w|x)\b[\s.:]*|(?<=\d)\s*x\s*)\s*(\d{1,7})\s*$", re.IGNORECASE
)
_PUNCTUATION = re.compile(r"[\s\-‐-―−().\[\]/~\u00ad\u2060]+")  # noqa: RUF001 - the dashes people paste
_DIGITS = re.compile(r"\+?\d+", re.ASCII)
_TRUNK_ZERO = re.compile(r"\(0\)")


@dataclass(frozen=True, slots=True)
class ParsedNumber:
    """A number as given (`raw`) and what it means.

    `digits`: those of the E.164 form where valid, else those typed, without an extension. `e164` and `last_nine` are
    None where there are none. `shown` is how a person reads it: the international format where valid.
    """

    raw: str
    digits: str
    e164: str | None
    last_nine: str | None
    shown: str
    kind: Kind
    extension: str = ""


def parse(raw: str, region: str) -> ParsedNumber:
    """Read a number as typed or as a carrier sent it; numbers without + or 00 belong to `region` (PL, DE ...)."""
    return _remembered(raw, region) if len(raw) <= _LONGEST_SHOWN else _parse(raw, region)


def read(raw: str, region: str) -> ParsedNumber:
    """Read a number as `parse` does, for storing and not for showing: of a valid one `shown` is its E.164 form."""
    return _parse(raw, region, False)


def _parse(raw: str, region: str, show: bool = True) -> ParsedNumber:
    text = _plain(raw)
    if not text:
        return ParsedNumber(raw, "", None, None, "", "empty")
    bare, extension = text.replace(" ", "").replace("-", ""), ""
    digits = bare.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):  # most are just that, and a file has a million of them
        if _is_withheld(text):
            return ParsedNumber(raw, "", None, None, "", "withheld")
        text = _SCHEME.sub("", text)
        text = text.partition("@")[0]
        text, extension = _split_extension(text)
        bare = _PUNCTUATION.sub("", _TRUNK_ZERO.sub("", text))
        digits = "".join(each for each in bare if each in "0123456789")
    shown = _plain(raw)[:_LONGEST_SHOWN]
    if not _DIGITS.fullmatch(bare):
        letters = any(each.isalpha() for each in text)
        return ParsedNumber(raw, digits, None, None, shown, "alphanumeric" if letters else "invalid")
    found = _find(bare, region)
    if found is not None:
        e164 = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
        shown = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.INTERNATIONAL) if show else e164
        shown += f" ext. {extension}" if extension else ""
        return ParsedNumber(raw, e164[1:], e164, _last_nine(e164[1:]), shown, "valid", extension)
    if _is_short(bare, region):
        return ParsedNumber(raw, digits, None, None, shown, "short", extension)
    return ParsedNumber(raw, digits, None, _last_nine(digits), shown, "invalid", extension)


_remembered = functools.lru_cache(maxsize=2048)(_parse)  # one call asks for its number half a dozen times


@functools.lru_cache(maxsize=4096)
def show(number: str) -> str:
    """Return a stored number (E.164, or as typed) as a person reads it."""
    return parse(number, "ZZ").shown


def answerable(number: str) -> bool:
    """Tell whether a stored sender (E.164, or as it came) is a number one can write or call back to."""
    return parse(number, "ZZ").e164 is not None


def takes_texts(number: str) -> bool:
    """Tell whether a stored number is a mobile's, as far as its plan says."""
    e164 = parse(number, "ZZ").e164
    return e164 is not None and is_mobile(e164)


@functools.lru_cache(maxsize=4096)
def is_mobile(e164: str) -> bool:
    """Tell whether a valid number belongs to a mobile phone, as far as its plan says (some do not)."""
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return phonenumbers.number_type(phonenumbers.parse(e164)) in kinds


def search_digits(text: str) -> str:
    """Return the digits of what somebody typed to search for a part of a number."""
    return "".join(each for each in _plain(text) if each in "0123456789")


def _plain(raw: str) -> str:
    """Return the text with ASCII digits and without invisible characters."""
    if raw.isascii() and raw.isprintable():  # nearly every number
        return raw[:_LONGEST_TYPED].strip()
    text = unicodedata.normalize("NFKC", raw[:_LONGEST_TYPED])
    kept = (each for each in text if unicodedata.category(each) not in {"Cc", "Cf", "Cs"} or each in "\t\n\r")
    return "".join(str(unicodedata.digit(each)) if each.isdecimal() else each for each in kept).strip()


def _is_withheld(text: str) -> bool:
    name = _SCHEME.sub("", text).partition("@")[0].strip(" \"'<>").casefold()
    if not name.isascii():
        name = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return name in _WITHHELD


def _split_extension(text: str) -> tuple[str, str]:
    """Split off an extension, when a number of some length stands before it."""
    match = _EXTENSION.search(text)
    if match is None or sum(each.isdigit() for each in text[: match.start()]) <= LONGEST_SHORT:
        return text.split(";")[0].strip(), ""
    return text[: match.start()].strip(), match[1]


def _find(bare: str, region: str) -> phonenumbers.PhoneNumber | None:
    """Return the valid number that digits (with or without +) stand for, reading them as people and carriers write."""
    readings = [bare]
    if bare.startswith("00"):
        readings = ["+" + bare[2:]]
    elif not bare.startswith("+"):
        if bare.startswith("0"):
            readings.append(bare[1:])  # a trunk prefix of old: 0 22 123 45 67
        if len(bare) >= _BARE_INTERNATIONAL:
            readings.append("+" + bare)  # a carrier that leaves the + out
    for reading in readings:
        try:
            number = phonenumbers.parse(reading, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return number
    return None


def _is_short(bare: str, region: str) -> bool:
    """Tell internal, service and emergency numbers, also behind the own country's code (+48112)."""
    digits = bare.removeprefix("+")
    if len(digits) <= LONGEST_SHORT and not bare.startswith("+"):
        return True
    code = str(phonenumbers.country_code_for_region(region))
    prefix = next((each for each in (f"+{code}", f"00{code}") if bare.startswith(each)), bare)
    return 1 < len(bare) - len(prefix) <= LONGEST_SHORT


def _last_nine(digits: str) -> str | None:
    return digits[-LAST_DIGITS:] if LAST_DIGITS <= len(digits) <= LONGEST + 2 else None
