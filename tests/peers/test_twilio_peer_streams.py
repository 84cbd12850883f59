"""Media streams of the peer: what an app sees on its socket, and what the customer hears."""

import itertools

import pytest

from tests.peers.twilio import PeerCall, TwilioPeer, sound
from tests.peers.twilio_app import CUSTOMER, OURS, App, Socket
from tests.telephony.waiting import until


@pytest.fixture
def app(app: App) -> App:
    app.documents["in"] = app.connect(token="one-time", leg="7") + "<Say>After</Say>"
    return app


async def streaming(peer: TwilioPeer, app: App) -> tuple[PeerCall, Socket]:
    call = peer.customer_calls(CUSTOMER, OURS)
    await until(lambda: app.sockets and app.sockets[0].audio)
    return call, app.sockets[0]


async def test_a_stream_begins_as_documented_and_carries_the_customers_voice(peer: TwilioPeer, app: App) -> None:
    peer.speaks(CUSTOMER, sound.tone(440))
    call, socket = await streaming(peer, app)
    await until(lambda: len(socket.audio) >= 5)
    assert [each["event"] for each in socket.events] == ["connected", "start"]
    assert socket.events[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    start = socket.events[1]
    assert start["sequenceNumber"] == "1"
    assert start["start"] == {
        "accountSid": peer.account_sid,
        "streamSid": start["streamSid"],
        "callSid": call.sid,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "one-time", "leg": "7"},
    }
    first = socket.media[0]
    assert (first["sequenceNumber"], first["media"]["track"], first["media"]["chunk"]) == ("2", "inbound", "1")
    stamps = [int(each["media"]["timestamp"]) for each in socket.media]
    assert [after - before for before, after in itertools.pairwise(stamps)] == [20] * (len(stamps) - 1)
    hum = sound.tone(440)
    assert socket.audio == [hum() for _ in socket.audio]


async def test_the_customer_hears_what_the_app_sends_and_a_mark_comes_back_when_it_was_heard(peer: TwilioPeer, app: App) -> None:
    call, socket = await streaming(peer, app)
    came: list[bytes] = []
    call.on_audio = came.append
    await socket.say(b"\x11" * 800)  # 100 ms in one message
    await socket.mark("said")
    assert not socket.of("mark")
    await until(lambda: socket.of("mark"))
    assert socket.of("mark")[0]["mark"] == {"name": "said"}
    assert list(call.heard).count(b"\x11" * 160) == 5
    assert came == [b"\x11" * 800]
    await until(lambda: call.hears() == "silence")
    frames = peer.frames()
    assert (frames["received"], frames["sent"] >= 5, frames["underruns"] > 0) == (5, True, True)


async def test_clear_forgets_what_was_not_heard_and_returns_its_marks(peer: TwilioPeer, app: App) -> None:
    call, socket = await streaming(peer, app)
    await socket.say(b"\x11" * 8000 * 60)
    await socket.mark("never heard")
    await until(lambda: call.hears() == "agent")
    await socket.clear()
    await until(lambda: socket.of("mark"))
    await until(lambda: call.hears() == "silence")
    assert call.streams[0].playback.milliseconds == 0


async def test_keys_go_to_the_app_and_tones_come_from_it(peer: TwilioPeer, app: App) -> None:
    call, socket = await streaming(peer, app)
    call.press("5#")
    await until(lambda: len(socket.of("dtmf")) == 2)
    assert [each["dtmf"] for each in socket.of("dtmf")] == [{"track": "inbound_track", "digit": each} for each in "5#"]
    for key in "1234567890*#ABCD1":
        await socket.say(sound.keys(key))
    await until(lambda: call.digits == "1234567890*#ABCD1")


async def test_a_stream_the_app_closes_goes_on_with_the_next_verb(peer: TwilioPeer, app: App) -> None:
    call, socket = await streaming(peer, app)
    await socket.socket.close()
    await call.over()
    assert (call.said, peer.alerts, call.status) == ([("Say", "After")], [], "completed")


