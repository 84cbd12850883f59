"""Who answered: tables of what people and machines do, and what always holds; speech and beeps in sound made here."""

import audioop
import math
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.phone import Listening
from telephony.lab import voice
from telephony.media import g711
from telephony.media.detection import FRAME_MS, Detector, Verdict
from telephony.media.hearing import Beep, Voice, tone

FRAME = 2 * g711.FRAME
SETTINGS = Listening()


def heard(*parts: tuple[int, bool]) -> list[bool]:
    """Return frames of speech (True) and silence, each for so many milliseconds."""
    return [voiced for milliseconds, voiced in parts for _ in range(milliseconds // FRAME_MS)]


def judged(frames: list[bool], settings: Listening = SETTINGS) -> Verdict | None:
    detector = Detector(settings)
    for voiced in frames:
        detector.take(voiced)
    return detector.verdict


TABLE = {
    "a short hello and silence": ((300, False), (400, True), (2000, False), Verdict("human", "pause", 1300)),
    "two words and silence": (
        (200, False),
        (300, True),
        (160, False),
        (400, True),
        (900, False),
        Verdict("human", "pause", 1660),
    ),
    "a long greeting": ((200, False), (5000, True), Verdict("machine", "greeting", 2600)),
    "a long greeting with short pauses": ((200, False), *[(500, True), (300, False)] * 5, Verdict("machine", "greeting", 2700)),
    "nothing at all": ((7000, False), Verdict("unknown", "time", 6000)),
    "a click and silence": ((200, False), (60, True), (6500, False), Verdict("unknown", "time", 6000)),
    "clicks are no words": (*[(60, True), (340, False)] * 20, Verdict("unknown", "time", 6000)),
    "speech after long silence": ((4000, False), (500, True), (800, False), Verdict("human", "pause", 5100)),
    "not enough yet": ((200, False), (500, True), (400, False), None),
}


@pytest.mark.parametrize("name", TABLE)
def test_people_say_little_and_wait_machines_go_on(name: str) -> None:
    *parts, verdict = TABLE[name]
    assert judged(heard(*parts)) == verdict  # type: ignore[arg-type]


def test_many_words_are_a_machine() -> None:
    settings = Listening(words=3, greeting_ms=60_000)
    verdict = judged(heard(*[(200, True), (200, False)] * 4), settings)
    assert verdict is not None
    assert (verdict.found, verdict.why) == ("machine", "words")
    assert judged(heard(*[(200, True), (200, False)] * 3), settings) is None


def test_silence_from_the_start_may_be_a_machine() -> None:
    assert judged(heard((3000, False)), Listening(silence_ms=2500)) == Verdict("machine", "silence", 2500)


def test_a_beep_is_a_machine() -> None:
    detector = Detector(SETTINGS)
    assert detector.take(False) is None
    assert detector.take(False, beep=True) == Verdict("machine", "beep", 40)
    assert detector.take(False) == Verdict("machine", "beep", 40), "what comes after the verdict changes nothing"


FRAMES = st.lists(st.tuples(st.integers(20, 1500), st.booleans()), max_size=30).map(lambda parts: heard(*parts))
ANY = st.builds(
    Listening,
    pause_ms=st.integers(100, 2000),
    greeting_ms=st.integers(300, 5000),
    words=st.integers(1, 20),
    word_ms=st.integers(0, 400),
    silence_ms=st.integers(0, 4000),
    most_ms=st.integers(300, 8000),
)


@given(FRAMES, ANY)
def test_there_is_one_verdict_in_time_and_what_is_said_of_it_is_so(frames: list[bool], settings: Listening) -> None:
    detector = Detector(settings)
    verdicts = [detector.take(voiced) for voiced in frames]
    found = [each for each in verdicts if each is not None]
    assert len(set(found)) <= 1
    if len(frames) * FRAME_MS >= settings.most_ms + FRAME_MS:
        assert found
    if found:
        verdict = found[0]
        assert verdict.at_ms == FRAME_MS * (verdicts.index(verdict) + 1)
        assert verdict.at_ms <= settings.most_ms + FRAME_MS
        spoken = FRAME_MS * sum(frames[: verdict.at_ms // FRAME_MS])
        if verdict.why == "silence":
            assert settings.silence_ms <= verdict.at_ms
        if verdict.why == "pause":
            assert not any(frames[verdict.at_ms // FRAME_MS - 3 : verdict.at_ms // FRAME_MS - 1]) or settings.word_ms > 40
            assert spoken > 0
        if verdict.why == "greeting":
            assert detector.greeting >= settings.greeting_ms


@given(FRAMES, ANY, st.integers(0, 2000))
def test_more_patience_for_a_greeting_never_makes_a_person_a_machine(frames: list[bool], settings: Listening, more: int) -> None:
    patient = Listening(settings.pause_ms, settings.greeting_ms + more, settings.words, settings.word_ms, 0, settings.most_ms)
    given_ = Listening(settings.pause_ms, settings.greeting_ms, settings.words, settings.word_ms, 0, settings.most_ms)
    before, after = judged(frames, given_), judged(frames, patient)
    if before is not None and before.found == "human":
        assert after == before


# --- sound ------------------------------------------------------------------------------------------------------------


def sine(hertz: float, milliseconds: int, loudness: int = 6000) -> bytes:
    count = milliseconds * 8
    return struct.pack(f"={count}h", *(round(loudness * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(count)))


def noise(milliseconds: int, loudness: float, seed: int = 1) -> bytes:
    chance = random.Random(seed)
    return struct.pack(f"={milliseconds * 8}h", *(round(chance.gauss(0, loudness)) for _ in range(milliseconds * 8)))


def quiet(milliseconds: int) -> bytes:
    return bytes(16 * milliseconds)


def mixed(one: bytes, other: bytes) -> bytes:
    size = min(len(one), len(other))
    return audioop.add(one[:size], other[:size], 2)


def beeps(pcm: bytes) -> list[int]:
    """Return when beeps were over, in milliseconds, after A-law."""
    pcm = g711.to_linear(g711.from_linear(pcm, "pcma"), "pcma")
    beep = Beep()
    frames = [pcm[start : start + FRAME] for start in range(0, len(pcm) - FRAME + 1, FRAME)]
    return [FRAME_MS * (n + 1) for n, frame in enumerate(frames) if beep.take(frame)]


@pytest.mark.parametrize("hertz", [410, 440, 633, 1000, 1004.5, 1400, 1850, 1990])
@pytest.mark.parametrize("offset", [0, 7])
@pytest.mark.parametrize("length", [100, 250, 1000])
def test_a_beep_is_found_whatever_its_tone_and_its_start(hertz: float, offset: int, length: int) -> None:
    found = beeps(quiet(300 + offset) + sine(hertz, length) + quiet(400))
    assert len(found) == 1
    assert 0 <= found[0] - (300 + offset + length) <= 60


def test_a_beep_is_found_in_noise() -> None:
    line = quiet(400) + sine(1000, 300) + quiet(400)
    assert len(beeps(mixed(line, noise(1100, 400)))) == 1


@pytest.mark.parametrize(
    "sound",
    [
        quiet(2000),
        noise(2000, 2000),
        mixed(sine(697, 300), sine(1209, 300)) + quiet(300),  # a key
        mixed(sine(440, 2000), sine(480, 2000)) + quiet(300),  # ringing in the US
        quiet(300) + sine(300, 500) + quiet(300),
        quiet(300) + sine(2500, 500) + quiet(300),
        quiet(300) + sine(1000, 50) + quiet(300),  # too short
        quiet(300) + sine(1000, 500, 100) + quiet(300),  # too quiet
        voice.greeting(120) + quiet(300),
        voice.greeting(210) + quiet(300),
    ],
)
def test_what_is_no_beep_is_taken_for_none(sound: bytes) -> None:
    assert beeps(sound) == []


@given(st.binary(min_size=FRAME, max_size=FRAME))
def test_a_tone_is_one_of_those_looked_for_or_none(samples: bytes) -> None:
    found = tone(samples, audioop.rms(samples, 2))
    assert found is None or 400 <= found <= 2000


def spoken(pcm: bytes) -> float:
    """Return the share of frames in which somebody speaks."""
    listening = Voice()
    frames = [pcm[start : start + FRAME] for start in range(0, len(pcm) - FRAME + 1, FRAME)]
    return sum(listening.speaks(frame) for frame in frames) / len(frames)


def test_speech_is_told_from_silence_and_steady_noise() -> None:
    assert spoken(quiet(3000)) == 0
    assert spoken(noise(3000, 1000)) < 0.05
    assert spoken(quiet(300) + voice.greeting(120)) > 0.4
    said = voice.greeting(210)
    assert spoken(mixed(quiet(500) + said, noise(600 + len(said) // 16, 300))) > 0.3
