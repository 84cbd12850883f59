"""What the switch plays by itself: a built-in melody or a file for those who wait, the tones of the country, silence."""

import array
import audioop
import math
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from callcenter.phone import Sound
from telephony.legs import Frame, Law, Port
from telephony.media import g711, wav
from telephony.media.ticker import Ticker


class Tone(NamedTuple):
    """A cadence: frequencies in Hz, then seconds on and off, in turn (ITU-T E.180 supplement 2)."""

    hertz: tuple[int, ...]
    cadence: tuple[float, ...]


_RINGBACK = {
    "PL": Tone((425,), (1.0, 4.0)),
    "GB": Tone((400, 450), (0.4, 0.2, 0.4, 2.0)),
    "US": Tone((440, 480), (2.0, 4.0)),
    "FR": Tone((440,), (1.5, 3.5)),
}
_BUSY = {
    "PL": Tone((425,), (0.5, 0.5)),
    "GB": Tone((400,), (0.375, 0.375)),
    "US": Tone((480, 620), (0.5, 0.5)),
}
_LOUDNESS = 5000  # of 32767: about -16 dBm0, where tones are set

# A progression of four chords (C, A minor, F, G), two bars each, played in broken quavers over a held root; 16 s in all.
_BEAT = 0.25  # seconds
_CHORDS = ((48, (60, 64, 67, 72)), (45, (57, 60, 64, 69)), (41, (57, 60, 65, 69)), (43, (59, 62, 67, 71)))
_PATTERN = (0, 1, 2, 3, 2, 1, 2, 1, 0, 2, 1, 3, 2, 3, 1, 2)


class Clip:
    """Sound cut into 20 ms frames, in both laws."""

    def __init__(self, samples: bytes) -> None:
        """Take 16-bit samples at 8 kHz; the last frame is filled up with silence."""
        samples += bytes(-len(samples) % (2 * g711.FRAME))
        self._frames = {law: _cut(g711.from_linear(samples, law)) for law in g711.PAYLOAD_TYPE}
        self.frames = len(samples) // (2 * g711.FRAME)

    @classmethod
    def of_wav(cls, path: Path) -> "Clip":
        """Read a WAV file; raises Invalid with a sentence."""
        return cls(wav.load(path))

    def frame(self, law: Law, number: int) -> bytes:
        """Return 160 octets, round and round."""
        return self._frames[law][number % self.frames]


def _cut(octets: bytes) -> tuple[bytes, ...]:
    return tuple(octets[start : start + g711.FRAME] for start in range(0, len(octets), g711.FRAME))


class Sounds:
    """Everything the switch can play, made once per process. Raises Invalid for a file it cannot play."""

    def __init__(self, region: str = "PL", hold_music: Path | None = None) -> None:
        self._clips = {
            Sound.SILENCE: _silence(),
            Sound.MUSIC: melody() if hold_music is None else Clip.of_wav(hold_music),
            Sound.RINGBACK: _cadence(_RINGBACK.get(region, _RINGBACK["PL"])),  # 425 Hz, 1 s on and 4 s off, is Europe's
            Sound.BUSY_TONE: _cadence(_BUSY.get(region, _BUSY["PL"])),
        }

    def clip(self, sound: Sound) -> Clip:
        """Return a sound's clip."""
        return self._clips[sound]


@cache
def _silence() -> Clip:
    return Clip(bytes(2 * g711.FRAME))


@cache
def _cadence(tone: Tone) -> Clip:
    samples = array.array("h")
    for place, seconds in enumerate(tone.cadence):
        count = round(seconds * g711.RATE)
        if place % 2:
            samples.extend(bytes(count))
            continue
        loudness = _LOUDNESS / len(tone.hertz)
        turns = [2 * math.pi * hertz / g711.RATE for hertz in tone.hertz]
        samples.extend(round(loudness * sum(math.sin(turn * n) for turn in turns)) for n in range(count))
    return Clip(samples.tobytes())


@cache
def melody() -> Clip:
    """Return the built-in hold music, synthesised on first use."""
    beats = len(_CHORDS) * len(_PATTERN)
    length = round(beats * _BEAT * g711.RATE) * 2  # octets
    total = bytes(length)
    for bar, (root, chord) in enumerate(_CHORDS):
        start = bar * len(_PATTERN)
        total = _lay(total, _note(root, len(_PATTERN) * _BEAT, 2200), start)
        for beat, step in enumerate(_PATTERN):
            total = _lay(total, _note(chord[step], 5 * _BEAT, 2600), start + beat)
    return Clip(total)


def _lay(total: bytes, note: bytes, beat: int) -> bytes:
    """Lay a note over the whole from a beat on; what hangs over the end sounds at the beginning, for the loop's sake."""
    start = round(beat * _BEAT * g711.RATE) * 2
    over = max(0, start + len(note) - len(total))
    inside = len(note) - over
    total = total[:start] + audioop.add(total[start : start + inside], note[:inside], 2) + total[start + inside :]
    return audioop.add(total[:over], note[inside:], 2) + total[over:] if over else total


@cache
def _note(key: int, seconds: float, loudness: int) -> bytes:
    """Return one plucked note: a sine and two overtones that fade."""
    turn = 2 * math.pi * 440 * 2 ** ((key - 69) / 12) / g711.RATE
    count = round(seconds * g711.RATE)
    samples = array.array("h")
    for n in range(count):
        fade = min(1.0, n / 80) * math.exp(-3.5 * n / count) * min(1.0, (count - n) / 160)
        wave = math.sin(turn * n) + 0.35 * math.sin(2 * turn * n) + 0.12 * math.sin(3 * turn * n)
        samples.append(round(loudness * fade * wave))
    return samples.tobytes()


class Player:
    """Plays a clip to one port, in the port's law, until stopped or, with `loop=False`, to its end."""

    def __init__(
        self, ticker: Ticker, port: Port, clip: Clip, *, loop: bool = True, on_end: Callable[[], None] | None = None
    ) -> None:
        self._ticker, self._port, self._clip = ticker, port, clip
        self._repeat, self._on_end = loop, on_end
        self._first: int | None = None
        self._timestamp = secrets.randbits(32)  # no player's time is near another's: the port tells them apart by it

    def start(self) -> "Player":
        """Play from the next tick on."""
        self._ticker.add(self._tick)
        return self

    def stop(self) -> None:
        """Fall silent. Safe to repeat."""
        self._ticker.remove(self._tick)

    def _tick(self, tick: int) -> None:
        if self._first is None:
            self._first = tick
        number = tick - self._first
        if not self._repeat and number >= self._clip.frames:
            self.stop()
            if self._on_end is not None:
                self._on_end()
            return
        timestamp = (self._timestamp + number * g711.FRAME) & 0xFFFFFFFF
        self._port.send(Frame(self._clip.frame(self._port.law, number), timestamp, number == 0))
