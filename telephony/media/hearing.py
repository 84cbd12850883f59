"""What is in 20 ms of telephone sound: speech or not (webrtcvad), and whether a machine's beep has just ended.

A beep is one steady tone of 400 to 2000 Hz for a tenth of a second or longer. Samples are 16 bit, 8 kHz, 320 octets a frame.
"""

import array
import audioop
import math
from collections import deque
from functools import cache

import webrtcvad

from telephony.media import g711

LOWEST, HIGHEST, STEP = 400, 2000, 25  # Hz
SHORTEST = 4  # frames that are all tone: a beep of 100 ms holds that many, wherever it begins
_LOUD = 32767
_QUIETEST = 150  # of 32767, root mean square: about -46 dBm0, under which nothing is listened to
_SHARE = 0.7  # of a frame's energy in one tone
_ROUGHEST = (
    0.8  # what of a frame cannot be foretold as a sine, at most: it rules noise and much of speech out in three microseconds
)
_APART = 1.35  # between the loudness of two frames of one beep
_BESIDE = 0.6  # how loud it may be just before a beep and just after it, of its own loudness
_AGGRESSIVE = 1  # of webrtcvad, 0 to 3: how sure it must be that it is speech
_OVER_FLOOR = 1.6  # times louder than the quietest of the last seconds: speech stands out, noise does not
_FLOOR_FRAMES = 150


class Voice:
    """Tells speech from silence and from steady noise."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(_AGGRESSIVE)
        self._levels: deque[int] = deque(maxlen=_FLOOR_FRAMES)

    def speaks(self, samples: bytes) -> bool:
        """Take 20 ms; returns whether somebody speaks in it."""
        level = audioop.rms(samples, 2)
        self._levels.append(level)
        speech = bool(self._vad.is_speech(samples, g711.RATE))
        return speech and level >= max(_QUIETEST, _OVER_FLOOR * min(self._levels))


class Beep:
    """Finds beeps: tones that begin and end beside something much quieter, which the vowels of a voice mostly do not."""

    def __init__(self) -> None:
        self._levels: deque[int] = deque(
            [_LOUD] * 3, maxlen=3
        )  # of the last frames, so that none begins before anything was heard
        self._hertz = 0.0
        self._level = 0
        self._before = 0  # how loud it was just before it began
        self._frames = 0
        self._missed = 0

    @property
    def sounds(self) -> bool:
        """Whether a beep sounds at this moment."""
        return self._frames >= SHORTEST and self._before <= _BESIDE * self._level

    def take(self, samples: bytes) -> bool:
        """Take 20 ms; returns whether a beep ended in it or just before it."""
        level = audioop.rms(samples, 2)
        hertz = tone(samples, level)
        ended = False
        if hertz is not None and self._frames and self._same(hertz, level):
            self._frames, self._missed = self._frames + 1, 0
        elif self.sounds and self._missed == 0:
            self._missed = 1  # half a frame of tone, or what the line did to it: the next one tells
        else:
            ended = self.sounds and level <= _BESIDE * self._level
            self._missed, self._frames = 0, 0 if hertz is None else 1
            self._hertz, self._level, self._before = hertz or 0.0, level, self._levels[-2]
        self._levels.append(level)
        return ended

    def _same(self, hertz: float, level: int) -> bool:
        louder, quieter = max(level, self._level), max(1, min(level, self._level))
        return abs(hertz - self._hertz) <= STEP and louder <= _APART * quieter


def tone(samples: bytes, level: int) -> float | None:
    """Return the frequency of the one tone a frame consists of, in Hz (to 25), None when it is something else."""
    if level < _QUIETEST or _roughness(samples, level) > _ROUGHEST:
        return None
    best, at = 0.0, 0.0
    total = float(level) * level
    for hertz, cosine, sine in _bank():
        share = (audioop.findfactor(samples, cosine) ** 2 + audioop.findfactor(samples, sine) ** 2) * _POWER / total
        if share > best:
            best, at = share, hertz
    return at if best >= _SHARE else None


def _roughness(samples: bytes, level: int) -> float:
    """Return how much of a sound is left when each sample is foretold from its neighbours as of a sine: 0 for one tone."""
    half = audioop.mul(samples, 2, 0.5)
    neighbours, middle = audioop.add(half[:-4], half[4:], 2), half[2:-2]
    factor = audioop.findfactor(neighbours, middle)
    left = audioop.add(neighbours, audioop.mul(middle, 2, -factor), 2)
    return 2 * audioop.rms(left, 2) / level


_WAVE = 16000
_POWER = _WAVE * _WAVE / 2


@cache
def _bank() -> tuple[tuple[float, bytes, bytes], ...]:
    """Return each frequency looked for with a frame of its cosine and of its sine."""
    found = []
    for hertz in range(LOWEST, HIGHEST + 1, STEP):
        turn = 2 * math.pi * hertz / g711.RATE
        waves = [array.array("h", (round(_WAVE * wave(turn * n)) for n in range(g711.FRAME))) for wave in (math.cos, math.sin)]
        found.append((float(hertz), waves[0].tobytes(), waves[1].tobytes()))
    return tuple(found)
