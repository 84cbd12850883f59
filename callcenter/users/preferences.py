"""What a user may choose for themselves, with the rules each choice obeys."""

import re
import unicodedata
import zoneinfo
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LANGUAGES = ("en", "pl")

_MODIFIERS = ("Ctrl", "Alt", "Shift", "Meta")
_FUNCTION_KEY = re.compile(r"F([1-9]|1[0-2])")
_ORDINARY_KEY = re.compile(r"[A-Z0-9]")


def parse_shortcut(text: str) -> str:
    """Return a keyboard shortcut in its one spelling ("alt+a" -> "Alt+A"), "" for none; raises ValueError.

    Enter and Space are not keys here, and a bare letter is not either: nothing a person types may answer a call.
    """
    if not text.strip():
        return ""
    *modifiers, key = (part.strip().capitalize() for part in text.split("+"))
    if len(set(modifiers)) != len(modifiers) or not set(modifiers) <= set(_MODIFIERS):
        raise ValueError("not a shortcut")
    strong = set(modifiers) - {"Shift"}
    if not (_FUNCTION_KEY.fullmatch(key) or (_ORDINARY_KEY.fullmatch(key) and strong)):
        raise ValueError("not a shortcut")
    return "+".join([*(each for each in _MODIFIERS if each in modifiers), key])


def is_time_zone(name: str) -> bool:
    """Tell whether `name` is an IANA time zone this machine knows."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _lines(text: str) -> str:
    """Return a text of several lines without control characters."""
    kept = (each for each in text.replace("\r\n", "\n") if each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cs"))
    return "".join(kept).strip()


DeviceId = Annotated[str, Field(max_length=200)]


class Preferences(BaseModel):
    """The shape of User.preferences. Device ids are the browser's own, "" is its default device."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    answer_shortcut: Annotated[str, Field(max_length=40), AfterValidator(parse_shortcut)] = "Alt+A"
    microphone: DeviceId = ""
    speaker: DeviceId = ""
    ring_device: DeviceId = ""
    ring_volume: Annotated[int, Field(ge=0, le=100)] = 80
    notifications: bool = True
    signature: Annotated[str, Field(max_length=2000), AfterValidator(_lines)] = ""
    theme: Literal["light", "dark", "auto"] = "auto"
    contact_filter: Annotated[str, Field(max_length=4000)] = ""  # what stood after ? in the list of contacts at last