async def test_a_customer_who_hangs_up_stops_the_stream(peer: TwilioPeer, app: App) -> None:
    call, socket = await streaming(peer, app)
    call.hang_up()
    await until(lambda: socket.over)
    (stop,) = socket.of("stop")
    assert stop["stop"] == {"accountSid": peer.account_sid, "callSid": call.sid}
    await until(lambda: app.told("/number") == ["completed"])
    assert socket.socket.close_code == 1000


async def test_what_becomes_of_a_stream_is_told_and_an_action_goes_on_after_it(peer: TwilioPeer, app: App) -> None:
    stream = f"<Stream url='{app.streams}' name='leg' statusCallback='{app.url}/told'/>"
    app.documents["in"] = f"<Connect action='/voice/after'>{stream}</Connect><Say>Never</Say>"
    app.documents["after"] = "<Say>After</Say>"
    call, socket = await streaming(peer, app)
    await socket.socket.close()
    await call.over()
    await until(lambda: app.told("/told", "StreamEvent") == ["stream-started", "stream-stopped"])
    assert (app.form("/told")["StreamName"], app.form("/told")["StreamSid"]) == ("leg", call.streams[0].sid)
    assert (call.said, app.forged) == ([("Say", "After")], [])


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/streams", "ws://127.0.0.1:9/streams?token=1"])
async def test_an_address_no_stream_may_have_is_noted(peer: TwilioPeer, app: App, url: str) -> None:
    app.documents["in"] = f"<Connect><Stream url='{url}'/></Connect>"
    call = peer.customer_calls(CUSTOMER, OURS)
    await call.over()
    assert [each.code for each in peer.alerts] == [11100]


async def test_a_socket_that_is_not_there_is_noted_and_the_call_goes_on(peer: TwilioPeer, app: App) -> None:
    app.documents["in"] = "<Connect><Stream url='ws://127.0.0.1:9/streams'/></Connect><Say>After</Say>"
    call = peer.customer_calls(CUSTOMER, OURS)
    await call.over()
    assert [each.code for each in peer.alerts] == [31920]
    assert call.said == [("Say", "After")]


async def test_a_socket_cut_in_the_middle_is_noted_and_the_call_goes_on(peer: TwilioPeer, app: App) -> None:
    peer.faults.cut_stream_after = 3
    call = peer.customer_calls(CUSTOMER, OURS)
    await call.over()
    assert [each.code for each in peer.alerts] == [31921]
    assert (len(app.sockets[0].audio), app.sockets[0].of("stop"), call.said) == (3, [], [("Say", "After")])


async def test_a_stream_that_connects_twice_gives_the_same_parameters_again(peer: TwilioPeer, app: App) -> None:
    peer.faults.stream_twice = app.close_second = True
    call, _ = await streaming(peer, app)
    await until(lambda: len(app.sockets) == 2)
    await until(lambda: call.replays[0].close_code is not None)
    assert call.replays[0].close_code == 1008
    assert (call.ended, peer.alerts) == (False, [])


async def test_what_is_no_message_of_a_stream_is_noted(peer: TwilioPeer, app: App) -> None:
    _, socket = await streaming(peer, app)
    await socket.socket.send_str('{"event":"media","streamSid":"MZother","media":{"payload":""}}')
    await socket.socket.send_str("{")
    await until(lambda: len(peer.alerts) == 2)
    assert {each.code for each in peer.alerts} == {31951}


async def test_a_sound_is_played(peer: TwilioPeer, app: App) -> None:
    app.files["chime.wav"] = sound.write_wav([0x11] * 800)
    app.documents["in"] = f"<Play>{app.url}/files/chime.wav</Play>"
    call = peer.customer_calls(CUSTOMER, OURS)
    await call.over()
    assert list(call.heard).count(b"\x11" * 160) == 5
