"""Sound files: 16-bit WAV of the usual rates, brought to 8 kHz mono."""

import audioop
import math
import sys
import wave
from functools import cache
from pathlib import Path

from callcenter.errors import Invalid
from telephony.media import g711

RATES = (8000, 16000, 44100, 48000)
LONGEST_SECONDS = 600
_TAPS = 6  # of the low-pass, to each side, for every time the rate is divided


def load(path: Path) -> bytes:
    """Return a WAV file's sound as 16-bit samples, 8 kHz, mono; raises Invalid with a sentence."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate, count = file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()
            _check(path, channels, width, rate, count)
            samples = file.readframes(count)
    except OSError as error:
        raise Invalid("The sound file {path} cannot be read: {error}.", path=path, error=error.strerror or error) from error
    except (wave.Error, EOFError, RuntimeError) as error:
        raise Invalid("{path} is not a WAV file with 16-bit PCM sound.", path=path) from error
    samples = samples[: len(samples) // (2 * channels) * 2 * channels]  # a file cut off may end within a sample
    if not samples:
        raise Invalid("The sound file {path} holds no sound.", path=path)
    if sys.byteorder == "big":
        samples = audioop.byteswap(samples, 2)
    if channels == 2:
        samples = audioop.tomono(samples, 2, 0.5, 0.5)
    if rate == g711.RATE:
        return samples
    return audioop.ratecv(_low_pass(samples, rate), 2, 1, rate, g711.RATE, None)[0]


def _check(path: Path, channels: int, width: int, rate: int, count: int) -> None:
    if width != 2 or channels not in (1, 2) or rate not in RATES:
        raise Invalid(
            "The sound file {path} has {channels} channels of {bits} bits at {rate} Hz;"
            " mono or stereo, 16 bits, and 8, 16, 44.1 or 48 kHz can be played.",
            path=path,
            channels=channels,
            bits=8 * width,
            rate=rate,
        )
    if count > LONGEST_SECONDS * rate:
        raise Invalid("The sound file {path} is longer than {minutes} minutes.", path=path, minutes=LONGEST_SECONDS // 60)


@cache
def _weights(rate: int) -> tuple[float, ...]:
    """Return a windowed-sinc low-pass at 3.6 kHz, without which ratecv folds what is above 4 kHz into the sound."""
    reach = _TAPS * math.ceil(rate / g711.RATE)
    cut = 2 * 3600 / rate
    weights = []
    for n in range(-reach, reach + 1):
        sinc = cut if n == 0 else math.sin(math.pi * cut * n) / (math.pi * n)
        weights.append(sinc * (0.54 + 0.46 * math.cos(math.pi * n / (reach + 1))))
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def _low_pass(samples: bytes, rate: int) -> bytes:
    weights = _weights(rate)
    reach = len(weights) // 2
    wide = bytes(4 * reach) + audioop.lin2lin(samples, 2, 4) + bytes(4 * reach)
    size = 2 * len(samples)
    total = bytes(size)
    for n, weight in enumerate(weights):
        total = audioop.add(total, audioop.mul(wide[4 * n : 4 * n + size], 4, weight), 4)
    return audioop.lin2lin(total, 4, 2)
