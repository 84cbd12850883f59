"""Passwords on disk and digest checks."""

from pathlib import Path

import pytest

from telephony.lab import accounts
from telephony.lab.accounts import Digest, passwords, response_for, username
from telephony.lab.message import Message


def test_passwords_are_made_once_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    first = passwords(tmp_path / "data")
    assert passwords(tmp_path / "data") == first
    assert first["trunk"] != first["handset"]
    assert (tmp_path / "data" / "lab-accounts.json").stat().st_mode & 0o777 == 0o600


def test_the_example_of_rfc_2617_comes_out() -> None:
    given = {
        "realm": "testrealm@host.com",
        "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "uri": "/dir/index.html",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "0a4f113b",
    }
    assert response_for(given, "Mufasa", "Circle Of Life", "GET") == "6629fae49393a05397450978507c4ef1"


def credentials(challenge: str, user: str, password: str, method: str, *, qop: bool) -> str:
    nonce = challenge.partition('nonce="')[2].partition('"')[0]
    given = {"realm": accounts.REALM, "nonce": nonce, "uri": "sip:lab"}
    if qop:
        given |= {"qop": "auth", "nc": "00000001", "cnonce": "c"}
    text = ", ".join(f'{name}="{value}"' for name, value in given.items())
    return f'Digest username="{user}", {text}, response="{response_for(given, user, password, method)}"'


@pytest.mark.parametrize("qop", [True, False])
def test_good_credentials_are_taken_and_others_are_not(qop: bool) -> None:
    digest = Digest()
    request = Message(method="REGISTER")
    challenge = digest.challenge()
    good = credentials(challenge, "callcenter", "right", "REGISTER", qop=qop)
    assert username(good) == "callcenter"
    assert digest.check(request, good, "right") == "ok"
    assert digest.check(request, good, "other") == "wrong"
    assert digest.check(Message(method="INVITE"), good, "right") == "wrong"
    assert Digest().check(request, good, "right") == "stale"
    assert digest.check(request, "Digest nonsense", "right") == "stale"
