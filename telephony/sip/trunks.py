"""SipCarrier: every SIP trunk on one listening address, as the switch sees them (telephony.legs.Carrier)."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import structlog

from callcenter import clock
from callcenter.config import Settings, host_port, port_range
from callcenter.errors import NotFound, Unavailable
from callcenter.phone import AnyTrunk, EndReason, LegOffered, Originate, TraceLine, TrunkConfig, TrunkReport, TrunkState
from telephony.legs import CallsOnly, LegListener
from telephony.media.rtp_port import RtpPorts
from telephony.sip import admission, checks, identity, sdp
from telephony.sip.dialog import Peer
from telephony.sip.engine import ALLOW, SUPPORTED, Engine, Incoming
from telephony.sip.inbound import InboundLeg
from telephony.sip.leg import AudioPorts, Leg
from telephony.sip.outbound import OutboundLeg
from telephony.sip.registration import Registration
from telephony.sip.strangers import Strangers
from telephony.sip.trunk import Trunk

log = structlog.get_logger(__name__)

SipLeg = InboundLeg | OutboundLeg
L = TypeVar("L", InboundLeg, OutboundLeg)

_REMEMBERED_SECONDS = 64  # how long a call that ended may still be spoken of: late answers, crossing BYEs (64*T1 twice)
_MOST_STRANGERS = 1000  # sources counted for the log
_MOST_CLAIMS = 2000
_REPORT_SECONDS = 60.0  # between two lines in the log about a flood
_LAST_WORDS_SECONDS = 1.0  # a stop waits so long for BYE and CANCEL to be answered


class SipCarrier(CallsOnly):
    """Implements telephony.legs.Carrier. `ports` gives out audio ports for trunks without a range of their own.

    `strangers` says how many requests of addresses no trunk allows are answered.
    """

    def __init__(self, settings: Settings, ports: AudioPorts, strangers: Strangers | None = None) -> None:
        self._settings, self._ports = settings, ports
        self._engine = Engine(self, self._trunk_of)
        self._listener: LegListener | None = None
        self._configs: tuple[TrunkConfig, ...] = ()
        self._trunks: dict[int, Trunk] = {}
        self._registrations: dict[int, Registration] = {}
        self._legs: dict[str, SipLeg] = {}
        self._dialogs: dict[str, SipLeg] = {}  # by Call-ID, also for a while after the end
        self._strangers: Counter[str] = Counter()
        self._limit = strangers or Strangers()
        self._report: asyncio.TimerHandle | None = None
        self._claims: dict[Peer, int] = {}
        self._ranges: dict[str, AudioPorts] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._totals: Counter[str] = Counter(calls_in=0, calls_out=0, refused=0, foreign=0, looped=0)

    # --- telephony.legs.Carrier -------------------------------------------------------------------------------------

    async def start(self, listener: LegListener) -> None:
        """Open the listening address; raises Unavailable with a sentence when it is taken."""
        self._listener = listener
        await self._engine.start(host_port(self._settings.sip))
        log.info("sip_listening", address=self._engine.address[0], port=self._engine.address[1])
        self._apply()

    async def stop(self) -> None:
        """Hang up what lives, un-register, close. Safe to repeat."""
        if self._listener is None:
            return
        for leg in list(self._legs.values()):
            leg.hang_up(EndReason.FAILED)
        await asyncio.gather(*(each.stop() for each in self._registrations.values()))
        self._registrations.clear()
        self._trunks.clear()
        await self._engine.settle(_LAST_WORDS_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._engine.stop()
        self._dialogs.clear()
        self._listener = None
        if self._report is not None:
            self._report.cancel()
            self._tell_flood()

    @property
    def listening(self) -> Peer:
        """The address SIP listens on."""
        return self._engine.address

    def configure(self, trunks: Sequence[AnyTrunk]) -> None:
        """Take this whole set of trunks; a changed one registers anew, calls in progress go on."""
        self._configs = tuple(each for each in trunks if isinstance(each, TrunkConfig))
        if self._listener is not None:
            self._apply()

    def _apply(self) -> None:
        wanted = {each.trunk_id: each for each in self._configs}
        self._claims.clear()
        for trunk_id, trunk in list(self._trunks.items()):
            if wanted.get(trunk_id) != trunk.config:
                del self._trunks[trunk_id]
                self._spawn(self._registrations.pop(trunk_id).stop())
        for trunk_id, config in wanted.items():
            if trunk_id not in self._trunks:
                trunk = Trunk(config, self._settings, self._engine, self._state_changed)
                self._trunks[trunk_id] = trunk
                self._registrations[trunk_id] = Registration(self._engine, trunk)
                self._registrations[trunk_id].start()
        self._engine.trace.forget(set(wanted))

    def _state_changed(self, state: TrunkState) -> None:
        if self._listener is not None:
            self._listener.trunk_changed(state)

    def originate(self, command: Originate) -> SipLeg:
        """Start an outbound call; a known leg_id is left as it is."""
        known = self._legs.get(command.leg_id) or next((x for x in self._dialogs.values() if x.leg_id == command.leg_id), None)
        if known is not None:
            return known
        trunk = self._trunks.get(command.trunk_id)
        missing = trunk is None
        if trunk is None:
            trunk = Trunk(TrunkConfig(command.trunk_id, "", "invalid"), self._settings, self._engine, self._state_changed)
        leg = self._leg(OutboundLeg, command.leg_id, trunk)
        leg.prepare(command, trunk)
        self._remember(leg)
        self._totals["calls_out"] += 1
        if missing:
            leg.end(EndReason.FAILED, "switch", None, "This trunk is not set up.")
        else:
            self._spawn(leg.dial())
        return leg

    async def test(self, trunk_id: int) -> TrunkReport:
        """Try a trunk and say what works; raises NotFound."""
        trunk = self._trunks.get(trunk_id)
        if trunk is None:
            raise NotFound("There is no such trunk.")
        return await checks.run(self._engine, trunk, self._settings.rtp_ports)

    def trace(self, trunk_id: int) -> tuple[TraceLine, ...]:
        """Return the last messages of a trunk (0: of none), credentials blanked."""
        return self._engine.trace.lines(trunk_id)

    def states(self) -> tuple[TrunkState, ...]:
        """Return every trunk's state."""
        return tuple(each.state for each in self._trunks.values())

    @property
    def counters(self) -> dict[str, int]:
        """Totals since the start."""
        return {**self._totals, **self._engine.counters, "strangers_dropped": self._limit.dropped}

    # --- requests that arrive (telephony.sip.engine.Owner) ----------------------------------------------------------

    def request_arrived(self, incoming: Incoming) -> None:
        """Give a request to its call, or decide about a new one."""
        request = incoming.request
        if request.getHFBody("to").getTag() is not None:
            self._within_call(incoming)
            return
        trunk = identity.choose(self._trunks.values(), incoming.source, request)
        if trunk is None:
            self._stranger(incoming)
        elif incoming.method == "INVITE":
            self._claim(incoming.source, trunk)
            self._invited(incoming, trunk)
        elif admission.forwards_spent(request):
            incoming.respond(483, "Too Many Hops")
        elif incoming.method == "OPTIONS":
            incoming.respond(200, "OK", [f"Allow: {ALLOW}", f"Supported: {SUPPORTED}", "Accept: application/sdp"])
        else:
            incoming.respond(*admission.answer_other(incoming.method))

    def _within_call(self, incoming: Incoming) -> None:
        leg = self._dialogs.get(str(incoming.request.getHFBody("call-id")))
        dialog = leg.dialog if leg is not None else None
        sender = incoming.request.getHFBody("from").getTag()
        if leg is None or dialog is None or (incoming.tag, sender) != (dialog.local_tag, dialog.remote_tag):
            self._totals["unmatched"] += 1
            incoming.respond(481, "Call/Transaction Does Not Exist")
        elif leg.ended:
            # Both hung up at once: the far end's BYE crossed ours.
            incoming.respond(*((200, "OK") if incoming.method == "BYE" else (481, "Call/Transaction Does Not Exist")))
        else:
            leg.request_arrived(incoming)

    def _stranger(self, incoming: Incoming) -> None:
        self._totals["foreign"] += 1
        incoming.respond(403, "Forbidden")
        self._note("sip_refused_stranger", incoming.source, method=incoming.method)

    def unwanted(self, peer: Peer, request: Any, now: float) -> bool:
        """Whether this is one too many of a stranger's. Called in the SIP thread: reads only.

        What belongs to a call (a tag in To) is none: a carrier's proxies may send it from anywhere.
        """
        if request is not None:
            if request.getHFBody("to").getTag() is not None or self._trunk_of(peer):
                return False
            if identity.choose(self._trunks.values(), peer, request) is not None:
                return False
        if self._limit.answers(peer[0], now):
            return False
        self._engine.to_loop(self._flooded)
        return True

    def _flooded(self) -> None:
        if self._report is None and self._listener is not None:
            self._report = asyncio.get_running_loop().call_later(_REPORT_SECONDS, self._tell_flood)

    def _tell_flood(self) -> None:
        self._report = None
        count = self._limit.taken()
        if count:
            log.warning("sip_strangers_dropped", count=count)

    def dropped(self, peer: Peer, reason: str) -> None:
        """Take note of a datagram that was no message."""
        self._note("sip_malformed", peer, reason=reason[:80])

    def _note(self, event: str, peer: Peer, **fields: str) -> None:
        """Log the first, second, fourth, eighth ... of a source: a flood must not fill the disk."""
        if len(self._strangers) >= _MOST_STRANGERS:
            self._strangers.clear()
        self._strangers[peer[0]] += 1
        count = self._strangers[peer[0]]
        if count & (count - 1) == 0:
            log.warning(event, source=peer[0], port=peer[1], count=count, **fields)

    def _invited(self, incoming: Incoming, trunk: Trunk) -> None:
        request = incoming.request
        call_id = str(request.getHFBody("call-id"))
        if call_id in self._dialogs:  # the same call by another way: merged or looped (RFC 3261 8.2.2.2)
            self._totals["looped"] += 1
            incoming.respond(482, "Loop Detected")
            return
        refusal = admission.refuse_invite(request)
        if refusal is not None:
            self._totals["refused"] += 1
            incoming.respond(*refusal)
            return
        leg = self._leg(InboundLeg, clock.new_id(), trunk)
        try:
            leg.invited(incoming, trunk.place(), trunk.contact())
        except sdp.Unusable as error:
            self._totals["refused"] += 1
            incoming.forget()
            incoming.respond(488, "Not Acceptable Here", [f'Warning: 304 callcenter "{error}"'])
            return
        self._remember(leg)
        self._totals["calls_in"] += 1
        who = identity.caller(request, trusted=trunk.config.trusted, region=trunk.config.region)
        offered = LegOffered(
            leg_id=leg.leg_id,
            trunk_id=leg.trunk_id,
            number=who.number,
            name=who.name,
            dialled=identity.dialled(request, trunk),
            withheld=who.withheld,
            provider_ref=leg.provider_ref,
            received=incoming.received,
        )
        if self._listener is not None:
            self._listener.leg_offered(leg, offered)

    def stray_answer(self, response: Any) -> None:
        """Take a 2xx to an INVITE of ours that comes again, from a fork, or late."""
        leg = self._dialogs.get(str(response.getHFBody("call-id")))
        tag = response.getHFBody("from").getTag()
        if isinstance(leg, OutboundLeg) and leg.dialog is not None and leg.dialog.local_tag == tag:
            leg.extra_answer(response)
        elif leg is not None and leg.dialog is not None and leg.dialog.local_tag == tag:
            leg.acknowledge(response)

    # --- calls ------------------------------------------------------------------------------------------------------

    def _leg(self, kind: type[L], leg_id: str, trunk: Trunk) -> L:
        if self._listener is None:
            raise Unavailable("SIP is not started.")
        laws = trunk.config.codecs or ("pcma", "pcmu")
        return kind(leg_id, trunk.config.trunk_id, self._engine, self, self._listener, self._ports_of(trunk), laws)

    def _remember(self, leg: SipLeg) -> None:
        self._legs[leg.leg_id] = leg
        self._dialogs[leg.provider_ref] = leg

    def leg_over(self, leg: Leg) -> None:
        """Forget an ended call, its dialog a while later."""
        self._legs.pop(leg.leg_id, None)
        asyncio.get_running_loop().call_later(_REMEMBERED_SECONDS, self._dialogs.pop, leg.provider_ref, None)

    def _ports_of(self, trunk: Trunk) -> AudioPorts:
        text = trunk.config.rtp_ports
        if not text:
            return self._ports
        if text not in self._ranges:
            self._ranges[text] = RtpPorts(port_range(text), self._engine.address[0])
        return self._ranges[text]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- which trunk a message belongs to, for the trace ------------------------------------------------------------

    def _claim(self, peer: Peer, trunk: Trunk) -> None:
        if len(self._claims) < _MOST_CLAIMS:
            self._claims[peer] = trunk.config.trunk_id

    def _trunk_of(self, peer: Peer) -> int:
        """Return the trunk of a peer's address, 0 for none. Called in the SIP thread: reads only."""
        claimed = self._claims.get(peer)
        if claimed is not None:
            return claimed
        trunks = list(self._trunks.values())
        for trunk in trunks:
            if trunk.hop == peer:
                return trunk.config.trunk_id
        return next((trunk.config.trunk_id for trunk in trunks if trunk.allows(peer[0])), 0)
