"""The rules without a socket: outcomes, numbers, descriptions, addresses, credentials, who calls."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.phone import EndReason
from telephony.legs import Law
from telephony.sip import addresses, digest, identity, parsing, reasons, sdp
from telephony.sip.dialog import next_hop, untagged
from telephony.sip.numbers import Format, dialled_form, normalise
from telephony.sip.trunk import split_host

# --- reasons -----------------------------------------------------------------------------------------------------------


@given(st.integers(300, 699))
def test_every_refusal_has_an_outcome_that_is_not_an_answer(code: int) -> None:
    assert reasons.outcome(code) in set(EndReason) - {EndReason.COMPLETED, EndReason.CANCELLED}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (301, EndReason.UNREACHABLE),
        (403, EndReason.FAILED),
        (408, EndReason.NO_ANSWER),
        (410, EndReason.UNREACHABLE),
        (480, EndReason.NO_ANSWER),
        (486, EndReason.BUSY),
        (487, EndReason.NO_ANSWER),
        (488, EndReason.FAILED),
        (500, EndReason.FAILED),
        (600, EndReason.BUSY),
        (603, EndReason.REJECTED),
        (604, EndReason.UNREACHABLE),
        (608, EndReason.REJECTED),
    ],
)
def test_outcomes(code: int, reason: EndReason) -> None:
    assert reasons.outcome(code) is reason


@pytest.mark.parametrize("reason", list(EndReason))
def test_every_reason_can_refuse_a_caller(reason: EndReason) -> None:
    assert 400 <= reasons.refusal(reason)[0] < 700


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        (["SIP;cause=200"], ""),
        (['SIP;cause=200;text="Call completed elsewhere"'], "Call completed elsewhere"),
        (["Q.850;cause=17"], "User busy"),
        (["Q.850;cause=16", 'SIP ; text = "second"'], "second"),
        (["Q.850;cause=999"], ""),
        (['garbage;;;="'], ""),
    ],
)
def test_reason_headers_as_text(values: list[str], text: str) -> None:
    assert reasons.reason_text(values) == text


# --- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "region", "number"),
    [
        ("+48600100200", "PL", "+48600100200"),
        ("0048600100200", "PL", "+48600100200"),
        ("600100200", "PL", "+48600100200"),
        ("48600100200", "PL", "+48600100200"),
        ("600 100-200", "PL", "+48600100200"),
        ("tel:+48-600-100-200;isub=1", "PL", "+48600100200"),
        ("sip:600100200@example.com", "PL", "+48600100200"),
        ("%2B48600100200", "PL", "+48600100200"),
        ("03012345678", "DE", "+493012345678"),
        ("442079460000", "PL", "+442079460000"),
        ("112", "PL", "112"),
        ("202", "PL", "202"),
        ("*72", "PL", "*72"),
        ("", "PL", ""),
        ("anonymous", "PL", "anonymous"),
        ("ACME-Sales", "PL", "ACME-Sales"),
        ("9" * 30, "PL", "9" * 30),
        ("+12", "PL", "+12"),
    ],
)
def test_numbers_as_carriers_send_them(sent: str, region: str, number: str) -> None:
    assert normalise(sent, region) == number


@given(st.text(max_size=300))
def test_any_text_is_normalised_to_something_bounded(text: str) -> None:
    assert len(normalise(text, "PL")) <= 64


@pytest.mark.parametrize(
    ("number", "form", "region", "dialled"),
    [
        ("+48600100200", "plus", "PL", "+48600100200"),
        ("+48600100200", "bare", "PL", "48600100200"),
        ("+48600100200", "zeros", "PL", "0048600100200"),
        ("+48600100200", "national", "PL", "600100200"),
        ("+493012345678", "national", "DE", "03012345678"),
        ("+493012345678", "national", "PL", "00493012345678"),
        ("112", "plus", "PL", "112"),
        ("*72", "zeros", "PL", "*72"),
        ("+48 600-100-200", "plus", "PL", "+48600100200"),
    ],
)
def test_numbers_as_carriers_want_them(number: str, form: Format, region: str, dialled: str) -> None:
    assert dialled_form(number, form, region) == dialled


@given(st.integers(500_000_000, 899_999_999), st.sampled_from(["plus", "bare", "zeros"]))
def test_what_we_dial_is_read_back_as_the_same_number(national: int, form: Format) -> None:
    number = f"+48{national}"
    if normalise(str(national), "PL") == number:  # a valid one
        assert normalise(dialled_form(number, form, "PL"), "PL") == number


# --- descriptions ------------------------------------------------------------------------------------------------------

BOTH: tuple[Law, ...] = ("pcma", "pcmu")


def described(body: str, laws: tuple[Law, ...] = BOTH) -> sdp.Agreed:
    return sdp.agree(sdp.parse("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n" + body), laws)


@pytest.mark.parametrize(
    ("body", "laws", "law", "address", "port", "dtmf"),
    [
        ("c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n", BOTH, "pcmu", "192.0.2.1", 4000, None),
        ("c=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n", ("pcma",), "pcma", "192.0.2.1", 4000, None),
        (
            "m=audio 4000/2 RTP/AVP 18 8 96\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:96 telephone-event/8000\r\n",
            BOTH,
            "pcma",
            "2001:db8::1",
            4000,
            96,
        ),
        (
            "c=IN IP4 1.1.1.1\r\nm=audio 0 RTP/AVP 8\r\nm=audio 6 RTP/AVP 0\r\nc=IN IP4 2.2.2.2\r\n",
            BOTH,
            "pcmu",
            "2.2.2.2",
            6,
            None,
        ),
        (
            "c=IN IP4 host.example\r\nm=audio 6 RTP/AVPF 8 101\r\na=rtpmap:101 telephone-event/16000\r\n",
            BOTH,
            "pcma",
            "",
            6,
            None,
        ),
        ("c=IN IP4 1.1.1.1\r\nm=audio 6 RTP/AVP 0 8\r\na=rtpmap:0 G726-32/8000\r\n", BOTH, "pcma", "1.1.1.1", 6, None),
    ],
)
def test_what_two_descriptions_come_to(
    body: str, laws: tuple[Law, ...], law: str, address: str, port: int, dtmf: int | None
) -> None:
    agreed = described(body, laws)
    assert (agreed.law, agreed.address, agreed.port, agreed.dtmf) == (law, address, port, dtmf)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=0",
        "x=0\r\nm=audio 4000 RTP/AVP 8\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\nm=audio 99999 RTP/AVP 8\r\n",
        "v=0\r\nm=audio -1 RTP/AVP 8\r\n",
        "v=0\r\n" + "m=audio 4000 RTP/AVP 3\r\n" * 17,
        "v=0\r\n" + "a=x\r\n" * 700,
        "v=0\r\n" + "a" * 30_000,
        "v=0\r\nc=IN IP4 255.255.255.255\r\nm=audio 4000 RTP/AVP 8\r\n",
        "v=0\r\nm=audio ٤٠٠٠ RTP/AVP 8\r\n",
    ],
)
def test_a_useless_description_is_unusable(text: str) -> None:
    with pytest.raises(sdp.Unusable):
        sdp.agree(sdp.parse(text), BOTH)


@given(st.text(max_size=500))
def test_any_text_is_a_description_or_unusable(text: str) -> None:
    for each in (text, "v=0\r\n" + text, "v=0\r\nm=audio 4000 RTP/AVP 8 101\r\n" + text):
        try:
            agreed = sdp.agree(sdp.parse(each), BOTH)
        except sdp.Unusable:
            continue
        assert agreed.address == "" or ipaddress.ip_address(agreed.address)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
@pytest.mark.parametrize("laws", [("pcma",), ("pcmu",), ("pcma", "pcmu"), ("pcmu", "pcma")])
def test_our_offer_and_our_answer_are_understood(address: str, laws: tuple[Law, ...]) -> None:
    offered = sdp.parse(sdp.Local(address, 4000, 1).offer(laws))
    agreed = sdp.agree(offered, BOTH)
    assert (agreed.law, agreed.address, agreed.port, agreed.dtmf) == (laws[0], address, 4000, 101)
    back = sdp.agree(sdp.parse(sdp.Local(address, 5000, 2).answer(offered, agreed)), laws)
    assert (back.law, back.port, back.dtmf) == (laws[0], 5000, 101)


# --- addresses and hops ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "user", "host", "port"),
    [
        ('"Jan \\"K\\" Kowalski" <sip:+48600@h:5070;user=phone>;tag=1', 'Jan "K" Kowalski', "+48600", "h", 5070),
        ("sip:600@h;tag=1", "", "600", "h", 0),
        ("<tel:+48-600;phone-context=x>", "", "+48-600", "", 0),
        ("Plain Name <sips:u:pw@[2001:db8::1]:5061>", "Plain Name", "u", "[2001:db8::1]", 5061),
        ("<sip:%2B48600;npdi@h?Subject=x>", "", "+48600", "h", 0),
        ("<sip:h>", "", "", "h", 0),
    ],
)
def test_addresses(text: str, name: str, user: str, host: str, port: int) -> None:
    address = addresses.parse(text)
    assert address is not None
    assert (address.name, address.uri.user, address.uri.host, address.uri.port) == (name, user, host, port)


@given(st.text(max_size=200))
def test_any_text_is_an_address_or_none(text: str) -> None:
    addresses.parse(text)
    addresses.parse(f"<sip:{text}>")
    untagged(text)


@pytest.mark.parametrize(
    ("uri", "peer", "hop"),
    [
        ("sip:a@192.0.2.9:5070", ("192.0.2.1", 5060), ("192.0.2.9", 5070)),
        ("sip:a@192.0.2.9", ("192.0.2.1", 5099), ("192.0.2.9", 5060)),
        ("sip:a@10.0.0.9", ("8.8.8.8", 5099), ("8.8.8.8", 5099)),  # behind its NAT
        ("sip:a@name.example", ("192.0.2.1", 5060), ("192.0.2.1", 5060)),  # never a look-up
        ("sip:a@[2001:db8::1]", ("192.0.2.1", 5060), ("192.0.2.1", 5060)),
        ("sip:a@0.0.0.0", ("192.0.2.1", 5060), ("192.0.2.1", 5060)),
    ],
)
def test_where_a_request_goes(uri: str, peer: tuple[str, int], hop: tuple[str, int]) -> None:
    assert next_hop(addresses.parse_uri(uri), peer) == hop


@pytest.mark.parametrize(
    ("text", "found"),
    [("h", ("h", 5060)), ("h:5070", ("h", 5070)), ("[::1]:7", ("::1", 7)), ("::1", ("::1", 5060)), ("[::1]", ("::1", 5060))],
)
def test_host_settings(text: str, found: tuple[str, int]) -> None:
    assert split_host(text, 5060) == found


# --- credentials -------------------------------------------------------------------------------------------------------


def test_the_example_of_rfc_2617() -> None:
    challenge = digest.parse(
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    assert challenge is not None
    value = digest.credentials(challenge, "Mufasa", "Circle Of Life", "GET", "/dir/index.html")
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in value
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value


@pytest.mark.parametrize(
    "value",
    ["Basic realm=x", "", 'Digest realm="r"', 'Digest nonce="n", algorithm=AKAv1-MD5', 'Digest nonce="n", qop="auth-int"'],
)
def test_a_challenge_we_cannot_answer_is_none(value: str) -> None:
    assert digest.parse(value) is None


def test_the_stronger_challenge_is_answered() -> None:
    chosen = digest.strongest(['Digest nonce="a"', 'Digest nonce="b", algorithm=SHA-256', "Basic x"])
    assert chosen is not None
    assert chosen.nonce == "b"


@given(st.text(max_size=200))
def test_any_text_is_a_challenge_or_none(text: str) -> None:
    digest.parse(text)
    digest.parse(f"Digest {text}")


# --- who calls ---------------------------------------------------------------------------------------------------------

INVITE = (
    "INVITE sip:+48221234567@us SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nTo: <sip:t@us>\r\nCall-ID: 1\r\n"
    "CSeq: 1 INVITE\r\nContact: <sip:a@h>\r\n"
)


@pytest.mark.parametrize(
    ("headers", "trusted", "expected"),
    [
        (['From: "Jan" <sip:600100200@h>;tag=1'], False, ("+48600100200", "Jan", False)),
        (["From: <sip:1@h>;tag=1", "P-Asserted-Identity: <sip:600100200@h>"], False, ("1", "", False)),
        (
            ["From: <sip:1@h>;tag=1", 'P-Asserted-Identity: "Ola" <sip:600100200@h>, <tel:+48600100200>'],
            True,
            ("+48600100200", "Ola", False),
        ),
        (
            ["From: <sip:1@h>;tag=1", "P-Asserted-Identity: <sip:name@h>", "P-Asserted-Identity: <tel:+48600100200>"],
            True,
            ("+48600100200", "", False),
        ),
        (["From: <sip:600100200@h>;tag=1", "Privacy: id;critical"], False, ("", "", True)),
        (["From: <sip:600100200@h>;tag=1", "Privacy: none"], False, ("+48600100200", "", False)),
        (
            ['From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', "P-Asserted-Identity: <tel:+48600100200>"],
            True,
            ("", "", True),
        ),
        (["From: <sip:Restricted@h>;tag=1"], False, ("", "", True)),
        (["From: <sip:h>;tag=1"], False, ("", "", False)),
        (['From: "600100200" <sip:600100200@h>;tag=1'], False, ("+48600100200", "", False)),
        (["From: <sip:123@h>;tag=1"], False, ("123", "", False)),
        ([f"From: <sip:{'7' * 30}@h>;tag=1"], False, ("7" * 30, "", False)),
        (["From: <sip:ACME@h>;tag=1"], False, ("ACME", "", False)),
    ],
)
def test_who_calls(headers: list[str], trusted: bool, expected: tuple[str, str, bool]) -> None:
    request = parsing.read((INVITE + "\r\n".join(headers) + "\r\n\r\n").encode())
    assert tuple(identity.caller(request, trusted=trusted, region="PL")) == expected
