"""What the contact centre asks the switch to do. A command for a leg that is not there does nothing."""

import re
from collections.abc import Callable

import structlog

from callcenter import phone
from callcenter.errors import CallCenterError
from callcenter.phone import Command
from telephony.legs import Carrier
from telephony.remembered import Remembered
from telephony.stations import Stations
from telephony.switch_legs import Leg, Legs

log = structlog.get_logger(__name__)

_DIGITS = re.compile(r"[0-9*#A-D]+")


class Commands:
    """Does each kind of command. `drain(on)` takes no new calls, or takes them again."""

    def __init__(self, carrier: Carrier, legs: Legs, stations: Stations, drain: Callable[[bool], None]) -> None:
        self._carrier, self._legs, self._stations, self._take_no_more = carrier, legs, stations, drain
        self._texts = Remembered()
        self._doing: dict[type[Command], Callable[..., None]] = {
            phone.ConfigureTrunks: self._configure,
            phone.Originate: self._originate,
            phone.RingLeg: self._ring,
            phone.AnswerLeg: self._answer,
            phone.RejectLeg: self._reject,
            phone.HangUpLeg: self._hang_up,
            phone.Bridge: self._bridge,
            phone.Play: self._play,
            phone.Announce: self._announce,
            phone.SendDtmf: self._send_dtmf,
            phone.SendText: self._send_text,
            phone.CloseStation: self._close_station,
            phone.Drain: self._drain,
        }

    def perform(self, command: Command) -> None:
        """Do a command; what makes no sense now does nothing."""
        self._doing[type(command)](command)

    def _configure(self, command: phone.ConfigureTrunks) -> None:
        self._carrier.configure(command.trunks)
        self._legs.limit({each.trunk_id: each.longest_call_seconds for each in command.trunks})
        self._legs.told = frozenset(
            each.trunk_id for each in command.trunks if isinstance(each, phone.TwilioConfig) and each.machine_detection
        )

    def _originate(self, command: phone.Originate) -> None:
        if self._legs.was(command.leg_id):
            return
        if self._legs.draining:
            self._legs.never_was(command.leg_id, "The switch is stopping and takes no new calls.")
            return
        try:
            carrier_leg = self._carrier.originate(command)
        except CallCenterError as error:
            self._legs.never_was(command.leg_id, str(error))
        except Exception:  # the dial must end for the one who waits, whatever failed
            log.exception("switch.originate_failed", leg=command.leg_id, trunk=command.trunk_id)
            self._legs.never_was(command.leg_id, "The switch could not dial. Its log says why.")
        else:
            self._legs.add(Leg(carrier_leg, command.number, command.call_id, listening=command.listening))

    def _ring(self, command: phone.RingLeg) -> None:
        if (leg := self._legs.waiting(command.leg_id)) is not None:
            leg.carrier.ring()

    def _answer(self, command: phone.AnswerLeg) -> None:
        if (leg := self._legs.waiting(command.leg_id)) is not None:
            leg.carrier.answer()
            self._legs.watch(leg)
            self._legs.media(leg)

    def _reject(self, command: phone.RejectLeg) -> None:
        if (leg := self._legs.waiting(command.leg_id)) is not None:
            leg.carrier.hang_up(command.reason)

    def _hang_up(self, command: phone.HangUpLeg) -> None:
        if (leg := self._legs.get(command.leg_id)) is not None:
            leg.carrier.hang_up(command.reason)

    def _bridge(self, command: phone.Bridge) -> None:
        members = []
        for each in command.members:
            leg = self._legs.get(each.id) if each.port == "leg" else None
            if leg is not None:
                leg.call_id = command.call_id
                self._legs.give_way(each.id)
            if leg is not None or each.port == "station":
                members.append(each)
        self._legs.bridges.set(command.call_id, tuple(members))

    def _play(self, command: phone.Play) -> None:
        if command.leg_id in self._legs:
            self._legs.give_way(command.leg_id)
            self._legs.bridges.play(command.leg_id, command.sound)

    def _announce(self, command: phone.Announce) -> None:
        if (leg := self._legs.get(command.leg_id)) is not None and leg.answered:
            self._legs.announce(leg, command)

    def _send_dtmf(self, command: phone.SendDtmf) -> None:
        leg = self._legs.get(command.leg_id)
        if leg is not None and leg.carrier.port is not None and _DIGITS.fullmatch(command.digits):
            leg.carrier.port.send_digits(command.digits)

    def _send_text(self, command: phone.SendText) -> None:
        if not self._texts.new(command.message_id):
            return
        try:
            self._carrier.send_text(command)
        except CallCenterError as error:
            self._legs.text_status(phone.TextStatus(command.message_id, "failed", words=str(error)))
        except Exception:  # whoever sent it must know that it is not on its way
            log.exception("switch.text_failed", message=command.message_id, trunk=command.trunk_id)
            words = "The switch could not send this message. Its log says why."
            self._legs.text_status(phone.TextStatus(command.message_id, "failed", words=words))

    def _close_station(self, command: phone.CloseStation) -> None:
        self._stations.close(command.station_id, command.session)

    def _drain(self, command: phone.Drain) -> None:
        self._take_no_more(command.on)
