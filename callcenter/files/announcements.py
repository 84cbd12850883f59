"""Announcements: sounds the switch plays, kept as files under their own digest."""

import asyncio
import hashlib
import io
import wave
from pathlib import Path

from callcenter.db import UnitOfWork
from callcenter.errors import Invalid

LONGEST = 60  # seconds
_RATE, _SAMPLE_BYTES = 8000, 2
_LARGEST_FILE = LONGEST * _RATE * _SAMPLE_BYTES + 10_000


async def keep(uow: UnitOfWork, sound: bytes, field: str = "announcement") -> str:
    """Write a WAV file (8 kHz, 16 bit, mono) so that it is right whichever transaction wins; returns its name.

    Raises Invalid (`field`) for what is no such file, is cut off or too long.
    """
    _check(sound, field)
    name = f"{hashlib.sha256(sound).hexdigest()[:32]}.wav"
    await asyncio.to_thread(_write, uow.database.settings.announcements, name, sound)
    return name


def _check(sound: bytes, field: str) -> None:
    if len(sound) > _LARGEST_FILE:
        raise Invalid("An announcement lasts at most {seconds} seconds.", field=field, seconds=LONGEST)
    try:
        with wave.open(io.BytesIO(sound)) as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            frames = file.getnframes()
            whole = len(file.readframes(frames)) == frames * file.getnchannels() * file.getsampwidth()
    except (wave.Error, EOFError, RuntimeError) as error:
        raise Invalid("This is not a WAV file.", field=field) from error
    if form != (1, _SAMPLE_BYTES, _RATE):
        raise Invalid("The file must be WAV with 8000 samples a second, 16 bit, mono.", field=field)
    if not 0 < frames <= LONGEST * _RATE:
        raise Invalid("An announcement lasts at most {seconds} seconds.", field=field, seconds=LONGEST)
    if not whole:
        raise Invalid("The file is cut off: it holds less sound than it says.", field=field)


def _write(folder: Path, name: str, sound: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.part"
    partial.write_bytes(sound)
    partial.replace(folder / name)
