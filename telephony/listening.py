"""Listening to legs that were answered: who is it, a person or a machine, and when has the machine's beep sounded.

Each leg that is listened to has an Ear on its port's tap (legs.Port.tap), which hears by the clock: what is not sent is silence.
"""

from collections.abc import Callable

import structlog

from callcenter.phone import Listening
from telephony.legs import Found, Frame, Port
from telephony.media import g711
from telephony.media.detection import FRAME_MS, Detector
from telephony.media.hearing import Beep, Voice
from telephony.media.ticker import Ticker

log = structlog.get_logger(__name__)

_OCTETS = 2 * g711.FRAME
_SILENCE = bytes(_OCTETS)
_LATE = 5  # frames that may be on their way before they are taken for silence
_MOST_HELD = 25 * _OCTETS  # a burst that is longer loses its beginning
QUIET_MS = 4000  # a machine that said all and is silent for so long has no beep
LONGEST_MS = 90_000  # no greeting is longer


class Ear:
    """Listens to one leg; `found` is told once who it is. Stops by itself when there is nothing more to find out."""

    def __init__(self, ticker: Ticker, settings: Listening | None, found: Callable[[Found], None]) -> None:
        self._ticker, self._found = ticker, found
        self._detector = None if settings is None else Detector(settings)
        self._voice, self._beep = Voice(), Beep()
        self._port: Port | None = None
        self._held = bytearray()
        self._due = self._heard = 0  # frames by the clock, and heard
        self._quiet = 0  # frames since there was speech
        self._beeped = False
        self._asked_at = 0
        self._start: Callable[[], None] | None = None
        self._give_up: Callable[[], None] | None = None
        ticker.add(self._tick)

    def plug(self, port: Port) -> None:
        """Listen to this port from now on."""
        if self._port is not None and self._port is not port:
            self._port.tap = None
        self._port = port
        port.tap = self._take

    @property
    def stopped(self) -> bool:
        """Whether there was nothing more to listen for."""
        return self._port is None

    def after_beep(self, start: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Call `start` once a beep is over, or none is to be expected any more; `give_up` when the machine never stops."""
        if self._start is None:
            self._start, self._give_up, self._asked_at = start, give_up, self._due
            self._quiet = 0

    def no_beep(self) -> None:
        """Wait for no beep any more."""
        self._start = self._give_up = None

    def stop(self) -> None:
        """Listen no more. Safe to repeat."""
        self._ticker.remove(self._tick)
        if self._port is not None:
            self._port.tap = None
        self._port = self._start = self._give_up = None

    def _take(self, frame: Frame) -> None:
        if self._port is not None:
            self._held += g711.to_linear(frame.payload, self._port.law)
            if len(self._held) > _MOST_HELD:
                del self._held[:-_MOST_HELD]

    def _tick(self, _tick: int) -> None:
        self._due += 1
        while len(self._held) >= _OCTETS and self._heard < self._due + _LATE:
            samples = bytes(self._held[:_OCTETS])
            del self._held[:_OCTETS]
            self._hear(samples)
        if self._heard < self._due - _LATE:
            self._hear(_SILENCE)
        self._see()

    def _hear(self, samples: bytes) -> None:
        self._heard += 1
        beeped = self._beep.take(samples)
        speaks = self._voice.speaks(samples)
        self._beeped = self._beeped or beeped
        self._quiet = 0 if speaks or self._beep.sounds else self._quiet + 1
        if self._detector is not None and self._detector.verdict is None:
            verdict = self._detector.take(speaks, beeped)
            if verdict is not None:
                log.info("listening.verdict", found=verdict.found, why=verdict.why, milliseconds=verdict.at_ms)
                self._found(verdict.found)

    def _see(self) -> None:
        """Do what there is to do by now."""
        if self._start is not None and self._give_up is not None:
            start, give_up = self._start, self._give_up
            if self._beeped or self._quiet * FRAME_MS >= QUIET_MS:
                log.info("listening.beep" if self._beeped else "listening.no_beep")
                self.stop()
                start()
            elif (self._due - self._asked_at) * FRAME_MS >= LONGEST_MS:
                self.stop()
                give_up()
            return
        verdict = self._detector.verdict if self._detector is not None else None
        person = verdict is not None and verdict.found != "machine"
        if person or self._due * FRAME_MS >= LONGEST_MS:
            self.stop()


class Ears:
    """All legs that are listened to. `found(leg_id, found)` is told who answered."""

    def __init__(self, ticker: Ticker, found: Callable[[str, Found], None]) -> None:
        self._ticker, self._found = ticker, found
        self._ears: dict[str, Ear] = {}

    def begin(self, leg_id: str, port: Port, settings: Listening | None) -> Ear:
        """Listen to a leg that was answered; None: for a beep only."""
        ear = self._ears[leg_id] = Ear(self._ticker, settings, lambda found: self._found(leg_id, found))
        ear.plug(port)
        return ear

    def after_beep(self, leg_id: str, port: Port, start: Callable[[], None], give_up: Callable[[], None]) -> None:
        """Ear.after_beep of a leg, whether it was listened to until now or not."""
        ear = self._ears.get(leg_id)
        if ear is None or ear.stopped:
            ear = self.begin(leg_id, port, None)
        ear.after_beep(start, give_up)

    def no_beep(self, leg_id: str) -> None:
        """Let nothing begin after a leg's beep any more."""
        if (ear := self._ears.get(leg_id)) is not None:
            ear.no_beep()

    def plug(self, leg_id: str, port: Port) -> None:
        """Go on on another port of the leg."""
        if (ear := self._ears.get(leg_id)) is not None and not ear.stopped:
            ear.plug(port)

    def end(self, leg_id: str) -> None:
        """Forget a leg."""
        if (ear := self._ears.pop(leg_id, None)) is not None:
            ear.stop()
