"""Trunks as the switch needs them, and what it says of them."""

from dataclasses import dataclass, field
from typing import Literal


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
