"""What a trunk's fields may hold: those every kind has, and a SIP trunk's as it is written and shown."""

import datetime as dt
import ipaddress
import re
from typing import Annotated, Literal

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from callcenter.config import port_range
from callcenter.errors import BadValue
from callcenter.trunks.money import Amount

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")


def host(value: str) -> str:
    """Accept a host name, an IPv4 or an IPv6 address (brackets or not)."""
    value = value.strip().strip("[]")
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        if re.fullmatch(r"[0-9.]+", value) or not _HOST.fullmatch(value):
            raise BadValue("{value} is not a host name or an IP address.", value=value) from None
        return value


def _optional_host(value: str) -> str:
    return host(value) if value.strip() else ""


def _proxy(value: str) -> str:
    """Accept HOST or HOST:PORT."""
    value = value.strip()
    if not value:
        return ""
    name, separator, port = value.rpartition(":")
    if separator and port.isdigit() and (":" not in name or name.startswith("[")):
        if not 0 < int(port) < 65536:
            raise BadValue("{value} is not a port.", value=port)
        return f"{name if name.startswith('[') else host(name)}:{port}"
    return host(value)


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value.strip(), strict=False))
    except ValueError:
        raise BadValue("{value} is not an address or a network like 203.0.113.0/24.", value=value) from None


def e164(value: str) -> str:
    """Accept a number written with + and its country code; returns it in E.164."""
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        raise BadValue("{value} is not a number with + and country code.", value=value) from None
    if not phonenumbers.is_possible_number(parsed):
        raise BadValue("{value} is not a possible telephone number.", value=value)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _number_from(value: str) -> str:
    value = value.strip()
    if not _HEADER.fullmatch(value.replace("request_uri", "request-uri")):
        raise BadValue("Write request_uri, to, or the name of a SIP header.")
    return value


def _printable(value: str) -> str:
    """Refuse control characters: these values end in SIP headers."""
    value = value.strip()
    if not value.isprintable():
        raise BadValue("Control characters are not allowed.")
    return value


Codec = Literal["pcmu", "pcma"]
Text = Annotated[str, Field(max_length=128), AfterValidator(_printable)]
Number = Annotated[str, AfterValidator(e164)]


LONGEST_CALL = 86_400  # seconds, the most a carrier takes


class CommonFields(BaseModel):
    """What every trunk has. `caller_ids`: its own numbers. `longest_call_seconds`: a call is hung up then; 0: never.

    `minute_price` is what a started minute of a call that leaves costs, `daily_spend` what all of them may cost in a day
    (UTC), in the carrier's currency; "0": not counted.
    """

    model_config = ConfigDict(
        extra="forbid", str_max_length=1000, populate_by_name=True, serialize_by_alias=True, hide_input_in_errors=True
    )
    name: Annotated[Text, Field(min_length=1, max_length=64)]
    enabled: bool = True
    caller_ids: list[Number] = Field(default_factory=list, max_length=1000)
    longest_call_seconds: int = Field(0, ge=0, le=LONGEST_CALL)
    minute_price: Amount = "0"
    daily_spend: Amount = "0"

    @field_validator("caller_ids")
    @classmethod
    def _each_number_once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))


class StateFields(BaseModel):
    """What is known of every stored trunk.

    `state` is what the switch said last; away: the switch cannot be reached; draining: it is stopping.
    """

    id: int
    state: str
    state_detail: str
    state_values: dict[str, str] = {}
    state_at: dt.datetime | None


class TrunkFields(CommonFields):
    """A SIP trunk as people write and read it; meanings are those of phone.TrunkConfig."""

    kind: Literal["sip"] = "sip"
    host: Annotated[str, AfterValidator(host)]
    port: int = Field(5060, ge=1, le=65535)
    username: Text = ""
    auth_username: Text = ""
    domain: Annotated[str, AfterValidator(_optional_host)] = ""
    outbound_proxy: Annotated[str, AfterValidator(_proxy)] = ""
    register_: bool = Field(False, alias="register")
    trusted: bool = False
    allow: list[Annotated[str, AfterValidator(_network)]] = Field(default_factory=list, max_length=64)
    number_format: Literal["plus", "bare", "zeros", "national"] = "plus"
    number_from: Annotated[str, AfterValidator(_number_from)] = "request_uri"
    external_address: Annotated[str, AfterValidator(_optional_host)] = ""
    rtp_ports: str = ""
    codecs: list[Codec] = Field(default_factory=lambda: list[Codec](("pcma", "pcmu")), min_length=1, max_length=2)
    emergency: bool = False

    @field_validator("rtp_ports")
    @classmethod
    def _ports(cls, value: str) -> str:
        if value:
            port_range(value)
        return value

    @field_validator("allow", "codecs")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))


class TrunkInput(TrunkFields):
    """A trunk to store. `password`: None keeps the stored one, empty removes it."""

    password: Annotated[Text | None, Field(repr=False)] = None


class TrunkOut(TrunkFields, StateFields):
    """A stored trunk, without its password.

    `state` is what the switch said last; away: the switch cannot be reached; draining: it is stopping.
    """

    has_password: bool
