"""What customers say and hear: voices, session descriptions, RTP with echo and keys."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable

import pytest

from telephony.lab import sdp, voice
from telephony.lab.audio import Audio, AudioClock


def test_voices_are_a_few_seconds_loud_enough_and_not_clipped() -> None:
    for pitch in (110, 220):
        spoken = voice.greeting(pitch)
        assert 2 < len(spoken) / 2 / voice.RATE < 6
        assert -32 < voice.level(spoken) < -9
    assert voice.greeting(110) != voice.greeting(220)


@pytest.mark.parametrize("law", ["pcma", "pcmu"])
def test_a_tone_survives_its_law(law: sdp.Law) -> None:
    frames = voice.frames(voice.tone(1000), law)
    assert {len(each) for each in frames} == {voice.FRAME}
    heard = voice.linear(b"".join(frames), law)
    assert abs(voice.pitch_of(heard) - 1000) <= 10
    assert voice.level(voice.linear(voice.silence(law), law)) < -70


def test_a_description_reads_as_it_was_written() -> None:
    media = sdp.read(sdp.write("127.0.0.1", 4000, ("pcma", "pcmu"), event=97, direction="sendonly"))
    assert media == sdp.Media("127.0.0.1", 4000, ("pcma", "pcmu"), 97, "sendonly")


def test_the_first_audio_stream_counts_whatever_stands_around_it() -> None:
    text = (
        "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\nc=IN IP4 10.0.0.9\r\n"
        "m=audio 4000 RTP/AVP 18 0\r\na=rtpmap:0 PCMU/8000\r\nm=audio 5000 RTP/AVP 8\r\na=sendonly\r\n"
    )
    assert sdp.read(text.encode()) == sdp.Media("10.0.0.1", 4000, ("pcmu",), None, "sendrecv")


@pytest.mark.parametrize("body", [b"", b"v=0\r\n", b"m=audio x RTP/AVP 0\r\n", b"m=audio 4000 RTP/AVP 0\r\n", b"\xff\xfe\x00"])
def test_no_audio_is_none(body: bytes) -> None:
    assert sdp.read(body) is None


@pytest.fixture
async def clock() -> AsyncIterator[AudioClock]:
    ticking = AudioClock()
    task = asyncio.create_task(ticking.run())
    yield ticking
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


async def joined(clock: AudioClock, law: sdp.Law) -> tuple[Audio, Audio]:
    """Return two customers who talk to each other."""
    one, two = await Audio.open("127.0.0.1", clock), await Audio.open("127.0.0.1", clock)
    for audio, other in ((one, two), (two, one)):
        assert audio.join(sdp.Media("127.0.0.1", other.port, (law,), 101, "sendrecv"), ("pcma", "pcmu")) == law
    return one, two


@pytest.mark.parametrize("law", ["pcma", "pcmu"])
async def test_one_hums_the_other_echoes(clock: AudioClock, law: sdp.Law) -> None:
    one, two = await joined(clock, law)
    two.echo()
    one.say(voice.tone(600), forever=True)
    await until(lambda: abs(two.heard()["hertz"] - 600) <= 6)
    await until(lambda: abs(one.heard()["hertz"] - 600) <= 6)
    one.close()
    two.close()


async def test_keys_arrive_once_each_and_in_order(clock: AudioClock) -> None:
    one, two = await joined(clock, "pcma")
    one.press("110*#D")
    await until(lambda: len(two.digits) >= 6)
    assert two.digits == "110*#D"
    one.close()
    two.close()


async def test_what_is_no_audio_of_ours_is_left_alone(clock: AudioClock) -> None:
    one, two = await joined(clock, "pcma")
    two.close()
    before = one.received
    for data in (b"", b"\x80", b"\x00" * 40, b"\x80\x12" + b"\x00" * 40, b"\x8f\x08" + b"\x00" * 12, b"\x80\x65" + b"\xff" * 10):
        one.datagram_received(data, ("127.0.0.1", 1))
    one.datagram_received(struct.pack("!BBHII", 0x80, 8, 1, 1, 1) + b"\xd5" * 160, ("10.9.8.7", 1))
    assert one.foreign == 1
    assert one.received - before <= 60  # at most what the other had sent already
    assert one.digits == ""
    one.close()
