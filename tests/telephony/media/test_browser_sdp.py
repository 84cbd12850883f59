"""Offers as browsers write them, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import Invalid
from telephony.media.browser_sdp import Answer, build_answer, parse_offer

FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)

# Chromium's, shortened to what matters: audio with everything it can, video and data in the same bundle.
CHROMIUM = f"""v=0
o=- 5116173216326 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=extmap-allow-mixed
a=msid-semantic: WMS stream
m=audio 54321 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 192.0.2.2
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1 1 udp 2122260223 192.0.2.2 54321 typ host generation 0 network-id 1
a=candidate:2 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active generation 0
a=ice-ufrag:sAvR
a=ice-pwd:dYmD4WpjyWLdcXvIWvQqHf4j
a=ice-options:trickle
a=fingerprint:{FINGERPRINT}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:stream track
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:1234 cname:x
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:1
a=rtpmap:96 VP8/90000
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:2
a=sctp-port:5000
"""

ANSWER = Answer(
    laws=("pcma", "pcmu"),
    ssrc=77,
    name="callcenter",
    username="abcd",
    password="e" * 22,
    fingerprints=(("sha-256", "CD:" * 31 + "CD"),),
    setup="active",
    candidates=("1 1 udp 1 127.0.0.1 5 typ host",),
)


def test_chromiums_offer_is_understood() -> None:
    offer = parse_offer(CHROMIUM.replace("\n", "\r\n"))
    assert (offer.index, offer.bundled, offer.setup, offer.lite) == (0, True, "actpass", False)
    assert (offer.username, offer.password) == ("sAvR", "dYmD4WpjyWLdcXvIWvQqHf4j")
    assert offer.laws == ("pcmu", "pcma")
    assert offer.event_type == 126
    assert len(offer.candidates) == 2


def test_the_answer_takes_the_audio_and_refuses_the_rest() -> None:
    lines = build_answer(parse_offer(CHROMIUM), ANSWER).split("\r\n")
    assert [line for line in lines if line.startswith("m=")] == [
        "m=audio 9 UDP/TLS/RTP/SAVPF 8 0 126",
        "m=video 0 UDP/TLS/RTP/SAVPF 96 97",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
    ]
    assert "a=group:BUNDLE 0" in lines
    assert [line for line in lines if line.startswith("a=rtpmap")] == [
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:126 telephone-event/8000",
    ]
    assert {"a=setup:active", "a=sendrecv", "a=rtcp-mux", "a=ssrc:77 cname:callcenter"} <= set(lines)
    assert parse_offer("\r\n".join(lines).replace("active", "actpass", 1)).laws == ("pcma", "pcmu")


def test_audio_need_not_come_first_nor_be_bundled() -> None:
    head, rest = CHROMIUM.split("m=audio", 1)
    audio, others = rest.split("m=video", 1)
    offer = parse_offer(
        head.replace("a=group:BUNDLE 0 1 2\n", "") + "m=video" + others + "m=audio" + audio.replace("sendrecv", "recvonly")
    )
    assert (offer.index, offer.bundled) == (2, False)
    answer = build_answer(offer, ANSWER)
    assert "BUNDLE" not in answer
    assert answer.index("m=video 0") < answer.index("m=audio 9")
    assert "a=sendonly" in answer


@pytest.mark.parametrize(
    ("offer", "sentence"),
    [
        ("", "not SDP"),
        ("v=0\nm=nonsense", "not SDP"),
        ("v=0\n" + "a=x\n" * 50000, "not SDP"),
        (CHROMIUM[: CHROMIUM.index("m=audio")], "no audio"),
        (CHROMIUM.replace("m=audio", "m=text"), "no audio"),
        (CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "no audio"),
        (CHROMIUM.replace(" 0 8 13", ""), "no G.711"),
        (CHROMIUM.replace("a=ice-pwd", "a=other"), "missing or damaged"),
        (CHROMIUM.replace("sAvR", "a:b"), "missing or damaged"),
        (CHROMIUM.replace(FINGERPRINT, "sha-256 AB"), "missing or damaged"),
        (CHROMIUM.replace("sha-256", "md5"), "missing or damaged"),
        (CHROMIUM.replace("actpass", "holdconn"), "missing or damaged"),
        (CHROMIUM.replace("a=mid:0\n", ""), "missing or damaged"),
    ],
)
def test_an_offer_that_lacks_something_is_refused_with_a_sentence(offer: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence) as refused:
        parse_offer(offer)
    assert refused.value.field == "sdp"


@given(st.data())
def test_no_damage_to_an_offer_breaks_anything_but_the_offer(data: st.DataObject) -> None:
    lines = CHROMIUM.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        lines[place] = data.draw(st.one_of(st.just(""), st.text(max_size=30), st.sampled_from(lines), st.just(lines[place][:-1])))
    try:
        offer = parse_offer("\n".join(lines))
    except Invalid:
        return
    answer = build_answer(offer, ANSWER)
    assert answer.count("\r\nm=") == len(offer.sections)
    assert all(line[1] == "=" for line in answer.split("\r\n")[:-1])
