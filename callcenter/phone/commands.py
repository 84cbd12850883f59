"""Commands: the contact centre asks, nothing comes back but events."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from callcenter.phone.trunks import AnyTrunk
from callcenter.phone.words import EndReason, Listening, Member, Sound


@dataclass(frozen=True, slots=True)
class ConfigureTrunks:
    """The whole set of trunks; those not named are unregistered and closed to new calls."""

    trunks: tuple[AnyTrunk, ...]
    kind: Literal["configure_trunks"] = "configure_trunks"


@dataclass(frozen=True, slots=True)
class Originate:
    """Dial `number` on a trunk as leg `leg_id`. Repeating it with a known leg_id does nothing.

    `listening`: find out by the sound who answers, and tell it as MachineDetected; None: do not listen. A carrier that looks for
    machines itself tells it in its own way.
    """

    leg_id: str
    call_id: str
    trunk_id: int
    number: str
    caller_id: str
    ring_seconds: int = 60
    anonymous: bool = False
    listening: Listening | None = None
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

    `after` "beep": once a beep of the machine that answered is over, or the machine has said all and gone silent without one;
    a machine that does neither is hung up on. `linger_ms`: afterwards the leg hears silence for so long, for a key to be
    pressed, before it is hung up; such an announcement gives way to Bridge and Play at any time.
    """

    leg_id: str
    name: str
    after: Literal["now", "beep"] = "now"
    linger_ms: int = 0
    kind: Literal["announce"] = "announce"


@dataclass(frozen=True, slots=True)
class SendDtmf:
    """Send digits (0-9 * # A-D) to a leg's far end as RFC 4733 events, one after another."""

    leg_id: str
    digits: str
    kind: Literal["send_dtmf"] = "send_dtmf"


@dataclass(frozen=True, slots=True)
class SendText:
    """Send an SMS from our `sender` on a trunk that can. Repeating it with a known message_id does nothing.

    What becomes of it is TextStatus.
    """

    message_id: str
    trunk_id: int
    sender: str
    number: str
    text: str
    kind: Literal["send_text"] = "send_text"


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
    | SendText
    | CloseStation
    | Drain,
    Field(discriminator="kind"),
]
