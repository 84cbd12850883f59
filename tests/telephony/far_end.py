"""A carrier and its customers for tests: a second SIP adapter whose legs are the customers' telephones."""

from pathlib import Path
from typing import Literal

from callcenter import clock
from callcenter.config import Settings
from callcenter.phone import EndReason, LegOffered, Originate, TrunkConfig, TrunkState
from callcenter.phone_fake import Outcome
from telephony.legs import CarrierLeg, Frame
from telephony.media.rtp_port import RtpPorts
from telephony.sip.trunks import SipCarrier
from tests.telephony.scripted import in_ear

HOST = "127.0.0.1"
TRUNK = 1
_REFUSALS = {
    Outcome.BUSY: (486, "Busy Here"),
    Outcome.NO_ANSWER: (480, "Temporarily Unavailable"),
    Outcome.REJECTED: (603, "Decline"),
    Outcome.UNREACHABLE: (404, "Not Found"),
    Outcome.CARRIER_DOWN: (503, "Service Unavailable"),
}


class SipCustomer:
    """A customer: the far end of one call."""

    def __init__(self) -> None:
        self.leg: CarrierLeg | None = None
        self.answered = self.ended = False
        self.digits = ""
        self._last = b""
        self.heard: list[bytes] = []  # frames, in the law of the leg's port

    def hears(self) -> str:
        return {"sound": "music"}.get(in_ear(self._last), in_ear(self._last)) if self._last else "nothing"

    def answer(self) -> None:
        assert self.leg is not None
        self.leg.answer()

    def hang_up(self) -> None:
        assert self.leg is not None
        self.leg.hang_up(EndReason.COMPLETED)

    def press(self, digits: str) -> None:
        assert self.leg is not None
        assert self.leg.port is not None
        self.leg.port.send_digits(digits)

    def listen(self) -> None:
        """Hear what comes on the leg's port."""
        assert self.leg is not None
        assert self.leg.port is not None
        self.leg.port.on_frame = self._heard
        self.leg.port.on_digit = self._pressed

    def _heard(self, frame: Frame) -> None:
        self._last = frame.payload
        self.heard.append(frame.payload)

    def _pressed(self, digit: str, _: int) -> None:
        self.digits += digit


class FarEnd:
    """The carrier and its customers (legs.LegListener)."""

    def __init__(self, folder: Path, ports: range) -> None:
        self.carrier = SipCarrier(Settings(data_dir=folder, sip=f"{HOST}:0"), RtpPorts(ports, HOST))
        self.outcomes: dict[str, Outcome] = {}
        self.customers: dict[str, SipCustomer] = {}
        self.by_number: dict[str, SipCustomer] = {}

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.carrier.listening[1]

    def aim(self, port: int) -> None:
        """Send the customers' calls to the switch on `port`."""
        self.carrier.configure((TrunkConfig(TRUNK, "near", HOST, port),))

    def call(self, number: str, dialled: str) -> SipCustomer:
        """Let a customer ring."""
        leg_id = clock.new_id()
        customer = self.customers[leg_id] = SipCustomer()
        customer.leg = self.carrier.originate(Originate(leg_id, leg_id, TRUNK, dialled, caller_id=number))
        return customer

    def leg_offered(self, leg: CarrierLeg, offered: LegOffered) -> None:
        customer = self.customers[leg.leg_id] = self.by_number[offered.dialled] = SipCustomer()
        customer.leg = leg
        outcome = self.outcomes.get(offered.dialled, Outcome.ANSWERS)
        if outcome in {Outcome.RINGS, Outcome.ANSWERS, Outcome.NO_ANSWER, Outcome.REJECTED}:
            leg.ring()
        if outcome is Outcome.ANSWERS:
            leg.answer()
        elif outcome in _REFUSALS:
            leg.reject(*_REFUSALS[outcome])

    def leg_ringing(self, leg: CarrierLeg, early_media: bool) -> None:
        pass

    def leg_answered(self, leg: CarrierLeg) -> None:
        self.customers[leg.leg_id].answered = True
        self.leg_media(leg)

    def leg_media(self, leg: CarrierLeg) -> None:
        self.customers[leg.leg_id].leg = leg
        self.customers[leg.leg_id].listen()

    def leg_ended(
        self, leg: CarrierLeg, reason: EndReason, by: Literal["far", "near", "switch"], code: int | None, text: str
    ) -> None:
        self.customers[leg.leg_id].ended = True
        if leg.port is not None:
            leg.port.close()

    def trunk_changed(self, state: TrunkState) -> None:
        pass
