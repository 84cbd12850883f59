"""What the switch asks of its parts: a carrier, its legs, and audio ports. The seam SIP and Twilio fit.

Everything here runs on the switch's asyncio loop; an adapter with a thread of its own crosses over inside itself.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from callcenter.errors import Invalid
from callcenter.phone import (
    AnyTrunk,
    Check,
    EndReason,
    LegOffered,
    Originate,
    Quality,
    SendText,
    TextReceived,
    TextStatus,
    TraceLine,
    TrunkReport,
    TrunkState,
    Webhook,
    WebhookAnswer,
)

Law = Literal["pcmu", "pcma"]
By = Literal["far", "near", "switch"]
Found = Literal["human", "machine", "fax", "unknown"]


class Frame(NamedTuple):
    """Some G.711 audio (any whole number of milliseconds, usually 160 octets) as it came, not decoded.

    `timestamp` is the source's RTP timestamp in samples (gaps are silence), `marker` the start of a talk spurt.
    """

    payload: bytes
    timestamp: int
    marker: bool = False


class Port(Protocol):
    """An audio end: a carrier leg's RTP or a browser. `law` is the law of the frames it gives and takes."""

    law: Law
    on_frame: Callable[[Frame], None] | None
    on_digit: Callable[[str, int], None] | None  # digit, milliseconds
    tap: Callable[[Frame], None] | None  # hears what comes as well, whoever has on_frame (telephony/listening.py)

    def send(self, frame: Frame) -> None:
        """Send a frame in the port's law now; rewrites sequence and timestamps to one continuous stream."""

    def send_digits(self, digits: str) -> None:
        """Send RFC 4733 events one after another, in the place of audio."""

    def close(self) -> None:
        """Free sockets; nothing more comes or goes. Safe to repeat."""

    def quality(self) -> Quality:
        """Return counters so far."""

    @property
    def heard(self) -> float:
        """clock.monotonic() of the last frame received, 0.0 before the first."""


class CarrierLeg(Protocol):
    """A call at a carrier. Methods may be called in any state and repeated: what makes no sense now does nothing."""

    leg_id: str
    trunk_id: int
    direction: Literal["inbound", "outbound"]
    provider_ref: str

    @property
    def port(self) -> Port | None:
        """The leg's audio end; None until media is negotiated."""

    def ring(self) -> None:
        """Inbound: 180."""

    def answer(self) -> None:
        """Inbound: 200 with SDP."""

    def reject(self, code: int, text: str) -> None:
        """Inbound: a final refusal."""

    def hang_up(self, reason: EndReason) -> None:
        """CANCEL, BYE or a refusal, as the state needs."""


class LegListener(Protocol):
    """The switch, as a carrier adapter calls it. Each leg ends exactly once; nothing follows its end."""

    def leg_offered(self, leg: CarrierLeg, offered: LegOffered) -> None:
        """An inbound call came; 100 is sent already."""

    def leg_ringing(self, leg: CarrierLeg, early_media: bool) -> None:
        """An outbound leg rings (180, or 183 with SDP: then leg.port is set and early_media is true)."""

    def leg_answered(self, leg: CarrierLeg) -> None:
        """200 received (outbound; ACK sent), or ACK received for ours (inbound). leg.port is set."""

    def leg_media(self, leg: CarrierLeg) -> None:
        """leg.port was replaced (re-INVITE with another law or address family)."""

    def leg_ended(self, leg: CarrierLeg, reason: EndReason, by: By, code: int | None, text: str) -> None:
        """It is over. The switch closes the port."""

    def trunk_changed(self, state: TrunkState) -> None:
        """Registration or reachability changed."""


class CarrierListener(LegListener, Protocol):
    """The switch, as adapters call it that know more than calls."""

    def leg_lost(self, leg: CarrierLeg, code: int | None, text: str) -> None:
        """An outbound leg is over, and nobody can say whether it was dialled. The switch closes the port."""

    def machine_detected(self, leg: CarrierLeg, found: Found) -> None:
        """What picked an outbound call up."""

    def text_received(self, event: TextReceived) -> None:
        """An SMS came in; the same one may come twice."""

    def text_status(self, event: TextStatus) -> None:
        """What became of an SMS."""


class Carrier(Protocol):
    """An adapter: all trunks of one kind on one listening address."""

    async def start(self, listener: CarrierListener) -> None:
        """Open the sockets; raises Unavailable with a sentence when the port is taken."""

    async def stop(self) -> None:
        """Un-register, end what still lives, close."""

    def configure(self, trunks: Sequence[AnyTrunk]) -> None:
        """Take this whole set of trunks; those of another kind are another adapter's."""

    def originate(self, command: Originate) -> CarrierLeg:
        """Start an outbound call at once; what fails, fails as leg_ended on the next turn of the loop."""

    def send_text(self, command: SendText) -> None:
        """Send an SMS; what becomes of it is text_status. Raises Invalid with a sentence where there are none."""

    async def webhook(self, query: Webhook) -> WebhookAnswer:
        """Take a request of the carrier's, and say what it is answered."""

    async def test(self, trunk_id: int) -> TrunkReport:
        """Try the trunk and say what works."""

    async def set_webhooks(self, trunk_id: int) -> TrunkReport:
        """Tell the carrier where calls and messages to our numbers go."""

    def trace(self, trunk_id: int) -> tuple[TraceLine, ...]:
        """Return the last messages of a trunk, credentials blanked."""

    def states(self) -> tuple[TrunkState, ...]:
        """Return every trunk's state."""

    @property
    def counters(self) -> dict[str, int]:
        """Totals since the start: malformed, refused, calls_in, calls_out ..."""


class CallsOnly:
    """What an adapter answers for whom there is nothing but calls: no webhooks, no text messages."""

    def send_text(self, command: SendText) -> None:
        """Refuse (Carrier)."""
        raise Invalid("This trunk sends no text messages.")

    async def webhook(self, query: Webhook) -> WebhookAnswer:
        """Know none (Carrier)."""
        return WebhookAnswer(404)

    async def set_webhooks(self, trunk_id: int) -> TrunkReport:
        """Have none to set (Carrier)."""
        return TrunkReport((Check("webhooks", False, "A SIP trunk has no webhooks."),))
