"""Accounts of the built-in carrier: the product's trunk and handsets, their passwords, and digest checks (RFC 2617, 7616)."""

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from pathlib import Path

from telephony.lab.message import Message

TRUNK = "callcenter"  # the account the product's trunk registers with
REALM = "callcenter.lab"
_FILE = "lab-accounts.json"
_NONCE_SECONDS = 3600
_FIELD = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')


def passwords(data_dir: Path) -> dict[str, str]:
    """Return {"trunk": ..., "handset": ...}, made on first use and kept in a file only its owner may read (0600)."""
    path = data_dir / _FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    fresh = {"trunk": secrets.token_urlsafe(18), "handset": secrets.token_urlsafe(18)}
    with os.fdopen(descriptor, "w") as file:
        json.dump(fresh, file)
    return fresh


def _read(path: Path) -> dict[str, str]:
    for _ in range(50):  # another process may have created it a moment ago and not written it yet
        text = path.read_text()
        if text:
            return {str(key): str(value) for key, value in json.loads(text).items()}
        time.sleep(0.02)
    raise ValueError(f"{path} is empty; delete it and start again.")


class Digest:
    """Challenges and checks credentials; nonces are ours, signed and dated, so nothing is stored per challenge."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def challenge(self, *, stale: bool = False) -> str:
        """Return a WWW-Authenticate or Proxy-Authenticate value; answers without qop (pyVoIP's) are taken too."""
        return f'Digest realm="{REALM}", nonce="{self._nonce(int(time.time()))}", algorithm=MD5, qop="auth"' + (
            ", stale=true" if stale else ""
        )

    def check(self, request: Message, value: str, password: str) -> str:
        """Check an Authorization value: returns "ok", "stale" (ask again) or "wrong"."""
        given = {name.lower(): quoted or plain for name, quoted, plain in _FIELD.findall(value)}
        if not self._ours(given.get("nonce", "")):
            return "stale"
        if given.get("realm") != REALM or given.get("algorithm", "MD5").upper() != "MD5":
            return "wrong"
        expected = response_for(given, given.get("username", ""), password, request.method)
        return "ok" if hmac.compare_digest(expected.encode(), given.get("response", "").lower().encode()) else "wrong"

    def _nonce(self, at: int) -> str:
        signature = hmac.new(self._key, str(at).encode(), hashlib.sha256).hexdigest()[:32]
        return f"{at:x}-{signature}"

    def _ours(self, nonce: str) -> bool:
        match = re.fullmatch(r"([0-9a-f]{1,12})-[0-9a-f]{32}", nonce)
        if not match:
            return False
        at = int(match.group(1), 16)
        return hmac.compare_digest(self._nonce(at), nonce) and 0 <= time.time() - at + 1 <= _NONCE_SECONDS


def username(value: str) -> str:
    """Return the user name of an Authorization value, "" when there is none."""
    return next((quoted or plain for name, quoted, plain in _FIELD.findall(value) if name.lower() == "username"), "")


def response_for(given: dict[str, str], user: str, password: str, method: str) -> str:
    """Compute the digest response (RFC 2617 3.2.2.1); `given` holds realm, nonce, uri and with qop also nc, cnonce."""
    secret = _md5(f"{user}:{given.get('realm', '')}:{password}")
    request = _md5(f"{method}:{given.get('uri', '')}")
    middle = given.get("nonce", "")
    if given.get("qop"):
        middle = f"{middle}:{given.get('nc', '')}:{given.get('cnonce', '')}:{given['qop']}"
    return _md5(f"{secret}:{middle}:{request}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
