"""A carrier, its legs and audio ends without a network: they do what telephony/legs.py says, and remember."""

import asyncio
import struct
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from callcenter import clock
from callcenter.errors import CallCenterError
from callcenter.phone import AnyTrunk, Check, EndReason, LegOffered, Originate, Quality, TraceLine, TrunkReport, TrunkState
from telephony.legs import CallsOnly, CarrierListener, Frame, Law

SILENT = {"pcma": 0xD5, "pcmu": 0xFF}
SPOKEN = {"pcma": 0x22, "pcmu": 0x08}  # what an announcement of write_spoken is in either law


class ScriptedPort:
    """An audio end that keeps what was sent to it."""

    def __init__(self, law: Law = "pcma") -> None:
        self.law: Law = law
        self.on_frame: Callable[[Frame], None] | None = None
        self.on_digit: Callable[[str, int], None] | None = None
        self.tap: Callable[[Frame], None] | None = None
        self.sent: list[bytes] = []
        self.digits = ""
        self.closed = False
        self.clock = 0
        self.last_heard = 0.0

    def send(self, frame: Frame) -> None:
        assert not self.closed
        self.sent.append(frame.payload)

    def send_digits(self, digits: str) -> None:
        self.digits += digits

    def close(self) -> None:
        self.closed = True

    def quality(self) -> Quality:
        return Quality(sent=len(self.sent), law=self.law)

    @property
    def heard(self) -> float:
        return self.last_heard

    def speak(self, octet: int = 0x11) -> None:
        """Let a frame come from this end."""
        self.clock += 160
        self.last_heard = clock.monotonic()
        if self.on_frame is not None:
            self.on_frame(Frame(bytes([octet]) * 160, self.clock))

    def hears(self) -> str:
        """What was sent last: nothing, silence, agent (0x11 all through), or sound."""
        if not self.sent:
            return "nothing"
        return in_ear(self.sent[-1])


def in_ear(payload: bytes) -> str:
    """Tell what a frame holds: silence, agent (what ScriptedPort.speak says), announcement (write_spoken), or sound."""
    if set(payload) in ({SPOKEN["pcma"]}, {SPOKEN["pcmu"]}):
        return "announcement"
    if set(payload) <= {SILENT["pcma"], SILENT["pcmu"], 0x55, 0x7F}:
        return "silence"
    return "agent" if len(set(payload)) == 1 else "sound"


def write_spoken(file: Path, milliseconds: int) -> None:
    """Write an announcement whose frames in_ear knows: 8 kHz, 16 bit, mono."""
    with wave.open(str(file), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(8000)
        target.writeframes(struct.pack("<h", -24064) * (8 * milliseconds))


class ScriptedBrowser(ScriptedPort):
    """A browser whose audio path stands when the test says so, or at once."""

    def __init__(self, *, live: bool = True) -> None:
        super().__init__()
        self.answer = "v=0\r\nanswer\r\n"
        self.live = live
        self.on_live: Callable[[], None] | None = None
        self.on_lost: Callable[[], None] | None = None

    def become_live(self) -> None:
        self.live = True
        if self.on_live is not None:
            self.on_live()

    def lose(self) -> None:
        self.live = False
        if self.on_lost is not None:
            self.on_lost()


class ScriptedLeg:
    """A call at the carrier."""

    def __init__(self, carrier: "ScriptedCarrier", leg_id: str, direction: Literal["inbound", "outbound"]) -> None:
        self.carrier = carrier
        self.leg_id = leg_id
        self.trunk_id = 1
        self.direction: Literal["inbound", "outbound"] = direction
        self.provider_ref = f"ref-{leg_id}"
        self.port: ScriptedPort | None = None
        self.done: list[str] = []
        self.answered = False
        self.over = False

    def ring(self) -> None:
        self.done.append("ring")

    def answer(self) -> None:
        if self.direction == "inbound" and not self.over and not self.answered and self.port is None:
            self.done.append("answer")
            self.port = ScriptedPort()
            asyncio.get_running_loop().call_soon(self.acknowledge)

    def acknowledge(self) -> None:
        if not self.over:
            self.answered = True
            self.carrier.listener.leg_answered(self)

    def reject(self, code: int, text: str) -> None:
        self.done.append(f"reject {code}")
        self.end(EndReason.FAILED, "near", code, text)

    def hang_up(self, reason: EndReason) -> None:
        self.done.append(f"hang_up {reason}")
        if self.answered:
            reason = EndReason.COMPLETED
        elif reason is EndReason.COMPLETED:
            reason = EndReason.CANCELLED if self.direction == "outbound" else EndReason.REJECTED
        self.end(reason, "near")

    def end(self, reason: EndReason, by: Literal["far", "near", "switch"], code: int | None = None, text: str = "") -> None:
        """End it, from whichever side, on the next turn of the loop."""
        if not self.over:
            self.over = True
            asyncio.get_running_loop().call_soon(self.carrier.listener.leg_ended, self, reason, by, code, text)

    # --- the far end of an outbound leg ---

    def far_rings(self, *, early_media: bool = False) -> None:
        if not self.over and not self.answered:
            if early_media and self.port is None:
                self.port = ScriptedPort()
            self.carrier.listener.leg_ringing(self, early_media)

    def far_answers(self) -> None:
        if not self.over and not self.answered and self.direction == "outbound":
            self.answered = True
            self.port = self.port or ScriptedPort()
            self.carrier.listener.leg_answered(self)

    def far_hangs_up(self) -> None:
        if self.answered:
            self.end(EndReason.COMPLETED, "far")
        else:
            self.end(EndReason.CANCELLED if self.direction == "inbound" else EndReason.REJECTED, "far", 487, "Request Terminated")


class ScriptedCarrier(CallsOnly):
    """An adapter with one trunk."""

    listener: CarrierListener

    def __init__(self) -> None:
        self.legs: dict[str, ScriptedLeg] = {}
        self.trunks: tuple[AnyTrunk, ...] = ()
        self.fails: Exception | CallCenterError | None = None
        self.counters = {"malformed": 3}
        self.stopped = False

    async def start(self, listener: CarrierListener) -> None:
        self.listener = listener

    async def stop(self) -> None:
        self.stopped = True

    def configure(self, trunks: Sequence[AnyTrunk]) -> None:
        self.trunks = tuple(trunks)

    def originate(self, command: Originate) -> ScriptedLeg:
        if self.fails is not None:
            raise self.fails
        leg = self.legs[command.leg_id] = ScriptedLeg(self, command.leg_id, "outbound")
        return leg

    async def test(self, trunk_id: int) -> TrunkReport:
        return TrunkReport((Check("resolve", ok=True, sentence=str(trunk_id)),))

    def trace(self, trunk_id: int) -> tuple[TraceLine, ...]:
        return (TraceLine(1.0, sent=True, peer="127.0.0.1:5060", text=str(trunk_id)),)

    def states(self) -> tuple[TrunkState, ...]:
        return tuple(TrunkState(each.trunk_id, "ready") for each in self.trunks)

    def call(self, number: str = "+48501234567", leg_id: str = "") -> ScriptedLeg:
        """Let a customer ring."""
        leg = ScriptedLeg(self, leg_id or clock.new_id(), "inbound")
        self.legs[leg.leg_id] = leg
        offered = LegOffered(leg.leg_id, 1, number, "", "+48221234567", withheld=False, provider_ref="x", received=0.0)
        self.listener.leg_offered(leg, offered)
        return leg
