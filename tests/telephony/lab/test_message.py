"""Reading SIP messages: what is written comes back, and no datagram does anything but parse or be Malformed."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.lab.message import LARGEST, Malformed, Message, Uri, parse, respond, split_uri, tag_of, uri_of

INVITE = (
    b"INVITE sip:+48221000000@127.0.0.1:5060 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1;rport,SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0\r\n"
    b'From: "Anna; tag=no" <sip:+48500000101@127.0.0.1;user=phone>;tag=abc\r\n'
    b"t: <sip:+48221000000@127.0.0.1>\r\n"
    b"i: x@y\r\nCSeq: 7 INVITE\r\nSubject: one\r\n two\r\nl: 4\r\n\r\nv=0\nrest"
)


def test_a_message_with_compact_and_folded_headers_is_read() -> None:
    message = parse(INVITE)
    assert (message.method, message.uri, message.cseq, message.cseq_method) == (
        "INVITE",
        "sip:+48221000000@127.0.0.1:5060",
        7,
        "INVITE",
    )
    assert message.branch == "z9hG4bK1"
    assert message.first("subject") == "one two"
    assert message.body == b"v=0\n"
    assert tag_of(message.first("From")) == "abc"
    assert tag_of(message.first("To")) == ""


def test_what_is_written_reads_the_same() -> None:
    message = parse(INVITE)
    again = parse(message.encode())
    assert again == message


def test_a_response_carries_what_ties_it_to_its_request() -> None:
    response = respond(parse(INVITE), 180, "Ringing", "mine")
    assert parse(response.encode()).status == 180
    assert response.branch == "z9hG4bK1"
    assert tag_of(response.first("To")) == "mine"


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        INVITE[:40],
        INVITE.replace(b"CSeq: 7 INVITE", b"CSeq: 7 BYE"),
        INVITE.replace(b"CSeq: 7", b"CSeq: 99999999999"),
        INVITE.replace(b"CSeq: 7", b"CSeq: -7"),
        INVITE.replace(b"l: 4", b"l: 400"),
        INVITE.replace(b"l: 4", b"l: -4"),
        INVITE.replace(b"i: x@y\r\n", b""),
        INVITE.replace(b" SIP/2.0\r\nv", b" SIP/7.0\r\nv"),
        INVITE + b"x" * LARGEST,
        b"SIP/2.0 9999 Strange\r\n" + INVITE.partition(b"\r\n")[2],
    ],
)
def test_what_is_no_message_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data)


@given(st.binary(max_size=400), st.integers(0, len(INVITE)), st.integers(0, 30))
def test_damaged_messages_are_read_or_malformed_and_never_anything_else(noise: bytes, at: int, cut: int) -> None:
    with contextlib.suppress(Malformed):
        message = parse(INVITE[:at] + noise + INVITE[at + cut :])
        assert isinstance(parse(message.encode()), Message)


@given(st.text(max_size=60))
def test_any_header_value_can_be_asked_for_its_parts(value: str) -> None:
    tag_of(value)
    with contextlib.suppress(Malformed):
        split_uri(uri_of(value))


def test_uris_are_split() -> None:
    assert split_uri("sip:%2B48500000101;x=1@[::1]:5061;transport=udp") == Uri("+48500000101", "::1", 5061)
    assert split_uri("sip:127.0.0.1") == Uri("", "127.0.0.1", 0)
    with pytest.raises(Malformed):
        split_uri("tel:+48500000101")
