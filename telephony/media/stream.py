"""What a UDP port and a browser have in common: G.711 and keys in one RTP stream each way."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from callcenter import clock
from callcenter.phone import Quality
from telephony.legs import Frame, Law
from telephony.media import dtmf, g711, rtp


class RtpStream(ABC):
    """Most of telephony.legs.Port: a transport calls `receive` with what came and implements `_transmit` for what goes."""

    def __init__(self, *, law: Law, event_type: int | None) -> None:
        self.law: Law = law
        self.on_frame: Callable[[Frame], None] | None = None
        self.on_digit: Callable[[str, int], None] | None = None
        self.tap: Callable[[Frame], None] | None = None
        self.heard = 0.0  # clock.monotonic() of the last packet taken
        self.sending = True  # false: the far end wants to hear nothing (it said sendonly or inactive)
        self.sent = 0
        self.foreign = 0
        self.malformed = 0
        self.event_type = event_type
        self.receiver = rtp.Receiver()
        self.rewriter = rtp.Rewriter()
        self._type = g711.PAYLOAD_TYPE[law]
        self._event_timestamp = 0
        self._closed = False
        # Made when the first key comes: they point back here, and most calls end without leaving the collector a circle.
        self._digits_in: dtmf.DigitReceiver | None = None
        self._digits_out: dtmf.DigitSender | None = None

    @abstractmethod
    def _transmit(self, packet: bytes) -> None:
        """Send a whole RTP packet and count it in `sent`, or drop it when there is nowhere to send it."""

    def set_law(self, law: Law, event_type: int | None = None) -> None:
        """Set the law of the frames given and taken, and the far side's payload type for events (None: it knows none)."""
        self.law = law
        self._type = g711.PAYLOAD_TYPE[law]
        self.event_type = event_type

    def send(self, frame: Frame) -> None:
        """Send a frame in the port's law now."""
        payload, timestamp, marker = frame
        if not self.sending or not payload or (self._digits_out is not None and self._digits_out.busy):
            return
        self._transmit(self.rewriter.header(self._type, timestamp, len(payload), marker, clock.monotonic()) + payload)

    def send_digits(self, digits: str) -> None:
        """Send keys one after another as events, or as tones where the far end knows no events."""
        if self._closed:
            return
        if self._digits_out is None:
            self._digits_out = dtmf.DigitSender(self._send_digit_packet, self.rewriter.interrupt)
        self._digits_out.send(digits)

    def quality(self) -> Quality:
        """Return counters so far."""
        return Quality(
            received=self.receiver.received,
            sent=self.sent,
            lost=self.receiver.lost,
            jitter_ms=round(self.receiver.jitter_ms, 2),
            foreign=self.foreign,
            law=self.law,
        )

    def knows(self, payload_type: int) -> bool:
        """Tell whether a payload type was agreed on: either law's, or the events'."""
        return payload_type in g711.LAW_OF_TYPE or payload_type == self.event_type

    def receive(self, packet: rtp.Packet, now: float) -> None:
        """Take a packet of a payload type that is known, received at `now`."""
        if not self.receiver.take(packet):
            return
        self.heard = now
        law = g711.LAW_OF_TYPE.get(packet.payload_type)
        if law is None:
            if self._digits_in is None:
                self._digits_in = dtmf.DigitReceiver(self._tell_digit)
            self._digits_in.take(packet.payload, packet.timestamp, now)
            return
        self.receiver.arrived(packet.timestamp, now)
        on_frame, tap, payload = self.on_frame, self.tap, packet.payload
        if payload and (on_frame is not None or tap is not None):
            octets = payload if law == self.law else g711.convert(payload, law, self.law)
            frame = Frame(octets, packet.timestamp, packet.marker)
            if tap is not None:
                tap(frame)
            if on_frame is not None:
                on_frame(frame)

    def silence(self) -> None:
        """End everything: no callback comes any more, nothing is sent."""
        self._closed = True
        self.on_frame = self.on_digit = self.tap = None
        self.sending = False
        if self._digits_in is not None:
            self._digits_in.close()
        if self._digits_out is not None:
            self._digits_out.close()
        self._digits_in = self._digits_out = None

    def _tell_digit(self, digit: str, milliseconds: int) -> None:
        if self.on_digit is not None:
            self.on_digit(digit, milliseconds)

    def _send_digit_packet(self, digit: str, packet: int) -> None:
        if packet == 0:
            self._event_timestamp = self.rewriter.at(clock.monotonic())
            self.rewriter.interrupt()
        if self.event_type is not None:
            header = self.rewriter.event(self.event_type, self._event_timestamp, marker=packet == 0)
            self._transmit(header + dtmf.event(digit, packet))
        elif packet < dtmf.TONE_PACKETS:
            timestamp = self._event_timestamp + packet * g711.FRAME
            payload = dtmf.tone(digit, self.law)[packet]
            header = self.rewriter.header(self._type, timestamp & 0xFFFFFFFF, len(payload), packet == 0, clock.monotonic())
            self._transmit(header + payload)
