"""A Twilio account as a trunk: what its fields may hold, as it is written and shown. Meanings are phone.TwilioConfig's."""

import ipaddress
import re
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator

from callcenter.errors import BadValue
from callcenter.trunks.fields import LONGEST_CALL, CommonFields, Number, StateFields, TrunkInput, TrunkOut, host

_SECRET = re.compile(r"[\x21-\x7e]{8,128}")
_DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
FOUR_HOURS = 14_400  # seconds; Twilio's own limit of a call for which nobody names another


def _account(value: str) -> str:
    value = value.strip()
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", value):
        raise BadValue("An account SID is AC and 32 more characters, digits and the letters a to f.")
    return value


def _key(value: str) -> str:
    value = value.strip()
    if value and not re.fullmatch(r"SK[0-9a-fA-F]{32}", value):
        raise BadValue("An API key SID is SK and 32 more characters, digits and the letters a to f.")
    return value


def _token(value: str) -> str:
    """Accept an auth token; the sentence must not hold it."""
    value = value.strip()
    if not _SECRET.fullmatch(value):
        raise BadValue("An auth token is 8 to 128 characters long, without spaces.")
    return value


def _api_secret(value: str) -> str:
    value = value.strip()
    if value and not _SECRET.fullmatch(value):
        raise BadValue("An API secret is 8 to 128 characters long, without spaces.")
    return value


def public_address(value: str) -> str:
    """Accept https://HOST or https://HOST:PORT, http:// too where it is this machine; returns it without a slash at the end."""
    parsed, address = _split(value, ("https", "http"), "https://calls.example.com")
    if parsed.path.strip("/"):
        raise BadValue("Write only https:// and the host, without a path: the rest is added.")
    return address


def _api_address(value: str) -> str:
    parsed, address = _split(value, ("https", "http"), "https://gateway.example.com")
    return address + parsed.path.rstrip("/")


def _stream_address(value: str) -> str:
    parsed, address = _split(value, ("wss", "ws"), "wss://calls.example.com/streams")
    return address + (parsed.path if parsed.path.strip("/") else "/streams")


def _split(value: str, schemes: tuple[str, str], example: str) -> tuple[SplitResult, str]:
    """Take an address apart; `schemes`: the one it must have, and the one that will do on this machine."""
    value = value.strip()
    wrong = BadValue("{value} is not an address like {example}.", value=value[:100], example=example)
    if not value.isascii() or not value.isprintable() or " " in value:
        raise wrong
    try:
        parsed = urlsplit(value)
        name, port = host(parsed.hostname or ""), parsed.port
    except ValueError:
        raise wrong from None
    if parsed.scheme not in schemes:
        raise wrong
    if parsed.scheme != schemes[0] and not is_loopback(name):
        raise BadValue("Only {scheme}:// is safe here: what is sent holds secrets.", scheme=schemes[0])
    if "?" in value or "#" in value or "@" in parsed.netloc:
        raise BadValue("Leave out the user, and what follows ? or #.")
    name = f"[{name}]" if ":" in name else name.lower()
    shown = "" if port is None or port == _DEFAULT_PORTS[parsed.scheme] else f":{port}"
    return parsed, f"{parsed.scheme}://{name}{shown}"


def is_loopback(name: str) -> bool:
    """Tell whether a host is this machine."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def stream_address(public_url: str, streams: str) -> str:
    """Return where Media Streams connect when nothing else is said: /streams at our public address.

    On this machine, without a proxy, they come to the switch itself (the setting `streams`).
    """
    scheme, _, rest = public_url.partition("://")
    return f"wss://{rest}/streams" if scheme == "https" else f"ws://{streams}/streams"


def _optional(value: str) -> str:
    return public_address(value) if value.strip() else ""


def _optional_api(value: str) -> str:
    return _api_address(value) if value.strip() else ""


def _optional_stream(value: str) -> str:
    return _stream_address(value) if value.strip() else ""


class TwilioFields(CommonFields):
    """A Twilio account as people write and read it.

    `public_url`: where Twilio reaches us, empty: the setting public_url. `stream_url`: where its Media Streams connect,
    empty: /streams at the public address. `api_url`: whom we ask instead of Twilio (a gateway of one's own).
    """

    kind: Literal["twilio"]
    caller_ids: list[Number] = Field(max_length=1000)
    longest_call_seconds: int = Field(FOUR_HOURS, ge=0, le=LONGEST_CALL)
    account_sid: Annotated[str, Field(max_length=100), AfterValidator(_account)]
    api_key: Annotated[str, Field(max_length=100), AfterValidator(_key)] = ""
    public_url: Annotated[str, Field(max_length=300), AfterValidator(_optional)] = ""
    stream_url: Annotated[str, Field(max_length=300), AfterValidator(_optional_stream)] = ""
    api_url: Annotated[str, Field(max_length=300), AfterValidator(_optional_api)] = ""
    calls_per_second: float = Field(1.0, ge=0.1, le=100, allow_inf_nan=False)
    machine_detection: bool = False

    @field_validator("caller_ids")
    @classmethod
    def _some_number(cls, value: list[str]) -> list[str]:
        if not value:
            raise BadValue("Write at least one number of the account.")
        return value


class TwilioInput(TwilioFields):
    """A Twilio trunk to store. `auth_token` and `api_secret`: None keeps the stored ones; a new trunk needs its token.

    Another account, API key or gateway needs its secrets typed anew.
    """

    auth_token: Annotated[str, AfterValidator(_token)] | None = Field(None, repr=False, max_length=128)
    api_secret: Annotated[str, AfterValidator(_api_secret)] | None = Field(None, repr=False, max_length=128)


class TwilioOut(TwilioFields, StateFields):
    """A stored Twilio trunk, without its secrets. `webhook_url`: what the addresses Twilio calls begin with."""

    has_auth_token: bool
    has_api_secret: bool
    webhook_url: str


def kind_of(given: Any) -> str:
    """Return the kind of a trunk that is to be validated: sip where none is named."""
    kind = given.get("kind", "sip") if isinstance(given, dict) else getattr(given, "kind", "sip")
    return kind if isinstance(kind, str) else "?"


AnyTrunkInput = Annotated[
    Annotated[TrunkInput, Tag("sip")] | Annotated[TwilioInput, Tag("twilio")],
    Discriminator(kind_of),
]
AnyTrunkOut = Annotated[TrunkOut | TwilioOut, Field(discriminator="kind")]
