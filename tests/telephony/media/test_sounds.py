"""The beat, what is played on it, and sound files."""

import asyncio
import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from callcenter.errors import Invalid
from callcenter.phone import Quality, Sound
from telephony.legs import Frame, Law
from telephony.media import g711
from telephony.media.sounds import Clip, Player, Sounds
from telephony.media.ticker import SECONDS, Ticker
from tests.telephony.media.rig import loudness, strength, until


class Ear:
    """A port that keeps what is sent to it."""

    def __init__(self, law: Law = "pcma") -> None:
        self.law: Law = law
        self.on_frame: Callable[[Frame], None] | None = None
        self.on_digit: Callable[[str, int], None] | None = None
        self.tap: Callable[[Frame], None] | None = None
        self.heard = 0.0
        self.frames: list[Frame] = []

    def send(self, frame: Frame) -> None:
        self.frames.append(frame)

    def send_digits(self, digits: str) -> None:
        raise AssertionError(digits)

    def close(self) -> None:
        return

    def quality(self) -> Quality:
        return Quality()


def audio(clip: Clip, law: Law = "pcma") -> bytes:
    return b"".join(clip.frame(law, n) for n in range(clip.frames))


async def test_the_beat_keeps_to_the_clock_and_leaves_out_what_it_missed() -> None:
    ticker, ticks, loop = Ticker(), [], asyncio.get_running_loop()
    times = []

    def note(tick: int) -> None:
        ticks.append(tick)
        times.append(loop.time())

    ticker.add(note)
    ticker.start()
    ticker.start()
    await until(lambda: len(ticks) == 10)
    until_then = loop.time() + 0.15
    while loop.time() < until_then:  # the loop is held up
        pass
    held = len(ticks)
    await until(lambda: len(ticks) >= held + 5)
    ticker.stop()
    assert sorted(set(ticks)) == ticks
    assert ticks[held] - ticks[held - 1] >= 6  # left out, not made up for
    assert ticker.missed >= 5
    assert all((at - times[0]) / SECONDS > tick - ticks[0] - 1 for at, tick in zip(times, ticks, strict=True))
    stopped = len(ticks)
    await asyncio.sleep(0.05)
    assert len(ticks) == stopped


async def test_one_who_fails_does_not_silence_the_others() -> None:
    ticker = Ticker()
    ticks: list[int] = []

    def fail(tick: int) -> None:
        raise RuntimeError(tick)

    ticker.add(fail)
    ticker.add(ticks.append)
    ticker.start()
    await until(lambda: len(ticks) > 2)
    ticker.remove(fail)
    ticker.remove(fail)
    ticker.stop()


