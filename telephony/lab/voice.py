"""What demo customers say: a few sung syllables from a small formant synthesiser, and test tones. 8 kHz, 16 bit, mono.

Source and filter after Klatt, "Software for a cascade/parallel formant synthesizer" (1980), cut down to vowels and hiss.
"""

import array
import audioop
import math
import random
from functools import cache

from telephony.lab.sdp import Law

RATE = 8000
FRAME = 160  # samples in 20 ms
LISTENS = 4  # seconds before who presses a key does so
RECORDS = 30  # seconds an answering machine does after its beep
_FORMANTS = {  # centre frequencies in Hz of an average adult
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}
_BANDWIDTHS = (80, 100, 160)
_HISS = {"s": 0.5, "h": 0.2, "t": 0.4}
_GREETING = "ha lo     o tu mo i  se na mi ta ro e  la so ni u"  # hello, and a second for an answer: people do so, machines not
_MACHINE = "ha lo tu mo i  na se na to mi ro e la so  a be no ni to so  la mo i se na po to ni o te"
_ANNOUNCEMENT = "a be o na  e to ni se a so"
_PEAK = 12_000  # -8.7 dBFS: as loud as people speak on the phone


class _Resonator:
    """A two-pole resonator (Klatt's digital resonator)."""

    def __init__(self, hertz: float, bandwidth: float) -> None:
        radius = math.exp(-math.pi * bandwidth / RATE)
        self._b = 2 * radius * math.cos(2 * math.pi * hertz / RATE)
        self._c = -radius * radius
        self._a = 1 - self._b - self._c
        self._y1 = self._y2 = 0.0

    def step(self, value: float) -> float:
        y = self._a * value + self._b * self._y1 + self._c * self._y2
        self._y1, self._y2 = y, self._y1
        return y


def _syllable(consonant: str, vowel: str, pitch: float, noise: random.Random) -> list[float]:
    samples: list[float] = []
    if consonant in _HISS:
        samples += [noise.uniform(-1, 1) * _HISS[consonant] * 0.15 for _ in range(RATE // 14)]
    filters = [_Resonator(*pair) for pair in zip(_FORMANTS[vowel], _BANDWIDTHS, strict=True)]
    length = RATE // 5
    phase = 0.0
    for number in range(length):
        at = number / length
        phase += pitch * (1.06 - 0.12 * at) * (1 + 0.015 * math.sin(at * 12)) / RATE
        value = 0.0
        if phase >= 1:
            phase -= 1
            value = 1.0
        for each in filters:
            value = each.step(value)
        samples.append(value * min(1.0, at * 8, (1 - at) * 5))
    return samples


def _say(text: str, pitch: float) -> bytes:
    noise = random.Random(text)  # noqa: S311 - the hiss of an s, the same each time
    samples: list[float] = []
    for number, word in enumerate(text.split(" ")):
        if not word:
            samples += [0.0] * (RATE // 4)
            continue
        melody = pitch * (1.0, 1.12, 0.94, 1.05, 0.88)[number % 5]
        samples += _syllable(word[:-1], word[-1], melody, noise)
    loudest = max(abs(each) for each in samples)
    return array.array("h", (int(each / loudest * _PEAK) for each in samples)).tobytes()


@cache
def greeting(pitch: int) -> bytes:
    """Return a hello, a pause, and about three seconds of speech-like sound; `pitch` in Hz (about 120 a man, 210 a woman)."""
    return _say(_GREETING, pitch)


@cache
def recorded(pitch: int) -> bytes:
    """Return what an answering machine says before its beep: more than five seconds without a pause to answer in."""
    return _say(_MACHINE, pitch)


@cache
def machine(pitch: int) -> bytes:
    """Return an answering machine's greeting of more than five seconds, and its beep."""
    pause = bytes(RATE)  # half a second
    return recorded(pitch) + pause + tone(1000, 0.4) + pause


@cache
def announcement() -> bytes:
    """Return what a network says before the call is answered (early media)."""
    return _say(_ANNOUNCEMENT, 165)


@cache
def tone(hertz: int, seconds: float = 1.0) -> bytes:
    """Return a sine of `hertz` at -10 dBFS; a whole number of periods for every whole `hertz` and second."""
    return array.array(
        "h", (int(10_362 * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(int(RATE * seconds)))
    ).tobytes()


@cache
def frames(samples: bytes, law: Law) -> tuple[bytes, ...]:
    """Cut 16-bit samples into 20 ms frames of G.711; the last one is filled with silence."""
    encoded = audioop.lin2ulaw(samples, 2) if law == "pcmu" else audioop.lin2alaw(samples, 2)
    encoded += silence(law)[: -len(encoded) % FRAME]
    return tuple(encoded[at : at + FRAME] for at in range(0, len(encoded), FRAME))


def silence(law: Law) -> bytes:
    """Return 20 ms of silence."""
    return (b"\xff" if law == "pcmu" else b"\xd5") * FRAME


def linear(payload: bytes, law: Law) -> bytes:
    """Return 16-bit samples of some G.711."""
    return audioop.ulaw2lin(payload, 2) if law == "pcmu" else audioop.alaw2lin(payload, 2)


def level(samples: bytes) -> float:
    """Return how loud 16-bit samples are, in dB of full scale; -96 for silence."""
    return round(20 * math.log10(max(audioop.rms(samples, 2), 1) / 32_768), 1) if samples else -96.0


def pitch_of(samples: bytes) -> int:
    """Return the frequency of a clean tone in Hz, from its zero crossings; 0 when there is no sound."""
    if len(samples) < 4 or level(samples) < -50:
        return 0
    return round((audioop.cross(samples, 2) + 1) * RATE / len(samples))
