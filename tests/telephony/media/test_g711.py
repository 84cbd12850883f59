"""The two laws, against audioop."""

import audioop

from hypothesis import given
from hypothesis import strategies as st

from telephony.media import g711


@given(st.binary(max_size=400))
def test_the_tables_say_what_decoding_and_encoding_says(payload: bytes) -> None:
    assert g711.convert(payload, "pcmu", "pcma") == audioop.lin2alaw(audioop.ulaw2lin(payload, 2), 2)
    assert g711.convert(payload, "pcma", "pcmu") == audioop.lin2ulaw(audioop.alaw2lin(payload, 2), 2)


def test_a_payload_of_the_same_law_is_not_touched() -> None:
    payload = b"abc"
    assert g711.convert(payload, "pcma", "pcma") is payload


def test_linear_samples_survive_both_laws() -> None:
    for law, octet in (("pcmu", b"\x12"), ("pcma", b"\x34")):
        assert g711.from_linear(g711.to_linear(octet, law), law) == octet  # type: ignore[arg-type]


def test_silence_is_quieter_than_anything_heard() -> None:
    assert audioop.max(g711.to_linear(g711.silence("pcmu"), "pcmu"), 2) == 0
    assert audioop.max(g711.to_linear(g711.silence("pcma"), "pcma"), 2) <= 8
    assert len(g711.silence("pcma", 80)) == 80
