"""Trunks as the switch needs them, and what it says of them."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """A SIP trunk as the switch needs it. `allow` holds CIDRs calls may come from; the trunk's host is always allowed.

    `number_format`: how the carrier wants dialled numbers: plus (+48...), bare (48...), zeros (0048...), national.
    `number_from`: where the dialled number of an inbound call stands: request_uri, to, or a header's name.
    """

    trunk_id: int
    name: str
    host: str
    port: int = 5060
    username: str = ""
    auth_username: str = ""
    password: str = field(default="", repr=False)
    domain: str = ""
    outbound_proxy: str = ""
    register: bool = False
    trusted: bool = False
    allow: tuple[str, ...] = ()
    number_format: Literal["plus", "bare", "zeros", "national"] = "plus"
    number_from: str = "request_uri"
    region: str = "PL"
    external_address: str = ""
    rtp_ports: str = ""
    codecs: tuple[Literal["pcmu", "pcma"], ...] = ("pcma", "pcmu")
    longest_call_seconds: int = 0
    kind: Literal["sip"] = "sip"


@dataclass(frozen=True, slots=True)
class TwilioConfig:
    """A Twilio account as a trunk. `auth_token` signs webhooks; an `api_key` with its `api_secret` is used for requests instead.

    `public_url`: our address as Twilio reaches it, without a slash at the end; webhooks come to
    {public_url}/twilio/{trunk_id}/... `stream_url`: where its Media Streams connect, wss://HOST/streams. `api_url`: of
    whom requests are made, "" Twilio itself. `numbers`: ours there, E.164. `calls_per_second`: what the account may
    originate. `longest_call_seconds`: a call that lasts so long is hung up; 0: never.
    """

    trunk_id: int
    name: str
    account_sid: str
    auth_token: str = field(repr=False)
    public_url: str
    stream_url: str
    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    api_url: str = ""
    numbers: tuple[str, ...] = ()
    calls_per_second: float = 1.0
    machine_detection: bool = False
    longest_call_seconds: int = 14_400
    region: str = "PL"
    kind: Literal["twilio"] = "twilio"


AnyTrunk = Annotated[TrunkConfig | TwilioConfig, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class TrunkState:
    """A trunk as the switch sees it: unknown, registering, registered, ready (no registration asked), failed.

    `detail` is a sentence that says why, with its `values`.
    """

    trunk_id: int
    state: Literal["unknown", "registering", "registered", "ready", "failed"]
    detail: str = ""
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a trunk test tried, and a sentence about it: what was found, or what to do. `values` go into the sentence."""

    name: str
    ok: bool
    sentence: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrunkReport:
    """What a trunk test found."""

    checks: tuple[Check, ...]
    kind: Literal["trunk_report"] = "trunk_report"


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One SIP message as it crossed the wire, credentials blanked; `at` is Unix seconds."""

    at: float
    sent: bool
    peer: str
    text: str


@dataclass(frozen=True, slots=True)
class TrunkTrace:
    """The last messages of a trunk, oldest first."""

    lines: tuple[TraceLine, ...]
    kind: Literal["trunk_trace"] = "trunk_trace"