async def test_a_player_plays_in_the_ports_law_steadily_from_the_beginning() -> None:
    ticker, ear = Ticker(), Ear("pcmu")
    clip = Sounds().clip(Sound.MUSIC)
    player = Player(ticker, ear, clip)
    player.start()
    ticker.start()
    await until(lambda: len(ear.frames) >= 10)
    ear.law = "pcma"
    count = len(ear.frames)
    await until(lambda: len(ear.frames) >= count + 5)
    player.stop()
    player.stop()
    ticker.stop()
    first = ear.frames[0].timestamp
    numbers = [((frame.timestamp - first) & 0xFFFFFFFF) // 160 for frame in ear.frames]
    assert numbers == sorted(set(numbers))
    for place, (number, frame) in enumerate(zip(numbers, ear.frames, strict=True)):
        assert frame.payload == clip.frame("pcmu" if place < count else "pcma", number)
    assert [frame.marker for frame in ear.frames[:2]] == [True, False]


async def test_a_prompt_ends_and_says_so() -> None:
    ticker, ear, ended = Ticker(), Ear(), []
    Player(ticker, ear, Clip(bytes(320 * 4)), loop=False, on_end=lambda: ended.append(True)).start()
    ticker.start()
    await until(lambda: ended)
    ticker.stop()
    assert 1 <= len(ear.frames) <= 4


def test_ringback_in_poland_is_425_hz_one_second_on_and_four_off() -> None:
    sound = audio(Sounds("PL").clip(Sound.RINGBACK))
    assert len(sound) == 5 * 8000
    assert strength(sound[:8000], "pcma", 425) > 0.99
    assert loudness(sound[:8000], "pcma") > 2000
    assert loudness(sound[8000:], "pcma") < 20


def test_the_busy_tone_beats_and_silence_is_silent() -> None:
    sounds = Sounds("GB")
    busy = audio(sounds.clip(Sound.BUSY_TONE), "pcmu")
    assert strength(busy[:3000], "pcmu", 400) > 0.98
    assert loudness(busy[3000:], "pcmu") < 20
    assert loudness(audio(sounds.clip(Sound.SILENCE)), "pcma") < 20


def test_the_melody_is_music_and_does_not_clip() -> None:
    music = audio(Sounds().clip(Sound.MUSIC))
    samples = np.frombuffer(g711.to_linear(music, "pcma"), dtype=np.int16)
    assert len(music) >= 8000 * 10
    assert np.abs(samples).max() < 20000
    quiet = min(loudness(music[start : start + 4000], "pcma") for start in range(0, len(music) - 4000, 4000))
    assert quiet > 300
    assert abs(int(samples[0]) - int(samples[-1])) < 2000  # the loop has no click


def write(
    path: Path, rate: int, channels: int, hertz: float = 1000, width: int = 2, seconds: float = 1.0, second: float = 0
) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        for n in range(round(rate * seconds)):
            value = round(7000 * math.sin(2 * math.pi * hertz * n / rate) + (7000 * math.sin(2 * math.pi * second * n / rate)))
            sample = struct.pack("<h", value) if width == 2 else bytes([128 + value // 256]) * width
            file.writeframesraw(sample * channels)
    return path


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_wav_file_of_any_usual_rate_is_played_as_it_sounds(tmp_path: Path, rate: int, channels: int) -> None:
    clip = Clip.of_wav(write(tmp_path / "tone.wav", rate, channels))
    sound = audio(clip)
    assert 49 <= clip.frames <= 51
    assert strength(sound[:7200], "pcma", 1000) > 0.98
    assert 4000 < loudness(sound[800:7200], "pcma") < 5500


def test_what_is_above_4_khz_does_not_fold_into_the_sound(tmp_path: Path) -> None:
    clip = Clip.of_wav(write(tmp_path / "high.wav", 16000, 1, hertz=1000, second=6000))
    assert strength(audio(clip)[:7200], "pcma", 2000) < 0.01  # 8000 - 6000
    assert strength(audio(clip)[:7200], "pcma", 1000) > 0.98


def test_hold_music_may_be_a_file(tmp_path: Path) -> None:
    sounds = Sounds("PL", write(tmp_path / "hold.wav", 8000, 1, hertz=700))
    assert strength(audio(sounds.clip(Sound.MUSIC)), "pcma", 700) > 0.98


def test_other_files_are_refused_with_a_sentence(tmp_path: Path) -> None:
    text = tmp_path / "text.wav"
    text.write_bytes(b"this is no sound at all, whatever its name says")
    with pytest.raises(Invalid, match="not a WAV file"):
        Clip.of_wav(text)
    with pytest.raises(Invalid, match="cannot be read"):
        Clip.of_wav(tmp_path / "none.wav")
    with pytest.raises(Invalid, match="cannot be read"):
        Clip.of_wav(tmp_path)
    with pytest.raises(Invalid) as refused:
        Clip.of_wav(write(tmp_path / "eight.wav", 11025, 1, width=1))
    assert "1 channels of 8 bits at 11025 Hz" in str(refused.value)
    with pytest.raises(Invalid, match="holds no sound"):
        Clip.of_wav(write(tmp_path / "empty.wav", 8000, 1, seconds=0))
    whole = write(tmp_path / "whole.wav", 8000, 2)
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole.read_bytes()[:1001])
    assert Clip.of_wav(cut).frames >= 1
    cut.write_bytes(whole.read_bytes()[:30])
    with pytest.raises(Invalid, match="not a WAV file"):
        Clip.of_wav(cut)
