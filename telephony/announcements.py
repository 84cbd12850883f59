"""Announcements: a file played to one leg from start to end, after which the leg is hung up, at once or after a while.

They are read in the folder of announcements alone, under a safe name, off the loop. The web may be away meanwhile: the
switch finishes by itself.
"""

import asyncio
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

import structlog

from callcenter import phone
from callcenter.errors import Invalid
from telephony.legs import Frame, Port
from telephony.media import g711, wav
from telephony.media.sounds import Clip
from telephony.media.ticker import SECONDS, Ticker

log = structlog.get_logger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}\.wav")  # no folder, nothing hidden
_FRAME_MS = round(SECONDS * 1000)
_TAIL = bytes(2 * g711.RATE * 2 // 5)  # 0.4 s of silence: the far end's jitter buffer plays its last words before the BYE


class Recording(Clip):
    """What is announced, with a moment of silence after it; `milliseconds` is its length without that."""

    def __init__(self, samples: bytes) -> None:
        super().__init__(samples + _TAIL)
        self.milliseconds = len(samples) * 1000 // (2 * g711.RATE)


class Announcement:
    """An announcement to one leg: how far it is, whichever port the leg has. `linger_ms`: of silence after it."""

    def __init__(self, ticker: Ticker, over: Callable[[], None], linger_ms: int = 0) -> None:
        self._ticker, self._over = ticker, over
        self._linger = linger_ms // _FRAME_MS  # frames
        self.gave_way = False
        self._recording: Recording | None = None
        self._port: Port | None = None
        self._first = 0
        self._frames = 0  # sent so far
        self._timestamp = secrets.randbits(32)

    def start(self, recording: Recording) -> None:
        """Play it from the next tick on."""
        self._recording, self._first = recording, self._ticker.tick + 1
        self._ticker.add(self._tick)

    def plug(self, port: Port) -> None:
        """Go on on this port."""
        self._port = port

    def stop(self) -> None:
        """Fall silent. Safe to repeat."""
        self._ticker.remove(self._tick)

    def give_way(self) -> bool:
        """Stop for something else to be heard, if it may; returns whether it has (now, or before)."""
        if self._linger:
            self.gave_way = True
            self.stop()
        return self.gave_way

    @property
    def announced(self) -> phone.Announced:
        """How much was played so far."""
        length = self._recording.milliseconds if self._recording is not None else 0
        return phone.Announced(min(self._frames * _FRAME_MS, length), length)

    def _tick(self, tick: int) -> None:
        number = tick - self._first
        if self._recording is None or number >= self._recording.frames + self._linger:
            self.stop()
            self._over()
            return
        if self._port is None:
            return
        timestamp = (self._timestamp + number * g711.FRAME) & 0xFFFFFFFF
        if number >= self._recording.frames:
            self._port.send(Frame(g711.silence(self._port.law), timestamp))
            return
        self._port.send(Frame(self._recording.frame(self._port.law, number), timestamp, number == 0))
        self._frames = number + 1


class Announcements:
    """All that are being played, by leg, and the files they come from.

    `play(leg_id, announcement)` gives it the leg's port, `over(leg_id)` is told when it has been played or cannot be.
    """

    def __init__(
        self, folder: Path | None, ticker: Ticker, play: Callable[[str, Announcement], None], over: Callable[[str], None]
    ) -> None:
        self._folder, self._ticker, self._play, self._over = folder, ticker, play, over
        self._playing: dict[str, Announcement] = {}
        self._recordings: WeakValueDictionary[str, Recording] = WeakValueDictionary()  # as long as somebody hears them
        self._reading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def __contains__(self, leg_id: str) -> bool:
        """Tell whether a leg is announced to, or about to be."""
        return leg_id in self._playing and not self._playing[leg_id].gave_way

    def give_way(self, leg_id: str) -> bool:
        """Stop a leg's announcement for something else to be heard, if it may; returns whether it has."""
        return leg_id in self._playing and self._playing[leg_id].give_way()

    def begin(self, leg_id: str, name: str, linger_ms: int = 0) -> None:
        """Play the announcement `name` to a leg, once; until it is read the leg hears what it heard."""
        if leg_id in self:
            return
        announcement = self._playing[leg_id] = Announcement(self._ticker, lambda: self._over(leg_id), linger_ms)
        task = asyncio.get_running_loop().create_task(self._begin(leg_id, announcement, name), name=f"announcement {leg_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self, leg_id: str) -> phone.Announced | None:
        """Stop a leg's announcement and return how much of it was played, None when there was none."""
        announcement = self._playing.pop(leg_id, None)
        if announcement is None:
            return None
        announcement.stop()
        return announcement.announced

    def close(self) -> None:
        """Read no more files."""
        for task in self._tasks:
            task.cancel()

    async def _begin(self, leg_id: str, announcement: Announcement, name: str) -> None:
        try:
            recording = await self._recording(name)
        except Invalid as error:
            log.error("announcement.unplayable", leg=leg_id, name=name, reason=str(error))  # noqa: TRY400 - a sentence
            self._over(leg_id)
        except Exception:  # whatever it is, the customer must not hang on the line
            log.exception("announcement.failed", leg=leg_id, name=name)
            self._over(leg_id)
        else:
            if self._playing.get(leg_id) is announcement and not announcement.gave_way:
                log.info("announcement.begins", leg=leg_id, name=name, milliseconds=recording.milliseconds)
                announcement.start(recording)
                self._play(leg_id, announcement)

    async def _recording(self, name: str) -> Recording:
        """Return what a file holds, read once while it is heard; raises Invalid with a sentence."""
        async with self._reading:  # a whole office may drop at once
            recording = self._recordings.get(name)
            if recording is None:
                recording = self._recordings[name] = await asyncio.to_thread(_read, self._folder, name)
            return recording


def _read(folder: Path | None, name: str) -> Recording:
    if folder is None or not _NAME.fullmatch(name) or (folder / name).is_symlink():
        raise Invalid("This is not the name of an announcement.")
    return Recording(wav.load(folder / name))
