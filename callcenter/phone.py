"""The port between the contact centre and the switch: commands to it, events from it, queries with a reply.

Every message is a frozen dataclass with a literal `kind`; `encode` and `decode` round-trip them through JSON. Ids of
legs and calls are chosen by the contact centre for outbound calls and by the switch for inbound ones (clock.new_id);
a station's id is the user's id as text. Numbers are E.164 strings where known, otherwise what the carrier sent.
"""

import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

from pydantic import Field, TypeAdapter


class EndReason(enum.StrEnum):
    """Why a leg or call ended, the same words for every carrier."""

    COMPLETED = "completed"  # it was answered, and somebody hung up
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    CANCELLED = "cancelled"  # the calling side gave up before an answer
    UNREACHABLE = "unreachable"  # wrong number, switched off, no route
    FAILED = "failed"  # carrier or switch trouble
    DROPPED = "dropped"  # of calls only: the consultant was gone for good while the customer was on the line


class PortRole(enum.StrEnum):
    """What a port is in a bridge; who hears whom follows from it."""

    CUSTOMER = "customer"
    AGENT = "agent"
    SUPERVISOR = "supervisor"


class Sound(enum.StrEnum):
    """What the switch can play to a port by itself."""

    SILENCE = "silence"
    MUSIC = "music"
    RINGBACK = "ringback"
    BUSY_TONE = "busy_tone"


@dataclass(frozen=True, slots=True)
class Member:
    """A port in a bridge: a carrier leg or a consultant's station."""

    port: Literal["leg", "station"]
    id: str
    role: PortRole


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


# --- commands: the contact centre asks, nothing comes back but events ---------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfigureTrunks:
    """The whole set of trunks; those not named are unregistered and closed to new calls."""

    trunks: tuple[TrunkConfig, ...]
    kind: Literal["configure_trunks"] = "configure_trunks"


@dataclass(frozen=True, slots=True)
class Originate:
    """Dial `number` on a trunk as leg `leg_id`. Repeating it with a known leg_id does nothing."""

    leg_id: str
    call_id: str
    trunk_id: int
    number: str
    caller_id: str
    ring_seconds: int = 60
    anonymous: bool = False
    kind: Literal["originate"] = "originate"


@dataclass(frozen=True, slots=True)
class RingLeg:
    """Tell an inbound caller that it rings (180)."""

    leg_id: str
    kind: Literal["ring_leg"] = "ring_leg"


@dataclass(frozen=True, slots=True)
class AnswerLeg:
    """Answer an inbound leg (200). It hears what Bridge or Play says, silence until then."""

    leg_id: str
    kind: Literal["answer_leg"] = "answer_leg"


@dataclass(frozen=True, slots=True)
class RejectLeg:
    """Refuse an inbound leg that is not answered: busy (486), rejected (603), unreachable (404), failed (503)."""

    leg_id: str
    reason: EndReason
    kind: Literal["reject_leg"] = "reject_leg"


@dataclass(frozen=True, slots=True)
class HangUpLeg:
    """End a leg in whatever state: CANCEL, BYE or a final answer, as its state needs."""

    leg_id: str
    reason: EndReason = EndReason.COMPLETED
    kind: Literal["hang_up_leg"] = "hang_up_leg"


@dataclass(frozen=True, slots=True)
class Bridge:
    """Set who is in call `call_id`'s bridge: the whole membership, so repeating it changes nothing; empty ends it.

    While a customer leg is still ringing without early media the agents hear ringback. While an agent's station is
    away the customer hears music.
    """

    call_id: str
    members: tuple[Member, ...]
    kind: Literal["bridge"] = "bridge"


@dataclass(frozen=True, slots=True)
class Play:
    """Play a sound to a leg that is in no bridge, until Bridge or the next Play."""

    leg_id: str
    sound: Sound
    kind: Literal["play"] = "play"


@dataclass(frozen=True, slots=True)
class Announce:
    """Let an answered leg hear the announcement `name` from start to end, whatever it hears now, then hang it up.

    `name`: of a WAV file in Settings.announcements; one that cannot be played is as if it had no length. From then on
    nothing but HangUpLeg changes what the leg hears: Bridge and Play leave it out, and Announce again does nothing. The
    switch goes on by itself when the contact centre is away. LegEnded says how much of it was played.
    """

    leg_id: str
    name: str
    kind: Literal["announce"] = "announce"


