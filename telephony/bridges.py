"""Who is joined with whom, by call, and what a leg hears that is joined with nobody.

Membership is declared (phone.Bridge); ports come and go under it: a leg has one once media is negotiated, a station
while a browser is plugged in. `refresh` puts a member's present port into its bridge.
"""

from collections.abc import Callable
from typing import NamedTuple

from callcenter.phone import Member, Sound
from telephony.announcements import Announcement
from telephony.legs import Port
from telephony.media.bridge import Bridge
from telephony.media.sounds import Player, Sounds
from telephony.media.ticker import Ticker


class End(NamedTuple):
    """A member's audio now; `rings` while a far end rings without a sound of its own."""

    port: Port | None
    rings: bool = False


Key = tuple[str, str]  # "leg" or "station", and its id


class Bridges:
    """All bridges by call id, and the sounds of legs outside them. `end_of` tells the audio end of a member."""

    def __init__(self, ticker: Ticker, sounds: Sounds, end_of: Callable[[Key], End]) -> None:
        self._ticker = ticker
        self._sounds = sounds
        self._end_of = end_of
        self._bridges: dict[str, Bridge] = {}
        self._members: dict[str, dict[Key, Member]] = {}
        self._call_of: dict[Key, str] = {}
        self._wanted: dict[str, Sound] = {}
        self._players: dict[str, tuple[Player, Port]] = {}
        self._announced: dict[str, Announcement] = {}

    def call_of(self, key: Key) -> str | None:
        """Return the call a leg or station is bridged in."""
        return self._call_of.get(key)

    def set(self, call_id: str, members: tuple[Member, ...]) -> None:
        """Make `members` the whole membership of a call's bridge; none: it ends. A leg that is announced to stays out."""
        wanted = {(each.port, each.id): each for each in members if each.port != "leg" or each.id not in self._announced}
        for key in [each for each in self._members.get(call_id, {}) if each not in wanted]:
            self.leave(key)
        for key, member in wanted.items():
            if self._call_of.get(key, call_id) != call_id:
                self.leave(key)
            self._members.setdefault(call_id, {})[key] = member
            self._call_of[key] = call_id
            self.refresh(key)

    def leave(self, key: Key) -> None:
        """Take a member out of its bridge; a leg then hears silence until it is told otherwise."""
        call_id = self._call_of.pop(key, None)
        if call_id is None:
            return
        self._bridges[call_id].leave(_name(key))
        del self._members[call_id][key]
        if not self._members[call_id]:
            del self._members[call_id]
            self._bridges.pop(call_id).close()
        self.refresh(key)

    def play(self, leg_id: str, sound: Sound) -> None:
        """Play a sound to a leg that is in no bridge and not announced to."""
        if ("leg", leg_id) not in self._call_of and leg_id not in self._announced:
            self._wanted[leg_id] = sound
            self._silence(leg_id)
            self.refresh(("leg", leg_id))

    def announce(self, leg_id: str, announcement: Announcement) -> None:
        """Play an announcement to a leg, from now on and nothing else."""
        self._announced[leg_id] = announcement
        self.leave(("leg", leg_id))
        self._silence(leg_id)
        self.refresh(("leg", leg_id))

    def give_way(self, leg_id: str) -> None:
        """Let a leg hear other things again: its announcement has given way."""
        self._announced.pop(leg_id, None)

    def refresh(self, key: Key) -> None:
        """Put a member's present audio end where it belongs."""
        kind, id_ = key
        call_id = self._call_of.get(key)
        end = self._end_of(key)
        if call_id is not None:
            if kind == "leg":
                self._wanted.pop(id_, None)
                self._silence(id_)
            bridge = self._bridges.get(call_id)
            if bridge is None:
                bridge = self._bridges[call_id] = Bridge(self._ticker, self._sounds)
            member = self._members[call_id][key]
            bridge.join(_name(key), member.role, end.port, ringing=end.rings, way=member.way)
        elif kind == "leg" and end.port is not None:
            self._sound(id_, end.port)

    def forget(self, leg_id: str) -> None:
        """Drop all that concerns a leg that ended."""
        key = ("leg", leg_id)
        self.leave(key)
        self._wanted.pop(leg_id, None)
        self._announced.pop(leg_id, None)
        self._silence(leg_id)

    def _sound(self, leg_id: str, port: Port) -> None:
        """Keep a leg outside any bridge hearing what it should; silence too is sent, carriers cut a leg without RTP."""
        if leg_id in self._announced:
            self._announced[leg_id].plug(port)
            return
        playing = self._players.get(leg_id)
        if playing is not None and playing[1] is port:
            return
        self._silence(leg_id)
        clip = self._sounds.clip(self._wanted.get(leg_id, Sound.SILENCE))
        self._players[leg_id] = (Player(self._ticker, port, clip).start(), port)

    def _silence(self, leg_id: str) -> None:
        playing = self._players.pop(leg_id, None)
        if playing is not None:
            playing[0].stop()


def _name(key: Key) -> str:
    return f"{key[0]}:{key[1]}"
