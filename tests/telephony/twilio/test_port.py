"""Audio of a Media Stream: the messages, what is counted, what is thrown away."""

import asyncio
import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.legs import Frame
from telephony.media import dtmf
from telephony.twilio.port import MOST_LAG, StreamPort
from tests.telephony.waiting import until

SOUND = bytes(range(160))


class Wire:
    """A socket that keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.room = True
        self.closed = 0

    def write(self, message: bytes) -> bool:
        if self.room:
            self.sent.append(orjson.loads(message))
        return self.room

    def hang_up(self) -> None:
        self.closed += 1

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.sent if each["event"] == event]


def media(chunk: int, milliseconds: int, payload: bytes = SOUND) -> dict[str, Any]:
    body = {
        "track": "inbound",
        "chunk": str(chunk),
        "timestamp": str(milliseconds),
        "payload": base64.b64encode(payload).decode(),
    }
    return {"event": "media", "sequenceNumber": str(chunk + 1), "media": body, "streamSid": "MZ1"}


@given(st.binary(min_size=1, max_size=400))
def test_frames_go_out_as_they_are(payload: bytes) -> None:
    wire = Wire()
    port = StreamPort(wire, 'MZ"1')
    port.send(Frame(payload, 0))
    [sent] = wire.sent
    assert sent == {"event": "media", "streamSid": 'MZ"1', "media": {"payload": base64.b64encode(payload).decode()}}


def test_frames_come_in_with_their_time_and_are_counted() -> None:
    port, heard = StreamPort(Wire(), "MZ1"), list[Frame]()
    port.take(media(1, 20))  # nobody listens yet
    port.on_frame = heard.append
    port.take(media(2, 40))
    port.take(media(4, 80, b"\xff" * 80))
    port.take(media(5, 2**32 // 8 + 100))
    assert heard == [Frame(SOUND, 320), Frame(b"\xff" * 80, 640), Frame(SOUND, 800)]
    quality = port.quality()
    assert (quality.received, quality.lost, quality.sent, quality.law) == (4, 1, 0, "pcmu")


@pytest.mark.parametrize(
    "message", [{}, {"event": "media"}, {"event": "media", "media": {"payload": 1}}, [], None, media(1, 20) | {"media": {}}]
)
def test_what_is_no_message_is_told(message: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        StreamPort(Wire(), "MZ1").take(message)


def test_too_much_waiting_at_twilio_is_thrown_away() -> None:
    wire = Wire()
    port = StreamPort(wire, "MZ1")

    def send(frames: int) -> None:
        for _ in range(frames):
            port.send(Frame(SOUND, 0))

    most = MOST_LAG // 20
    send(50 + most)
    [first] = wire.of("mark")
    port.take(first)
    assert not wire.of("clear")
    send(50 + 1)
    port.take(wire.of("mark")[1])
    assert len(wire.of("clear")) == 1
    assert port.cleared == 1
    port.take(wire.of("mark")[-1])  # Twilio gives back what was pending
    port.take({"event": "mark", "mark": {"name": "never sent"}})
    assert len(wire.of("clear")) == 1


def test_frames_without_room_are_dropped_and_counted() -> None:
    wire = Wire()
    port = StreamPort(wire, "MZ1")
    wire.room = False
    port.send(Frame(SOUND, 0))
    assert (port.dropped, port.quality().sent) == (1, 0)


async def test_keys_go_out_as_tones_in_the_place_of_audio() -> None:
    wire = Wire()
    port = StreamPort(wire, "MZ1")
    port.send_digits("1?2")
    port.send(Frame(SOUND, 0))
    await until(lambda: len(wire.of("media")) == 2 * dtmf.TONE_PACKETS)
    tones = [base64.b64decode(each["media"]["payload"]) for each in wire.of("media")]
    assert tones == [*dtmf.tone("1", "pcmu"), *dtmf.tone("2", "pcmu")]
    await asyncio.sleep(0.1)
    port.send(Frame(SOUND, 0))
    assert len(wire.of("media")) == 2 * dtmf.TONE_PACKETS + 1
    port.close()


def test_keys_come_in_and_a_stop_is_told_once() -> None:
    wire = Wire()
    port, told = StreamPort(wire, "MZ1"), list[str]()
    port.on_digit = lambda digit, milliseconds: told.append(digit * (milliseconds > 0))
    port.on_stopped = lambda: told.append("stopped")
    port.on_lost = lambda: told.append("lost")
    for digit in ("7", "#", "?"):
        port.take({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": digit}})
    port.take({"event": "stop", "stop": {}})
    port.take({"event": "stop", "stop": {}})
    port.gone()
    assert told == ["7", "#", "stopped"]
    port.close()
    port.close()
    port.send(Frame(SOUND, 0))
    port.send_digits("1")
    assert wire.closed == 1
    assert not wire.of("media")
