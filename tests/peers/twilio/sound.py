"""What is heard and said on a call: 8 kHz mu-law in frames of 20 ms (160 bytes)."""

import audioop
import io
import itertools
import math
import struct
import wave
from collections.abc import Callable, Sequence

FRAME = 160
SILENCE = b"\xff" * FRAME
Mouth = Callable[[], bytes]

_LOW, _HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_KEYS = ("123A", "456B", "789C", "*0#D")


def silence() -> bytes:
    """Say nothing."""
    return SILENCE


def tone(hertz: int) -> Mouth:
    """Hum at -10 dBFS without an end; whole periods fit a second."""
    samples = struct.pack("<8000h", *(int(10_362 * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(8000)))
    return repeat(audioop.lin2ulaw(samples, 2))


def repeat(ulaw: bytes) -> Mouth:
    """Say some mu-law over and over."""
    frames = itertools.cycle(cut(ulaw))
    return lambda: next(frames)


def cut(ulaw: bytes) -> list[bytes]:
    """Cut mu-law into frames; the last is filled with silence."""
    ulaw += SILENCE[: -len(ulaw) % FRAME]
    return [ulaw[at : at + FRAME] for at in range(0, len(ulaw), FRAME)]


def read_wav(data: bytes) -> list[bytes]:
    """Return the frames of a WAV file (16 bit, any rate, one or two channels); raises wave.Error, EOFError."""
    with wave.open(io.BytesIO(data)) as file:
        samples = file.readframes(file.getnframes())
        if file.getsampwidth() != 2:
            raise wave.Error("not 16 bit")
        if file.getnchannels() == 2:
            samples = audioop.tomono(samples, 2, 0.5, 0.5)
        if file.getframerate() != 8000:
            samples, _ = audioop.ratecv(samples, 2, 1, file.getframerate(), 8000, None)
    return cut(audioop.lin2ulaw(samples, 2))


class KeysHeard:
    """Finds keys (DTMF, ITU-T Q.23) in the frames a telephone hears: a tone pair of two frames or more is a key."""

    def __init__(self) -> None:
        self.digits = ""
        self._last = ""
        self._counted = False

    def hear(self, frame: bytes) -> None:
        """Take a frame."""
        key = key_in(frame)
        if key and key == self._last:
            if not self._counted:
                self.digits += key
                self._counted = True
        else:
            self._counted = False
        self._last = key


def key_in(frame: bytes) -> str:
    """Return the key whose two tones hold most of a frame's energy, "" for none (Goertzel)."""
    if frame.count(frame[0]) == len(frame):
        return ""
    samples = struct.unpack(f"<{len(frame)}h", audioop.ulaw2lin(frame, 2))
    energy = sum(each * each for each in samples)
    if energy < len(samples) * 500**2:
        return ""
    low = [_power(samples, hertz) for hertz in _LOW]
    high = [_power(samples, hertz) for hertz in _HIGH]
    strongest = max(low), max(high)
    if min(strongest) < 0.15 * energy or sum(strongest) < 0.7 * energy:
        return ""
    return _KEYS[low.index(strongest[0])][high.index(strongest[1])]


def _power(samples: tuple[int, ...], hertz: int) -> float:
    """Return the energy at a frequency, in the scale of the sum of squares."""
    coefficient = 2 * math.cos(2 * math.pi * hertz / 8000)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    return (last * last + before * before - coefficient * last * before) * 2 / len(samples)


def keys(digits: str, milliseconds: int = 100) -> bytes:
    """Return keys as mu-law tones of `milliseconds` with as much silence after each."""
    said = b""
    for digit in digits:
        row = next(n for n, line in enumerate(_KEYS) if digit in line)
        low, high = _LOW[row], _HIGH[_KEYS[row].index(digit)]
        count = 8 * milliseconds
        angles = [2 * math.pi * n / 8000 for n in range(count)]
        samples = [int(7000 * (math.sin(low * angle) + math.sin(high * angle))) for angle in angles]
        said += audioop.lin2ulaw(struct.pack(f"<{count}h", *samples), 2) + b"\xff" * count
    return said


def write_wav(ulaw: Sequence[int]) -> bytes:
    """Return some mu-law as a WAV file of 16 bit."""
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(8000)
        target.writeframes(audioop.ulaw2lin(bytes(ulaw), 2))
    return file.getvalue()