@dataclass(frozen=True, slots=True)
class SendDtmf:
    """Send digits (0-9 * # A-D) to a leg's far end as RFC 4733 events, one after another."""

    leg_id: str
    digits: str
    kind: Literal["send_dtmf"] = "send_dtmf"


@dataclass(frozen=True, slots=True)
class CloseStation:
    """Unplug a consultant's browser, if `session` is the one plugged in (empty: whichever is)."""

    station_id: str
    session: str = ""
    kind: Literal["close_station"] = "close_station"


@dataclass(frozen=True, slots=True)
class Drain:
    """Take no new calls (503), let present ones finish; `on=False` takes calls again."""

    on: bool = True
    kind: Literal["drain"] = "drain"


Command = Annotated[
    ConfigureTrunks
    | Originate
    | RingLeg
    | AnswerLeg
    | RejectLeg
    | HangUpLeg
    | Bridge
    | Play
    | Announce
    | SendDtmf
    | CloseStation
    | Drain,
    Field(discriminator="kind"),
]


# --- queries: a reply comes back, or an Unavailable -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenStation:
    """Plug a browser into a consultant's station: an SDP offer; the reply is StationOpened_.

    A newer session replaces the older one at once (reload, other tab); calls on the station stay bridged.
    """

    station_id: str
    session: str
    sdp: str
    kind: Literal["open_station"] = "open_station"


@dataclass(frozen=True, slots=True)
class TestTrunk:
    """Try a trunk: resolve, OPTIONS, registration; the reply is TrunkReport."""

    trunk_id: int
    kind: Literal["test_trunk"] = "test_trunk"
    __test__ = False  # not a test class, whatever pytest makes of the name


@dataclass(frozen=True, slots=True)
class ReadTrace:
    """The last SIP messages of a trunk (0: those no trunk claimed); the reply is TrunkTrace."""

    trunk_id: int
    kind: Literal["read_trace"] = "read_trace"


@dataclass(frozen=True, slots=True)
class ReadSnapshot:
    """All that lives in the switch; the reply is Snapshot."""

    kind: Literal["read_snapshot"] = "read_snapshot"


