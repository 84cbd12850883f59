"""Greetings of people and of machines as espeak-ng speaks them, Polish and English, with beeps and noise, as carriers send them.

Needs espeak-ng (Debian: apt-get install espeak-ng). What comes out is A-law, 8 kHz, band-limited to 300-3400 Hz.
"""

import array
import audioop
import itertools
import math
import random
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telephony.media import g711

PEOPLE = {
    "pl": (
        "Halo?",
        "Słucham?",
        "Tak, słucham.",
        "No cześć.",
        "Dzień dobry, Kowalski, słucham.",
        "Halo, kto mówi?",
        "Biuro rachunkowe Nowak, dzień dobry, w czym mogę pomóc?",
    ),
    "en": (
        "Hello?",
        "Yes?",
        "Hello, John speaking.",
        "Hi, who is this?",
        "Smith residence.",
        "Good morning, this is Anna Brown.",
        "Acme Limited, good afternoon, how can I help you?",
    ),
}
MACHINES = {
    "pl": (
        "Dzień dobry, tu poczta głosowa. Abonent nie może teraz odebrać. Proszę zostawić wiadomość po sygnale.",
        "Cześć, tu Marek. Nie mogę teraz rozmawiać. Zostaw wiadomość po sygnale.",
        "Numer, z którym próbujesz się połączyć, jest czasowo niedostępny. Nagraj wiadomość po sygnale dźwiękowym.",
        "Dodzwoniłeś się do Anny Nowak. Nagraj się.",
    ),
    "en": (
        "Hello. You have reached the voice mail of John Smith. Please leave a message after the tone.",
        "Hi, it's Kate. I can't come to the phone right now, so leave me a message.",
        "The person you are calling is not available. Please record your message after the beep. When you are done, hang up.",
        "You have reached 555 0142. Leave a message.",
    ),
}
VOICES = {"pl": ("pl", "pl+f2", "pl+m3", "pl+f4"), "en": ("en-gb", "en-us+f3", "en-gb-scotland+m4", "en-us+m7")}
MANNERS = ((35, 140), (50, 170), (75, 200))  # pitch, words a minute
NOISE = (None, 20, 10, 5)  # dB of signal over white noise
BEEPS = ((440, 0.5), (1000, 0.3), (1400, 0.2), (850, 1.0), (1950, 0.12))  # Hz, seconds
LEVEL = 3000  # root mean square of speech, of 32767


@dataclass(frozen=True, slots=True)
class Sample:
    """What came over the line: `octets` of A-law. `beep_ends`: seconds, of a machine's beep; `said_ends`: of what was said."""

    kind: str
    text: str
    voice: str
    noise: int | None
    octets: bytes
    said_ends: float
    beep_ends: float | None = None


def samples(seed: int = 1) -> Iterator[Sample]:
    """Yield every greeting in every voice and manner, each with one beep and every noise; the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    beeps = itertools.cycle(BEEPS)
    for language in ("pl", "en"):
        for kind, texts in (("human", PEOPLE[language]), ("machine", MACHINES[language])):
            for text, voice, manner in itertools.product(texts, VOICES[language], MANNERS):
                said = _speak(text, voice, *manner)
                lead = chance.uniform(0.1, 0.9) if kind == "human" else chance.uniform(0.1, 1.2)
                beep = next(beeps) if kind == "machine" else None
                line, ends = _line(said, lead, beep, chance.uniform(0.2, 1.0))
                for noise in NOISE:
                    yield Sample(kind, text, voice, noise, _sent(line, noise, chance), lead + len(said) / g711.RATE, ends)


def _speak(text: str, voice: str, pitch: int, speed: int) -> np.ndarray:
    """Return what espeak-ng says at 8 kHz, at LEVEL, without the silence around it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        given = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "-w", str(path), text]
        subprocess.run(given, check=True, capture_output=True)  # noqa: S603 - our own words
        with wave.open(str(path), "rb") as file:
            rate, raw = file.getframerate(), file.readframes(file.getnframes())
    wide = np.frombuffer(raw, dtype="<i2").astype(float)
    power = np.fft.rfft(wide)
    hertz = np.fft.rfftfreq(len(wide), 1 / rate)
    power[(hertz < 300) | (hertz > 3400)] = 0
    narrow = np.fft.irfft(power, len(wide)).astype("<i2").tobytes()
    found = np.frombuffer(audioop.ratecv(narrow, 2, 1, rate, g711.RATE, None)[0], dtype="<i2").astype(float)
    loud = np.flatnonzero(np.abs(found) > 200)
    found = found[loud[0] : loud[-1] + 1]
    return found * (LEVEL / math.sqrt(float((found**2).mean())))


def _line(said: np.ndarray, lead: float, beep: tuple[int, float] | None, apart: float) -> tuple[np.ndarray, float | None]:
    """Return silence, what is said, a beep if any, and silence; and when the beep ends."""
    parts = [np.zeros(int(lead * g711.RATE)), said]
    ends = None
    if beep is not None:
        hertz, seconds = beep
        n = np.arange(int(seconds * g711.RATE))
        parts += [np.zeros(int(apart * g711.RATE)), 6000 * np.sin(2 * math.pi * hertz * n / g711.RATE)]
        ends = sum(len(each) for each in parts) / g711.RATE
    return np.concatenate([*parts, np.zeros(3 * g711.RATE)]), ends


def _sent(line: np.ndarray, noise: int | None, chance: random.Random) -> bytes:
    """Return it as A-law, under white noise so many dB quieter than speech."""
    if noise is not None:
        line = line + np.random.default_rng(chance.randrange(2**32)).normal(0, LEVEL / 10 ** (noise / 20), len(line))
    pcm = array.array("h", np.clip(line, -32767, 32767).astype(np.int16).tobytes()).tobytes()
    return g711.from_linear(pcm, "pcma")
