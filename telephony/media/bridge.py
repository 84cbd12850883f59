"""A call's bridge: ports with roles, one table of who hears whom, straight through for two and mixed for more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from callcenter import clock
from callcenter.phone import PortRole, Sound, Way
from telephony.legs import Frame, Port
from telephony.media import g711
from telephony.media.mixer import Mixer
from telephony.media.sounds import Player, Sounds
from telephony.media.ticker import Ticker

AWAY_SECONDS = 0.4  # the port of an agent or a supervisor without a frame for so long: nothing is to be heard from there
_LOOK_TICKS = 5  # ticks between two looks for that

# Who hears a supervisor. Customers and agents are heard by everybody.
HEARD_BY: Mapping[Way, frozenset[PortRole]] = {
    Way.LISTEN: frozenset(),
    Way.WHISPER: frozenset({PortRole.AGENT, PortRole.SUPERVISOR}),
    Way.BARGE: frozenset(PortRole),
}


class Member(NamedTuple):
    """A place in a bridge. `port` None: away. `ringing`: a customer who has not answered and sends no sound yet.

    `way` counts for supervisors only.
    """

    role: PortRole
    port: Port | None
    ringing: bool = False
    way: Way = Way.LISTEN

    def heard_by(self, role: PortRole) -> bool:
        """Tell whether a listener of this role hears what is said here."""
        return self.role is not PortRole.SUPERVISOR or role in HEARD_BY[self.way]


@dataclass(eq=False, slots=True)
class _Seat:
    """A member with what the bridge does for it now."""

    key: str
    member: Member
    silent: bool = False  # an agent or supervisor whose frames stay out
    handler: Callable[[Frame], None] | None = None  # what was put on the port's on_frame
    digits: Callable[[str, int], None] | None = None  # what was put on its on_digit
    sound: Sound | None = None
    player: Player | None = None

    @property
    def open(self) -> Port | None:
        """The port, when sound may go there."""
        return None if self.member.ringing else self.member.port

    @property
    def speaks(self) -> bool:
        """Whether something is to be heard from here."""
        return self.open is not None and not self.silent


class Bridge:
    """Joins ports. It owns `on_frame` of its members' ports, and `on_digit` when it was given one; it closes no port."""

    def __init__(
        self,
        ticker: Ticker,
        sounds: Sounds,
        *,
        on_digit: Callable[[str, str, int], None] | None = None,
    ) -> None:
        """`on_digit(key, digit, milliseconds)` is told the keys pressed by members."""
        self._ticker, self._sounds, self._on_digit = ticker, sounds, on_digit
        self._seats: dict[str, _Seat] = {}
        self._mixer = Mixer()
        self._ticking = False

    @property
    def members(self) -> dict[str, Member]:
        """Who is in it, by key."""
        return {key: seat.member for key, seat in self._seats.items()}

    def join(self, key: str, role: PortRole, port: Port | None, *, ringing: bool = False, way: Way = Way.LISTEN) -> None:
        """Add a member, or change one in place: another port, away, ringing no more, there in another way."""
        if self._seat(key, Member(role, port, ringing, way)):
            self._arrange()

    def leave(self, key: str) -> Port | None:
        """Take a member out and return its port, still open."""
        seat = self._seats.pop(key, None)
        if seat is None:
            return None
        self._detach(seat)
        self._arrange()
        return seat.member.port

    def set_members(self, members: Mapping[str, Member]) -> None:
        """Make these the members, all at once; those who stay notice nothing."""
        changed = False
        for key in [key for key in self._seats if key not in members]:
            self._detach(self._seats.pop(key))
            changed = True
        for key, member in members.items():
            changed = self._seat(key, Member(*member)) or changed
        if changed:
            self._arrange()

    def close(self) -> None:
        """Let everybody go. Safe to repeat."""
        self.set_members({})

    # --- seats -------------------------------------------------------------------------------------------------------

    def _seat(self, key: str, member: Member) -> bool:
        """Put a member in its place; returns whether anything changed."""
        seat = self._seats.get(key)
        if seat is None:
            seat = self._seats[key] = _Seat(key, member)
        elif seat.member == member:
            return False
        elif seat.member.port is not member.port:
            self._detach(seat)
        seat.member = member
        seat.silent = _is_silent(seat, clock.monotonic())
        if member.port is not None and self._on_digit is not None:
            seat.digits = member.port.on_digit = partial(self._on_digit, key)
        return True

    def _detach(self, seat: _Seat) -> None:
        port = seat.member.port
        self._play(seat, None)
        if port is not None and port.on_frame is seat.handler:  # else another bridge has it already
            port.on_frame = None
        if port is not None and seat.digits is not None and port.on_digit is seat.digits:
            port.on_digit = None
        seat.handler = seat.digits = None

    def _play(self, seat: _Seat, sound: Sound | None) -> None:
        if seat.sound is sound:
            return
        if seat.player is not None:
            seat.player.stop()
        port = seat.member.port
        seat.sound, seat.player = None, None
        if sound is not None and port is not None:
            seat.sound = sound
            seat.player = Player(self._ticker, port, self._sounds.clip(sound)).start()

    # --- who hears what ----------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Work out, after any change, what everybody hears: a sound of ours, one other straight through, or a mix."""
        for seat in self._seats.values():
            self._play(seat, self._sound_for(seat))
        direct: dict[str, list[Port]] = {key: [] for key in self._seats}
        mixed: list[tuple[Port, tuple[str, ...]]] = []
        for seat in self._seats.values():
            port = seat.open
            heard = self._heard_by(seat) if port is not None and seat.sound is None else []
            if port is None or not heard:
                continue
            if len(heard) == 1:
                direct[heard[0].key].append(port)
            else:
                mixed.append((port, tuple(each.key for each in heard)))
        self._mixer.arrange(mixed)
        for seat in self._seats.values():
            self._route(seat, direct[seat.key])
        self._beat(any(_watched(seat) for seat in self._seats.values()) or not self._mixer.idle)

    def _heard_by(self, listener: _Seat) -> list[_Seat]:
        role = listener.member.role
        return [seat for seat in self._seats.values() if seat is not listener and seat.speaks and seat.member.heard_by(role)]

    def _sound_for(self, seat: _Seat) -> Sound | None:
        if seat.open is None:
            return None
        if seat.member.role is PortRole.CUSTOMER:
            return None if self._heard_by(seat) else Sound.MUSIC
        customers = [each for each in self._seats.values() if each.member.role is PortRole.CUSTOMER]
        ringing = any(each.member.ringing for each in customers) and not any(each.speaks for each in customers)
        return Sound.RINGBACK if ringing and seat.member.role is PortRole.AGENT else None

    def _route(self, seat: _Seat, targets: list[Port]) -> None:
        port = seat.member.port
        if port is None:
            return
        if seat.silent:
            seat.handler = partial(self._heard_again, seat)
        elif seat.open is None:
            seat.handler = None
        else:
            ways = [_way(port, target) for target in targets]
            mix = self._mixer.input(seat.key, port)
            seat.handler = _together([*ways, mix] if mix is not None else ways)
        port.on_frame = seat.handler

    def _heard_again(self, seat: _Seat, frame: Frame) -> None:
        seat.silent = False
        self._arrange()
        if seat.handler is not None:
            seat.handler(frame)

    # --- time --------------------------------------------------------------------------------------------------------

    def _beat(self, needed: bool) -> None:
        if needed and not self._ticking:
            self._ticker.add(self._tick)
        elif self._ticking and not needed:
            self._ticker.remove(self._tick)
        self._ticking = needed

    def _tick(self, tick: int) -> None:
        if tick % _LOOK_TICKS == 0:
            self._look()
        if not self._mixer.idle:
            self._mixer.mix(tick)

    def _look(self) -> None:
        now = clock.monotonic()
        gone = [seat for seat in self._seats.values() if not seat.silent and _is_silent(seat, now)]
        for seat in gone:
            seat.silent = True
        if gone:
            self._arrange()


def _watched(seat: _Seat) -> bool:
    return seat.member.role is not PortRole.CUSTOMER and seat.open is not None


def _is_silent(seat: _Seat, now: float) -> bool:
    port = seat.open
    return port is not None and _watched(seat) and now - port.heard > AWAY_SECONDS


def _way(source: Port, target: Port) -> Callable[[Frame], None]:
    """Return what carries frames from one port to another as they are, translated where the laws differ."""
    send = target.send

    def forward(frame: Frame) -> None:
        if source.law == target.law:
            send(frame)
        else:
            send(Frame(g711.convert(frame.payload, source.law, target.law), frame.timestamp, frame.marker))

    return forward


def _together(ways: list[Callable[[Frame], None]]) -> Callable[[Frame], None] | None:
    if len(ways) < 2:
        return ways[0] if ways else None

    def each(frame: Frame) -> None:
        for way in ways:
            way(frame)

    return each
