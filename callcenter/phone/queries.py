"""Queries: a reply comes back, or a Refusal."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from callcenter.phone.trunks import TrunkReport, TrunkState, TrunkTrace


@dataclass(frozen=True, slots=True)
class OpenStation:
    """Plug a browser into a consultant's station: an SDP offer; the reply is StationAnswer.

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
class SetWebhooks:
    """Tell the carrier of a trunk where its calls and messages to our numbers go: to us; the reply is TrunkReport."""

    trunk_id: int
    kind: Literal["set_webhooks"] = "set_webhooks"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request a carrier made of us at {public_url}/twilio/{trunk_id}/{path}, as it came; the reply is WebhookAnswer.

    `query` is the query string without its ?; `params` the form's fields in order; `signature` the carrier's. The switch
    checks it. The reply may take LONGEST_WEBHOOK seconds: a caller who is to hear ringing hears it while we think.
    """

    trunk_id: int
    path: str
    query: str
    params: tuple[tuple[str, str], ...]
    signature: str
    kind: Literal["webhook"] = "webhook"


@dataclass(frozen=True, slots=True)
class ReadSnapshot:
    """All that lives in the switch; the reply is Snapshot."""

    kind: Literal["read_snapshot"] = "read_snapshot"


Query = Annotated[OpenStation | TestTrunk | ReadTrace | SetWebhooks | Webhook | ReadSnapshot, Field(discriminator="kind")]

LONGEST_WEBHOOK = 10.0  # seconds; Twilio waits 15


@dataclass(frozen=True, slots=True)
class StationAnswer:
    """The switch's SDP answer to a browser's offer."""

    sdp: str
    kind: Literal["station_answer"] = "station_answer"


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What the carrier is told: an HTTP status and a body."""

    status: int
    body: str = ""
    content_type: str = "text/plain"
    kind: Literal["webhook_answer"] = "webhook_answer"


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


Reply = Annotated[StationAnswer | TrunkReport | TrunkTrace | WebhookAnswer | Snapshot | Refusal, Field(discriminator="kind")]
