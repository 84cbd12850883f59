"""Events: what happened, delivered in order, at least once."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from callcenter.phone.queries import Snapshot
from callcenter.phone.trunks import TrunkState
from callcenter.phone.words import Announced, EndReason, Quality


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
class MachineDetected:
    """What was found at the far end of an outbound leg: by the carrier, or by the switch where Originate asked it to listen.

    It may come late, when somebody talks already, and twice: what is known for sure follows "unknown".
    """

    leg_id: str
    found: Literal["human", "machine", "fax", "unknown"]
    kind: Literal["machine_detected"] = "machine_detected"


@dataclass(frozen=True, slots=True)
class TextReceived:
    """An SMS came to one of our numbers. `provider_ref` is the carrier's id of it: the same message may come twice."""

    trunk_id: int
    provider_ref: str
    number: str
    dialled: str
    text: str
    kind: Literal["text_received"] = "text_received"


@dataclass(frozen=True, slots=True)
class TextStatus:
    """What became of an SMS (SendText). It may come late, twice and out of order; the last three are final.

    `uncertain`: the carrier or the switch was lost while it was handed over, so it may or may not have gone out.
    `code` and `words` are the carrier's own of what went wrong.
    """

    message_id: str
    state: Literal["sent", "delivered", "undelivered", "failed", "uncertain"]
    provider_ref: str = ""
    code: int | None = None
    words: str = ""
    kind: Literal["text_status"] = "text_status"


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
    | MachineDetected
    | TextReceived
    | TextStatus
    | DtmfReceived
    | StationLive
    | StationLost
    | TrunkChanged
    | SwitchDraining
    | LinkUp
    | LinkDown,
    Field(discriminator="kind"),
]