Query = Annotated[OpenStation | TestTrunk | ReadTrace | ReadSnapshot, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class StationAnswer:
    """The switch's SDP answer to a browser's offer."""

    sdp: str
    kind: Literal["station_answer"] = "station_answer"


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


@dataclass(frozen=True, slots=True)
class LegState:
    """A leg alive in the switch."""

    leg_id: str
    call_id: str | None
    trunk_id: int
    direction: Literal["inbound", "outbound"]
    state: Literal["ringing", "answered"]
    number: str


@dataclass(frozen=True, slots=True)
class StationState:
    """A station in the switch; `live` when a browser is plugged in and its audio path stands."""

    station_id: str
    session: str
    live: bool
    call_id: str | None


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
class Snapshot:
    """All that lives in the switch at one moment. `counters` are totals since its start, by name.

    `draining`: it takes no new calls, those that live may finish.
    """

    boot_id: str
    legs: tuple[LegState, ...] = ()
    stations: tuple[StationState, ...] = ()
    trunks: tuple[TrunkState, ...] = ()
    counters: dict[str, int] = field(default_factory=dict)
    draining: bool = False
    kind: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A query that could not be done: a sentence for the person who asked, `values` fill its {names}."""

    sentence: str
    status: int = 503
    values: dict[str, str] = field(default_factory=dict)
    kind: Literal["refusal"] = "refusal"


Reply = Annotated[StationAnswer | TrunkReport | TrunkTrace | Snapshot | Refusal, Field(discriminator="kind")]


# --- events: what happened, delivered in order, at least once --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegOffered:
    """A customer rings. `received` is clock.monotonic() at the first packet; `withheld` when the caller hides.

    `number` is the caller as the carrier told it (P-Asserted-Identity on a trusted trunk, else From), "" when none;
    `dialled` is the number that was called.
    """

    leg_id: str
    trunk_id: int
    number: str
    name: str
    dialled: str
    withheld: bool
    provider_ref: str
    received: float
    kind: Literal["leg_offered"] = "leg_offered"


@dataclass(frozen=True, slots=True)
class LegRinging:
    """An outbound leg rings at the far end; `early_media` when the carrier sends its own sound."""

    leg_id: str
    early_media: bool
    kind: Literal["leg_ringing"] = "leg_ringing"


@dataclass(frozen=True, slots=True)
class LegAnswered:
    """The leg is answered: the far end's 200 outbound, our own 200 acknowledged inbound."""

    leg_id: str
    kind: Literal["leg_answered"] = "leg_answered"


@dataclass(frozen=True, slots=True)
class Quality:
    """What a leg's audio was like: packets each way, lost and late from the far end, jitter in milliseconds (RFC 3550)."""

    received: int = 0
    sent: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    foreign: int = 0  # packets from an address that was not the latched one
    law: str = ""


@dataclass(frozen=True, slots=True)
class Announced:
    """How much of an announcement (Announce) was played to a leg, in milliseconds; `of_ms` 0: it could not be played."""

    played_ms: int
    of_ms: int


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The leg is over, for good. `code` and `text` are the carrier's own (SIP status), `by` who ended it.

    `lost`: the switch that was asked to dial it is gone, and may or may not have done so. `announced`: None unless an
    announcement was asked for.
    """

    leg_id: str
    reason: EndReason
    by: Literal["far", "near", "switch"]
    code: int | None = None
    text: str = ""
    quality: Quality | None = None
    lost: bool = False
    announced: Announced | None = None
    kind: Literal["leg_ended"] = "leg_ended"


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The far end pressed a key."""

    leg_id: str
    digit: str
    milliseconds: int
    kind: Literal["dtmf_received"] = "dtmf_received"


@dataclass(frozen=True, slots=True)
class StationLive:
    """A browser's audio path stands."""

    station_id: str
    session: str
    kind: Literal["station_live"] = "station_live"


@dataclass(frozen=True, slots=True)
class StationLost:
    """A browser's audio path is gone (closed, replaced sessions do not count, network lost)."""

    station_id: str
    session: str
    kind: Literal["station_lost"] = "station_lost"


@dataclass(frozen=True, slots=True)
class TrunkChanged:
    """A trunk's registration or reachability changed."""

    trunk: TrunkState
    kind: Literal["trunk_changed"] = "trunk_changed"


@dataclass(frozen=True, slots=True)
class SwitchDraining:
    """The switch takes no new calls from now on (or does again); present ones may finish."""

    on: bool
    kind: Literal["switch_draining"] = "switch_draining"


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The contact centre and the switch are joined again: what lives there now. Reconcile with it."""

    snapshot: Snapshot
    kind: Literal["link_up"] = "link_up"


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The switch cannot be reached; calls in it go on, nothing new can start."""

    kind: Literal["link_down"] = "link_down"


Event = Annotated[
    LegOffered
    | LegRinging
    | LegAnswered
    | LegEnded
    | DtmfReceived
    | StationLive
    | StationLost
    | TrunkChanged
    | SwitchDraining
    | LinkUp
    | LinkDown,
    Field(discriminator="kind"),
]

COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
QUERY: TypeAdapter[Query] = TypeAdapter(Query)
REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class Phone(Protocol):
    """The contact centre's end of the port. Implemented by the link to the switch process and by the fake."""

    def send(self, command: Command) -> None:
        """Send a command, in order, without waiting.

        While the switch is away an Originate comes back as LegEnded(failed); other commands are dropped, since the
        snapshot after the next LinkUp reconciles them.
        """

    async def ask(self, query: Query, timeout: float = 5.0) -> Reply:  # noqa: ASYNC109 - callers differ in patience
        """Send a query and wait for its reply; raises Unavailable when the switch is away or refuses."""

    def events(self) -> AsyncIterator[Event]:
        """Yield events in order. An event counts as taken when the next one is asked for; until then it may come again."""
