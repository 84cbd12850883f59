"""Which webhooks are taken for Twilio's."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from callcenter.phone import TwilioConfig, Webhook
from telephony.twilio import signatures

CONFIG = TwilioConfig(7, "t", "AC1", "secret", "https://calls.example", "wss://calls.example/streams")
FIELDS = st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=12)), max_size=8)


def signed(url: str, params: tuple[tuple[str, str], ...], token: str = "secret") -> str:
    form: dict[str, str] = dict(params)
    return str(RequestValidator(token).compute_signature(url, form))


@given(FIELDS)
def test_what_the_library_signs_is_genuine(params: list[tuple[str, str]]) -> None:
    once = tuple(dict(params).items())
    webhook = Webhook(7, "status", "leg=x", once, signed("https://calls.example/twilio/7/status?leg=x", once))
    assert signatures.genuine(CONFIG, webhook)
    assert signatures.sign(CONFIG, "status", "leg=x", once) == webhook.signature
    for wrong in (
        dataclasses.replace(webhook, path="voice"),
        dataclasses.replace(webhook, query="leg=y"),
        dataclasses.replace(webhook, params=(*once, ("More", "1"))),
        dataclasses.replace(webhook, signature=""),
        dataclasses.replace(webhook, signature=webhook.signature[:-2]),
        dataclasses.replace(webhook, signature="ł" + webhook.signature),
    ):
        assert not signatures.genuine(CONFIG, wrong)
    for other in (dataclasses.replace(CONFIG, auth_token="other"), dataclasses.replace(CONFIG, trunk_id=8)):
        assert not signatures.genuine(other, webhook)


def test_a_port_may_be_named_or_not() -> None:
    for url in ("https://calls.example/twilio/7/voice", "https://calls.example:443/twilio/7/voice"):
        assert signatures.genuine(CONFIG, Webhook(7, "voice", "", (), signed(url, ())))
    config = dataclasses.replace(CONFIG, public_url="https://calls.example:8443")
    for url in ("https://calls.example/twilio/7/voice", "https://calls.example:8443/twilio/7/voice"):
        assert signatures.genuine(config, Webhook(7, "voice", "", (), signed(url, ())))
    assert not signatures.genuine(CONFIG, Webhook(7, "voice", "", (), signed("https://calls.example:444/twilio/7/voice", ())))


def test_without_a_token_nothing_is_genuine() -> None:
    config = dataclasses.replace(CONFIG, auth_token="")
    webhook = Webhook(7, "voice", "", (), signed("https://calls.example/twilio/7/voice", (), ""))
    assert not signatures.genuine(config, webhook)


def test_a_field_that_comes_more_than_once_is_signed_with_each_value() -> None:
    params = (("a", "2"), ("a", "1"), ("b", "x"))
    url = "https://calls.example/twilio/7/text"

    class Form(dict[str, list[str]]):
        def getlist(self, name: str) -> list[str]:
            return self[name]

    signature = RequestValidator("secret").compute_signature(url, Form(a=["2", "1"], b=["x"]))
    assert signatures.genuine(CONFIG, Webhook(7, "text", "", params, signature))
