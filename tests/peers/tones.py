"""Tones as WAV files, and which tone a recording holds (FFT)."""

import wave
from pathlib import Path

import numpy as np

RATE = 8000


def write(path: Path, hertz: float, seconds: float, *, rate: int = RATE) -> Path:
    """Write a sine of `hertz` at -10 dBFS as 16-bit mono; returns the path."""
    times = np.arange(int(rate * seconds)) / rate
    samples = (10_362 * np.sin(2 * np.pi * hertz * times)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def read(path: Path) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Read a mono WAV of 8 or 16 bits as values from -1 to 1, also one whose writer has not yet filled in its length."""
    data = path.read_bytes()
    at = data.index(b"data") + 8
    if int.from_bytes(data[34:36], "little") == 8:
        return (np.frombuffer(data[at:], np.uint8).astype(np.float64) - 128) / 128
    return np.frombuffer(data[at : at + (len(data) - at) // 2 * 2], "<i2").astype(np.float64) / 32768


def strongest(samples: "np.ndarray[tuple[int], np.dtype[np.float64]]", rate: int = RATE) -> float:
    """Return the frequency (Hz) that stands out, 0.0 for silence; the tone must hold most of the energy of the sound."""
    if len(samples) < rate // 4 or float(np.sqrt(np.mean(samples**2))) < 0.003:
        return 0.0
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    power[: int(50 * len(samples) / rate)] = 0
    peak = int(np.argmax(power))
    near = power[max(0, peak - 20) : peak + 21].sum()
    return peak * rate / len(samples) if near > 0.5 * power.sum() else 0.0


def heard(path: Path, hertz: float, *, seconds: float = 1.0, rate: int = RATE) -> bool:
    """Whether some `seconds` of a recording hold the tone `hertz` (within 1 %)."""
    samples = read(path)
    size = int(seconds * rate)
    starts = range(0, max(0, len(samples) - size) + 1, max(1, size // 2))
    return any(abs(strongest(samples[start : start + size], rate) - hertz) <= hertz / 100 for start in starts)
